"""Vehicles, walkers and collisions."""
