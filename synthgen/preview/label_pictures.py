"""`python -m synthgen.preview.label_pictures CLIP_FOLDER OUT_FOLDER`: one picture per label type.

The pictures of `docs/labels.md` are made by this command.
"""

from __future__ import annotations

import argparse
import zlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np

from synthgen.errors import DatasetError, OutputError
from synthgen.geometry.arrays import F64, U8, Bool
from synthgen.geometry.camera import PinholeCamera
from synthgen.geometry.cuboid import EDGES, Cuboid
from synthgen.geometry.se3 import SE3
from synthgen.preview.palette import BACKGROUND, EGO, TEXT, Colour, colour_of
from synthgen.store.clip_reader import ClipReader

Row = Mapping[str, Any]
_NEAR_M: Final = 0.1
_TOP_PX: Final = 480  # side of the pictures seen from above
_TOP_M: Final = 80.0
_BEV_COLOURS: Final = (
    (1, (88, 92, 98)),
    (16, (120, 116, 100)),
    (8, (205, 205, 160)),
    (2, (60, 120, 120)),
    (4, (235, 235, 235)),
    (256, (150, 160, 170)),
    (32, (64, 156, 255)),
    (128, (255, 180, 60)),
    (64, (255, 70, 90)),
)
# CARLA's own palette of semantic tags (LibCarla, image/CityScapesPalette.h), tags 0 to 28.
_TAG_COLOURS: Final = np.array(
    [
        (0, 0, 0), (128, 64, 128), (244, 35, 232), (70, 70, 70), (102, 102, 156),
        (190, 153, 153), (153, 153, 153), (250, 170, 30), (220, 220, 0), (107, 142, 35),
        (152, 251, 152), (70, 130, 180), (220, 20, 60), (255, 0, 0), (0, 0, 142),
        (0, 0, 70), (0, 60, 100), (0, 80, 100), (0, 0, 230), (119, 11, 32),
        (110, 190, 160), (170, 120, 50), (55, 90, 80), (45, 60, 150), (227, 227, 227),
        (81, 0, 81), (150, 100, 100), (230, 150, 140), (180, 165, 180),
    ],
    dtype=np.uint8,
)  # fmt: skip
# Limbs between COCO keypoints (https://cocodataset.org/#keypoints-2020, "skeleton").
_LIMBS: Final = (
    (15, 13), (13, 11), (16, 14), (14, 12), (11, 12), (5, 11), (6, 12), (5, 6), (5, 7), (6, 8),
    (7, 9), (8, 10), (1, 2), (0, 1), (0, 2), (1, 3), (2, 4), (3, 5), (4, 6),
)  # fmt: skip


class _Scene:
    """One frame of one clip, with its labels at hand."""

    def __init__(self, clip: ClipReader, version: str | None) -> None:
        self.clip, self.version = clip, version
        self.sensor = clip.calibration.of_modality("camera")[0]
        self.index = self._telling_frame()
        self.frame = clip.frames[self.index]
        images = clip.camera_frames(self.sensor.name)
        self.image = next(image for image in images if image.frame_index == self.frame.frame_index)

    def rows(self, table: str) -> list[Row]:
        """All rows of a label table."""
        rows: list[Row] = self.clip.label_table(table, self.version).to_pylist()
        return rows

    def here(self, table: str) -> list[Row]:
        """The rows of this frame, and of its camera where there are several."""
        return [
            row
            for row in self.rows(table)
            if row["frame_index"] == self.frame.frame_index
            and row.get("camera", self.sensor.name) == self.sensor.name
        ]

    @property
    def bgr(self) -> U8:
        """The picture in OpenCV's order."""
        if self.image.rgb is None:
            raise DatasetError(f"{self.clip.folder}: camera {self.sensor.name} has no rgb")
        return np.ascontiguousarray(self.image.rgb[..., ::-1])

    @property
    def camera(self) -> PinholeCamera:
        """Intrinsics of the pictured camera."""
        assert self.sensor.camera is not None, "chosen among cameras"
        return self.sensor.camera.camera

    def _telling_frame(self) -> int:
        """The capture in which most joints are seen, hidden boxes breaking ties."""
        score = np.zeros(len(self.clip.frames))
        place = {frame.frame_index: k for k, frame in enumerate(self.clip.frames)}
        for row in self.rows("keypoints"):
            score[place[row["frame_index"]]] += row["visibility"].count(2)
        for row in self.rows("boxes2d"):
            score[place[row["frame_index"]]] += 2.0 * (0.1 < row["occluded_fraction"] < 0.9)
        return int(score.argmax())


def boxes2d_picture(scene: _Scene) -> U8:
    """Visible boxes (thick), amodal boxes (thin), masks tinted, and who hides whom."""
    image = scene.bgr.copy()
    for row in scene.here("boxes2d"):
        colour = _bgr(colour_of(row["category"]))
        if scene.image.instance is not None:
            own = scene.image.instance == row["track_id"]
            image[own] = (0.65 * image[own] + 0.35 * np.array(colour)).astype(np.uint8)
        amodal = _corners(row, "amodal_clipped")
        cv2.rectangle(image, amodal[0], amodal[1], colour, 1, cv2.LINE_AA)
        if row["visible_px"] == 0:
            continue
        box = _corners(row, "visible")
        cv2.rectangle(image, box[0], box[1], colour, 2, cv2.LINE_AA)
        hider = f" by {row['occluder_track_id']}" if row["occluder_track_id"] else ""
        text = f"{row['track_id']} {row['category']} hid {row['occluded_fraction']:.0%}{hider}"
        _write(image, f"{text} cut {row['truncated_fraction']:.0%}", (box[0][0], box[0][1] - 5))
    return image


def boxes3d_picture(scene: _Scene) -> U8:
    """Cuboids of objects that some pixel or point sees, with distance and LiDAR points."""
    image = scene.bgr.copy()
    camera_from_ego = scene.image.world_from_camera.inverse() @ scene.frame.world_from_ego
    seen = {row["track_id"] for row in scene.here("boxes2d") if row["visible_px"]}
    for row in scene.here("boxes3d"):
        if row["track_id"] not in seen:
            continue
        corners_m = camera_from_ego.apply(_cuboid(row).corners_m)
        colour = _bgr(colour_of(row["category"]))
        for a, b in corners_m[EDGES]:
            _edge(image, a, b, scene.camera, colour)
        at = camera_from_ego.apply(_cuboid(row).frame_from_box.translation_m)
        u, v = scene.camera.project(np.maximum(at, [-np.inf, -np.inf, _NEAR_M]))
        note = f"{row['distance_m']:.0f} m  {row['lidar_points']} pts  {row['activity']}"
        _write(image, note, (int(u) - 40, int(v)))
    return image


def tracks_picture(scene: _Scene) -> U8:
    """Objects from above, where they were and will be, with velocity; ahead is up."""
    image = _blank()
    ego_from_world = scene.frame.world_from_ego.inverse()
    by_track: dict[int, list[Row]] = {}
    for row in scene.rows("tracks"):
        by_track.setdefault(row["track_id"], []).append(row)
    for rows in by_track.values():
        now = [row for row in rows if row["frame_index"] == scene.frame.frame_index]
        path_m = ego_from_world.apply(np.array([[r["x_m"], r["y_m"], r["z_m"]] for r in rows]))
        colour = _bgr(colour_of(rows[0]["category"]))
        cv2.polylines(image, [_above(path_m)], False, _dim(colour), 1, cv2.LINE_AA)
        if not now:
            continue
        outline = Cuboid(
            SE3.from_yaw(now[0]["ego_yaw_rad"], [now[0]["ego_x_m"], now[0]["ego_y_m"], 0.0]),
            np.array([now[0]["length_m"], now[0]["width_m"], 1.0]),
        ).corners_m[:4]
        cv2.polylines(image, [_above(outline)], True, colour, 2, cv2.LINE_AA)
        velocity = np.array([now[0]["velocity_x_mps"], now[0]["velocity_y_mps"], 0.0])
        start_m = np.array([now[0]["ego_x_m"], now[0]["ego_y_m"], 0.0])
        tip = start_m + ego_from_world.rotate(velocity)
        ends = _above(np.stack([start_m, tip]))
        cv2.arrowedLine(image, ends[0].tolist(), ends[1].tolist(), colour, 1, cv2.LINE_AA)
    _draw_ego(image)
    return image


def keypoints_picture(scene: _Scene) -> U8:
    """The walker seen largest: visible joints filled, hidden ones hollow."""
    rows = scene.here("keypoints")
    if not rows:
        raise DatasetError(f"{scene.clip.folder}: no walker with keypoints to picture")
    joints = [np.array(row["xy_px"]).reshape(17, 2) for row in rows]
    largest = int(np.argmax([np.ptp(xy[:, 1]) for xy in joints]))
    xy, seen = joints[largest], rows[largest]["visibility"]
    low = np.floor(xy.min(axis=0) - 0.25 * np.ptp(xy[:, 1])).astype(int)
    high = np.ceil(xy.max(axis=0) + 0.25 * np.ptp(xy[:, 1])).astype(int)
    low, high = np.maximum(low, 0), np.minimum(high, scene.bgr.shape[1::-1])
    scale = max(1, _TOP_PX // max(int(high[1] - low[1]), 1))
    crop = scene.bgr[low[1] : high[1], low[0] : high[0]]
    image = np.asarray(cv2.resize(crop, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC))
    at = np.rint((xy - low) * scale).astype(int)
    for a, b in _LIMBS:
        cv2.line(image, at[a].tolist(), at[b].tolist(), _bgr(TEXT), 1, cv2.LINE_AA)
    for place, visibility in zip(at.tolist(), seen, strict=True):
        colour = _bgr(EGO if visibility == 2 else (255, 90, 60))
        cv2.circle(image, place, 4, colour, -1 if visibility == 2 else 2, cv2.LINE_AA)
    return image.astype(np.uint8)


def bev_picture(scene: _Scene) -> U8:
    """Semantic, instance and backward-flow rasters side by side."""
    (row,) = scene.here("bev")
    semantic, instance, flow = (_decoded(row[name]) for name in ("semantic", "instance", "flow"))
    layers = np.full((*semantic.shape, 3), BACKGROUND, dtype=np.uint8)
    for bit, colour in _BEV_COLOURS:
        layers[(semantic & bit) > 0] = colour
    tracks = _hues(instance.astype(np.int64) * 47 % 180, instance > 0)
    valid = flow[..., 0] > 0
    steps = (flow[..., 1:].astype(np.float64) - 32768) / 256
    angle = (np.degrees(np.arctan2(steps[..., 0], steps[..., 1])) / 2 % 180).astype(np.int64)
    directions = _hues(angle, valid)
    panels = [layers[..., ::-1], tracks, directions]
    large = [cv2.resize(panel, (400, 400), interpolation=cv2.INTER_NEAREST) for panel in panels]
    return np.hstack(large).astype(np.uint8)


def occupancy_picture(scene: _Scene) -> U8:
    """Highest occupied voxel from above by class; the masks; where objects' voxels came from."""
    rows = scene.rows("occupancy")
    row = min(rows, key=lambda r: abs(r["frame_index"] - scene.frame.frame_index))
    semantic, lidar, camera = (
        np.frombuffer(zlib.decompress(row[name]), np.uint8).reshape(row["shape"])
        for name in ("semantic", "lidar_mask", "camera_mask")
    )
    occupied = semantic != 255
    top = semantic.shape[2] - 1 - occupied[:, :, ::-1].argmax(axis=2)
    tag = np.take_along_axis(semantic, top[..., None], axis=2)[..., 0]
    level = 0.55 + 0.45 * top[..., None] / semantic.shape[2]
    colours = _TAG_COLOURS[np.minimum(tag, 28)] * level
    classes = np.where(occupied.any(axis=2)[..., None], colours, np.array(BACKGROUND))
    seen = np.stack([lidar.mean(axis=2), camera.mean(axis=2), 0 * camera.mean(axis=2)], axis=-1)
    views = [
        classes[::-1, ::-1, ::-1],
        255 * seen[::-1, ::-1, ::-1],
        _voxel_flow(row)[::-1, ::-1],
    ]
    return np.hstack(
        [
            cv2.resize(view.astype(np.uint8), (_TOP_PX, _TOP_PX), interpolation=cv2.INTER_NEAREST)
            for view in views
        ]
    ).astype(np.uint8)


def _voxel_flow(row: Row) -> U8:
    """(X, Y, 3) B, G, R: direction of the backward flow of each column's objects."""
    x, y, _ = np.unravel_index(np.array(row["object_voxel"], dtype=np.int64), row["shape"])
    flow = np.array(row["object_flow"]).reshape(-1, 3)
    valid = np.zeros(row["shape"][:2], dtype=np.bool_)
    valid[x, y] = row["object_flow_valid"]
    hue = np.zeros(valid.shape, dtype=np.int64)
    hue[x, y] = np.degrees(np.arctan2(-flow[:, 0], -flow[:, 1])) / 2 % 180
    return _hues(hue, valid)


def points_picture(scene: _Scene) -> U8:
    """LiDAR points from above: scenery by class, objects by track."""
    image = _blank()
    name = scene.clip.calibration.of_modality("lidar")[0].name
    sweep = next(
        sweep
        for sweep in scene.clip.lidar_sweeps(name)
        if sweep.frame_index == scene.frame.frame_index
    )
    row = next(row for row in scene.here("points") if row["lidar"] == name)
    tag, track = np.array(row["semantic_tag"]), np.array(row["track_id"])
    ego_from_lidar = scene.frame.world_from_ego.inverse() @ sweep.world_from_lidar
    at = _above(ego_from_lidar.apply(sweep.points_m.astype(np.float64)))
    colours = _TAG_COLOURS[np.minimum(tag, 28)][:, ::-1].copy()
    hues = _hues(np.arange(65536)[None] * 47 % 180, np.ones((1, 65536), dtype=np.bool_))[0]
    colours[track > 0] = hues[track[track > 0]]
    inside = ((at >= 0) & (at < _TOP_PX)).all(axis=1)
    image[at[inside, 1], at[inside, 0]] = colours[inside]
    _draw_ego(image)
    return image


def status_picture(scene: _Scene) -> U8:
    """Verdict of every frame, in order: ok, suspect or rejected."""
    rows = scene.rows("status")
    colours = {"ok": EGO, "suspect": (255, 200, 60), "rejected": (255, 70, 90)}
    strip = np.array([_bgr(colours[row["status"]]) for row in rows], dtype=np.uint8)[None]
    wide = cv2.resize(strip, (max(640, 6 * len(rows)), 40), interpolation=cv2.INTER_NEAREST)
    image = np.asarray(wide, dtype=np.uint8)
    counts = {name: sum(row["status"] == name for row in rows) for name in colours}
    _write(image, "   ".join(f"{count} {name}" for name, count in counts.items()), (8, 25))
    return image


PICTURES: Final[dict[str, Callable[[_Scene], U8]]] = {
    "boxes2d": boxes2d_picture,
    "boxes3d": boxes3d_picture,
    "tracks": tracks_picture,
    "keypoints": keypoints_picture,
    "bev": bev_picture,
    "occupancy": occupancy_picture,
    "points": points_picture,
    "status": status_picture,
}


def write_label_pictures(clip: ClipReader, out: Path, version: str | None = None) -> None:
    """Write one JPEG per label table of a clip.

    Args:
        clip: The clip, with rgb and instance images.
        out: Folder of the pictures.
        version: Labels folder; None stands for the clip's own.

    Raises:
        DatasetError: The clip lacks what a picture shows.
        OutputError: A picture cannot be written.
    """
    scene = _Scene(clip, version)
    out.mkdir(parents=True, exist_ok=True)
    for name, draw in PICTURES.items():
        path = out / f"{name}.jpg"
        if not cv2.imwrite(str(path), draw(scene), [cv2.IMWRITE_JPEG_QUALITY, 88]):
            raise OutputError(f"{path}: cannot write")


def _bgr(colour: Colour) -> tuple[int, int, int]:
    return colour[2], colour[1], colour[0]


def _dim(colour: tuple[int, int, int]) -> tuple[int, int, int]:
    return colour[0] * 2 // 5, colour[1] * 2 // 5, colour[2] * 2 // 5


def _blank() -> U8:
    return np.full((_TOP_PX, _TOP_PX, 3), _bgr(BACKGROUND), dtype=np.uint8)


def _draw_ego(image: U8) -> None:
    car = np.array([[2.4, 1, 0], [2.4, -1, 0], [-2.4, -1, 0], [-2.4, 1, 0.0]])
    cv2.polylines(image, [_above(car)], True, _bgr(EGO), 2, cv2.LINE_AA)


def _above(points_ego_m: F64) -> np.ndarray[Any, np.dtype[np.int32]]:
    """Pixels (N, 2) of ego positions seen from above."""
    scale = _TOP_PX / _TOP_M
    x, y = points_ego_m[:, 0], points_ego_m[:, 1]
    return np.stack([_TOP_PX / 2 - y * scale, _TOP_PX / 2 - x * scale], axis=1).astype(np.int32)


def _corners(row: Row, box: str) -> tuple[tuple[int, int], tuple[int, int]]:
    x0, y0, x1, y1 = (
        round(row[f"{box}_{side}_px"]) for side in ("x_min", "y_min", "x_max", "y_max")
    )
    return (x0, y0), (x1 - 1, y1 - 1)


def _cuboid(row: Row) -> Cuboid:
    pose = SE3.from_quat(
        [row[f"ego_from_box_q{part}"] for part in "wxyz"],
        [row[f"ego_from_box_{axis}_m"] for axis in "xyz"],
    )
    return Cuboid(pose, np.array([row["length_m"], row["width_m"], row["height_m"]]))


def _edge(
    image: U8, start_m: F64, end_m: F64, camera: PinholeCamera, colour: tuple[int, int, int]
) -> None:
    """Draw the part of an edge that lies beyond the near plane."""
    if start_m[2] > end_m[2]:
        start_m, end_m = end_m, start_m
    if end_m[2] <= _NEAR_M:
        return
    if start_m[2] < _NEAR_M:
        share = (_NEAR_M - start_m[2]) / (end_m[2] - start_m[2])
        start_m = start_m + share * (end_m - start_m)
    a, b = np.clip(camera.project(np.stack([start_m, end_m])), -20000, 20000).astype(int)
    cv2.line(image, a.tolist(), b.tolist(), colour, 1, cv2.LINE_AA)


def _hues(hue: np.ndarray[Any, np.dtype[np.int64]], shown: Bool) -> U8:
    """(H, W, 3) B, G, R of hues 0 to 179 where shown, dark elsewhere."""
    full = np.full(hue.shape, 255, dtype=np.uint8)
    hsv = np.stack([hue.astype(np.uint8), full * np.uint8(1), full], axis=-1)
    hsv[..., 1] = 190
    coloured = np.asarray(cv2.cvtColor(hsv, cv2.COLOR_HSV2BGR), dtype=np.uint8)
    return np.where(shown[..., None], coloured, np.array(_bgr(BACKGROUND), dtype=np.uint8))


def _decoded(data: bytes) -> np.ndarray[Any, np.dtype[np.uint16]]:
    image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    if image is None:
        raise DatasetError("bev: not a PNG image")
    return np.asarray(image, dtype=np.uint16)


def _write(image: U8, text: str, at: Sequence[int]) -> None:
    """Text on a dark strip."""
    left, low = max(2, int(at[0])), max(12, int(at[1]))
    (width, height), below = cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, 0.38, 1)
    strip = image[low - height - 2 : low + below, left - 1 : left + width + 1]
    strip[:] = strip // 4
    font = cv2.FONT_HERSHEY_SIMPLEX
    cv2.putText(image, text, (left, low), font, 0.38, _bgr(TEXT), 1, cv2.LINE_AA)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m synthgen.preview.label_pictures")
    parser.add_argument("clip", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--version", default=None)
    options = parser.parse_args()
    write_label_pictures(
        ClipReader(options.clip, ("rgb", "instance")), options.out, options.version
    )
