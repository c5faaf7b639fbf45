from __future__ import annotations

import carla
import numpy as np
import pytest

from synthgen.simserver.maps.crosswalks import crosswalk_polygons
from synthgen.simserver.maps.opendrive import parse_opendrive
from tests.unit.simserver.maps.tiny_roads import lane, opendrive, road, sections

OUTLINE = (
    '<outline><cornerLocal u="-1" v="-3" z="0"/><cornerLocal u="1" v="-3" z="0"/>'
    '<cornerLocal u="1" v="4" z="0"/><cornerLocal u="-1" v="-3" z="0"/></outline>'
)
ZEBRA = (
    '<objects><object id="8" type="crosswalk" name="z" s="30" t="0.5" zOffset="0" hdg="0.3" '
    f'orientation="none">{OUTLINE}</object></objects>'
)


def test_polygons_are_where_the_client_says() -> None:
    lanes = '<laneOffset s="0" a="1.5" b="0" c="0" d="0"/>' + sections(left=lane(1), right=lane(-1))
    text = opendrive(
        road(60.0, heading=0.4, shape='<arc curvature="0.02"/>', lanes=lanes, inside=ZEBRA)
    )
    theirs = [[p.x, p.y, p.z] for p in carla.Map("tiny", text).get_crosswalks()][:-1]
    (ours,) = crosswalk_polygons(parse_opendrive("tiny", text))
    assert ours == pytest.approx(np.array(theirs), abs=1e-4)


def test_rectangle_where_there_is_no_outline() -> None:
    plain = (
        '<objects><object id="8" type="crosswalk" name="z" s="30" t="0" hdg="0" length="4" '
        'width="6"/></objects>'
    )
    (polygon,) = crosswalk_polygons(parse_opendrive("tiny", opendrive(road(inside=plain))))
    assert (polygon.min(axis=0).tolist(), polygon.max(axis=0).tolist()) == (
        [28.0, -3.0, 0.0],
        [32.0, 3.0, 0.0],
    )
