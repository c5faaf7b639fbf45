"""Our categories in each format's words; None drops an object on purpose."""

from __future__ import annotations

from collections import Counter
from typing import Final

KITTI: Final[dict[str, str | None]] = {
    "car": "Car",
    "van": "Van",
    "truck": "Truck",
    "bus": "Misc",
    "train": "Tram",
    "motorcycle": "Cyclist",
    "bicycle": "Cyclist",
    "rider": None,
    "pedestrian": "Pedestrian",
    "animal": "Misc",
    "traffic_cone": None,
    "barrier": None,
    "object": None,
}

COCO: Final[tuple[str, ...]] = tuple(KITTI)


class DropCount:
    """Counts what an export left out, by category."""

    def __init__(self) -> None:
        self._dropped: Counter[str] = Counter()

    def drop(self, category: str) -> None:
        """Note one dropped object."""
        self._dropped[category] += 1

    def summary(self) -> dict[str, int]:
        """Dropped objects by category, sorted."""
        return dict(sorted(self._dropped.items()))
