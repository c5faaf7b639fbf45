"""Reads a data set with datumaro; prints the boxes of every image as JSON.

Arguments: folder or file, datumaro's name of the format.
"""

# ruff: noqa: T201
import json
import sys

from datumaro import AnnotationType, Dataset

path, form = sys.argv[1:]
dataset = Dataset.import_from(path, form)
labels = dataset.categories()[AnnotationType.label]
images = {}
for item in dataset:
    boxes = [
        {"label": labels[box.label].name, "xywh": list(box.get_bbox()), **box.attributes}
        for box in item.annotations
        if box.type == AnnotationType.bbox
    ]
    images[f"{item.subset}/{item.id}"] = boxes
print("\n" + json.dumps(images, default=str))
