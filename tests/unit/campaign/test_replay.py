from __future__ import annotations

from pathlib import Path

import pytest

from synthgen.campaign.progress import PlainProgress
from synthgen.campaign.replay import ReplayOptions, replay_dataset
from synthgen.errors import ConfigError, DatasetError


def test_a_replay_does_not_go_into_its_own_source(tmp_path: Path) -> None:
    source = tmp_path / "clips" / ".."
    (tmp_path / "clips").mkdir()
    with pytest.raises(ConfigError, match="is the dataset to replay; choose another --out"):
        replay_dataset(tmp_path, Path("front"), source, PlainProgress(), ReplayOptions())


def test_a_replay_of_no_dataset_says_what_a_dataset_is(tmp_path: Path) -> None:
    nowhere = tmp_path / "nowhere"
    with pytest.raises(DatasetError, match=r"nowhere: expected a dataset \(a folder with clips/\)"):
        replay_dataset(nowhere, Path("front"), tmp_path / "out", PlainProgress(), ReplayOptions())
