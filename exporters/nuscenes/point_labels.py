"""nuScenes-lidarseg and nuScenes-panoptic: a class, and an object, for every LiDAR point.

Labels exist for the key frames of the reference LiDAR. `lidarseg` is one uint8 a point, the index
of the category. `panoptic` is one uint16 a point: that index * 1000 + the object's number among
those of its category in the clip, from 1; 0 for points of no object.
The class of a point on an object is the object's category; elsewhere it follows CARLA's tag.
The ego car is `vehicle.ego`.

Cannot express: more than 999 objects of one category in a clip (those beyond carry number 0).

Source: nuscenes-devkit 1.2.0, docs/instructions_lidarseg.md and docs/schema_nuscenes.md.
"""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from exporters.nuscenes.tables import CATEGORIES, VERSION
from synthgen.datatypes.actors import EGO_TRACK_ID, ObjectInfo
from synthgen.datatypes.taxonomy import CARLA_TAGS
from synthgen.geometry.arrays import U8, U16

Row = dict[str, Any]

INDEX_OF: Final = {name: index for index, name in enumerate(CATEGORIES)}
_PANOPTIC_STEP: Final = 1000


@dataclass(frozen=True, eq=False, slots=True)
class PointClasses:
    """Look-up tables of a clip.

    Attributes:
        of_tag: (256,) uint8 category index of each CARLA tag.
        of_track: (T + 1,) uint8 category index of each track id; 0 where only the tag counts.
        number: (T + 1,) uint16 number of each track among those of its category, 0 for none.
    """

    of_tag: U8
    of_track: U8
    number: U16

    def lidarseg(self, semantic_tag: U8, track_id: U16) -> U8:
        """Category index (N,) of each point."""
        own = self.of_track[self._known(track_id)]
        return np.where(own > 0, own, self.of_tag[semantic_tag]).astype(np.uint8)

    def panoptic(self, semantic_tag: U8, track_id: U16) -> U16:
        """Category index * 1000 + object number (N,) of each point."""
        classes = self.lidarseg(semantic_tag, track_id).astype(np.uint16)
        return np.asarray(classes * _PANOPTIC_STEP + self.number[self._known(track_id)], np.uint16)

    def _known(self, track_id: U16) -> U16:
        return np.where(track_id < len(self.of_track), track_id, 0).astype(np.uint16)


def point_classes(
    objects: Iterable[ObjectInfo],
    categories: Mapping[str, str | None],
    tags: Mapping[str, str | None],
) -> PointClasses:
    """The look-up tables of a clip.

    Args:
        objects: All of the clip.
        categories: Our categories in nuScenes' words.
        tags: CARLA's tags in nuScenes' words.
    """
    listed = list(objects)
    size = max((item.track_id for item in listed), default=0) + 1
    of_tag = np.zeros(256, dtype=np.uint8)
    for tag, name in enumerate(CARLA_TAGS):
        of_tag[tag] = INDEX_OF[tags[name] or "noise"]
    of_track, number = np.zeros(size, dtype=np.uint8), np.zeros(size, dtype=np.uint16)
    seen: Counter[str] = Counter()
    for item in sorted(listed, key=lambda item: item.track_id):
        name_here = categories[item.category]
        if item.track_id == EGO_TRACK_ID:
            of_track[item.track_id] = INDEX_OF["vehicle.ego"]
        elif name_here is not None:
            seen[name_here] += 1
            of_track[item.track_id] = INDEX_OF[name_here]
            number[item.track_id] = seen[name_here] if seen[name_here] < _PANOPTIC_STEP else 0
    return PointClasses(of_tag, of_track, number)


def point_label_row(kind: str, data_token: str) -> Row:
    """A row of `lidarseg` or `panoptic`; the devkit looks it up by the token of the sweep."""
    suffix = "bin" if kind == "lidarseg" else "npz"
    return {
        "token": data_token,
        "sample_data_token": data_token,
        "filename": f"{kind}/{VERSION}/{data_token}_{kind}.{suffix}",
    }


def panoptic_bytes(labels: U16) -> bytes:
    """Content of a `_panoptic.npz` file."""
    buffer = io.BytesIO()
    np.savez_compressed(buffer, data=labels)
    return buffer.getvalue()
