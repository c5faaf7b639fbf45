"""What a run made and what it cost: `run/summary.json` and a Prometheus text file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from synthgen.campaign.config import Cost
from synthgen.campaign.dispatch import Tally
from synthgen.campaign.faults import FaultBook
from synthgen.store.durable import write_durably
from synthgen.store.layout import readable_json

SUMMARY_SCHEMA: Final = "synthgen/summary@1"
_METRICS: Final = (
    "clips_planned",
    "clips_done",
    "clips_made",
    "clips_quarantined",
    "draws_rejected",
    "frames_made",
    "boxes2d_made",
    "bytes_made",
    "elapsed_s",
    "frames_per_s",
    "boxes2d_per_hour",
)


@dataclass(frozen=True, slots=True)
class RunFacts:
    """What the driver knows at the end of a run."""

    name: str
    planned: int
    done: int
    workers: int
    executor: str
    elapsed_s: float
    exit_code: int
    root_hash: str | None


def summarise(facts: RunFacts, tally: Tally, faults: FaultBook, cost: Cost) -> dict[str, Any]:
    """The summary of a run as JSON: counts, rates, time shares, money."""
    receipts = [o.receipt for o in tally.accepted if o.receipt is not None]
    frames = sum(r.frames for r in receipts)
    boxes = sum(r.boxes2d for r in receipts)
    hours = facts.elapsed_s / 3600
    phases: dict[str, float] = {}
    for receipt in receipts:
        for phase, seconds in receipt.seconds.items():
            phases[phase] = round(phases.get(phase, 0.0) + seconds, 3)
    machine_cost = hours * cost.machine_per_hour
    human_cost = boxes * cost.human_per_box
    return {
        "schema": SUMMARY_SCHEMA,
        "name": facts.name,
        "executor": facts.executor,
        "workers": facts.workers,
        "exit_code": facts.exit_code,
        "stopped": _stopped(tally),
        "clips_planned": facts.planned,
        "clips_done": facts.done,
        "clips_made": len(tally.accepted),
        "clips_exhausted": len(tally.exhausted),
        "clips_quarantined": len(tally.quarantined),
        "draws_rejected": tally.rejected,
        "faults": {kind.value: count for kind, count in sorted(faults.by_kind.items())},
        "frames_made": frames,
        "boxes2d_made": boxes,
        "bytes_made": sum(r.bytes for r in receipts),
        "elapsed_s": round(facts.elapsed_s, 2),
        "frames_per_s": round(frames / facts.elapsed_s, 3) if facts.elapsed_s else 0.0,
        "boxes2d_per_hour": round(boxes / hours) if hours else 0,
        "seconds_by_phase": phases,
        "cost": {
            "currency": cost.currency,
            "machine": round(machine_cost, 4),
            "machine_per_box2d": round(machine_cost / boxes, 6) if boxes else None,
            "human_for_same_boxes": round(human_cost, 2),
            "human_days_saved": round(boxes / cost.human_boxes_per_day, 2),
        },
        "root_hash": facts.root_hash,
    }


def closing_line(summary: dict[str, Any], dataset: Path) -> str:
    """How the run ended, for people."""
    parts = [
        f"{summary['clips_done']} of {summary['clips_planned']} clips are in {dataset}",
        f"{summary['clips_made']} made in {summary['elapsed_s']:.0f} s",
        f"{summary['frames_made']} frames",
        f"{summary['boxes2d_made']} boxes",
        f"{summary['draws_rejected']} draws rejected",
    ]
    if summary["clips_quarantined"]:
        parts.append(f"{summary['clips_quarantined']} given up, see {dataset / 'quarantine'}")
    return "; ".join(parts)


def write_summary(run_folder: Path, summary: dict[str, Any]) -> None:
    """Write `summary.json` and `metrics.prom` (Prometheus text format 0.0.4)."""
    write_durably(run_folder / "summary.json", readable_json(summary))
    lines = []
    for name in _METRICS:
        lines += [f"# TYPE synthgen_{name} gauge", f"synthgen_{name} {summary[name]}"]
    lines.append("# TYPE synthgen_faults gauge")
    lines += [f'synthgen_faults{{kind="{k}"}} {n}' for k, n in summary["faults"].items()]
    write_durably(run_folder / "metrics.prom", ("\n".join(lines) + "\n").encode())


def _stopped(tally: Tally) -> str | None:
    if tally.interrupted:
        return "interrupted"
    return None if tally.stop_kind is None else f"{tally.stop_kind}: {tally.stop_reason}"
