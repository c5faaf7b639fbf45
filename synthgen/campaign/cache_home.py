"""A place for what can be rebuilt, where the user has none: containers run without a home."""

from __future__ import annotations

import logging
import os
import tempfile
from pathlib import Path

from synthgen.user_cache import CACHE_VARIABLE, cache_home

logger = logging.getLogger(__name__)


def ensure_cache_home() -> None:
    """Let this process and its children keep compiled kernels and map indexes in a folder of ours.

    Nothing changes where the user's own cache folder can be written.
    """
    home = cache_home()
    if _can_write(home):
        return
    replacement = Path(tempfile.gettempdir()) / f"synthgen-cache-{os.getuid()}"
    replacement.mkdir(mode=0o700, exist_ok=True)
    os.environ[CACHE_VARIABLE] = str(replacement)
    logger.warning("%s cannot be written: kernels and maps are cached in %s", home, replacement)


def _can_write(folder: Path) -> bool:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return True
    except OSError:
        return False
