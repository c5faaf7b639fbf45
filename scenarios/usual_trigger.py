"""The yardstick: the same scenario with the trigger that others use instead of a solved encounter.

CARLA ScenarioRunner, DynamicObjectCrossing: the walker goes at 2.0 m/s once the ego is 2.1 s away;
vehicles wait at the edge of the junction and set off then.
"""

from __future__ import annotations

import numpy as np

from scenarios.concrete import ConcreteActor, ConcreteScenario, Meet, Pose, Step, Trigger

USUAL_TTA_S = 2.1
USUAL_WALK_MPS = 2.0


def with_usual_trigger(concrete: ConcreteScenario) -> ConcreteScenario:
    """The scenario with its encounter replaced; one without an encounter is unchanged."""
    meet = concrete.meet
    if meet is None:
        return concrete
    actors = tuple(_replaced(a, meet) if a.name == meet.actor else a for a in concrete.actors)
    return concrete.model_copy(update={"actors": actors})


def _replaced(actor: ConcreteActor, meet: Meet) -> ConcreteActor:
    usual = meet.model_copy(
        update={"travel_time_s": USUAL_TTA_S, "offset_s": 0.0, "resync": "until_start"}
    )
    if actor.category == "pedestrian":
        steps = tuple(
            step.model_copy(
                update={"meet": usual, "args": {**step.args, "speed_mps": USUAL_WALK_MPS}}
            )
            if step.meet is not None
            else step
            for step in actor.behaviours
        )
        return actor.model_copy(update={"behaviours": steps})
    if not actor.path_speeds_mps:
        steps = tuple(
            step if step.meet is None else step.model_copy(update={"meet": usual})
            for step in actor.behaviours
        )
        return actor.model_copy(update={"behaviours": steps})
    return _waiting(actor, meet)


def _waiting(actor: ConcreteActor, meet: Meet) -> ConcreteActor:
    """A vehicle that stands 2.1 s of driving before the conflict until the ego is 2.1 s away."""
    path = np.asarray(actor.path_xyz_m)
    distance = np.hypot(path[:, 0] - meet.conflict_x_m, path[:, 1] - meet.conflict_y_m)
    conflict = int(np.argmin(distance))
    speed = actor.path_speeds_mps[0]
    back = round(meet.reach_m + speed * USUAL_TTA_S)
    first = max(conflict - back, 0)
    x, y, z = actor.path_xyz_m[first]
    ahead = path[min(first + 1, len(path) - 1)] - path[first]
    yaw = float(np.arctan2(ahead[1], ahead[0])) if first else actor.start.yaw_rad
    due = Trigger(kind="tta", a=meet.other, value=USUAL_TTA_S, station_m=meet.other_station_m)
    wait = Step(do="idle", label="wait", until=due)
    steps = tuple(step.model_copy(update={"meet": None}) for step in actor.behaviours)
    start = Pose(x_m=x, y_m=y, z_m=z, yaw_rad=round(yaw, 6))
    return actor.model_copy(
        update={
            "start": start,
            "speed_mps": 0.0,
            "path_xyz_m": actor.path_xyz_m[first:],
            "path_speeds_mps": actor.path_speeds_mps[first:],
            "behaviours": (wait, *steps),
        }
    )
