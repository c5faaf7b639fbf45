"""When a tick may end that a client's Traffic Manager steps with, and when the manager is stuck.

A manager's thread sends the controls of its step, asks for the episode's settings and then waits
for the next tick. A client that ends its tick just when that thread has looked for the tick, but
is not asleep yet, is not noticed, and both wait for ever. A real server never is that fast.
"""

from __future__ import annotations

import time

# From the answer about the settings until the manager's thread sleeps, with a margin.
FALLING_ASLEEP_S = 0.001
# How long to wait for a manager that has sent its controls to ask, and how long a tick lasts
# where no controls were seen.
ASKING_S = 0.005
SHORTEST_MANAGED_TICK_S = 0.002
# A manager that asks after the tick is told this much later: its client has raised the flag of
# the tick by then, and the thread does not sleep at all.
LATE_ANSWER_S = 0.001
# Where the tick was missed all the same: a manager's step takes milliseconds.
LONGEST_MANAGED_STEP_S = 2.0


class ManagerPace:
    """What the Traffic Managers of all clients were last seen to do."""

    def __init__(self) -> None:
        self._controls_s: float | None = None
        self._asked_s: float | None = None
        self._ticked_s: float | None = None
        self._awaited_since_s: float | None = None
        self._is_late = False

    def note_controls(self) -> None:
        """A manager has sent its controls: its step is over."""
        self._controls_s = time.monotonic()
        self._asked_s = self._awaited_since_s = None
        self._is_late = False

    def note_question(self) -> float:
        """Somebody, likely a manager, asks for the settings; how long to hold the answer back."""
        if self._controls_s is not None:
            self._asked_s = time.monotonic()
        if not self._is_late:
            return 0.0
        self._is_late = False
        return LATE_ANSWER_S

    def begin_tick(self, *, is_managed: bool) -> None:
        """A tick begins; with a manager in the world its answer waits until `end_tick`."""
        self._awaited_since_s = None
        if is_managed:
            self._ticked_s = time.monotonic()

    @property
    def awaits_question(self) -> bool:
        """Whether a tick is under way whose manager has not asked yet."""
        return self._ticked_s is not None and self._controls_s is not None and self._asked_s is None

    def seconds_to_end(self) -> float | None:
        """How long the answer to the last tick has to wait yet; None when none waits."""
        if self._ticked_s is None:
            return None
        if self._asked_s is not None:
            end_s = self._asked_s + FALLING_ASLEEP_S
        elif self._controls_s is not None:
            end_s = self._controls_s + ASKING_S
        else:
            end_s = self._ticked_s + SHORTEST_MANAGED_TICK_S
        return max(0.0, end_s - time.monotonic())

    def end_tick(self) -> None:
        """The tick is answered: a manager that sent controls before will send some after it."""
        if self._controls_s is not None:
            self._awaited_since_s = time.monotonic()
            self._is_late = self._asked_s is None
        self._controls_s = self._asked_s = self._ticked_s = None

    def stop_awaiting(self) -> None:
        """Expect no controls: the managers are being woken."""
        self._awaited_since_s = None

    def seconds_to_wake_up(self) -> float | None:
        """Time until a manager that sent controls at each tick counts as stuck, or None."""
        if self._awaited_since_s is None:
            return None
        return max(0.0, self._awaited_since_s + LONGEST_MANAGED_STEP_S - time.monotonic())
