"""What the KITTI formats share: label rows, calibration lines, the sensors they take."""
