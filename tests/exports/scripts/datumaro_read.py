"""Import a dataset by datumaro. Arguments: folder, format. Prints counts and a few annotations."""

# ruff: noqa: T201
import json
import sys
from collections import Counter

from datumaro.components.dataset import Dataset

dataset = Dataset.import_from(sys.argv[1], sys.argv[2])
labels = [label.name for label in dataset.categories()[next(iter(dataset.categories()))]]
counts = Counter()
kinds = Counter()
boxes = {}
for item in dataset:
    for annotation in item.annotations:
        kinds[annotation.type.name] += 1
        if annotation.label is not None:
            counts[labels[annotation.label]] += 1
        if annotation.type.name == "bbox":
            boxes.setdefault(item.id, []).append([float(v) for v in annotation.get_bbox()])
print(json.dumps({"items": len(dataset), "labels": counts, "kinds": kinds, "boxes": boxes}))
