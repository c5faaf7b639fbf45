"""Keep built towns on disk, by the hash of everything they depend on."""

from __future__ import annotations

import hashlib
import logging
import os
import pickle
from contextlib import suppress
from dataclasses import replace
from functools import cache
from pathlib import Path

import synthgen.simserver.assets.extents as assets_extents
from synthgen.simserver.maps.townmap import TownMap
from synthgen.user_cache import user_cache

logger = logging.getLogger(__name__)

_KEEP_FILES = 24


def cache_folder() -> Path:
    """Folder of built towns."""
    return user_cache() / "towns"


@cache
def _code_hash() -> str:
    """Hash of the code that builds towns and of the sizes that it looks up."""
    digest = hashlib.sha256()
    sizes = Path(assets_extents.__file__).with_name("extents.csv")
    for path in [*sorted(Path(__file__).parent.glob("*.py")), sizes]:
        digest.update(path.read_bytes())
    return digest.hexdigest()


def town_key(xodr_text: str, seed: int) -> str:
    """Name of the town that this text and seed give with the present code."""
    facts = f"{_code_hash()}\n{seed}\n".encode()
    return hashlib.sha256(facts + xodr_text.encode("utf-8")).hexdigest()[:32]


def cached_town(folder: Path, key: str, name: str, xodr_text: str) -> TownMap | None:
    """The town kept under a key, or None. Files of other users are not opened."""
    path = folder / f"{key}.town"
    try:
        if path.stat().st_uid != os.getuid():
            return None
        town = pickle.loads(path.read_bytes())
        path.touch()
    except FileNotFoundError:
        return None
    except (OSError, pickle.UnpicklingError, EOFError, AttributeError, ImportError) as err:
        logger.warning("town cache %s: not usable, building anew: %s", path, err)
        return None
    return replace(town, name=name, xodr=xodr_text) if isinstance(town, TownMap) else None


def keep_town(folder: Path, key: str, town: TownMap) -> None:
    """Write a town under its key, whole or not at all; a full disk only costs the next start."""
    path = folder / f"{key}.town"
    partial = folder / f"{key}.{os.getpid()}.partial"
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        partial.write_bytes(pickle.dumps(replace(town, name="", xodr=""), protocol=5))
        partial.replace(path)
        kept = sorted(folder.glob("*.town"), key=lambda p: p.stat().st_mtime, reverse=True)
        for old in kept[_KEEP_FILES:]:
            old.unlink(missing_ok=True)
    except OSError as err:
        with suppress(OSError):
            partial.unlink(missing_ok=True)
        logger.warning("town cache %s: not written: %s", path, err)
