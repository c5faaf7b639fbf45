"""Slot workers as Ray actors, on this host or a cluster. The only module that imports ray.

An actor that dies is started again by Ray, but its call is not repeated: the dispatcher decides.
Exactly-once comes from the commit, never from Ray.
"""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import ray
from ray.exceptions import ActorUnavailableError, RayActorError, RayError

from synthgen.campaign.cache_home import ensure_cache_home
from synthgen.campaign.config import PACKAGE_ROOT, RayCluster
from synthgen.campaign.faults import Fault, FaultKind
from synthgen.campaign.plan import SlotTask
from synthgen.campaign.worker import SlotOutcome, SlotWorker, WorkerSettings
from synthgen.errors import ConfigError, OutputError

_OBJECT_STORE_BYTES: Final = 100 * 1024**2  # Ray's minimum is 75 MiB; only receipts pass.
_STOP_S: Final = 20.0
_START_ATTEMPTS: Final = 3
_TELL_S: Final = 30.0
_CONNECT_S: Final = 15.0

logger = logging.getLogger(__name__)


class SlotActor:
    """A slot worker in a process of its own."""

    def __init__(self, settings: dict[str, Any], number: int) -> None:
        from synthgen.campaign.draw_job import DrawnJobs  # For actors: the driver stays thin.

        ensure_cache_home()
        known = WorkerSettings.model_validate(settings)
        self._worker = SlotWorker(known, number, jobs=DrawnJobs(known))

    def run(self, task: dict[str, Any]) -> dict[str, Any]:
        """`SlotWorker.run` on plain data."""
        return self._worker.run(SlotTask.model_validate(task)).model_dump(mode="json")

    def greet(self) -> None:
        """Say that the actor is up."""

    def close(self) -> None:
        """End the worker's simulator."""
        self._worker.close()


class RayPool:
    """One actor per worker; ends Ray too if it started it."""

    def __init__(self, settings: WorkerSettings, workers: int, cluster: RayCluster) -> None:
        self.workers = workers
        with _own_signals():
            _start_ray(cluster, workers)
        actor = ray.remote(
            num_cpus=cluster.cpus_per_slot,
            num_gpus=cluster.gpus_per_slot,
            resources=cluster.resources or None,
            max_restarts=-1,
            max_task_retries=0,
            scheduling_strategy="SPREAD",
        )(SlotActor)
        plain = settings.model_dump(mode="json")
        self._actors = [actor.remote(plain, number) for number in range(workers)]
        self._running: dict[Any, tuple[int, SlotTask]] = {}
        self._greetings = {a.greet.remote(): number for number, a in enumerate(self._actors)}
        self._told_s = time.monotonic()

    def is_ready(self, worker: int) -> bool:
        """False while Ray has not started the worker's actor; it may lack the room for it."""
        return worker not in self._greetings.values()

    def submit(self, worker: int, task: SlotTask) -> None:
        """Give a worker its next slot."""
        reference = self._actors[worker].run.remote(task.model_dump(mode="json"))
        self._running[reference] = (worker, task)

    def wait(self, timeout_s: float) -> list[SlotOutcome]:
        """Outcomes that have come in, after waiting for the first for at most `timeout_s`."""
        self._tell_of_missing()
        waited_for = [*self._running, *self._greetings]
        if not waited_for:  # All workers back off.
            time.sleep(timeout_s)
            return []
        ready, _ = ray.wait(waited_for, num_returns=1, timeout=timeout_s)
        for reference in ready:
            if reference in self._greetings:
                self._welcome(reference)
        return [self._outcome(reference) for reference in ready if reference in self._running]

    def _welcome(self, greeting: Any) -> None:
        """Take an actor that answered as ready; greet one that died meanwhile again.

        Raises:
            ConfigError: It can never start, e.g. because its host lacks synthgen.
        """
        number = self._greetings.pop(greeting)
        try:
            ray.get(greeting)
        except ActorUnavailableError:
            self._greet(number)
        except RayError as err:
            raise ConfigError(f"ray: slot {number} cannot start: {_cause(err)}") from err

    def _greet(self, number: int) -> None:
        self._greetings[self._actors[number].greet.remote()] = number

    def _tell_of_missing(self) -> None:
        """Say now and then that some slots wait for room in the cluster."""
        now = time.monotonic()
        if self._greetings and now - self._told_s > _TELL_S:
            self._told_s = now
            free = ray.available_resources()
            offer = ", ".join(f"{n} {free[n]:g}" for n in sorted(free) if n in ("CPU", "GPU"))
            up = self.workers - len(self._greetings)
            logger.warning("%d of %d slots are up; Ray has free: %s", up, self.workers, offer)

    def _outcome(self, reference: Any) -> SlotOutcome:
        worker, task = self._running.pop(reference)
        try:
            return SlotOutcome.model_validate(ray.get(reference))
        except RayActorError as err:
            self._greet(worker)  # Calls to an actor that is being started again would fail.
            kind, message = FaultKind.OUTSIDE, f"the slot's actor died: {_first_line(err)}"
        except RayError as err:
            kind, message = FaultKind.SIMULATOR, f"the slot's actor failed: {_first_line(err)}"
        fault = Fault(kind=kind, signature=message[:160], message=message[:600])
        return SlotOutcome(task=task, worker=worker, status="fault", fault=fault)

    def close(self) -> None:
        """Stop the workers where they are; their simulators end with them."""
        busy = {worker for worker, _ in self._running.values()}
        idle = {number for number in range(self.workers) if self.is_ready(number)} - busy
        closing = [self._actors[number].close.remote() for number in sorted(idle)]
        if closing:
            ray.wait(closing, num_returns=len(closing), timeout=_STOP_S)
        for actor in self._actors:
            ray.kill(actor)  # A busy one's guards see its end and take its processes along.
        ray.shutdown()


@contextlib.contextmanager
def _own_signals() -> Iterator[None]:
    """Keep our SIGTERM handler, over which Ray puts one that leaves the program."""
    before = signal.getsignal(signal.SIGTERM)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _start_ray(cluster: RayCluster, workers: int) -> None:
    """Join the cluster of the config, or start a small private one without a dashboard."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    try:
        if cluster.address is not None:
            _require_listener(cluster.address)
            ray.init(address=cluster.address, log_to_driver=False, logging_level="ERROR")
        else:
            _start_private(max(workers, 1) * max(1, round(cluster.cpus_per_slot)))
    except (ConnectionError, ValueError) as err:
        raise ConfigError(f"ray: cannot start or reach it: {_first_line(err)}") from err
    except RuntimeError as err:
        raise OutputError(f"ray: did not start: {_first_line(err)}") from err
    _protect_token()


def _require_listener(address: str) -> None:
    """Ask at a HOST:PORT before Ray does, which waits for minutes where nothing listens.

    Raises:
        ConfigError: Nothing listens there.
    """
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if not host or not port.isdigit():
        return  # `auto`, or another word of Ray's own.
    try:
        socket.create_connection((host.strip("[]"), int(port)), _CONNECT_S).close()
    except (OSError, OverflowError) as err:
        raise ConfigError(
            f"ray.address {address}: no Ray answers there ({err}); expected the head node's "
            "HOST:PORT, or auto on a node of the cluster"
        ) from err


def _start_private(cpus: int) -> None:
    """Start a Ray of our own; on a busy host its 30 s may pass before it is up: try again.

    Raises:
        RuntimeError: It did not start in any attempt.
    """
    # Workers must find synthgen where the driver found it, installed or not.
    environment = {"env_vars": {"PYTHONPATH": _python_path()}}
    failure: Exception | None = None
    for attempt in range(_START_ATTEMPTS):
        try:
            ray.init(
                num_cpus=cpus,
                include_dashboard=False,
                object_store_memory=_OBJECT_STORE_BYTES,
                log_to_driver=False,
                logging_level="ERROR",
                configure_logging=False,
                runtime_env=environment,
            )
        except ValueError:
            raise
        except Exception as err:  # noqa: BLE001 - Ray has no class of its own for a slow start.
            failure = err
            logger.warning("ray did not start (attempt %d): %s", attempt + 1, _first_line(err))
            ray.shutdown()
        else:
            return
    raise RuntimeError(_first_line(failure) if failure else "no attempt") from failure


def _python_path() -> str:
    given = [part for part in os.environ.get("PYTHONPATH", "").split(os.pathsep) if part]
    return os.pathsep.join(dict.fromkeys([str(PACKAGE_ROOT), *given]))


def _protect_token() -> None:
    """Ray creates its token readable by all users; whoever reads it can run code as us."""
    token = Path.home() / ".ray" / "auth_token"
    if token.is_file():
        token.chmod(0o600)


def _cause(err: BaseException) -> str:
    """The last line of Ray's account, which is the exception that the actor met."""
    return (str(err).strip().splitlines() or [type(err).__name__])[-1].strip()


def _first_line(err: BaseException) -> str:
    return (str(err).strip().splitlines() or [type(err).__name__])[0]
