"""Turns a finished run into a finished clip folder: map, rig, labels, manifest."""

from __future__ import annotations

import hashlib
from typing import Any, Final

import synthgen
from scenarios.concrete import ConcreteScenario
from scenarios.placement import load_index
from scenarios.verify import Verdict
from synthgen.datatypes.calibration import Calibration
from synthgen.datatypes.clip_job import ClipJob
from synthgen.runner.live_labels import LiveLabels
from synthgen.runner.stopwatch import Stopwatch
from synthgen.store.clip_reader import ClipTables
from synthgen.store.clip_writer import ClipWriter, write_labels

LABELS_VERSION: Final = "v1"
_LABEL_CHANNELS: Final = ("depth", "semantic", "instance")


def finish_clip(
    writer: ClipWriter,
    job: ClipJob,
    *,
    concrete: ConcreteScenario,
    verdict: Verdict,
    calibration: Calibration,
    opendrive: str,
    labels: LiveLabels,
    simulator_version: str,
    watch: Stopwatch,
) -> int:
    """Write what is left of the clip, its labels and its manifest.

    Returns:
        Number of 2D boxes.
    """
    with watch.lap("write"):
        writer.write_bytes("calibration.json", calibration.to_json().encode())
        writer.write_json("scenario.json", _scenario_document(concrete, verdict))
        _write_map(writer, opendrive, job.map.name)
    with watch.lap("label"):
        tables = labels.tables(ClipTables(writer.folder, _LABEL_CHANNELS))
        write_labels(writer.folder, LABELS_VERSION, tables, labels.settings.document())
    with watch.lap("hash"):
        facts = _facts(job, concrete, verdict, simulator_version)
        facts["map"]["sha256"] = hashlib.sha256(opendrive.encode()).hexdigest()
        writer.finish(facts)
    return len(tables["boxes2d"]["frame_index"])


def _scenario_document(concrete: ConcreteScenario, verdict: Verdict) -> dict[str, Any]:
    document = concrete.model_dump(mode="json")
    return {**document, "verdict": _outcome(verdict)}


def _outcome(verdict: Verdict) -> dict[str, Any]:
    return {
        "accepted": verdict.accepted,
        "flags": list(verdict.flags),
        "metrics": {name: float(value) for name, value in sorted(verdict.metrics.items())},
    }


def _write_map(writer: ClipWriter, opendrive: str, name: str) -> None:
    index = load_index(opendrive, name)
    writer.write_bytes("map/opendrive.xodr", opendrive.encode())
    writer.write_bytes("map/lanes.parquet", index.lanes_parquet.read_bytes())
    writer.write_bytes("map/areas.parquet", index.areas_parquet.read_bytes())


def _facts(
    job: ClipJob, concrete: ConcreteScenario, verdict: Verdict, simulator_version: str
) -> dict[str, Any]:
    period = job.capture.period_ticks
    return {
        "clip_id": job.clip_id,
        "slot": {"scenario": job.slot.scenario, "k": job.slot.k},
        "draw": job.draw,
        "seed": job.seed,
        "simulator": {"kind": job.simulator.kind, "version": simulator_version},
        "map": {"name": job.map.name},
        "tick_ns": round(job.capture.tick_s * 1e9),
        "capture_period_ticks": period,
        "tick_count": concrete.duration_ticks,
        "frame_count": -(-concrete.duration_ticks // period),
        "labels_version": LABELS_VERSION,
        "outcome": _outcome(verdict),
        "generator_version": synthgen.__version__,
    }
