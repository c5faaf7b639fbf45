"""Kills a run's processes at random and checks that nothing was lost, doubled or broken."""
