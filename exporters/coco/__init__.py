"""COCO detection: images, boxes, masks."""
