"""A campaign whose server and capture program are stand-ins: fast, and as killable as the real."""

from __future__ import annotations

import json
import stat
import sys
from pathlib import Path
from typing import Any

from synthgen.bench.chaos.chaos import ChaosSetup

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
FAKE_CAPTURE = (sys.executable, str(HERE / "fake_capture.py"))
CRASHES, HANGS, FLAKY, REJECTED = 3, 5, (1, 8), (2, 4)


def standin_config(folder: Path, **changes: Any) -> dict[str, Any]:
    """A generation config for stand-ins, without `out`."""
    folder.mkdir(parents=True, exist_ok=True)
    launcher = folder / "CarlaUE4.sh"
    launcher.write_text(f'#!/bin/sh\n{sys.executable} {HERE / "standin_server.py"} "$@"\n')
    launcher.chmod(launcher.stat().st_mode | stat.S_IXUSR)
    config: dict[str, Any] = {
        "schema": "synthgen/generation@1",
        "name": "standin",
        "seed": 11,
        "scenarios": [
            {"file": str(ROOT / "scenarios/library/jaywalk_parked_van.yaml"), "clips": 12}
        ],
        "maps": [str(ROOT / "synthgen/simserver/maps/towns/SynthDowntown.xodr")],
        "rig": str(ROOT / "sensors/rigs/front.yaml"),
        "simulator": {
            "kind": "carla",
            "executable": str(launcher),
            "stagger_s": 0,
            "deadlines": {"boot_s": 30, "tick_s": 2, "load_s": 30, "phase_s": 30},
        },
        "executor": "inline",
        "workers": 1,
        "previews": False,
    }
    return {**config, **changes}


def standin_environment(**habits: Any) -> dict[str, str]:
    """Environment that gives the stand-in capture its habits."""
    given = {
        "crash": [CRASHES],
        "hang": [HANGS],
        "flaky": list(FLAKY),
        "reject": list(REJECTED),
        **habits,
    }
    return {"FAKE_CAPTURE": json.dumps(given), "PYTHONPATH": str(ROOT)}


def standin_chaos(folder: Path, *, kills: int, **changes: Any) -> ChaosSetup:
    """Chaos over stand-ins, with one clip that always crashes and one that always hangs."""
    return ChaosSetup(
        config=standin_config(folder, **changes),
        capture_command=FAKE_CAPTURE,
        environment=standin_environment(),
        poison=frozenset({CRASHES, HANGS}),
        kills=kills,
        seed=5,
    )
