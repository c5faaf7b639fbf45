"""Meshes of vehicles, walkers, props and scenery, made by code."""
