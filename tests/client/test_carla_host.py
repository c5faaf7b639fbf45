"""The runner on a server that is like a CARLA host: no extra attributes, a map it never saw."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from scenarios.verify import Verdict
from sensors.rig_file import load_rig
from synthgen.campaign.plan import TOWNS
from synthgen.datatypes.clip_job import ClipJob, MapSource, RigSource, SimulatorKind
from synthgen.errors import ConfigError
from synthgen.runner import run_clip
from synthgen.runner.heartbeat import Pulse
from tests.client.conftest import TICK_S, Address, running_server
from tests.client.test_sensor_faults import ROOT, job

__all__ = ["job"]
pytestmark = [pytest.mark.server, pytest.mark.slow]
CAPTURES = 2


@pytest.fixture(scope="module")
def host(warm_kernels: None) -> Iterator[Address]:
    arguments = ("--synchronous", "--fixed-delta", str(TICK_S), "--quality-level", "low")
    with running_server(*arguments, module="tests.client.plain_server") as ours:
        yield ours


class ShortStage(run_clip.Stage):
    """Ends after some captures."""

    def is_settled(self, tick: int, events: Any) -> bool:
        return self.frame_count >= CAPTURES


def run(job: ClipJob, host: Address, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    accepted = Verdict(accepted=True, reasons=(), flags=(), metrics={})
    monkeypatch.setattr(run_clip, "Stage", ShortStage)
    monkeypatch.setattr(run_clip, "judge", lambda *_: accepted)
    link = run_clip.Link(host.host, host.port, host.port + 30)
    pulse = Pulse(folder / "beat.json")
    return run_clip.run_job(job, link, staging=folder / "staging", cache=folder, pulse=pulse)


def carla_job(job: ClipJob, folder: Path, rig: Path) -> ClipJob:
    """The job on a map that the server does not know by name."""
    town = folder / "NewTown.xodr"
    town.write_bytes((TOWNS / "SynthDowntown.xodr").read_bytes())
    content = load_rig(rig).model_dump(mode="json", by_alias=True)
    return job.model_copy(
        update={
            "simulator": SimulatorKind(kind="carla", quality="Epic"),
            "map": MapSource(name="NewTown", path=str(town), sha256=None),
            "rig": RigSource(path=str(rig), content=content),
            "dataset": str(folder / "dataset"),
        }
    )


def test_clip_is_made_on_a_map_that_only_its_file_knows(
    job: ClipJob, host: Address, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = carla_job(job, tmp_path, ROOT / "tests/e2e/tiny_rig.yaml")
    receipt = run(made, host, tmp_path, monkeypatch)
    assert (receipt.status, receipt.frames) == ("accepted", CAPTURES)
    (clip,) = (tmp_path / "dataset/clips").glob("*/*")
    for file in clip.glob("cameras/*/*.parquet"):
        assert pq.read_table(file, columns=["frame_index"]).num_rows == CAPTURES


def test_fisheye_is_refused_where_the_server_has_no_such_lens(
    job: ClipJob, host: Address, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = carla_job(job, tmp_path, ROOT / "sensors/rigs/fisheye_surround.yaml")
    with pytest.raises(ConfigError, match=r"sensors\.FV\.lens: .* shows no equidistant lens"):
        run(made, host, tmp_path, monkeypatch)
    assert not list((tmp_path / "staging").glob("*"))
