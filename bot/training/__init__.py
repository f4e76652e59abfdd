"""The walk of a training, from attachments to Try it, with its buttons and news."""
