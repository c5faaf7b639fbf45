"""One concrete sample as OpenSCENARIO 1.0, for other programs; its header says what is lost."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from scenariogeneration import xosc

from scenarios.concrete import ConcreteActor, ConcreteScenario

LOSSES = (
    "Lost: sensors, expectations, weather beyond the time of day, ambient traffic, the ego's "
    "emergency brake, resynchronisation (the solved start time is exported instead), doors."
)
_VEHICLES = {
    "car": xosc.VehicleCategory.car,
    "van": xosc.VehicleCategory.van,
    "truck": xosc.VehicleCategory.truck,
    "bus": xosc.VehicleCategory.bus,
    "motorcycle": xosc.VehicleCategory.motorbike,
    "bicycle": xosc.VehicleCategory.bicycle,
}
MINOR_VERSION = 0
# A header must have a date; the same draw gives the same bytes whenever it is exported.
_DATE = datetime(1970, 1, 1, tzinfo=UTC)


def export_openscenario(concrete: ConcreteScenario, file: Path, *, map_file: str) -> None:
    """Write the sample; `map_file` is the OpenDRIVE file that it refers to."""
    entities = xosc.Entities()
    init = xosc.Init()
    act = xosc.Act("encounter", _at(0.0, "start"))
    for actor in concrete.actors:
        name = "hero" if actor.name == "ego" else actor.name
        entities.add_scenario_object(name, _entity(actor))
        init.add_init_action(name, xosc.TeleportAction(_position(actor)))
        if actor.speed_mps > 0:
            step = xosc.TransitionDynamics(xosc.DynamicsShapes.step, xosc.DynamicsDimension.time, 0)
            init.add_init_action(name, xosc.AbsoluteSpeedAction(actor.speed_mps, step))
        group = _motion(concrete, actor, name)
        if group is not None:
            act.add_maneuver_group(group)
    end = concrete.warmup_ticks * concrete.tick_s + concrete.duration_ticks * concrete.tick_s
    board = xosc.StoryBoard(init, _at(end, "end", stop=True))
    board.add_act(act)
    scenario = xosc.Scenario(
        f"{concrete.name}: {concrete.description} {LOSSES}",
        "synthgen",
        xosc.ParameterDeclarations(),
        entities,
        board,
        xosc.RoadNetwork(map_file),
        xosc.Catalog(),
        osc_minor_version=MINOR_VERSION,
        creation_date=_DATE,
    )
    file.parent.mkdir(parents=True, exist_ok=True)
    scenario.write_xml(str(file))


def _entity(actor: ConcreteActor) -> xosc.Vehicle | xosc.Pedestrian | xosc.MiscObject:
    length, width, height = actor.size_lwh_m
    box = xosc.BoundingBox(width, length, height, 0.0, 0.0, height / 2)
    if actor.category in _VEHICLES:
        axle = xosc.Axle(0.6, 0.7, width * 0.85, length * 0.3, 0.35)
        rear = xosc.Axle(0.0, 0.7, width * 0.85, -length * 0.3, 0.35)
        vehicle = xosc.Vehicle(
            actor.blueprint, _VEHICLES[actor.category], box, axle, rear, 70.0, 8.0, 9.0
        )
        # By this property CARLA's ScenarioRunner knows the ego.
        vehicle.add_property("type", "ego_vehicle" if actor.name == "ego" else "simulation")
        return vehicle
    if actor.category == "pedestrian":
        return xosc.Pedestrian(
            actor.blueprint, 75.0, xosc.PedestrianCategory.pedestrian, box, actor.blueprint
        )
    kind = xosc.MiscObjectCategory.obstacle
    return xosc.MiscObject(actor.blueprint, 20.0, kind, box)


def _position(actor: ConcreteActor) -> xosc.WorldPosition:
    pose = actor.start
    return xosc.WorldPosition(pose.x_m, pose.y_m, pose.z_m, pose.yaw_rad, 0, 0)


def _motion(
    concrete: ConcreteScenario, actor: ConcreteActor, name: str
) -> xosc.ManeuverGroup | None:
    """The actor's planned way as a timed polyline, from the moment it sets off."""
    if len(actor.path_xyz_m) < 2:
        return None
    path = np.asarray(actor.path_xyz_m)
    steps = np.hypot(*np.diff(path[:, :2], axis=0).T)
    start_s, speeds = 0.0, np.asarray(actor.path_speeds_mps)
    if not len(speeds):
        step = next((s for s in actor.behaviours if "speed_mps" in s.args), None)
        speeds = np.full(len(path), float(step.args["speed_mps"]) if step else 1.4)
        warmup = concrete.warmup_ticks * concrete.tick_s
        start_s = warmup + (step.meet.planned_start_s if step and step.meet else 0.0)
    times = np.concatenate([[0.0], np.cumsum(steps / np.maximum(speeds[:-1], 0.1))])
    points = [xosc.WorldPosition(x, y, z, 0, 0, 0) for x, y, z in path.tolist()]
    trajectory = xosc.Trajectory(f"{name}_way", False)
    trajectory.add_shape(xosc.Polyline(times.tolist(), points))
    follow = xosc.FollowTrajectoryAction(
        trajectory, xosc.FollowingMode.position, xosc.ReferenceContext.relative, 1.0, 0.0
    )
    event = xosc.Event(f"{name}_event", xosc.Priority.overwrite)
    event.add_action(f"{name}_action", follow)
    event.add_trigger(_at(max(start_s, 0.0), f"{name}_start"))
    manoeuvre = xosc.Maneuver(f"{name}_maneuver")
    manoeuvre.add_event(event)
    group = xosc.ManeuverGroup(f"{name}_group")
    group.add_maneuver(manoeuvre)
    group.add_actor(name)
    return group


def _at(time_s: float, name: str, *, stop: bool = False) -> xosc.ValueTrigger:
    condition = xosc.SimulationTimeCondition(time_s, xosc.Rule.greaterThan)
    point = "stop" if stop else "start"
    return xosc.ValueTrigger(name, 0, xosc.ConditionEdge.none, condition, triggeringpoint=point)
