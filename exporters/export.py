"""Writes a dataset in another format: plan, one map step per clip, one reduce step."""

from __future__ import annotations

import json
import logging
import multiprocessing
import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

from exporters.export_clip import ExportClip
from exporters.formats import (
    ExportContext,
    Part,
    format_names,
    load_format,
    require_formats,
    takes_fisheyes,
)
from exporters.selection import Selection
from exporters.splits import (
    DEFAULT_SHARES,
    kinship_of,
    read_splits,
    require_no_leak,
    splits_by_share,
)
from exporters.staging import Staging, exported_settings, staged
from synthgen import __version__
from synthgen.errors import ConfigError, DatasetError, OutputError
from synthgen.store.clip_reader import ClipReader, open_dataset
from synthgen.store.dataset_card import dataset_card, dataset_info
from synthgen.store.durable import output_errors
from synthgen.store.layout import CARD, MANIFEST
from synthgen.worker_pool import worker_pool

logger = logging.getLogger(__name__)

_MANIFEST_FIELDS: Final = (
    *("clip_id", "slot", "draw", "seed", "simulator", "map", "tick_ns", "capture_period_ticks"),
    *("frame_count", "tick_count", "labels_version", "outcome", "files"),
)


@dataclass(frozen=True, slots=True)
class ExportOptions:
    """What the user may choose.

    Attributes:
        where: Filter over clips, frames and objects, or None for all.
        shares: Of train, val and test; they sum to 1.
        splits: File that says the split of each clip instead, or None.
        split: Take this split only, or None for all.
        jobs: Processes; None for one per core.
        trust: Take files that differ from what their clip's manifest says of them.
    """

    where: str | None = None
    shares: Mapping[str, float] = field(default_factory=lambda: dict(DEFAULT_SHARES))
    splits: Path | None = None
    split: str | None = None
    jobs: int | None = None
    trust: bool = False


@dataclass(frozen=True, slots=True)
class PlannedClip:
    """A clip that an export takes; `first_frame` counts the frames of those before it."""

    index: int
    clip_id: str
    name: str
    split: str
    first_frame: int


@dataclass(frozen=True, slots=True)
class _ClipTask:
    form: str
    folder: Path
    clip: PlannedClip
    where: str | None
    trust: bool
    staging: Path


def export(
    dataset: Path, name: str, out: Path, options: ExportOptions | None = None
) -> dict[str, Any]:
    """Write a dataset in another format; returns counts for the user.

    An export that was interrupted goes on where it stopped when called again alike; one that is
    there already is left as it is.

    Raises:
        ConfigError: There is no such format, or the dataset lacks what it needs.
        DatasetError: The dataset cannot be read.
        OutputError: The folder cannot be written.
    """
    options = options or ExportOptions()
    form = load_format(name)
    readers = {clip.clip_id: clip for clip in map(_whole, open_dataset(dataset))}
    planned = plan_export(list(readers.values()), options)
    settings = _settings(dataset, name, options, planned)
    if exported_settings(out) == settings:
        return {"format": name, "clips": len(planned), "already_there": str(out)}
    with staged(out, settings) as staging:
        tasks = [
            _ClipTask(
                form=name,
                folder=readers[clip.clip_id].folder,
                clip=clip,
                where=options.where,
                trust=options.trust,
                staging=staging.folder,
            )
            for clip in planned
            if not staging.has_part(clip.clip_id)
        ]
        _run(tasks, options.jobs)
        context = ExportContext(
            dataset_name=dataset.resolve().name,
            dataset=_dataset_document(dataset),
            clip_count=len(planned),
            names=format_names(name),
        )
        form.finish(_Parts(staging, planned), staging.folder, context)
        report = _report(name, staging, planned)
        (staging.folder / CARD).write_text(_card(dataset, options, report))
        return report


def export_formats(
    dataset: Path, names: Sequence[str], out: Path, options: ExportOptions | None = None
) -> list[dict[str, Any]]:
    """Write a dataset in each of several formats: one into `out`, several into `out/<format>`.

    Raises:
        SynthgenError: As `export`.
    """
    require_formats(names)
    if len(set(names)) != len(names) or not names:
        raise ConfigError(f"format {','.join(names)}: expected each format once")
    if len(names) == 1:
        return [export(dataset, names[0], out, options)]
    return [export(dataset, name, out / name, options) for name in names]


def plan_export(readers: Sequence[ClipReader], options: ExportOptions) -> list[PlannedClip]:
    """The clips that an export takes, numbered, named and split.

    Args:
        readers: All clips of the dataset, sorted by id.
        options: The user's choice.

    Raises:
        ConfigError: The filter or the splits are wrong, or take no clip.
        DatasetError: The splits put clips of one family on two sides.
    """
    kin = [kinship_of(clip) for clip in readers]
    if options.splits is None:
        splits = splits_by_share(kin, options.shares)
    else:
        splits = read_splits(options.splits, kin)
    require_no_leak(kin, splits)
    selection = Selection(options.where)
    names = Counter(_slot_name(clip) for clip in readers)
    planned: list[PlannedClip] = []
    first_frame = 0
    for clip in readers:
        split = splits[clip.clip_id]
        if options.split not in (None, split) or not selection.has_clip(clip):
            continue
        name = _slot_name(clip)
        if names[name] > 1:
            name = f"{name}-{clip.clip_id[:8]}"
        planned.append(PlannedClip(len(planned), clip.clip_id, name, split, first_frame))
        first_frame += int(clip.manifest["frame_count"])
    if not planned:
        raise ConfigError(
            f"none of the {len(readers)} clips is taken (where {options.where or 'everything'}, "
            f"split {options.split or 'any'})"
        )
    return planned


def _whole(clip: ClipReader) -> ClipReader:
    """The clip, if its manifest says all that an export needs."""
    missing = [name for name in _MANIFEST_FIELDS if name not in clip.manifest]
    if missing:
        raise DatasetError(f"{clip.folder / MANIFEST}: expected the fields {', '.join(missing)}")
    return clip


def _slot_name(clip: ClipReader) -> str:
    slot = clip.manifest["slot"]
    return f"{slot['scenario']}-{slot['k']:04d}"


def _settings(
    dataset: Path, name: str, options: ExportOptions, planned: Sequence[PlannedClip]
) -> dict[str, Any]:
    return {
        "schema": "synthgen/export@1",
        "generator_version": __version__,
        "format": name,
        "dataset": dataset.resolve().name,
        "where": options.where,
        "shares": dict(options.shares),
        "split": options.split,
        "clips": [asdict(clip) for clip in planned],
    }


def _dataset_document(dataset: Path) -> dict[str, Any]:
    try:
        document: dict[str, Any] = json.loads((dataset / "dataset.json").read_bytes())
    except (OSError, ValueError):
        return {}
    return document


def _run(tasks: Sequence[_ClipTask], jobs: int | None) -> None:
    """The map step of every task, in this process where one is enough."""
    workers = min(jobs or os.cpu_count() or 1, len(tasks))
    if workers <= 1:
        for task in tasks:
            _export_clip(task)
        return
    context = multiprocessing.get_context("spawn")
    try:
        with worker_pool(workers, context) as pool:
            for done in as_completed([pool.submit(_export_clip, task) for task in tasks]):
                done.result()
    except BrokenProcessPool as err:
        raise OutputError(
            "an export process died (out of memory?); "
            "call again to go on, with fewer --jobs if memory is short"
        ) from err


def _export_clip(task: _ClipTask) -> None:
    staging = Staging(task.staging)
    reader = ClipReader(task.folder)
    if not task.trust:
        reader.verify()
    clip = ExportClip(
        reader,
        index=task.clip.index,
        name=task.clip.name,
        split=task.clip.split,
        first_frame=task.clip.first_frame,
        names=format_names(task.form).categories,
        fisheyes=takes_fisheyes(task.form),
        selection=Selection(task.where),
    )
    with output_errors(task.staging), staging.clip(clip.clip_id) as folder:
        part = load_format(task.form).export_clip(clip, folder)
    envelope = {
        "part": part,
        "dropped": dict(clip.dropped),
        "kept": dict(clip.kept),
        "left_out": clip.left_out,
    }
    staging.commit(clip.clip_id, envelope)
    logger.info("clip %s: exported as %s", clip.clip_id, task.form)


@dataclass(frozen=True, slots=True)
class _Parts:
    """What the map steps returned, read from disk one at a time, as often as wanted."""

    staging: Staging
    planned: Sequence[PlannedClip]

    def __iter__(self) -> Iterator[Part]:
        for clip in self.planned:
            yield self.staging.part(clip.clip_id)["part"]


def _card(dataset: Path, options: ExportOptions, report: Mapping[str, Any]) -> str:
    """The README.md of an export: what was taken, then the dataset's own."""
    card = dataset / CARD
    about = card.read_text() if card.is_file() else dataset_card(dataset_info(dataset))
    facts = {
        "Clips": report["clips"],
        "Splits": ", ".join(f"{split} {count}" for split, count in report["splits"].items()),
        "Taken where": options.where or "everything",
        "Dropped (the format has no word)": report["dropped"] or "nothing",
        "Merged": report["merged"] or "nothing",
        "Cameras left out (the format has no word for a fisheye)": (
            ", ".join(report["cameras_left_out"]) or "none"
        ),
    }
    lines = [f"# {dataset.resolve().name} as {report['format']}", "", "| | |", "|---|---|"]
    lines += [f"| {name} | {value} |" for name, value in facts.items()]
    return "\n".join(lines) + f"\n\nThe dataset that it was made of:\n\n{about}"


def _report(name: str, staging: Staging, planned: Sequence[PlannedClip]) -> dict[str, Any]:
    """Counts for the user: what is there, what the format had no word for, what it merged."""
    counts: Counter[str] = Counter()
    dropped: Counter[str] = Counter()
    kept: Counter[str] = Counter()
    left_out: set[str] = set()
    for clip in planned:
        envelope = staging.part(clip.clip_id)
        counts.update(envelope["part"].get("counts", {}))
        dropped.update(envelope["dropped"])
        kept.update(envelope["kept"])
        left_out.update(envelope["left_out"])
    names = format_names(name).categories
    merged: dict[str, dict[str, int]] = {}
    for category, count in sorted(kept.items()):
        word = names[category]
        assert word is not None, "only named labels are kept"
        merged.setdefault(word, {})[category] = count
    return {
        "format": name,
        "clips": len(planned),
        "splits": dict(Counter(clip.split for clip in planned)),
        **counts,
        "dropped": dict(sorted(dropped.items())),
        "merged": {word: of for word, of in merged.items() if len(of) > 1},
        "cameras_left_out": sorted(left_out),
    }
