"""A picture of a solved encounter: the scene from above and its time line, without a simulator."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from scenarios.behaviours.stage import Track
from scenarios.concrete import ConcreteActor, ConcreteScenario
from scenarios.placement.map_index import MapIndex

F64 = NDArray[np.float64]

GROUND = {
    "driving": "#c9ccd1", "bidirectional": "#c9ccd1", "parking": "#b4bac4", "biking": "#c4d4c0",
    "shoulder": "#d9d6cf", "sidewalk": "#e9e5dc", "median": "#dfe6d5",
}  # fmt: skip
INK = {"ego": "#1f5fbf", "critical": "#c8352b", "actor": "#5b6470", "prop": "#b98512"}
AROUND_M, BEHIND_M, AHEAD_M = 16.0, 45.0, 20.0


def draw_preview(concrete: ConcreteScenario, index: MapIndex, file: Path) -> None:
    """Write a PNG: above, the site turned so that the ego drives to the right; below, the times."""
    figure = Figure(figsize=(11, 6.2), constrained_layout=True)
    plan, times = figure.subplots(2, 1, height_ratios=(4, 1.1))
    frame = _Frame(concrete)
    _draw_ground(plan, index, frame)
    for actor in concrete.actors:
        _draw_actor(plan, actor, frame)
    _draw_moments(plan, concrete, frame)
    plan.set_xlim(-BEHIND_M, AHEAD_M)
    plan.set_ylim(-AROUND_M, AROUND_M)
    plan.set_aspect("equal")
    plan.set_xlabel("metres along the ego's way, 0 at the conflict")
    values = ", ".join(f"{k} {_short(v)}" for k, v in concrete.parameters.items() if "." not in k)
    plan.set_title(
        f"{concrete.name}  ({concrete.map_name}, lane {concrete.site['lane_id']})\n{values}"
    )
    _draw_times(times, concrete)
    file.parent.mkdir(parents=True, exist_ok=True)
    # Fixed metadata: the same draw gives the same bytes.
    figure.savefig(file, dpi=72, metadata={"Software": None})


def _short(value: object) -> str:
    return f"{value:.2f}" if isinstance(value, float) else str(value)


class _Frame:
    """Turns world points so that the ego drives to the right and the conflict is the origin."""

    def __init__(self, concrete: ConcreteScenario) -> None:
        path = np.asarray(concrete.ego.path_xyz_m)[:, :2]
        meet = concrete.meet
        if meet is not None:
            origin = np.array([meet.conflict_x_m, meet.conflict_y_m])
        else:
            speed = concrete.ego.speed_mps
            reach = int(speed * (0.6 * concrete.duration_ticks * concrete.tick_s + 1.0))
            origin = path[min(reach, len(path) - 2)]
        near = int(np.clip(np.argmin(np.hypot(*(path - origin).T)), 1, len(path) - 2))
        self.yaw = float(np.arctan2(*(path[near + 1] - path[near - 1])[::-1]))
        self.origin = origin

    def turn(self, xy: F64) -> F64:
        """Points (n, 2) in the picture's frame."""
        c, s = np.cos(self.yaw), np.sin(self.yaw)
        return np.asarray((np.asarray(xy)[:, :2] - self.origin) @ np.array([[c, -s], [s, c]]))


def _draw_ground(plan: Axes, index: MapIndex, frame: _Frame) -> None:
    order = sorted(range(len(index.first) - 1), key=lambda i: index.text("kind", i) == "driving")
    for lane in order:
        points = index.lane_points(lane)
        if np.hypot(*(points[:, :2] - frame.origin).T).min() > 90:
            continue
        normal = np.stack([-np.sin(points[:, 3]), np.cos(points[:, 3])], axis=1)
        half = normal * points[:, 4:5] / 2
        outline = np.concatenate([points[:, :2] + half, (points[:, :2] - half)[::-1]])
        colour = GROUND.get(index.text("kind", lane), "#e4e2dd")
        plan.fill(*frame.turn(outline).T, color=colour, ec="white", lw=0.6, zorder=1)
    for outline in index.crosswalks:
        plan.fill(*frame.turn(outline).T, fill=False, ec="white", hatch="////", zorder=2)


def _outline(actor: ConcreteActor, x_m: float, y_m: float, yaw_rad: float) -> F64:
    """(4, 2) corners of the actor's box at a place in the world."""
    length, width, _ = actor.size_lwh_m
    c, s = np.cos(yaw_rad), np.sin(yaw_rad)
    corners = np.array([[1, 1], [1, -1], [-1, -1], [-1, 1]]) * [length / 2, width / 2]
    return np.asarray(corners @ np.array([[c, s], [-s, c]]) + [x_m, y_m])


def _draw_moments(plan: Axes, concrete: ConcreteScenario, frame: _Frame) -> None:
    """Outlines of the ego, as it drives without braking, when the actor sets off and arrives."""
    meet = concrete.meet
    if meet is None or meet.other != "ego":
        return
    track = Track(concrete.ego)
    due_s = float(np.interp(meet.other_station_m, track.stations, track.clock))
    for before_s, text in (
        (meet.planned_other_arrival_s - meet.planned_start_s, f"as {meet.actor} sets off"),
        (meet.offset_s, f"as {meet.actor} arrives"),
    ):
        station = float(np.interp(due_s - before_s, track.clock, track.stations))
        ahead = track.tangent(int(np.searchsorted(track.stations, station)))
        x_m, y_m, _ = track.at(station)
        box = frame.turn(_outline(concrete.ego, x_m, y_m, float(np.arctan2(ahead[1], ahead[0]))))
        if not -BEHIND_M < box[:, 0].mean() < AHEAD_M:
            continue
        plan.fill(*box.T, fill=False, ec=INK["ego"], lw=1.2, zorder=5)
        _label(plan, text, (float(box[:, 0].mean()), float(box[:, 1].max())), INK["ego"], 4)


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


def _draw_actor(plan: Axes, actor: ConcreteActor, frame: _Frame) -> None:
    colour = INK[actor.role]
    start = actor.start
    box = frame.turn(_outline(actor, start.x_m, start.y_m, start.yaw_rad))
    plan.fill(*box.T, color=colour, alpha=0.85, zorder=5)
    if actor.path_xyz_m:
        path = frame.turn(np.asarray(actor.path_xyz_m))
        plan.plot(*path.T, color=colour, lw=1.4, ls="--", zorder=4)
    x = float(np.clip(box[:, 0].mean(), -BEHIND_M + 2, AHEAD_M - 4))
    # Below those who matter and above the others: a ball and its child begin at one place.
    under = actor.role == "critical"
    y = float(box[:, 1].min() if under else box[:, 1].max())
    _label(plan, actor.name, (x, y), colour, -4 if under else 4)


def _draw_times(times: Axes, concrete: ConcreteScenario) -> None:
    duration = concrete.duration_ticks * concrete.tick_s
    marks: list[tuple[str, float, str]] = []
    meet = concrete.meet
    if meet is not None:
        marks = [
            (f"{meet.actor} starts", meet.planned_start_s, INK["critical"]),
            (f"{meet.actor} at the conflict", meet.planned_actor_arrival_s, INK["critical"]),
            ("ego there, unbraked", meet.planned_other_arrival_s, INK["ego"]),
        ]
    for actor in concrete.actors:
        for step in actor.behaviours:
            if step.when is not None and step.when.kind == "time":
                marks.append((f"{actor.name}: {step.do}", step.when.value, INK[actor.role]))
    times.axhline(0, color="#5b6470", lw=1)
    for i, (text, at, colour) in enumerate(sorted(marks, key=lambda m: m[1])):
        times.plot([at], [0], "o", color=colour)
        times.annotate(
            f"{text} {at:.2f} s",
            (at, 0),
            xytext=(0, 10 if i % 2 else -18),
            textcoords="offset points",
            ha="center",
            fontsize=8,
            color=colour,
        )
    times.set_xlim(min([0.0, *(m[1] for m in marks)]) - 0.5, duration)
    times.set_ylim(-1, 1)
    times.set_yticks([])
    times.set_xlabel("seconds of the record window")
