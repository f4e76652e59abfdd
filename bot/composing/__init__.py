"""The walk of a request, with its buttons and forms."""
