"""The towns a server knows: those it ships, those of its maps folder, one a client sent."""

from __future__ import annotations

from pathlib import Path

from synthgen.simserver.maps import MapError, TownMap, known_maps, load_map
from synthgen.simserver.world.errors import CallError

SENT_BY_CLIENT = "OpenDriveMap"
DEFAULT_TOWN = "SynthDowntown"


class TownStore:
    """Towns by name; each is built once and kept.

    Args:
        maps_dir: Folder whose every `NAME.xodr` is the town NAME (and NAME_Opt), or None.
        seed: Seed of buildings, trees and parked cars.
    """

    def __init__(self, maps_dir: Path | None, seed: int) -> None:
        self._paths = known_maps(maps_dir)
        self._texts: dict[str, str] = {}
        self._seed = seed
        self._built: TownMap | None = None

    def names(self) -> list[str]:
        """Names of all towns, sorted."""
        return sorted({*self._paths, *self._texts})

    def default_name(self) -> str:
        """The town that a server starts with when none is asked for."""
        return DEFAULT_TOWN

    def add_text(self, name: str, xodr_text: str) -> None:
        """Make a town of this text known under a name."""
        self._texts[name] = xodr_text

    def add_file(self, path: Path) -> str:
        """Make the town of an OpenDRIVE file known; its name.

        Raises:
            CallError: The file cannot be read.
        """
        self.add_text(path.stem, _read(path))
        return path.stem

    def load(self, name: str) -> TownMap:
        """The town of this name; a path as CARLA lists it counts by its last part.

        Raises:
            CallError: There is no such town, or its file is no OpenDRIVE.
        """
        name = name.rstrip("/").rsplit("/", 1)[-1]
        text = self._text(name)
        built = self._built
        if built is not None and built.name == name and built.xodr == text:
            return built
        try:
            self._built = load_map(name, text, seed=self._seed)
        except MapError as err:
            raise CallError(f"Map '{name}' cannot be built: {err}") from err
        return self._built

    def _text(self, name: str) -> str:
        if name in self._texts:
            return self._texts[name]
        if name in self._paths:
            return _read(self._paths[name])
        known_names = ", ".join(self.names())
        raise CallError(f"Map '{name}' not found; known maps: {known_names}")


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as err:
        raise CallError(f"{path}: {err.strerror}") from err
    except UnicodeDecodeError as err:
        raise CallError(f"{path}: expected OpenDRIVE text in UTF-8, {err.reason}") from err
