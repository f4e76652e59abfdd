"""Notation, scores, keys and pieces: no files, no networks."""
