"""The embedded CARLA-compatible server: another program, reached over TCP."""
