"""The memory of the team: what happened in a test run, kept so that no dead process or database loses it."""
