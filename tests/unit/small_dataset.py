"""A dataset on disk of small ray-traced clips, made without a simulator."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from synthgen.datatypes.clip import MemoryClip
from synthgen.labels.clip import label_clip
from synthgen.labels.frame import SensorFrames
from synthgen.labels.settings import LabelSettings
from synthgen.runner.recorder import Recorder
from synthgen.runner.stopwatch import Stopwatch
from synthgen.store.clip_reader import ClipTables
from synthgen.store.clip_writer import ClipWriter, write_labels
from synthgen.store.layout import clip_folder
from tests.unit.labels.small_clip import make_clip

SCENARIO = "jaywalk_parked_van"


def write_clip(dataset: Path, clip: MemoryClip, k: int) -> Path:
    """Write one clip as the capture process would; returns its folder."""
    clip_id = f"{k:016x}"
    folder = clip_folder(dataset, clip_id)
    writer = ClipWriter(folder)
    still = frozenset(item.track_id for item in clip.objects if item.source == "environment")
    frame_of = {frame.tick: frame.frame_index for frame in clip.frames}
    with Recorder(writer, "png", Stopwatch()) as recorder:
        for states in clip.ticks:
            recorder.add_states(states, frame_of.get(states.tick), still)
        for frame, image, sweep in zip(
            clip.frames, clip.camera_frames("cam"), clip.lidar_sweeps("lidar"), strict=True
        ):
            recorder.add_frame(frame)
            assert image.instance is not None
            rgb = np.stack([(image.instance * factor % 251) for factor in (37, 91, 53)], axis=-1)
            coloured = replace(image, rgb=rgb.astype(np.uint8))
            recorder.add_sensors(SensorFrames(cameras=(coloured,), lidars=(sweep,)))
        # The ray-traced clip gives all bodies one name, whatever their size.
        recorder.finish([replace(o, blueprint=f"{o.blueprint}.{o.category}") for o in clip.objects])
    writer.write_bytes("calibration.json", clip.calibration.to_json().encode())
    writer.write_json("scenario.json", {"scenario": SCENARIO})
    labels = label_clip(ClipTables(folder), LabelSettings())
    write_labels(folder, "v1", labels, LabelSettings().document())
    writer.finish(
        {
            "clip_id": clip_id,
            "slot": {"scenario": SCENARIO, "k": k},
            "draw": 0,
            "seed": 1,
            "simulator": {"kind": "embedded", "version": "test"},
            "map": {"name": "Flat", "sha256": "0" * 64},
            "tick_ns": 50_000_000,
            "capture_period_ticks": 4,
            "frame_count": len(clip.frames),
            "tick_count": len(clip.ticks),
            "labels_version": "v1",
            "outcome": {"accepted": True, "flags": [], "metrics": {"walker.min_ttc_s": 1.25}},
            "generator_version": "test",
        }
    )
    return folder


def write_dataset(dataset: Path, clips: int = 2) -> Path:
    """Write a dataset of equal clips."""
    first = write_clip(dataset, make_clip(), 0)
    for k in range(1, clips):
        folder = clip_folder(dataset, f"{k:016x}")
        shutil.copytree(first, folder)
        manifest = json.loads((folder / "clip.json").read_bytes())
        manifest["clip_id"] = folder.name
        manifest["slot"]["k"] = k
        (folder / "clip.json").write_text(json.dumps(manifest, indent=1))
    return dataset


def edit_table(path: Path, edit: Callable[[list[dict[str, Any]]], None]) -> None:
    """Change the rows of a Parquet file in place."""
    table = pq.read_table(path)
    rows = table.to_pylist()
    edit(rows)
    pq.write_table(pa.Table.from_pylist(rows, schema=table.schema), path)
