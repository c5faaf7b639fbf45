"""Scripts in a world without physics: what they order, and when those they drive arrive."""

from __future__ import annotations

from scenarios.behaviours.choreography import Choreography
from scenarios.behaviours.commands import VehicleControl, WorldView
from scenarios.compile import compile_draw
from scenarios.concrete import ConcreteScenario
from scenarios.loader import load_scenario
from scenarios.stand_in import Body
from tests.unit.scenarios.factories import LIBRARY, town


def drawn(name: str, k: int = 0) -> ConcreteScenario:
    """A draw of a scenario of the library."""
    spec = load_scenario(LIBRARY / f"{name}.yaml")
    return compile_draw(spec, index=town(), root_seed=7, k=k, draw=0)


def test_parked_car_is_held_by_its_brake_until_its_door_opens() -> None:
    concrete = drawn("door_opens_in_path")
    views = {
        a.name: Body(a.start.x_m, a.start.y_m, a.start.yaw_rad, 0.0, a.size_lwh_m).view()
        for a in concrete.actors
    }
    orders = Choreography(concrete).step(WorldView(0, views))
    brakes = [o for o in orders if isinstance(o, VehicleControl) and o.actor == "parked"]
    assert [(order.hand_brake, order.brake) for order in brakes] == [(True, 1.0)]
