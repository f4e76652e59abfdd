"""Which models there are, and whose they are."""
