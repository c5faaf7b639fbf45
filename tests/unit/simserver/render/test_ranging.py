"""LiDAR, radar and free rays in scenes with answers on paper."""

from dataclasses import replace

import numpy as np
import pytest

from synthgen.simserver.render.renderer import Renderer
from synthgen.simserver.render.self_test import plane
from synthgen.simserver.render.specs import LidarSpec, LidarSweep, RadarSpec, Weather
from synthgen.simserver.scene import F32, Material, Mesh, Model, Part, Tag
from tests.unit.simserver.render.scenes import (
    DAY,
    cube_model,
    ideal_lidar,
    place_cube,
    pose,
    road_with_cube,
    wall_at,
)


def scan(
    renderer: Renderer,
    spec: LidarSpec,
    *,
    at: F32 | None = None,
    before: F32 | None = None,
    start_rad: float = 0.0,
    frame: int = 0,
    weather: Weather = DAY,
) -> LidarSweep:
    return renderer.lidar(
        spec,
        pose() if at is None else at,
        before,
        weather=weather,
        frame=frame,
        delta_s=0.1,
        start_angle_rad=start_rad,
    )


def test_rings_on_a_plane_have_the_range_of_their_elevation(renderer: Renderer) -> None:
    renderer.load_map(plane(60.0, 30))
    sweep = scan(renderer, ideal_lidar(3, 360, -5.0, -15.0))
    rings = np.linalg.norm(sweep.xyz_m, axis=1).reshape(3, 360)
    expected = 2.0 / np.sin(np.deg2rad([5.0, 10.0, 15.0]))
    assert sweep.points_per_channel.tolist() == [360, 360, 360]
    assert rings == pytest.approx(np.repeat(expected[:, None], 360, axis=1), abs=2e-4)


def test_incidence_on_a_plane_is_the_sine_of_the_elevation(renderer: Renderer) -> None:
    renderer.load_map(plane(60.0, 30))
    sweep = scan(renderer, ideal_lidar(1, 100, -10.0, -10.0))
    assert sweep.cos_incidence == pytest.approx(np.sin(np.deg2rad(10.0)), abs=1e-5)


def test_intensity_decays_by_the_attenuation_rate(renderer: Renderer) -> None:
    renderer.load_map(wall_at(50.0))
    spec = replace(ideal_lidar(1, 361, 0.0, 0.0), atmosphere_attenuation_rate=0.01)
    sweep = scan(renderer, spec)
    nearest = int(np.argmin(sweep.xyz_m[:, 0] + np.abs(sweep.xyz_m[:, 1])))
    distance = float(np.linalg.norm(sweep.xyz_m[nearest]))
    assert sweep.intensity[nearest] == pytest.approx(np.exp(-0.01 * distance), rel=1e-4)


def test_a_thing_on_the_right_has_positive_y_and_its_instance(renderer: Renderer) -> None:
    road_with_cube(renderer, ahead_m=0.0, right_m=10.0, instance=77)
    sweep = scan(renderer, ideal_lidar(1, 720, 0.0, 0.0))
    assert len(sweep.xyz_m) > 0
    assert (sweep.instance == 77).all()
    assert sweep.xyz_m[:, 1] == pytest.approx(9.5, abs=1e-3)


def test_a_quarter_turn_covers_a_quarter(renderer: Renderer) -> None:
    renderer.load_map(plane(60.0, 30))
    spec = replace(ideal_lidar(1, 90, -10.0, -10.0), rotation_frequency_hz=2.5)
    sweep = scan(renderer, spec, start_rad=np.pi / 2)
    azimuth = np.rad2deg(np.arctan2(sweep.xyz_m[:, 1], sweep.xyz_m[:, 0]))
    assert azimuth == pytest.approx(np.arange(-90.0, 0.0), abs=1e-3)
    assert sweep.horizontal_angle_rad == pytest.approx(np.pi)


def test_general_drop_off_keeps_its_share(renderer: Renderer) -> None:
    renderer.load_map(plane(60.0, 30))
    sweep = scan(renderer, replace(ideal_lidar(8, 2000, -5.0, -20.0), dropoff_general_rate=0.45))
    # 16,000 beams: the share's standard deviation is 0.004.
    assert len(sweep.xyz_m) / 16000 == pytest.approx(0.55, abs=0.016)


def test_weak_returns_drop_by_carlas_line(renderer: Renderer) -> None:
    renderer.load_map(plane(60.0, 30))
    spec = replace(
        ideal_lidar(1, 16000, -10.0, -10.0),
        atmosphere_attenuation_rate=0.06,
        dropoff_intensity_limit=0.8,
        dropoff_zero_intensity=0.4,
    )
    intensity = np.exp(-0.06 * 2.0 / np.sin(np.deg2rad(10.0)))
    expected = 0.4 / 0.8 * intensity + 0.6
    assert len(scan(renderer, spec).xyz_m) / 16000 == pytest.approx(expected, abs=0.014)


def test_range_noise_has_its_deviation(renderer: Renderer) -> None:
    renderer.load_map(plane(60.0, 30))
    spec = replace(ideal_lidar(1, 20000, -10.0, -10.0), range_noise_m=0.05)
    error = np.linalg.norm(scan(renderer, spec).xyz_m, axis=1) - 2.0 / np.sin(np.deg2rad(10.0))
    assert error.mean() == pytest.approx(0.0, abs=0.0015)
    assert error.std() == pytest.approx(0.05, rel=0.03)


def test_spinning_beam_is_sent_from_where_the_sensor_was(renderer: Renderer) -> None:
    renderer.load_map(wall_at(20.0))
    spec = replace(ideal_lidar(1, 400, 0.0, 0.0), spinning=True)
    sweep = scan(renderer, spec, at=pose(2.0), before=pose(0.0))
    ahead = int(np.argmin(np.abs(sweep.xyz_m[:, 1])))
    # Straight ahead is half-way through the turn: the sensor has driven 1 of 2 m.
    assert sweep.xyz_m[ahead, 0] == pytest.approx(19.0, abs=0.02)
    assert sweep.time_s[ahead] == pytest.approx(-0.05, abs=0.001)


def test_spinning_beam_meets_an_actor_where_it_was(renderer: Renderer) -> None:
    road_with_cube(renderer, ahead_m=10.5)
    place_cube(renderer, 12.5, 0.0)
    spec = replace(ideal_lidar(1, 400, 0.0, 0.0), spinning=True)
    sweep = scan(renderer, spec, at=pose(), before=pose())
    assert sweep.xyz_m[:, 0] == pytest.approx(11.0, abs=0.1)


def test_clustered_drop_out_is_correlated_between_neighbours(renderer: Renderer) -> None:
    renderer.load_map(plane(60.0, 30))
    base = replace(ideal_lidar(1, 4000, -10.0, -10.0), dropoff_general_rate=0.5)

    def repeats(spec: LidarSpec) -> float:
        sweep = scan(renderer, spec)
        azimuth = np.arctan2(sweep.xyz_m[:, 1], sweep.xyz_m[:, 0])
        kept = np.zeros(4000, bool)
        kept[np.rint((azimuth + np.pi) / (2 * np.pi) * 4000).astype(int) % 4000] = True
        return float((kept[1:] == kept[:-1]).mean())

    assert repeats(base) == pytest.approx(0.5, abs=0.03)
    assert repeats(replace(base, dropoff_correlation_m=0.5)) > 0.6


def test_fog_returns_points_only_with_the_physical_model(renderer: Renderer) -> None:
    renderer.load_map(wall_at(40.0))
    fog = Weather(fog_density=60.0)
    base = replace(ideal_lidar(1, 2000, 0.0, 0.0), intensity_model="physical")
    foggy = scan(renderer, base, weather=fog)
    clear = scan(renderer, base, weather=Weather())
    assert (foggy.tag == 0).sum() > 100
    assert (clear.tag == 0).sum() == 0


@pytest.mark.parametrize(
    ("wall_m", "fog_density", "share"),
    [
        # Concrete's reflectance of 0.38 fades around 120 m * sqrt(0.38 / 0.8) = 83 m, by a fifth
        # nearer and farther.
        (68.0, 0.0, 1.0),
        (97.0, 0.0, 0.0),
        # Density 60 is an extinction of 0.1 * 0.6^2.2 = 0.0325 per metre: at 40 m a fourteenth of
        # the light is left, where a quarter of it is needed; at 20 m a quarter where a seventeenth.
        (40.0, 60.0, 0.0),
        (20.0, 60.0, 1.0),
    ],
)
def test_a_wall_is_heard_while_enough_light_comes_back(
    renderer: Renderer, wall_m: float, fog_density: float, share: float
) -> None:
    renderer.load_map(wall_at(wall_m))
    spec = replace(ideal_lidar(1, 3600, 0.0, 0.0), range_m=120.0, intensity_model="physical")
    sweep = scan(renderer, spec, weather=Weather(fog_density=fog_density))
    ahead = np.abs(np.arctan2(sweep.xyz_m[:, 1], sweep.xyz_m[:, 0])) < np.deg2rad(15.05)
    from_wall = sweep.tag[ahead] != 0
    from_fog = int((~from_wall).sum())
    assert from_wall.sum() == pytest.approx(share * (301 - from_fog), abs=1)


@pytest.mark.parametrize("pitch_deg", [0.0, 35.0])
@pytest.mark.parametrize(("last", "things"), [([0.1, 0.0, 2.0], 1), ([0.0, 0.0, 30.0], 10)])
def test_sweep_meets_things_where_free_rays_do(
    renderer: Renderer, last: list[float], things: int, pitch_deg: float
) -> None:
    """Sweeps leave out things beside a batch of beams; free rays look at all of them.

    Cubes lie near and far, above and below, on all sides; the last one may hold the sensor.
    """
    renderer.load_map(plane(60.0, 30))
    model, rng = cube_model(0.3), np.random.default_rng(0)
    spots = [*rng.uniform([-40, -40, -3], [40, 40, 25], (60, 3)).tolist(), last]
    for k in range(len(spots)):
        renderer.add_actor(k, 100 + k, model)
    placed = [pose(x, y, z, 37.0 * k)[None] for k, (x, y, z) in enumerate(spots)]
    renderer.move(list(range(len(spots))), placed, [0] * len(spots))
    c, s = np.cos(np.deg2rad(pitch_deg)), np.sin(np.deg2rad(pitch_deg))
    at = np.array([[c, 0, -s, 0], [0, 1, 0, 0], [s, 0, c, 2]], np.float32)
    up = np.deg2rad(np.linspace(85.0, -85.0, 64))[:, None]
    turn = 2.0 * np.pi * np.arange(500)[None, :] / 500 - np.pi
    aims = np.stack(
        [np.cos(up) * np.cos(turn), np.cos(up) * np.sin(turn), np.sin(up) + 0.0 * turn], axis=-1
    ).reshape(-1, 3)
    directions = (aims @ at[:, :3].T).astype(np.float32)
    free = renderer.cast(np.tile(at[:, 3], (len(aims), 1)), directions, 100.0)
    sweep = scan(renderer, ideal_lidar(64, 500, 85.0, -85.0), at=at)
    met = free.distance_m[np.isfinite(free.distance_m)]
    assert len(np.unique(free.instance)) >= things
    assert np.linalg.norm(sweep.xyz_m, axis=1) == pytest.approx(met, abs=1e-3)


def test_radar_sees_a_cube_approach(renderer: Renderer) -> None:
    road_with_cube(renderer, ahead_m=20.5, instance=7)
    spec = RadarSpec(horizontal_fov_deg=10.0, vertical_fov_deg=4.0, points_per_second=20000)
    rows = renderer.radar(
        spec,
        pose(),
        sensor_velocity_mps=np.array([5.0, 0.0, 0.0], np.float32),
        velocities_mps={7: np.array([-10.0, 0.0, 0.0], np.float32)},
        frame=0,
        delta_s=0.1,
    )
    on_cube = rows[np.abs(rows[:, 3] * np.cos(rows[:, 1]) * np.cos(rows[:, 2]) - 20.0) < 0.01]
    velocity, azimuth, altitude = on_cube[:, 0], on_cube[:, 1], on_cube[:, 2]
    assert len(on_cube) > 20
    assert velocity == pytest.approx(-15.0 * np.cos(azimuth) * np.cos(altitude), abs=1e-3)


RADAR = RadarSpec(horizontal_fov_deg=10.0, vertical_fov_deg=4.0, points_per_second=20000)
NARROW = replace(RADAR, horizontal_fov_deg=0.5, vertical_fov_deg=0.5, scatter_model="physical")


def radar_rows(renderer: Renderer, spec: RadarSpec, frame: int = 0) -> F32:
    return renderer.radar(
        spec,
        pose(),
        sensor_velocity_mps=np.array([5.0, 0.0, 0.0], np.float32),
        velocities_mps={},
        frame=frame,
        delta_s=0.1,
    )


def test_radar_target_fades_as_a_whole_by_swerlings_law(renderer: Renderer) -> None:
    # A car's 10 square metres at 80 m: mean echo 4 * 10 * (50 / 80)^4 = 6.1, so it is above 1
    # in exp(-1 / 6.1) = 85 % of the scans, and then with all its rays.
    road_with_cube(renderer, ahead_m=80.5, instance=7)
    counts = np.array([len(radar_rows(renderer, NARROW, frame)) for frame in range(300)])
    assert (counts > 0).mean() == pytest.approx(np.exp(-1.0 / 6.1), abs=0.06)
    assert set(np.unique(counts)) == {0, 2000}


def test_radar_measures_with_noise(renderer: Renderer) -> None:
    road_with_cube(renderer, ahead_m=20.5, instance=7)
    rows = radar_rows(renderer, NARROW, 3)
    assert rows[:, 3].std() == pytest.approx(0.1, rel=0.1)
    assert rows[:, 0].std() == pytest.approx(0.06, rel=0.1)


def test_radar_clutter_lies_in_front_of_what_stands_there(renderer: Renderer) -> None:
    renderer.load_map(wall_at(30.0))
    rows = radar_rows(renderer, replace(RADAR, clutter_rate=0.25))
    false = rows[2000:]
    assert len(false) == pytest.approx(500, abs=60)
    assert 1.0 <= false[:, 3].min() < 3.0
    assert 27.0 < false[:, 3].max() <= 31.0
    assert false[:, 0].mean() == pytest.approx(-5.0, abs=0.1)


def test_free_ray_reports_distance_normal_and_nothing(renderer: Renderer) -> None:
    renderer.load_map(wall_at(30.0))
    origins = np.zeros((2, 3), np.float32)
    met = renderer.cast(origins, np.array([[1, 0, 0], [-1, 0, 0]], np.float32), 100.0)
    assert met.distance_m.tolist() == [pytest.approx(30.0), np.inf]
    assert met.normal[0] == pytest.approx([-1.0, 0.0, 0.0])
    assert met.tag.tolist() == [4, 0]


def glass_before_wall(renderer: Renderer, panes: int, *, turned_deg: float = 0.0) -> LidarSweep:
    """A beam ahead through panes at 10 m and more, to a concrete wall at 20 m."""
    renderer.load_map(wall_at(20.0))
    across = np.deg2rad(turned_deg)
    side, up = np.array([np.sin(across), np.cos(across), 0.0]) * 4.0, np.array([0.0, 0.0, 4.0])
    corners = np.array([-side - up, side - up, side + up, -side + up], np.float32)
    pane = Mesh(
        corners,
        np.array([[0, 1, 2], [0, 2, 3]], np.int32),
        np.full(2, Material.GLASS, np.uint8),
        np.full(2, Tag.CAR, np.uint8),
    )
    size = np.full(3, 4.0, np.float32)
    zero = np.zeros(3, np.float32)
    model = Model((Part("body", pane, zero),), zero, size, np.zeros((8, 3), np.float32))
    for number in range(1, panes + 1):
        renderer.add_actor(number, number, model, number)
        renderer.move([number], [pose(9.0 + number)[None]], [0])
    beam = replace(ideal_lidar(1, 3600, 0.0, 0.0), intensity_model="physical", range_m=120.0)
    sweep = scan(renderer, beam)
    for number in range(1, panes + 1):
        renderer.remove_actor(number)
    return sweep


def test_physical_beams_pass_the_glass_of_cars(renderer: Renderer) -> None:
    sweep = glass_before_wall(renderer, 1)
    ahead = np.abs(sweep.xyz_m[:, 1]) < 1.0
    assert ahead.any()
    np.testing.assert_allclose(sweep.xyz_m[ahead, 0], 20.0, atol=1e-3)


@pytest.mark.parametrize(("panes", "turned_deg"), [(1, 0.0), (2, 0.0), (1, 60.0)])
def test_glass_takes_its_share_on_both_ways(
    renderer: Renderer, panes: int, turned_deg: float
) -> None:
    # Fresnel by Snell's angles: reflectance of both polarisations, halved; 4 mm that keep 55 %.
    outer = np.deg2rad(turned_deg)
    inner = np.arcsin(np.sin(outer) / 1.52)
    if turned_deg:
        across = (np.sin(outer - inner) / np.sin(outer + inner)) ** 2
        along = (np.tan(outer - inner) / np.tan(outer + inner)) ** 2
    else:
        across = along = (0.52 / 2.52) ** 2
    passed = (1 - (across + along) / 2) ** 2 * 0.55 ** (1 / np.cos(inner))
    bare = glass_before_wall(renderer, 0)
    glazed = glass_before_wall(renderer, panes, turned_deg=turned_deg)
    straight = [
        s.intensity[np.argmin(np.abs(s.xyz_m[:, 1]) - s.xyz_m[:, 0])] for s in (bare, glazed)
    ]
    assert straight[1] / straight[0] == pytest.approx(passed ** (2 * panes), rel=0.01)


def test_carla_s_beams_stop_at_glass(renderer: Renderer) -> None:
    glass_before_wall(renderer, 0)
    renderer.load_map(replace(wall_at(20.0), material=np.full(2, Material.GLASS, np.uint8)))
    sweep = scan(renderer, ideal_lidar(1, 3600, 0.0, 0.0))
    assert sweep.xyz_m[:, 0].max() == pytest.approx(20.0, abs=1e-3)
