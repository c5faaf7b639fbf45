"""The processes that share the solving of a plan's jobs: copies of one in which all is loaded."""

from __future__ import annotations

import multiprocessing
from multiprocessing import forkserver
from multiprocessing.context import ForkServerContext
from typing import Final

_LOADED: Final = "synthgen.campaign.solve_ready"


def solving_context() -> ForkServerContext:
    """Where the processes come from."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([_LOADED])
    return context


def start_loading() -> None:
    """Load what solves into the process to copy, beside whatever this one does next."""
    solving_context()
    forkserver.ensure_running()
