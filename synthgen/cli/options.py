"""Options and arguments that several verbs share, and how a report is printed."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Final, Literal, NoReturn

import typer

QUICKSTART: Final = Path(__file__).resolve().parents[2] / "configs/generation/quickstart.yaml"
LIBRARY: Final = Path(__file__).resolve().parents[2] / "scenarios/library"

ConfigFile = Annotated[
    Path,
    typer.Argument(help="Generation config.", show_default="configs/generation/quickstart.yaml"),
]
Dataset = Annotated[Path, typer.Argument(help="Dataset folder.")]
Out = Annotated[str | None, typer.Option(help="Dataset folder, instead of the config's.")]
Seed = Annotated[int | None, typer.Option(min=0, help="Root seed.")]
Workers = Annotated[int | None, typer.Option(min=1, help="Simulator slots.")]
Executor = Annotated[
    Literal["auto", "inline", "ray"] | None, typer.Option(help="What runs the slots.")
]
SampleSeed = Annotated[int, typer.Option(min=0, help="Root seed.")]
Limit = Annotated[int | None, typer.Option(min=1, help="Make so many clips at most.")]
Maps = Annotated[
    list[str] | None, typer.Option("--map", help="Town name or .xodr file; may be repeated.")
]
Progress = Annotated[
    Literal["rich", "plain", "json"] | None, typer.Option(help="How to tell of it on stderr.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]

FOR_THE_SERVER: Final = {"allow_extra_args": True, "ignore_unknown_options": True}
"""Settings of a verb whose arguments the embedded server reads, `--help` among them."""


def from_here(path: str | None) -> str | None:
    """A path of the command line: relative to where the user is, not to the config."""
    return None if path is None else str(Path(path).absolute())


def maps_from_here(maps: list[str] | None) -> tuple[str, ...] | None:
    """Towns as given; files relative to where the user is."""
    if not maps:
        return None
    return tuple(str(Path(m).absolute()) if m.endswith(".xodr") else m for m in maps)


def print_report(report: dict[str, Any], as_json: bool) -> None:
    """A flat report: JSON for programs, `key  value` lines for people."""
    if as_json:
        print(json.dumps(report, indent=1))
        return
    width = max(len(key) for key in report)
    for key, value in report.items():
        print(f"{key:<{width}}  {value}")


def become_server(arguments: Sequence[str]) -> NoReturn:
    """Let the embedded server, a program of its own, take this process's place."""
    os.execv(sys.executable, [sys.executable, "-m", "synthgen.simserver", *arguments])
