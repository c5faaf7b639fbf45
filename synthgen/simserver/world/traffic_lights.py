"""Traffic lights: junctions whose signals take turns, and which vehicle waits at which light.

As in CARLA the lights of one junction form a group, the lights of one turn share their times,
a turn runs green, yellow, red and hands over; freezing holds the whole group.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from synthgen.simserver.maps.townmap import Signal
from synthgen.simserver.wire.snapshot import STATE_BYTES, TRAFFIC_LIGHT_STATE

F64 = NDArray[np.float64]
SIGN_ID_BYTES = 32


class Light(IntEnum):
    """A light's state; the values are CARLA's."""

    RED = 0
    YELLOW = 1
    GREEN = 2
    OFF = 3
    UNKNOWN = 4


_NEXT = {Light.GREEN: Light.YELLOW, Light.YELLOW: Light.RED, Light.RED: Light.GREEN}


@dataclass(eq=False, slots=True)
class Turn:
    """Lights of one group that show the same; times in seconds, CARLA's defaults."""

    lights: list[int] = field(default_factory=list)
    green_s: float = 10.0
    yellow_s: float = 3.0
    red_s: float = 2.0

    def duration_s(self, state: Light) -> float:
        """How long the turn stays in a state."""
        return {Light.GREEN: self.green_s, Light.YELLOW: self.yellow_s}.get(state, self.red_s)


@dataclass(eq=False, slots=True)
class Group:
    """The turns of one junction and whose turn it is."""

    turns: list[Turn] = field(default_factory=list)
    current: int = 0
    state: Light = Light.GREEN

    @property
    def duration_s(self) -> float:
        """How long the present stage lasts."""
        return self.turns[self.current].duration_s(self.state)

    @property
    def lights(self) -> list[int]:
        """Indices of all lights of the group."""
        return [light for turn in self.turns for light in turn.lights]


class TrafficLights:
    """All lights of a town by index; `signals` gives the order.

    Attributes:
        signals: The light signals, one actor each.
        actor_ids: Their actors, in the same order.
        states: (N + 1,) uint8, what each of them shows; the last is for no light.
        approaches: Their stop lines, see `approach_table`.
    """

    def __init__(self, signals: Sequence[Signal]) -> None:
        self.signals = tuple(signals)
        self.actor_ids = [0] * len(self.signals)
        # The last one is what a vehicle at no light is told, as in CARLA.
        self.states = np.full(len(self.signals) + 1, Light.RED, np.uint8)
        self.states[-1] = Light.GREEN
        self._groups = _groups_of(self.signals)
        self._elapsed_s = np.zeros(len(self._groups))
        self._durations_s = np.array([group.duration_s for group in self._groups])
        self._runs = np.ones(len(self._groups), np.bool_)
        self._turn_of = {
            light: turn for group in self._groups for turn in group.turns for light in turn.lights
        }
        self.approaches = approach_table(self.signals)
        self._group_number = np.zeros(len(self.signals), np.intp)
        self._table = np.zeros(len(self.signals), TRAFFIC_LIGHT_STATE)
        self._fill_table()
        self.reset_all()

    def _fill_table(self) -> None:
        """What the snapshot says of a light and rarely changes."""
        for number, group in enumerate(self._groups):
            for index, light in enumerate(group.lights):
                self._group_number[light] = number
                row = self._table[light]
                row["sign_id"] = self.signals[light].signal_id.encode()[: SIGN_ID_BYTES - 1]
                row["pole_index"] = index
            for turn in group.turns:
                self._note_times(turn)

    def _note_times(self, turn: Turn) -> None:
        times = (turn.green_s, turn.yellow_s, turn.red_s)
        for name, time_s in zip(("green_s", "yellow_s", "red_s"), times, strict=True):
            self._table[name][turn.lights] = time_s

    def state(self, light: int) -> Light:
        """What a light shows."""
        return Light(int(self.states[light]))

    def tick(self, delta_s: float) -> None:
        """Advance every group that is not frozen."""
        self._elapsed_s += delta_s * self._runs
        # A tick may end exactly at the turn's end; tolerate the rounding of the sum.
        is_due = self._elapsed_s >= self._durations_s - 1e-6
        if True in is_due.tolist():
            for number in (is_due & self._runs).nonzero()[0].tolist():
                self._advance(number)

    def set_state(self, light: int, state: Light) -> None:
        """Make one light show a state until its group's cycle changes it."""
        self.states[light] = state

    def times_s(self, light: int) -> tuple[float, float, float]:
        """Green, yellow and red time of a light's turn."""
        turn = self._turn_of[light]
        return turn.green_s, turn.yellow_s, turn.red_s

    def set_time_s(self, light: int, state: Light, time_s: float) -> None:
        """Set how long the light's turn stays in a state."""
        turn = self._turn_of[light]
        if state is Light.GREEN:
            turn.green_s = time_s
        elif state is Light.YELLOW:
            turn.yellow_s = time_s
        else:
            turn.red_s = time_s
        self._note_times(turn)
        number = self._group_number[light]
        self._durations_s[number] = self._groups[number].duration_s

    def freeze(self, light: int, *, is_frozen: bool) -> None:
        """Hold or release the light's group."""
        self._runs[self._group_number[light]] = not is_frozen

    def freeze_all(self, *, is_frozen: bool) -> None:
        """Hold or release every group."""
        self._runs[:] = not is_frozen

    def is_frozen(self, light: int) -> bool:
        """Whether the light's group is held."""
        return not self._runs[self._group_number[light]]

    def elapsed_s(self, light: int) -> float:
        """How long the light's group is in its present stage."""
        return float(self._elapsed_s[self._group_number[light]])

    def group_of(self, light: int) -> list[int]:
        """Indices of the lights in the same group, the light itself among them."""
        return self._groups[self._group_number[light]].lights

    def reset_group(self, light: int) -> None:
        """Start the light's group over with its first turn."""
        self._reset(int(self._group_number[light]))

    def reset_all(self) -> None:
        """Start every group over."""
        for number in range(len(self._groups)):
            self._reset(number)

    def snapshot_states(self) -> NDArray[np.uint8]:
        """(N, 54) the lights' part of their snapshot records."""
        table, groups = self._table, self._group_number
        table["elapsed_s"] = self._elapsed_s[groups]
        table["is_frozen"] = ~self._runs[groups]
        table["state"] = self.states[:-1]
        return table.view(np.uint8).reshape(len(table), STATE_BYTES)

    def _advance(self, number: int) -> None:
        group = self._groups[number]
        group.state = _NEXT[group.state]
        if group.state is Light.GREEN:
            group.current = (group.current + 1) % len(group.turns)
        self._show(number)

    def _reset(self, number: int) -> None:
        group = self._groups[number]
        group.current, group.state = 0, Light.GREEN
        self._show(number)

    def _show(self, number: int) -> None:
        """Begin a stage of a group."""
        group = self._groups[number]
        self._elapsed_s[number] = 0.0
        self._durations_s[number] = group.duration_s
        for place, turn in enumerate(group.turns):
            self.states[turn.lights] = group.state if place == group.current else Light.RED


def approach_table(signals: Sequence[Signal]) -> tuple[F64, NDArray[np.int64]]:
    """Stop lines of signals as the kernel takes them, and the number of the signal of each."""
    rows = [
        (light, approach) for light, signal in enumerate(signals) for approach in signal.approaches
    ]
    table = np.zeros((len(rows), 6))
    for row, (_, approach) in zip(table, rows, strict=True):
        yaw = math.radians(approach.pose.yaw_deg)
        row[:] = (*approach.pose.location_m, math.cos(yaw), math.sin(yaw), approach.half_width_m)
    return table, np.array([light for light, _ in rows], np.int64)


def _groups_of(signals: Sequence[Signal]) -> list[Group]:
    turns: dict[str, dict[int, Turn]] = {}
    for light, signal in enumerate(signals):
        # A light of no junction cycles by itself.
        key = signal.group or f"light {light}"
        turns.setdefault(key, {}).setdefault(signal.phase, Turn()).lights.append(light)
    return [
        Group(turns=[by_phase[phase] for phase in sorted(by_phase)]) for by_phase in turns.values()
    ]
