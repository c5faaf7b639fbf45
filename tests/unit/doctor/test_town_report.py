"""`synthgen doctor --map`: what a town offers, and what is wrong with one."""

from __future__ import annotations

from pathlib import Path

import pytest

from synthgen.doctor.finding import Finding, Health
from synthgen.doctor.town_report import town_findings
from tests.unit.simserver.maps.tiny_roads import TWO_WAY_WITH_WALKS, opendrive, road


def findings_of(folder: Path, text: str) -> dict[str, Finding]:
    path = folder / "tiny.xodr"
    path.write_text(text, encoding="utf-8")
    return {finding.check: finding for finding in town_findings(path)}


def test_a_lonely_road_is_measured_and_its_ends_are_told(tmp_path: Path) -> None:
    found = findings_of(tmp_path, opendrive(road(500.0, lanes=TWO_WAY_WITH_WALKS)))
    assert found["map.server"].health is Health.OK
    assert found["map.client"].found == (
        "1.0 km of driving lanes, 0 junctions; 2 driving lanes lead nowhere"
    )
    assert "tiny has no site for" in found["map.red_light_runner"].found


def test_a_town_far_from_its_origin_is_told(tmp_path: Path) -> None:
    found = findings_of(tmp_path, opendrive(road(500.0, x=300_000.0)))
    # IEEE 754: 24 bits of fraction between 2^18 and 2^19 leave steps of 2^-5.
    assert "come in steps of 0.03125 m" in found["map.origin"].found


@pytest.mark.parametrize("check", ["map.server", "map.client"])
def test_a_road_of_no_numbers_is_named(tmp_path: Path, check: str) -> None:
    found = findings_of(tmp_path, opendrive(road(shape='<arc curvature="0"/>')))
    assert found[check].health is Health.FAIL
    assert "road 1" in found[check].found
