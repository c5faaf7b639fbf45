"""`synthgen scenario`: look at scenarios; no simulator is needed."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from synthgen.cli.options import LIBRARY, AsJson, SampleSeed
from synthgen.errors import ConfigError

if TYPE_CHECKING:
    from scenarios.concrete import ConcreteScenario
    from scenarios.placement import MapIndex

app = typer.Typer(help="Look at scenarios; no simulator is needed.", no_args_is_help=True)


def _scenario_file(text: str) -> Path:
    """A scenario file, or that of a scenario of the library by its name."""
    for path in (Path(text), LIBRARY / f"{text}.yaml"):
        if path.exists():
            return path
    raise ConfigError(
        f"{text}: neither a file nor a scenario of the library; "
        "`synthgen scenario list` names those"
    )


ScenarioFile = Annotated[
    Path,
    typer.Argument(help="Scenario file, or a name of the library.", parser=_scenario_file),
]
Town = Annotated[
    str | None,
    typer.Option("--map", help="Town name or .xodr file.", show_default="a town that has a site"),
]


@app.command(name="list")
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


@app.command(name="check")
def scenario_check(
    files: Annotated[
        list[Path],
        typer.Argument(help="Scenario files, or names of the library.", parser=_scenario_file),
    ],
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


@app.command(name="schema")
def scenario_schema() -> None:
    """Print the JSON Schema of scenario files."""
    from scenarios.tools import schema_text

    print(schema_text(), end="")


@app.command(name="preview")
def scenario_preview(
    file: ScenarioFile,
    out: Annotated[Path, typer.Option(help="PNG to write.")] = Path("preview.png"),
    town: Town = None,
    seed: SampleSeed = 0,
) -> None:
    """Draw a solved encounter from above, with its time line."""
    from scenarios.loader import load_scenario
    from scenarios.preview import draw_preview
    from scenarios.tools import si_units

    concrete, index = _sample(file, town, seed)
    draw_preview(concrete, index, out, si_units(load_scenario(file)))
    print(out)


@app.command(name="export-osc")
def scenario_export(
    file: ScenarioFile,
    out: Annotated[Path, typer.Option(help="XOSC file to write.")] = Path("scenario.xosc"),
    town: Town = None,
    seed: SampleSeed = 0,
) -> None:
    """Write one concrete sample as OpenSCENARIO 1.0; losses are named in its header."""
    from scenarios.openscenario import export_openscenario

    concrete, _ = _sample(file, town, seed)
    map_file = Path(town).name if town and town.endswith(".xodr") else f"{concrete.map_name}.xodr"
    export_openscenario(concrete, out, map_file=map_file)
    print(out)


def _sample(file: Path, town: str | None, seed: int) -> tuple[ConcreteScenario, MapIndex]:
    """A draw of a scenario on a map: the one asked for, or the first town of ours with a site."""
    from scenarios.compile import sites_for
    from scenarios.loader import load_scenario
    from scenarios.placement import load_index
    from scenarios.tools import sample
    from synthgen.campaign.plan import TOWNS, town_file
    from synthgen.campaign.warm_up import warm_up

    warm_up("scenarios.warmup", note=lambda line: print(line, file=sys.stderr))
    paths = [town_file(town)] if town else sorted(TOWNS.glob("*.xodr"))
    spec, missing = load_scenario(file), []
    for path in paths:
        index = load_index(path, path.stem)
        try:
            sites_for(spec, index)
        except ConfigError as err:
            missing.append(str(err))
            continue
        return sample(file, index, seed=seed), index
    raise ConfigError("\n".join(missing))


@app.command(name="calibrate")
def scenario_calibrate(
    dataset: Annotated[Path, typer.Argument(help="Data set of finished runs.")],
    out: Annotated[Path, typer.Option(help="Calibration file to write.")] = Path("screen.yaml"),
) -> None:
    """Fit the pre-screen to how earlier runs differed from their plans."""
    from scenarios.calibration import fit_calibration, outcomes_of

    fitted = fit_calibration(outcomes_of(dataset))
    out.write_text(fitted.model_dump_json(by_alias=True, indent=1) + "\n")
    print(out)


@app.command(name="coverage")
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
