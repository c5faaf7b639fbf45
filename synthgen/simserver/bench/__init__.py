"""Benches of the renderer: `python -m synthgen.simserver bench render|lidar|realism --json`."""

from __future__ import annotations

from collections.abc import Sequence


def main(argv: Sequence[str]) -> int:
    """Run one bench and print one flat JSON object; the exit code."""
    raise NotImplementedError
