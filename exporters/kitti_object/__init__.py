"""KITTI object detection: images, LiDAR, calibration, labels."""
