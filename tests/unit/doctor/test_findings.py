"""Each problem is found and comes with its mend."""

from __future__ import annotations

from pathlib import Path

import pytest

from synthgen.doctor import carla_host, host, network
from synthgen.doctor.finding import Finding, Health

# Two lines of a real /proc/net/tcp: 0.0.0.0:8000 and 127.0.0.1:2000, both listening.
TCP_TABLE = """\
  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 00000000:1F40 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 4242 1
   1: 0100007F:07D0 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 4343 1
"""


@pytest.mark.parametrize(
    "finding",
    [
        host.python_version((3, 13)),
        host.processor(frozenset({"sse4_2"})),
        host.processor(frozenset()),
        host.open_files(256),
        carla_host.installation(Path("/nowhere/CarlaUE4.sh"))[0],
        network.open_doors([network.Listener(8000, "Ray")]),
    ],
    ids=lambda finding: finding.check,
)
def test_problem_comes_with_its_mend(finding: Finding) -> None:
    assert finding.health is not Health.OK
    assert finding.mend


def test_shared_memory_that_only_root_may_write_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.access", lambda _path, _mode: False)
    finding = host.shared_memory()
    assert finding.health is Health.FAIL
    assert finding.mend == "chmod 1777 /dev/shm"


@pytest.mark.parametrize("version", [(3, 11), (3, 12)])
def test_supported_python_is_fine(version: tuple[int, int]) -> None:
    assert host.python_version(version).health is Health.OK


def test_only_ports_open_to_other_machines_are_listed(tmp_path: Path) -> None:
    table = tmp_path / "tcp"
    table.write_text(TCP_TABLE)
    assert network._listening_inodes(table) == {"4242": 8000}


def test_readable_token_is_found(tmp_path: Path) -> None:
    token = tmp_path / "auth_token"
    token.write_text("secret")
    token.chmod(0o644)
    assert network.ray_token(token).health is Health.WARN
    token.chmod(0o600)
    assert network.ray_token(token).health is Health.OK


def test_disabled_authentication_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAY_AUTH_MODE", "disabled")
    assert network.ray_authentication().health is Health.FAIL


def test_maps_of_another_carla_version_are_refused(tmp_path: Path) -> None:
    (tmp_path / "VERSION").write_text("0.9.15\n")
    executable = tmp_path / "CarlaUE4.sh"
    executable.touch()
    assert carla_host.installation(executable)[0].health is Health.FAIL
