"""The campaign that `synthgen bench chaos` kills: real server, real client, tiny clips."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any, Final

from synthgen.bench.chaos.capture import HABITS_VARIABLE, Habits
from synthgen.bench.chaos.chaos import ChaosSetup
from synthgen.bench.chaos.killer import WEIGHTS

_HERE: Final = Path(__file__).parent
_CRASH: Final = 3
_HANG: Final = 5
_FLAKY: Final = (1, 8)
_CLIPS: Final = (
    12  # A round under fire takes some minutes: a sitting is not lost with its last one.
)


def chaos_setup(*, kills: int, executor: str, workers: int, seed: int = 0) -> ChaosSetup:
    """A campaign of small clips, two of which can never be made.

    Args:
        kills: How many processes to kill.
        executor: `inline` or `ray`.
        workers: Simulator slots.
        seed: Seed of the killer.
    """
    config: dict[str, Any] = {
        "schema": "synthgen/generation@1",
        "name": "chaos",
        "seed": 3,
        "scenarios": [{"file": str(_HERE / "follow.yaml"), "clips": _CLIPS}],
        "maps": ["SynthMotorway"],
        "rig": str(_HERE / "tiny_rig.yaml"),
        "simulator": {
            "kind": "embedded",
            "quality": "low",
            "threads": 1,
            "deadlines": {"boot_s": 120, "tick_s": 20, "load_s": 60, "phase_s": 60},
        },
        "capture": {"duration_s": 2.5, "period_ticks": 10},
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
        seed=seed,
        targets={kind: w for kind, w in WEIGHTS.items() if executor == "ray" or kind != "actor"},
    )
