"""The command line: each verb parses, builds one config and calls one function."""

from __future__ import annotations

import json
import logging
import os
import sys
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from synthgen.errors import ConfigError, SynthgenError

if TYPE_CHECKING:
    from synthgen.regression.change import Kind
    from synthgen.regression.outcome import Outcome

EXIT_BUG = 70
EXIT_INTERRUPTED = 130
QUICKSTART = Path(__file__).resolve().parents[1] / "configs" / "generation" / "quickstart.yaml"
LIBRARY = QUICKSTART.parents[2] / "scenarios" / "library"

app = typer.Typer(
    name="synthgen",
    help="Scenario YAML in, labelled driving dataset out, through the real CARLA client.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

ConfigFile = Annotated[
    Path,
    typer.Argument(help="Generation config.", show_default="configs/generation/quickstart.yaml"),
]
Out = Annotated[str | None, typer.Option(help="Dataset folder, instead of the config's.")]
Seed = Annotated[int | None, typer.Option(min=0, help="Root seed.")]
Workers = Annotated[int | None, typer.Option(min=1, help="Simulator slots.")]
Executor = Annotated[
    Literal["auto", "inline", "ray"] | None, typer.Option(help="What runs the slots.")
]
Maps = Annotated[
    list[str] | None, typer.Option("--map", help="Town name or .xodr file; may be repeated.")
]
SampleSeed = Annotated[int, typer.Option(min=0, help="Root seed.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command()
def generate(
    config: ConfigFile = QUICKSTART,
    out: Out = None,
    seed: Seed = None,
    workers: Workers = None,
    executor: Executor = None,
    maps: Maps = None,
    limit: Annotated[int | None, typer.Option(min=1, help="Make so many clips at most.")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Only go on with a dataset.")] = False,
    progress: Annotated[
        Literal["rich", "plain", "json"] | None, typer.Option(help="How to tell of it on stderr.")
    ] = None,
) -> None:
    """Make a dataset, or what is missing of one."""
    from synthgen.campaign.config import load_config, project_root
    from synthgen.campaign.progress import make_progress
    from synthgen.campaign.run import RunOptions, run_campaign

    loaded = load_config(
        config,
        out=_from_here(out),
        seed=seed,
        workers=workers,
        executor=executor,
        maps=_maps_from_here(maps),
    )
    shown = make_progress(progress)
    options = RunOptions(limit=limit, must_resume=resume)
    try:
        code = run_campaign(loaded, project_root(config), shown, options)
    finally:
        shown.close()
    raise typer.Exit(code)


@app.command()
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
    from synthgen.campaign.plan_report import plan_report

    loaded = load_config(config, out=_from_here(out), seed=seed, maps=_maps_from_here(maps))
    if not jobs:
        _print(plan_report(loaded, project_root(config)), as_json)
        return
    from synthgen.campaign.plan import make_plan
    from synthgen.campaign.solve import as_line, solve_plan

    for row in solve_plan(make_plan(loaded, project_root(config)), processes=processes):
        print(json.dumps(row) if as_json else as_line(row))


@app.command()
def export(
    dataset: Annotated[Path, typer.Argument(help="Dataset folder.")],
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
        _print(report, as_json=False)


@app.command()
def info(
    dataset: Annotated[Path, typer.Argument(help="Dataset folder.")], as_json: AsJson = False
) -> None:
    """Count what a dataset holds."""
    from synthgen.store.dataset_card import dataset_card, dataset_info

    found = dataset_info(dataset)
    print(json.dumps(found, indent=1) if as_json else dataset_card(found))


@app.command()
def doctor(
    simulator: Annotated[str | None, typer.Option(help="HOST:PORT of a CARLA server.")] = None,
    carla: Annotated[Path | None, typer.Option(help="Executable of an installed CARLA.")] = None,
    out: Annotated[Path, typer.Option(help="Where datasets shall go.")] = Path("out"),
    proof: Annotated[bool, typer.Option("--proof", help="Make one clip as a proof.")] = False,
    rig: Annotated[Path | None, typer.Option(help="Check this rig file instead.")] = None,
    picture: Annotated[Path | None, typer.Option(help="PNG of the rig's views to write.")] = None,
    as_json: AsJson = False,
) -> None:
    """Check this machine, a CARLA host or a rig, and say how to mend what is wrong."""
    from synthgen.campaign.config import load_config
    from synthgen.doctor.examine import as_report, examine
    from synthgen.doctor.rig_report import rig_findings

    if rig is not None:
        findings = rig_findings(rig, picture)
    else:
        config = load_config(QUICKSTART) if proof else None
        findings = examine(out.absolute(), simulator=simulator, carla=carla, config=config)
    report = as_report(findings)
    if as_json:
        print(json.dumps(report, indent=1))
    else:
        for finding in findings:
            print(f"{finding.health:<5} {finding.check:<20} {finding.found}")
            if finding.mend:
                print(f"{'':26} -> {finding.mend}")
    raise typer.Exit(0 if report["healthy"] else 1)


bench = typer.Typer(help="Measure, and print one flat JSON object.", no_args_is_help=True)
app.add_typer(bench, name="bench")


@bench.command()
def chaos(
    kills: Annotated[int, typer.Option(min=1, help="Processes to kill.")] = 300,
    executor: Annotated[Literal["inline", "ray"], typer.Option(help="What runs it.")] = "inline",
    workers: Annotated[int, typer.Option(min=1, help="Simulator slots.")] = 1,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the killer.")] = 0,
    as_json: AsJson = False,
) -> None:
    """Kill a campaign's processes at random; nothing may be lost, doubled or broken."""
    import tempfile

    from synthgen.bench.chaos.campaign import chaos_setup
    from synthgen.bench.chaos.chaos import is_flawless, run_chaos

    with tempfile.TemporaryDirectory(prefix="synthgen-chaos-") as name:
        folder = Path(name)
        setup = chaos_setup(folder, kills=kills, executor=executor, workers=workers, seed=seed)
        report = run_chaos(setup, folder)
    _print(report, as_json)
    raise typer.Exit(0 if is_flawless(report) else 1)


@bench.command()
def pipeline(
    config: ConfigFile = QUICKSTART,
    clips: Annotated[int, typer.Option(min=1, help="Clips to make.")] = 1,
    rig: Annotated[
        str | None, typer.Option(help="Measure one clip of this rig: a file, or e.g. nuscenes.")
    ] = None,
    frames: Annotated[int, typer.Option(min=1, help="Captures of a rig's clip.")] = 20,
    as_json: AsJson = False,
) -> None:
    """Frames, boxes and bytes per second of the whole path, and where the time goes."""
    import tempfile

    from synthgen.bench.pipeline import bench_pipeline, bench_scaling
    from synthgen.bench.rig import bench_rig

    with tempfile.TemporaryDirectory(prefix="synthgen-pipeline-") as name:
        if rig is not None:
            report = bench_rig(config, Path(name), rig=rig, frames=frames)
        else:
            report = bench_pipeline(config, Path(name), clips=clips)
            report |= bench_scaling(config, Path(name), clips=clips)
    _print(dict(report), as_json)


@bench.command(name="export")
def bench_export(
    dataset: Annotated[
        Path | None, typer.Option(help="Dataset to take a clip of, instead of making one.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Speed and memory of the nuScenes export with six cameras of 1600x900."""
    import tempfile

    from synthgen.bench import exports

    with tempfile.TemporaryDirectory(prefix="synthgen-export-") as name:
        folder = Path(name)
        source = dataset or exports.make_dataset(QUICKSTART, folder / "made")
        report = exports.bench_export(folder, source)
    _print(report, as_json)


@bench.command()
def labels(as_json: AsJson = False) -> None:
    """Speed of the labels, per core, beside a per-object loop and regionprops."""
    from synthgen.bench.labels import bench_labels

    _print(dict(bench_labels()), as_json)


@app.command()
def relabel(
    dataset: Annotated[Path, typer.Argument(help="Dataset folder.")],
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


LockOut = Annotated[Path | None, typer.Option(help="Lock file to write.", show_default="*.lock")]
ReportOut = Annotated[Path | None, typer.Option(help="Folder for report and pictures.")]
Allow = Annotated[
    list[str] | None,
    typer.Option("--allow", help="Kind of change that does not fail; may be repeated."),
]


@app.command()
def lock(
    config: Annotated[Path, typer.Argument(help="Generation config.")],
    out: LockOut = None,
    dataset: Annotated[
        Path | None, typer.Option(help="Lock this dataset instead of making one.")
    ] = None,
) -> None:
    """Make a config's dataset and lock it: hashes of clips, code, wheels, maps and assets."""
    from synthgen.campaign.progress import make_progress
    from synthgen.regression.lock import make_lock

    path = out or config.with_suffix(".lock")
    shown = make_progress(None)
    try:
        made = make_lock(config, path, shown, dataset)
    finally:
        shown.close()
    print(f"{path}: {len(made.clips)} clips locked on {made.environment.cpu}")


@app.command()
def verify(
    lock_file: Annotated[Path, typer.Argument(metavar="LOCK", help="Lock file.")],
    against: Annotated[
        Path | None, typer.Option(help="Compare this dataset instead of making one.")
    ] = None,
    reference: Annotated[
        Path | None, typer.Option(help="The dataset as locked, to compare pixel by pixel.")
    ] = None,
    work: Annotated[
        Path | None, typer.Option(help="Keep clips here; later runs remake only what changed.")
    ] = None,
    shard: Annotated[str, typer.Option(help="i/n: the i-th of n parallel jobs.")] = "1/1",
    require_exact: Annotated[
        bool, typer.Option("--require-exact", help="End with 3 where bytes differ within R2.")
    ] = False,
    allow: Allow = None,
    out: ReportOut = None,
    as_json: AsJson = False,
) -> None:
    """Make a locked set again and say what moved, by how much and where."""
    from synthgen.campaign.progress import make_progress
    from synthgen.regression.verify import VerifyOptions, parse_shard, verify_lock

    options = VerifyOptions(
        against=against,
        reference=reference,
        work=work,
        out=out,
        shard=parse_shard(shard),
        require_exact=require_exact,
        allowed=_kinds(allow),
    )
    shown = make_progress(None)
    try:
        outcome = verify_lock(lock_file, options, shown)
    finally:
        shown.close()
    _print_outcome(outcome, as_json)


@app.command()
def diff(
    before: Annotated[Path, typer.Argument(metavar="A", help="Old dataset.")],
    after: Annotated[Path, typer.Argument(metavar="B", help="New dataset.")],
    tolerance: Annotated[
        Literal["exact", "r2"], typer.Option(help="What may differ without failing.")
    ] = "exact",
    allow: Allow = None,
    out: ReportOut = None,
    as_json: AsJson = False,
) -> None:
    """Compare two datasets: objects added, removed, moved, classes, images."""
    from synthgen.regression.diff import diff_datasets

    outcome = diff_datasets(
        before, after, is_exact=tolerance == "exact", allowed=_kinds(allow), out=out
    )
    _print_outcome(outcome, as_json)


def _kinds(names: list[str] | None) -> frozenset[Kind]:
    from synthgen.regression.change import Kind

    try:
        return frozenset(Kind(name) for name in names or ())
    except ValueError as err:
        known = ", ".join(Kind)
        raise ConfigError(f"argument --allow: {err}; expected one of {known}") from err


def _print_outcome(outcome: Outcome, as_json: bool) -> None:
    from synthgen.regression.report import text_report

    print(json.dumps(outcome.document(), indent=1) if as_json else text_report(outcome))
    raise typer.Exit(outcome.exit_code)


@app.command()
def compare(
    real: Annotated[Path, typer.Argument(help="Real data set: KITTI, nuScenes, COCO, ... .")],
    synthetic: Annotated[Path, typer.Argument(help="Data set of ours, or of the same formats.")],
    out: Annotated[Path, typer.Option(help="Folder of the report.")] = Path("report"),
    gates: Annotated[Path | None, typer.Option(help="Gates, e.g. configs/qa/gates.yaml.")] = None,
    audit: Annotated[Path | None, typer.Option(help="JSON summary of an audit.")] = None,
    features: Annotated[
        tuple[Path, Path] | None, typer.Option(help="Your own features: REAL.npy SYN.npy.")
    ] = None,
    history: Annotated[Path | None, typer.Option(help="fit_history.json of a fit.")] = None,
    seed: SampleSeed = 0,
    as_json: AsJson = False,
) -> None:
    """Compare a synthetic data set with a real one, and say what to change."""
    from synthgen.qa.compare import Options
    from synthgen.qa.gates import load_gates
    from synthgen.qa.run_compare import run_compare

    result = run_compare(
        real,
        synthetic,
        out,
        gates=load_gates(gates) if gates else None,
        audit=audit,
        features=features,
        fit_history=history,
        options=Options(seed=seed),
    )
    print(json.dumps(result.report, indent=1) if as_json else result.summary)
    for problem in result.report["problems"]:
        sys.stderr.write(f"{problem}\n")
    raise typer.Exit(result.exit_code)


@app.command(name="fit")
def fit_profile(
    real: Annotated[Path, typer.Argument(help="Real data set with 3D boxes.")],
    out: Annotated[Path, typer.Option(help="YAML file to write.")] = Path("fitted.yaml"),
    mode: Annotated[
        Literal["match", "cover"], typer.Option(help="Resemble the set, or cover it for training.")
    ] = "match",
    seed: SampleSeed = 0,
    as_json: AsJson = False,
) -> None:
    """Fit a traffic profile to a small real labelled set."""
    from synthgen.qa.run_fit import run_fit

    report = run_fit(real, out, mode=mode, seed=seed)
    _print(report, as_json)
    raise typer.Exit(2 if report["not_readable"] else 0)


@app.command()
def probe(
    real: Annotated[Path, typer.Argument(help="Real data set.")],
    synthetic: Annotated[Path, typer.Argument(help="Synthetic data set.")],
    seed: SampleSeed = 0,
    as_json: AsJson = False,
) -> None:
    """Train small models on each set and test them on each (tier P0: label geometry)."""
    from synthgen.qa.probe import probe as run_probe

    _print(run_probe(real, synthetic, seed=seed), as_json)


@app.command()
def mine(
    dataset: Annotated[Path, typer.Argument(help="Dataset folder.")],
    predictions: Annotated[Path, typer.Option(help="JSON list of a detector's boxes.")],
    out: Annotated[Path, typer.Option(help="Folder for the scenario files.")] = Path("mined"),
    library: Annotated[
        Path, typer.Option(help="Folder of the dataset's scenario files.")
    ] = LIBRARY,
    seed: SampleSeed = 0,
    as_json: AsJson = False,
) -> None:
    """Find the scenario parameters that a detector fails on; write the next batch's weights."""
    from synthgen.qa.mine import mine as run_mine

    report = run_mine(dataset, predictions, out, library, seed=seed)
    _print(report, as_json)
    raise typer.Exit(3 if report["verdict"] == "inconclusive" else 0)


@bench.command(name="fit")
def bench_fit(
    real: Annotated[
        Path | None, typer.Option(help="KITTI tracking set; without one only hidden generators.")
    ] = None,
    splits: Annotated[int, typer.Option(min=1, help="Splits of the real sequences.")] = 20,
    seeds: Annotated[int, typer.Option(min=1, help="Hidden generators.")] = 20,
    as_json: AsJson = False,
) -> None:
    """Measure how much of the gap to real labels a fit closes."""
    from synthgen.bench import fit

    _print(fit.bench_fit(real, splits=splits, seeds=seeds), as_json)


@bench.command(name="audit")
def bench_audit_command(
    dataset: Annotated[Path | None, typer.Option(help="Measure on these clips instead.")] = None,
    tune: Annotated[
        bool, typer.Option("--tune", help="First learn thresholds and vote anew.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Recall and precision of the label audit on faults put into unseen scenes."""
    from synthgen.bench.audit import bench_audit, tune_audit
    from synthgen.campaign.progress import make_progress

    shown = make_progress(None)
    try:
        if tune:
            tune_audit(shown)
        report = bench_audit(shown, dataset)
    finally:
        shown.close()
    _print(report, as_json)


@app.command()
def audit(
    dataset: Annotated[Path, typer.Argument(help="Dataset folder, or KITTI labels.")],
    out: Annotated[
        Path | None, typer.Option(help="Folder for the report.", show_default="DATASET/audit")
    ] = None,
    calibration: Annotated[
        Path | None, typer.Option(help="Thresholds and vote of your own.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Check labels against masks, depth, LiDAR, motion and sizes; rank what looks wrong."""
    from synthgen.qa.audit.audit import audit_dataset
    from synthgen.qa.audit.report import text_report, write_report
    from synthgen.qa.audit.vote import default_calibration, load_calibration

    known = default_calibration() if calibration is None else load_calibration(calibration)
    result = audit_dataset(dataset, known)
    write_report(result, out or dataset / "audit")
    if as_json:
        print(json.dumps(result.document(), indent=1))
    else:
        print(text_report(result, out or dataset / "audit"))
    raise typer.Exit(result.exit_code)


@app.command()
def view(
    dataset: Annotated[Path, typer.Argument(help="Dataset folder.")],
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


@bench.command(name="scenarios")
def bench_scenarios(
    draws: Annotated[int, typer.Option(min=1, help="Runs of each scenario and method.")] = 40,
    names: Annotated[
        list[str] | None, typer.Option("--scenario", help="Of the library; may be repeated.")
    ] = None,
    maps: Maps = None,
    workers: Annotated[int, typer.Option(min=1, help="Simulator slots.")] = 1,
    seed: Annotated[int, typer.Option(min=0, help="Root seed.")] = 7,
    cache: Annotated[
        Path | None,
        typer.Option(help="Folder that keeps the outcomes; runs it holds are not repeated."),
    ] = None,
    minutes: Annotated[
        float, typer.Option(help="Begin no further run after so long; --cache goes on later.")
    ] = float("inf"),
    baseline: Annotated[bool, typer.Option(help="Also run the usual trigger.")] = True,
    as_json: AsJson = False,
) -> None:
    """Measure how often the edge case happens, against the usual trigger."""
    import tempfile

    from synthgen.bench import rehearsals, scenarios

    with tempfile.TemporaryDirectory(prefix="synthgen-scenarios-") as scratch:
        report = scenarios.bench_scenarios(
            cache or Path(scratch),
            draws=draws,
            names=tuple(names or scenarios.FIRST_TWELVE),
            maps=tuple(maps or rehearsals.OWN_TOWNS),
            workers=workers,
            seed=seed,
            minutes=minutes,
            baseline=baseline,
        )
    _print(report, as_json)


@app.command()
def replay(
    dataset: Annotated[Path, typer.Argument(help="Dataset folder.")],
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
    progress: Annotated[
        Literal["rich", "plain", "json"] | None, typer.Option(help="How to tell of it on stderr.")
    ] = None,
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


@bench.command(name="library")
def bench_library(
    maps: Maps = None,
    names: Annotated[
        list[str] | None, typer.Option("--scenario", help="Of the library; may be repeated.")
    ] = None,
    workers: Annotated[int, typer.Option(min=1, help="Simulator slots.")] = 1,
    cache: Annotated[Path | None, typer.Option(help="Folder that keeps the outcomes.")] = None,
    minutes: Annotated[float, typer.Option(help="Begin no further run after so long.")] = float(
        "inf"
    ),
    as_json: AsJson = False,
) -> None:
    """Run every scenario of the library once on every town."""
    import tempfile

    from synthgen.bench import library, rehearsals

    with tempfile.TemporaryDirectory(prefix="synthgen-library-") as scratch:
        report = library.sweep_library(
            cache or Path(scratch),
            maps=tuple(maps or rehearsals.OWN_TOWNS),
            names=names,
            workers=workers,
            minutes=minutes,
        )
    _print(report, as_json)


scenario = typer.Typer(help="Look at scenarios; no simulator is needed.", no_args_is_help=True)
app.add_typer(scenario, name="scenario")
ScenarioFile = Annotated[Path, typer.Argument(help="Scenario file.")]
Town = Annotated[str, typer.Option("--map", help="Town name or .xodr file.")]


@scenario.command(name="list")
def scenario_list(as_json: AsJson = False) -> None:
    """List the scenarios of the library."""
    from scenarios.tools import library

    rows = [
        {"name": e.name, "description": e.description, "tags": list(e.tags), "file": str(e.file)}
        for e in library()
    ]
    if as_json:
        print(json.dumps(rows, indent=1))
        return
    for row in rows:
        print(f"{row['name']:34} {row['description']}")


@scenario.command(name="check")
def scenario_check(
    files: Annotated[list[Path], typer.Argument(help="Scenario files.")],
    rig: Annotated[Path | None, typer.Option(help="Rig file to check them with.")] = None,
) -> None:
    """Check scenario files; one line per fault, with file:line:column."""
    from scenarios.tools import check_file

    if rig is not None:
        from synthgen.doctor.rig_report import rig_warnings

        for warning in rig_warnings(rig):
            print(warning)
    for file in files:
        for warning in check_file(file):
            print(warning)
        print(f"{file}: ok")


@scenario.command(name="schema")
def scenario_schema() -> None:
    """Print the JSON Schema of scenario files."""
    from scenarios.tools import schema_text

    print(schema_text(), end="")


@scenario.command(name="preview")
def scenario_preview(
    file: ScenarioFile,
    out: Annotated[Path, typer.Option(help="PNG to write.")] = Path("preview.png"),
    town: Town = "SynthDowntown",
    seed: SampleSeed = 0,
) -> None:
    """Draw a solved encounter from above, with its time line."""
    from scenarios.placement import load_index
    from scenarios.preview import draw_preview
    from scenarios.tools import sample
    from synthgen.campaign.plan import town_file

    path = town_file(town)
    index = load_index(path, path.stem)
    draw_preview(sample(file, index, seed=seed), index, out)
    print(out)


@scenario.command(name="export-osc")
def scenario_export(
    file: ScenarioFile,
    out: Annotated[Path, typer.Option(help="XOSC file to write.")] = Path("scenario.xosc"),
    town: Town = "SynthDowntown",
    seed: SampleSeed = 0,
) -> None:
    """Write one concrete sample as OpenSCENARIO 1.0; losses are named in its header."""
    from scenarios.openscenario import export_openscenario
    from scenarios.placement import load_index
    from scenarios.tools import sample
    from synthgen.campaign.plan import town_file

    path = town_file(town)
    concrete = sample(file, load_index(path, path.stem), seed=seed)
    export_openscenario(concrete, out, map_file=path.name)
    print(out)


@scenario.command(name="calibrate")
def scenario_calibrate(
    dataset: Annotated[Path, typer.Argument(help="Data set of finished runs.")],
    out: Annotated[Path, typer.Option(help="Calibration file to write.")] = Path("screen.yaml"),
) -> None:
    """Fit the pre-screen to how earlier runs differed from their plans."""
    from scenarios.calibration import fit_calibration, outcomes_of

    fitted = fit_calibration(outcomes_of(dataset))
    out.write_text(fitted.model_dump_json(by_alias=True, indent=1) + "\n")
    print(out)


@scenario.command(name="coverage")
def scenario_coverage(
    dataset: Annotated[Path, typer.Argument(help="Data set of finished runs.")],
) -> None:
    """Count a data set's clips by kind of encounter."""
    from dataclasses import astuple

    from scenarios.coverage import filled_share, ledger

    cells = ledger(dataset)
    for cell, count in cells.items():
        print(f"{count:5}  {'  '.join(astuple(cell))}")
    print(f"{len(cells)} kinds, {filled_share(cells):.0%} of the combinations that occur")


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def serve(context: typer.Context) -> None:
    """Run the embedded CARLA-compatible server; takes its arguments (see --help-server)."""
    arguments = ["--help" if a == "--help-server" else a for a in context.args]
    # The server is another program: it takes this process's place.
    os.execv(sys.executable, [sys.executable, "-m", "synthgen.simserver", *arguments])


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    try:
        result = app(arguments, standalone_mode=False)
    except SynthgenError as err:
        sys.stderr.write(f"{err}\n")
        return err.exit_code
    except typer.Exit as err:
        return int(err.exit_code)
    except (KeyboardInterrupt, typer.Abort):
        return EXIT_INTERRUPTED
    except Exception as err:  # noqa: BLE001 - the last resort: our bug, with its traceback.
        return _unexpected(err)
    return result if isinstance(result, int) else 0


def _unexpected(err: Exception) -> int:
    """A usage error as click words it, or a bug."""
    show = getattr(err, "show", None)
    if show is not None:
        show()
        return int(getattr(err, "exit_code", 2))
    traceback.print_exception(err)
    sys.stderr.write("this is a bug of synthgen; please report it with the lines above\n")
    return EXIT_BUG


def _from_here(path: str | None) -> str | None:
    """A path of the command line: relative to where the user is, not to the config."""
    return None if path is None else str(Path(path).absolute())


def _maps_from_here(maps: list[str] | None) -> tuple[str, ...] | None:
    if not maps:
        return None
    return tuple(str(Path(m).absolute()) if m.endswith(".xodr") else m for m in maps)


def _print(report: dict[str, Any], as_json: bool) -> None:
    """A flat report: JSON for programs, `key  value` lines for people."""
    if as_json:
        print(json.dumps(report, indent=1))
        return
    width = max(len(key) for key in report)
    for key, value in report.items():
        print(f"{key:<{width}}  {value}")


if __name__ == "__main__":
    sys.exit(main())
