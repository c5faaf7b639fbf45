"""All that a process needs to solve jobs, loaded: imported by the one that those are copies of.

Reading the table of object classes and the compiled kernels takes longer than to solve a hundred
jobs, and is done once like this, not once a process.
"""

from __future__ import annotations

import synthgen.campaign.solve as solve
from scenarios.warmup import load_kernels
from synthgen.datatypes.taxonomy import default_taxonomy

__all__ = ["solve"]

default_taxonomy()
load_kernels()
