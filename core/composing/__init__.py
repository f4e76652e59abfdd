"""A request -> a composition."""
