"""A map as numpy arrays: lanes, their neighbours and links, crosswalks, signals. Loads no carla."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from synthgen.errors import ConfigError
from synthgen.user_cache import user_cache

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]
BUILD_TIMEOUT_S = 120


@dataclass(frozen=True, eq=False)
class MapIndex:
    """One map, right-handed world frame. Lanes are numbered 0 .. n-1.

    `tables` holds a row a lane: lane_id, road, section, lane, kind, junction (-1 none),
    speed_limit_mps (0 unknown), signal, control, left, right (lane numbers, -1 none), and `first`
    (n+1), which cuts `points` (m, 6: x, y, z, yaw, width, road station) into lanes, each in
    driving direction.
    """

    name: str
    sha256: str
    folder: Path
    tables: Mapping[str, NDArray[np.generic]] = field(repr=False)

    @property
    def lanes_parquet(self) -> Path:
        """The clip's `map/lanes.parquet`, ready to copy."""
        return self.folder / "lanes.parquet"

    @property
    def areas_parquet(self) -> Path:
        """The clip's `map/areas.parquet`, ready to copy."""
        return self.folder / "areas.parquet"

    @cached_property
    def points(self) -> F64:
        """(m, 6) float64: x, y, z, yaw, width, road station."""
        return np.asarray(self.tables["points"], dtype=np.float64)

    @cached_property
    def first(self) -> I64:
        """(n + 1,) int64: where each lane's points begin."""
        return np.asarray(self.tables["first"], dtype=np.int64)

    @cached_property
    def successors(self) -> dict[int, tuple[int, ...]]:
        """Lanes that follow a lane."""
        return self._links(0, 1)

    @cached_property
    def predecessors(self) -> dict[int, tuple[int, ...]]:
        """Lanes that lead into a lane."""
        return self._links(1, 0)

    @cached_property
    def crosswalks(self) -> tuple[F64, ...]:
        """Outlines (n, 3) of the crosswalks."""
        cuts = np.asarray(self.tables["crosswalk_first"], dtype=np.int64)[1:-1]
        points = np.asarray(self.tables["crosswalk_points"], dtype=np.float64)
        return tuple(c for c in np.split(points, cuts) if len(c))

    @cached_property
    def numbers(self) -> dict[str, int]:
        """Lane number by lane id."""
        return {str(lane): i for i, lane in enumerate(self.tables["lane_id"])}

    def lane_points(self, lane: int) -> F64:
        """Points (k, 6) of one lane in driving direction."""
        return self.points[self.first[lane] : self.first[lane + 1]]

    @lru_cache(maxsize=64)  # noqa: B019 - indexes live as long as the process
    def points_of(self, kind: str) -> F64:
        """(k, 2) float64: x and y of the points of all lanes of a kind."""
        return self.points[np.repeat(self.tables["kind"] == kind, np.diff(self.first)), :2]

    def text(self, table: str, lane: int) -> str:
        """A text column of one lane."""
        return str(self.tables[table][lane])

    def number(self, table: str, lane: int) -> int:
        """An integer column of one lane."""
        return int(self.tables[table][lane])

    def _links(self, key: int, value: int) -> dict[int, tuple[int, ...]]:
        found: dict[int, list[int]] = {}
        for row in np.asarray(self.tables["links"], dtype=np.int64):
            found.setdefault(int(row[key]), []).append(int(row[value]))
        return {lane: tuple(sorted(others)) for lane, others in found.items()}


def load_index(xodr: Path | str, name: str) -> MapIndex:
    """The index of an OpenDRIVE map, from the user's cache or built by a subprocess.

    Args:
        xodr: A file's path, or the OpenDRIVE text itself.
        name: Map name to record.

    Raises:
        ConfigError: The file is missing or no OpenDRIVE that `carla.Map` can read.
    """
    text = _text(xodr)
    sha256 = hashlib.sha256(text.encode()).hexdigest()
    folder = cache_folder() / f"{sha256[:32]}-{_code_version()}"
    if not (folder / "index.npz").is_file():
        _build(text, name, folder)
    return _read(name, sha256, folder)


@lru_cache(maxsize=16)
def _read(name: str, sha256: str, folder: Path) -> MapIndex:
    """One object a map, so that what is found on it is found once."""
    with np.load(folder / "index.npz") as stored:
        tables = {key: stored[key] for key in stored.files}
    return MapIndex(name, sha256, folder, tables)


def cache_folder() -> Path:
    """Where indexes are kept: `$XDG_CACHE_HOME/synthgen/maps`."""
    return user_cache() / "maps"


def _text(xodr: Path | str) -> str:
    if isinstance(xodr, str) and xodr.lstrip().startswith("<"):
        return xodr
    try:
        return Path(xodr).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as err:
        raise ConfigError(f"{xodr}: the map cannot be read: {err}") from err


def _code_version() -> str:
    source = Path(__file__).with_name("build_index.py").read_bytes()
    return hashlib.sha256(source).hexdigest()[:8]


def _why(ended: subprocess.CompletedProcess[str]) -> str:
    """What ended the builder: a signal where `carla.Map` broke, or the last line of its error."""
    if ended.returncode < 0:
        return f"carla.Map ended its process by signal {-ended.returncode}"
    return (ended.stderr.strip() or f"exit status {ended.returncode}").splitlines()[-1]


def _build(text: str, name: str, folder: Path) -> None:
    """Run the builder beside the final folder, then rename: who sees the folder sees all of it."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".build-") as scratch:
        source, out = Path(scratch) / "map.xodr", Path(scratch) / "out"
        source.write_text(text, encoding="utf-8")
        out.mkdir()
        command = [
            sys.executable,
            "-m",
            "scenarios.placement.build_index",
            str(source),
            str(out),
            name,
        ]
        root = Path(__file__).resolve().parents[2]
        environment = {**os.environ, "PYTHONPATH": str(root)}
        try:
            done = subprocess.run(
                command, capture_output=True, text=True, timeout=BUILD_TIMEOUT_S, env=environment,
                check=False,
            )  # fmt: skip
        except subprocess.TimeoutExpired as err:
            raise ConfigError(
                f"map {name}: carla.Map took more than {BUILD_TIMEOUT_S} s for this OpenDRIVE; "
                "cut the part out of it that the scenarios need"
            ) from err
        if done.returncode != 0:
            raise ConfigError(
                f"map {name}: this OpenDRIVE cannot be used: {_why(done)}; "
                "`synthgen serve --map FILE` names a faulty road"
            )
        try:
            out.rename(folder)
        except OSError:
            # Another process built the same index first.
            if not (folder / "index.npz").is_file():
                shutil.rmtree(folder, ignore_errors=True)
                out.rename(folder)
