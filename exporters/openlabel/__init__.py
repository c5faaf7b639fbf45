"""ASAM OpenLABEL 1.0: one JSON file per clip, images and sweeps beside it."""
