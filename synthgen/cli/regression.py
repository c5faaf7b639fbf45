"""Verbs that pin a set and say what moved: lock, verify, diff."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from synthgen.cli.options import AsJson
from synthgen.errors import ConfigError

if TYPE_CHECKING:
    from synthgen.regression.change import Kind
    from synthgen.regression.outcome import Outcome


LockOut = Annotated[Path | None, typer.Option(help="Lock file to write.", show_default="*.lock")]
ReportOut = Annotated[Path | None, typer.Option(help="Folder for report and pictures.")]
Allow = Annotated[
    list[str] | None,
    typer.Option("--allow", help="Kind of change that does not fail; may be repeated."),
]


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
