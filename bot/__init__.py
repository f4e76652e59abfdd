"""Cadenza in the chat: Discord on one side, core on the other, no music in between."""
