"""What a dataset holds, counted from its clips: for `synthgen info` and for its README.md.

`python -m synthgen.store.dataset_card DATASET` prints the README.md.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import pyarrow.compute as pc

from synthgen.errors import DatasetError
from synthgen.store.clip_reader import ClipReader, open_dataset
from synthgen.store.hit_rates import hit_rates

INFO_SCHEMA: Final = "synthgen/info@1"
_LICENCES: Final = {
    "embedded": "The embedded simulator made the data with assets of its own, which are part of "
    "synthgen (MIT License); a map given as an .xodr file keeps the terms of its author.",
    "carla": "A CARLA server made the data; CARLA's assets are under CC BY 4.0, "
    "https://carla.org, and have to be credited.",
}
_LIMITS: Final = (
    "Images are rendered: a detector trained on them alone meets a gap to real cameras. Compare "
    "with real labels by `synthgen compare` before relying on them.",
    "Labels come from the simulator, so they name objects that no human would see; filter by "
    "`visible_px`, `visible_fraction` or `lidar_points` (columns of the label tables).",
    "Clips are chosen for their edge case: frequencies of encounters are not those of traffic.",
    "Walkers, vehicles and towns are few in kind compared with a real city.",
)


def dataset_info(dataset: Path) -> dict[str, Any]:
    """Counts and facts of a dataset, as JSON.

    Raises:
        DatasetError: It cannot be read.
    """
    totals: dict[str, Counter[str]] = {
        name: Counter()
        for name in ("scenarios", "maps", "rigs", "objects", "boxes3d", "boxes2d", "status")
    }
    facts: dict[str, set[str]] = {
        name: set() for name in ("seeds", "generator", "simulators", "labels", "sensors")
    }
    clips = open_dataset(dataset)
    frames = seconds = size = 0.0
    for clip in clips:
        _count(clip, totals, facts)
        manifest = clip.manifest
        frames += manifest["frame_count"]
        seconds += manifest["tick_count"] * manifest["tick_ns"] / 1e9
        size += sum(item["bytes"] for item in manifest["files"])
    return {
        "schema": INFO_SCHEMA,
        "name": dataset.resolve().name,
        "clips": len(clips),
        "frames": int(frames),
        "seconds": round(seconds, 3),
        "bytes": int(size),
        **{name: dict(sorted(counter.items())) for name, counter in totals.items()},
        **{name: sorted(values) for name, values in facts.items()},
        "hit_rates": hit_rates(dataset),
        "draws_rejected": len(list((dataset / "rejected").glob("*.json"))),
        "slots_quarantined": len(list((dataset / "quarantine").glob("*.json"))),
    }


def _count(
    clip: ClipReader, totals: Mapping[str, Counter[str]], facts: Mapping[str, set[str]]
) -> None:
    manifest, calibration = clip.manifest, clip.calibration
    totals["scenarios"][manifest["slot"]["scenario"]] += 1
    totals["maps"][manifest["map"]["name"]] += 1
    totals["rigs"][calibration.rig] += 1
    totals["objects"].update(clip.table("objects")["category"].to_pylist())
    totals["boxes3d"].update(clip.label_table("boxes3d")["category"].to_pylist())
    boxes2d = clip.label_table("boxes2d")
    visible = boxes2d.filter(pc.greater(boxes2d["visible_px"], 0))
    totals["boxes2d"].update(visible["category"].to_pylist())
    if clip.has_labels("status"):
        totals["status"].update(clip.label_table("status")["status"].to_pylist())
    facts["seeds"].add(str(manifest["seed"]))
    facts["generator"].add(str(manifest["generator_version"]))
    facts["simulators"].add(f"{manifest['simulator']['kind']} {manifest['simulator']['version']}")
    facts["labels"].add(clip.labels_version)
    for sensor in calibration.sensors:
        size = ""
        if sensor.camera is not None:
            model = sensor.camera.camera
            size = f" {model.width_px}x{model.height_px}"
        facts["sensors"].add(f"{sensor.name} ({sensor.modality}{size})")


def dataset_card(info: Mapping[str, Any]) -> str:
    """The README.md of a dataset.

    Args:
        info: Of `dataset_info`.
    """
    kinds = {text.partition(" ")[0] for text in info["simulators"]}
    facts = {
        "Clips": info["clips"],
        "Frames": info["frames"],
        "Driving time": f"{info['seconds']:.1f} s",
        "Size": f"{info['bytes'] / 1e6:.1f} MB",
        "Scenarios": _counted(info["scenarios"]),
        "Maps": _counted(info["maps"]),
        "Rigs": _counted(info["rigs"]),
        "Sensors": ", ".join(info["sensors"]),
        "Root seed": ", ".join(info["seeds"]),
        "Generator": f"synthgen {', '.join(info['generator'])}",
        "Simulator": ", ".join(info["simulators"]),
        "Labels": ", ".join(info["labels"]),
        "Frame status": _counted(info["status"]),
        "Draws rejected": info["draws_rejected"],
        "Slots given up": info["slots_quarantined"],
    }
    categories = sorted(info["objects"], key=lambda name: -info["boxes3d"].get(name, 0))
    lines = [
        f"# {info['name']}",
        "",
        "A labelled driving dataset made by synthgen. `docs/clip_format.md` of synthgen describes "
        "its files.",
        "",
        "| | |",
        "|---|---|",
        *(f"| {name} | {value} |" for name, value in facts.items()),
        "",
        "## Labels",
        "",
        "| category | objects | 3D boxes | 2D boxes with visible pixels |",
        "|---|---:|---:|---:|",
        *(
            f"| {name} | {info['objects'][name]} | {info['boxes3d'].get(name, 0)} "
            f"| {info['boxes2d'].get(name, 0)} |"
            for name in categories
        ),
        "",
        "## Encounters",
        "",
        "Of the draws that went to the simulator, the share in which the edge case happened as the "
        "scenario expects it; only those are clips.",
        "",
        "| scenario | attempts | clips | hit rate | 95 % interval |",
        "|---|---:|---:|---:|---|",
        *(
            f"| {name} | {rate['attempts']} | {rate['hits']} | {rate['hit_rate']:.0%} "
            f"| {rate['wilson_low']:.0%} to {rate['wilson_high']:.0%} |"
            for name, rate in info["hit_rates"].items()
        ),
        "",
        "## Licence",
        "",
        *(_LICENCES[kind] for kind in sorted(kinds) if kind in _LICENCES),
        "",
        "## Known limits",
        "",
        *(f"- {limit}" for limit in _LIMITS),
        "",
    ]
    return "\n".join(lines)


def _counted(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{name} ({count})" for name, count in counts.items()) or "none"


def main(dataset: str) -> int:
    """Print a dataset's card; its exit code is that of the command line."""
    try:
        sys.stdout.write(dataset_card(dataset_info(Path(dataset))))
    except DatasetError as err:
        sys.stderr.write(f"{err}\n")
        return err.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
