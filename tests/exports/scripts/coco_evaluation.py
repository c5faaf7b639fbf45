"""Judge detections against a COCO file by pycocotools. Argument: annotations folder and split.

Prints AP of perfect boxes, masks and keypoints, AP of wrong ones, and how far masks are from the
area and box that they claim.
"""

# ruff: noqa: T201
import contextlib
import io
import json
import sys
from pathlib import Path

from pycocotools import mask
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval


def precision(truth, detections, kind):
    judge = COCOeval(truth, truth.loadRes(detections), kind)
    # More objects than COCO's limit of 100 may be in one image.
    judge.params.maxDets = [20] if kind == "keypoints" else [1, 10, 1000]
    judge.evaluate()
    judge.accumulate()
    found = judge.eval["precision"][:, :, :, 0, -1]
    return float(found[found > -1].mean())


def detection(row, **changes):
    kept = {k: row[k] for k in ("image_id", "category_id", "bbox", "segmentation")}
    return {**kept, "score": 0.9, **changes}


def as_corners(row):
    x, y, width, height = row["bbox"]
    return [x, y, x + width, y + height]


def evaluate(folder, split):
    path = folder / f"instances_{split}.json"
    truth = COCO(str(path))
    rows = truth.dataset["annotations"]
    boxes = [{k: v for k, v in detection(r).items() if k != "segmentation"} for r in rows]
    corners = [b | {"bbox": as_corners(r)} for b, r in zip(boxes, rows, strict=True)]
    masks = [{k: v for k, v in detection(r).items() if k != "bbox"} for r in rows]
    people = COCO(str(folder / f"person_keypoints_{split}.json"))
    persons = people.dataset["annotations"]
    poses = [
        {k: r[k] for k in ("image_id", "category_id", "keypoints")} | {"score": 0.9}
        for r in persons
    ]
    swapped = [
        p
        | {
            "keypoints": [
                v
                for k in range(0, 51, 3)
                for v in (p["keypoints"][k + 1], p["keypoints"][k], p["keypoints"][k + 2])
            ]
        }
        for p in poses
    ]
    zero = COCO()
    zero.dataset = json.loads(path.read_text())
    for row in zero.dataset["annotations"]:
        row["id"] = 0
    zero.createIndex()
    return {
        "images": len(truth.dataset["images"]),
        "annotations": len(rows),
        "persons": len(persons),
        "box": precision(truth, boxes, "bbox"),
        "box_as_corners": precision(truth, corners, "bbox"),
        "mask": precision(truth, masks, "segm"),
        "keypoints": precision(people, poses, "keypoints"),
        "keypoints_swapped": precision(people, swapped, "keypoints"),
        "all_ids_zero": precision(zero, boxes, "bbox"),
        "area_off": max(abs(int(mask.area(r["segmentation"])) - r["area"]) for r in rows),
        "box_off": max(
            abs(a - b)
            for r in rows
            for a, b in zip(mask.toBbox(r["segmentation"]), r["bbox"], strict=True)
        ),
    }


if __name__ == "__main__":
    with contextlib.redirect_stdout(io.StringIO()):
        report = evaluate(Path(sys.argv[1]), sys.argv[2])
    print(json.dumps(report))
