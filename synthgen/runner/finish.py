"""Turns a finished run into a finished clip folder: map, rig, labels, manifest."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final

import synthgen
from scenarios.concrete import ConcreteScenario
from scenarios.placement import load_index
from scenarios.verify import Verdict
from synthgen.datatypes.calibration import Calibration
from synthgen.datatypes.clip_job import ClipJob
from synthgen.datatypes.road_map import RoadMap
from synthgen.labels.identity import InstanceLink
from synthgen.runner.live_labels import LiveLabels
from synthgen.runner.stopwatch import Stopwatch
from synthgen.store.clip_reader import ClipTables, road_map_in
from synthgen.store.clip_writer import ClipWriter, file_rows, files_of, write_labels

LABELS_VERSION: Final = "v1"
_LABEL_CHANNELS: Final = ("depth", "semantic", "instance")


@dataclass(frozen=True, eq=False, slots=True)
class MadeClip:
    """What is known of a clip once it has run.

    Attributes:
        scenario: Document of `scenario.json`, its verdict included.
        calibration: The rig as mounted.
        opendrive: The map.
        simulator_version: What the server calls itself.
        episode_tick: The episode's frame at the clip's tick 0.
        replay_of: Clip whose states were shown again, or None.
        instance_link: How painted ids led to objects, or None where no camera told.
    """

    scenario: Mapping[str, Any]
    calibration: Calibration
    opendrive: str
    simulator_version: str
    episode_tick: int
    replay_of: str | None = None
    instance_link: InstanceLink | None = None


def finish_clip(
    writer: ClipWriter, job: ClipJob, made: MadeClip, labels: LiveLabels, watch: Stopwatch
) -> int:
    """Write what is left of the clip, its labels and its manifest.

    Returns:
        Number of 2D boxes.
    """
    with watch.lap("write"):
        writer.write_bytes("calibration.json", made.calibration.to_json().encode())
        writer.write_json("scenario.json", made.scenario)
        _write_map(writer, made.opendrive, job.map.name)
        writer.close()
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="hash") as hashing:
        # Sensor data, maps and states are whole: they are hashed while labels are made.
        known = hashing.submit(file_rows, writer.folder, files_of(writer.folder))
        with watch.lap("label"):
            tables = labels.tables(ClipTables(writer.folder, _LABEL_CHANNELS))
            write_labels(writer.folder, LABELS_VERSION, tables, labels.settings.document())
        with watch.lap("hash"):
            writer.finish(_facts(job, made), known.result())
    return len(tables["boxes2d"]["frame_index"])


def scenario_document(concrete: ConcreteScenario, verdict: Verdict) -> dict[str, Any]:
    """What `scenario.json` holds."""
    outcome = {
        "accepted": verdict.accepted,
        "flags": list(verdict.flags),
        "metrics": {name: float(value) for name, value in sorted(verdict.metrics.items())},
    }
    return {**concrete.model_dump(mode="json"), "verdict": outcome}


def _write_map(writer: ClipWriter, opendrive: str, name: str) -> None:
    index = load_index(opendrive, name)
    writer.write_bytes("map/opendrive.xodr", opendrive.encode())
    writer.write_bytes("map/lanes.parquet", index.lanes_parquet.read_bytes())
    writer.write_bytes("map/areas.parquet", index.areas_parquet.read_bytes())


def road_map_of(opendrive: str, name: str) -> RoadMap:
    """The map as the clip will hold it."""
    return road_map_in(load_index(opendrive, name).folder)


def _facts(job: ClipJob, made: MadeClip) -> dict[str, Any]:
    period = job.capture.period_ticks
    tick_count = made.scenario["duration_ticks"]
    facts: dict[str, Any] = {
        "clip_id": job.clip_id,
        "slot": {"scenario": job.slot.scenario, "k": job.slot.k},
        "draw": job.draw,
        "seed": job.seed,
        "simulator": {
            "kind": job.simulator.kind,
            "version": made.simulator_version,
            "quality": job.simulator.quality,
            "episode_tick": made.episode_tick,
        },
        "map": {
            "name": job.map.name,
            "sha256": hashlib.sha256(made.opendrive.encode()).hexdigest(),
        },
        "tick_ns": round(job.capture.tick_s * 1e9),
        "capture_period_ticks": period,
        "tick_count": tick_count,
        "frame_count": -(-tick_count // period),
        "labels_version": LABELS_VERSION,
        "outcome": made.scenario["verdict"],
        "generator_version": synthgen.__version__,
    }
    if made.instance_link is not None:
        link = made.instance_link
        facts["instance_ids"] = {"method": link.method, "match_rate": round(link.match_rate, 4)}
    return facts if made.replay_of is None else {**facts, "replay_of": made.replay_of}
