"""A picture of a solved encounter: the scene from above and its times, without a simulator.

The scenario is played in a world without physics (`scenarios.stand_in`), so the picture shows what
its scripts do, the ego's own braking among it; traffic, houses and hills are not in it.
"""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from scenarios.concrete import ConcreteActor, ConcreteScenario
from scenarios.geometry2d import door_box, gap
from scenarios.metrics import ActorTrack, RunRecord
from scenarios.placement.map_index import MapIndex
from scenarios.stand_in import play

F64 = NDArray[np.float64]

GROUND = {
    "driving": "#c9ccd1", "bidirectional": "#c9ccd1", "parking": "#b4bac4", "biking": "#c4d4c0",
    "shoulder": "#d9d6cf", "sidewalk": "#e9e5dc", "median": "#dfe6d5",
}  # fmt: skip
INK = {"ego": "#1f5fbf", "critical": "#c8352b", "actor": "#5b6470", "prop": "#b98512"}
AROUND_M, BEHIND_M, AHEAD_M = 13.0, 45.0, 25.0
NEAR_M = 90.0


def draw_preview(
    concrete: ConcreteScenario, index: MapIndex, file: Path, units: dict[str, str] | None = None
) -> None:
    """Write a PNG: above, the site turned so that the ego drives to the right; below, the times.

    Args:
        concrete: What is drawn.
        index: Its map.
        file: PNG to write.
        units: SI unit of each parameter, for the title; angles are written in degrees.
    """
    run = play(concrete)
    scene = _Scene(concrete, run)
    figure = Figure(figsize=(11, 6.4), constrained_layout=True)
    plan, times = figure.subplots(2, 1, height_ratios=(3, 1.25))
    _draw_ground(plan, index, scene)
    for actor in concrete.actors:
        _draw_actor(plan, actor, run.tracks[actor.name], scene)
    plan.set_xlim(-BEHIND_M, AHEAD_M)
    plan.set_ylim(-AROUND_M, AROUND_M)
    plan.set_aspect("equal")
    plan.set_xlabel("metres along the ego's way; solid: at the encounter, dots: each second")
    values = ", ".join(
        f"{name} {_written(value, (units or {}).get(name, ''))}"
        for name, value in concrete.parameters.items()
        if "." not in name
    )
    place = f"{concrete.map_name}, lane {concrete.site['lane_id']}"
    plan.set_title(f"{concrete.name}  ({place})\n{values}", fontsize=10)
    _draw_times(times, scene)
    file.parent.mkdir(parents=True, exist_ok=True)
    # Fixed metadata: the same draw gives the same bytes.
    figure.savefig(file, dpi=72, metadata={"Software": None})


def _written(value: object, unit: str) -> str:
    if not isinstance(value, float):
        return str(value)
    if unit == "m/s":
        return f"{value:.1f} m/s ({3.6 * value:.0f} km/h)"
    if unit == "rad":
        return f"{math.degrees(value):.0f} deg"
    return f"{value:.2f} {unit}".rstrip()


class _Scene:
    """A run in the picture's frame: the ego drives to the right, the conflict is at 0.

    `moment` is the tick at which the other is at the conflict, or the closest one without a meet.
    """

    def __init__(self, concrete: ConcreteScenario, run: RunRecord) -> None:
        self.concrete, self.run = concrete, run
        self.ego = run.tracks["ego"]
        critical = next((a.name for a in concrete.actors if a.role == "critical"), None)
        meet = concrete.meet
        self.other = critical if meet is None else meet.actor
        self.gap_m = None
        if self.other is not None:
            self.gap_m = gap(self.ego.boxes(), run.tracks[self.other].boxes())
        share = 0.6 * len(self.ego.yaw_rad)
        self.moment = int(share) if self.gap_m is None else int(np.argmin(self.gap_m))
        if meet is None:
            self.origin = self.ego.xy_m[self.moment]
        else:
            self.origin = np.array([meet.conflict_x_m, meet.conflict_y_m])
            if run.tracks[meet.actor].speed_mps.max() > 0.0:
                self.moment = _nearest(run.tracks[meet.actor], self.origin)
        self.yaw = float(self.ego.yaw_rad[_nearest(self.ego, self.origin)])

    def turn(self, xy: F64) -> F64:
        """Points (n, 2) in the picture's frame."""
        c, s = np.cos(self.yaw), np.sin(self.yaw)
        return np.asarray((np.asarray(xy)[:, :2] - self.origin) @ np.array([[c, -s], [s, c]]))

    def is_labelled_below(self, actor: ConcreteActor, y_m: float) -> bool:
        """Whether a name goes below its box: away from the other of the two that meet."""
        if actor.role != "ego" or self.other is None:
            return y_m < 0.0
        other = self.turn(self.run.tracks[self.other].xy_m[[self.moment]])
        return bool(other[0, 1] >= 0.0)

    def seconds(self, ticks: int) -> float:
        """Seconds of the record window."""
        return (ticks - self.concrete.warmup_ticks) * self.concrete.tick_s


def _nearest(track: ActorTrack, xy_m: F64) -> int:
    """The tick at which an actor is nearest to a place."""
    return int(np.argmin(np.hypot(*(track.xy_m - xy_m).T)))


def _draw_ground(plan: Axes, index: MapIndex, scene: _Scene) -> None:
    order = sorted(range(len(index.first) - 1), key=lambda i: index.text("kind", i) == "driving")
    for lane in order:
        points = index.lane_points(lane)
        if np.hypot(*(points[:, :2] - scene.origin).T).min() > NEAR_M:
            continue
        normal = np.stack([-np.sin(points[:, 3]), np.cos(points[:, 3])], axis=1)
        half = normal * points[:, 4:5] / 2
        outline = np.concatenate([points[:, :2] + half, (points[:, :2] - half)[::-1]])
        colour = GROUND.get(index.text("kind", lane), "#e4e2dd")
        plan.fill(*scene.turn(outline).T, color=colour, ec="white", lw=0.6, zorder=1)
    for outline in index.crosswalks:
        plan.fill(*scene.turn(outline).T, fill=False, ec="white", hatch="////", zorder=2)


def _draw_actor(plan: Axes, actor: ConcreteActor, track: ActorTrack, scene: _Scene) -> None:
    """Its way with a dot a second, its start, and where it is at the moment of the encounter."""
    colour = INK[actor.role]
    way = scene.turn(track.xy_m)
    moves = float(np.abs(way - way[0]).max()) > 0.5
    if moves:
        second = round(1.0 / scene.concrete.tick_s)
        plan.plot(*way.T, color=colour, lw=1.2, ls="--", zorder=4)
        plan.plot(*way[::second].T, ".", color=colour, ms=5, zorder=4)
        plan.fill(
            *scene.turn(_corners(track.boxes()[0])).T, fill=False, ec=colour, lw=1.1, zorder=5
        )
    box = scene.turn(_corners(track.boxes()[scene.moment]))
    plan.fill(*box.T, color=colour, alpha=0.85, zorder=5)
    for event in scene.run.events:
        if event.actor == actor.name and event.kind == "door_open":
            door = door_box(track.boxes()[scene.moment], event.label)
            plan.fill(*scene.turn(_corners(door)).T, color=colour, alpha=0.35, zorder=5)
    middle = box.mean(axis=0)
    under = scene.is_labelled_below(actor, float(middle[1]))
    x = float(np.clip(middle[0], -BEHIND_M + 3, AHEAD_M - 5))
    y = float(np.clip(box[:, 1].min() if under else box[:, 1].max(), -AROUND_M + 2, AROUND_M - 2))
    away = "" if x == middle[0] else " →" if middle[0] > x else "← "
    text = f"{away}{actor.name}" if away == "← " else f"{actor.name}{away}"
    _label(plan, text, (x, y), colour, -4 if under else 4)


def _corners(box: F64) -> F64:
    """(4, 2) corners of a box (5,): x, y, yaw, length, width."""
    c, s = np.cos(box[2]), np.sin(box[2])
    corners = np.array([[1, 1], [1, -1], [-1, -1], [-1, 1]]) * box[3:] / 2
    return np.asarray(corners @ np.array([[c, s], [-s, c]]) + box[:2])


def _label(plan: Axes, text: str, at: tuple[float, float], colour: str, up_pt: float) -> None:
    plan.annotate(
        text,
        at,
        xytext=(0, up_pt),
        textcoords="offset points",
        ha="center",
        va="bottom" if up_pt > 0 else "top",
        color=colour,
        fontsize=8,
        zorder=6,
        bbox={"fc": "white", "ec": "none", "alpha": 0.7, "pad": 0.6},
    )


def _draw_times(times: Axes, scene: _Scene) -> None:
    """Speeds of the ego and of the one it meets, the gap between them, and what happens when."""
    clock = np.arange(len(scene.ego.yaw_rad)) * scene.concrete.tick_s
    times.plot(clock, scene.ego.speed_mps, color=INK["ego"], label="ego, m/s")
    if scene.other is not None and scene.gap_m is not None:
        speed = scene.run.tracks[scene.other].speed_mps
        times.plot(clock, speed, color=INK["critical"], label=f"{scene.other}, m/s")
        times.plot(clock, scene.gap_m, color="#777777", ls=":", label="gap, m")
    top = 1.3 * max(float(scene.ego.speed_mps.max()), 5.0)
    for row, (at_s, text, colour) in enumerate(_moments(scene)):
        times.axvline(at_s, color=colour, lw=0.8, alpha=0.6)
        times.annotate(
            text, (at_s, top * (0.97 - 0.14 * (row % 3))), xytext=(3, 0), color=colour, fontsize=8,
            textcoords="offset points", va="top",
            bbox={"fc": "white", "ec": "none", "alpha": 0.7, "pad": 0.4},
        )  # fmt: skip
    times.set_xlim(0.0, clock[-1])
    times.set_ylim(0.0, top)
    times.set_xlabel("seconds of the record window")
    times.legend(loc="lower left", fontsize=8, framealpha=0.7)


def _moments(scene: _Scene) -> list[tuple[float, str, str]]:
    """What happens within the record window: seconds, words, colour."""
    ink = {actor.name: INK[actor.role] for actor in scene.concrete.actors}
    words = {"started": "begins {}", "reacts": "brakes", "door_open": "opens its door"}
    found = [
        (scene.seconds(e.tick), f"{e.actor} {words[e.kind].format(e.label)}", ink[e.actor])
        for e in scene.run.events
        if e.kind in words
    ]
    meet = scene.concrete.meet
    if meet is not None:
        found.append((meet.planned_actor_arrival_s, f"{meet.actor} due", ink[meet.actor]))
        found.append((meet.planned_other_arrival_s, "ego due, unbraked", ink["ego"]))
    return sorted(moment for moment in found if moment[0] > 0.0)
