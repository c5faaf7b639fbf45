from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from synthgen.runner.cast import Cast
from synthgen.runner.evidence import Evidence

TICK_NS = 50_000_000


def crossing(frame: int, *markings: str) -> Any:
    return SimpleNamespace(
        frame=frame, crossed_lane_markings=[SimpleNamespace(type=kind) for kind in markings]
    )


def contact(frame: int, kind: str) -> Any:
    other = SimpleNamespace(id=9, type_id=kind)
    impulse = SimpleNamespace(x=3.0, y=0.0, z=4.0)
    return SimpleNamespace(frame=frame, other_actor=other, normal_impulse=impulse)


def evidence() -> Evidence:
    """Of a clip whose tick 0 is frame 100."""
    found = Evidence(Cast([]), tick_s=0.05, period_ticks=2)
    found.first_frame = 100
    return found


def test_crossed_markings_become_events_with_the_tick_and_the_markings() -> None:
    found = evidence()
    found.on_lane_invasion(crossing(104, "Broken", "SolidSolid"))
    (event,) = found.events(TICK_NS)
    assert (event.tick, event.timestamp_ns, event.kind) == (4, 200_000_000, "lane_invasion")
    assert (event.track_id, event.detail) == (1, "broken, solidsolid")


def test_events_are_in_the_order_of_their_ticks_without_those_of_the_warm_up() -> None:
    found = evidence()
    found.on_lane_invasion(crossing(107, "Solid"))
    found.on_lane_invasion(crossing(99, "Solid"))
    found.on_collision(contact(105, "static.pole"))
    found.on_collision(contact(98, "static.pole"))
    listed = [(e.tick, e.kind, e.other_kind, e.impulse_ns) for e in found.events(TICK_NS)]
    assert listed == [(5, "collision", "static.pole", 5.0), (7, "lane_invasion", None, None)]
