"""The bytes of one file -> its pieces, within a budget."""
