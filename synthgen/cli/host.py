"""Verbs about this machine and its simulator: doctor, serve."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from synthgen.cli.options import QUICKSTART, AsJson, become_server


def doctor(
    simulator: Annotated[str | None, typer.Option(help="HOST:PORT of a CARLA server.")] = None,
    carla: Annotated[Path | None, typer.Option(help="Executable of an installed CARLA.")] = None,
    out: Annotated[Path, typer.Option(help="Where datasets shall go.")] = Path("out"),
    proof: Annotated[bool, typer.Option("--proof", help="Make one clip as a proof.")] = False,
    rig: Annotated[Path | None, typer.Option(help="Check this rig file instead.")] = None,
    picture: Annotated[Path | None, typer.Option(help="PNG of the rig's views to write.")] = None,
    town: Annotated[
        Path | None,
        typer.Option(
            "--map", exists=True, dir_okay=False, help="Check this OpenDRIVE file instead."
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Check this machine, a CARLA host, a rig or a map, and say how to mend what is wrong."""
    from synthgen.campaign.config import load_config
    from synthgen.doctor.examine import as_report, examine
    from synthgen.doctor.rig_report import rig_findings
    from synthgen.doctor.town_report import town_findings

    if town is not None:
        findings = town_findings(town)
    elif rig is not None:
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


def serve(context: typer.Context) -> None:
    """Run the embedded CARLA-compatible server; --help lists its arguments."""
    if not {"-h", "-help", "--help"} & set(context.args):
        _compile_what_is_new()
    become_server(context.args)


def _compile_what_is_new() -> None:
    """What takes a minute once, before clients that give a call some seconds find a server."""
    from synthgen.campaign.cache_home import ensure_cache_home
    from synthgen.campaign.warm_up import warm_up

    ensure_cache_home()
    warm_up("synthgen.simserver", "warmup", note=lambda line: print(line, file=sys.stderr))
