"""Embedded modules: each does its module's real job in small, in a child process, on real loopback HTTP."""
