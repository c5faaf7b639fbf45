"""OpenDRIVE to roads, scenery, navigation mesh and spawn points."""

from __future__ import annotations

from pathlib import Path

from synthgen.simserver.maps.cache import cache_folder, cached_town, keep_town, town_key
from synthgen.simserver.maps.townmap import MapError, TownMap

__all__ = ["TOWNS_DIR", "MapError", "TownMap", "known_maps", "load_map"]

TOWNS_DIR = Path(__file__).parent / "towns"


def load_map(name: str, xodr_text: str, *, seed: int = 0) -> TownMap:
    """Build a town from an OpenDRIVE text, or take it from the user's cache.

    Args:
        name: Name under which the town is asked for.
        xodr_text: OpenDRIVE 1.4 to 1.6.
        seed: Decides everything the file does not say: buildings, trees, parked cars.

    Raises:
        MapError: The text is no OpenDRIVE that roads can be built from.
    """
    folder, key = cache_folder(), town_key(xodr_text, seed)
    town = cached_town(folder, key, name, xodr_text)
    if town is None:
        # A kept town needs none of what builds one; importing that takes half a second.
        from synthgen.simserver.maps.build import build_town

        town = build_town(name, xodr_text, seed)
        keep_town(folder, key, town)
    return town


def known_maps(maps_dir: Path | None = None) -> dict[str, Path]:
    """Names of maps and their files: ours, then those of a folder, which win.

    Each `NAME.xodr` is the map NAME and, under that exact name, NAME_Opt.
    """
    folders = [TOWNS_DIR] if maps_dir is None else [TOWNS_DIR, maps_dir]
    files = {path.stem: path for folder in folders for path in sorted(folder.glob("*.xodr"))}
    layered = {f"{name}_Opt": path for name, path in files.items() if f"{name}_Opt" not in files}
    return files | layered
