"""Two processes share the kernels; what one leaves undone the other compiles."""

from __future__ import annotations

import os
import sys
from functools import partial

import pytest

from synthgen.simserver import warmup

NAMES = ("rays", "cameras", "shades", "physics", "maps", "lidar")


@pytest.fixture
def compiled(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The groups that this process compiles, in order, on a machine with two processors."""
    names: list[str] = []
    groups = {name: partial(names.append, name) for name in NAMES}
    monkeypatch.setattr(warmup, "_GROUPS", groups)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1})
    return names


def test_groups_that_the_other_process_did_are_left_to_it(
    compiled: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/true")
    assert warmup.main() == 0
    assert compiled == ["rays", "cameras"]


def test_groups_of_a_process_that_died_are_compiled_here(
    compiled: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/false")
    assert warmup.main() == 0
    assert sorted(compiled) == sorted(NAMES)


def test_one_processor_compiles_all(compiled: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0})
    assert warmup.main() == 0
    assert sorted(compiled) == sorted(NAMES)


def test_only_the_named_groups_are_compiled(compiled: list[str]) -> None:
    assert warmup.main(["maps", "lidar"]) == 0
    assert compiled == ["maps", "lidar"]


def test_unknown_group_is_refused(compiled: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert warmup.main(["sonar"]) == 2
    assert "no such kernels: sonar" in capsys.readouterr().err
    assert compiled == []
