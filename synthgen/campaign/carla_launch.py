"""How a CARLA server of ours is started: on this host or in a container, one boot at a time.

Source: CARLA 0.9.16 documentation, start_quickstart (command line), build_docker and adv_multigpu.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import math
import os
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from synthgen.campaign.config import CarlaSimulator
from synthgen.campaign.ports import PortBlock, lease_folder
from synthgen.errors import ConfigError, SimulatorLost
from synthgen.store.process_identity import boot_id

_LABEL: Final = "synthgen.dataset"
_DOCKER_S: Final = 60.0
_POLL_S: Final = 0.1


def carla_command(settings: CarlaSimulator, ports: PortBlock, *, adapter: int) -> list[str]:
    """Command line of the server itself.

    The GPU is chosen by `-graphicsadapter`: CARLA does not heed CUDA_VISIBLE_DEVICES.
    """
    assert settings.executable is not None
    return [
        *(settings.executable, "-RenderOffScreen", "-nosound"),
        *(f"-quality-level={settings.quality}", f"-carla-rpc-port={ports.rpc}"),
        *(f"-carla-streaming-port={ports.stream}", f"-graphicsadapter={adapter}"),
    ]


def launch_command(
    settings: CarlaSimulator, ports: PortBlock, *, worker: int, dataset: Path
) -> list[str]:
    """Command that starts the server of a worker.

    Raises:
        ConfigError: The executable is not there.
    """
    adapter = adapter_of(settings, worker)
    if settings.container is None:
        executable = settings.executable or ""
        if not os.access(executable, os.X_OK) or not Path(executable).is_file():
            raise ConfigError(f"simulator.executable {executable}: not an executable file")
        return carla_command(settings, ports, adapter=adapter)
    # CARLA answers whoever calls, so its ports are published on the loopback only. The container
    # sees one GPU, which is therefore its adapter 0.
    published = [
        part for port in (ports.rpc, ports.stream) for part in ("-p", f"127.0.0.1:{port}:{port}")
    ]
    return [
        *("docker", "run", "--rm", "--init", *published, "--gpus", f"device={adapter}"),
        *("--env", "NVIDIA_DRIVER_CAPABILITIES=graphics,utility,compute"),
        *("--name", container_name(dataset, worker), "--label", container_label(dataset)),
        *(settings.container, *carla_command(settings, ports, adapter=0)),
    ]


def adapter_of(settings: CarlaSimulator, worker: int) -> int:
    """GPU of a worker: each takes `servers_per_gpu` workers, in turn."""
    return settings.adapters[(worker // settings.servers_per_gpu) % len(settings.adapters)]


def container_label(dataset: Path) -> str:
    """Label of all containers of a dataset's runs."""
    return f"{_LABEL}={hashlib.sha256(str(dataset).encode()).hexdigest()[:16]}"


def container_name(dataset: Path, worker: int) -> str:
    """Name of a worker's container; there is never a second one."""
    return f"synthgen-{container_label(dataset).partition('=')[2]}-{worker}"


def remove_containers(dataset: Path) -> None:
    """End the containers that earlier runs over this dataset left: killing a client does not."""
    listed = _docker("ps", "--all", "--quiet", "--filter", f"label={container_label(dataset)}")
    identifiers = listed.split()
    if identifiers:
        _docker("rm", "--force", *identifiers)


def remove_container(dataset: Path, worker: int) -> None:
    """End a worker's container if it is there."""
    with contextlib.suppress(SimulatorLost):  # There is none.
        _docker("rm", "--force", container_name(dataset, worker))


def _docker(*arguments: str) -> str:
    """What a docker command prints.

    Raises:
        ConfigError: There is no docker.
        SimulatorLost: It failed.
    """
    try:
        done = subprocess.run(
            ["docker", *arguments],
            capture_output=True,
            text=True,
            timeout=_DOCKER_S,
            check=False,
        )
    except FileNotFoundError as err:
        raise ConfigError("simulator.container needs docker, which is not installed") from err
    except subprocess.TimeoutExpired as err:
        raise SimulatorLost(f"docker {arguments[0]}: no answer within {_DOCKER_S:g} s") from err
    if done.returncode != 0:
        raise SimulatorLost(f"docker {arguments[0]}: {done.stderr.strip()[-300:]}")
    return done.stdout


@contextlib.contextmanager
def boot_gate(stagger_s: float, stopped: Callable[[], bool]) -> Iterator[None]:
    """Let one server of this host boot at a time, and none within `stagger_s` of the one before.

    Servers that boot together exhaust the GPU's memory and time out together.
    """
    descriptor = os.open(lease_folder() / "boot", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        while not _lock(descriptor) and not stopped():
            time.sleep(_POLL_S)
        while time.monotonic() < _last_boot_s(descriptor) + stagger_s and not stopped():
            time.sleep(_POLL_S)
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{boot_id()} {time.monotonic()}".encode(), 0)
        yield
    finally:
        os.close(descriptor)


def _last_boot_s(descriptor: int) -> float:
    """When a server of this host last booted, by the clock that nobody sets; else long ago."""
    host, _, seconds = os.pread(descriptor, 256, 0).decode(errors="replace").partition(" ")
    try:
        return float(seconds) if host == boot_id() else -math.inf
    except ValueError:
        return -math.inf


def _lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
