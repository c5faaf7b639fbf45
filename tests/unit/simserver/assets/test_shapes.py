import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from synthgen.simserver.assets.finish import to_mesh
from synthgen.simserver.assets.shapes import (
    Shape,
    box,
    cylinder,
    ellipsoid,
    extrude,
    join,
    lathe,
    rounded_box,
    spline,
    tube,
)
from synthgen.simserver.scene import Material, Tag

STEEL = Material.METAL


def volume(shape: Shape) -> float:
    a, b, c = (shape.vertices_m[shape.triangles[:, k]] for k in range(3))
    return float(np.einsum("ij,ij->", a, np.cross(b, c)) / 6)


def test_box_encloses_its_volume() -> None:
    assert volume(box((1, 2, 3), STEEL, (5, 6, 7))) == pytest.approx(6)


@pytest.mark.parametrize("axis", ["x", "y", "z"])
def test_cylinder_encloses_nearly_its_volume(axis: str) -> None:
    exact = np.pi * 0.5**2 * 2
    assert volume(cylinder(0.5, 2, STEEL, sides=64, axis=axis)) == pytest.approx(exact, rel=0.01)


def test_ellipsoid_encloses_nearly_its_volume() -> None:
    exact = 4 / 3 * np.pi * 1 * 2 * 3
    assert volume(ellipsoid((1, 2, 3), STEEL, rings=32)) == pytest.approx(exact, rel=0.01)


def test_rounded_box_loses_its_corners() -> None:
    assert 0.8 < volume(rounded_box((1, 1, 1), 0.2, STEEL, steps=6)) < 1


def test_tube_encloses_nearly_its_volume() -> None:
    bar = tube([(0, 0, 0), (0, 0, 2)], 0.5, STEEL, sides=64)
    assert volume(bar) == pytest.approx(np.pi / 2, rel=0.01)


def test_extruded_triangle_has_half_the_volume_of_its_box() -> None:
    assert volume(extrude([(0, 0), (2, 0), (0, 2)], 3, STEEL)) == pytest.approx(6)


def test_mirror_image_still_faces_outward() -> None:
    assert volume(box((1, 1, 1), STEEL, (0, 5, 0)).mirrored()) == pytest.approx(1)


def test_fitted_shape_has_the_wanted_bounds() -> None:
    shape = ellipsoid((1, 2, 3), STEEL).fitted((-1, -2, 0), (4, 5, 6))
    np.testing.assert_allclose(shape.bounds_m(), [(-1, -2, 0), (4, 5, 6)], atol=1e-12)


def test_cube_keeps_crisp_edges() -> None:
    mesh = to_mesh(box((2, 2, 2), STEEL), Tag.STATIC)
    assert mesh.normals is not None
    np.testing.assert_allclose(np.abs(mesh.normals).max(axis=1), 1, atol=1e-6)
    assert len(mesh.vertices_m) == 24


def test_ball_is_smooth() -> None:
    mesh = to_mesh(ellipsoid((1, 1, 1), STEEL, rings=16), Tag.STATIC)
    assert mesh.normals is not None
    np.testing.assert_allclose(mesh.normals, mesh.vertices_m, atol=0.06)


def test_joined_shapes_keep_their_materials() -> None:
    both = join([box((1, 1, 1), STEEL), lathe([(0, 0), (1, 0), (0, 1)], Material.WOOD)])
    assert set(both.material.tolist()) == {STEEL, Material.WOOD}


@given(
    st.lists(st.floats(-5, 5), min_size=3, max_size=8),
    st.floats(0, 1),
)
def test_spline_never_overshoots_its_knots(values: list[float], share: float) -> None:
    knots = list(enumerate(values))
    at = share * (len(values) - 1)
    k = min(int(at), len(values) - 2)
    low, high = sorted(values[k : k + 2])
    assert low - 1e-9 <= float(spline(knots, at)) <= high + 1e-9
