"""Occ3D-nuScenes: occupancy grids under nuScenes' sample tokens."""
