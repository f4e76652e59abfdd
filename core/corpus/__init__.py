"""Many files -> parsed notes and a report."""
