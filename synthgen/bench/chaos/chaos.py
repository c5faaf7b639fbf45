"""Runs a campaign, kills its processes at random, starts it again, and verifies the result."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np

from synthgen.bench.chaos.killer import MARK_VARIABLE, WEIGHTS, Kill, kill_one, processes_with
from synthgen.bench.chaos.verify import Findings, verify_dataset
from synthgen.errors import InternalError

_POLL_S: Final = 0.02
_GONE_S: Final = 5.0
# The driver ends so when all clips are made or quarantined (design page, exit codes).
_FINISHED: Final = (0, 1)
_MAX_STARTS: Final = 500


@dataclass(frozen=True, slots=True)
class ChaosSetup:
    """What is run and how hard it is hit.

    `config` is a generation config without `out`; slots `poison` can never be made;
    `environment` tells the capture program its bad habits; `targets` are the kinds of processes to
    kill, by their weights.
    """

    config: dict[str, Any]
    capture_command: tuple[str, ...]
    environment: Mapping[str, str]
    poison: frozenset[int]
    kills: int
    mean_interval_s: float
    seed: int = 0
    max_round_s: float = 1800.0
    targets: Mapping[str, float] = field(default_factory=lambda: WEIGHTS)


@dataclass(slots=True)
class _Round:
    """One dataset made under fire."""

    findings: Findings
    kills: list[Kill]
    commits_s: list[float]
    orphans: int


@dataclass(slots=True)
class _Battle:
    """The state of the killing over all rounds."""

    setup: ChaosSetup
    rng: np.random.Generator
    kills: list[Kill] = field(default_factory=list)

    def next_kill_s(self, now_s: float) -> float:
        """Time of the next kill: the interval is uniform around its mean."""
        return now_s + self.setup.mean_interval_s * float(self.rng.uniform(0.3, 1.7))


def run_chaos(setup: ChaosSetup, folder: Path) -> dict[str, Any]:
    """Make the dataset once in peace, then under kills until there were enough of them.

    Returns:
        One flat report; keys as in the design page, `kills_<kind>` beside `kills`.
    """
    quiet = _play(setup, folder / "reference", _Battle(setup, np.random.default_rng(0)), kills=0)
    battle = _Battle(setup, np.random.default_rng(setup.seed))
    rounds: list[_Round] = []
    while len(battle.kills) < setup.kills:
        before = len(battle.kills)
        number = len(rounds)
        rounds.append(_play(setup, folder / f"round{number}", battle, kills=setup.kills))
        if len(battle.kills) == before:
            raise InternalError("a round ended without a kill: the run is too short to be hit")
        shutil.rmtree(folder / f"round{number}", ignore_errors=True)
    return _report(setup, quiet, rounds, battle)


def is_flawless(report: Mapping[str, Any]) -> bool:
    """Nothing was lost, doubled, broken or left behind, and both poisons were found."""
    zeros = ("lost", "duplicated", "corrupt", "false_quarantines", "orphans", "staging_left")
    return (
        not any(report[key] for key in zeros)
        and report["poisons_found"] == report["poisons"]
        and bool(report["root_hash_equal"])
    )


def _play(setup: ChaosSetup, dataset: Path, battle: _Battle, *, kills: int) -> _Round:
    """Run drivers on one dataset until it is finished, killing meanwhile up to `kills`."""
    mark = uuid.uuid4().hex
    first = len(battle.kills)
    config_file = dataset.with_suffix(".yaml")
    config_file.parent.mkdir(parents=True, exist_ok=True)
    config_file.write_text(json.dumps({**setup.config, "out": str(dataset)}))
    commits: dict[str, float] = {}
    end = time.monotonic() + setup.max_round_s
    for _ in range(_MAX_STARTS):
        driver = _start_driver(setup, config_file, mark)
        next_kill_s = battle.next_kill_s(time.monotonic())
        while driver.poll() is None:
            now = time.monotonic()
            if now > end:
                driver.kill()
                raise InternalError(f"{dataset}: not finished after {setup.max_round_s:g} s")
            for clip in dataset.glob("clips/*/*"):
                commits.setdefault(clip.name, now)
            if now >= next_kill_s and len(battle.kills) < kills:
                kill = kill_one(mark, setup.targets, battle.rng, now)
                if kill is not None:
                    battle.kills.append(kill)
                next_kill_s = battle.next_kill_s(now)
            time.sleep(_POLL_S)
        if driver.returncode in _FINISHED:
            break
    orphans = _orphans(mark)
    findings = verify_dataset(dataset)
    return _Round(findings, battle.kills[first:], sorted(commits.values()), orphans)


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


def _orphans(mark: str) -> int:
    """Processes of the run that are still there a while after its end; they are ended."""
    end = time.monotonic() + _GONE_S
    while processes_with(mark) and time.monotonic() < end:
        time.sleep(_POLL_S)
    left = processes_with(mark)
    for pid in left:
        os.kill(pid, 9)
    return len(left)


def _report(
    setup: ChaosSetup, quiet: _Round, rounds: list[_Round], battle: _Battle
) -> dict[str, Any]:
    recoveries = [
        next((c for c in played.commits_s if c > kill.time_s), kill.time_s) - kill.time_s
        for played in rounds
        for kill in played.kills
        if played.commits_s and played.commits_s[-1] > kill.time_s
    ]
    p50, p95 = np.percentile(recoveries, [50, 95]) if recoveries else (0.0, 0.0)
    findings = [played.findings for played in rounds]
    kinds = sorted({kill.kind for kill in battle.kills})
    return {
        "executor": setup.config["executor"],
        "workers": setup.config["workers"],
        "kills": len(battle.kills),
        **{f"kills_{kind}": sum(k.kind == kind for k in battle.kills) for kind in kinds},
        "rounds": len(rounds),
        "clips_committed": sum(len(played.commits_s) for played in rounds),
        "lost": sum(f.lost for f in findings),
        "duplicated": sum(f.duplicated for f in findings),
        "corrupt": sum(f.corrupt for f in findings),
        "false_quarantines": sum(len(f.quarantined - setup.poison) for f in findings),
        "orphans": quiet.orphans + sum(played.orphans for played in rounds),
        "staging_left": sum(f.staging_left for f in findings),
        "poisons_found": min(len(f.quarantined & setup.poison) for f in findings),
        "poisons": len(setup.poison),
        "root_hash_equal": all(f.root_hash == quiet.findings.root_hash for f in findings),
        "recovery_p50_s": round(float(p50), 2),
        "recovery_p95_s": round(float(p95), 2),
    }
