"""The pictures of `docs/gallery`: `python -m synthgen.simserver gallery docs/gallery`."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from synthgen.simserver.bench.stage import Stage, open_stage, pose_matrix
from synthgen.simserver.render.beam_tables import beam_table
from synthgen.simserver.render.renderer import Renderer
from synthgen.simserver.render.specs import CameraSpec, LidarSpec, Weather
from synthgen.simserver.scene import F32

U8 = NDArray[np.uint8]
WIDTH, HEIGHT = 960, 540
EYE_M = 1.65
JPEG_QUALITY = 88

NOON = Weather(cloudiness=25.0, sun_altitude_angle=58.0, sun_azimuth_angle=140.0)
LOW_SUN = Weather(cloudiness=15.0, sun_altitude_angle=9.0, sun_azimuth_angle=9.0)
OVERCAST = Weather(cloudiness=100.0, sun_altitude_angle=45.0)
RAIN = Weather(
    cloudiness=95.0,
    precipitation=75.0,
    precipitation_deposits=65.0,
    wetness=90.0,
    sun_altitude_angle=40.0,
)
FOG = Weather(cloudiness=70.0, fog_density=35.0, fog_distance=5.0, sun_altitude_angle=40.0)
NIGHT = Weather(sun_altitude_angle=-35.0)
# Position and low beam.
LAMPS = 1 | 2
PALETTE = np.random.default_rng(4).integers(60, 255, (256, 3)).astype(np.uint8)


@dataclass(frozen=True, slots=True)
class Scene:
    """One picture: a town, where the eye is, the weather, and what stands around.

    Attributes:
        name: File name without suffix.
        town: Town of ours.
        ego: Spawn point the eye stands at.
        weather: Weather.
        casting: Puts actors on the stage besides the traffic.
    """

    name: str
    town: str
    ego: int
    weather: Weather = NOON
    casting: Callable[[Stage, int], None] | None = None


def _ahead(stage: Stage, ego: int, forward_m: float, right_m: float) -> tuple[float, float, float]:
    eye = stage.ego_pose(ego, 0.0)
    spot = eye[:, 3] + eye[:, 0] * forward_m + eye[:, 1] * right_m
    return float(spot[0]), float(spot[1]), float(spot[2])


def _yaw(stage: Stage, ego: int) -> float:
    return stage.town.spawn_points[ego].yaw_deg


def _child(stage: Stage, ego: int) -> None:
    van = _ahead(stage, ego, 12.0, 2.0)
    stage.put("vehicle.mercedes.sprinter", van, _yaw(stage, ego), color="235,235,230")
    child = _ahead(stage, ego, 7.4, 0.9)
    stage.put("walker.pedestrian.0009", child, _yaw(stage, ego) - 90.0)


def _cyclist(stage: Stage, ego: int) -> None:
    stage.put("vehicle.diamondback.century", _ahead(stage, ego, 8.0, 1.2), _yaw(stage, ego))
    stage.put("vehicle.bh.crossbike", _ahead(stage, ego, 13.0, 1.4), _yaw(stage, ego))
    stage.put("walker.pedestrian.0001", _ahead(stage, ego, 9.0, 4.0), _yaw(stage, ego) + 160.0)


def _bus(stage: Stage, ego: int) -> None:
    bus = _ahead(stage, ego, 19.0, -3.5)
    stage.put("vehicle.mitsubishi.fusorosa", bus, _yaw(stage, ego) + 180.0, lights=1)
    car = _ahead(stage, ego, 11.0, 0.0)
    stage.put("vehicle.tesla.model3", car, _yaw(stage, ego), lights=8, color="130,20,20")


def _people(stage: Stage, ego: int) -> None:
    """Three rows of people on the sunny side, turned this way and that."""
    for k, number in enumerate((1, 4, 7, 10, 13, 16, 19, 22, 25, 28, 31, 34, 36, 39, 45, 50)):
        row, column = divmod(k, 6)
        at = _ahead(stage, ego, 4.4 + 1.6 * row, -4.4 + 0.95 * column + 0.4 * (row % 2))
        turn = (180.0, 150.0, 215.0, 95.0, 10.0)[k % 5]
        stage.put(f"walker.pedestrian.{number:04d}", at, _yaw(stage, ego) + turn)


SCENES = (
    Scene("noon", "SynthDowntown", 7),
    Scene("low_sun", "SynthDowntown", 7, LOW_SUN),
    Scene("overcast", "SynthDowntown", 7, OVERCAST),
    Scene("rain", "SynthDowntown", 7, RAIN),
    Scene("fog", "SynthDowntown", 7, FOG),
    Scene("night", "SynthDowntown", 7, NIGHT),
    Scene("downtown", "SynthDowntown", 12),
    Scene("suburb", "SynthSuburb", 160),
    Scene("motorway", "SynthMotorway", 2),
    Scene("child", "SynthSuburb", 240, NOON, _child),
    Scene("cyclist", "SynthDowntown", 16, NOON, _cyclist),
    Scene("bus", "SynthDowntown", 20, NOON, _bus),
    Scene("people", "SynthDowntown", 7, NOON, _people),
)
LABELS = Scene("labels", "SynthDowntown", 7, NOON, _bus)


def main(argv: Sequence[str]) -> int:
    """Write all pictures into a folder; the exit code."""
    if len(argv) != 1:
        print("usage: python -m synthgen.simserver gallery FOLDER", file=sys.stderr)  # noqa: T201
        return 2
    folder = Path(argv[0])
    folder.mkdir(parents=True, exist_ok=True)
    with Renderer(os.cpu_count() or 1) as renderer:
        for scene in SCENES:
            picture = _shot(_staged(renderer, scene), scene, frozenset({"rgb"}))["rgb"]
            _write(folder / f"{scene.name}.jpg", _bgr(picture))
        _write_labels(renderer, folder)
        _write_sweeps(_staged(renderer, LABELS), folder)
    return 0


def _staged(renderer: Renderer, scene: Scene) -> Stage:
    stage = open_stage(renderer, scene.town)
    ego = scene.ego % len(stage.town.spawn_points)
    lights = LAMPS if scene.weather.sun_altitude_angle < 0 else 0
    if scene.casting is not None:
        scene.casting(stage, ego)
    else:
        stage.fill(scene.ego, (ego,), lights=lights, share=0.6)
    stage.begin()
    # Twice, so that flow starts from rest.
    stage.begin()
    return stage


def _shot(stage: Stage, scene: Scene, outputs: frozenset[str]) -> dict[str, U8 | F32]:
    ego = scene.ego % len(stage.town.spawn_points)
    spec = CameraSpec(width=WIDTH, height=HEIGHT, fov_deg=80.0, quality="high")
    eye = stage.ego_pose(ego, EYE_M)
    before = eye.copy()
    before[:, 3] -= 0.4 * eye[:, 0]
    return stage.renderer.camera(spec, eye, before, weather=scene.weather, frame=0, outputs=outputs)


def _write_labels(renderer: Renderer, folder: Path) -> None:
    wanted = frozenset({"depth", "semantic", "instance", "flow"})
    seen = _shot(_staged(renderer, LABELS), LABELS, wanted)
    low_mid_high = seen["depth"][..., 2::-1].astype(np.float64)
    metres = low_mid_high @ np.array([1.0, 256.0, 65536.0]) * 1000.0 / (2.0**24 - 1.0)
    near = np.clip(255.0 * (1.0 - np.log1p(metres) / np.log1p(200.0)), 0, 255).astype(np.uint8)
    _write(folder / "depth.jpg", cv2.applyColorMap(near, cv2.COLORMAP_TURBO))
    _write(folder / "semantic.png", PALETTE[seen["semantic"][..., 2].astype(np.uint8)])
    low, high = seen["instance"][..., 1].astype(int), seen["instance"][..., 0].astype(int)
    key = (low * 37 + high * 101 + (low + high > 0)) % 256
    _write(folder / "instance.png", np.where(key[..., None] > 0, PALETTE[key], 40))
    _write(folder / "flow.jpg", _flow_colours(seen["flow"]))


def _flow_colours(flow: U8 | F32) -> U8:
    """Direction as hue, length as brightness."""
    pixels = flow.astype(np.float64) * [WIDTH / 2.0, -HEIGHT / 2.0]
    angle = (np.arctan2(pixels[..., 1], pixels[..., 0]) / np.pi + 1.0) * 90.0
    length = np.clip(np.hypot(pixels[..., 0], pixels[..., 1]) * 12.0, 0, 255)
    hsv = np.stack([angle, np.full_like(angle, 230.0), length], axis=-1).astype(np.uint8)
    return np.asarray(cv2.cvtColor(hsv, cv2.COLOR_HSV2BGR), np.uint8)


def _write_sweeps(stage: Stage, folder: Path) -> None:
    """The same sweep from behind and above, by intensity and by instance."""
    elevations, azimuths = beam_table("hdl64e")
    spec = LidarSpec(
        channels=64,
        range_m=100.0,
        points_per_second=64 * 2048 * 10,
        beam_elevations_deg=elevations,
        beam_azimuths_deg=azimuths,
        intensity_model="physical",
        dropoff_general_rate=0.05,
        dropoff_zero_intensity=0.3,
        dropoff_intensity_limit=0.2,
        range_noise_m=0.015,
    )
    sweep = stage.renderer.lidar(
        spec,
        stage.ego_pose(LABELS.ego, 1.9),
        None,
        weather=NOON,
        frame=0,
        delta_s=0.1,
        start_angle_rad=0.0,
    )
    bright = np.clip(sweep.intensity * 420.0, 0, 255).astype(np.uint8)
    colours = cv2.applyColorMap(bright[:, None], cv2.COLORMAP_VIRIDIS)[:, 0]
    _write(folder / "lidar_intensity.jpg", _cloud(sweep.xyz_m, colours))
    ids = PALETTE[(sweep.instance.astype(np.int64) * 37) % 256]
    ids[sweep.instance == 0] = (95, 90, 85)
    _write(folder / "lidar_id.jpg", _cloud(sweep.xyz_m, ids))


def _cloud(xyz_m: F32, colours: U8) -> U8:
    """Points seen from 14 m behind and 9 m above the sensor."""
    eye = pose_matrix(-14.0, 0.0, 9.0, 0.0, -24.0).astype(np.float64)
    local = (xyz_m - eye[:, 3]) @ eye[:, :3]
    ahead = local[:, 0] > 0.5
    local, colours = local[ahead], colours[ahead]
    order = np.argsort(-local[:, 0])
    u = WIDTH / 2 + 620.0 * local[order, 1] / local[order, 0]
    v = HEIGHT / 2 - 620.0 * local[order, 2] / local[order, 0]
    inside = (u >= 0) & (u < WIDTH - 1) & (v >= 0) & (v < HEIGHT - 1)
    picture = np.full((HEIGHT, WIDTH, 3), 14, np.uint8)
    x, y = u[inside].astype(int), v[inside].astype(int)
    for dx, dy in ((0, 0), (1, 0), (0, 1)):
        picture[y + dy, x + dx] = colours[order][inside]
    return picture


def _bgr(image: U8 | F32) -> U8:
    return np.ascontiguousarray(image[..., :3]).astype(np.uint8)


def _write(path: Path, image: U8) -> None:
    quality = [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY] if path.suffix == ".jpg" else []
    if not cv2.imwrite(str(path), image.astype(np.uint8), quality):
        raise OSError(f"cannot write {path}")
    print(f"wrote {path}", flush=True)  # noqa: T201 (progress for the owner)
