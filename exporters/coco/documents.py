"""The JSON files of a COCO export, written row by row: memory does not grow with the dataset."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self, TextIO

from exporters.splits import SPLITS

# COCO's person keypoints and the bones between them, of annotations/person_keypoints_val2017.json.
KEYPOINTS: Final = (
    *("nose", "left_eye", "right_eye", "left_ear", "right_ear", "left_shoulder"),
    *("right_shoulder", "left_elbow", "right_elbow", "left_wrist", "right_wrist", "left_hip"),
    *("right_hip", "left_knee", "right_knee", "left_ankle", "right_ankle"),
)
SKELETON: Final = (
    *([16, 14], [14, 12], [17, 15], [15, 13], [12, 13], [6, 12], [7, 13], [6, 7], [6, 8], [7, 9]),
    *([8, 10], [9, 11], [2, 3], [1, 2], [1, 3], [2, 4], [3, 5], [4, 6], [5, 7]),
)
PERSON: Final = "pedestrian"
_ARRAYS: Final = ("images", "videos", "instances", "person_keypoints", "panoptic")


class Documents:
    """Numbers what is added and keeps the rows of each split in files until `write`."""

    def __init__(self, folder: Path, things: Sequence[str], stuff: Sequence[str]) -> None:
        """Open the files.

        Args:
            folder: `annotations` of the export.
            things: Words of objects; their category ids are 1, 2, …
            stuff: Words of surfaces, numbered on.
        """
        self._folder = folder
        self._things = things
        self._ids = {word: k for k, word in enumerate((*things, *stuff), start=1)}
        self._rows = folder / ".rows"
        self._rows.mkdir(parents=True, exist_ok=True)
        self._files: dict[tuple[str, str], TextIO] = {
            (split, array): (self._rows / f"{split}_{array}").open("w+")
            for split in SPLITS
            for array in _ARRAYS
        }
        self._counts: Counter[tuple[str, str]] = Counter()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for file in self._files.values():
            file.close()
        shutil.rmtree(self._rows, ignore_errors=True)

    def add(self, split: str, video: dict[str, Any]) -> None:
        """Add the images of one camera of one clip, with their annotations."""
        video_id = self._add(split, "videos", {"name": video["name"]})
        for image in video["images"]:
            annotations = image.pop("annotations")
            panoptic = image.pop("panoptic", None)
            extra = {"video_id": video_id, "frame_id": image["frame_index"]}
            image_id = self._add(split, "images", image | extra)
            for row in annotations:
                row = {"image_id": image_id, "category_id": self._ids[row.pop("category")], **row}
                points = {k: row.pop(k) for k in ("keypoints", "num_keypoints") if k in row}
                own_id = self._add(split, "instances", row)
                if points:
                    self._write_row(split, "person_keypoints", {"id": own_id, **row, **points})
            if panoptic is not None:
                for segment in panoptic["segments_info"]:
                    segment["category_id"] = self._ids[segment.pop("category")]
                self._write_row(split, "panoptic", {"image_id": image_id, **panoptic})

    def write(self, info: dict[str, Any]) -> None:
        """Write the documents of every split that has images."""
        things = [{"id": self._ids[word], "name": word} for word in self._things]
        person = {"id": self._ids[PERSON], "name": PERSON, "supercategory": "person"}
        categories = {
            "instances": things,
            "person_keypoints": [person | {"keypoints": KEYPOINTS, "skeleton": SKELETON}],
            "panoptic": [
                {"id": k, "name": word, "isthing": int(word in self._things)}
                for word, k in self._ids.items()
            ],
        }
        for split in SPLITS:
            if not self._counts[split, "images"]:
                continue
            for kind, listed in categories.items():
                path = self._folder / f"{kind}_{split}.json"
                self._write_document(path, split, kind, {"info": info, "categories": listed})

    def _write_document(self, path: Path, split: str, kind: str, head: dict[str, Any]) -> None:
        with path.open("w") as file:
            file.write(json.dumps({**head, "licenses": []})[:-1])
            for key, array in (("images", "images"), ("videos", "videos"), ("annotations", kind)):
                file.write(f', "{key}": [')
                source = self._files[split, array]
                source.seek(0)
                shutil.copyfileobj(source, file)
                file.write("]")
            file.write("}\n")

    def _add(self, split: str, array: str, row: dict[str, Any]) -> int:
        """Write a row with the next id, counted from 1: COCO's evaluation takes 0 for "none"."""
        number = self._counts[split, array] + 1
        self._write_row(split, array, {"id": number, **row})
        return number

    def _write_row(self, split: str, array: str, row: dict[str, Any]) -> None:
        comma = ",\n" if self._counts[split, array] else ""
        self._files[split, array].write(comma + json.dumps(row))
        self._counts[split, array] += 1
