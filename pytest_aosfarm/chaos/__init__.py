"""Faults in the calls between a test and the modules, decided by a pure function of who calls what."""
