"""Keep the list of environment objects and the boxes that stop vehicles."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from synthgen.simserver.maps.townmap import EnvironmentObject, OrientedBoxes, Pose
from synthgen.simserver.scene import Tag

F64 = NDArray[np.float64]


class ObjectList:
    """Numbers environment objects in the order in which they are placed."""

    def __init__(self) -> None:
        self._objects: list[EnvironmentObject] = []
        self._counts: dict[str, int] = {}
        self._boxes: list[tuple[F64, F64, float, int]] = []

    def add(
        self,
        kind: str,
        tag: Tag,
        pose: Pose,
        box: tuple[F64, F64],
        *,
        model_key: str | None = None,
        attributes: Mapping[str, str] | None = None,
        variant: int = 0,
        solid: tuple[float, float] | None = None,
    ) -> int:
        """Add an object; gives its index.

        Args:
            kind: First part of its name, like `Building`.
            tag: Semantic tag.
            pose: Where its model's origin stands; the box turns with its yaw.
            box: (3,) centre in the object's frame and (3,) half sizes.
            model_key: Model that draws it; None for static triangles.
            attributes: Attributes of the model.
            variant: Seed of its look.
            solid: Half sizes in the plane of what vehicles bump into; the whole box where not
                given, nothing where (0, 0).
        """
        index = len(self._objects)
        number = self._counts.get(kind, 0)
        self._counts[kind] = number + 1
        yaw = float(np.radians(pose.yaw_deg))
        local, extent = (np.asarray(v, dtype=np.float64) for v in box)
        turn = np.array([[np.cos(yaw), -np.sin(yaw)], [np.sin(yaw), np.cos(yaw)]])
        center = np.array(pose.location_m) + np.append(turn @ local[:2], local[2])
        half = extent if solid is None else np.array([*solid, extent[2]])
        is_solid = bool(half[0] > 0.0)
        self._objects.append(
            EnvironmentObject(
                index,
                f"{kind}_{number}",
                tag,
                pose,
                center,
                extent,
                (0.0, pose.yaw_deg, 0.0),
                model_key,
                dict(attributes or {}),
                variant,
                is_solid,
            )
        )
        if is_solid:
            # A trunk or post stands at the origin, whatever its crown's box is.
            is_post = model_key is not None and solid is not None
            middle = np.array([*pose.location_m[:2], center[2]]) if is_post else center
            self._boxes.append((middle, half, yaw, index))
        return index

    def add_barrier(self, center_m: F64, extent_m: F64, yaw_rad: float) -> None:
        """Add a solid box that belongs to no object: a stretch of guard rail."""
        self._boxes.append((center_m, extent_m, yaw_rad, -1))

    def fit_box(self, index: int, low_m: F64, high_m: F64) -> None:
        """Give an object the box from `low_m` to `high_m` of its own frame."""
        known = self._objects[index]
        yaw = float(np.radians(known.pose.yaw_deg))
        turn = np.array([[np.cos(yaw), -np.sin(yaw)], [np.sin(yaw), np.cos(yaw)]])
        middle = (low_m + high_m) / 2
        center = np.array(known.pose.location_m) + np.append(turn @ middle[:2], middle[2])
        self._objects[index] = replace(
            known, box_center_m=center, box_extent_m=(high_m - low_m) / 2
        )

    def pose_of(self, index: int) -> Pose:
        """Where an object stands."""
        return self._objects[index].pose

    def objects(self) -> tuple[EnvironmentObject, ...]:
        """All objects, each at its own index."""
        return tuple(self._objects)

    def boxes(self) -> OrientedBoxes:
        """What vehicles collide with."""
        return OrientedBoxes(
            np.array([b[0] for b in self._boxes]).reshape(-1, 3),
            np.array([b[1] for b in self._boxes]).reshape(-1, 3),
            np.array([b[2] for b in self._boxes]),
            np.array([b[3] for b in self._boxes], dtype=np.int32),
        )
