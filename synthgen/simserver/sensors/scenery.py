"""The town's repeated models and lamps as the renderer takes them."""

from __future__ import annotations

import logging
from collections.abc import Iterable

import numpy as np

from synthgen.simserver.assets.library import model_of
from synthgen.simserver.maps.townmap import SceneryInstance, TownMap
from synthgen.simserver.render.specs import Scenery
from synthgen.simserver.scene import F32, Model
from synthgen.simserver.wire.structs import LightState, Rotation, Transform, Vector3D
from synthgen.simserver.world.poses import matrix_of

logger = logging.getLogger(__name__)

# Luminous flux of an ordinary street lamp, which the renderer calls intensity 1.
ORDINARY_LAMP_LM = 10000.0


def scenery_of(town: TownMap) -> list[Scenery]:
    """Every model that the town repeats, with all its places."""
    groups: dict[tuple[object, ...], list[SceneryInstance]] = {}
    for instance in town.scenery_instances:
        key = (instance.model_key, tuple(sorted(instance.attributes.items())), instance.variant)
        groups.setdefault(key, []).append(instance)
    placed = []
    for instances in groups.values():
        first = instances[0]
        try:
            model = model_of(first.model_key, first.attributes, first.variant)
        except KeyError:
            logger.warning("%s: no model for %s", town.name, first.model_key)
            continue
        placed.append(_scenery(model, instances))
    return placed


def _scenery(model: Model, instances: list[SceneryInstance]) -> Scenery:
    poses = [
        matrix_of(Transform(Vector3D(*i.pose.location_m), Rotation(*i.pose.rotation_deg)))
        for i in instances
    ]
    return Scenery(
        model=model,
        map_from_model=np.array(poses, np.float32),
        object_indices=np.array([i.object_index for i in instances], np.int32),
        variants=np.array([i.variant for i in instances], np.int32),
    )


def street_lamps_of(lights: Iterable[LightState]) -> F32:
    """(L, 7) float32: place, linear colour and intensity of every street lamp that is on."""
    rows = [
        (
            *light.location,
            *((channel / 255.0) ** 2.2 for channel in light.color),
            light.intensity / ORDINARY_LAMP_LM,
        )
        for light in lights
        if light.active
    ]
    return np.array(rows, np.float32).reshape(-1, 7)
