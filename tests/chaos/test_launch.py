"""The version probe and the launcher against servers that misbehave."""

from __future__ import annotations

import os
import stat
import sys
import time
from pathlib import Path

import pytest

from synthgen.campaign import carla_launch
from synthgen.campaign.carla_launch import (
    adapter_of,
    boot_gate,
    container_name,
    launch_command,
)
from synthgen.campaign.carla_probe import probe_version
from synthgen.campaign.config import CarlaSimulator, Deadlines
from synthgen.campaign.ports import PortBlock, is_free, leased_ports
from synthgen.campaign.processes import OwnedProcess
from synthgen.campaign.simulators import (
    Simulator,
    SimulatorRequest,
    _wait_until_ready,
    start_simulator,
)
from synthgen.errors import ConfigError, SimulatorLost, SimulatorVersionError

STANDIN = Path(__file__).parent / "standin_server.py"


def request_with(folder: Path, boot_s: float = 2.0) -> SimulatorRequest:
    """A request for a stand-in that takes CARLA's command line."""
    launcher = folder / "CarlaUE4.sh"
    launcher.write_text(f'#!/bin/sh\n{sys.executable} {STANDIN} "$@"\n')
    launcher.chmod(launcher.stat().st_mode | stat.S_IXUSR)
    settings = CarlaSimulator(
        kind="carla", executable=str(launcher), deadlines=Deadlines(boot_s=boot_s), stagger_s=0
    )
    return SimulatorRequest(settings, 0, 0.05, 1, folder / "run")


def test_good_server_is_ready_and_ends_with_its_owner(tmp_path: Path) -> None:
    simulator = start_simulator(request_with(tmp_path, boot_s=20), "Town01")
    assert probe_version(simulator.host, simulator.port) == "0.9.16"
    simulator.stop()
    assert is_free(simulator.port)


def test_a_stranger_on_the_port_is_not_taken_for_our_server(tmp_path: Path) -> None:
    log, registry = tmp_path / "log", tmp_path / "processes"
    with leased_ports() as ports:
        command = [sys.executable, str(STANDIN), f"-carla-rpc-port={ports.rpc}"]
        idle = [sys.executable, "-c", "import time; time.sleep(60)"]
        with (
            OwnedProcess(command, registry=registry, name="stranger", log=log) as stranger,
            OwnedProcess(idle, registry=registry, name="ours", log=log) as ours,
        ):
            its_own = Simulator("127.0.0.1", ports.rpc, ports.traffic_manager, "Town01", stranger)
            _wait_until_ready(its_own, 20, lambda: False)
            not_its_own = Simulator("127.0.0.1", ports.rpc, ports.traffic_manager, "Town01", ours)
            with pytest.raises(SimulatorLost, match="another program answers on its port"):
                _wait_until_ready(not_its_own, 1, lambda: False)


@pytest.mark.parametrize(
    ("habit", "words"),
    [
        ("crash", "ended with code 1 while it started"),
        ("hang", "nothing listens there"),
        ("mute", "no answer within"),
        ("http", "not a CARLA server: it answers b'HTTP"),
        ("half", "closed the connection without an answer"),
    ],
)
def test_bad_server_is_a_lost_simulator(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, habit: str, words: str
) -> None:
    monkeypatch.setenv("STANDIN", habit)
    with pytest.raises(SimulatorLost, match=words):
        start_simulator(request_with(tmp_path), "Town01")
    assert list((tmp_path / "run" / "processes").glob("*.json")) == []


def test_crash_shows_the_end_of_the_servers_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STANDIN", "crash")
    with pytest.raises(SimulatorLost, match="Signal 11 caught"):
        start_simulator(request_with(tmp_path), "Town01")


def test_wrong_version_is_refused_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STANDIN", "old")
    started = time.monotonic()
    with pytest.raises(SimulatorVersionError, match=r"expected CARLA 0\.9\.16 .*, found 0\.9\.13"):
        start_simulator(request_with(tmp_path, boot_s=60), "Town01")
    assert time.monotonic() - started < 20


def test_leak_is_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STANDIN", "leak")
    simulator = start_simulator(request_with(tmp_path, boot_s=20), "Town01")
    assert simulator.memory_at_start_mb > 200
    simulator.stop()


def test_missing_executable_is_the_configs_fault(tmp_path: Path) -> None:
    settings = CarlaSimulator(kind="carla", executable=str(tmp_path / "none"))
    with pytest.raises(ConfigError, match="not an executable file"):
        launch_command(settings, PortBlock(20_000), worker=0, dataset=tmp_path)


def test_slots_take_the_gpus_in_turn() -> None:
    settings = CarlaSimulator(
        kind="carla", executable="/bin/true", adapters=(0, 2), servers_per_gpu=2
    )
    assert [adapter_of(settings, worker) for worker in range(5)] == [0, 0, 2, 2, 0]


def test_container_is_reachable_from_this_machine_only_and_sees_one_gpu(tmp_path: Path) -> None:
    settings = CarlaSimulator(
        kind="carla", executable="CarlaUE4.sh", container="carlasim/carla:0.9.16", adapters=(3,)
    )
    command = launch_command(settings, PortBlock(20_000), worker=0, dataset=tmp_path)
    published = [command[n + 1] for n, word in enumerate(command) if word == "-p"]
    assert published == ["127.0.0.1:20000:20000", "127.0.0.1:20001:20001"]
    assert "device=3" in command
    assert command[-1] == "-graphicsadapter=0"


def test_container_of_a_dead_worker_is_removed_before_the_next_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = tmp_path / "calls"
    docker = tmp_path / "docker"
    run = f'exec {sys.executable} {STANDIN} "$@"'
    docker.write_text(f'#!/bin/sh\necho "$@" >> {calls}\n[ "$1" = run ] && {run}\nexit 0\n')
    docker.chmod(0o700)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    settings = CarlaSimulator(kind="carla", executable="CarlaUE4.sh", container="c", stagger_s=0)
    start_simulator(SimulatorRequest(settings, 4, 0.05, 1, tmp_path / "run"), "Town01").stop()
    name = container_name(tmp_path, 4)
    verbs = [line.split()[0] for line in calls.read_text().splitlines() if name in line]
    assert verbs == ["rm", "run", "rm"]


def test_servers_boot_one_after_another() -> None:
    with boot_gate(0.0, lambda: False):
        pass
    started = time.monotonic()
    with boot_gate(0.4, lambda: False):
        assert time.monotonic() - started > 0.2


@pytest.mark.parametrize("written", ["", "boot", "another-boot 1e9", "torn", "\udcff"])
def test_what_an_older_boot_left_in_the_gate_holds_nobody_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, written: str
) -> None:
    monkeypatch.setattr(carla_launch, "lease_folder", lambda: tmp_path)
    gate = tmp_path / "boot"
    gate.write_text(written, errors="surrogateescape")
    written_s = gate.stat().st_mtime
    os.utime(gate, (written_s + 3600, written_s + 3600))  # The clock was set back since.
    with boot_gate(600.0, lambda: False):
        pass


def test_leased_blocks_do_not_overlap() -> None:
    with leased_ports() as first, leased_ports() as second:
        assert set(first.all).isdisjoint(second.all)
