"""The formats' own tools, each in an environment of its own, called as another program.

`requirements/<devkit>.txt` pins what an environment holds; `requirements/<devkit>.no_deps.txt`, if
there is one, is installed after it without dependencies (packages of which only a few files are
used). The environment lies in `$XDG_CACHE_HOME/synthgen/devkits/<devkit>-<hash of the files>` and
is built once, under a lock.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
_INSTALL_TIMEOUT_S = 1200
_SCRIPT_TIMEOUT_S = 600


def cache_folder() -> Path:
    """Where environments and test datasets are kept between runs."""
    root = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(root) / "synthgen"


def devkit_python(devkit: str) -> Path:
    """The interpreter of a devkit's environment, built now if it is not there yet."""
    files = [HERE / f"requirements/{devkit}{suffix}" for suffix in (".txt", ".no_deps.txt")]
    found = [file for file in files if file.is_file()]
    digest = hashlib.sha256(sys.version.encode() + b"".join(f.read_bytes() for f in found))
    folder = cache_folder() / f"devkits/{devkit}-{digest.hexdigest()[:12]}"
    python, complete = folder / "bin/python", folder / "complete"
    folder.parent.mkdir(parents=True, exist_ok=True)
    with (folder.parent / f"{folder.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not complete.is_file():
            shutil.rmtree(folder, ignore_errors=True)
            venv.create(folder, with_pip=False, symlinks=True)
            for file in found:
                _install(python, file, with_dependencies=not file.name.endswith(".no_deps.txt"))
            complete.touch()
    return python


def run_devkit(devkit: str, script: str, *arguments: str | Path) -> Any:
    """What `scripts/<script>` prints as JSON on its last line, run with a devkit's interpreter.

    The script sees nothing of ours: no `PYTHONPATH`, and this project is not installed there.
    """
    command = [devkit_python(devkit), HERE / "scripts" / script, *arguments]
    keep = ("PATH", "HOME", "LANG", "TMPDIR", "XDG_CACHE_HOME")
    environment = {name: os.environ[name] for name in keep if name in os.environ}
    environment |= {"MPLBACKEND": "Agg", "PYTHONWARNINGS": "ignore"}
    done = subprocess.run(
        [str(part) for part in command],
        env=environment,
        capture_output=True,
        text=True,
        timeout=_SCRIPT_TIMEOUT_S,
        check=False,
    )
    assert done.returncode == 0, f"{script}:\n{done.stdout[-2000:]}{done.stderr[-4000:]}"
    return json.loads(done.stdout.splitlines()[-1])


def _install(python: Path, requirements: Path, *, with_dependencies: bool) -> None:
    command = [sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet"]
    command += ["--disable-pip-version-check", "--requirement", str(requirements)]
    if not with_dependencies:
        command.append("--no-deps")
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=_INSTALL_TIMEOUT_S, check=False
    )
    assert done.returncode == 0, f"{requirements.name}: {done.stderr[-3000:]}"
