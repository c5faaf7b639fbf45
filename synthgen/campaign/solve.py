"""The jobs of a plan, solved before any simulator is there: where, with which values, which draw.

A worker solves its slots itself when it comes to them; this does the same for all of them, to look
at the dataset before it is made. Each slot's outcome depends on nothing but the slot, so the order
and the number of processes do not matter.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from scenarios.compile import compile_draw
from scenarios.loader import load_scenario
from scenarios.placement.map_index import MapIndex, load_index
from scenarios.spec import ScenarioSpec
from synthgen.campaign.plan import Plan, SlotTask
from synthgen.campaign.solve_pool import solving_context
from synthgen.datatypes.clip_job import CaptureSettings
from synthgen.errors import ConfigError, ScenarioRejected
from synthgen.worker_pool import worker_pool

# Small enough that no process is long alone at the end.
_CHUNK: Final = 50


def solve_plan(plan: Plan, *, processes: int = 1) -> Iterator[dict[str, Any]]:
    """One row a slot, in the plan's order.

    Args:
        plan: What to make.
        processes: How many share the work.

    Returns:
        Rows of `scenario, k, map, draw, lane_id, station_m, parameters, refused`; `draw` is None
        where all draws of the slot are refused, and `refused` says why.

    Raises:
        ConfigError: A map has no site for a scenario.
    """
    if processes == 1:
        for task in plan.slots:
            yield _solve(plan.seed, plan.capture, plan.max_draws, task)
        return
    chunks = _chunks(plan.slots)
    place = {i: (number, at) for number, chunk in enumerate(chunks) for at, i in enumerate(chunk)}
    with worker_pool(processes, solving_context()) as pool:
        solved = [
            pool.submit(
                _solve_some, plan.seed, plan.capture, plan.max_draws, [plan.slots[i] for i in chunk]
            )
            for chunk in chunks
        ]
        for i in range(len(plan.slots)):
            number, at = place[i]
            yield solved[number].result()[at]


def _chunks(tasks: Sequence[SlotTask]) -> list[list[int]]:
    """Numbers of the tasks that go together: a map's sites for a scenario are found once."""
    groups: dict[tuple[str, str], list[int]] = {}
    for i, task in enumerate(tasks):
        groups.setdefault((task.scenario_file, task.map.name), []).append(i)
    return [
        group[first : first + _CHUNK]
        for group in groups.values()
        for first in range(0, len(group), _CHUNK)
    ]


def as_line(row: Mapping[str, Any]) -> str:
    """A row for people."""
    slot = f"{row['scenario']}-{row['k']:05d}"
    if row["draw"] is None:
        return f"{slot:42} {row['map']:14} all draws refused; the last: {row['refused'][-1]}"
    place = f"{row['lane_id']} at {row['station_m']:.0f} m"
    values = " ".join(
        f"{name}={value:.3g}" if isinstance(value, float) else f"{name}={value}"
        for name, value in row["parameters"].items()
    )
    return f"{slot:42} {row['map']:14} {place:18} draw {row['draw']}  {values}"


def _solve_some(
    seed: int, capture: CaptureSettings, max_draws: int, tasks: Sequence[SlotTask]
) -> list[dict[str, Any]]:
    return [_solve(seed, capture, max_draws, task) for task in tasks]


def _solve(seed: int, capture: CaptureSettings, max_draws: int, task: SlotTask) -> dict[str, Any]:
    if task.map.path is None:
        raise ConfigError(f"map {task.map.name}: only its server knows it; give its .xodr file")
    row: dict[str, Any] = {
        "scenario": task.slot.scenario, "k": task.slot.k, "map": task.map.name, "draw": None,
        "refused": [],
    }  # fmt: skip
    index = _index(task.map.path, task.map.name)
    for draw in range(max_draws):
        try:
            concrete = compile_draw(
                _scenario(task.scenario_file), index=index, root_seed=seed, k=task.slot.k,
                draw=draw, tick_s=capture.tick_s, duration_s=capture.duration_s,
                overrides=task.overrides or None,
            )  # fmt: skip
        except ScenarioRejected as err:
            row["refused"].append(str(err))
            continue
        site = concrete.site
        return row | {
            "draw": draw,
            "lane_id": site["lane_id"],
            "station_m": site["station_m"],
            "parameters": concrete.parameters,
        }
    return row


@lru_cache(maxsize=256)
def _scenario(file: str) -> ScenarioSpec:
    return load_scenario(file)


@lru_cache(maxsize=16)
def _index(file: str, name: str) -> MapIndex:
    return load_index(Path(file), name)
