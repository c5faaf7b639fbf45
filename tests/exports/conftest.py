"""A small dataset, made by the main program, that all export tests read."""

from __future__ import annotations

import fcntl
import hashlib
from collections.abc import Callable
from pathlib import Path

import pytest

from exporters.export import ExportOptions, export
from tests.e2e.conftest import ROOT, generate
from tests.exports.devkits import cache_folder

_SOURCES = ("synthgen", "scenarios", "sensors", "configs", "tests/exports/*.yaml")


@pytest.fixture(scope="session")
def export_dataset(request: pytest.FixtureRequest) -> Path:
    """Two accepted clips of 80 frames; kept between runs until a source file changes."""
    given = request.config.getoption("--export-dataset")
    if given is not None:
        return Path(given)
    digest = _source_hash()
    folder = cache_folder() / "test-datasets" / digest
    folder.parent.mkdir(parents=True, exist_ok=True)
    with (folder.parent / f"{digest}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "complete").is_file():
            generate(folder / "exports", config="tests/exports/exports.yaml")
            (folder / "complete").touch()
    return folder / "exports"


def _source_hash() -> str:
    digest = hashlib.sha256()
    for name in _SOURCES:
        folder, _, pattern = name.rpartition("/") if "*" in name else (name, "", "**/*")
        for path in sorted((ROOT / folder).glob(pattern)):
            if path.is_file() and path.suffix in (".py", ".yaml", ".xodr"):
                digest.update(f"{path.relative_to(ROOT)}\0".encode() + path.read_bytes())
    return digest.hexdigest()[:16]


ALL_TRAIN = ExportOptions(shares={"train": 1.0}, jobs=1)


@pytest.fixture(scope="session")
def exported(
    export_dataset: Path, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str], Path]:
    """The folder of the dataset in a format, everything in the split train; written once."""
    root = tmp_path_factory.mktemp("exported")

    def folder(form: str) -> Path:
        if not (root / form).is_dir():
            export(export_dataset, form, root / form, ALL_TRAIN)
        return root / form

    return folder
