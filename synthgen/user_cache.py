"""Where everything lies that synthgen can rebuild: kernels, map indexes, drawn towns."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

CACHE_VARIABLE: Final = "XDG_CACHE_HOME"


def cache_home() -> Path:
    """The user's own cache folder: `$XDG_CACHE_HOME`, or `~/.cache`."""
    return Path(os.environ.get(CACHE_VARIABLE) or Path.home() / ".cache")


def user_cache() -> Path:
    """Ours in it: `$XDG_CACHE_HOME/synthgen`."""
    return cache_home() / "synthgen"
