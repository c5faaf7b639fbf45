"""Benches of the renderer: `python -m synthgen.simserver bench render|lidar --json`."""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Sequence


def main(argv: Sequence[str]) -> int:
    """Run one bench and print its figures; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m synthgen.simserver bench")
    parser.add_argument("what", choices=("render", "lidar"))
    parser.add_argument("--json", action="store_true", help="one flat JSON object")
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    options = parser.parse_args(argv)
    from synthgen.simserver.bench import speed  # compiled kernels: slow to import

    run = {"render": speed.render_bench, "lidar": speed.lidar_bench}[options.what]
    figures = run(options.threads)
    if options.json:
        print(json.dumps(figures))  # noqa: T201 (a command's result)
    else:
        for name, value in figures.items():
            print(f"{name:32} {value}")  # noqa: T201 (a command's result)
    return 0
