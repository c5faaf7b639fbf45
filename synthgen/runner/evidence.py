"""What the verdict rests on: motion, visibility and contacts of the scenario's actors."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import carla
import cv2
import numpy as np

from scenarios.verify import ActorTrack, Collision, RunRecord
from synthgen.datatypes.actors import EGO_TRACK_ID, ActorStates
from synthgen.datatypes.road_map import ClipEvent, SignalChange
from synthgen.geometry.arrays import U16
from synthgen.geometry.rotations import yaw_of
from synthgen.runner.cast import Cast


class Evidence:
    """Grows tick by tick in the record window."""

    def __init__(self, cast: Cast, *, tick_s: float, period_ticks: int) -> None:
        self._members = cast.by_name()
        self._info_of_actor = {m.actor.id: m.info for m in cast.members}
        self._tick_s = tick_s
        self._period_ticks = period_ticks
        self._contacts: list[carla.CollisionEvent] = []
        self._crossings: list[carla.LaneInvasionEvent] = []
        self._motion: dict[str, list[tuple[float, float, float, float]]] = {}
        self._visible_px: dict[tuple[str, str], list[int]] = {}
        self.first_frame: int | None = None

    def on_collision(self, event: carla.CollisionEvent) -> None:
        """Take a contact of the ego; called from the client's stream thread."""
        self._contacts.append(event)

    def on_lane_invasion(self, event: carla.LaneInvasionEvent) -> None:
        """Take markings that the ego crosses; called from the client's stream thread."""
        self._crossings.append(event)

    def add_tick(self, states: ActorStates) -> None:
        """Note where the scenario's actors are."""
        for name, member in self._members.items():
            row = states.row_of(member.info.track_id)
            if row is None:
                continue
            pose = states.world_from_actor(row)
            x_m, y_m, _ = pose.apply(member.info.box_center_m)
            speed_mps = float(np.hypot(*states.velocity_mps[row, :2]))
            sample = (float(x_m), float(y_m), float(yaw_of(pose.rotation)), speed_mps)
            self._motion.setdefault(name, []).append(sample)

    def add_view(self, role: str, instance: U16) -> None:
        """Count each actor's pixels in one camera's instance image."""
        ids = max((member.info.track_id for member in self._members.values()), default=0) + 1
        counts = cv2.calcHist([instance], [0], None, [ids], [0, ids]).ravel()
        for name, member in self._members.items():
            pixels = int(counts[member.info.track_id])
            self._visible_px.setdefault((name, role), []).append(pixels)

    def events(self, tick_ns: int) -> list[ClipEvent]:
        """Contacts and crossed markings in the record window, by tick."""
        found = [self._contact(tick, event) for tick, event in self._recorded_contacts()]
        for crossing in self._crossings:
            tick = self._tick_of(crossing)
            if tick is not None:
                markings = [str(marking.type) for marking in crossing.crossed_lane_markings]
                found.append(_event(tick, "lane_invasion", detail=", ".join(markings).lower()))
        ordered = sorted(found, key=lambda event: (event.tick, event.kind))
        return [replace(event, timestamp_ns=event.tick * tick_ns) for event in ordered]

    def _contact(self, tick: int, event: carla.CollisionEvent) -> ClipEvent:
        other = self._info_of_actor.get(event.other_actor.id)
        impulse = event.normal_impulse
        return _event(
            tick,
            "collision",
            other_track_id=None if other is None else other.track_id,
            other_kind=event.other_actor.type_id,
            impulse_ns=float(np.sqrt(impulse.x**2 + impulse.y**2 + impulse.z**2)),
        )

    def _tick_of(self, event: carla.SensorData) -> int | None:
        """Tick of the record window in which something happened; None before it."""
        if self.first_frame is None or event.frame < self.first_frame:
            return None
        return int(event.frame - self.first_frame)

    def _recorded_contacts(self) -> list[tuple[int, carla.CollisionEvent]]:
        ticked = [(self._tick_of(event), event) for event in self._contacts]
        recorded = [(tick, event) for tick, event in ticked if tick is not None]
        return sorted(recorded, key=lambda pair: (pair[0], pair[1].other_actor.id))

    def run_record(self, signals: tuple[SignalChange, ...]) -> RunRecord:
        """All of it in the verifier's terms."""
        changes: dict[str, list[tuple[int, str]]] = {}
        for change in signals:
            changes.setdefault(change.signal_id, []).append((change.tick, change.state))
        collisions = []
        for tick, event in self._recorded_contacts():
            other = self._info_of_actor.get(event.other_actor.id)
            name = None if other is None else other.name or f"traffic_{other.track_id}"
            collisions.append(Collision(tick=tick, actor="ego", other=name))
        return RunRecord(
            tick_s=self._tick_s,
            capture_period_ticks=self._period_ticks,
            tracks={name: self._track(name) for name in sorted(self._motion)},
            visible_px={
                key: np.array(pixels, dtype=np.int64) for key, pixels in self._visible_px.items()
            },
            collisions=tuple(collisions),
            signals={signal_id: tuple(rows) for signal_id, rows in changes.items()},
        )

    def _track(self, name: str) -> ActorTrack:
        table = np.array(self._motion[name], dtype=np.float64)
        length, width, height = self._members[name].info.size_lwh_m.tolist()
        return ActorTrack(
            xy_m=table[:, :2],
            yaw_rad=table[:, 2],
            speed_mps=table[:, 3],
            size_lwh_m=(length, width, height),
        )


def _event(tick: int, kind: str, **facts: Any) -> ClipEvent:
    """What happened to the ego; the time is added where the tick's length is known."""
    return ClipEvent(tick=tick, timestamp_ns=0, kind=kind, track_id=EGO_TRACK_ID, **facts)
