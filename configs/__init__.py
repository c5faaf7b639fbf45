"""Configuration files shipped with synthgen."""
