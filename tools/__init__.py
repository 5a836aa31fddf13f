"""Scripts that keep generated files true: run by hand, and by the tests that compare."""
