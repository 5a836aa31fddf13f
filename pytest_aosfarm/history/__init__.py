"""What recorded runs say: comparisons, baselines, flaky and broken tests, trends, aliases and retention."""
