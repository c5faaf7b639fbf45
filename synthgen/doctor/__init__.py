"""Checks of this machine and of a simulator host."""
