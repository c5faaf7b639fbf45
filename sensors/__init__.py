"""Sensor rigs and the adapter from CARLA measurements to frames."""
