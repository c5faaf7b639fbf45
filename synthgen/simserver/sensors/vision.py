"""Cameras, LiDARs and radars: their views of the rendered scene, and the bytes they send."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from synthgen.simserver.render.specs import CameraSpec, LidarSpec, RadarSpec
from synthgen.simserver.scene import F32
from synthgen.simserver.sensors import event_camera
from synthgen.simserver.sensors.attributes import Attributes
from synthgen.simserver.sensors.class_colors import painted
from synthgen.simserver.sensors.frame import Frame
from synthgen.simserver.sensors.scene_mirror import SceneMirror
from synthgen.simserver.wire.streams import image_header, lidar_header
from synthgen.simserver.wire.structs import Transform
from synthgen.simserver.world.clock import ticks_per_measurement
from synthgen.simserver.world.errors import SpawnError
from synthgen.simserver.world.poses import matrix_of

if TYPE_CHECKING:
    from synthgen.simserver.world.world import World

Payload = tuple[bytes | memoryview, ...]
COSMOS = "sensor.camera.cosmos_visualization"
CAMERA_OUTPUT = {
    "sensor.camera.rgb": "rgb",
    "sensor.camera.depth": "depth",
    "sensor.camera.semantic_segmentation": "semantic",
    "sensor.camera.instance_segmentation": "instance",
    "sensor.camera.normals": "normals",
    "sensor.camera.optical_flow": "flow",
    "sensor.camera.dvs": "luma",
    COSMOS: "semantic",
}
SERVER_QUALITY = "server"
# A flat image cannot show half a turn; only fisheye lenses see farther.
_NARROW_LENSES = ("pinhole", "brown")
WIDEST_NARROW_FOV_DEG = 179.999
MOST_PIXELS = 7680 * 4320
"""A picture's light and its lens table take about 60 bytes for each pixel."""
_SEES_LIGHT = {"rgb", "luma"}
SEMANTIC_POINT = np.dtype(
    [("xyz_m", "<f4", 3), ("cos_incidence", "<f4"), ("object_idx", "<u4"), ("tag", "<u4")]
)


@dataclass(eq=False, slots=True)
class View:
    """One sensor that looks at the scene.

    Attributes:
        type_id: Its blueprint.
        spec: What the renderer is told.
        sensor_tick_s: Time between measurements as asked for.
        attributes: All its attributes.
        latest: Its pose when the scene last moved, None before that.
        latest_time_s: When that was.
        previous: Its pose when the scene moved before; flow, rolling shutters and spinning
            heads measure the motion since then.
        since_previous_s: Time since then.
        angle_rad: Where a LiDAR's head stopped.
        pixels: What an event camera's pixels remember.
        pixels_time_s: When they looked last.
    """

    type_id: str
    spec: CameraSpec | LidarSpec | RadarSpec
    sensor_tick_s: float
    attributes: Attributes
    latest: F32 | None = None
    latest_time_s: float = 0.0
    previous: F32 | None = None
    since_previous_s: float = 0.0
    angle_rad: float = 0.0
    pixels: event_camera.Pixels | None = None
    pixels_time_s: float = 0.0

    @property
    def is_camera(self) -> bool:
        """Whether it takes pictures, which a world without rendering has none of."""
        return isinstance(self.spec, CameraSpec)


def view_of(type_id: str, attributes: Attributes, quality: str) -> View | None:
    """The view of a sensor, or None for one that does not look.

    Args:
        type_id: Its blueprint.
        attributes: Its attributes.
        quality: The server's picture quality, for a camera that does not ask for one.

    Raises:
        SpawnError: An attribute cannot be.
    """
    spec: CameraSpec | LidarSpec | RadarSpec
    if type_id in CAMERA_OUTPUT:
        spec = _camera_spec(type_id, attributes, quality)
    elif type_id.startswith("sensor.lidar."):
        spec = _lidar_spec(type_id, attributes)
    elif type_id == "sensor.other.radar":
        spec = RadarSpec(
            horizontal_fov_deg=attributes.number("horizontal_fov"),
            vertical_fov_deg=attributes.number("vertical_fov"),
            range_m=attributes.number("range"),
            points_per_second=attributes.whole("points_per_second"),
            scatter_model=attributes.text("scatter_model"),
            clutter_rate=attributes.number("clutter_rate"),
            seed=attributes.whole("noise_seed"),
        )
    else:
        return None
    return View(type_id, spec, attributes.number("sensor_tick"), attributes)


def _camera_spec(type_id: str, attributes: Attributes, quality: str) -> CameraSpec:
    spec = CameraSpec(
        width=attributes.whole("image_size_x"),
        height=attributes.whole("image_size_y"),
        fov_deg=attributes.number("fov"),
    )
    if "lens_model" in attributes:
        spec = replace(
            spec,
            lens=attributes.text("lens_model"),
            lens_coefficients=attributes.numbers("lens_coefficients"),
            rolling_shutter_s=attributes.number("rolling_shutter"),
            seed=attributes.whole("noise_seed"),
        )
    if spec.width * spec.height > MOST_PIXELS:
        raise SpawnError(
            f"{type_id}: image_size_x times image_size_y: expected at most {MOST_PIXELS} "
            f"(7680 x 4320), got {spec.width * spec.height} ({spec.width} x {spec.height})"
        )
    if spec.lens in _NARROW_LENSES and spec.fov_deg > WIDEST_NARROW_FOV_DEG:
        raise SpawnError(
            f"{type_id}: fov: expected 0.001 to {WIDEST_NARROW_FOV_DEG}, got {spec.fov_deg}"
        )
    if CAMERA_OUTPUT[type_id] not in _SEES_LIGHT:
        return spec
    return replace(
        spec,
        quality=_quality(attributes, quality),
        exposure_mode=attributes.text("exposure_mode"),
        exposure_compensation=attributes.number("exposure_compensation"),
        exposure_min_bright=attributes.number("exposure_min_bright"),
        exposure_max_bright=attributes.number("exposure_max_bright"),
        iso=attributes.number("iso"),
        shutter_speed=attributes.number("shutter_speed"),
        fstop=attributes.number("fstop"),
        gamma=attributes.number("gamma"),
        bloom_intensity=attributes.number("bloom_intensity"),
        motion_blur_intensity=attributes.number("motion_blur_intensity"),
        motion_blur_max_distortion=attributes.number("motion_blur_max_distortion"),
    )


def _quality(attributes: Attributes, of_server: str) -> str:
    asked = attributes.text("quality") if "quality" in attributes else SERVER_QUALITY
    return of_server if asked == SERVER_QUALITY else asked


def _lidar_spec(type_id: str, attributes: Attributes) -> LidarSpec:
    channels = attributes.whole("channels")
    for name in ("beam_elevations", "beam_azimuths"):
        beams = len(attributes.numbers(name))
        if beams not in (0, channels):
            raise SpawnError(
                f"{type_id}: {name}: expected an angle for each of {channels} channels, got {beams}"
            )
    spec = LidarSpec(
        channels=attributes.whole("channels"),
        range_m=attributes.number("range"),
        points_per_second=attributes.whole("points_per_second"),
        rotation_frequency_hz=attributes.number("rotation_frequency"),
        upper_fov_deg=attributes.number("upper_fov"),
        lower_fov_deg=attributes.number("lower_fov"),
        horizontal_fov_deg=attributes.number("horizontal_fov"),
        beam_elevations_deg=attributes.numbers("beam_elevations"),
        beam_azimuths_deg=attributes.numbers("beam_azimuths"),
        spinning=attributes.flag("spinning"),
        # The semantic LiDAR is ideal: no drop-off and no noise.
        dropoff_general_rate=0.0,
        dropoff_zero_intensity=0.0,
    )
    if "dropoff_general_rate" not in attributes:
        return spec
    return replace(
        spec,
        atmosphere_attenuation_rate=attributes.number("atmosphere_attenuation_rate"),
        dropoff_general_rate=attributes.number("dropoff_general_rate"),
        dropoff_intensity_limit=attributes.number("dropoff_intensity_limit"),
        dropoff_zero_intensity=attributes.number("dropoff_zero_intensity"),
        range_noise_m=attributes.number("noise_stddev"),
        intensity_model=attributes.text("intensity_model"),
        dropoff_correlation_m=attributes.number("dropoff_correlation"),
        returns=attributes.whole("returns"),
        seed=attributes.whole("noise_seed"),
    )


def follow(world: World, views: Mapping[int, View], frame: Frame) -> None:
    """Note where every view is, once each time the scene moves."""
    for actor_id, view in views.items():
        view.previous, view.since_previous_s = view.latest, frame.time_s - view.latest_time_s
        view.latest, view.latest_time_s = _matrix(world, actor_id), frame.time_s


def measure(
    scene: SceneMirror, world: World, views: Mapping[int, View], frame: Frame
) -> dict[int, list[Payload]]:
    """The messages of these sensors in this frame, by actor id."""
    poses = {actor_id: _matrix(world, actor_id) for actor_id in views}
    payloads: dict[int, list[Payload]] = {}
    for actor_ids in _camera_groups(views, poses):
        payloads |= _photograph(scene, {i: views[i] for i in actor_ids}, poses, frame)
    for actor_id, view in views.items():
        if isinstance(view.spec, LidarSpec):
            payloads[actor_id] = [_scan(scene, view, view.spec, poses[actor_id], frame)]
        elif isinstance(view.spec, RadarSpec):
            payloads[actor_id] = [
                _detect(scene, world, actor_id, view, view.spec, poses[actor_id], frame)
            ]
    return payloads


def _matrix(world: World, actor_id: int) -> F32:
    pose: Transform = world.actors.pose(world.actor(actor_id))
    return matrix_of(pose).astype(np.float32)


def _geometry(spec: CameraSpec) -> tuple[object, ...]:
    return (
        spec.width,
        spec.height,
        spec.fov_deg,
        spec.lens,
        spec.lens_coefficients,
        spec.rolling_shutter_s,
    )


def _camera_groups(views: Mapping[int, View], poses: Mapping[int, F32]) -> list[list[int]]:
    """Cameras that can share one trace: equal pose and intrinsics, at most one exposure."""
    groups: dict[tuple[object, ...], list[int]] = {}
    for actor_id, view in views.items():
        if not isinstance(view.spec, CameraSpec):
            continue
        seen_from = (_geometry(view.spec), poses[actor_id].tobytes())
        exposure = 0
        while _has_other_exposure(views, groups.get((*seen_from, exposure), []), view):
            exposure += 1
        groups.setdefault((*seen_from, exposure), []).append(actor_id)
    return list(groups.values())


def _has_other_exposure(views: Mapping[int, View], group: list[int], view: View) -> bool:
    if CAMERA_OUTPUT[view.type_id] not in _SEES_LIGHT:
        return False
    return any(
        CAMERA_OUTPUT[views[i].type_id] in _SEES_LIGHT and views[i].spec != view.spec for i in group
    )


def _photograph(
    scene: SceneMirror, group: Mapping[int, View], poses: Mapping[int, F32], frame: Frame
) -> dict[int, list[Payload]]:
    first = next(iter(group))
    lit = [v for v in group.values() if CAMERA_OUTPUT[v.type_id] in _SEES_LIGHT]
    spec = (lit[0] if lit else group[first]).spec
    assert isinstance(spec, CameraSpec)
    images = scene.renderer.camera(
        spec,
        poses[first],
        group[first].previous,
        weather=scene.weather,
        frame=frame.episode_number,
        outputs=frozenset(CAMERA_OUTPUT[view.type_id] for view in group.values()),
        delta_s=group[first].since_previous_s,
    )
    header = image_header(spec.width, spec.height, spec.fov_deg)
    payloads: dict[int, list[Payload]] = {}
    for actor_id, view in group.items():
        image = images[CAMERA_OUTPUT[view.type_id]]
        if view.type_id == "sensor.camera.dvs":
            payloads[actor_id] = _events(view, image, header, frame)
        elif view.type_id == COSMOS:
            payloads[actor_id] = [(header, painted(image).data)]
        else:
            payloads[actor_id] = [(header, np.ascontiguousarray(image).data)]
    return payloads


def _events(view: View, luma: NDArray[np.generic], header: bytes, frame: Frame) -> list[Payload]:
    now = np.asarray(luma, np.float32)
    since_s, view.pixels_time_s = frame.time_s - view.pixels_time_s, frame.time_s
    if view.pixels is None:
        view.pixels = event_camera.first_look(now, view.attributes)
        return []
    events, view.pixels = event_camera.events_of(view.pixels, now, view.attributes, frame, since_s)
    return [(header, events.tobytes())] if len(events) else []


def _scan(scene: SceneMirror, view: View, spec: LidarSpec, pose: F32, frame: Frame) -> Payload:
    plain = view.type_id == "sensor.lidar.ray_cast"
    sweep = scene.renderer.lidar(
        spec,
        pose,
        view.previous,
        weather=scene.weather,
        frame=frame.episode_number,
        delta_s=frame.delta_s * ticks_per_measurement(view.sensor_tick_s, frame.delta_s),
        start_angle_rad=view.angle_rad,
        labels=not plain,
    )
    view.angle_rad = sweep.horizontal_angle_rad
    header = lidar_header(sweep.horizontal_angle_rad, sweep.points_per_channel.tolist())
    if plain:
        return header, np.ascontiguousarray(sweep.points, "<f4").data
    tagged = np.zeros(len(sweep.xyz_m), SEMANTIC_POINT)
    tagged["xyz_m"] = sweep.xyz_m
    tagged["cos_incidence"] = sweep.cos_incidence
    tagged["object_idx"] = scene.actor_ids(sweep.instance)
    tagged["tag"] = sweep.tag
    return header, tagged.data


def _detect(
    scene: SceneMirror,
    world: World,
    actor_id: int,
    view: View,
    spec: RadarSpec,
    pose: F32,
    frame: Frame,
) -> Payload:
    detections = scene.renderer.radar(
        spec,
        pose,
        sensor_velocity_mps=_point_velocity(world, actor_id, pose),
        velocities_mps=scene.velocities(world),
        frame=frame.episode_number,
        delta_s=frame.delta_s * ticks_per_measurement(view.sensor_tick_s, frame.delta_s),
    )
    return (np.ascontiguousarray(detections, "<f4").tobytes(),)


def _point_velocity(world: World, actor_id: int, pose: F32) -> F32:
    """Velocity of the sensor itself: its carrier's, and what the carrier's turning adds."""
    sensor = world.actor(actor_id)
    velocity = np.array(world.actors.velocity(sensor), np.float32)
    carrier = world.actors.find(sensor.parent_id)
    if carrier is not None:
        turn = math.radians(world.actors.angular_velocity_deg(carrier).z)
        at = world.actors.pose(carrier).location
        velocity[0] -= turn * (pose[1, 3] - at.y)
        velocity[1] += turn * (pose[0, 3] - at.x)
    return velocity
