"""Plays many jobs one after another and keeps their verdicts only.

`python -m synthgen.runner.rehearse --jobs JOBS.jsonl --server HOST:PORT --tm-port P --out FOLDER`

Each job gets a fresh episode of the same server. Nothing is stored but one line a job, in the
folder's `<scenario>.jsonl`, so a run ends as soon as its verdict can no longer change. Jobs that
have a line already are left out: after a crash, or a stop, the same command goes on.
"""

from __future__ import annotations

import argparse
import logging
import math
import sys
import time
from pathlib import Path
from typing import Any, Final

import carla
import numpy as np

from scenarios.behaviours.stage import Event
from scenarios.concrete import ConcreteScenario
from scenarios.metrics import Metrics
from scenarios.verify import HIT_FRAMES, is_hit
from synthgen.datatypes.actors import ActorStates
from synthgen.datatypes.clip_job import EXIT_SIM_FAULT, ClipJob
from synthgen.datatypes.frames import FrameRecord
from synthgen.errors import ScenarioRejected, SimulatorError
from synthgen.labels.frame import SensorFrames
from synthgen.runner.heartbeat import Pulse
from synthgen.runner.live_labels import LiveLabels
from synthgen.runner.outcomes import add_outcome, read_outcomes
from synthgen.runner.recorder import Notes
from synthgen.runner.run_clip import Link, Stage
from synthgen.runner.session import open_session
from synthgen.runner.stopwatch import Stopwatch

logger = logging.getLogger("synthgen.runner.rehearse")

# The encounter is over once the other is so far behind the ego, or off its lane for so long; a
# run that is a hit already needs to be free of contact only until the other has left the lane.
_BEHIND_M: Final = 4.0
_OFF_LANE_M: Final = 3.5
_OFF_LANE_TICKS: Final = 24
_CLEAR_TICKS: Final = 6
_LOOK_EVERY_TICKS: Final = 10
_STILL_MPS: Final = 0.1
# The camera opens so long before the actor is due: some starts are ahead of the plan.
_EYES_BEFORE_S: Final = 1.0
_NOTHING: Final = np.zeros((1, 1), np.uint16)


class _Unlabelled(LiveLabels):
    """Labels nothing."""

    def add(self, frame: FrameRecord, states: ActorStates, sensors: SensorFrames) -> None:
        """Let it pass."""


class _Silent(Pulse):
    """Tells nobody how far a run is; who waits for it watches the process."""

    def beat(self, phase: str, *, tick: int = 0, ticks: int = 0, frames: int = 0) -> None:
        """Let it pass."""


class Rehearsal(Stage):
    """A run without recordings: no bones, no lights, no more ticks and pictures than needed.

    Pictures count from shortly before the actor is due until it has been seen for long enough.
    """

    _sees_until: float = math.inf

    def is_settled(self, tick: int, events: tuple[Event, ...]) -> bool:
        """Whether nothing that is still to come can change the verdict."""
        if tick < _LOOK_EVERY_TICKS or tick % _LOOK_EVERY_TICKS:
            return False
        run = self.run_record(events)
        if any(contact.actor == "ego" for contact in run.collisions):
            return True
        metrics = Metrics(self._concrete, run)
        if self._sees_from <= tick < self._sees_until and has_seen_enough(metrics):
            self._capture.stop()
            self._sees_until = tick
        return is_at_rest(metrics) if self._concrete.family == "following" else is_over(metrics)

    @property
    def _sees_from(self) -> int:
        """The first tick whose picture counts."""
        return round(first_look_s(self._concrete) / self._concrete.tick_s)

    def _listens_from(self) -> int:
        return super()._listens_from() + self._sees_from

    def _record_capture(
        self, snapshot: carla.WorldSnapshot, tick: int, states: ActorStates
    ) -> None:
        if self._sees_from <= tick <= self._sees_until:
            super()._record_capture(snapshot, tick, states)
            return
        for camera in self._rig.cameras:
            self._evidence.add_view(camera.role, _NOTHING)

    def _live_labels(self) -> LiveLabels:
        return _Unlabelled(self._cast.objects(), self.calibration, self._watch)

    def _states(self, snapshot: Any, tick: int, *, with_details: bool) -> ActorStates:
        return super()._states(snapshot, tick, with_details=False)


def is_over(metrics: Metrics) -> bool:
    """Whether both have been at the conflict and gone, or the other left the lane for good."""
    meet = metrics.concrete.meet
    if meet is None or not metrics.started(meet.actor):
        return False
    ego, other = metrics.frames["ego"], metrics.frames[meet.actor]
    conflict = np.array([meet.conflict_x_m, meet.conflict_y_m])
    distance_m = np.hypot(*(metrics.track(meet.actor).xy_m - conflict).T)
    if int(np.argmin(distance_m)) > len(distance_m) - _LOOK_EVERY_TICKS:
        return False  # It is still coming.
    lengths = metrics.track("ego").size_lwh_m[0] + metrics.track(meet.actor).size_lwh_m[0]
    past_m = min(ego[-1, 0] - other[-1, 0], ego[-1, 0] - meet.other_station_m)
    if past_m > lengths / 2 + _BEHIND_M:
        return True
    side = 1.0 if other[0, 1] < 0 else -1.0
    is_off = other[:, 1] * side > _OFF_LANE_M
    if is_off[-_OFF_LANE_TICKS:].all() and metrics.visible_frames(meet.actor) >= HIT_FRAMES:
        return True
    return bool(is_off[-_CLEAR_TICKS:].all()) and is_hit(metrics.concrete, metrics)[0]


def is_at_rest(metrics: Metrics) -> bool:
    """Whether a run that is a hit can have no contact any more, since the ego and all stand."""
    speeds_mps = [metrics.track(name).speed_mps[-1] for name in metrics.run.tracks]
    return max(speeds_mps) < _STILL_MPS and is_hit(metrics.concrete, metrics)[0]


def first_look_s(concrete: ConcreteScenario) -> float:
    """When the camera opens: from the start, or shortly before a standing actor is due."""
    meet = concrete.meet
    if meet is None or concrete.actor(meet.actor).speed_mps > 0.0:
        return 0.0
    due_s = meet.planned_other_arrival_s - meet.travel_time_s - meet.offset_s
    return max(due_s - _EYES_BEFORE_S, 0.0)


def has_seen_enough(metrics: Metrics) -> bool:
    """Whether no further picture can change the verdict."""
    name = next(a.name for a in metrics.concrete.actors if a.role == "critical")
    if metrics.visible_frames(name) < HIT_FRAMES:
        return False
    return metrics.concrete.meet is None or math.isfinite(metrics.first_visible_ttc(name))


def rehearse(job: ClipJob, link: Link, scratch: Path) -> dict[str, Any]:
    """The outcome of one run: `stage` (`spawn` or `verify`), `flags` and `metrics`, or `reason`.

    Raises:
        SimulatorError: The simulator failed.
    """
    watch, started_s = Stopwatch(), time.monotonic()
    concrete = ConcreteScenario.model_validate(job.scenario)
    with watch.lap("load"):
        session = open_session(job, link.host, link.port, link.tm_port, scratch / "carla_files")
    outcome: dict[str, Any]
    try:
        pulse = _Silent(scratch / "no-pulse.json")
        stage = Rehearsal(job, concrete, session, Notes(), watch, pulse)
    except ScenarioRejected as rejection:
        outcome = {"stage": "spawn", "reason": str(rejection)}
    else:
        verdict = stage.play()
        numbers = {name: float(value) for name, value in sorted(verdict.metrics.items())}
        outcome = {"stage": "verify", "flags": list(verdict.flags), "metrics": numbers}
        outcome["reasons"] = list(verdict.reasons)
        outcome["frames"] = stage.frame_count
    seconds = {**watch.seconds(), "all": round(time.monotonic() - started_s, 2)}
    return {"id": job.clip_id, **outcome, "seconds": seconds}


def main(arguments: list[str] | None = None) -> int:
    """Rehearse a file of jobs; the exit code says whether the simulator is to blame."""
    parser = argparse.ArgumentParser(prog="python -m synthgen.runner.rehearse")
    parser.add_argument("--jobs", type=Path, required=True)
    parser.add_argument("--server", required=True, help="HOST:PORT of the simulator's RPC door")
    parser.add_argument("--tm-port", type=int, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--until", type=float, default=float("inf"), help="of the monotonic clock")
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    host, _, port = options.server.rpartition(":")
    link = Link(host, int(port), options.tm_port)
    done = read_outcomes(options.out)
    for line in options.jobs.read_text().splitlines():
        job = ClipJob.model_validate_json(line)
        if job.clip_id in done or time.monotonic() > options.until:
            continue
        # Named before it runs: if this process dies, the one that started it knows by which job.
        options.jobs.with_suffix(".current").write_text(job.clip_id)
        try:
            outcome = rehearse(job, link, options.jobs.parent)
        except (SimulatorError, RuntimeError):
            logger.exception("job %s: the simulator failed", job.clip_id)
            return EXIT_SIM_FAULT
        add_outcome(options.out, job.slot.scenario, outcome)
    return 0


if __name__ == "__main__":
    sys.exit(main())
