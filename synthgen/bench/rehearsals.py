"""Many runs of scenarios on the embedded server for their verdicts alone, resumable.

Every run is a job of the campaign, played by `synthgen.runner.rehearse`: one server and one client
for many runs, a small instance camera, nothing stored but an outcome a run. Outcomes lie in one
file a scenario and are found again by the job's id, a hash of all that the run depends on.
"""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

from scenarios.compile import compile_draw, sites_for
from scenarios.loader import load_scenario
from scenarios.placement.map_index import MapIndex, load_index
from scenarios.spec import ScenarioSpec
from sensors.rig import Rig
from synthgen.campaign.config import PACKAGE_ROOT, EmbeddedSimulator, Recycling
from synthgen.campaign.draw_job import clip_job
from synthgen.campaign.plan import SlotTask, town_file
from synthgen.campaign.processes import OwnedProcess
from synthgen.campaign.simulators import SimulatorRequest, start_simulator
from synthgen.campaign.warm_up import warm_up
from synthgen.campaign.worker import WorkerSettings
from synthgen.datatypes.clip_job import (
    CaptureSettings,
    ClipJob,
    MapSource,
    RigSource,
    SimulatorKind,
    Slot,
)
from synthgen.errors import ConfigError, ScenarioRejected, SimulatorLost
from synthgen.runner.outcomes import add_outcome, read_outcomes
from synthgen.store.durable import write_durably

logger = logging.getLogger(__name__)

LIBRARY: Final = PACKAGE_ROOT / "scenarios" / "library"
OWN_TOWNS: Final = ("SynthDowntown", "SynthSuburb", "SynthMotorway")
MAX_DRAWS: Final = 6
_MAX_FAULTS: Final = 4
# As the file says; the encounter replaced by the usual trigger, without a pre-screen; or solved
# for values drawn at random, without a pre-screen.
Method = Literal["written", "usual_trigger", "random"]
_AT_RANDOM: Final = {"method": "random", "target": "any"}
_QUALITY: Final = "low"
_RIG: Final[dict[str, Any]] = {
    "schema": "synthgen/rig@1",
    "name": "bench",
    "sensors": [
        {
            "modality": "camera",
            "name": "cam_front",
            "role": "front",
            "mount": {"x_m": 0.3, "y_m": 0.0, "z_m": 1.68},
            "width_px": 320,
            "height_px": 180,
            "fov_deg": 80,
            "channels": ["instance"],
        }
    ],
}


@dataclass(frozen=True, slots=True)
class Rehearsals:
    """What to run: `draws` attempts of each scenario, on the towns that have a site for it."""

    names: tuple[str, ...]
    draws: int
    maps: tuple[str, ...] = OWN_TOWNS
    seed: int = 7


@dataclass(frozen=True, slots=True)
class Attempt:
    """One job, or why the plan has none: every draw was refused before any simulator."""

    scenario: str
    k: int
    job: ClipJob | None
    refused: tuple[str, ...]


def attempts(
    plan: Rehearsals, name: str, *, method: Method = "written", first_draw: int = 0
) -> list[Attempt]:
    """The attempts of one scenario; the same on every run.

    Args:
        plan: What to run.
        name: Scenario of the library.
        method: How values and starts are found; see `Method`.
        first_draw: Draws before this one are left out: a simulator has refused them.

    Raises:
        ConfigError: No map has a site for it.
    """
    spec = load_scenario(LIBRARY / f"{name}.yaml").model_copy(update={"expect": ()})
    if method != "written":
        changed = {"method": method} if method == "usual_trigger" else _AT_RANDOM
        spec = spec.model_copy(update={"sampling": spec.sampling.model_copy(update=changed)})
    places = _places(spec, plan.maps)
    settings = _settings(plan)
    found = []
    for k in range(plan.draws):
        source, index = places[k % len(places)]
        task = SlotTask(slot=Slot(scenario=name, k=k), scenario_file=name, map=source)
        found.append(_attempt(spec, settings, task, index, first_draw))
    return found


def _attempt(
    spec: ScenarioSpec, settings: WorkerSettings, task: SlotTask, index: MapIndex, first_draw: int
) -> Attempt:
    name, k = task.slot.scenario, task.slot.k
    refused: list[str] = []
    for draw in range(first_draw, MAX_DRAWS):
        try:
            concrete = compile_draw(spec, index=index, root_seed=settings.seed, k=k, draw=draw)
        except ScenarioRejected as err:
            refused.append(str(err))
            continue
        job = clip_job(settings, task, concrete, dataset="-")
        return Attempt(name, k, job, tuple(refused))
    return Attempt(name, k, None, tuple(refused))


def _places(spec: ScenarioSpec, maps: Sequence[str]) -> list[tuple[MapSource, MapIndex]]:
    """The maps with a site for the scenario."""
    found, missing = [], []
    for name in maps:
        file = town_file(name)
        index = load_index(file, file.stem)
        try:
            sites_for(spec, index)
        except ConfigError as err:
            missing.append(str(err))
            continue
        source = MapSource(name=file.stem, path=str(file), sha256=index.sha256)
        found.append((source, index))
    if not found:
        raise ConfigError("; ".join(missing))
    return found


def _settings(plan: Rehearsals) -> WorkerSettings:
    rig = Rig.model_validate(_RIG).model_dump(mode="json", by_alias=True)
    return WorkerSettings(
        seed=plan.seed,
        max_draws=MAX_DRAWS,
        rig=RigSource(path="bench", content=rig),
        capture=CaptureSettings(),
        simulator_kind=SimulatorKind(kind="embedded", quality=_QUALITY),
        simulator=EmbeddedSimulator(
            kind="embedded", quality=_QUALITY, threads=1, recycle=Recycling(clips=10**6)
        ),
        dataset="-",
    )


def run_all(
    jobs: Sequence[ClipJob], folder: Path, *, workers: int, until_s: float = float("inf")
) -> dict[str, dict[str, Any]]:
    """Outcomes of jobs by clip id: those at hand, and those of the runs that are still to do.

    Args:
        jobs: What to run.
        folder: Holds `<scenario>.jsonl` and scratch files.
        workers: Simulator slots.
        until_s: Time of the monotonic clock after which no further run is begun.
    """
    folder.mkdir(parents=True, exist_ok=True)
    known = read_outcomes(folder)
    # A scenario without an encounter to solve has the same job with the usual trigger.
    left = list({job.clip_id: job for job in jobs if job.clip_id not in known}.values())
    # Those of one map together, so that servers seldom change theirs.
    left.sort(key=lambda job: (job.map.name, job.slot.scenario, job.slot.k))
    if left and time.monotonic() < until_s:
        # A server that compiles while its client waits would count as one that fails.
        warm_up("synthgen.simserver", "warmup", note=logger.info)
    shares = [share for i in range(workers) if (share := left[i::workers])]
    with ThreadPoolExecutor(max_workers=max(len(shares), 1)) as pool:
        for end in [
            pool.submit(_work, number, share, folder, until_s)
            for number, share in enumerate(shares)
        ]:
            end.result()
    return read_outcomes(folder)


def _work(number: int, jobs: Sequence[ClipJob], folder: Path, until_s: float) -> None:
    """Run a share of the jobs; a run that takes the simulator with it counts as one that failed."""
    file = folder / "run" / f"jobs-{number}.jsonl"
    file.with_suffix(".current").unlink(missing_ok=True)
    write_durably(file, "".join(job.model_dump_json(by_alias=True) + "\n" for job in jobs).encode())
    for source in {job.map.name: job.map for job in jobs}.values():
        assert source.path is not None
        content = Path(source.path).read_bytes()
        write_durably(folder / "run" / "maps" / f"{source.name}.xodr", content)
    scenario_of = {job.clip_id: job.slot.scenario for job in jobs}
    for _ in range(_MAX_FAULTS):
        if time.monotonic() > until_s or _rehearse(number, jobs, file, folder, until_s) == 0:
            return
        current = file.with_suffix(".current")
        if not current.exists():
            logger.warning("worker %d: its simulator or its client ended before a run", number)
            continue
        failed = current.read_text()
        current.unlink()
        logger.warning("job %s: the simulator or its client failed", failed)
        reason = {"id": failed, "stage": "fault", "reason": "the simulator or its client failed"}
        add_outcome(folder, scenario_of[failed], reason)
    raise SimulatorLost(f"{_MAX_FAULTS} runs failed; see {folder / 'run' / 'logs'}")


def _rehearse(
    number: int, jobs: Sequence[ClipJob], file: Path, folder: Path, until_s: float
) -> int:
    settings = EmbeddedSimulator(kind="embedded", quality=_QUALITY, threads=1)
    request = SimulatorRequest(settings, number, jobs[0].capture.tick_s, 7, folder / "run")
    simulator = start_simulator(request, jobs[0].map.name)
    try:
        with OwnedProcess(
            [
                *(sys.executable, "-m", "synthgen.runner.rehearse", "--jobs", str(file)),
                *("--server", f"{simulator.host}:{simulator.port}"),
                *("--tm-port", str(simulator.traffic_manager_port)),
                *("--out", str(folder), "--until", repr(until_s)),
            ],
            registry=folder / "run" / "processes",
            name=f"rehearse-{number}",
            log=folder / "run" / "logs" / f"rehearse-{number}.log",
        ) as process:
            while (code := process.wait(1.0)) is None:
                if simulator.exit_code is not None:
                    return -1
            return code
    finally:
        simulator.stop()


def outcomes_of(
    tried: Sequence[Attempt], outcomes: Mapping[str, Mapping[str, Any]]
) -> Iterator[Mapping[str, Any]]:
    """The outcomes at hand of a scenario's attempts, in order."""
    for attempt in tried:
        if attempt.job is not None and attempt.job.clip_id in outcomes:
            yield outcomes[attempt.job.clip_id]
