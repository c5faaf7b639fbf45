"""Checks on a clip's first capture that painted instance ids lead to the right objects."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any, Final

from sensors.carla_adapter import images, point_sensors
from sensors.carla_adapter.poses import pose_from_carla
from sensors.rig import Camera, Rig
from synthgen.datatypes.actors import ActorStates
from synthgen.datatypes.taxonomy import default_taxonomy
from synthgen.geometry.camera import PinholeCamera
from synthgen.labels.identity import (
    InstanceLink,
    ProbeImage,
    ProbeSweep,
    link_rate,
    probe_instances,
)
from synthgen.labels.scene_boxes import SceneBoxes, scene_boxes
from synthgen.runner.cast import Cast

logger = logging.getLogger(__name__)

# Every n-th row and column of an image is enough to tell one numbering from another.
_STRIDE: Final = 4
_MOST_CAMERAS: Final = 3
_ENOUGH: Final = 0.95
_CHANNELS: Final = ("depth", "semantic", "instance")


def link_instances(
    rig: Rig, measured: Mapping[str, Any], cast: Cast, states: ActorStates
) -> InstanceLink:
    """How the ids of this server lead to the cast.

    The numbering that is documented is taken where it explains what is seen; otherwise the probe's
    best way, with a warning.
    """
    expected = cast.track_of_instance()
    boxes = scene_boxes(cast.objects(), states)
    seen = [_probe_image(c, measured, boxes) for c in _cameras(rig)[:_MOST_CAMERAS]]
    taxonomy = default_taxonomy()
    rate = link_rate(seen, expected, taxonomy)
    known = InstanceLink("actor_id", expected, 1.0 if rate is None else rate, {})
    if rate is None or rate >= _ENOUGH:
        return known
    actors = {member.info.track_id: member.actor.id for member in cast.members}
    found = probe_instances(seen, _sweeps(rig, measured, len(seen)), actors, taxonomy=taxonomy)
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


def _probe_image(camera: Camera, measured: Mapping[str, Any], boxes: SceneBoxes) -> ProbeImage:
    raw = {channel: measured[f"{camera.name}/{channel}"] for channel in _CHANNELS}
    mount_from_camera = camera.mount.ego_from_mount.inverse() @ camera.ego_from_camera
    middle = _STRIDE // 2
    taken = (slice(middle, None, _STRIDE), slice(middle, None, _STRIDE))
    depth_cm = images.decode_depth(raw["depth"])[taken]
    height, width = depth_cm.shape
    focal_px = camera.focal_length_px / _STRIDE
    # Pixel c of the thinned image is the centre of pixel c * stride + middle.
    shift = (middle + 0.5) / _STRIDE - 0.5
    intrinsics = PinholeCamera(
        width,
        height,
        focal_px,
        focal_px,
        camera.width_px / 2 / _STRIDE - shift,
        camera.height_px / 2 / _STRIDE - shift,
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
