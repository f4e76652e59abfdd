"""What members of a server share: the showcase, and the end of what is shown."""
