"""Make a dataset: `python run_generation.py [CONFIG] [--out DIR] [--workers N] [--map TOWN] ...`.

Without arguments it makes `configs/generation/quickstart.yaml`: three clips of a pedestrian who
steps out from behind a parked van. The same as `synthgen generate`; `--help` lists all options.
"""

from __future__ import annotations

import sys

from synthgen.cli import main

if __name__ == "__main__":
    sys.exit(main(["generate", *sys.argv[1:]]))
