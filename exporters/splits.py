"""Train, validation and test: which clips go where, and the check that none is on two sides.

Clips of one family never part: those of the same scenario, slot number and root seed (weather
variations of a slot, or a slot made again with another rig), and those of the same encounter (map,
site, actors and traffic equal, whatever slot they are of). A family goes where a hash of its name
sends it, so adding clips moves no other.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from synthgen.errors import ConfigError, DatasetError
from synthgen.store.clip_reader import ClipReader
from synthgen.store.layout import canonical_json

SPLITS: Final = ("train", "val", "test")
DEFAULT_SHARES: Final = {"train": 0.8, "val": 0.1, "test": 0.1}
_BITS: Final = 64
_ENCOUNTER: Final = ("name", "map_sha256", "site", "actors", "traffic")


@dataclass(frozen=True, slots=True)
class Kinship:
    """What must not stand on two sides of a split.

    Attributes:
        clip_id: The clip.
        slot: Its scenario, slot number and root seed.
        encounter: Hash of what happens in it and where; weather, light and sensors left out.
    """

    clip_id: str
    slot: str
    encounter: str


def kinship_of(clip: ClipReader) -> Kinship:
    """The families of one clip."""
    slot = clip.manifest["slot"]
    scenario: Mapping[str, Any] = clip.scenario
    encounter = canonical_json({name: scenario.get(name) for name in _ENCOUNTER})
    return Kinship(
        clip.clip_id,
        f"{slot['scenario']}/{slot['k']}/{clip.manifest['seed']}",
        hashlib.sha256(encounter).hexdigest(),
    )


def splits_by_share(clips: Sequence[Kinship], shares: Mapping[str, float]) -> dict[str, str]:
    """The split of each clip id, by the hash of its family.

    Args:
        clips: All clips of the dataset.
        shares: Of each split; they sum to 1.
    """
    root: dict[str, str] = {}

    def find(name: str) -> str:
        while root.setdefault(name, name) != name:
            name = root[name]
        return name

    for clip in clips:
        # The smaller name leads; slots are smaller than "~", so a family is named after a slot.
        first, second = sorted((find(clip.slot), find(f"~{clip.encounter}")))
        root[second] = first
    return {clip.clip_id: split_of(find(clip.slot), shares) for clip in clips}


def require_no_leak(clips: Iterable[Kinship], splits: Mapping[str, str]) -> None:
    """Check that no family is on two sides.

    Raises:
        DatasetError: One is; names two of its clips.
    """
    seen: dict[str, Kinship] = {}
    for clip in clips:
        for family in (clip.slot, clip.encounter):
            other = seen.setdefault(family, clip)
            if splits[other.clip_id] != splits[clip.clip_id]:
                what = "scenario slot" if family == clip.slot else "encounter"
                raise DatasetError(
                    f"split leakage: clips {other.clip_id} ({splits[other.clip_id]}) and "
                    f"{clip.clip_id} ({splits[clip.clip_id]}) are of one {what}, {clip.slot}; "
                    "put them into the same split"
                )


def read_splits(path: Path, clips: Sequence[Kinship]) -> dict[str, str]:
    """The split of each clip id as a JSON file of the user says.

    Args:
        path: File with one object: clip id to `train`, `val` or `test`.
        clips: All clips of the dataset.

    Raises:
        ConfigError: It is no such file, or a clip is missing.
    """
    try:
        splits: dict[str, str] = json.loads(path.read_bytes())
        unknown = sorted({str(split) for split in splits.values()} - set(SPLITS))
    except (OSError, ValueError, AttributeError) as err:
        raise ConfigError(f"{path}: expected an object of clip ids and splits: {err}") from err
    missing = [clip.clip_id for clip in clips if clip.clip_id not in splits]
    if unknown or missing:
        raise ConfigError(
            f"{path}: expected train, val or test for every clip; unknown splits: "
            f"{', '.join(unknown) or 'none'}; clips without one: {', '.join(missing[:5]) or 'none'}"
        )
    return splits


def split_of(family: str, shares: Mapping[str, float]) -> str:
    """The split of a family, by a hash: adding clips moves no other clip.

    Args:
        family: Of `family_of`.
        shares: Of each split; they sum to 1.
    """
    digest = hashlib.sha256(f"split/{family}".encode()).digest()
    position = int.from_bytes(digest[: _BITS // 8], "big") / 2**_BITS
    upper = 0.0
    for name, share in shares.items():
        upper += share
        if position < upper:
            return name
    return [name for name, share in shares.items() if share > 0][-1]  # Rounding left a gap.


def parse_shares(text: str) -> dict[str, float]:
    """Shares of `train=80,val=10,test=10`; they are divided by their sum.

    Raises:
        ConfigError: A name is unknown or twice there, or a share is no positive number.
    """
    shares: dict[str, float] = {}
    for item in text.split(","):
        name, _, number = item.partition("=")
        name = name.strip()
        if name not in SPLITS or name in shares:
            raise ConfigError(f"splits {text}: expected each of train, val, test once, got {name}")
        try:
            shares[name] = float(number)
        except ValueError as err:
            raise ConfigError(f"splits {text}: {name}: expected a share, got {number!r}") from err
        if not 0 <= shares[name] < float("inf"):
            raise ConfigError(f"splits {text}: {name}: expected a share of 0 or more")
    total = sum(shares.values())
    if total <= 0:
        raise ConfigError(f"splits {text}: expected shares that sum to more than 0")
    return {name: shares[name] / total for name in SPLITS if name in shares}
