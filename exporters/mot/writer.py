"""Writes MOTChallenge: `<benchmark>-<split>/<clip>_<camera>/{gt/gt.txt,img1/,seqinfo.ini}`.

`seqmaps/<benchmark>-<split>.txt` lists the sequences, as TrackEval reads them. A benchmark is a
class: see `exporters.mot.rows`. Images of one sequence are one file in all benchmarks (hard links)
where the disk can do that. Frame numbers are dense: where a filter leaves captures out, the
frames that are left are counted anew.
"""

from __future__ import annotations

import os
import shutil
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from exporters.export_clip import ExportClip
from exporters.formats import ExportContext, Part, format_names
from exporters.mot.rows import sequence_text, truth_line
from synthgen.datatypes.calibration import MountedSensor

_NANOSECONDS: Final = 1_000_000_000


class _Mot:
    """MOTChallenge."""

    name = "mot"

    def export_clip(self, clip: ExportClip, folder: Path) -> Part:
        """Write the clip's sequences, one for each camera and benchmark.

        Raises:
            ConfigError: The rig has no camera with images.
        """
        clip.require(self.name, "camera")
        lines = _lines(clip)
        benchmarks = format_names(self.name).classes
        sequences = []
        for sensor in clip.cameras():
            sequence = f"{clip.name}_{sensor.name}"
            homes = [folder / f"{name}-{clip.split}" / sequence for name in benchmarks]
            suffix, length = _write_images(clip, sensor.name, [home / "img1" for home in homes])
            for name, home in zip(benchmarks, homes, strict=True):
                (home / "gt").mkdir(parents=True)
                (home / "gt/gt.txt").write_text("".join(lines[name, sensor.name]))
                text = _sequence(sequence, clip, sensor, length=length, suffix=suffix)
                (home / "seqinfo.ini").write_text(text, encoding="utf-8")
            sequences.append(sequence)
        boxes = sum(map(len, lines.values()))
        counts = {"sequences": len(sequences), "boxes": boxes}
        return {"split": clip.split, "sequences": sequences, "counts": counts}

    def finish(self, parts: Iterable[Part], folder: Path, context: ExportContext) -> None:
        """Write the lists of sequences."""
        sequences: defaultdict[str, list[str]] = defaultdict(list)
        for part in parts:
            sequences[part["split"]] += part["sequences"]
        maps = folder / "seqmaps"
        maps.mkdir(exist_ok=True)
        for split, names in sequences.items():
            text = "".join(f"{name}\n" for name in ["name", *names])
            for benchmark in context.names.classes:
                (maps / f"{benchmark}-{split}.txt").write_text(text, encoding="utf-8")


FORMAT: Final = _Mot()


def _lines(clip: ExportClip) -> Mapping[tuple[str, str], Sequence[str]]:
    """Lines of `gt.txt` by benchmark and camera, in order of track, then frame."""
    numbers = {frame.frame_index: k for k, frame in enumerate(clip.frames, start=1)}
    lines: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
    rows = sorted(clip.named_rows("boxes2d"), key=lambda pair: _order(pair[1]))
    for label, row in rows:
        line = truth_line(row, numbers[row["frame_index"]])
        lines[label, row["camera"]].append(f"{line}\n")
    return lines


def _order(row: Mapping[str, Any]) -> tuple[int, int]:
    return row["track_id"], row["frame_index"]


def _write_images(clip: ExportClip, camera: str, folders: Sequence[Path]) -> tuple[str, int]:
    """Write the images once and link them; returns their suffix and number."""
    for folder in folders:
        folder.mkdir(parents=True)
    suffix, count = ".png", 0
    for _, codec, content in clip.images(camera):
        count += 1
        suffix = ".png" if codec == "png" else ".jpg"
        first = folders[0] / f"{count:06d}{suffix}"
        first.write_bytes(content)
        for folder in folders[1:]:
            _link(first, folder / first.name)
    return suffix, count


def _link(path: Path, other: Path) -> None:
    try:
        os.link(path, other)
    except OSError:
        shutil.copyfile(path, other)


def _sequence(
    name: str, clip: ExportClip, sensor: MountedSensor, *, length: int, suffix: str
) -> str:
    assert sensor.camera is not None, "a camera has a model"
    camera = sensor.camera.camera
    manifest = clip.reader.manifest
    return sequence_text(
        name,
        rate_hz=_NANOSECONDS / (manifest["tick_ns"] * manifest["capture_period_ticks"]),
        length=length,
        size_wh=(camera.width_px, camera.height_px),
        suffix=suffix,
    )
