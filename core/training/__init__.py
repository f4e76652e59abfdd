"""Parsed notes -> weights. Keras lives here."""
