"""Judge detections against KITTI object labels by mmdetection3d's evaluator: AP R40 of each class.

Arguments: folder of true labels, folders of detections (label files with a score column).
Prints {"frames": n, "<folder name>": {"<class>": {"bbox": [easy, moderate, hard], "bev": …}}}.
"""

# ruff: noqa: T201
import importlib
import importlib.util
import json
import sys
import types
from pathlib import Path

import numpy as np
from shapely.geometry import Polygon

CLASSES = ("Car", "Pedestrian", "Cyclist")


def rotate_iou(boxes, queries, criterion=-1):
    """The CUDA kernel's job: boxes (N, 5) of x, z, length, width, rotation_y."""
    first, second = [polygon(b) for b in boxes], [polygon(q) for q in queries]
    overlap = np.zeros((len(boxes), len(queries)), dtype=np.float32)
    for n, a in enumerate(first):
        for k, b in enumerate(second):
            shared = a.intersection(b).area
            whole = {-1: a.area + b.area - shared, 0: a.area, 1: b.area}.get(criterion, 1.0)
            overlap[n, k] = shared / whole
    return overlap


def polygon(box):
    x, z, length, width, angle = (float(v) for v in box)
    cos, sin = np.cos(angle), np.sin(angle)
    corners = [(a * length / 2, b * width / 2) for a, b in ((1, 1), (1, -1), (-1, -1), (-1, 1))]
    return Polygon([(x + cos * a + sin * b, z - sin * a + cos * b) for a, b in corners])


def evaluator():
    """`kitti_utils/eval.py` without the package around it, which would need torch."""
    root = Path(importlib.util.find_spec("mmdet3d").origin).parent
    package = types.ModuleType("kitti_utils")
    package.__path__ = [str(root / "evaluation/functional/kitti_utils")]
    overlap = types.ModuleType("kitti_utils.rotate_iou")
    overlap.rotate_iou_gpu_eval = rotate_iou
    sys.modules |= {"kitti_utils": package, "kitti_utils.rotate_iou": overlap}
    return importlib.import_module("kitti_utils.eval")


def annotations(path):
    """A label file as the evaluator takes it: dimensions in the order l, h, w."""
    rows = [line.split() for line in path.read_text().splitlines()]
    numbers = np.array([[float(v) for v in row[1:]] for row in rows]).reshape(len(rows), -1)
    return {
        "name": np.array([row[0] for row in rows]),
        "truncated": numbers[:, 0],
        "occluded": numbers[:, 1].astype(int),
        "alpha": numbers[:, 2],
        "bbox": numbers[:, 3:7],
        "dimensions": numbers[:, [9, 7, 8]],
        "location": numbers[:, 10:13],
        "rotation_y": numbers[:, 13],
        "score": numbers[:, 14] if numbers.shape[1] > 14 else np.ones(len(rows)),
    }


def main(truth, candidates):
    # The evaluator cannot take a frame without labels; nothing is detected there either.
    names = [p.name for p in sorted(truth.glob("*.txt")) if p.read_text().strip()]
    true = [annotations(truth / name) for name in names]
    kitti = evaluator()
    report = {"frames": len(names)}
    for found in candidates:
        detected = [annotations(found / name) for name in names]
        report[found.name] = {
            kind: judged(kitti, true, detected, number) for number, kind in enumerate(CLASSES)
        }
    print(json.dumps(report))


def judged(kitti, true, detected, number):
    least = np.array([[[0.7, 0.5, 0.5][number : number + 1]] * 3])
    results = kitti.do_eval(true, detected, [number], least, ["bbox", "aos", "bev", "3d"])
    scores = dict(zip(("bbox", "bev", "3d", "aos"), results[4:], strict=True))
    return {name: values[0, :, 0].tolist() for name, values in scores.items()}


if __name__ == "__main__":
    main(Path(sys.argv[1]), [Path(name) for name in sys.argv[2:]])
