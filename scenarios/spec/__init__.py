"""The scenario schema `synthgen/scenario@1`: what a YAML file may say. See docs/scenarios.md.

Quantities carry units in YAML and are SI here. A model is what was written: ranges, not values.
"""

from scenarios.spec.actors import Actor
from scenarios.spec.behaviours import (
    Behaviour,
    Brake,
    CrossRoad,
    CutIn,
    CutOut,
    DartOut,
    FollowLane,
    FollowPath,
    FollowProp,
    Hesitate,
    Meet,
    OpenDoor,
    Reverse,
    RunRedLight,
    Swerve,
    Turn,
    TurnBack,
    WalkAlong,
)
from scenarios.spec.bounds import Comparison
from scenarios.spec.roads import At, JunctionQuery, RoadQuery
from scenarios.spec.scenario import ScenarioSpec, json_schema, quantities
from scenarios.spec.surroundings import Mix, Weather
from scenarios.spec.triggers import Trigger

__all__ = [
    "Actor",
    "At",
    "Behaviour",
    "Brake",
    "Comparison",
    "CrossRoad",
    "CutIn",
    "CutOut",
    "DartOut",
    "FollowLane",
    "FollowPath",
    "FollowProp",
    "Hesitate",
    "JunctionQuery",
    "Meet",
    "Mix",
    "OpenDoor",
    "Reverse",
    "RoadQuery",
    "RunRedLight",
    "ScenarioSpec",
    "Swerve",
    "Trigger",
    "Turn",
    "TurnBack",
    "WalkAlong",
    "Weather",
    "json_schema",
    "quantities",
]
