"""Maps of others: what OpenDRIVE allows and our own towns do not have."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from scenarios.placement import build_index
from scenarios.placement.map_index import MapIndex, load_index
from scenarios.placement.query import Needs, carriageway_edge, find_sites, parking_band
from scenarios.placement.sites import Band, Site, Way, chain
from scenarios.spec import RoadQuery
from synthgen.errors import ConfigError

_STRAIGHT = '<geometry s="0" x="0" y="0" hdg="0" length="{length}"><line/></geometry>'


def lane(number: int, kind: str, width_m: float) -> str:
    """A lane that follows itself from section to section, without road marks."""
    return (
        f'<lane id="{number}" type="{kind}">'
        f'<link><predecessor id="{number}"/><successor id="{number}"/></link>'
        f'<width sOffset="0" a="{width_m}" b="0" c="0" d="0"/></lane>'
    )


def road(
    lanes: str, *, number: str = "1", length_m: float = 100.0, sections: int = 1,
    geometry: str = _STRAIGHT, junction: int = -1,
) -> str:  # fmt: skip
    """A road with the same lanes to the right of its middle all along."""
    starts = [length_m / sections * i for i in range(sections)]
    cut = "".join(
        f'<laneSection s="{s}"><center><lane id="0" type="none"/></center>'
        f"<right>{lanes}</right></laneSection>"
        for s in starts
    )
    return (
        f'<road name="" length="{length_m}" id="{number}" junction="{junction}"><link/>'
        f"<planView>{geometry.format(length=length_m)}</planView><lanes>{cut}</lanes></road>"
    )


def opendrive(*parts: str) -> str:
    """An OpenDRIVE file of these parts."""
    return f'<OpenDRIVE><header revMajor="1" revMinor="4"/>{"".join(parts)}</OpenDRIVE>'


DRIVING = lane(-1, "driving", 3.5)


def built(xodr: str, tmp_path: Path) -> MapIndex:
    """The index of an OpenDRIVE text, made in this process."""
    build_index.build(xodr, "Test", tmp_path)
    with np.load(tmp_path / "index.npz") as stored:
        return MapIndex("Test", "0" * 64, tmp_path, {key: stored[key] for key in stored.files})


def site_of(*bands: Band) -> Site:
    """A site with these strips beside the ego."""
    way = Way(np.zeros((2, 4)), np.array([-1.0, 1.0]))
    named = {f"{band.kind}_{i}" if i else "ego": band for i, band in enumerate(bands)}
    return Site(1, 0, 0.0, way, named, bands[0].width_m, 0.0)


def test_border_without_a_mark_is_marked_none(tmp_path: Path) -> None:
    built(opendrive(road(DRIVING)), tmp_path)
    assert pq.read_table(tmp_path / "lanes.parquet")["left_marking"].to_pylist() == ["none"]


def test_lanes_of_a_file_with_a_namespace_are_found(tmp_path: Path) -> None:
    # The client reads such files as it reads others.
    named = opendrive(road(DRIVING)).replace("<OpenDRIVE>", '<OpenDRIVE xmlns="http://opendrive">')
    assert built(named, tmp_path).tables["lane_id"].tolist() == ["1:0:-1"]


def test_way_goes_on_through_many_short_sections(tmp_path: Path) -> None:
    index = built(opendrive(road(DRIVING, sections=200)), tmp_path)
    assert len(chain(index, 0, forward=True, length_m=90.0)) > 170


def test_junction_of_one_line_has_an_outline_too(tmp_path: Path) -> None:
    # A lane of 6 cm, as connecting roads between two road ends that meet may be.
    thin = road(lane(-1, "driving", 0.06), number="2", length_m=0.05, junction=7)
    built(opendrive(road(DRIVING), thin), tmp_path)
    kinds = pq.read_table(tmp_path / "areas.parquet")["kind"].to_pylist()
    assert kinds == ["junction"]


@pytest.mark.parametrize(
    ("xodr", "why"),
    [
        (opendrive(), "it has no lane"),
        (opendrive(road(DRIVING, number="main")), "CARLA knows whole numbers only"),
        (
            opendrive(road(DRIVING, geometry=_STRAIGHT.replace('x="0"', 'x="nan"'))),
            "road 1, lane -1: its course is no number",
        ),
    ],
)
def test_map_that_nobody_can_drive_on_is_refused(xodr: str, why: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=why):
        build_index.build(xodr, "Test", tmp_path)


def test_map_that_takes_too_long_is_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr("scenarios.placement.map_index.BUILD_TIMEOUT_S", 0.01)
    with pytest.raises(ConfigError, match=r"map Slow: carla\.Map took more than"):
        load_index(opendrive(road(DRIVING)), "Slow")


def test_map_on_which_the_client_breaks_is_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    nowhere = DRIVING.replace('<successor id="-1"/>', '<successor id="-8"/>')
    with pytest.raises(ConfigError, match=r"map Cut: .*carla\.Map ended its process by signal 11"):
        load_index(opendrive(road(nowhere, sections=2)), "Cut")


def test_roads_with_a_bike_lane_are_found_by_it(tmp_path: Path) -> None:
    beside = lane(-2, "biking", 1.5) + lane(-3, "sidewalk", 2.0)
    index = built(opendrive(road(DRIVING + beside, length_m=200.0)), tmp_path)
    asked = RoadQuery(edge_right=("bike", "sidewalk"))
    assert find_sites(index, asked, Needs())


def test_roads_without_a_bike_lane_are_not_found_by_it(tmp_path: Path) -> None:
    index = built(opendrive(road(DRIVING + lane(-2, "sidewalk", 2.0), length_m=200.0)), tmp_path)
    with pytest.raises(ConfigError, match=r"fails edge_right \(found sidewalk\)"):
        find_sites(index, RoadQuery(edge_right=("bike",)), Needs())


def test_who_parks_at_the_kerb_keeps_off_the_posts_behind_it() -> None:
    # Town01: a lane of 4 m, a gutter of 0.3 m, then the pavement, on it posts 0.45 m from the kerb.
    site = site_of(Band(0.0, 4.0, "driving"), Band(-2.15, 0.3, "shoulder"))
    band = parking_band(site, RoadQuery(fallback=("parking->curb_lane",)), "right")
    assert band is not None
    assert carriageway_edge(site.bands.values(), -1.0) == pytest.approx(2.3)
    assert band.right_m == pytest.approx(-2.5)
