"""What is kept, and the way to it."""
