"""Rigid transforms, cameras and cuboids in right-handed frames."""
