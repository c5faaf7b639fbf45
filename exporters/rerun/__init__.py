"""Rerun: one recording per clip."""
