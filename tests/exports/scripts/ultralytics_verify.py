"""Checks a YOLO data set with Ultralytics; prints its complaints and boxes in pixels as JSON.

Argument: data.yaml.
"""

# ruff: noqa: T201
import json
import sys
from pathlib import Path

from ultralytics.data.utils import (
    IMG_FORMATS,
    check_det_dataset,
    img2label_paths,
    verify_image_label,
)

data = check_det_dataset(sys.argv[1], autodownload=False)
faults = []
images = {}
for split in ("train", "val"):
    for path in sorted(Path(data[split]).iterdir()):
        if path.suffix[1:].lower() not in IMG_FORMATS:
            faults.append(f"{path}: no image")
            continue
        label = img2label_paths([str(path)])[0]
        task = (str(path), label, "", False, len(data["names"]), 0, 0, False)
        _, boxes, shape, segments, _, _, _, _, corrupt, message = verify_image_label(task)
        if corrupt or message or segments:
            faults.append(f"{path.name}: {message or 'polygons'}")
            continue
        height, width = shape
        images[path.stem] = [
            [
                float(row[0]),
                (float(row[1]) - float(row[3]) / 2) * width,
                (float(row[2]) - float(row[4]) / 2) * height,
                (float(row[1]) + float(row[3]) / 2) * width,
                (float(row[2]) + float(row[4]) / 2) * height,
            ]
            for row in boxes
        ]
print(json.dumps({"names": data["names"], "images": images, "faults": faults}))
