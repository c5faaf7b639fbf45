"""KITTI raw: recordings by date and drive, with tracklets."""
