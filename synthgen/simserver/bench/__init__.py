"""Benches of the server: `python -m synthgen.simserver bench WHAT --json`.

`render`, `lidar` and `realism` judge the renderer, `tick` and `determinism` a server and the
real client.
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
    parser.add_argument("what", choices=("render", "lidar", "realism", "tick", "determinism"))
    parser.add_argument("--json", action="store_true", help="one flat JSON object")
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--maps-dir", type=Path, help="folder with Town10HD.xodr")
    parser.add_argument("--data", type=Path, help="KITTI object data, for realism")
    options = parser.parse_args(argv)
    figures = _figures(options)
    if options.json:
        print(json.dumps(figures))  # noqa: T201 (a command's result)
    else:
        for name, value in figures.items():
            print(f"{name:36} {value}")  # noqa: T201 (a command's result)
    return 0


def _figures(options: argparse.Namespace) -> Mapping[str, object]:
    # Each bench imports what it needs: compiled kernels, towns and the client are slow.
    if options.what in ("tick", "determinism"):
        from synthgen.simserver.bench import ticking

        measure = {"tick": ticking.tick_bench, "determinism": ticking.determinism_bench}
        return measure[options.what](options.maps_dir)
    if options.what == "realism":
        from synthgen.simserver.bench.realism import DEFAULT_DATA, realism_bench

        return realism_bench(options.threads, options.data or DEFAULT_DATA)
    from synthgen.simserver.bench import speed

    run = {"render": speed.render_bench, "lidar": speed.lidar_bench}[options.what]
    return run(options.threads)
