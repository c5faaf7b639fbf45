import numpy as np
import pytest

from synthgen.simserver.assets.extents import box_of, can_use_wheelchair, size_table
from synthgen.simserver.assets.library import model_of, tag_of
from synthgen.simserver.assets.poses import WalkerState, pose_of_walker, rest_pose
from synthgen.simserver.assets.signs import SIGNS
from synthgen.simserver.assets.street import STREET
from synthgen.simserver.scene import F32, Material, Model, Tag

WALKERS = [f"walker.pedestrian.{i:04d}" for i in range(1, 53)]
VEHICLES = sorted(key for key in size_table() if key.startswith("vehicle."))
PROPS = sorted(key for key in size_table() if key.startswith("static.prop."))
SCENERY = [
    *(f"scenery.{name}" for name in STREET),
    *(f"scenery.sign.{name}" for name in SIGNS),
    *(f"scenery.tree.{kind}" for kind in ("broadleaf", "poplar", "conifer", "palm", "bush")),
    "scenery.traffic_light_pole",
    "scenery.traffic_light_head",
    "traffic.traffic_light",
    "traffic.stop",
    "traffic.yield",
    "traffic.speed_limit.30",
]
FOUR_WHEELERS = [key for key in VEHICLES if tag_of(key) in {Tag.CAR, Tag.BUS, Tag.TRUCK}]
WALK_SPEEDS_MPS = (0.0, 1.4, 1.8)
RUN_SPEEDS_MPS = (2.6, 4.0)


def posed_points(model: Model, pose: F32) -> F32:
    return np.concatenate(
        [
            part.mesh.vertices_m @ place[:, :3].T + place[:, 3]
            for part, place in zip(model.parts, pose, strict=True)
        ]
    )


def bounds(points: F32) -> F32:
    return np.stack([points.min(axis=0), points.max(axis=0)])


def box_bounds(model: Model) -> F32:
    return np.stack(
        [model.box_center_m - model.box_extent_m, model.box_center_m + model.box_extent_m]
    )


def materials(model: Model, material: Material) -> F32:
    """Middles of the triangles of a material at rest."""
    return np.concatenate(
        [
            (part.mesh.vertices_m + part.pivot_m)[part.mesh.triangles].mean(axis=1)[
                part.mesh.material == material
            ]
            for part in model.parts
        ]
    )


@pytest.mark.parametrize("key", [*VEHICLES, *PROPS, *SCENERY])
def test_box_fits_the_mesh_within_2_cm(key: str) -> None:
    model = model_of(key, {}, 0)
    mesh = bounds(posed_points(model, rest_pose(model)))
    np.testing.assert_allclose(mesh, box_bounds(model), atol=0.02)


@pytest.mark.parametrize("walker", WALKERS)
def test_box_fits_the_walking_mesh_within_2_cm(walker: str) -> None:
    model = model_of(walker, {}, 0)
    steps = [
        bounds(posed_points(model, pose_of_walker(model, WalkerState(phase, speed))))
        for speed in WALK_SPEEDS_MPS
        for phase in np.linspace(0, 1, 8, endpoint=False)
    ]
    mesh = np.stack([np.min(steps, axis=0)[0], np.max(steps, axis=0)[1]])
    np.testing.assert_allclose(mesh, box_bounds(model), atol=0.02)


@pytest.mark.parametrize("walker", WALKERS[::7])
@pytest.mark.parametrize("speed", RUN_SPEEDS_MPS)
def test_runner_stays_in_the_box_within_2_cm(walker: str, speed: float) -> None:
    model = model_of(walker, {}, 0)
    low, high = box_bounds(model)
    for phase in np.linspace(0, 1, 12, endpoint=False):
        points = posed_points(model, pose_of_walker(model, WalkerState(phase, speed)))
        assert (points > low - 0.02).all()
        assert (points < high + 0.02).all()


@pytest.mark.parametrize("walker", [w for w in WALKERS if can_use_wheelchair(w)][::4])
def test_box_fits_the_wheelchair_within_2_cm(walker: str) -> None:
    model = model_of(walker, {"use_wheelchair": "true"}, 0)
    pose = pose_of_walker(model, WalkerState(0.3, 1.0))
    np.testing.assert_allclose(bounds(posed_points(model, pose)), box_bounds(model), atol=0.02)


@pytest.mark.parametrize("key", [*VEHICLES, *WALKERS[:2], *PROPS])
def test_box_of_model_is_the_table_s(key: str) -> None:
    center, extent = box_of(key, {})
    model = model_of(key, {}, 0)
    np.testing.assert_allclose(model.box_center_m, center, atol=0.002)
    np.testing.assert_allclose(model.box_extent_m, extent, atol=0.002)


@pytest.mark.parametrize("key", [*VEHICLES, *WALKERS, *PROPS, *SCENERY])
def test_mesh_is_sound(key: str) -> None:
    for part in model_of(key, {}, 0).parts:
        mesh = part.mesh
        assert mesh.normals is not None
        np.testing.assert_allclose(np.linalg.norm(mesh.normals, axis=1), 1, atol=1e-3)
        assert mesh.triangles.max() < len(mesh.vertices_m)
        a, b, c = (mesh.vertices_m[mesh.triangles[:, k]].astype(float) for k in range(3))
        assert np.linalg.norm(np.cross(b - a, c - a), axis=1).min() > 0


@pytest.mark.parametrize("key", VEHICLES)
def test_vehicle_faces_outward(key: str) -> None:
    model = model_of(key, {}, 0)
    body = model.parts[0].mesh
    a, b, c = (body.vertices_m[body.triangles[:, k]].astype(float) for k in range(3))
    # The divergence theorem: an outward surface encloses a positive volume.
    assert np.einsum("ij,ij->", a, np.cross(b, c)) / 6 > 0.001


@pytest.mark.parametrize("key", VEHICLES)
def test_vehicle_has_a_sensible_number_of_triangles(key: str) -> None:
    count = sum(len(part.mesh.triangles) for part in model_of(key, {}, 0).parts)
    assert 2_000 <= count <= 10_000


@pytest.mark.parametrize("key", VEHICLES)
def test_lamps_are_at_their_ends(key: str) -> None:
    model = model_of(key, {}, 0)
    assert materials(model, Material.TAIL_LAMP)[:, 0].max() < 0
    assert materials(model, Material.TAIL_LAMP).size > 0
    assert materials(model, Material.HEADLAMP)[:, 0].min() > 0


@pytest.mark.parametrize("key", FOUR_WHEELERS)
def test_indicators_blink_on_their_own_side(key: str) -> None:
    model = model_of(key, {}, 0)
    assert materials(model, Material.INDICATOR_LEFT)[:, 1].max() < 0
    assert materials(model, Material.INDICATOR_RIGHT)[:, 1].min() > 0


@pytest.mark.parametrize("key", VEHICLES)
def test_wheels_stand_on_the_ground(key: str) -> None:
    for part in model_of(key, {}, 0).parts:
        if part.name.startswith("wheel_"):
            lowest = part.mesh.vertices_m[:, 2].min() + part.pivot_m[2]
            assert abs(lowest) < 0.006


@pytest.mark.parametrize("key", ["vehicle.tesla.model3", "vehicle.carlamotors.firetruck"])
def test_plates_count_surface_coordinates_from_their_middle(key: str) -> None:
    mesh = model_of(key, {}, 0).parts[0].mesh
    assert mesh.uv_m is not None
    assert mesh.normals is not None
    corners = np.unique(mesh.triangles[mesh.material == Material.PLATE])
    front = corners[np.abs(mesh.normals[corners, 0]) > 0.9]
    # European plates: 520 mm x 112 mm.
    np.testing.assert_allclose(mesh.uv_m[front].min(axis=0), [-0.26, -0.056], atol=1e-3)
    np.testing.assert_allclose(mesh.uv_m[front].max(axis=0), [0.26, 0.056], atol=1e-3)


def test_color_attribute_paints_the_body() -> None:
    model = model_of("vehicle.audi.tt", {"color": "255,0,188"}, 0)
    # IEC 61966-2-1: 188 / 255 is 0.5029 linear.
    np.testing.assert_allclose(model.palette[0], [1.0, 0.0, 0.5029], atol=1e-3)


def test_colors_share_meshes() -> None:
    one = model_of("vehicle.audi.tt", {"color": "255,0,0"}, 0)
    other = model_of("vehicle.audi.tt", {"color": "0,0,255"}, 0)
    assert one.parts[0].mesh is other.parts[0].mesh


def test_same_look_is_the_same_model() -> None:
    assert model_of(WALKERS[0], {}, 3) is model_of(WALKERS[0], {"speed": "1.4"}, 3)


def test_rider_and_machine_have_their_own_tags() -> None:
    tags = {int(t) for p in model_of("vehicle.bh.crossbike", {}, 0).parts for t in p.mesh.tag}
    assert tags == {Tag.RIDER, Tag.BICYCLE}


def test_traffic_light_shows_three_bulbs_towards_plus_y() -> None:
    model = model_of("traffic.traffic_light", {"head_height_m": "5.0", "arm_m": "4.0"}, 0)
    red, green = materials(model, Material.BULB_RED), materials(model, Material.BULB_GREEN)
    high = red[red[:, 2] > 4]
    assert high[:, 2].min() > green[green[:, 2] > 4][:, 2].max()
    np.testing.assert_allclose(high[:, 0].mean(), -4.0, atol=0.05)
    assert high[:, 1].min() > 0.2


@pytest.mark.parametrize(
    "key", ["vehicle.no.car", "static.prop.none", "scenery.tree.baobab", "scenery.x", "x"]
)
def test_unknown_key_is_refused(key: str) -> None:
    with pytest.raises(KeyError):
        model_of(key, {}, 0)


@pytest.mark.parametrize("walker", [w for w in WALKERS if box_of(w, {})[1][2] > 0.75][::5])
def test_eyes_look_ahead_from_where_people_have_them(walker: str) -> None:
    # Drillis and Contini 1966 (Winter, fig. 4.1): eyes are at 0.936 of the stature.
    model = model_of(walker, {}, 0)
    eyes = materials(model, Material.EYE)
    stature = 2 * model.box_extent_m[2]
    assert (eyes[:, 0] > 0.03 * stature).all()
    np.testing.assert_allclose(eyes[:, 2] / stature + 0.5, 0.936, atol=0.015)
    np.testing.assert_allclose(eyes[:, 1].mean(), 0.0, atol=1e-3)
