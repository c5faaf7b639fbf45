from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from synthgen.simserver.maps import cache, known_maps, load_map
from tests.unit.simserver.maps.tiny_roads import TWO_WAY_WITH_WALKS, opendrive, road

TEXT = opendrive(road(60.0, lanes=TWO_WAY_WITH_WALKS))


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return cache.cache_folder()


def test_kept_town_equals_the_built_one(folder: Path) -> None:
    built, kept = load_map("One", TEXT), load_map("Two", TEXT)
    assert (built.name, kept.name, kept.xodr) == ("One", "Two", TEXT)
    assert built.static.vertices_m.tobytes() == kept.static.vertices_m.tobytes()
    assert built.navmesh == kept.navmesh
    assert len(list(folder.glob("*.town"))) == 1


def test_seed_changes_the_scenery_and_the_file(folder: Path) -> None:
    one, other = load_map("One", TEXT, seed=1), load_map("One", TEXT, seed=2)
    assert len(list(folder.glob("*.town"))) == 2
    assert len(one.static.vertices_m) != len(other.static.vertices_m) or not np.array_equal(
        one.static.vertices_m, other.static.vertices_m
    )


def test_damaged_file_is_built_anew(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    first = load_map("One", TEXT)
    (path,) = folder.glob("*.town")
    path.write_bytes(path.read_bytes()[:1000])
    again = load_map("One", TEXT)
    assert "building anew" in caplog.text
    assert again.static.vertices_m.tobytes() == first.static.vertices_m.tobytes()


def test_unwritable_folder_costs_only_time(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    folder.parent.mkdir(parents=True, exist_ok=True)
    folder.write_text("a file where the folder should be")
    assert load_map("One", TEXT).name == "One"
    assert "not written" in caplog.text


def test_folder_of_maps_adds_each_file_and_its_layered_twin(tmp_path: Path) -> None:
    (tmp_path / "Mine.xodr").write_text(TEXT)
    maps = known_maps(tmp_path)
    assert maps["Mine"] == maps["Mine_Opt"] == tmp_path / "Mine.xodr"
    assert {"SynthDowntown", "SynthSuburb", "SynthMotorway"} <= set(maps)
