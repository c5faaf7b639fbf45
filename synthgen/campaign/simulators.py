"""Simulator servers: started, proven ready, watched and ended by the worker that owns the slot.

The three kinds differ in who starts the process: we start our own server or a CARLA executable,
or one runs already. All are spoken to over TCP only, and all must answer the version probe before
a client may touch them.
"""

from __future__ import annotations

import contextlib
import importlib.metadata
import os
import sys
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from synthgen.campaign.carla_probe import require_version
from synthgen.campaign.config import CarlaSimulator, EmbeddedSimulator
from synthgen.campaign.ports import PortBlock, leased_ports
from synthgen.campaign.processes import OwnedProcess
from synthgen.errors import ConfigError, SimulatorLost, SimulatorVersionError

LOOPBACK: Final = "127.0.0.1"
_POLL_S: Final = 0.05
_PROBE_S: Final = 2.0


@dataclass(frozen=True, slots=True)
class SimulatorRequest:
    """What a slot needs of its simulator before it is started."""

    settings: EmbeddedSimulator | CarlaSimulator
    worker: int
    maps_folder: Path
    tick_s: float
    seed: int
    run_folder: Path


@dataclass(slots=True)
class Simulator:
    """A server that answered the probe. `incarnation` names this start of it."""

    host: str
    port: int
    traffic_manager_port: int
    map_name: str
    process: OwnedProcess | None
    incarnation: str = field(default_factory=lambda: uuid.uuid4().hex[:12])
    clips: int = 0
    started_s: float = field(default_factory=time.monotonic)
    memory_at_start_mb: float = 0.0
    _resources: contextlib.ExitStack = field(default_factory=contextlib.ExitStack)

    @property
    def exit_code(self) -> int | None:
        """None while its process runs, and always for a server that is not ours."""
        return None if self.process is None else self.process.exit_code

    @property
    def memory_growth_mb(self) -> float:
        """How much its process group has grown since it was ready."""
        return 0.0 if self.process is None else self.process.memory_mb - self.memory_at_start_mb

    def log_tail(self, lines: int = 50) -> str:
        """The last lines of its log, empty for a server that is not ours."""
        return "" if self.process is None else self.process.log_tail(lines)

    def stop(self) -> None:
        """End the process if it is ours, and give the ports back."""
        self._resources.close()


def client_version() -> str:
    """Version of the installed `carla` client, found without importing it."""
    try:
        return importlib.metadata.version("carla")
    except importlib.metadata.PackageNotFoundError as err:
        raise ConfigError("the carla client is not installed: pip install carla==0.9.16") from err


def start_simulator(
    request: SimulatorRequest, map_name: str, *, stopped: Callable[[], bool] = lambda: False
) -> Simulator:
    """A server that is ready for a client, freshly started unless it is an attached one.

    Args:
        request: The slot's needs.
        map_name: Map to start with, where the server takes one.
        stopped: Asked while waiting; True gives up.

    Raises:
        SimulatorLost: It did not come up, with the end of its log.
        SimulatorVersionError: It is not the client's version.
    """
    settings = request.settings
    with contextlib.ExitStack() as resources:
        ports = resources.enter_context(leased_ports())
        if isinstance(settings, CarlaSimulator) and settings.host is not None:
            simulator = Simulator(
                settings.host, settings.port, ports.traffic_manager, map_name, process=None
            )
        else:
            process = resources.enter_context(_launch(request, ports, map_name))
            simulator = Simulator(LOOPBACK, ports.rpc, ports.traffic_manager, map_name, process)
        _wait_until_ready(simulator, settings.deadlines.boot_s, stopped)
        if simulator.process is not None:
            simulator.memory_at_start_mb = simulator.process.memory_mb
        simulator._resources = resources.pop_all()
    return simulator


def _launch(request: SimulatorRequest, ports: PortBlock, map_name: str) -> OwnedProcess:
    name = f"server-{request.worker}"
    command = launch_command(request, ports, map_name)
    return OwnedProcess(
        command,
        registry=request.run_folder / "processes",
        name=name,
        log=request.run_folder / "logs" / f"{name}.log",
    )


def launch_command(request: SimulatorRequest, ports: PortBlock, map_name: str) -> list[str]:
    """Command line of a server that we start.

    Raises:
        ConfigError: The executable is not there.
    """
    settings = request.settings
    if isinstance(settings, EmbeddedSimulator):
        return [
            *(sys.executable, "-m", "synthgen.simserver", "--port", str(ports.rpc)),
            *("--maps-dir", str(request.maps_folder), "--map", map_name, "--synchronous"),
            *("--fixed-delta", repr(request.tick_s), "--die-with-parent"),
            *("--threads", str(settings.threads), "--seed", str(request.seed)),
            *("--quality-level", settings.quality),
        ]
    return carla_command(settings, ports, worker=request.worker)


def carla_command(settings: CarlaSimulator, ports: PortBlock, *, worker: int) -> list[str]:
    """Command line of a CARLA server, in a container if one is named.

    The GPU is chosen by `-graphicsadapter`: CARLA does not heed CUDA_VISIBLE_DEVICES.
    Source: CARLA 0.9.16 docs, start_quickstart (command-line options) and adv_multigpu.
    """
    assert settings.executable is not None
    adapter = settings.adapters[(worker // settings.servers_per_gpu) % len(settings.adapters)]
    server = [
        *(settings.executable, "-RenderOffScreen", "-nosound"),
        *(f"-quality-level={settings.quality}", f"-carla-rpc-port={ports.rpc}"),
        *(f"-carla-streaming-port={ports.rpc + 1}", f"-graphicsadapter={adapter}"),
    ]
    if settings.container is None:
        if not os.access(settings.executable, os.X_OK):
            raise ConfigError(f"simulator.executable {settings.executable}: not an executable file")
        return server
    # --init reaps the engine's children; without published ports nothing outside can reach it,
    # and the host's loopback can because the server shares its network only as far as lo.
    return [
        *("docker", "run", "--rm", "--init", "--gpus", "all", "--network", "host"),
        *("--name", f"synthgen-carla-{ports.rpc}", settings.container, *server),
    ]


def _wait_until_ready(simulator: Simulator, boot_s: float, stopped: Callable[[], bool]) -> None:
    wanted = client_version()
    end = time.monotonic() + boot_s
    last = "it did not answer"
    while time.monotonic() < end and not stopped():
        if simulator.exit_code is not None:
            raise SimulatorLost(
                f"the simulator ended with code {simulator.exit_code} while it started"
                f"{_last_words(simulator)}"
            )
        try:
            require_version(simulator.host, simulator.port, wanted, _PROBE_S)
        except SimulatorVersionError:
            raise
        except SimulatorLost as err:
            last = str(err)
            time.sleep(_POLL_S)
        else:
            return
    raise SimulatorLost(
        f"the simulator was not ready after {boot_s:g} s: {last}{_last_words(simulator)}"
    )


def _last_words(simulator: Simulator) -> str:
    """The last line of its log for the message's first line, the rest below."""
    tail = simulator.log_tail().strip()
    return f": {tail.splitlines()[-1]}\nits log ends:\n{tail}" if tail else ""
