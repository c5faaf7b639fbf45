"""Files that CARLA's client cannot read are refused with the place; the client is the oracle."""

from __future__ import annotations

import subprocess
import sys

import pytest

from synthgen.simserver.maps.opendrive import parse_opendrive
from synthgen.simserver.maps.townmap import MapError
from tests.unit.simserver.maps.tiny_roads import lane, opendrive, road, sections

# Reads standard input as a map and asks what any program asks; a fault ends it with a code.
CLIENT = """
import math, sys, carla
town = carla.Map("m", sys.stdin.read())
for waypoint in town.generate_waypoints(2.0):
    waypoint.next(5.0), waypoint.previous(5.0)
    assert math.isfinite(waypoint.transform.location.x)
town.get_topology(), town.get_all_landmarks(), town.get_crosswalks()
"""


def linked(lane_id: int, **links: int) -> str:
    """A lane with `predecessor` or `successor` links."""
    tags = "".join(f'<{key} id="{to}"/>' for key, to in links.items())
    return lane(lane_id, extra=f"<link>{tags}</link>")


def road_link(key: str, road_id: int, contact: str = "start", kind: str = "road") -> str:
    return f'<{key} elementType="{kind}" elementId="{road_id}" contactPoint="{contact}"/>'


def junction(connecting: int) -> str:
    return (
        '<junction id="9" name="j"><connection id="0" incomingRoad="1" contactPoint="start"'
        f' connectingRoad="{connecting}"><laneLink from="-1" to="-1"/></connection></junction>'
    )


def two_sections(first: str, second: str) -> str:
    """A road of two lane sections; each side is in `first` and `second`."""
    return opendrive(road(lanes=first + second))


LATE_WIDTH = '<lane id="-1" type="driving"><width sOffset="5" a="3" b="0" c="0" d="0"/></lane>'
LATE_OFFSET = '<laneOffset s="20" a="1" b="0" c="0" d="0"/>'
REFERENCE = '<signals><signalReference id="77" s="10" t="0" orientation="+"/></signals>'

FAULTS = {
    "successor in the next section": (
        two_sections(sections(right=linked(-1, successor=-8)), sections(s=50.0)),
        "road 1: lane -1: expected its successor among the lanes [-1, 0], found -8",
    ),
    "predecessor of a left lane": (
        two_sections(sections(left=lane(1)), sections(left=linked(1, predecessor=8), s=50.0)),
        "road 1: lane 1: expected its predecessor among the lanes [-1, 0, 1], found 8",
    ),
    "successor on the next road": (
        opendrive(
            road(link=road_link("successor", 2), lanes=sections(right=linked(-1, successor=-8))),
            road(road_id=2, x=100.0),
        ),
        "road 1: lane -1: expected its successor among the lanes [-1, 0], found -8",
    ),
    "late geometry": (
        opendrive(road()).replace('<geometry s="0"', '<geometry s="1e-09"'),
        "road 1: expected the first <geometry> at s = 0, found 1e-09",
    ),
    "late elevation": (
        opendrive(road(elevation='<elevation s="20" a="1" b="0" c="0" d="0"/>')),
        "road 1: expected the first <elevation> at s = 0, found 20",
    ),
    "late lane offset": (
        opendrive(road(lanes=LATE_OFFSET + sections())),
        "road 1: expected the first <laneOffset> at s = 0, found 20",
    ),
    "late width": (
        opendrive(road(lanes=sections(right=LATE_WIDTH))),
        "lane section at 0: lane -1: expected the first <width> at sOffset = 0, found 5",
    ),
    "no centre lane": (
        opendrive(road(lanes=f'<laneSection s="0"><right>{lane(-1)}</right></laneSection>')),
        "lane section at 0: lane -1: expected a lane 0 inside it",
    ),
    "gap between lanes": (
        opendrive(road(lanes=sections(right=lane(-1) + lane(-3)))),
        "lane section at 0: lane -3: expected a lane -2 inside it",
    ),
    "lane of an absurd number": (
        opendrive(road(lanes=sections(right=lane(-2_000_000_000)))),
        "lane section at 0: lane -2000000000: expected a lane -1 inside it",
    ),
    "section at the road's end": (
        opendrive(road(lanes=sections() + sections(s=100.0))),
        "expected lane sections at different s below 100, found [0.0, 100.0]",
    ),
    "two sections at one place": (
        opendrive(road(lanes=sections() + sections())),
        "expected lane sections at different s below 100, found [0.0, 0.0]",
    ),
    "straight arc": (
        opendrive(road(shape='<arc curvature="0"/>')),
        "road 1: geometry at 0: expected a <line>, found an <arc> of curvature 0",
    ),
    "circular spiral": (
        opendrive(road(shape='<spiral curvStart="0.01" curvEnd="0.01"/>')),
        "road 1: geometry at 0: expected an <arc>, found a <spiral> of one curvature",
    ),
    "reference to no signal": (
        opendrive(road(inside=REFERENCE)),
        "road 1: <signalReference> to no signal: '77'",
    ),
    "no such connecting road": (
        opendrive(road(link=road_link("successor", 9, kind="junction")), rest=junction(5)),
        "junction 9: expected a connectingRoad of the file, found '5'",
    ),
}

# Odd, but the client reads them, so they are towns here too.
ODD = {
    "successor of a left lane": two_sections(
        sections(left=linked(1, successor=8)), sections(left=lane(1), s=50.0)
    ),
    "predecessor of a right lane": two_sections(
        sections(), sections(right=linked(-1, predecessor=-8), s=50.0)
    ),
    "gap before a sidewalk": opendrive(road(lanes=sections(right=lane(-1) + lane(-3, "sidewalk")))),
    "link to no road": opendrive(road(link=road_link("successor", 77))),
    "late first section": opendrive(road(lanes=sections(s=20.0))),
    "geometry before the road": opendrive(road()).replace('<geometry s="0"', '<geometry s="-1"'),
}


def client_code(text: str) -> int:
    program = [sys.executable, "-c", CLIENT]
    return subprocess.run(program, input=text, text=True, capture_output=True).returncode


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_named_with_its_place(fault: str) -> None:
    text, message = FAULTS[fault]
    with pytest.raises(MapError, match=r"^Broken: ") as error:
        parse_opendrive("Broken", text)
    assert message in str(error.value)


@pytest.mark.slow
@pytest.mark.parametrize("fault", FAULTS)
def test_the_client_cannot_read_it(fault: str) -> None:
    assert client_code(FAULTS[fault][0]) != 0


@pytest.mark.parametrize("case", ODD)
def test_what_the_client_reads_is_read(case: str) -> None:
    assert parse_opendrive("odd", ODD[case]).roads
    assert client_code(ODD[case]) == 0


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (opendrive(road(), road()), "road 1: two roads have this id"),
        (opendrive(road()).replace(' id="1"', ' id="A1"'), "road 'A1': CARLA knows whole numbers"),
        (
            opendrive(road()).replace('hdg="0.0" length="100.0"', 'hdg="0.0" length="-5"'),
            "road 1: <geometry length>: expected 0 or more, found -5",
        ),
    ],
)
def test_roads_that_would_be_mixed_up_are_refused(text: str, message: str) -> None:
    with pytest.raises(MapError) as error:
        parse_opendrive("Broken", text)
    assert message in str(error.value)
