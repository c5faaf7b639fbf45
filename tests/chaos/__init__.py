"""Programs that kill, fail and lie, and what must hold all the same."""
