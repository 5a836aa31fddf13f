"""The AOD lab: does discovery find what was planted, say it consistently, and keep tenants apart?"""
