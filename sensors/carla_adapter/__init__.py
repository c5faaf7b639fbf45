"""CARLA measurements decoded once into right-handed records."""
