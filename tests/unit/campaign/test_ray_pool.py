"""Ray is slow to start on a busy host, and its actors die; neither is a clip's fault."""

from __future__ import annotations

from typing import Any

import pytest
import ray
from ray.exceptions import ActorDiedError, ActorUnavailableError, RayError, RayTaskError

from synthgen.campaign import ray_pool
from synthgen.campaign.config import RayCluster
from synthgen.campaign.faults import FaultKind
from synthgen.errors import OutputError


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


@pytest.mark.parametrize(
    ("err", "kind"),
    [
        (ActorUnavailableError("it is being restarted", b"\0" * 16), FaultKind.HOST),
        (ActorDiedError(), FaultKind.OUTSIDE),
        (RayTaskError("run", "trace", ValueError("v")), FaultKind.SIMULATOR),
    ],
)
def test_only_a_call_that_ran_speaks_against_its_clip(err: RayError, kind: FaultKind) -> None:
    assert ray_pool._fault_of(err).kind is kind
