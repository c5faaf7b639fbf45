"""Ray tracing: cameras, LiDAR and radar from one Embree scene."""
