"""What a process owes the one who started it: limits, messages, an end; and its terminal."""
