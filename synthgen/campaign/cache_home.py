"""A place for what can be rebuilt, where the user has none: containers run without a home."""

from __future__ import annotations

import logging
import os
import tempfile
from pathlib import Path
from typing import Final

logger = logging.getLogger(__name__)

_VARIABLE: Final = "XDG_CACHE_HOME"


def cache_folder() -> Path:
    """The folder for what synthgen can rebuild: `$XDG_CACHE_HOME/synthgen`."""
    return _cache_home() / "synthgen"


def ensure_cache_home() -> None:
    """Let this process and its children keep compiled kernels and map indexes in a folder of ours.

    Nothing changes where the user's own cache folder can be written.
    """
    home = _cache_home()
    if _can_write(home):
        return
    replacement = Path(tempfile.gettempdir()) / f"synthgen-cache-{os.getuid()}"
    replacement.mkdir(mode=0o700, exist_ok=True)
    os.environ[_VARIABLE] = str(replacement)
    logger.warning("%s cannot be written: kernels and maps are cached in %s", home, replacement)


def _cache_home() -> Path:
    return Path(os.environ.get(_VARIABLE) or Path.home() / ".cache")


def _can_write(folder: Path) -> bool:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return True
    except OSError:
        return False
