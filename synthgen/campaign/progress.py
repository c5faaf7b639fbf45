"""A run as a person sees it: a live table, plain lines, or JSON lines for programs."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal, Protocol

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table

from synthgen.campaign.slot_state import SlotState

ProgressKind = Literal["rich", "plain", "json"]
_PLAIN_PERIOD_S: Final = 5.0
_SMOOTHING: Final = 0.3
_WIDE: Final = 100  # Columns of a terminal that has room for the maps, too.


@dataclass(slots=True)
class RunStatus:
    """What is known of a run at one moment."""

    clips: int
    done: int = 0
    frames: int = 0
    rejected: int = 0
    faults: dict[str, int] = field(default_factory=dict)
    quarantined: int = 0
    elapsed_s: float = 0.0
    disk_free_bytes: int = 0
    slots: Sequence[SlotState] = ()
    frames_per_s: float = 0.0
    slot_frames_per_s: Mapping[int, float] = field(default_factory=dict)
    eta_s: float | None = None


class Progress(Protocol):
    """Where a run's story goes."""

    def note(self, text: str) -> None:
        """Say one line."""

    def show(self, status: RunStatus) -> None:
        """Show how the run stands."""

    def close(self) -> None:
        """Leave the terminal as it was."""


@dataclass(slots=True)
class _Rate:
    """Frames per second of one counter, smoothed."""

    frames: int = 0
    per_s: float = 0.0

    def update(self, frames: int, passed_s: float) -> None:
        # A rejected clip takes its frames back; that is no negative speed.
        rate = max(0, frames - self.frames) / passed_s
        self.per_s += (rate - self.per_s) * (_SMOOTHING if self.per_s else 1.0)
        self.frames = frames


class RateMeter:
    """Captured frames per second of all slots and of each, and the time left."""

    def __init__(self, clock: Callable[[], float] = time.monotonic, done_before: int = 0) -> None:
        self._clock = clock
        self._start_s = self._last_s = clock()
        self._done_before = self._done = done_before
        self._done_s = self._start_s
        self._total = _Rate()
        self._slots: dict[int, _Rate] = {}

    def update(self, status: RunStatus) -> None:
        """Fill in `status`'s elapsed time, rates and time left."""
        now = self._clock()
        passed_s = now - self._last_s
        if passed_s >= 1.0:
            self._last_s = now
            self._total.update(status.frames + sum(slot.frames for slot in status.slots), passed_s)
            for slot in status.slots:
                self._slots.setdefault(slot.worker, _Rate()).update(slot.frames, passed_s)
        status.elapsed_s = now - self._start_s
        status.frames_per_s = self._total.per_s
        status.slot_frames_per_s = {worker: rate.per_s for worker, rate in self._slots.items()}
        if status.done > self._done:
            self._done, self._done_s = status.done, now
        made = self._done - self._done_before
        if made > 0:  # Counted down from the last finished clip: what runs is nearer its end.
            left = status.clips - status.done - status.quarantined
            per_clip_s = (self._done_s - self._start_s) / made
            status.eta_s = max(0.0, per_clip_s * left - (now - self._done_s))


class PlainProgress:
    """Lines for logs and terminals without cursor; says how it stands every few seconds."""

    def __init__(self) -> None:
        self._said_s = 0.0
        self._said_done = -1

    def note(self, text: str) -> None:
        """Say one line."""
        sys.stderr.write(text + "\n")

    def show(self, status: RunStatus) -> None:
        """Say how the run stands, if a clip was finished or a while has passed."""
        if status.done == self._said_done and status.elapsed_s - self._said_s < _PLAIN_PERIOD_S:
            return
        self._said_s, self._said_done = status.elapsed_s, status.done
        busy = ", ".join(_doing(slot) for slot in status.slots if slot.doing != "idle")
        self.note(f"{_headline(status)}{'; ' + busy if busy else ''}")

    def close(self) -> None:
        """Nothing to restore."""


class JsonProgress:
    """One JSON object a line on stderr."""

    def __init__(self) -> None:
        self._said_s = -1.0

    def note(self, text: str) -> None:
        """Say one line."""
        sys.stderr.write(json.dumps({"event": "note", "text": text}) + "\n")

    def show(self, status: RunStatus) -> None:
        """Say how the run stands, once a second."""
        if status.elapsed_s - self._said_s < 1.0 and status.done < status.clips:
            return
        self._said_s = status.elapsed_s
        event = {
            "event": "status",
            "clips_done": status.done,
            "clips": status.clips,
            "frames": status.frames,
            "rejected": status.rejected,
            "quarantined": status.quarantined,
            "faults": status.faults,
            "frames_per_s": round(status.frames_per_s, 2),
            "elapsed_s": round(status.elapsed_s, 1),
            "eta_s": None if status.eta_s is None else round(status.eta_s, 1),
            "disk_free_bytes": status.disk_free_bytes,
            "slots": [
                {
                    **slot.model_dump(),
                    "frames_per_s": round(status.slot_frames_per_s.get(slot.worker, 0.0), 2),
                }
                for slot in status.slots
            ],
        }
        sys.stderr.write(json.dumps(event) + "\n")
        sys.stderr.flush()

    def close(self) -> None:
        """Nothing to restore."""


class RichProgress:
    """A live table: a row a slot, a bar for the clips."""

    def __init__(self) -> None:
        self._console = Console(stderr=True)
        self._live = Live(console=self._console, refresh_per_second=4, transient=True)
        self._live.start()

    def note(self, text: str) -> None:
        """Print one line above the table."""
        self._console.print(text, highlight=False, markup=False)

    def show(self, status: RunStatus) -> None:
        """Redraw the table."""
        self._live.update(_table(status, self._console.width))

    def close(self) -> None:
        """Take the table away."""
        self._live.stop()


def make_progress(kind: ProgressKind | None) -> Progress:
    """The progress of that kind; None chooses by whether stderr is a terminal."""
    if kind is None:
        kind = "rich" if sys.stderr.isatty() else "plain"
    kinds: dict[str, type[RichProgress] | type[PlainProgress] | type[JsonProgress]] = {
        "rich": RichProgress,
        "plain": PlainProgress,
        "json": JsonProgress,
    }
    return kinds[kind]()


def _table(status: RunStatus, width: int) -> RenderableType:
    """The whole run first: a terminal that is too low for all slots shows that much."""
    whole = Table.grid()
    whole.add_row(ProgressBar(total=max(status.clips, 1), completed=status.done, width=40))
    whole.add_row(_headline(status))
    slots = Table(box=None, padding=(0, 2, 0, 0))
    for heading in ("slot", "doing", "clip", "draw", "tick", "frames", "frames/s"):
        slots.add_column(heading, no_wrap=heading != "clip", overflow="fold")
    if width >= _WIDE:
        slots.add_column("map", style="dim")
    for slot in status.slots:
        rate = f"{status.slot_frames_per_s.get(slot.worker, 0.0):.1f}"
        tick = f"{slot.tick}/{slot.ticks}" if slot.ticks else ""
        clip = [slot.slot, str(slot.draw), tick, str(slot.frames), rate]
        clip += [slot.map] if width >= _WIDE else []
        slots.add_row(str(slot.worker), slot.doing, *([] if slot.doing == "idle" else clip))
    return Group(whole, slots)


def _headline(status: RunStatus) -> str:
    parts = [f"{status.done}/{status.clips} clips", f"{status.frames_per_s:.1f} frames/s"]
    if status.eta_s is not None and status.done < status.clips:
        parts.append(f"{_clock(status.eta_s)} left")
    parts.append(f"{_clock(status.elapsed_s)} so far")
    if status.rejected:
        parts.append(f"{_count(status.rejected, 'draw')} rejected")
    parts += [_count(number, f"{kind} fault") for kind, number in sorted(status.faults.items())]
    if status.quarantined:
        parts.append(f"{status.quarantined} quarantined")
    parts.append(f"{status.disk_free_bytes / 1e9:.0f} GB free")
    return " · ".join(parts)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _doing(slot: SlotState) -> str:
    tick = f" {slot.tick}/{slot.ticks}" if slot.ticks else ""
    return f"slot {slot.worker}: {slot.slot} draw {slot.draw} {slot.doing}{tick}"


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"
