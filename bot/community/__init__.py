"""What members of a server share: the showcase, jams, the piece of the day, and the end of what is shown."""
