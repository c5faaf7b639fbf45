"""The command line offers the verbs of the design page, and imports nothing heavy to list them."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest
import typer

from synthgen.cli import app, main

VERBS = [
    "generate",
    "plan",
    "scenario",
    "serve",
    "export",
    "info",
    "relabel",
    "replay",
    "audit",
    "compare",
    "fit",
    "mine",
    "probe",
    "lock",
    "verify",
    "diff",
    "view",
    "bench",
    "doctor",
]
SCENARIO_VERBS = ["list", "check", "preview", "schema", "export-osc", "calibrate", "coverage"]
MEASUREMENTS = [
    "pipeline",
    "labels",
    "export",
    "scenarios",
    "library",
    "audit",
    "fit",
    "chaos",
    "render",
    "lidar",
    "realism",
    "tick",
    "compile",
    "determinism",
]


@pytest.mark.parametrize(
    ("group", "verbs"),
    [((), VERBS), (("scenario",), SCENARIO_VERBS), (("bench",), MEASUREMENTS)],
)
def test_every_verb_is_offered(group: tuple[str, ...], verbs: list[str]) -> None:
    command = typer.main.get_command(app)
    for name in group:
        command = command.commands[name]  # type: ignore[attr-defined]  # A group has them.

    assert set(command.commands) == set(verbs)  # type: ignore[attr-defined]


def test_help_loads_no_heavy_package() -> None:
    program = (
        "import sys; from synthgen.cli import main; main(['--help']);"
        "print(sorted({'carla', 'ray', 'numba', 'numpy', 'cv2', 'pyarrow'} & set(sys.modules)))"
    )

    shown = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)

    assert shown.stdout.splitlines()[-1] == "[]"


def test_arguments_of_serve_reach_the_server() -> None:
    command = [sys.executable, "-m", "synthgen.cli", "serve", "--help"]

    shown = subprocess.run(command, capture_output=True, text=True)

    assert "--maps-dir" in shown.stdout


def test_serve_compiles_what_is_new_before_it_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[tuple[str, ...]] = []
    monkeypatch.setattr(
        "synthgen.campaign.warm_up.warm_up", lambda *program, note: done.append(program)
    )
    monkeypatch.setattr("synthgen.cli.host.become_server", lambda given: done.append(tuple(given)))

    main(["serve", "--port", "0"])

    assert done == [("synthgen.simserver", "warmup"), ("--port", "0")]


def test_the_version_is_the_distributions(capsys: pytest.CaptureFixture[str]) -> None:
    code = main(["--version"])

    assert code == 0
    assert capsys.readouterr().out == f"synthgen {version('synthgen')}\n"


def test_a_scenario_may_be_named_as_the_library_lists_it(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["scenario", "check", "lead_hard_brake"]) == 0
    assert capsys.readouterr().out.endswith("scenarios/library/lead_hard_brake.yaml: ok\n")
    assert main(["scenario", "check", "lead_soft_brake"]) == 2
    message = capsys.readouterr().err
    assert message.startswith("lead_soft_brake: neither a file nor a scenario of the library")


def test_map_to_check_is_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", "--map", str(tmp_path)]) == 2
    assert "is a directory" in " ".join(capsys.readouterr().err.split())
