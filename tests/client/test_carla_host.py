"""The runner on a server that is like a CARLA host: no extra attributes, a map it never saw."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from sensors.rig_file import load_rig
from synthgen.campaign.plan import TOWNS
from synthgen.datatypes.clip_job import ClipJob, MapSource, Receipt, RigSource, SimulatorKind
from tests.client.conftest import TICK_S, Address, running_server
from tests.client.short_clip import CAPTURES
from tests.client.test_sensor_faults import ROOT, job

__all__ = ["job"]
pytestmark = [pytest.mark.server, pytest.mark.slow]


@pytest.fixture(scope="module")
def host(warm_kernels: None) -> Iterator[Address]:
    arguments = ("--synchronous", "--fixed-delta", str(TICK_S), "--quality-level", "low")
    with running_server(*arguments, module="tests.client.plain_server") as ours:
        yield ours


def run(job: ClipJob, host: Address, folder: Path) -> Receipt:
    """What the capture process of a short clip says at its end."""
    (folder / "job.json").write_text(job.model_dump_json(by_alias=True))
    command = [
        *(sys.executable, "-m", "tests.client.short_clip"),
        *("--job", str(folder / "job.json")),
        *("--server", f"{host.host}:{host.port}"),
        *("--tm-port", str(host.port + 30)),
        *("--staging", str(folder / "staging")),
        *("--heartbeat", str(folder / "beat.json")),
        *("--receipt", str(folder / "receipt.json")),
    ]
    subprocess.run(command, cwd=ROOT, timeout=300)
    return Receipt.model_validate_json((folder / "receipt.json").read_bytes())


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
    job: ClipJob, host: Address, tmp_path: Path
) -> None:
    made = carla_job(job, tmp_path, ROOT / "tests/e2e/tiny_rig.yaml")
    receipt = run(made, host, tmp_path)
    assert (receipt.status, receipt.frames) == ("accepted", CAPTURES)
    (clip,) = (tmp_path / "dataset/clips").glob("*/*")
    for file in clip.glob("cameras/*/*.parquet"):
        assert pq.read_table(file, columns=["frame_index"]).num_rows == CAPTURES


def test_clip_is_replayed_once_the_hosts_exposure_has_settled(
    job: ClipJob, host: Address, tmp_path: Path
) -> None:
    made = carla_job(job, tmp_path, ROOT / "tests/e2e/tiny_rig.yaml")
    run(made, host, tmp_path)
    (clip,) = (tmp_path / "dataset/clips").glob("*/*")
    again = made.model_copy(update={"replay": str(clip), "dataset": str(tmp_path / "again")})
    receipt = run(again, host, tmp_path)
    assert (receipt.status, receipt.reason) == ("accepted", None)
    (shown,) = (tmp_path / "again/clips").glob("*/*")
    for name in ("objects", "frames"):
        assert (shown / f"{name}.parquet").read_bytes() == (clip / f"{name}.parquet").read_bytes()


def test_fisheye_is_refused_where_the_server_has_no_such_lens(
    job: ClipJob, host: Address, tmp_path: Path
) -> None:
    made = carla_job(job, tmp_path, ROOT / "sensors/rigs/fisheye_surround.yaml")
    receipt = run(made, host, tmp_path)
    assert receipt.status == "fault"
    assert receipt.reason is not None
    assert re.match(
        r"ConfigError: .*sensors\.FV\.lens: .* shows no equidistant lens", receipt.reason
    )
    assert not list((tmp_path / "staging").glob("*"))
