"""Runs a campaign, kills its processes at random, starts it again, and verifies the result.

Kills are dosed per clip, not per second: a busy machine makes clips slowly, and one that is hit
several times while a clip is made never makes it. For the same reason a round is hit so often and
then left to finish. What was played is kept in the bench's folder, so that many kills can be had in
several sittings.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import shutil
import signal
import statistics
import subprocess
import sys
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np

from synthgen.bench.chaos.killer import (
    MARK_VARIABLE,
    WEIGHTS,
    Kill,
    kill_one,
    kind_of,
    processes_with,
)
from synthgen.bench.chaos.rounds import Round, load_rounds, save_round
from synthgen.bench.chaos.verify import verify_dataset
from synthgen.errors import InternalError

_POLL_S: Final = 0.05
# What a run owns is gone soon after it. Ray's own daemons notice one after another that their
# driver is gone, which takes them several seconds on a busy host.
_OURS_GONE_S: Final = 10.0
_RAY_GONE_S: Final = 60.0
# The driver ends so when all clips are made or quarantined (design page, exit codes).
_FINISHED: Final = (0, 1)
_MAX_STARTS: Final = 500
_REFERENCE: Final = "reference"


@dataclass(frozen=True, slots=True)
class ChaosSetup:
    """What is run and how hard it is hit.

    `config` is a generation config without `out`; slots `poison` can never be made;
    `environment` tells the capture program its bad habits; `targets` are the kinds of processes to
    kill, by their weights; `kills_per_clip` is how often a slot is hit in the time that a clip
    takes from its boot to its commit, and how often a round is hit for each of its clips.
    """

    config: dict[str, Any]
    capture_command: tuple[str, ...]
    environment: Mapping[str, str]
    poison: frozenset[int]
    kills: int
    kills_per_clip: float = 2.0
    seed: int = 0
    max_round_s: float = 3600.0
    targets: Mapping[str, float] = field(default_factory=lambda: WEIGHTS)

    @property
    def kills_per_round(self) -> int:
        """Kills after which a round is left to finish."""
        clips = sum(int(entry["clips"]) for entry in self.config["scenarios"])
        return math.ceil(self.kills_per_clip * clips)


@dataclass(slots=True)
class _Killer:
    """Decides when to kill next; the interval follows the clips of the dataset that is made."""

    setup: ChaosSetup
    dataset: Path
    clip_s: float
    rng: np.random.Generator
    left: int
    kills: list[Kill] = field(default_factory=list)
    next_s: float = 0.0

    def schedule(self, now_s: float) -> None:
        """Set the time of the next kill; kills know nothing of each other (a Poisson process)."""
        workers = self.setup.config["workers"]
        mean_s = _clip_s(self.dataset, self.clip_s) / self.setup.kills_per_clip / workers
        self.next_s = now_s + float(self.rng.exponential(mean_s))

    def strike(self, mark: str, now_s: float) -> None:
        """Kill one process if it is time for it and there are kills left."""
        if len(self.kills) >= self.left or now_s < self.next_s:
            return
        kill = kill_one(mark, self.setup.targets, self.rng, now_s)
        if kill is not None:
            self.kills.append(kill)
        self.schedule(now_s)


def run_chaos(setup: ChaosSetup, folder: Path, *, minutes: float = float("inf")) -> dict[str, Any]:
    """Make the dataset once in peace, then under kills until there were enough of them.

    Args:
        setup: What is run and how hard it is hit.
        folder: Rounds that were played are kept here and count when the bench is run again; so
            do the logs, and the datasets that have a flaw.
        minutes: No new round begins after this time; what is then missing is in the report.

    Returns:
        One flat report; keys as in the design page, `kills_<kind>` beside `kills`.
    """
    end = time.monotonic() + 60 * minutes
    quiet, *rounds = load_rounds(folder) or [_play_round(setup, folder, _REFERENCE)]
    if quiet.findings.quarantined != setup.poison:
        raise InternalError(f"{folder}: without kills other clips failed than were to")
    while (left := setup.kills - sum(len(r.kills) for r in rounds)) > 0 and time.monotonic() < end:
        played = _play_round(
            setup,
            folder,
            f"round{len(rounds)}",
            left=min(left, setup.kills_per_round),
            clip_s=quiet.clip_s,
            number=len(rounds),
        )
        if not played.kills:
            raise InternalError("a round ended without a kill: the run is too short to be hit")
        if is_flawless(_report(setup, quiet, [played])):
            shutil.rmtree(folder / f"round{len(rounds)}")
        rounds.append(played)
    return _report(setup, quiet, rounds)


def is_flawless(report: Mapping[str, Any]) -> bool:
    """Nothing was lost, doubled, broken or left behind, and both poisons were found."""
    zeros = ("lost", "duplicated", "corrupt", "false_quarantine", "orphans", "staging_left")
    return (
        not any(report[key] for key in zeros)
        and report["poisons_found"] == report["poisons"]
        and bool(report["root_hash_equal"])
    )


def _play_round(
    setup: ChaosSetup,
    folder: Path,
    name: str,
    *,
    left: int = 0,
    clip_s: float = 0.0,
    number: int = 0,
) -> Round:
    """Make one dataset while up to `left` processes are killed, verify it, and keep the tale."""
    dataset = folder / name
    shutil.rmtree(dataset, ignore_errors=True)
    mark = uuid.uuid4().hex
    rng = np.random.default_rng((setup.seed, number))
    killer = _Killer(setup, dataset, clip_s, rng, left)
    commits = _drive(setup, dataset, mark, killer)
    orphans, gone_s = _orphans(mark)
    played = Round(
        findings=verify_dataset(dataset),
        kills=tuple(kill.kind for kill in killer.kills),
        recoveries_s=_recoveries(killer.kills, sorted(commits.values())),
        commits=len(commits),
        orphans=orphans,
        clip_s=_clip_s(dataset, clip_s),
        gone_s=gone_s,
    )
    save_round(folder, played)
    return played


def _drive(setup: ChaosSetup, dataset: Path, mark: str, killer: _Killer) -> dict[str, float]:
    """Start drivers until one finishes the dataset; the time at which each clip was first seen."""
    config_file = dataset.with_suffix(".yaml")
    config_file.parent.mkdir(parents=True, exist_ok=True)
    config_file.write_text(json.dumps({**setup.config, "out": str(dataset)}))
    commits: dict[str, float] = {}
    end = time.monotonic() + setup.max_round_s
    for _ in range(_MAX_STARTS):
        driver = _start_driver(setup, config_file, mark)
        killer.schedule(time.monotonic())
        try:
            while driver.poll() is None:
                now = time.monotonic()
                if now > end:
                    raise InternalError(f"{dataset}: not finished after {setup.max_round_s:g} s")
                for clip in dataset.glob("clips/*/*"):
                    commits.setdefault(clip.name, now)
                killer.strike(mark, now)
                time.sleep(_POLL_S)
        finally:
            driver.kill()  # Of a driver that ended by itself this is nothing.
        if driver.returncode in _FINISHED:
            return commits
    raise InternalError(f"{dataset}: not finished after {_MAX_STARTS} starts")


def _clip_s(dataset: Path, otherwise: float) -> float:
    """Median time of a clip of this dataset, from its slot's start to its commit."""
    receipts = [json.loads(p.read_text()) for p in dataset.glob("run/receipts/*.json")]
    return statistics.median([float(r["wall_s"]) for r in receipts]) if receipts else otherwise


def _recoveries(kills: list[Kill], commits_s: list[float]) -> tuple[float, ...]:
    """Seconds from each kill to the next commit, for kills that were followed by one."""
    after = [[c - kill.time_s for c in commits_s if c > kill.time_s] for kill in kills]
    return tuple(times[0] for times in after if times)


def _start_driver(setup: ChaosSetup, config_file: Path, mark: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "synthgen.bench.chaos.driver", str(config_file)]
    log = config_file.with_suffix(".log")
    with log.open("ab") as output:
        return subprocess.Popen(
            [*command, *setup.capture_command],
            env={**os.environ, **setup.environment, MARK_VARIABLE: mark},
            stdout=output,
            stderr=subprocess.STDOUT,
        )


def _orphans(mark: str) -> tuple[int, float]:
    """How many processes a run left behind, which are ended, and when the last one went."""
    start = time.monotonic()
    while left := processes_with(mark):
        waited_s = time.monotonic() - start
        ours = any(kind_of(pid) is not None for pid in left)
        if waited_s > (_OURS_GONE_S if ours else _RAY_GONE_S):
            break
        time.sleep(_POLL_S)
    for pid in left:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    return len(left), round(time.monotonic() - start, 2)


def _report(setup: ChaosSetup, quiet: Round, rounds: list[Round]) -> dict[str, Any]:
    kills = [kind for played in rounds for kind in played.kills]
    recoveries = [seconds for played in rounds for seconds in played.recoveries_s]
    p50, p95 = np.percentile(recoveries, [50, 95]) if recoveries else (0.0, 0.0)
    findings = [played.findings for played in rounds]
    return {
        "executor": setup.config["executor"],
        "workers": setup.config["workers"],
        "kills": len(kills),
        "missing": max(0, setup.kills - len(kills)),
        **{f"kills_{kind}": kills.count(kind) for kind in sorted(set(kills))},
        "rounds": len(rounds),
        "clip_s": round(quiet.clip_s, 2),
        "clips_committed": sum(played.commits for played in rounds),
        "lost": sum(f.lost for f in findings),
        "duplicated": sum(f.duplicated for f in findings),
        "corrupt": sum(f.corrupt for f in findings),
        "false_quarantine": sum(len(f.quarantined - setup.poison) for f in findings),
        "orphans": quiet.orphans + sum(played.orphans for played in rounds),
        "gone_s": max(played.gone_s for played in (quiet, *rounds)),
        "staging_left": sum(f.staging_left for f in findings),
        "poisons_found": min(
            len(f.quarantined & setup.poison) for f in (quiet.findings, *findings)
        ),
        "poisons": len(setup.poison),
        "root_hash_equal": all(f.root_hash == quiet.findings.root_hash for f in findings),
        "recovery_p50_s": round(float(p50), 2),
        "recovery_p95_s": round(float(p95), 2),
    }
