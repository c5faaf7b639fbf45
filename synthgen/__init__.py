"""Synthetic driving data through the real CARLA client."""
