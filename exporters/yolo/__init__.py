"""YOLO detection: images, normalised boxes and `data.yaml`."""
