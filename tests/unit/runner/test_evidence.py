from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np

from synthgen.datatypes.actors import ObjectInfo
from synthgen.runner.cast import Cast, CastMember
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


def test_pixels_of_each_actor_are_counted_by_camera() -> None:
    size = np.array([4.0, 2.0, 1.5])
    infos = [
        ObjectInfo(track_id, "car", "vehicle.any", 14, size, np.zeros(3), name=name)
        for track_id, name in ((1, "ego"), (3, "other"))
    ]
    members = [CastMember(info, SimpleNamespace(id=info.track_id + 40)) for info in infos]
    found = Evidence(Cast(members), tick_s=0.05, period_ticks=2)
    instance = np.array([[0, 3, 3], [9, 3, 1]], dtype=np.uint16)
    found.add_view("front", instance)
    found.add_view("front", np.zeros((2, 3), dtype=np.uint16))
    seen = {key: pixels.tolist() for key, pixels in found.run_record(()).visible_px.items()}
    assert seen == {("ego", "front"): [1, 0], ("other", "front"): [3, 0]}
