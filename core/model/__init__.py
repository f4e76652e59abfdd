"""What a network hears, a model on disk, its steps without TensorFlow, and its description."""
