"""The whole bot on a local page, without a Discord account."""
