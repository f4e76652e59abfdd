"""How anything is said and sent."""
