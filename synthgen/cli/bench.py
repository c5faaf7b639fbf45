"""`synthgen bench`: each measurement prints one flat JSON object, units in the key names."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Annotated, Literal

import typer

from synthgen.cli.options import (
    FOR_THE_SERVER,
    QUICKSTART,
    AsJson,
    ConfigFile,
    Maps,
    SampleSeed,
    become_server,
    print_report,
)

app = typer.Typer(help="Measure, and print one flat JSON object.", no_args_is_help=True)

Baseline = Literal["usual_trigger", "random", "none"]


@app.command()
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
    from synthgen.bench.pipeline import bench_pipeline, bench_scaling
    from synthgen.bench.rig import bench_rig

    with tempfile.TemporaryDirectory(prefix="synthgen-pipeline-") as name:
        if rig is not None:
            report = bench_rig(config, Path(name), rig=rig, frames=frames)
        else:
            report = bench_pipeline(config, Path(name), clips=clips)
            report |= bench_scaling(config, Path(name), clips=clips)
    print_report(dict(report), as_json)


@app.command()
def labels(as_json: AsJson = False) -> None:
    """Speed of the labels, per core, beside a per-object loop and regionprops."""
    from synthgen.bench.labels import bench_labels

    print_report(dict(bench_labels()), as_json)


@app.command(name="compile")
def compile_kernels(as_json: AsJson = False) -> None:
    """How long the kernels take to compile on a first start, with an empty cache."""
    from synthgen.bench.compiling import bench_compile

    with tempfile.TemporaryDirectory(prefix="synthgen-compile-") as name:
        print_report(dict(bench_compile(Path(name))), as_json)


@app.command(name="export")
def bench_export(
    dataset: Annotated[
        Path | None, typer.Option(help="Dataset to take a clip of, instead of making one.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Speed and memory of the nuScenes export with six cameras of 1600x900."""
    from synthgen.bench import exports

    with tempfile.TemporaryDirectory(prefix="synthgen-export-") as name:
        folder = Path(name)
        source = dataset or exports.make_dataset(QUICKSTART, folder / "made")
        report = exports.bench_export(folder, source)
    print_report(report, as_json)


@app.command(name="scenarios")
def bench_scenarios(
    draws: Annotated[int, typer.Option(min=1, help="Runs of each scenario and method.")] = 40,
    names: Annotated[
        list[str] | None, typer.Option("--scenario", help="Of the library; may be repeated.")
    ] = None,
    maps: Maps = None,
    workers: Annotated[int, typer.Option(min=1, help="Simulator slots.")] = 1,
    seed: SampleSeed = 7,
    cache: Annotated[
        Path | None,
        typer.Option(help="Folder that keeps the outcomes; runs it holds are not repeated."),
    ] = None,
    minutes: Annotated[
        float, typer.Option(help="Begin no further run after so long; --cache goes on later.")
    ] = float("inf"),
    baseline: Annotated[
        Baseline, typer.Option(help="What the same seeds are also run with.")
    ] = "usual_trigger",
    as_json: AsJson = False,
) -> None:
    """Measure how often the edge case happens, against the usual trigger."""
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
            baseline=None if baseline == "none" else baseline,
        )
    print_report(report, as_json)


@app.command(name="library")
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
    from synthgen.bench import library, rehearsals

    with tempfile.TemporaryDirectory(prefix="synthgen-library-") as scratch:
        report = library.sweep_library(
            cache or Path(scratch),
            maps=tuple(maps or rehearsals.OWN_TOWNS),
            names=names,
            workers=workers,
            minutes=minutes,
        )
    print_report(report, as_json)


@app.command(name="audit")
def bench_audit_command(
    dataset: Annotated[Path | None, typer.Option(help="Measure on these clips instead.")] = None,
    tune: Annotated[
        bool, typer.Option("--tune", help="First learn thresholds and vote anew.")
    ] = False,
    tune_on: Annotated[
        Path | None, typer.Option(help="Learn on these clips instead; none may be measured on.")
    ] = None,
    publish: Annotated[
        bool, typer.Option("--publish", help="Store the figures for every audit's report.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Recall and precision of the label audit on faults put into unseen scenes."""
    from synthgen.bench.audit import CALIBRATION, bench_audit, tune_audit
    from synthgen.campaign.progress import make_progress
    from synthgen.qa.audit.measured import save_measured

    shown = make_progress(None)
    try:
        if tune or tune_on is not None:
            tune_audit(shown, tune_on)
        report = bench_audit(shown, dataset)
    finally:
        shown.close()
    if publish:
        save_measured(report, CALIBRATION.parent)
    print_report(report, as_json)


@app.command(name="fit")
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

    print_report(fit.bench_fit(real, splits=splits, seeds=seeds), as_json)


@app.command()
def chaos(
    kills: Annotated[int, typer.Option(min=1, help="Processes to kill.")] = 300,
    executor: Annotated[Literal["inline", "ray"], typer.Option(help="What runs it.")] = "inline",
    workers: Annotated[int, typer.Option(min=1, help="Simulator slots.")] = 1,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the killer.")] = 0,
    cache: Annotated[
        Path | None, typer.Option(help="Folder that keeps finished rounds, to go on later.")
    ] = None,
    minutes: Annotated[
        float, typer.Option(help="Begin no further round after so long; --cache goes on later.")
    ] = float("inf"),
    as_json: AsJson = False,
) -> None:
    """Kill a campaign's processes at random; nothing may be lost, doubled or broken."""
    from synthgen.bench.chaos.campaign import chaos_setup
    from synthgen.bench.chaos.chaos import is_flawless, run_chaos

    setup = chaos_setup(kills=kills, executor=executor, workers=workers, seed=seed)
    with tempfile.TemporaryDirectory(prefix="synthgen-chaos-") as name:
        report = run_chaos(setup, cache or Path(name), minutes=minutes)
    print_report(report, as_json)
    missing = 3 if report["missing"] else 0
    raise typer.Exit(missing if is_flawless(report) else 1)


def _of_the_server(what: str, claim: str) -> None:
    def measure(context: typer.Context) -> None:
        become_server(["bench", what, *context.args])

    app.command(name=what, help=claim, add_help_option=False, context_settings=FOR_THE_SERVER)(
        measure
    )


for _what, _claim in {
    "render": "Milliseconds a camera frame, by quality and size, beside an empty trace.",
    "lidar": "Milliseconds a sweep, beside Open3D's ray casting of the same rays.",
    "realism": "Image and LiDAR statistics beside those of real KITTI frames (--data).",
    "tick": "Ticks per second with traffic, and how fast the embedded server starts.",
    "determinism": "Hash of all positions after 400 ticks, in fresh processes and episodes.",
}.items():
    _of_the_server(_what, _claim)
