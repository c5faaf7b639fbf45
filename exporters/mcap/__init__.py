"""MCAP with Foxglove schemas: one file per clip."""
