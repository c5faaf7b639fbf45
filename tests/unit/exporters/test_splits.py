from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from exporters.splits import (
    Kinship,
    parse_shares,
    read_splits,
    require_no_leak,
    split_of,
    splits_by_share,
)
from synthgen.errors import ConfigError, DatasetError

EVEN = {"train": 0.5, "val": 0.25, "test": 0.25}


def test_shares_are_met_over_many_families() -> None:
    found = Counter(split_of(f"jaywalk/{k}/7", EVEN) for k in range(4000))
    assert found["train"] == pytest.approx(2000, abs=130)
    assert found["val"] == pytest.approx(1000, abs=110)


def test_clips_of_one_slot_stay_together() -> None:
    clips = [Kinship(f"clip{n}", f"jaywalk/{n // 4}/7", f"encounter{n}") for n in range(400)]
    splits = splits_by_share(clips, EVEN)
    together = {clip.slot: set[str]() for clip in clips}
    for clip in clips:
        together[clip.slot].add(splits[clip.clip_id])
    assert {len(found) for found in together.values()} == {1}


def test_slots_with_the_same_encounter_stay_together() -> None:
    clips = [Kinship(f"clip{n}", f"jaywalk/{n}/7", f"encounter{n % 3}") for n in range(60)]
    splits = splits_by_share(clips, EVEN)
    require_no_leak(clips, splits)


def test_more_clips_move_no_other_clip() -> None:
    clips = [Kinship(f"clip{n}", f"jaywalk/{n}/7", f"encounter{n}") for n in range(50)]
    first = splits_by_share(clips[:20], EVEN)
    assert first == {name: splits_by_share(clips, EVEN)[name] for name in first}


@pytest.mark.parametrize("family", ["slot", "encounter"])
def test_family_on_two_sides_is_a_leak(family: str) -> None:
    first = Kinship("a", "jaywalk/0/7", "x")
    second = Kinship("b", "jaywalk/0/7" if family == "slot" else "jaywalk/1/7", "x")
    with pytest.raises(DatasetError, match=r"split leakage: clips a \(train\) and b \(val\)"):
        require_no_leak([first, second], {"a": "train", "b": "val"})


def test_share_of_nothing_gets_nothing() -> None:
    shares = parse_shares("train=1,val=0")
    assert {split_of(f"jaywalk/{k}/7", shares) for k in range(200)} == {"train"}


def test_shares_need_not_sum_to_one() -> None:
    assert parse_shares("val=10,train=30") == {"train": 0.75, "val": 0.25}


@pytest.mark.parametrize(
    "text", ["train", "train=x", "dev=1", "train=1,train=1", "train=0", "val=-1"]
)
def test_shares_that_mean_nothing_are_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="splits"):
        parse_shares(text)


def test_split_file_names_every_clip(tmp_path: Path) -> None:
    (tmp_path / "splits.json").write_text('{"a": "train"}')
    clips = [Kinship("a", "s/0/1", "x"), Kinship("b", "s/1/1", "y")]
    with pytest.raises(ConfigError, match="clips without one: b"):
        read_splits(tmp_path / "splits.json", clips)
