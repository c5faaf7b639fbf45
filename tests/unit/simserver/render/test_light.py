"""Sky, fog, lamps and the picture that comes of them."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from synthgen.simserver.render.develop import tone_curve
from synthgen.simserver.render.grids import grid_of
from synthgen.simserver.render.renderer import Renderer
from synthgen.simserver.render.sky import fog_of, sky_of
from synthgen.simserver.render.specs import CameraSpec, Weather
from synthgen.simserver.scene import Material
from tests.unit.simserver.render.scenes import DAY, look, place_cube, pose, road_with_cube, wall_at

RGB = frozenset({"rgb"})


def test_low_sun_is_redder_than_high_sun() -> None:
    low = sky_of(Weather(sun_altitude_angle=5.0)).sun_radiance
    high = sky_of(Weather(sun_altitude_angle=70.0)).sun_radiance
    assert low[0] / low[2] > 2.0 * high[0] / high[2]


def test_closed_cloud_cover_hides_the_sun() -> None:
    assert sky_of(Weather(cloudiness=100.0)).sun_radiance.max() == 0.0


def test_ambient_light_follows_the_table(renderer: Renderer) -> None:
    sky = sky_of(Weather(cloudiness=100.0, sun_altitude_angle=50.0))
    # The CIE overcast sky lights a level surface 7/9 pi of the zenith's radiance
    # (Moon and Spencer 1942); the fit is linear in the normal and its ground is dark.
    zenith = sky.table[0].mean()
    level = (sky.ambient[0] + sky.ambient[3]).mean()
    assert level == pytest.approx(7.0 / 9.0 * zenith, rel=0.12)


def test_fog_sight_follows_koschmieder() -> None:
    extinction, start, _ = fog_of(Weather(fog_density=100.0, fog_distance=20.0))
    assert 3.912 / extinction == pytest.approx(39.0, rel=0.05)
    assert start == 20.0


def test_fog_lowers_contrast(renderer: Renderer) -> None:
    road_with_cube(renderer, ahead_m=30.0)

    def contrast(weather: Weather) -> float:
        green = look(renderer, RGB, weather=weather)["rgb"][..., 1].astype(float)
        cube, behind = green[225, 400], green[212, 400]
        return float(abs(cube - behind) / (cube + behind))

    assert contrast(Weather(fog_density=60.0)) < 0.5 * contrast(Weather())


def test_cube_casts_a_shadow_away_from_the_sun(renderer: Renderer) -> None:
    road_with_cube(renderer, ahead_m=8.0)
    weather = Weather(sun_altitude_angle=45.0, sun_azimuth_angle=90.0)
    # The sun stands on the right (+y): the shadow of the cube 2 m up falls 2 m to the left.
    flat = look(renderer, RGB, weather=weather)["rgb"][..., 1].astype(int)
    row = int(225 + 400 * 2.0 / 8.0)
    shadow = flat[row, int(400 - 400 * 2.0 / 8.0)]
    lit = flat[row, int(400 + 400 * 2.0 / 8.0)]
    assert shadow < 0.75 * lit


def test_street_lamp_lights_the_road_at_night(renderer: Renderer) -> None:
    night = Weather(sun_altitude_angle=-40.0)
    fixed = CameraSpec(width=160, height=90, exposure_mode="manual", exposure_compensation=3.0)
    renderer.load_map(wall_at(12.0))
    dark = look(renderer, RGB, weather=night, spec=fixed)["rgb"].mean()
    lamp = np.array([[8.0, 0.0, 6.0, 1.0, 0.9, 0.7, 1.0]], np.float32)
    renderer.load_map(wall_at(12.0), (), lamp)
    assert look(renderer, RGB, weather=night, spec=fixed)["rgb"].mean() > dark + 5.0


def test_ground_under_a_lamp_lights_what_faces_away_from_it(renderer: Renderer) -> None:
    night = Weather(sun_altitude_angle=-40.0)
    bright = CameraSpec(width=800, height=450, exposure_mode="manual", exposure_compensation=3.0)
    road_with_cube(renderer, ahead_m=8.0)
    near_face = np.s_[215:235, 390:410, :3]
    dark = look(renderer, RGB, weather=night, spec=bright)["rgb"][near_face].mean()
    renderer.set_street_lights(np.array([[12.0, 0.0, 6.0, 1.0, 0.9, 0.7, 1.0]], np.float32))
    lit = look(renderer, RGB, weather=night, spec=bright)["rgb"][near_face].mean()
    assert lit > dark + 5.0


def test_manual_exposure_follows_the_stop(renderer: Renderer) -> None:
    renderer.load_map(wall_at(10.0))
    bright = CameraSpec(width=64, height=36, exposure_mode="manual", fstop=1.4)
    dim = CameraSpec(width=64, height=36, exposure_mode="manual", fstop=4.0)
    assert (
        look(renderer, RGB, spec=dim)["rgb"][..., :3].mean()
        < 0.7 * look(renderer, RGB, spec=bright)["rgb"][..., :3].mean()
    )


def test_tone_curve_rises_from_black_to_white() -> None:
    curve = tone_curve(2.2)
    assert curve[0] == 0.0
    assert curve[-1] == pytest.approx(1.0, abs=1e-3)
    assert (np.diff(curve) >= 0.0).all()


def test_grey_wall_has_the_asked_noise(renderer: Renderer) -> None:
    renderer.load_map(wall_at(2.0))
    quiet = CameraSpec(width=64, height=64, noise_stddev=0.0)
    loud = CameraSpec(width=64, height=64, noise_stddev=0.02)
    difference = look(renderer, RGB, spec=loud)["rgb"].astype(float) - look(
        renderer, RGB, spec=quiet
    )["rgb"].astype(float)
    tone = look(renderer, RGB, spec=quiet)["rgb"][..., :3].mean() / 255.0
    assert difference[..., :3].std() / 255.0 == pytest.approx(0.02 * (0.5 + tone), rel=0.1)


def test_grid_lists_everything_that_reaches_a_cell() -> None:
    rng = np.random.default_rng(1)
    places, reach = rng.uniform(-40, 40, (30, 2)), rng.uniform(2, 9, 30)
    grid = grid_of(places, reach, np.ones(30), room=30, cell_m=7.0)
    x0, y0, per_m, side = grid.frame
    probes = rng.uniform(-40, 40, (200, 2))
    for x, y in probes:
        listed = set(grid.cells[int((y - y0) * per_m) * int(side) + int((x - x0) * per_m)])
        near = np.flatnonzero(np.hypot(*(places - (x, y)).T) < reach)
        assert set(near) <= listed


def test_rolling_shutter_shears_what_moves_past(renderer: Renderer) -> None:
    road_with_cube(renderer, ahead_m=4.0, right_m=-0.5)
    place_cube(renderer, 4.0, 0.5)
    spec = CameraSpec(width=800, height=450, rolling_shutter_s=0.05)
    seen = renderer.camera(
        spec,
        np.eye(3, 4, dtype=np.float32) + np.array([[0, 0, 0, 0], [0, 0, 0, 0], [0, 0, 0, 2]]),
        np.eye(3, 4, dtype=np.float32) + np.array([[0, 0, 0, 0], [0, 0, 0, 0], [0, 0, 0, 2]]),
        weather=DAY,
        frame=0,
        outputs=frozenset({"semantic"}),
        delta_s=0.05,
    )["semantic"][..., 2]
    top, bottom = np.flatnonzero(seen[180] == 14), np.flatnonzero(seen[270] == 14)
    # 90 of 449 rows apart, at 1 m a frame and 400 px / 3.5 m.
    expected = 90.0 / 449.0 * 400.0 / 3.5
    assert bottom.mean() - top.mean() == pytest.approx(expected, abs=2.0)


def test_shop_signs_read_from_left_to_right(renderer: Renderer) -> None:
    wall = wall_at(12.0)
    renderer.load_map(replace(wall, material=np.full(2, Material.SHOPFRONT, np.uint8)))
    spec = CameraSpec(width=2000, height=64, fov_deg=90.0, noise_stddev=0.0)
    at = pose(z=2.94 + 0.15)
    picture = look(renderer, RGB, at=at, spec=spec)["rgb"][..., :3].min(axis=2)[20:45]
    # Four shops of 6 m; letters are the lightest on each sign.
    left = right = 0
    for shop in np.split(picture.astype(int), 4, axis=1):
        ink = shop[:, 60:-60] > (np.median(shop) + shop.max()) / 2
        empty = np.flatnonzero(~ink.any(axis=0))
        for a, b in pairwise(empty):
            # Capitals carry their stems on the left, if on one side (B, D, E, F, K, L, P, R).
            left += int(ink[:, a + 1 : (a + b + 1) // 2].sum())
            right += int(ink[:, (a + b) // 2 + 1 : b].sum())
    assert left > 1.05 * right


def test_wind_slants_rain(renderer: Renderer) -> None:
    renderer.load_map(wall_at(20.0))
    spec = CameraSpec(width=320, height=180, noise_stddev=0.0)

    def lean(wind: float) -> float:
        """Change of light down a diagonal by that straight down."""
        rain = Weather(cloudiness=100.0, precipitation=100.0, wind_intensity=wind)
        grey = look(renderer, RGB, weather=rain, spec=spec)["rgb"][..., 1].astype(float)
        down = np.abs(grey[1:, 1:-1] - grey[:-1, 1:-1]).mean()
        aside = min(np.abs(grey[1:, 1:-1] - grey[:-1, k : k + 318]).mean() for k in (0, 2))
        return float(aside / down)

    assert lean(0.0) > 1.2
    assert lean(100.0) < 0.9
