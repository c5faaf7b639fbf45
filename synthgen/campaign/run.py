"""The main job: a config in, a dataset out."""

from __future__ import annotations

import contextlib
import logging
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Final

from scenarios.placement.map_index import load_index
from synthgen.campaign.cache_home import ensure_cache_home
from synthgen.campaign.carla_launch import remove_containers
from synthgen.campaign.config import GenerationConfig
from synthgen.campaign.dispatch import Dispatcher, Pool, Tally
from synthgen.campaign.faults import FaultBook, FaultKind
from synthgen.campaign.forecast import forecast, refuse_absurd
from synthgen.campaign.inline_pool import InlinePool
from synthgen.campaign.ledger import RunFacts, closing_line, summarise, write_summary
from synthgen.campaign.plan import (
    Plan,
    SlotTask,
    committed_slots,
    make_plan,
    open_dataset,
    pending,
)
from synthgen.campaign.plan_notes import plan_notes
from synthgen.campaign.previews import Previews
from synthgen.campaign.processes import reap
from synthgen.campaign.progress import Progress, RateMeter, RunStatus
from synthgen.campaign.quarantine import quarantined_slots, write_quarantine
from synthgen.campaign.run_folder import bytes_below, exclusive, free_bytes, require_usable
from synthgen.campaign.signals import handling, interrupt
from synthgen.campaign.slot_state import read_states
from synthgen.campaign.warm_up import warm_up
from synthgen.campaign.worker import SlotOutcome, WorkerSettings
from synthgen.errors import ConfigError, DatasetError, OutputError
from synthgen.store.commit import STAGING, collect_staging
from synthgen.store.durable import write_durably
from synthgen.store.hit_rates import hit_rates
from synthgen.store.layout import CARD, readable_json, root_hash

logger = logging.getLogger(__name__)

EXIT_INTERRUPTED: Final = 130
# Below this the next clip would surely fail half-way.
_MIN_FREE_BYTES: Final = 256 * 1024**2
# Hashing more than this at the end of a run would be a job of its own: `synthgen verify`.
_MAX_HASHED_BYTES: Final = 4 * 10**9


@dataclass(frozen=True, slots=True)
class RunOptions:
    """What the command line says beside the config.

    `only` names the slots to make, e.g. `jaywalk_parked_van-00002`; None means all.
    """

    limit: int | None = None
    only: frozenset[str] | None = None
    must_resume: bool = False
    capture_command: tuple[str, ...] | None = None


def run_campaign(
    config: GenerationConfig,
    root: Path,
    progress: Progress,
    options: RunOptions | None = None,
    *,
    plan: Plan | None = None,
) -> int:
    """Make a dataset, or what is missing of one.

    Args:
        config: The dataset to make.
        root: Folder that the config's relative paths start from.
        progress: Where the run's story goes.
        options: What the command line adds.
        plan: What to make where it does not follow from the config.

    Returns:
        The exit code of the command line.

    Raises:
        SynthgenError: The run could not start.
    """
    options = options or RunOptions()
    ensure_cache_home()
    plan = plan or make_plan(config, root)
    refuse_absurd(plan, config.max_bytes)
    dataset = dataset_folder(config, root)
    _require_outlets(config)
    if options.must_resume and not (dataset / "dataset.json").is_file():
        raise ConfigError(f"{dataset}: there is no dataset to resume")
    require_usable(dataset)
    with exclusive(dataset):
        open_dataset(dataset, plan)
        # Whoever ends the run or closes its terminal gets what Ctrl-C gives: nothing goes on alone.
        with (
            handling((signal.SIGTERM, signal.SIGHUP), interrupt),
            contextlib.closing(_Campaign(config, plan, root, progress, options)) as campaign,
        ):
            return campaign.run()


def dataset_folder(config: GenerationConfig, root: Path) -> Path:
    """Where a config's dataset goes; links in the path are followed once, here."""
    return Path(os.path.realpath(root / config.out))  # Of a circle of links it makes no error.


def _require_outlets(config: GenerationConfig) -> None:
    """Refuse exports and a store that could not be written in the end.

    Raises:
        ConfigError: A format, a filter, a split or the store's address is wrong.
    """
    if config.exports:
        # Here and below: what is imported where it is wanted takes seconds and memory to import.
        from synthgen.campaign.exports import require_exports

        require_exports(config.exports)
    if config.publish is not None:
        from synthgen.store.object_store import open_store

        open_store(config.publish)


class _Campaign:
    """One run over one dataset, which no other run touches meanwhile."""

    def __init__(
        self,
        config: GenerationConfig,
        plan: Plan,
        root: Path,
        progress: Progress,
        options: RunOptions,
    ) -> None:
        self._stop = threading.Event()
        self._config = config
        self._plan = plan
        self._root = root
        self._dataset = dataset_folder(config, root)
        self._run_folder = self._dataset / "run"
        self._progress = progress
        self._options = options
        self._faults = FaultBook(self._run_folder / "faults.jsonl")
        self._status = RunStatus(clips=len(plan.slots))
        self._previews = Previews(self._dataset) if config.previews else None
        self._meter = RateMeter()  # Started anew when the workers are.

    def run(self) -> int:
        """Prepare, dispatch, clean up, account; returns the exit code."""
        started = time.monotonic()
        self._clean_up()
        tasks = self._tasks()
        tally = Tally()
        if tasks:
            self._prepare(tasks)
            tally = self._dispatch(tasks)
            self._clean_up()
        for outcome in tally.exhausted:
            tally.quarantined[outcome.task.slot] = (
                f"all {self._plan.max_draws} draws were rejected, see rejected/; "
                f"the last: {outcome.reason}"
            )
        exhausted = {outcome.task.slot for outcome in tally.exhausted}
        for slot, reason in tally.quarantined.items():
            write_quarantine(
                self._dataset, self._plan, slot, reason, self._faults.of(slot),
                can_try_again=slot not in exhausted,
            )  # fmt: skip
        code = self._exit_code(tally)
        if self._previews is not None and tally.accepted and code in (0, 1):
            self._progress.note("drawing previews")
            clips = committed_slots(self._dataset)
            self._previews.finish([clips[t.slot] for t in self._plan.slots if t.slot in clips])
        if code in (0, 1) and committed_slots(self._dataset):
            self._write_card()
            self._export()
            code = self._publish(code)
        self._account(tally, time.monotonic() - started, code)
        return code

    def close(self) -> None:
        """End what still runs beside the run."""
        if self._previews is not None:
            self._previews.close()

    def _ask_to_stop(self, number: int, frame: FrameType | None) -> None:
        """Let the clips at hand be dropped in good order; asked again, stop at once."""
        if self._stop.is_set():
            interrupt(number, frame)
        self._stop.set()

    def _tasks(self) -> list[SlotTask]:
        given_up = quarantined_slots(self._dataset)
        missing = pending(self._plan, self._dataset)
        if self._options.only is not None:
            missing = [task for task in missing if task.slot.name in self._options.only]
        tasks = [task for task in missing if task.slot.name not in given_up]
        self._status.done = len(self._plan.slots) - len(missing)
        self._status.quarantined = len(missing) - len(tasks)
        if self._options.limit is not None:
            tasks = tasks[: self._options.limit]
            self._status.clips = self._status.done + len(tasks)
        if self._status.quarantined:
            self._progress.note(
                f"{self._status.quarantined} slots are in {self._dataset}/quarantine; "
                "delete their files to try them again"
            )
        return tasks

    def _prepare(self, tasks: list[SlotTask]) -> None:
        size = forecast(self._plan, len(tasks))
        self._progress.note(
            f"{self._dataset}: {size.clips} clips to make, {size.frames} frames, "
            f"at most about {size.bytes / 1e6:.0f} MB"
        )
        for line in plan_notes(self._plan):
            self._progress.note(line)
        if free_bytes(self._dataset) < _MIN_FREE_BYTES:
            raise OutputError(f"{self._dataset}: less than 256 MB are free; make room, --resume")
        if free_bytes(self._dataset) < size.bytes:
            self._progress.note("the disk may not hold all of it; whole clips will be kept")
        self._lay_out_maps()
        warm_up("scenarios.warmup", note=self._progress.note)
        warm_up("synthgen.labels.warmup", note=self._progress.note)
        if self._config.simulator.kind == "embedded":
            warm_up("synthgen.simserver", "warmup", note=self._progress.note)

    def _lay_out_maps(self) -> None:
        """Copy the map files into one folder for the servers, and index each for placement."""
        for source in self._plan.maps:
            if source.path is None:
                continue
            content = Path(source.path).read_bytes()
            write_durably(self._run_folder / "maps" / f"{source.name}.xodr", content)
            load_index(Path(source.path), source.name)

    def _dispatch(self, tasks: list[SlotTask]) -> Tally:
        workers = min(self._config.workers, len(tasks))
        settings = self._worker_settings()
        with (
            handling((signal.SIGINT, signal.SIGTERM, signal.SIGHUP), self._ask_to_stop),
            contextlib.closing(self._pool(settings, workers)) as pool,
        ):
            self._meter = RateMeter(done_before=self._status.done)
            given_up_before = self._status.quarantined
            dispatcher = Dispatcher(
                pool,
                tasks,
                self._faults,
                on_outcome=self._on_outcome,
                on_wait=lambda: self._show(workers, given_up_before, dispatcher.tally),
                stopped=self._stop.is_set,
            )
            return dispatcher.run()

    def _worker_settings(self) -> WorkerSettings:
        settings = WorkerSettings(
            seed=self._plan.seed,
            max_draws=self._plan.max_draws,
            rig=self._plan.rig,
            capture=self._plan.capture,
            simulator_kind=self._plan.simulator,
            simulator=self._config.simulator,
            dataset=str(self._dataset),
            pin=self._config.pin_slots,
        )
        if self._options.capture_command is None:
            return settings
        return settings.model_copy(update={"capture_command": self._options.capture_command})

    def _pool(self, settings: WorkerSettings, workers: int) -> Pool:
        if self.executor == "inline":
            return InlinePool(settings, workers)
        from synthgen.campaign.ray_pool import RayPool  # Ray takes seconds to import.

        self._progress.note("starting Ray")
        return RayPool(settings, workers, self._config.ray)

    @property
    def executor(self) -> str:
        """What runs the workers: `inline` or `ray`."""
        if self._config.executor != "auto":
            return self._config.executor
        return "ray" if self._config.workers > 1 or self._config.ray.address else "inline"

    def _on_outcome(self, outcome: SlotOutcome) -> None:
        status = self._status
        if outcome.task.canary:
            self._progress.note(f"canary {outcome.task.slot.name}: {outcome.status}")
        elif outcome.status == "accepted" and outcome.receipt is not None:
            status.done += 1
            status.frames += outcome.receipt.frames
            status.rejected += outcome.rejected
            self._write_receipt(outcome)
            if self._previews is not None:
                self._previews.draw(outcome.receipt.clip_id)
            self._progress.note(
                f"clip {outcome.receipt.clip_id}: {outcome.task.slot.name} draw {outcome.draw}, "
                f"{outcome.receipt.frames} frames, {outcome.receipt.boxes2d} boxes, "
                f"{outcome.wall_s:.1f} s"
            )
        elif outcome.status == "fault" and outcome.fault is not None:
            status.faults = {k.value: n for k, n in self._faults.by_kind.items()}
            self._progress.note(
                f"slot {outcome.task.slot.name}: {outcome.fault.kind} fault: "
                f"{outcome.fault.message.splitlines()[0]}"
            )
        elif outcome.status == "exhausted":
            self._progress.note(
                f"slot {outcome.task.slot.name}: every draw was rejected; "
                f"the last: {outcome.reason}"
            )

    def _write_receipt(self, outcome: SlotOutcome) -> None:
        assert outcome.receipt is not None
        record = {
            **outcome.receipt.model_dump(mode="json", by_alias=True),
            "slot": outcome.task.slot.model_dump(),
            "draw": outcome.draw,
            "worker": outcome.worker,
            "wall_s": round(outcome.wall_s, 3),
            "host": os.uname().nodename,
            "faults": [f.signature for f in self._faults.of(outcome.task.slot)],
        }
        path = self._run_folder / "receipts" / f"{outcome.receipt.clip_id}.json"
        try:
            write_durably(path, readable_json(record))
        except OutputError as err:  # The clip is safe; its receipt is only for people.
            logger.warning("%s", err)

    def _show(self, workers: int, given_up_before: int, tally: Tally) -> None:
        status = self._status
        status.quarantined = given_up_before + len(tally.quarantined) + len(tally.exhausted)
        status.slots = read_states(self._run_folder, workers)
        status.disk_free_bytes = free_bytes(self._dataset)
        self._meter.update(status)
        self._progress.show(status)

    def _clean_up(self) -> None:
        killed = reap(self._run_folder / "processes")
        simulator = self._config.simulator
        if simulator.kind == "carla" and simulator.container is not None:
            remove_containers(self._dataset)
        collected = collect_staging(self._dataset / STAGING)
        for scratch in ("slots", "canary"):
            shutil.rmtree(self._run_folder / scratch, ignore_errors=True)
        if killed or collected:
            logger.info("ended %d processes, removed %d unfinished clips", killed, collected)

    def _exit_code(self, tally: Tally) -> int:
        if tally.interrupted:
            return EXIT_INTERRUPTED
        if tally.stop_kind is FaultKind.CONFIG:
            return ConfigError.exit_code
        if tally.stop_kind is not None:
            return OutputError.exit_code
        return 1 if tally.quarantined or self._status.quarantined else 0

    def _write_card(self) -> None:
        """Write the dataset's README.md; a clip that cannot be read is told, not fatal."""
        # In a process of its own: reading all tables takes memory that would never be given back.
        command = [sys.executable, "-m", "synthgen.store.dataset_card", str(self._dataset)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            why = (done.stderr.strip().splitlines() or [f"code {done.returncode}"])[-1]
            self._progress.note(f"no {CARD} was written: {why}")
            return
        write_durably(self._dataset / CARD, done.stdout.encode())

    def _export(self) -> None:
        """Write the copies that the config asks for and that are not there yet."""
        if self._config.exports:
            from synthgen.campaign.exports import write_exports

            write_exports(self._dataset, self._root, self._config.exports, self._progress.note)

    def _publish(self, code: int) -> int:
        """Put the clips where the config asks; the exit code, another if the store refused."""
        if self._config.publish is None:
            return code
        from synthgen.store.object_store import publish_dataset

        try:
            taken = publish_dataset(self._dataset, self._config.publish)
        except OutputError as err:
            self._progress.note(f"not published: {err}; run it again with --resume")
            return err.exit_code
        self._progress.note(f"{self._config.publish}: took {taken} clips")
        return code

    def _account(self, tally: Tally, elapsed_s: float, code: int) -> None:
        hashed = bytes_below(self._dataset / "clips") <= _MAX_HASHED_BYTES
        facts = RunFacts(
            name=self._plan.name,
            planned=len(self._plan.slots),
            done=len(self._plan.slots) - len(pending(self._plan, self._dataset)),
            workers=self._config.workers,
            executor=self.executor,
            elapsed_s=elapsed_s,
            exit_code=code,
            root_hash=root_hash(self._dataset) if hashed else None,
        )
        summary = summarise(facts, tally, self._faults, self._config.cost)
        try:
            summary["hit_rates"] = hit_rates(self._dataset)
        except DatasetError as err:
            self._progress.note(f"no hit rates: {err}")
        self._progress.note(closing_line(summary, self._dataset))
        if tally.stop_kind is not None:
            self._progress.note(f"stopped: {tally.stop_reason}{self._room(tally.stop_kind)}")
        left = facts.planned - facts.done
        if left and code in (OutputError.exit_code, EXIT_INTERRUPTED):
            self._progress.note(f"{left} clips are left; go on with --resume")
        try:
            write_summary(self._run_folder, summary)
        except OutputError as err:
            logger.warning("%s", err)

    def _room(self, kind: FaultKind) -> str:
        """Where a disk has refused, and how much it could still take."""
        if kind is not FaultKind.DISK:
            return ""
        return f" ({free_bytes(self._dataset) / 1e6:.0f} MB are free for {self._dataset})"
