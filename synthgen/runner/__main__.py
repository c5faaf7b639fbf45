"""The capture process: `python -m synthgen.runner --job JOB.json --server HOST:PORT ...`."""

from __future__ import annotations

import argparse
import contextlib
import errno
import logging
import sys
from pathlib import Path
from typing import Final

from pydantic import ValidationError

from synthgen.datatypes.clip_job import EXIT_SIM_FAULT, ClipJob, Receipt
from synthgen.errors import (
    ConfigError,
    OutputError,
    SimulatorError,
    SynthgenError,
)
from synthgen.runner.heap import keep_freed_memory
from synthgen.runner.heartbeat import Pulse
from synthgen.runner.run_clip import Link, run_job
from synthgen.store.durable import write_durably

logger = logging.getLogger("synthgen.runner")

_DISK_REFUSED: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EROFS})


def main(arguments: list[str] | None = None) -> int:
    """Run one job; the exit code says whether the simulator is to blame."""
    keep_freed_memory()
    options = _options(arguments)
    logging.basicConfig(
        level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )
    job = _read_job(options.job)
    host, _, port = options.server.rpartition(":")
    link = Link(host, int(port), options.tm_port)
    pulse = Pulse(options.heartbeat)
    cache = options.receipt.parent / "carla_files"
    try:
        receipt = run_job(job, link, staging=options.staging, cache=cache, pulse=pulse)
        _write_receipt(options.receipt, receipt)
    except (SynthgenError, RuntimeError, OSError) as err:
        logger.exception("clip %s: failed", job.clip_id)
        with contextlib.suppress(OutputError):  # On a full disk the exit code says enough.
            _write_receipt(options.receipt, _fault(job, pulse, err))
        return _exit_code(err)
    return 0


def _exit_code(err: Exception) -> int:
    """Whose fault it was.

    The client raises RuntimeError for everything that goes wrong on the wire; the libraries that
    write for us raise OSError.
    """
    if isinstance(err, SynthgenError) and not isinstance(err, SimulatorError):
        return err.exit_code
    if isinstance(err, OSError) and err.errno in _DISK_REFUSED:
        return OutputError.exit_code
    return EXIT_SIM_FAULT


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m synthgen.runner", description=__doc__)
    parser.add_argument("--job", type=Path, required=True)
    parser.add_argument("--server", required=True, help="HOST:PORT of the simulator's RPC door")
    parser.add_argument("--tm-port", type=int, required=True)
    parser.add_argument("--staging", type=Path, required=True)
    parser.add_argument("--heartbeat", type=Path, required=True)
    parser.add_argument("--receipt", type=Path, required=True)
    return parser.parse_args(arguments)


def _read_job(path: Path) -> ClipJob:
    try:
        return ClipJob.model_validate_json(path.read_bytes())
    except (OSError, ValidationError) as err:
        raise ConfigError(f"{path}: expected a job of schema synthgen/job@1: {err}") from err


def _fault(job: ClipJob, pulse: Pulse, err: Exception) -> Receipt:
    kind = type(err).__name__
    return Receipt(
        clip_id=job.clip_id,
        status="fault",
        reason=f"{kind}: {err}"[:800],
        phase=pulse.last.phase,
        tick=pulse.last.tick,
        signature=f"{pulse.last.phase}|{pulse.last.tick}|{kind}",
    )


def _write_receipt(path: Path, receipt: Receipt) -> None:
    write_durably(path, receipt.model_dump_json(by_alias=True).encode())


if __name__ == "__main__":
    sys.exit(main())
