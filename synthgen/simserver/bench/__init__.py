"""Benches of the server: `python -m synthgen.simserver bench WHAT --json`.

`render` and `lidar` time the renderer, `tick` and `determinism` a server and the real client.
"""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path


def main(argv: Sequence[str]) -> int:
    """Run one bench and print its figures; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m synthgen.simserver bench")
    parser.add_argument("what", choices=("render", "lidar", "tick", "determinism"))
    parser.add_argument("--json", action="store_true", help="one flat JSON object")
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--maps-dir", type=Path, help="folder with Town10HD.xodr")
    options = parser.parse_args(argv)
    figures = _figures(options)
    if options.json:
        print(json.dumps(figures))  # noqa: T201 (a command's result)
    else:
        for name, value in figures.items():
            print(f"{name:32} {value}")  # noqa: T201 (a command's result)
    return 0


def _figures(options: argparse.Namespace) -> Mapping[str, object]:
    if options.what in ("tick", "determinism"):
        from synthgen.simserver.bench import ticking  # the carla client, which renders nothing

        measure = {"tick": ticking.tick_bench, "determinism": ticking.determinism_bench}
        return measure[options.what](options.maps_dir)
    from synthgen.simserver.bench import speed  # compiled kernels: slow to import

    run = {"render": speed.render_bench, "lidar": speed.lidar_bench}[options.what]
    return run(options.threads)
