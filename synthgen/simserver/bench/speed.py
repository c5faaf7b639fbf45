"""How long frames, sweeps and moves take, beside an empty Embree trace and Open3D."""

from __future__ import annotations

from functools import partial

import numpy as np

from synthgen.simserver.bench.city import City, city, merged
from synthgen.simserver.bench.timing import timed
from synthgen.simserver.render.renderer import Renderer
from synthgen.simserver.render.specs import CameraSpec, LidarSpec, Weather
from synthgen.simserver.scene import F32

LABELS = frozenset({"depth", "semantic", "instance"})
DAY = Weather(cloudiness=30.0, sun_altitude_angle=45.0, sun_azimuth_angle=130.0)
SECONDS = 1.0
CHANNELS, COLUMNS = 64, 2048
LIDAR = LidarSpec(
    channels=CHANNELS,
    range_m=100.0,
    points_per_second=CHANNELS * COLUMNS * 10,
    rotation_frequency_hz=10.0,
    upper_fov_deg=2.0,
    lower_fov_deg=-24.8,
    dropoff_general_rate=0.0,
    dropoff_zero_intensity=0.0,
)


def eye(height_m: float) -> F32:
    """(3, 4) pose of the bench's sensors, looking along a road."""
    return np.array([[1, 0, 0, -30], [0, 1, 0, -1.75], [0, 0, 1, height_m]], np.float32)


def populated(renderer: Renderer) -> City:
    """The bench's city, loaded, its actors placed."""
    scene = city()
    renderer.load_map(scene.static)
    for k, model in enumerate(scene.models):
        renderer.add_actor(k, 1000 + k, model, k)
    place(renderer, scene, SECONDS)
    return scene


def place(renderer: Renderer, scene: City, seconds: float) -> None:
    """Move all actors."""
    actors = range(len(scene.models))
    renderer.move(list(actors), scene.poses(seconds), [0] * len(scene.models))


def render_bench(threads: int) -> dict[str, float]:
    """Figures of `bench render`."""
    with Renderer(threads) as renderer:
        scene = populated(renderer)

        def camera(quality: str, width: int, height: int, outputs: frozenset[str]) -> object:
            spec = CameraSpec(width=width, height=height, quality=quality)
            return renderer.camera(spec, eye(1.6), None, weather=DAY, frame=0, outputs=outputs)

        found: dict[str, float] = {"triangles": scene.triangle_count, "threads": threads}
        actors = list(range(len(scene.models)))
        poses, dark = scene.poses(SECONDS), [0] * len(actors)
        found |= timed("move_100_actors", lambda: renderer.move(actors, poses, dark))
        found |= timed("embree_primary_800x450", lambda: renderer.empty_trace(800, 450, eye(1.6)))
        for quality in ("low", "medium"):
            for width, height in ((800, 450), (1600, 900)):
                shoot = partial(camera, quality, width, height, LABELS | {"rgb"})
                found |= timed(f"{quality}_{width}x{height}", shoot)
        found |= timed("high_800x450", lambda: camera("high", 800, 450, LABELS | {"rgb"}))
        found |= timed("labels_800x450", lambda: camera("low", 800, 450, LABELS))
    trace = found["embree_primary_800x450_ms"]
    found["low_over_trace"] = round(found["low_800x450_ms"] / trace, 3)
    found["medium_over_trace"] = round(found["medium_800x450_ms"] / trace, 3)
    return found


def lidar_bench(threads: int) -> dict[str, float]:
    """Figures of `bench lidar`; Open3D casts the same rays and must agree on the hits."""
    import open3d  # only here: it needs libGL

    with Renderer(threads) as renderer:
        scene = populated(renderer)

        def sweep(*, labels: bool) -> object:
            return renderer.lidar(
                LIDAR,
                eye(1.9),
                None,
                weather=DAY,
                frame=0,
                delta_s=0.1,
                start_angle_rad=0.0,
                labels=labels,
            )

        found: dict[str, float] = {"triangles": scene.triangle_count, "threads": threads}
        found |= timed("lidar_64x2048", partial(sweep, labels=False))
        found |= timed("semantic_lidar_64x2048", partial(sweep, labels=True))
        vertices, faces = merged(scene, SECONDS)
        oracle = open3d.t.geometry.RaycastingScene(nthreads=threads)
        oracle.add_triangles(vertices, faces.astype(np.uint32))
        rays = _rays(eye(1.9))
        tensor = open3d.core.Tensor(rays)
        found |= timed("open3d_lidar_64x2048", lambda: oracle.cast_rays(tensor, nthreads=threads))
        theirs = oracle.cast_rays(tensor, nthreads=threads)["t_hit"].numpy()
        ours = renderer.cast(rays[:, :3], rays[:, 3:], LIDAR.range_m).distance_m
    theirs = np.where(theirs <= LIDAR.range_m, theirs, np.inf)
    both = np.isfinite(ours) & np.isfinite(theirs)
    found["lidar_points"] = int(np.isfinite(ours).sum())
    found["hits_only_ours"] = int((np.isfinite(ours) & ~both).sum())
    found["hits_only_open3d"] = int((np.isfinite(theirs) & ~both).sum())
    found["off_by_over_1mm"] = int((np.abs(ours[both] - theirs[both]) > 1e-3).sum())
    found["lidar_over_open3d"] = round(
        found["lidar_64x2048_ms"] / found["open3d_lidar_64x2048_ms"], 3
    )
    return found


def _rays(pose: F32) -> F32:
    """(N, 6) float32 origins and directions of the bench's sweep."""
    up = np.deg2rad(np.linspace(LIDAR.upper_fov_deg, LIDAR.lower_fov_deg, CHANNELS))[:, None]
    turn = 2.0 * np.pi * np.arange(COLUMNS)[None, :] / COLUMNS - np.pi
    rays = np.empty((CHANNELS, COLUMNS, 6))
    rays[..., :3] = pose[:, 3]
    rays[..., 3] = np.cos(up) * np.cos(turn)
    rays[..., 4] = np.cos(up) * np.sin(turn)
    rays[..., 5] = np.sin(up) + 0.0 * turn
    return rays.reshape(-1, 6).astype(np.float32)
