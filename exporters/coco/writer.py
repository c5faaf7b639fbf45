"""Writes COCO: `images/<split>/` and `annotations/{instances,person_keypoints,panoptic}_<split>`.

Instances: the box is the visible one (x, y, width, height from the top-left corner), the mask is
RLE, `area` is the mask's. Keypoints: COCO's 17, of walkers that have a visible pixel, by joints of
the skeleton; pixel coordinates from the image's corner. Panoptic: a PNG for each image whose camera
has the semantic and the instance channel, id = R + 256 G + 65536 B; a thing's id is its `track_id`,
a stuff's 65536 plus CARLA's tag; pixels of objects that are left out, of no class, or of a car or
walker that is no object of the clip, are void (0). Ids start at 1.

Beyond COCO: `videos` with `video_id` and `frame_id` in each image and `instance_id` in each
annotation (unique in the export); `track_id` (the clip's), `occluded`, `truncated`, the amodal box
and the depth, where COCO's readers leave them alone.

Cannot express: 3D boxes, LiDAR, time and ego pose (images carry `clip_id`, `camera`,
`frame_index`). Every image of every camera is taken.

Source: COCO data format, https://cocodataset.org/#format-data
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from itertools import repeat
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np

from exporters.coco.documents import Documents
from exporters.export_clip import ExportClip, Row
from exporters.formats import ExportContext, Part, format_names
from synthgen.datatypes.calibration import MountedSensor
from synthgen.datatypes.taxonomy import CARLA_TAGS
from synthgen.geometry.arrays import U8, U16
from synthgen.store.image_codec import decode_counts

_EDGES: Final = ("x_min", "y_min", "x_max", "y_max")
_FIRST_STUFF: Final = 1 << 16
_PNG: Final = (cv2.IMWRITE_PNG_COMPRESSION, 1)
Words = Mapping[int, tuple[str, Row]]  # by track id: the word and the row of boxes2d


class Coco:
    """The format `coco`."""

    name = "coco"

    def export_clip(self, clip: ExportClip, folder: Path) -> Part:
        """Write the images of one clip; the part holds its rows.

        Raises:
            ConfigError: The rig has no camera with images.
        """
        clip.require(self.name, "camera")
        boxes: defaultdict[tuple[str, int], dict[int, tuple[str, Row]]] = defaultdict(dict)
        for row in clip.rows("boxes2d"):
            word = clip.word(row["category"]) if row["visible_px"] > 0 else None
            if word is not None:
                boxes[row["camera"], row["frame_index"]][row["track_id"]] = (word, row)
        keypoints = {
            (row["camera"], row["frame_index"], row["track_id"]): row
            for row in clip.rows("keypoints")
        }
        videos: list[dict[str, Any]] = []
        for sensor in clip.cameras():
            images = list(_images(clip, sensor, boxes, folder))
            for image in images:
                for item in image["annotations"]:
                    key = (sensor.name, image["frame_index"], item["track_id"])
                    if key in keypoints:
                        item |= _keypoints(keypoints[key])
            videos.append({"name": f"{clip.name}/{sensor.name}", "images": images})
        images = [image for video in videos for image in video["images"]]
        counts = {"images": len(images), "annotations": sum(len(i["annotations"]) for i in images)}
        return {"split": clip.split, "videos": videos, "counts": counts}

    def finish(self, parts: Iterable[Part], folder: Path, context: ExportContext) -> None:
        """Number images and annotations, and write the files of each split."""
        stuff = dict.fromkeys(word for word in context.names.tags.values() if word)
        with Documents(folder / "annotations", context.names.classes, tuple(stuff)) as documents:
            for part in parts:
                for video in part["videos"]:
                    documents.add(part["split"], video)
            documents.write({"description": f"synthgen dataset {context.dataset_name}"})


def _images(
    clip: ExportClip,
    sensor: MountedSensor,
    boxes: Mapping[tuple[str, int], Words],
    folder: Path,
) -> Iterator[dict[str, Any]]:
    """Write the images of one camera; their rows without ids."""
    assert sensor.camera is not None, "chosen for its camera"
    size = sensor.camera.camera.height_px, sensor.camera.camera.width_px
    pictures = folder / "images" / clip.split
    panoptic = folder / "annotations" / f"panoptic_{clip.split}"
    for path in (pictures, panoptic):
        path.mkdir(parents=True, exist_ok=True)
    for (frame_index, codec, content), twin in zip(
        clip.images(sensor.name), _twins(clip, sensor), strict=False
    ):
        words = boxes.get((sensor.name, frame_index), {})
        stem = f"{clip.clip_id}_{sensor.name}_{frame_index:05d}"
        name = f"{stem}.{'png' if codec == 'png' else 'jpg'}"
        (pictures / name).write_bytes(content)
        image: dict[str, Any] = {
            "file_name": name,
            "width": size[1],
            "height": size[0],
            "clip_id": clip.clip_id,
            "camera": sensor.name,
            "frame_index": frame_index,
            "annotations": [
                annotation(word, row, size) | {"instance_id": clip.index << 16 | row["track_id"]}
                for word, row in words.values()
            ],
        }
        if twin is not None:
            png, segments = panoptic_image(*twin, words)
            (panoptic / f"{stem}.png").write_bytes(png)
            image["panoptic"] = {"file_name": f"{stem}.png", "segments_info": segments}
        yield image


def _twins(clip: ExportClip, sensor: MountedSensor) -> Iterator[tuple[U16, U16] | None]:
    """Tags and track ids of each frame of a camera; None without end where it lacks a channel."""
    assert sensor.camera is not None, "chosen for its camera"
    if not {"semantic", "instance"} <= set(sensor.camera.channels):
        yield from repeat(None)
    tags, tracks = (clip.images(sensor.name, channel) for channel in ("semantic", "instance"))
    for (_, _, tag_image), (_, _, track_image) in zip(tags, tracks, strict=True):
        yield decode_counts(tag_image, sensor.name), decode_counts(track_image, sensor.name)


def annotation(word: str, row: Row, size_hw: tuple[int, int]) -> dict[str, Any]:
    """One annotation of a boxes2d row, still without ids.

    Args:
        word: COCO category.
        row: Row of boxes2d with at least one visible pixel.
        size_hw: Rows and columns of the image.
    """
    return {
        "category": word,
        "bbox": _bbox(row),
        "area": row["visible_px"],
        "segmentation": {"size": list(size_hw), "counts": row["mask_rle"]},
        "iscrowd": 0,
        "track_id": row["track_id"],
        "occluded": round(row["occluded_fraction"], 4),
        "truncated": round(row["truncated_fraction"], 4),
        "amodal_bbox": [row[f"amodal_{edge}_px"] for edge in _EDGES],
        "depth_m": row["depth_median_m"],
    }


def panoptic_image(
    semantic: U16, instance: U16, words: Words
) -> tuple[bytes, list[dict[str, Any]]]:
    """A panoptic PNG and its segments, with words in place of category ids.

    Args:
        semantic: (H, W) CARLA tags.
        instance: (H, W) track ids, 0 where there is no object.
        words: What is labelled in the image.
    """
    stuff = format_names(Coco.name).tags
    of_track = np.zeros(_FIRST_STUFF, dtype=np.uint32)
    of_tag = np.zeros(256, dtype=np.uint32)
    segments: list[dict[str, Any]] = []
    for track_id, (word, row) in words.items():
        of_track[track_id] = track_id
        segment = {"id": track_id, "category": word, "area": row["visible_px"]}
        segments.append(segment | {"bbox": _bbox(row), "iscrowd": 0})
    tags = np.where(instance == 0, semantic, 255).astype(np.uint8)
    areas = np.bincount(tags.ravel(), minlength=256)
    for tag, name in enumerate(CARLA_TAGS):
        word_of_tag = stuff[name]
        if areas[tag] == 0 or word_of_tag is None:
            continue
        of_tag[tag] = _FIRST_STUFF + tag
        x, y, width, height = cv2.boundingRect((tags == tag).astype(np.uint8))
        segment = {"id": _FIRST_STUFF + tag, "category": word_of_tag, "area": int(areas[tag])}
        segments.append(segment | {"bbox": [x, y, width, height], "iscrowd": 0})
    ids = of_track[instance] + of_tag[tags]
    done, content = cv2.imencode(".png", _bgr(ids), _PNG)
    assert done, "OpenCV encodes every 8-bit image"
    return content.tobytes(), segments


def _bgr(ids: Any) -> U8:
    return np.stack([ids >> 16 & 255, ids >> 8 & 255, ids & 255], axis=-1).astype(np.uint8)


def _bbox(row: Row) -> list[float]:
    left, top, right, low = (row[f"visible_{edge}_px"] for edge in _EDGES)
    return [left, top, right - left, low - top]


def _keypoints(row: Row) -> dict[str, Any]:
    """COCO's flat x, y, v of a row of keypoints; what is outside the image is 0, 0, 0."""
    places = np.reshape(row["xy_px"], (-1, 2))
    flat: list[float] = []
    for (x, y), visibility in zip(places.tolist(), row["visibility"], strict=True):
        flat += [round(x, 2), round(y, 2), visibility] if visibility else [0, 0, 0]
    return {"keypoints": flat, "num_keypoints": sum(v > 0 for v in row["visibility"])}


FORMAT: Final = Coco()
