"""Ray is slow to start on a busy host, and its actors die; neither is a clip's fault."""

from __future__ import annotations

import socket
from collections.abc import Callable
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import pytest
import ray
from ray.exceptions import ActorDiedError, ActorUnavailableError, RayError, RayTaskError

from synthgen.campaign import ray_pool
from synthgen.campaign.config import EmbeddedSimulator, RayCluster
from synthgen.campaign.faults import FaultKind
from synthgen.campaign.plan import SlotTask
from synthgen.campaign.ray_pool import RayPool
from synthgen.campaign.worker import WorkerSettings
from synthgen.datatypes.clip_job import (
    CaptureSettings,
    MapSource,
    RigSource,
    SimulatorKind,
    Slot,
)
from synthgen.errors import ConfigError, OutputError


class SlowRay:
    """Fails to start a number of times, in the words of Ray 2.60."""

    def __init__(self, failures: int) -> None:
        self.failures = failures
        self.calls = 0

    def init(self, **_: Any) -> None:
        """Count, and fail as Ray does."""
        self.calls += 1
        if self.calls <= self.failures:
            raise Exception("The current node timed out during startup.\nmore")


@pytest.mark.parametrize("failures", [0, 1, 2])
def test_a_slow_start_is_tried_again(monkeypatch: pytest.MonkeyPatch, failures: int) -> None:
    slow = SlowRay(failures)
    monkeypatch.setattr(ray, "init", slow.init)
    ray_pool._start_ray(RayCluster(), workers=2)
    assert slow.calls == failures + 1


def test_three_failures_are_told_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ray, "init", SlowRay(3).init)
    with pytest.raises(OutputError, match=r"^ray: did not start: The current node timed out .*\.$"):
        ray_pool._start_ray(RayCluster(), workers=2)


@pytest.mark.parametrize("scheme", ["", "ray://"])
def test_an_address_without_a_listener_is_refused_at_once(scheme: str) -> None:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))  # Ours, but not listening.
        address = f"{scheme}127.0.0.1:{held.getsockname()[1]}"
        with pytest.raises(ConfigError, match=f"^ray.address {address}: no Ray answers there"):
            ray_pool._start_ray(RayCluster(address=address), workers=2)


@dataclass(frozen=True, eq=False)
class Reference:
    """What a call returns at once; `end` is what `ray.get` makes of it."""

    end: Any


class Calls:
    """An actor whose calls end as told, one after another: with a value, or an error of Ray's."""

    def __init__(self, **endings: list[Any]) -> None:
        self.endings = endings

    def __getattr__(self, name: str) -> Any:
        """The method `name` of the actor's handle."""
        return SimpleNamespace(remote=lambda *_: Reference(self.endings[name].pop(0)))


def get(reference: Reference) -> Any:
    """As `ray.get`."""
    if isinstance(reference.end, RayError):
        raise reference.end
    return reference.end


@pytest.fixture
def pool_of(monkeypatch: pytest.MonkeyPatch) -> Callable[[Calls], RayPool]:
    """Makes a pool of one actor on a Ray that is not there."""

    def make(actor: Calls) -> RayPool:
        def remote(**_: Any) -> Any:
            return lambda _: SimpleNamespace(remote=lambda *_: actor)

        monkeypatch.setattr(ray_pool, "_start_ray", lambda *_: None)
        monkeypatch.setattr(ray, "remote", remote)
        monkeypatch.setattr(ray, "wait", lambda refs, **_: (refs[:1], refs[1:]))
        monkeypatch.setattr(ray, "get", get)
        kind = SimulatorKind(kind="embedded", quality="low")
        settings = WorkerSettings(
            seed=1,
            max_draws=1,
            rig=RigSource(path="rig.yaml", content={}),
            capture=CaptureSettings(),
            simulator_kind=kind,
            simulator=EmbeddedSimulator(kind="embedded"),
            dataset="/nowhere",
        )
        return RayPool(settings, 1, RayCluster())

    return make


TASK = SlotTask(
    slot=Slot(scenario="jaywalk", k=0),
    scenario_file="jaywalk.yaml",
    map=MapSource(name="Town01", path=None, sha256=None),
)
RESTARTING = ActorUnavailableError("it is being started again", b"\0" * 16)


def test_no_slot_is_given_to_an_actor_before_it_is_up_again(
    pool_of: Callable[[Calls], RayPool],
) -> None:
    pool = pool_of(Calls(greet=[None, RESTARTING, None], run=[ActorDiedError()]))
    assert not pool.is_ready(0)
    assert pool.wait(0.0) == []
    assert pool.is_ready(0)
    pool.submit(0, TASK)
    (outcome,) = pool.wait(0.0)
    assert outcome.fault is not None
    assert outcome.fault.kind is FaultKind.OUTSIDE
    assert not pool.is_ready(0)
    assert pool.wait(0.0) == []
    assert not pool.is_ready(0)
    assert pool.wait(0.0) == []
    assert pool.is_ready(0)


def test_an_actor_that_can_never_start_ends_the_run(pool_of: Callable[[Calls], RayPool]) -> None:
    broken = RayTaskError("__init__", "ModuleNotFoundError: No module named 'synthgen'", KeyError())
    pool = pool_of(Calls(greet=[broken]))
    with pytest.raises(ConfigError, match=r"slot 0 cannot start: .*No module named 'synthgen'"):
        pool.wait(0.0)
