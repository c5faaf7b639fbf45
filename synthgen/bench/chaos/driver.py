"""The run that is killed: `python -m synthgen.bench.chaos.driver CONFIG CAPTURE_COMMAND...`."""

from __future__ import annotations

import logging
import sys
from pathlib import Path

from synthgen.campaign.config import load_config, project_root
from synthgen.campaign.progress import PlainProgress
from synthgen.campaign.run import RunOptions, run_campaign
from synthgen.errors import SynthgenError


def main(config_file: Path, capture_command: tuple[str, ...]) -> int:
    """Make the config's dataset with another capture program."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s: %(message)s")
    config = load_config(config_file)
    options = RunOptions(capture_command=capture_command)
    try:
        return run_campaign(config, project_root(config_file), PlainProgress(), options)
    except SynthgenError as err:
        sys.stderr.write(f"{err}\n")
        return err.exit_code


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), tuple(sys.argv[2:])))
