"""Verbs that judge a dataset: audit, compare, fit, mine, probe."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated, Literal

import typer

from synthgen.cli.options import LIBRARY, AsJson, Dataset, SampleSeed, print_report


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
    probe_report: Annotated[
        Path | None, typer.Option("--probe", help="JSON of `synthgen probe --json`.")
    ] = None,
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
        probe=probe_report,
        options=Options(seed=seed),
    )
    print(json.dumps(result.report, indent=1) if as_json else result.summary)
    for problem in result.report["problems"]:
        sys.stderr.write(f"{problem}\n")
    raise typer.Exit(result.exit_code)


def fit(
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
    print_report(report, as_json)
    raise typer.Exit(2 if report["not_readable"] else 0)


def mine(
    dataset: Dataset,
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
    print_report(report, as_json)
    if report["not_readable"]:
        raise typer.Exit(2)
    raise typer.Exit(3 if report["verdict"] == "inconclusive" else 0)


def probe(
    real: Annotated[Path, typer.Argument(help="Real data set.")],
    synthetic: Annotated[Path, typer.Argument(help="Synthetic data set.")],
    tier: Annotated[
        Literal["P0", "P1"],
        typer.Option(help="P0: geometry of the labels. P1: crops of images and of sweeps."),
    ] = "P0",
    seed: SampleSeed = 0,
    as_json: AsJson = False,
) -> None:
    """Train small models on each set and test them on each."""
    from synthgen.qa.probe import probe_labels
    from synthgen.qa.probe_crops import probe_crops

    run = probe_labels if tier == "P0" else probe_crops
    report = run(real, synthetic, seed=seed)
    print_report(report, as_json)
    raise typer.Exit(2 if report["not_readable"] else 0)
