"""Faults planted between server and runner: each is found, and nothing of the clip is stored."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from scenarios.compile import compile_draw
from scenarios.loader import load_scenario
from scenarios.placement import load_index
from sensors.rig_file import load_rig
from synthgen.campaign.plan import TOWNS
from synthgen.datatypes.clip_job import (
    CaptureSettings,
    ClipJob,
    MapSource,
    RigSource,
    SimulatorKind,
    Slot,
)
from synthgen.errors import ScenarioRejected, SensorFault
from synthgen.runner import capture
from synthgen.runner.heartbeat import Pulse
from synthgen.runner.run_clip import Link, run_job
from tests.client.conftest import Address

pytestmark = [pytest.mark.server, pytest.mark.slow]

ROOT = Path(__file__).parents[2]
CAMERA, LIDAR = "cam_front/rgb", "lidar_top/points"
# The measurement that goes wrong: the third of the sensor, after the warm-up.
NUMBER = 3
Deliver = Callable[[Any, str, Any], None]
Fault = Callable[[Deliver, Any, str, Any], None]


def concrete_scenario() -> dict[str, Any]:
    spec = load_scenario(ROOT / "scenarios/library/jaywalk_parked_van.yaml")
    index = load_index(TOWNS / "SynthDowntown.xodr", "SynthDowntown")
    for draw in range(12):
        try:
            made = compile_draw(
                spec, index=index, root_seed=11, k=0, draw=draw, tick_s=0.05, duration_s=8.0
            )
        except ScenarioRejected:
            continue
        return made.model_dump(mode="json")
    raise AssertionError("no draw of the scenario is feasible")


@pytest.fixture(scope="module")
def job(tmp_path_factory: pytest.TempPathFactory) -> ClipJob:
    rig_file = ROOT / "tests/e2e/tiny_rig.yaml"
    content = load_rig(rig_file).model_dump(mode="json", by_alias=True)
    return ClipJob(
        slot=Slot(scenario="jaywalk_parked_van", k=0),
        draw=0,
        clip_id="0" * 16,
        seed=11,
        scenario=concrete_scenario(),
        rig=RigSource(path=str(rig_file), content=content),
        map=MapSource(name="SynthDowntown", path=None, sha256=None),
        capture=CaptureSettings(duration_s=8.0, period_ticks=4),
        simulator=SimulatorKind(kind="embedded", quality="low"),
        dataset=str(tmp_path_factory.mktemp("faults") / "dataset"),
    )


def changed(measurement: Any, raw: bytes) -> Any:
    names = ("frame", "transform", "width", "height", "channels", "get_point_count")
    known = {name: getattr(measurement, name) for name in names if hasattr(measurement, name)}
    return SimpleNamespace(**known, raw_data=raw)


def dropped(deliver: Deliver, barrier: Any, key: str, measurement: Any) -> None:
    """Never delivered."""


def delayed(deliver: Deliver, barrier: Any, key: str, measurement: Any) -> None:
    threading.Timer(1.5, deliver, (barrier, key, measurement)).start()


def repeated(deliver: Deliver, barrier: Any, key: str, measurement: Any) -> None:
    deliver(barrier, key, measurement)
    deliver(barrier, key, measurement)


def of_another_frame(deliver: Deliver, barrier: Any, key: str, measurement: Any) -> None:
    barrier.deliver(key, measurement.frame + 1, measurement)


def black(deliver: Deliver, barrier: Any, key: str, measurement: Any) -> None:
    deliver(barrier, key, changed(measurement, bytes(len(measurement.raw_data))))


def dull(deliver: Deliver, barrier: Any, key: str, measurement: Any) -> None:
    points = np.frombuffer(measurement.raw_data, dtype=np.float32).reshape(-1, 4).copy()
    points[:, 3] = 0.0
    deliver(barrier, key, changed(measurement, points.tobytes()))


@pytest.mark.parametrize(
    ("key", "fault", "message"),
    [
        (CAMERA, dropped, f"no data from {CAMERA} after"),
        (CAMERA, delayed, f"no data from {CAMERA} after"),
        (LIDAR, repeated, f"{LIDAR}: frame .* came twice|{LIDAR}: frame .* came after"),
        (LIDAR, of_another_frame, f"no data from {LIDAR} after .* {LIDAR} sent frame"),
        (CAMERA, black, "cam_front: the image is black"),
        (LIDAR, dull, "lidar_top: all .* intensities are zero"),
    ],
    ids=["drop", "delay", "repetition", "wrong frame", "black image", "zero intensity"],
)
def test_planted_fault_is_found_and_nothing_is_stored(
    job: ClipJob,
    address: Address,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    key: str,
    fault: Fault,
    message: str,
) -> None:
    seen: list[int] = []
    deliver = capture._deliver

    def planted(barrier: Any, name: str, measurement: Any) -> None:
        if name == key:
            seen.append(measurement.frame)
        planted_now = name == key and len(seen) == NUMBER
        (fault if planted_now else _as_it_is)(deliver, barrier, name, measurement)

    monkeypatch.setattr(capture, "_deliver", planted)
    monkeypatch.setattr(capture, "_DELIVERY_DEADLINE_S", 1.0)
    link = Link(address.host, address.port, address.port + 30)
    staging = tmp_path / "staging"
    with pytest.raises(SensorFault, match=message):
        run_job(job, link, staging=staging, cache=tmp_path, pulse=Pulse(tmp_path / "beat.json"))
    assert not list(Path(job.dataset).glob("clips/*/*"))
    assert not list(staging.glob("*"))


def _as_it_is(deliver: Deliver, barrier: Any, key: str, measurement: Any) -> None:
    deliver(barrier, key, measurement)
