"""The lab suites: ordinary tests that speak HTTP contracts and answer keys, one folder per module under test."""
