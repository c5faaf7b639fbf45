"""Train, validation and test: which clips go where."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any, Final

from synthgen.errors import ConfigError

SPLITS: Final = ("train", "val", "test")
DEFAULT_SHARES: Final = {"train": 0.8, "val": 0.1, "test": 0.1}
_BITS: Final = 64


def family_of(manifest: Mapping[str, Any]) -> str:
    """Clips of one family never part: same scenario, same slot number, same root seed.

    Weather variations of a slot, or a slot made again with another rig, are one family.
    """
    slot = manifest["slot"]
    return f"{slot['scenario']}/{slot['k']}/{manifest['seed']}"


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
