"""Small scenes with answers on paper."""

import numpy as np

from synthgen.simserver.render.renderer import Renderer
from synthgen.simserver.render.self_test import box, plane
from synthgen.simserver.render.specs import CameraSpec, LidarSpec, Weather
from synthgen.simserver.scene import F32, U8, Material, Mesh, Model, Part, Tag

DAY = Weather(sun_altitude_angle=45.0, cloudiness=20.0)
LABELS = frozenset({"depth", "semantic", "instance", "normals", "flow"})
SENSOR_HEIGHT_M = 2.0


def pose(x: float = 0.0, y: float = 0.0, z: float = SENSOR_HEIGHT_M, yaw_deg: float = 0.0) -> F32:
    """(3, 4) pose, turned about z (positive turns x towards y)."""
    c, s = np.cos(np.deg2rad(yaw_deg)), np.sin(np.deg2rad(yaw_deg))
    return np.array([[c, -s, 0, x], [s, c, 0, y], [0, 0, 1, z]], np.float32)


def cube_model(half_m: float = 0.5) -> Model:
    """A concrete cube about the actor's origin."""
    part = Part("body", box(half_m, Material.CONCRETE, Tag.CAR), np.zeros(3, np.float32))
    size = np.full(3, half_m, np.float32)
    return Model((part,), np.zeros(3, np.float32), size, np.zeros((8, 3), np.float32))


def wall_at(x_m: float) -> Mesh:
    """A wall 100 m wide across the x axis."""
    vertices = np.array([[x_m, -50, -50], [x_m, 50, -50], [x_m, 50, 50], [x_m, -50, 50]])
    return Mesh(
        vertices.astype(np.float32),
        np.array([[0, 1, 2], [0, 2, 3]], np.int32),
        np.full(2, Material.CONCRETE, np.uint8),
        np.full(2, Tag.WALLS, np.uint8),
    )


def road_with_cube(
    renderer: Renderer, *, ahead_m: float = 10.0, right_m: float = 0.0, instance: int = 0x1234
) -> None:
    """A road plane, and a cube at the sensor's height."""
    renderer.load_map(plane(60.0, 30))
    renderer.add_actor(1, instance, cube_model())
    place_cube(renderer, ahead_m, right_m)


def place_cube(renderer: Renderer, ahead_m: float, right_m: float) -> None:
    """Begin a frame with the cube somewhere."""
    renderer.move([1], [pose(ahead_m, right_m)[None]], [0])


def look(
    renderer: Renderer,
    outputs: frozenset[str] = LABELS,
    *,
    at: F32 | None = None,
    before: F32 | None = None,
    quality: str = "low",
    frame: int = 0,
    weather: Weather = DAY,
    spec: CameraSpec | None = None,
) -> dict[str, U8 | F32]:
    """An 800 x 450 camera of 90 degrees (focal length 400 px)."""
    chosen = CameraSpec(width=800, height=450, fov_deg=90.0, quality=quality)
    return renderer.camera(
        chosen if spec is None else spec,
        pose() if at is None else at,
        before,
        weather=weather,
        frame=frame,
        outputs=outputs,
    )


def depth_m(image: U8 | F32) -> F32:
    """Metres by CARLA's formula: 1000 (R + 256 G + 65536 B) / (2^24 - 1), pixels BGRA."""
    b, g, r = (image[..., k].astype(np.float64) for k in range(3))
    return (1000.0 * (r + 256.0 * g + 65536.0 * b) / (2.0**24 - 1.0)).astype(np.float32)


def ideal_lidar(channels: int, columns: int, upper_deg: float, lower_deg: float) -> LidarSpec:
    """A LiDAR that drops nothing and sends `columns` beams a channel in 0.1 s."""
    return LidarSpec(
        channels=channels,
        range_m=100.0,
        points_per_second=channels * columns * 10,
        rotation_frequency_hz=10.0,
        upper_fov_deg=upper_deg,
        lower_fov_deg=lower_deg,
        dropoff_general_rate=0.0,
        dropoff_zero_intensity=0.0,
    )
