"""Who is next, and where the work runs."""
