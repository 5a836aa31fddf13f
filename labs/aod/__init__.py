"""The AOD lab: discovery finds what was planted, says it consistently, and keeps tenants apart."""
