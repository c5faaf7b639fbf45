"""Each way in which a dataset can be broken is told by the name of its file."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from synthgen.cli import main
from synthgen.errors import DatasetError
from synthgen.store.damage import damages, require_undamaged
from tests.unit.small_dataset import write_dataset

CLIP = Path("clips/00/0000000000000000")
RGB = CLIP / "cameras/cam/rgb.parquet"


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A dataset without a flaw."""
    dataset = write_dataset(tmp_path_factory.mktemp("whole"), clips=1)
    (dataset / "dataset.json").write_text("{}")
    return dataset


@pytest.fixture
def dataset(whole: Path, tmp_path: Path) -> Path:
    """A copy to break."""
    return Path(shutil.copytree(whole, tmp_path / "dataset"))


def flip_last_byte(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)


def cut_short(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-100])


def write_nonsense(path: Path) -> None:
    path.write_text("oops")


DAMAGES: list[tuple[Path, Callable[[Path], object]]] = [
    (CLIP / "frames.parquet", flip_last_byte),
    (CLIP / "frames.parquet", cut_short),
    (CLIP / "frames.parquet", Path.unlink),
    (CLIP / "labels/v1/boxes2d.parquet", flip_last_byte),
    (CLIP / "labels/v1/labels.json", write_nonsense),
    (RGB, cut_short),
    (RGB, Path.unlink),
    (CLIP / "clip.json", write_nonsense),
    (CLIP / "clip.json", Path.unlink),
    (CLIP / "stray.txt", write_nonsense),
    (Path("dataset.json"), write_nonsense),
]


@pytest.mark.parametrize(("name", "damage"), DAMAGES)
def test_info_names_the_damaged_file(
    dataset: Path, capsys: pytest.CaptureFixture[str], name: Path, damage: Callable[[Path], object]
) -> None:
    damage(dataset / name)
    assert main(["info", str(dataset)]) == 2
    printed = capsys.readouterr()
    assert str(dataset / name) in printed.err
    assert printed.out == ""


def test_info_counts_a_whole_dataset(whole: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["info", str(whole), "--every-byte"]) == 0
    assert "| Clips | 1 |" in capsys.readouterr().out


def test_changed_pixels_are_found_where_every_byte_is_read(dataset: Path) -> None:
    flip_last_byte(dataset / RGB)
    assert damages(dataset) == []
    assert damages(dataset, every_byte=True) == [
        f"{dataset / RGB}: its bytes are not those that were written"
    ]


def test_labels_added_later_are_held_against_their_own_manifest(dataset: Path) -> None:
    labels = dataset / CLIP / "labels"
    shutil.copytree(labels / "v1", labels / "v2")
    assert damages(dataset) == []
    flip_last_byte(labels / "v2/status.parquet")
    assert len(damages(dataset)) == 1


def test_clip_of_another_version_is_not_called_damaged(tmp_path: Path) -> None:
    manifest = next(write_dataset(tmp_path / "dataset", clips=1).glob("clips/*/*/clip.json"))
    manifest.write_text(manifest.read_text().replace("synthgen/clip@1", "synthgen/clip@9"))
    with pytest.raises(DatasetError, match=r"found synthgen/clip@9; read it with the version"):
        require_undamaged(tmp_path / "dataset")
