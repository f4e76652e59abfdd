"""A score -> pictures; a history -> its curve."""
