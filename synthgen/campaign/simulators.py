"""Simulator servers: started, proven ready, watched and ended by the worker that owns the slot.

The three kinds differ in who starts the process: we start our own server or a CARLA executable,
or one runs already. All are spoken to over TCP only, and all must answer the version probe before
a client may touch them.
"""

from __future__ import annotations

import contextlib
import importlib.metadata
import sys
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from synthgen.campaign.carla_launch import boot_gate, launch_command, remove_container
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
    in_container: bool = False
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
            _wait_until_ready(simulator, settings.deadlines.boot_s, stopped)
        elif isinstance(settings, CarlaSimulator):
            with boot_gate(settings.stagger_s, stopped):
                process = _launch_carla(request, settings, ports, resources)
                simulator = _ours(process, ports, map_name)
                simulator.in_container = settings.container is not None
                _wait_until_ready(simulator, settings.deadlines.boot_s, stopped)
        else:
            process = _own(request, embedded_command(request, settings, ports, map_name))
            simulator = _ours(resources.enter_context(process), ports, map_name)
            _wait_until_ready(simulator, settings.deadlines.boot_s, stopped)
        if simulator.process is not None:
            simulator.memory_at_start_mb = simulator.process.memory_mb
        simulator._resources = resources.pop_all()
    return simulator


def _ours(process: OwnedProcess, ports: PortBlock, map_name: str) -> Simulator:
    return Simulator(LOOPBACK, ports.rpc, ports.traffic_manager, map_name, process)


def _launch_carla(
    request: SimulatorRequest,
    settings: CarlaSimulator,
    ports: PortBlock,
    resources: contextlib.ExitStack,
) -> OwnedProcess:
    dataset, worker = request.run_folder.parent, request.worker
    command = launch_command(settings, ports, worker=worker, dataset=dataset)
    if settings.container is not None:
        remove_container(dataset, worker)
        resources.callback(remove_container, dataset, worker)
    return resources.enter_context(_own(request, command))


def _own(request: SimulatorRequest, command: list[str]) -> OwnedProcess:
    name = f"server-{request.worker}"
    return OwnedProcess(
        command,
        registry=request.run_folder / "processes",
        name=name,
        log=request.run_folder / "logs" / f"{name}.log",
    )


def embedded_command(
    request: SimulatorRequest, settings: EmbeddedSimulator, ports: PortBlock, map_name: str
) -> list[str]:
    """Command line of the embedded server."""
    return [
        *(sys.executable, "-m", "synthgen.simserver", "--port", str(ports.rpc)),
        *("--maps-dir", str(request.run_folder / "maps"), "--map", map_name, "--synchronous"),
        *("--fixed-delta", repr(request.tick_s), "--die-with-parent"),
        *("--threads", str(settings.threads), "--seed", str(request.seed)),
        *("--quality-level", settings.quality),
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
        else:
            if _is_its_own(simulator):
                return
            last = f"another program answers on its port {simulator.port}"
        time.sleep(_POLL_S)
    raise SimulatorLost(
        f"the simulator was not ready after {boot_s:g} s: {last}{_last_words(simulator)}"
    )


def _is_its_own(simulator: Simulator) -> bool:
    """False where a stranger took the port before our process could."""
    if simulator.process is None or simulator.in_container:
        return True
    return simulator.process.listens_on(simulator.port)


def _last_words(simulator: Simulator) -> str:
    """The last line of its log for the message's first line, the rest below."""
    tail = simulator.log_tail().strip()
    return f": {tail.splitlines()[-1]}\nits log ends:\n{tail}" if tail else ""
