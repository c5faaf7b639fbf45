"""One small dataset, made by the main program, that all end-to-end tests read."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def generate(out: Path, *arguments: str, config: str = "tests/e2e/tiny.yaml") -> None:
    """Run the main program; its output is shown when it fails."""
    command: Sequence[str] = (
        *(sys.executable, "run_generation.py", config),
        *("--out", str(out), "--progress", "plain", *arguments),
    )
    environment = {**os.environ, "RAY_USAGE_STATS_ENABLED": "0"}
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]


@pytest.fixture(scope="session")
def tiny_dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two accepted clips of a pedestrian stepping out from behind a van."""
    out = tmp_path_factory.mktemp("e2e") / "tiny"
    generate(out)
    return out
