from __future__ import annotations

import numpy as np
import pytest

from synthgen.simserver.maps.opendrive import parse_opendrive
from synthgen.simserver.maps.townmap import MapError
from tests.unit.simserver.maps.tiny_roads import lane, opendrive, road, sections

BROKEN_JUNCTION = (
    '<junction id="9"><connection id="0" incomingRoad="1" connectingRoad="1" '
    'contactPoint="start"><laneLink from="-1"/></connection></junction>'
)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "not well-formed XML"),
        ("<OpenDRIVE><road></OpenDRIVE>", "not well-formed XML"),
        ("<osm/>", "expected the root element OpenDRIVE, found osm"),
        ("<OpenDRIVE><header/></OpenDRIVE>", "no <road>"),
        (opendrive(road(lanes="")), "road 1: no <laneSection>"),
        (opendrive(road(length=-5.0)), "road 1: expected a length above 0"),
        (opendrive(road(length=1e9)), "road 1: expected a length above 0 up to"),
        (opendrive(road(x=1e9)), "road 1: expected coordinates up to"),
        (opendrive(road(), rest=BROKEN_JUNCTION), "<laneLink> lacks to"),
        (opendrive(road(shape="")), "road 1: <geometry> holds none of"),
        (opendrive(road(shape="<arc/>")), "road 1: <arc> lacks curvature"),
        (opendrive(road(shape='<arc curvature="x"/>')), "expected a number, found 'x'"),
        (opendrive(road(shape='<arc curvature="nan"/>')), "expected a finite number"),
    ],
)
def test_broken_text_is_one_error_that_names_the_map(text: str, message: str) -> None:
    with pytest.raises(MapError, match=r"^Broken: ") as error:
        parse_opendrive("Broken", text)
    assert message in str(error.value)


def test_namespace_is_ignored() -> None:
    text = opendrive(road()).replace("<OpenDRIVE>", '<OpenDRIVE xmlns="http://code.asam.net/x">')
    assert list(parse_opendrive("tiny", text).roads) == ["1"]


def test_declared_encoding_is_accepted() -> None:
    text = '<?xml version="1.0" encoding="ISO-8859-1"?>' + opendrive(road())
    assert list(parse_opendrive("tiny", text).roads) == ["1"]


def test_sections_end_where_the_next_begins() -> None:
    lanes = sections(s=0.0) + sections(s=30.0)
    parsed = parse_opendrive("tiny", opendrive(road(lanes=lanes))).roads["1"]
    assert [(s.s0, s.s1) for s in parsed.sections] == [(0.0, 30.0), (30.0, 100.0)]


def test_cubics_hold_from_their_start() -> None:
    elevation = (
        '<elevation s="0" a="1" b="0" c="0" d="0"/><elevation s="10" a="2" b="0.5" c="0" d="0"/>'
    )
    parsed = parse_opendrive("tiny", opendrive(road(elevation=elevation))).roads["1"]
    assert parsed.elevation(np.array([0.0, 9.9, 10.0, 14.0])).tolist() == [1.0, 1.0, 2.0, 4.0]


def test_lane_keeps_height_and_kind() -> None:
    lanes = sections(right=lane(-1, "curb", 0.3, '<height sOffset="0" inner="0.1" outer="0.12"/>'))
    parsed = parse_opendrive("tiny", opendrive(road(lanes=lanes))).roads["1"]
    assert (parsed.sections[0].lanes[-1].kind, parsed.sections[0].lanes[-1].height_m) == (
        "curb",
        0.1,
    )
