"""Sensor actors: attributes in, payload bytes out."""
