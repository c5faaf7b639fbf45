"""KITTI tracking: sequences with track ids."""
