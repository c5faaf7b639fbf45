"""Which object every painted pixel and every LiDAR point of a clip belongs to.

The server's documented numbering is tried on the first capture, and another one is sought where
it does not fit. Ids that turn up later (a parked car of the map, whose id no CARLA server tells:
https://github.com/carla-simulator/carla/issues/9685) are linked when they are first seen.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np

from sensors.carla_adapter import images, point_sensors
from sensors.carla_adapter.point_sensors import LidarPoints
from sensors.carla_adapter.poses import pose_from_carla
from sensors.rig import Camera, Rig
from synthgen.datatypes.actors import ActorStates
from synthgen.datatypes.taxonomy import default_taxonomy
from synthgen.geometry.arrays import U16, U32
from synthgen.geometry.camera import PinholeCamera
from synthgen.geometry.se3 import SE3
from synthgen.labels.identity import (
    InstanceLink,
    ProbeImage,
    ProbeSweep,
    link_rate,
    probe_instances,
    with_newcomers,
)
from synthgen.labels.points import smallest_box
from synthgen.labels.scene_boxes import SceneBoxes, scene_boxes
from synthgen.runner.cast import Cast

logger = logging.getLogger(__name__)

# Every n-th row and column of an image is enough to tell one numbering from another.
_STRIDE: Final = 4
_MOST_CAMERAS: Final = 3
_ENOUGH: Final = 0.95
_CHANNELS: Final = ("depth", "semantic", "instance")
_POINT_MARGIN_M: Final = 0.08


class InstanceLinks:
    """Painted ids and LiDAR ids of one clip's server, learned capture by capture."""

    def __init__(self, rig: Rig, cast: Cast) -> None:
        self._rig = rig
        self._cast = cast
        self._objects = cast.objects()
        self._boxes: SceneBoxes | None = None
        self._link: InstanceLink | None = None
        self._table = np.zeros(65536, dtype=np.uint16)
        taxonomy = default_taxonomy()
        self._is_user = np.zeros(256, dtype=np.bool_)
        self._is_user[list(taxonomy.labelled_tags())] = True
        self._is_object = self._is_user.copy()
        for info in self._objects:
            self._is_object[list(taxonomy.category(info.category).tags)] = True
        # LiDARs give whole ids; an actor's wins where a map vehicle's 16 bits are the same.
        ids = {still.instance_id: still.info.track_id for still in cast.still}
        ids |= {member.actor.id: member.info.track_id for member in cast.members}
        self._lidar_ids = np.array(sorted(ids), dtype=np.int64)
        self._lidar_tracks = np.array([ids[i] for i in sorted(ids)], dtype=np.uint16)

    @property
    def link(self) -> InstanceLink | None:
        """How painted ids lead to objects; None before the first capture."""
        return self._link

    def meet(self, measured: Mapping[str, Any], states: ActorStates) -> None:
        """Learn from the raw measurements of a capture, which is decoded next."""
        self._boxes = scene_boxes(self._objects, states)
        if self._link is None:
            self._link = self._probed(measured)
            self._table = self._link.track_of_id
        for camera in _cameras(self._rig):
            if self._has_unknown(measured[f"{camera.name}/instance"]):
                seen = _probe_image(camera, measured, self._boxes, stride=1)
                self._table = with_newcomers(self._table, seen, default_taxonomy())

    def tracks_of_image(self, raw: Any) -> U16:
        """Track ids (H, W) of an instance image, 0 where it shows no object.

        Ids of scenery may equal an actor's in their 16 bits; its tag tells it apart.
        """
        shown = images.marked_by_tag(raw, self._is_object)
        tracks = np.zeros(shown.shape, dtype=np.uint16)
        tracks[shown.view(np.bool_)] = self._table[images.ids_at(raw, shown)]
        return tracks

    def tracks_of_points(self, points: LidarPoints, world_from_lidar: SE3) -> U16 | None:
        """Track ids (N,) of a sweep, or None if the server gave no ids.

        A road user's point without an id (a parked car of a CARLA map) belongs to the smallest
        box that it lies in or on.
        """
        if points.object_id is None or points.semantic_tag is None:
            return None
        tracks = self._tracks_of_ids(points.object_id)
        orphan = np.flatnonzero(self._is_user[points.semantic_tag] & (tracks == 0))
        if len(orphan) and self._boxes is not None and len(self._boxes):
            boxes = self._boxes.world.moved(world_from_lidar.inverse())
            row = smallest_box(points.xyz_m[orphan].astype(np.float64), boxes, _POINT_MARGIN_M)
            tracks[orphan] = np.where(row >= 0, self._boxes.track_id[row], 0)
        return tracks

    def _tracks_of_ids(self, object_id: U32) -> U16:
        at = np.minimum(np.searchsorted(self._lidar_ids, object_id), len(self._lidar_ids) - 1)
        return np.where(self._lidar_ids[at] == object_id, self._lidar_tracks[at], 0).astype(
            np.uint16
        )

    def _has_unknown(self, raw: Any) -> bool:
        """Whether the image shows a road user whose id leads nowhere."""
        ids = images.ids_at(raw, images.marked_by_tag(raw, self._is_user))
        return bool((self._table[ids] == 0).any())

    def _probed(self, measured: Mapping[str, Any]) -> InstanceLink:
        """The documented numbering if it explains what is seen, else the best that does.

        Actors' ids are documented, those of map vehicles are not: they are added by where they are.
        """
        assert self._boxes is not None, "set by meet"
        expected = self._cast.track_of_instance()
        cameras = _cameras(self._rig)[:_MOST_CAMERAS]
        seen = [_probe_image(c, measured, self._boxes, stride=_STRIDE) for c in cameras]
        taxonomy = default_taxonomy()
        rate = link_rate(seen, expected, taxonomy)
        known = InstanceLink("actor_id", expected, 1.0 if rate is None else rate, {})
        if rate is None or rate >= _ENOUGH:
            return known
        for image in seen:
            expected = with_newcomers(expected, image, taxonomy)
        completed = link_rate(seen, expected, taxonomy)
        if completed is not None and completed >= _ENOUGH:
            return InstanceLink("actor_id", expected, completed, {})
        actors = {member.info.track_id: member.actor.id for member in self._cast.members}
        sweeps = _sweeps(self._rig, measured, len(seen))
        found = probe_instances(seen, sweeps, actors, taxonomy=taxonomy)
        logger.warning(
            "instance ids are not as documented: %.0f %% of the pixels fit, %.0f %% by %s",
            100 * rate,
            100 * found.match_rate,
            found.method,
        )
        return found if found.match_rate > rate else known


def _cameras(rig: Rig) -> list[Camera]:
    return [
        camera
        for camera in rig.cameras
        if set(_CHANNELS) <= set(camera.channels) and camera.lens.model == "pinhole"
    ]


def _probe_image(
    camera: Camera, measured: Mapping[str, Any], boxes: SceneBoxes, *, stride: int
) -> ProbeImage:
    """Every so many rows and columns of a camera's label images."""
    raw = {channel: measured[f"{camera.name}/{channel}"] for channel in _CHANNELS}
    mount_from_camera = camera.mount.ego_from_mount.inverse() @ camera.ego_from_camera
    middle = stride // 2
    taken = (slice(middle, None, stride), slice(middle, None, stride))
    depth_cm = images.decode_depth(raw["depth"])[taken]
    height, width = depth_cm.shape
    focal_px = camera.focal_length_px / stride
    # Pixel c of the thinned image is the centre of pixel c * stride + middle.
    shift = (middle + 0.5) / stride - 0.5
    intrinsics = PinholeCamera(
        width,
        height,
        focal_px,
        focal_px,
        camera.width_px / 2 / stride - shift,
        camera.height_px / 2 / stride - shift,
    )
    return ProbeImage(
        world_from_camera=pose_from_carla(raw["depth"].transform) @ mount_from_camera,
        camera=intrinsics,
        server_id=images.decode_instance(raw["instance"])[taken],
        depth_cm=depth_cm,
        semantic=images.decode_semantic(raw["semantic"])[taken],
        boxes=boxes,
    )


def _sweeps(rig: Rig, measured: Mapping[str, Any], count: int) -> Sequence[ProbeSweep]:
    """The first semantic LiDAR's points, once for each image."""
    for lidar in rig.lidars:
        if lidar.semantic:
            raw = measured[f"{lidar.name}/semantic"]
            points_m, object_id = point_sensors.decode_semantic(raw)
            return [ProbeSweep(pose_from_carla(raw.transform).apply(points_m), object_id)] * count
    return ()
