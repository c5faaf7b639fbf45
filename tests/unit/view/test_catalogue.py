"""The catalogue lists every clip, tells of those it cannot read, and works without a server."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from synthgen.cli import main
from synthgen.errors import DatasetError
from synthgen.store.layout import clip_folder
from synthgen.view.catalogue import write_catalogue
from tests.unit.small_dataset import SCENARIO, edit_table, write_dataset


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_dataset(tmp_path_factory.mktemp("view") / "small")


@pytest.fixture(scope="module")
def pages(dataset: Path) -> Path:
    write_catalogue(dataset, dataset / "view")
    return dataset / "view"


def script(path: Path) -> Any:
    """The document in a data script: what follows the first `=` of a line `name=…;`."""
    return json.loads(path.read_text().partition("=")[2].rstrip().removesuffix(";"))


def test_every_clip_has_a_card(pages: Path) -> None:
    cards = script(pages / "cards.js")["cards"]
    assert [card["id"] for card in cards] == [f"{k:016x}" for k in range(2)]
    assert {card["scenario"] for card in cards} == {SCENARIO}


def test_card_has_what_one_searches_by(pages: Path) -> None:
    card = script(pages / "cards.js")["cards"][0]
    assert card["criticality"] == "1 to 2 s"
    assert card["audit"] == "not audited"
    assert set(card["classes"]) == {"car", "pedestrian"}


def test_every_frame_has_its_image_on_disk(pages: Path) -> None:
    folder = pages / "clips" / ("0" * 16)
    frames = script(folder / "scene.js")["frames"]
    images = [folder / f"cam-{frame['frame']:05d}.jpg" for frame in frames]
    assert len(images) == 11
    assert all(image.is_file() for image in images)


def test_boxes_and_tracks_come_with_every_frame(pages: Path) -> None:
    frame = script(pages / "clips" / ("0" * 16) / "scene.js")["frames"][5]
    assert {box[1] for box in frame["boxes"]["cam"]} == {"car", "pedestrian"}
    assert {track[0] for track in frame["tracks"]} >= {2, 3, 4}


def test_page_loads_nothing_from_elsewhere(pages: Path) -> None:
    text = "".join((pages / name).read_text() for name in ("index.html", "catalogue.js"))
    assert "http://" not in text
    assert "https://" not in text
    assert "fetch(" not in text


@pytest.fixture
def copy(dataset: Path, tmp_path: Path) -> Path:
    shutil.copytree(dataset, tmp_path / "copy", ignore=shutil.ignore_patterns("view"))
    return tmp_path / "copy"


def test_audit_status_and_doubts_are_shown(copy: Path) -> None:
    def shift(rows: list[dict[str, float]]) -> None:
        row = next(r for r in rows if r["track_id"] == 2 and r["frame_index"] == 5)
        row["ego_from_box_y_m"] += 1.2

    edit_table(clip_folder(copy, "0" * 16) / "labels/v1/boxes3d.parquet", shift)
    assert main(["audit", str(copy)]) == 1
    write_catalogue(copy, copy / "view")
    assert script(copy / "view/cards.js")["cards"][0]["audit"] == "faulty"
    frame = script(copy / "view/clips" / ("0" * 16) / "scene.js")["frames"][5]
    assert frame["suspects"][0][0] == 2


def test_damaged_clip_is_listed_and_the_rest_shown(copy: Path) -> None:
    path = clip_folder(copy, "0" * 16) / "labels/v1/boxes2d.parquet"
    path.write_bytes(path.read_bytes()[:50])
    catalogue = write_catalogue(copy, copy / "view")
    assert (catalogue.clips, catalogue.exit_code) == (1, 2)
    assert str(path) in script(copy / "view/cards.js")["cards"][0]["fault"]


def test_text_cannot_end_the_script(copy: Path) -> None:
    scenario = clip_folder(copy, "0" * 16) / "scenario.json"
    scenario.write_text(json.dumps({"description": "</script><b>"}))
    write_catalogue(copy, copy / "view")
    assert "</script>" not in (copy / "view/cards.js").read_text()


def test_foreign_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="expected a dataset"):
        write_catalogue(tmp_path, tmp_path / "view")
