"""The modules under test: what they are called, what they promise, and clients that hold them to it."""
