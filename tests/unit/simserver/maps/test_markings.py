from __future__ import annotations

import pytest

from synthgen.simserver.scene import Material, Mesh, Tag
from tests.unit.simserver.maps.measures import bare_town, corners, crosses
from tests.unit.simserver.maps.tiny_roads import lane, mark, opendrive, road, sections


def painted(center_mark: str, **facts: object) -> Mesh:
    lanes = sections(left=lane(1), right=lane(-1), center_mark=center_mark)
    return bare_town(opendrive(road(90.0, lanes=lanes, **facts)))[0]  # type: ignore[arg-type]


def paint_area_m2(mesh: Mesh, material: Material = Material.LANE_PAINT_WHITE) -> float:
    chosen = mesh.vertices_m[mesh.triangles[mesh.material == material]].astype(float)
    return float(crosses(chosen)[:, 2].sum() / 2)


def test_solid_line_is_length_times_width() -> None:
    assert paint_area_m2(painted(mark("solid"))) == pytest.approx(90.0 * 0.12, rel=1e-4)


def test_broken_line_is_3_m_in_every_9() -> None:
    assert paint_area_m2(painted(mark("broken"))) == pytest.approx(30.0 * 0.12, rel=1e-4)


def test_solid_broken_has_one_of_each() -> None:
    assert paint_area_m2(painted(mark("solid broken"))) == pytest.approx(120.0 * 0.12, rel=1e-4)


def test_solid_broken_has_the_solid_line_on_the_left_of_lane_0() -> None:
    line = corners(painted(mark("solid broken")), Tag.ROAD_LINES)
    # OpenDRIVE's left is CARLA's negative y.
    left = crosses(line[line[:, :, 1].mean(axis=1) < 0])[:, 2].sum() / 2
    assert left == pytest.approx(90.0 * 0.12, rel=1e-4)


def test_yellow_stays_yellow() -> None:
    mesh = painted(mark("solid", "yellow"))
    assert paint_area_m2(mesh, Material.LANE_PAINT_YELLOW) == pytest.approx(10.8, rel=1e-4)


def test_explicit_lines_replace_the_usual_dash() -> None:
    explicit = (
        '<roadMark sOffset="0" type="broken" color="white" width="0.2"><type name="x" width="0.2">'
        '<line length="1" space="2" tOffset="0" sOffset="0" width="0.2"/></type></roadMark>'
    )
    assert paint_area_m2(painted(explicit)) == pytest.approx(30.0 * 0.2, rel=1e-4)


def test_paint_lies_5_mm_above_the_road() -> None:
    z = corners(painted(mark("solid")), Tag.ROAD_LINES)[:, :, 2]
    assert z.min() == pytest.approx(0.005, abs=1e-6)
    assert z.max() == pytest.approx(0.005, abs=1e-6)


@pytest.mark.parametrize("kind", ["none", "curb", "grass", "custom"])
def test_marks_that_are_no_paint_paint_nothing(kind: str) -> None:
    assert not (painted(mark(kind)).tag == Tag.ROAD_LINES).any()


def test_paint_keeps_off_a_raised_kerb() -> None:
    lanes = sections(right=lane(-1, extra=mark("solid")) + lane(-2, "sidewalk", 2.0))
    line = corners(bare_town(opendrive(road(90.0, lanes=lanes)))[0], Tag.ROAD_LINES)
    assert line[:, :, 1].max() == pytest.approx(3.45, abs=1e-6)


def test_crosswalk_is_clear_of_lane_marks() -> None:
    zebra = (
        '<objects><object id="7" type="crosswalk" name="zebra" s="45" t="0" hdg="0" length="4" '
        'width="7"/></objects>'
    )
    mesh = painted(mark("solid", "yellow"), inside=zebra)
    # 2 m of half width and 0.9 m of gap to both sides.
    assert paint_area_m2(mesh, Material.LANE_PAINT_YELLOW) == pytest.approx(84.2 * 0.12, rel=1e-4)


def test_crosswalk_has_seven_stripes_over_seven_metres() -> None:
    zebra = (
        '<objects><object id="7" type="crosswalk" name="zebra" s="45" t="0" hdg="0" length="4" '
        'width="7"/></objects>'
    )
    assert paint_area_m2(painted("", inside=zebra)) == pytest.approx(7 * 0.5 * 4.0, rel=1e-3)
