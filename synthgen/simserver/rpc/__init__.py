"""One function per CARLA call."""
