"""Bounding boxes of actors."""

from __future__ import annotations

from collections.abc import Mapping

from synthgen.simserver.assets import extents
from synthgen.simserver.wire.structs import BoundingBox, Rotation, Vector3D


def box_of(type_id: str, attributes: Mapping[str, str], actor_id: int) -> BoundingBox:
    """The bounding box of a new actor; zero for what has no body."""
    if type_id.startswith(("vehicle.", "walker.", "static.prop.")):
        center, extent = extents.box_of(type_id, attributes)
        return BoundingBox(
            Vector3D(*center.tolist()), Vector3D(*extent.tolist()), Rotation(), actor_id
        )
    if type_id == "static.trigger.friction":
        # CARLA's vehicle physics tutorial draws this box with the extents times 1e-2.
        extent_m = Vector3D(*(0.01 * float(attributes[f"extent_{axis}"]) for axis in "xyz"))
        return BoundingBox(Vector3D(), extent_m, Rotation(), actor_id)
    return BoundingBox(actor_id=actor_id)
