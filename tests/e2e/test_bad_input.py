"""Each bad input ends in one clear message and its exit code, before any simulator starts."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from synthgen.cli import main
from synthgen.cli.options import QUICKSTART
from tests.chaos.standin_run import ROOT, standin_config

Edit = Callable[[dict[str, Any]], object]


def run(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    """Exit code and stderr of the command line."""
    code = main(arguments)
    return code, capsys.readouterr().err


def write_config(folder: Path, **changes: Any) -> Path:
    path = folder / "job.yaml"
    path.write_text(json.dumps({**standin_config(folder), "out": str(folder / "out"), **changes}))
    return path


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("schema: synthgen/generation@1\nname: [a\n", "job.yaml:3:1: "),
        ("schema: synthgen/generation@1\nname: a\nnmae: b\n", "job.yaml:3:1: nmae: unknown field"),
        ("name: a\nname: b\n", "job.yaml:2:1: duplicate key 'name'"),
        ("name: &x a\n", "job.yaml:1:7: anchors are not allowed"),
        ("[" * 5000, "nested deeper than 40 levels"),
        ("seed: .nan\n", "job.yaml:1:7: .nan is not a finite number"),
        ("", "job.yaml:1:1: the file is empty"),
    ],
)
def test_broken_config_names_line_and_column(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, words: str
) -> None:
    (tmp_path / "job.yaml").write_text(text)
    code, said = run(["generate", str(tmp_path / "job.yaml")], capsys)
    assert code == 2
    assert words in said
    assert "Traceback" not in said


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"maps": ["Atlantis"]}, "map Atlantis: "),
        ({"maps": ["nowhere.xodr"]}, "map nowhere.xodr: no such file"),
        ({"rig": "sensors/rigs/none.yaml"}, "rig sensors/rigs/none.yaml: no such file"),
        ({"out": "/proc/synthgen/out"}, "cannot be written"),
        ({"capture": {"duration_s": 1e6}}, "capture.duration_s: "),
        ({"max_bytes": 1000}, "forecast 960 frames"),
        ({"name": "../x"}, "name: "),
        ({"publish": "nowhere://bucket/x"}, "publish nowhere://bucket/x: "),
        ({"exports": [{"format": "jpeg2000", "out": "x"}]}, "format jpeg2000: expected one of"),
        ({"simulator": {"kind": "carla"}}, "give either host"),
    ],
)
def test_impossible_job_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], changes: dict[str, Any], words: str
) -> None:
    simulator = {"simulator": {"kind": "embedded"}, **changes}
    code, said = run(["generate", str(write_config(tmp_path, **simulator))], capsys)
    assert (code, words in said) == (2, True), said
    assert not (tmp_path / "out" / "dataset.json").exists()


def test_number_without_unit_in_a_scenario_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    library = (ROOT / "scenarios" / "library" / "jaywalk_parked_van.yaml").read_text()
    line = next(n for n, text in enumerate(library.splitlines(), 1) if text.startswith("duration:"))
    bare = "\n".join(
        "duration: 14" if t.startswith("duration:") else t for t in library.split("\n")
    )
    (tmp_path / "bare.yaml").write_text(bare)
    config = write_config(tmp_path, scenarios=[{"file": str(tmp_path / "bare.yaml"), "clips": 1}])
    code, said = run(["plan", str(config)], capsys)
    assert code == 2
    assert f"bare.yaml:{line}:" in said


def test_folder_with_other_files_is_left_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "thesis.tex").write_text("years of work")
    code, said = run(["generate", str(write_config(tmp_path))], capsys)
    assert code == 2
    assert "is not empty and no dataset" in said


def test_nothing_to_resume_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, said = run(["generate", str(write_config(tmp_path)), "--resume"], capsys)
    assert (code, "there is no dataset to resume" in said) == (2, True)


def test_driver_loads_neither_the_client_nor_ray_nor_the_renderer() -> None:
    code = (
        "import sys\n"
        "from synthgen.cli import main\n"
        f"assert main(['plan', {str(QUICKSTART)!r}]) == 0\n"
        "import synthgen.campaign.run\n"
        "names = ('carla', 'ray', 'numba', 'embreex', 'synthgen.simserver', 'synthgen.runner')\n"
        "print([name for name in names if name in sys.modules])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.stdout.splitlines()[-1] == "[]", done.stderr


def test_a_circle_of_links_is_no_place_for_a_dataset(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "here").symlink_to("there")
    (tmp_path / "there").symlink_to("here")
    config = write_config(tmp_path, out=str(tmp_path / "here"))
    code, said = run(["generate", str(config)], capsys)
    assert code == 2
    assert "here: cannot be written: Too many levels of symbolic links" in said
    assert "Traceback" not in said


def test_a_name_that_is_too_long_is_no_bug_of_ours(capsys: pytest.CaptureFixture[str]) -> None:
    code, said = run(["info", "a" * 300], capsys)
    assert code == 2
    assert "File name too long" in said
    assert "Traceback" not in said


def test_many_entries_do_not_add_up_to_more_than_a_dataset_can_hold(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    entry = {**standin_config(tmp_path)["scenarios"][0], "clips": 1_000_000}
    config = write_config(tmp_path, scenarios=[entry] * 1000)
    code, said = run(["plan", str(config)], capsys)
    assert code == 2
    assert "1000000000 clips, at most 1000000 are one dataset" in said
