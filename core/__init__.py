"""Cadenza's musical half: notation, scores, learning, sampling, sound and pictures. It knows no chat."""
