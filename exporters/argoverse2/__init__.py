"""Argoverse 2 sensor dataset: feather tables, images, sweeps, vector maps; and their reader."""
