"""What no map tells: whether the site has ground under everyone and a free view of the encounter.

Asked of the simulator once the cast stands; a site that fails rejects the draw, and the next draw
takes the next site (docs/scenarios.md, 4.2).
"""

from __future__ import annotations

from typing import Final

import carla
import numpy as np

from scenarios.behaviours.stage import Track
from scenarios.concrete import ConcreteScenario
from synthgen.errors import ScenarioRejected

# The ego must see the conflict point this long before it gets there; walls that hide it earlier
# are part of the scene.
_VIEW_S: Final = 1.5
_EYE_M: Final = 1.4
_TARGET_M: Final = 1.0
_PROBE_ABOVE_M: Final = 1.5
_PROBE_M: Final = 6.0
_GROUND_MARGIN_M: Final = 0.8
_WALLS: Final = frozenset(
    {
        carla.CityObjectLabel.Buildings,
        carla.CityObjectLabel.Walls,
        carla.CityObjectLabel.Fences,
    }
)
_GROUND: Final = frozenset(
    {
        carla.CityObjectLabel.Roads,
        carla.CityObjectLabel.RoadLines,
        carla.CityObjectLabel.Sidewalks,
        carla.CityObjectLabel.Ground,
        carla.CityObjectLabel.Terrain,
        carla.CityObjectLabel.Bridge,
        carla.CityObjectLabel.Water,
    }
)


def check_site(world: carla.World, concrete: ConcreteScenario) -> None:
    """Check ground and line of sight.

    Raises:
        ScenarioRejected: `no_ground: <actor>` or `no_line_of_sight: <what stands there>`.
    """
    for actor in concrete.actors:
        start = actor.start
        above = carla.Location(start.x_m, -start.y_m, start.z_m + _PROBE_ABOVE_M)
        ground = world.ground_projection(above, _PROBE_M)
        if ground is not None and ground.label not in _GROUND:
            continue  # The actor itself, or what it stands on.
        if ground is None or abs(ground.location.z - start.z_m) > _GROUND_MARGIN_M:
            raise ScenarioRejected(f"no_ground: {actor.name}")
    meet = concrete.meet
    if meet is None:
        return
    eye = _eye_of(concrete)
    conflict = carla.Location(meet.conflict_x_m, -meet.conflict_y_m, eye.z - _EYE_M + _TARGET_M)
    for point in world.cast_ray(eye, conflict):
        if point.label in _WALLS and point.location.distance(conflict) > _TARGET_M:
            raise ScenarioRejected(f"no_line_of_sight: {point.label.name.lower()}")


def _eye_of(concrete: ConcreteScenario) -> carla.Location:
    """The ego's windscreen a little before the conflict."""
    meet = concrete.meet
    assert meet is not None
    track = Track(concrete.ego)
    due_s = float(np.interp(meet.other_station_m, track.stations, track.clock))
    x_m, y_m, z_m = track.at(float(np.interp(due_s - _VIEW_S, track.clock, track.stations)))
    return carla.Location(float(x_m), -float(y_m), float(z_m) + _EYE_M)
