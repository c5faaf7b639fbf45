"""The campaign that `synthgen bench chaos` kills: real server, real client, tiny pictures."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any, Final

from synthgen.bench.chaos.capture import HABITS_VARIABLE, Habits
from synthgen.bench.chaos.chaos import ChaosSetup

_CRASH: Final = 3
_HANG: Final = 5
_FLAKY: Final = (1, 8, 13)
_CLIPS: Final = 24
_MEAN_INTERVAL_S: Final = 4.0
_RIG: Final[dict[str, Any]] = {
    "schema": "synthgen/rig@1",
    "name": "tiny",
    "sensors": [
        {
            "modality": "camera",
            "name": "cam_front",
            "role": "front",
            "mount": {"x_m": 0.3, "y_m": 0.0, "z_m": 1.68},
            "width_px": 320,
            "height_px": 180,
            "fov_deg": 80,
        }
    ],
}


def chaos_setup(
    folder: Path, *, kills: int, executor: str, workers: int, seed: int = 0
) -> ChaosSetup:
    """A campaign of small clips, two of which can never be made.

    Args:
        folder: Where its rig file and datasets go.
        kills: How many processes to kill.
        executor: `inline` or `ray`.
        workers: Simulator slots.
        seed: Seed of the killer.
    """
    folder.mkdir(parents=True, exist_ok=True)
    rig = folder / "tiny.yaml"
    rig.write_text(json.dumps(_RIG))
    config: dict[str, Any] = {
        "schema": "synthgen/generation@1",
        "name": "chaos",
        "seed": 3,
        "scenarios": [{"file": "scenarios/library/jaywalk_parked_van.yaml", "clips": _CLIPS}],
        "maps": ["SynthDowntown"],
        "rig": str(rig),
        "simulator": {
            "kind": "embedded",
            "quality": "low",
            "threads": 1,
            "deadlines": {"boot_s": 120, "tick_s": 40, "load_s": 60, "phase_s": 60},
        },
        "capture": {"duration_s": 8.0, "period_ticks": 4},
        "max_draws": 20,
        "executor": executor,
        "workers": workers,
        "previews": False,
    }
    habits = Habits(crash=(_CRASH,), hang=(_HANG,), flaky=_FLAKY)
    return ChaosSetup(
        config=config,
        capture_command=(sys.executable, "-m", "synthgen.bench.chaos.capture"),
        environment={HABITS_VARIABLE: habits.model_dump_json()},
        poison=frozenset({_CRASH, _HANG}),
        kills=kills,
        mean_interval_s=_MEAN_INTERVAL_S,
        seed=seed,
    )
