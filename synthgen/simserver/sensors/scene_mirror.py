"""The renderer's copy of the world: the town, and every actor with a body, where it is now.

The renderer and the meshes are imported when the first sensor looks, so that a server without
sensors starts in a moment.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from synthgen.simserver.maps.townmap import TownMap
from synthgen.simserver.render.specs import Weather
from synthgen.simserver.scene import F32, Model
from synthgen.simserver.sensors.frame import Frame
from synthgen.simserver.wire.structs import LightState
from synthgen.simserver.world.actors import Actor, ActorKind

if TYPE_CHECKING:
    from synthgen.simserver.render.renderer import Renderer
    from synthgen.simserver.world.world import World

logger = logging.getLogger(__name__)

_VISIBLE = (
    ActorKind.VEHICLE,
    ActorKind.WALKER,
    ActorKind.PROP,
    ActorKind.TRAFFIC_LIGHT,
    ActorKind.TRAFFIC_SIGN,
)
# Instance ids of actors; the upper half belongs to environment objects.
ACTOR_IDS = 1 << 15
# A beam passes through the body that carries the sensor at most this often.
_MOST_PASSES = 6
_STEP_M = 0.02


class SceneMirror:
    """The renderer, loaded on first use, and which actors it holds.

    Only `warm` is called beside the world's thread.

    Attributes:
        weather: The weather of the last frame.
    """

    def __init__(self, threads: int) -> None:
        self._threads = threads
        self._town: TownMap | None = None
        self._loading = threading.Lock()
        # The renderer and the town in it, written under the lock.
        self._renderer: Renderer | None = None
        self._loaded: TownMap | None = None
        self._beside: tuple[TownMap | None, threading.Thread] | None = None
        # Whether the world's thread has taken the renderer over with the present town.
        self._is_loaded = False
        self._models: dict[int, Model] = {}
        self._hidden: frozenset[int] = frozenset()
        self._hidden_parts: Mapping[int, frozenset[int]] = {}
        self._hidden_ground: NDArray[np.bool_] | None = None
        self._lights: tuple[LightState, ...] = ()
        self._frame = -1
        self.weather = Weather()

    @property
    def renderer(self) -> Renderer:
        """The renderer with the present town loaded."""
        if self._renderer is None or not self._is_loaded:
            return self._taken_over(self.warm())
        return self._renderer

    def warm(self) -> Renderer:
        """Load the renderer and the present town, if they are not; who comes second waits."""
        from synthgen.simserver.render.renderer import Renderer  # slow: compiled kernels
        from synthgen.simserver.sensors.scenery import scenery_of

        with self._loading:
            if self._renderer is None:
                self._renderer = Renderer(self._threads)
            town = self._town
            assert town is not None
            if self._loaded is not town:
                self._loaded = None
                self._renderer.load_map(town.static, scenery_of(town))
                self._loaded = town
            return self._renderer

    def is_there(self) -> bool:
        """Whether the world's thread can look without waiting; if not, a thread loads beside it.

        Also true where that thread failed: who looks next is told why.
        """
        if self._loaded is self._town:
            return True
        if self._beside is None or self._beside[0] is not self._town:
            thread = threading.Thread(target=self._try_to_warm, name="scene", daemon=True)
            self._beside = self._town, thread
            thread.start()
            return False
        return not self._beside[1].is_alive()

    def _try_to_warm(self) -> None:
        try:
            self.warm()
        except (OSError, RuntimeError) as err:  # the world's thread meets and tells it
            logger.debug("loading beside: %s", err)

    def start_episode(self, town: TownMap) -> None:
        """Look at a town without actors, one that is loaded already as if it had just been."""
        self._is_loaded = self._is_loaded and town is self._town
        self._town = town
        self._models.clear()
        self._hidden, self._hidden_parts, self._hidden_ground = frozenset(), {}, None
        self._frame = -1
        if self._is_loaded:
            self.renderer.clear_actors()
            self.renderer.hide(())

    def hide(
        self,
        object_indices: frozenset[int],
        actor_parts: Mapping[int, frozenset[int]],
        ground: NDArray[np.bool_] | None,
    ) -> None:
        """Hide exactly these things.

        Args:
            object_indices: Environment objects.
            actor_parts: Parts of the models of lights and signs, by actor.
            ground: (T,) which triangles of the town's static mesh; None for none.
        """
        before = self._hidden_parts
        for actor_id in {*before, *actor_parts}:
            if before.get(actor_id) != actor_parts.get(actor_id) and actor_id in self._models:
                # It comes back with other parts when the actors are next looked at.
                self.renderer.remove_actor(actor_id)
                del self._models[actor_id]
        self._hidden, self._hidden_parts, self._hidden_ground = object_indices, actor_parts, ground
        self._frame = -1
        if self._is_loaded:
            self.renderer.hide(sorted(object_indices), ground)

    def light(self, lights: Iterable[LightState]) -> None:
        """Let the street lamps shine as these say."""
        self._lights = tuple(lights)
        if self._is_loaded:
            from synthgen.simserver.sensors.scenery import street_lamps_of

            self.renderer.set_street_lights(street_lamps_of(self._lights))

    def update(self, world: World, frame: Frame) -> None:
        """Bring every actor to where it is in this frame."""
        if self._frame == frame.number:
            return
        self._frame = frame.number
        self._move(world)

    def _taken_over(self, renderer: Renderer) -> Renderer:
        from synthgen.simserver.sensors.scenery import street_lamps_of

        # Actors of an earlier episode may be left in it.
        renderer.clear_actors()
        renderer.set_street_lights(street_lamps_of(self._lights))
        renderer.hide(sorted(self._hidden), self._hidden_ground)
        self._models.clear()
        self._is_loaded = True
        return renderer

    def _move(self, world: World) -> None:
        from synthgen.simserver.sensors.bodies import light_bits_of, model_of_actor, parts_of

        renderer = self.renderer
        self.weather = Weather(**world.weather._asdict())
        visible = [actor for kind in _VISIBLE for actor in world.actors.of_kind(kind)]
        present = {actor.id for actor in visible}
        for gone in [i for i in self._models if i not in present]:
            renderer.remove_actor(gone)
            del self._models[gone]
        shown: list[Actor] = []
        for actor in visible:
            if actor.id not in self._models:
                model = self._shown(actor.id, model_of_actor(world, actor))
                if model is None:
                    continue
                self._models[actor.id] = model
                look = world.number_of(actor)
                renderer.add_actor(actor.id, instance_id(actor.id), model, look)
            shown.append(actor)
        renderer.move(
            [actor.id for actor in shown],
            [parts_of(world, actor, self._models[actor.id]) for actor in shown],
            [light_bits_of(world, actor) for actor in shown],
        )

    def _shown(self, actor_id: int, model: Model | None) -> Model | None:
        """The model without the parts that are hidden of this actor."""
        hidden = self._hidden_parts.get(actor_id)
        if model is None or hidden is None:
            return model
        parts = tuple(part for number, part in enumerate(model.parts) if number not in hidden)
        return replace(model, parts=parts) if parts else None

    def actor_ids(self, instances: NDArray[np.uint32]) -> NDArray[np.uint32]:
        """Actor ids of instance ids; those of environment objects stay as they are."""
        if all(actor_id < ACTOR_IDS for actor_id in self._models):
            return instances
        by_instance = np.arange(2 * ACTOR_IDS, dtype=np.uint32)
        for actor_id in self._models:
            by_instance[instance_id(actor_id)] = actor_id
        return by_instance[instances]

    def velocities(self, world: World) -> dict[int, F32]:
        """Velocity of every moving actor by instance id, m/s."""
        moving = {}
        for kind in (ActorKind.VEHICLE, ActorKind.WALKER, ActorKind.PROP):
            for actor in world.actors.of_kind(kind):
                velocity = world.actors.motion[actor.slot, 6:9]
                if velocity.any():
                    moving[instance_id(actor.id)] = velocity.copy()
        return moving

    def hits(
        self,
        world: World,
        origins: NDArray[np.float64],
        directions: NDArray[np.float64],
        reach_m: float,
        ignored_id: int = 0,
    ) -> Iterator[tuple[float, int, int]]:
        """Distance, actor id (0: scenery) and tag of what each ray meets first, if anything."""
        if self._frame != world.clock.frame:
            self._frame = world.clock.frame
            self._move(world)
        passed = np.zeros(len(origins))
        pending = np.arange(len(origins))
        for _ in range(_MOST_PASSES):
            starts = origins[pending] + directions[pending] * passed[pending, None]
            found = self.renderer.cast(
                starts.astype(np.float32), directions[pending].astype(np.float32), reach_m
            )
            ids = self.actor_ids(found.instance.astype(np.uint32))
            own = (ids == ignored_id) & (ignored_id != 0)
            reached = passed[pending] + found.distance_m
            for ray in np.flatnonzero(~own & (reached <= reach_m)):
                actor_id = int(ids[ray]) if world.actors.find(int(ids[ray])) else 0
                yield float(reached[ray]), actor_id, int(found.tag[ray])
            passed[pending] = reached + _STEP_M
            pending = pending[own]
            if not len(pending):
                return

    def cast(
        self, world: World, origin: Sequence[float], direction: Sequence[float], reach_m: float
    ) -> tuple[float, int] | None:
        """Distance and tag of the first thing along one ray."""
        at = np.array([origin], float)
        towards = np.array([direction], float)
        for distance_m, _, tag in self.hits(world, at, towards, reach_m):
            return distance_m, tag
        return None


def instance_id(actor_id: int) -> int:
    """What images and sweeps call an actor; 0 is kept for no actor."""
    return actor_id % ACTOR_IDS or ACTOR_IDS - 1
