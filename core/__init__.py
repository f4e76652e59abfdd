"""Cadenza's musical half: notation, scores, training, sampling, sound and pictures. It knows no chat."""
