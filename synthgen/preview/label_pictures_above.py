"""Pictures of labels seen from above: tracks, rasters, voxels, points and targets; ahead is up."""

from __future__ import annotations

import zlib
from typing import Any, Final

import cv2
import numpy as np

from synthgen.errors import DatasetError
from synthgen.geometry.arrays import F64, U8, U16, Bool
from synthgen.geometry.cuboid import Cuboid
from synthgen.geometry.se3 import SE3
from synthgen.preview.label_scene import Row, Scene, bgr
from synthgen.preview.palette import BACKGROUND, EGO, colour_of

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


def tracks_picture(scene: Scene) -> U8:
    """Objects from above, where they were and will be, with velocity; ahead is up."""
    image = _blank()
    ego_from_world = scene.frame.world_from_ego.inverse()
    by_track: dict[int, list[Row]] = {}
    for row in scene.rows("tracks"):
        by_track.setdefault(row["track_id"], []).append(row)
    for rows in by_track.values():
        now = [row for row in rows if row["frame_index"] == scene.frame.frame_index]
        path_m = ego_from_world.apply(np.array([[r["x_m"], r["y_m"], r["z_m"]] for r in rows]))
        colour = bgr(colour_of(rows[0]["category"]))
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


def bev_picture(scene: Scene) -> U8:
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


def occupancy_picture(scene: Scene) -> U8:
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


def points_picture(scene: Scene) -> U8:
    """LiDAR points from above: scenery by class, objects by track."""
    image = _blank()
    name = scene.first("lidar").name
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
    colours[track > 0] = _track_colours(track[track > 0].astype(np.int64))
    inside = ((at >= 0) & (at < _TOP_PX)).all(axis=1)
    image[at[inside, 1], at[inside, 0]] = colours[inside]
    _draw_ego(image)
    return image


def targets_picture(scene: Scene) -> U8:
    """Radar targets from above, a line as long as the way in a second along the ray."""
    image = _blank()
    name = scene.first("radar").name
    scan = next(
        scan for scan in scene.clip.radar_scans(name) if scan.frame_index == scene.frame.frame_index
    )
    row = next(row for row in scene.here("targets") if row["radar"] == name)
    track = np.array(row["track_id"], dtype=np.int64)
    ego_from_radar = scene.frame.world_from_ego.inverse() @ scan.world_from_radar
    step_m = scan.points_m / scan.range_m[:, None] * scan.radial_velocity_mps[:, None]
    start = _above(ego_from_radar.apply(scan.points_m))
    end = _above(ego_from_radar.apply(scan.points_m + step_m))
    colours = _track_colours(track)
    colours[track == 0] = (110, 110, 110)
    for k in np.argsort(track > 0, kind="stable").tolist():
        cv2.line(image, start[k].tolist(), end[k].tolist(), (colours[k] // 2).tolist(), 1)
        cv2.circle(image, start[k].tolist(), 2, colours[k].tolist(), -1, cv2.LINE_AA)
    _draw_ego(image)
    return image


def _track_colours(track: np.ndarray[Any, np.dtype[np.int64]]) -> U8:
    """(N, 3) B, G, R by track."""
    return np.array(_hues(track[None] * 47 % 180, np.ones((1, len(track)), dtype=np.bool_))[0])


def _dim(colour: tuple[int, int, int]) -> tuple[int, int, int]:
    return colour[0] * 2 // 5, colour[1] * 2 // 5, colour[2] * 2 // 5


def _blank() -> U8:
    return np.full((_TOP_PX, _TOP_PX, 3), bgr(BACKGROUND), dtype=np.uint8)


def _draw_ego(image: U8) -> None:
    car = np.array([[2.4, 1, 0], [2.4, -1, 0], [-2.4, -1, 0], [-2.4, 1, 0.0]])
    cv2.polylines(image, [_above(car)], True, bgr(EGO), 2, cv2.LINE_AA)


def _above(points_ego_m: F64) -> np.ndarray[Any, np.dtype[np.int32]]:
    """Pixels (N, 2) of ego positions seen from above."""
    scale = _TOP_PX / _TOP_M
    x, y = points_ego_m[:, 0], points_ego_m[:, 1]
    return np.stack([_TOP_PX / 2 - y * scale, _TOP_PX / 2 - x * scale], axis=1).astype(np.int32)


def _hues(hue: np.ndarray[Any, np.dtype[np.int64]], shown: Bool) -> U8:
    """(H, W, 3) B, G, R of hues 0 to 179 where shown, dark elsewhere."""
    full = np.full(hue.shape, 255, dtype=np.uint8)
    hsv = np.stack([hue.astype(np.uint8), full * np.uint8(1), full], axis=-1)
    hsv[..., 1] = 190
    coloured = np.asarray(cv2.cvtColor(hsv, cv2.COLOR_HSV2BGR), dtype=np.uint8)
    return np.where(shown[..., None], coloured, np.array(bgr(BACKGROUND), dtype=np.uint8))


def _decoded(data: bytes) -> U16:
    image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    if image is None:
        raise DatasetError("bev: not a PNG image")
    return np.asarray(image, dtype=np.uint16)
