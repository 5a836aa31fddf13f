"""The independent cross-check: the verdicts of a snapshot derived again, from AOD's rules alone."""
