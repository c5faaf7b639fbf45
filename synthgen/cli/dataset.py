"""Verbs that make datasets, or read one: generate, plan, export, info, view, relabel, replay."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated, Literal

import typer

from synthgen.cli.options import (
    QUICKSTART,
    AsJson,
    ConfigFile,
    Dataset,
    Executor,
    Limit,
    Maps,
    Out,
    Progress,
    Seed,
    Workers,
    from_here,
    maps_from_here,
    print_report,
)


def generate(
    config: ConfigFile = QUICKSTART,
    out: Out = None,
    seed: Seed = None,
    workers: Workers = None,
    executor: Executor = None,
    maps: Maps = None,
    limit: Limit = None,
    resume: Annotated[bool, typer.Option("--resume", help="Only go on with a dataset.")] = False,
    progress: Progress = None,
) -> None:
    """Make a dataset, or what is missing of one."""
    from synthgen.campaign.config import load_config, project_root
    from synthgen.campaign.progress import make_progress
    from synthgen.campaign.run import RunOptions, run_campaign

    loaded = load_config(
        config,
        out=from_here(out),
        seed=seed,
        workers=workers,
        executor=executor,
        maps=maps_from_here(maps),
    )
    shown = make_progress(progress)
    options = RunOptions(limit=limit, must_resume=resume)
    try:
        code = run_campaign(loaded, project_root(config), shown, options)
    finally:
        shown.close()
    raise typer.Exit(code)


def plan(
    config: ConfigFile = QUICKSTART,
    out: Out = None,
    seed: Seed = None,
    maps: Maps = None,
    jobs: Annotated[
        bool, typer.Option("--jobs", help="Solve every clip: town, place, values; a row each.")
    ] = False,
    processes: Annotated[int, typer.Option(min=1, help="That share the solving.")] = 2,
    as_json: AsJson = False,
) -> None:
    """Show what a config would make, without a simulator."""
    from synthgen.campaign.config import load_config, project_root

    root = project_root(config)
    loaded = load_config(config, out=from_here(out), seed=seed, maps=maps_from_here(maps))
    if jobs:
        _get_ready(processes)
    from synthgen.campaign.plan import make_plan
    from synthgen.campaign.plan_notes import plan_notes
    from synthgen.campaign.plan_report import plan_report

    made = make_plan(loaded, root)
    for line in plan_notes(made):
        print(line, file=sys.stderr)
    if not jobs:
        print_report(plan_report(made, loaded, root), as_json)
        return
    from synthgen.campaign.solve import as_line, solve_plan

    for row in solve_plan(made, processes=processes):
        print(json.dumps(row) if as_json else as_line(row))


def _get_ready(processes: int) -> None:
    """Compile what screens candidates if it is new, and load it beside what comes next."""
    from synthgen.campaign.cache_home import ensure_cache_home
    from synthgen.campaign.solve_pool import start_loading
    from synthgen.campaign.warm_up import warm_up

    ensure_cache_home()
    warm_up("scenarios.warmup", note=lambda line: print(line, file=sys.stderr))
    if processes > 1:
        start_loading()


def export(
    dataset: Dataset,
    form: Annotated[str, typer.Option("--format", help="E.g. coco, or coco,kitti-object.")],
    out: Annotated[Path, typer.Option(help="New folder; several formats get one each within it.")],
    where: Annotated[
        str | None, typer.Option(help="Filter, e.g. \"category = 'car' and distance_m < 60\".")
    ] = None,
    split: Annotated[
        Literal["train", "val", "test"] | None, typer.Option(help="Take this split only.")
    ] = None,
    splits: Annotated[
        str, typer.Option(help="Shares, or a .json file of clip ids and splits.")
    ] = "train=80,val=10,test=10",
    jobs: Annotated[
        int | None, typer.Option(min=1, help="Processes.", show_default="one per core")
    ] = None,
    trust: Annotated[
        bool, typer.Option("--trust", help="Take clips whose files differ from their manifest.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Write a dataset in other formats; a call like an interrupted one goes on with it."""
    from exporters.export import ExportOptions, export_formats
    from exporters.splits import DEFAULT_SHARES, parse_shares

    given = Path(splits) if splits.endswith(".json") else None
    options = ExportOptions(
        where=where,
        shares=DEFAULT_SHARES if given else parse_shares(splits),
        splits=given,
        split=split,
        jobs=jobs,
        trust=trust,
    )
    reports = export_formats(dataset, form.split(","), out, options)
    if as_json:
        print(json.dumps(reports[0] if len(reports) == 1 else reports, indent=1))
        return
    for report in reports:
        print_report(report, as_json=False)


def info(
    dataset: Dataset,
    every_byte: Annotated[
        bool, typer.Option("--every-byte", help="Hash images and sweeps too, not only tables.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Count what a dataset holds, and tell which of its files are damaged."""
    from synthgen.store.damage import require_undamaged
    from synthgen.store.dataset_card import dataset_card, dataset_info

    require_undamaged(dataset, every_byte=every_byte)
    found = dataset_info(dataset)
    print(json.dumps(found, indent=1) if as_json else dataset_card(found))


def view(
    dataset: Dataset,
    out: Annotated[
        Path | None, typer.Option(help="Folder of the pages.", show_default="DATASET/view")
    ] = None,
) -> None:
    """Write a catalogue of a dataset: search, scrub clips with boxes; opens from disk."""
    from synthgen.view.catalogue import write_catalogue

    catalogue = write_catalogue(dataset, out or dataset / "view")
    for message in catalogue.unreadable:
        sys.stderr.write(f"{message}\n")
    print(f"{catalogue.page}: {catalogue.clips} clips; open it in a browser")
    raise typer.Exit(catalogue.exit_code)


def relabel(
    dataset: Dataset,
    version: Annotated[
        str | None, typer.Option(help="Labels folder; a new name is added beside the old one.")
    ] = None,
) -> None:
    """Rebuild labels from the stored data alone; an existing folder must come out the same."""
    from synthgen.qa.relabel import relabel as run_relabel

    changed = 0
    for clip in run_relabel(dataset, version):
        if clip.differing:
            changed += 1
        what = "added" if clip.differing is None else ", ".join(clip.differing) or "same bytes"
        print(f"{clip.clip.name}  {clip.version}  {what}")
    raise typer.Exit(1 if changed else 0)


def replay(
    dataset: Dataset,
    rig: Annotated[Path, typer.Option(help="Rig file to capture with.")],
    out: Annotated[Path, typer.Option(help="Folder of the new dataset.")],
    image_scale: Annotated[float, typer.Option(min=0.01, help="Size of the rig's images.")] = 1.0,
    quality: Annotated[
        Literal["low", "medium", "high"] | None,
        typer.Option(help="Picture quality.", show_default="the dataset's"),
    ] = None,
    simulator: Annotated[
        str | None, typer.Option(help="HOST:PORT of a CARLA server instead of the embedded one.")
    ] = None,
    workers: Annotated[int, typer.Option(min=1, help="Simulator slots.")] = 1,
    limit: Annotated[int | None, typer.Option(min=1, help="Replay so many clips at most.")] = None,
    progress: Progress = None,
) -> None:
    """Show stored clips again and capture them with another rig; object ids stay the same."""
    from synthgen.campaign.progress import make_progress
    from synthgen.campaign.replay import ReplayOptions, replay_dataset

    shown = make_progress(progress)
    options = ReplayOptions(
        image_scale=image_scale,
        quality=quality,
        simulator=simulator,
        workers=workers,
        limit=limit,
    )
    try:
        code = replay_dataset(dataset, rig, out, shown, options)
    finally:
        shown.close()
    raise typer.Exit(code)
