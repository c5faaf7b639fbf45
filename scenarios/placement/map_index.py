"""A map as numpy arrays: lanes, their neighbours and links, crosswalks, signals. Loads no carla."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False, slots=True)
class MapIndex:
    """One map. Lane arrays have a row a lane; point arrays are concatenated over lanes."""

    name: str
    sha256: str
    folder: Path
    lanes: dict[str, NDArray[np.generic]]
    points: dict[str, NDArray[np.float64]]

    @property
    def lanes_parquet(self) -> Path:
        """The clip's `map/lanes.parquet`, ready to copy."""
        return self.folder / "lanes.parquet"

    @property
    def areas_parquet(self) -> Path:
        """The clip's `map/areas.parquet`, ready to copy."""
        return self.folder / "areas.parquet"


def load_index(xodr: Path | str, name: str) -> MapIndex:
    """The index of an OpenDRIVE map, from the user's cache or built by a subprocess.

    Args:
        xodr: A file's path, or the OpenDRIVE text itself.
        name: Map name to record.

    Raises:
        ConfigError: The text is no OpenDRIVE that `carla.Map` can read.
    """
    raise NotImplementedError
