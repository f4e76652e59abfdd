"""A score -> MIDI and sound."""
