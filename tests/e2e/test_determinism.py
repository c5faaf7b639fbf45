from __future__ import annotations

from pathlib import Path

import pytest

from synthgen.store.layout import root_hash
from tests.e2e.conftest import generate

pytestmark = [pytest.mark.server, pytest.mark.slow]


def test_second_run_gives_the_same_bytes(tiny_dataset: Path, tmp_path: Path) -> None:
    generate(tmp_path / "again")
    assert root_hash(tmp_path / "again") == root_hash(tiny_dataset)


def test_two_ray_workers_give_the_same_bytes(tiny_dataset: Path, tmp_path: Path) -> None:
    generate(tmp_path / "ray", "--executor", "ray", "--workers", "2")
    assert root_hash(tmp_path / "ray") == root_hash(tiny_dataset)
