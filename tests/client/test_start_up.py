"""Starting, refusing to start, and ending."""

import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from synthgen.simserver.maps import TOWNS_DIR
from tests.client.conftest import connect, free_port, running_server

pytestmark = pytest.mark.server

SERVER = [sys.executable, "-m", "synthgen.simserver"]


def _refused(*arguments: str) -> str:
    process = subprocess.run(
        [*SERVER, *arguments], capture_output=True, text=True, timeout=30, check=False
    )
    assert process.returncode == 2
    assert process.stdout == ""
    return process.stderr


def test_ready_line_names_both_ports(tmp_path: Path) -> None:
    with running_server() as ours:
        assert ours.port > 0
        assert ours.stream_port > 0
        assert connect(ours, tmp_path).get_server_version() == "0.9.16"


def test_carlas_own_flags_are_understood(tmp_path: Path) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    arguments = ["SynthDowntown", f"-carla-rpc-port={port}", "-RenderOffScreen", "-nosound"]
    with running_server(*arguments, "-quality-level=Low", "-benchmark", "-fps=20") as ours:
        assert ours.port == port
        world = connect(ours, tmp_path).get_world()
        assert world.get_map().name == "Carla/Maps/SynthDowntown"
        assert world.get_settings().fixed_delta_seconds == pytest.approx(0.05)


@pytest.mark.parametrize("flag", ["--world-port", "-world-port", "-carla-port", "--carla-rpc-port"])
def test_port_is_given_in_each_of_carlas_spellings(flag: str) -> None:
    # CarlaSettings.cpp reads them all; Unreal takes one dash or two.
    port, stream_port = free_port(), free_port()
    others = ["--RenderOffScreen", "-opengl", "--nosound", f"-carla-streaming-port={stream_port}"]
    with running_server(f"{flag}={port}", *others) as ours:
        assert (ours.port, ours.stream_port) == (port, stream_port)


def test_busy_stream_port_is_refused() -> None:
    with running_server() as ours:
        message = _refused("--port", "0", "--stream-port", str(ours.stream_port))
        assert f"cannot listen on 127.0.0.1:{ours.stream_port}" in message


def test_unknown_town_is_refused_with_the_known_ones() -> None:
    message = _refused("--port", "0", "--map", "Atlantis")
    assert "Map 'Atlantis' not found" in message
    assert "SynthDowntown" in message


def test_file_that_is_no_opendrive_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "road.xodr"
    path.write_text("<OpenDRIVE></OpenDRIVE>", encoding="utf-8")
    assert "road" in _refused("--port", "0", "--map", str(path))


def test_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "road.xodr"
    path.write_bytes(b"\xff\xfe\x00")
    message = _refused("--port", "0", "--map", str(path))
    assert message.startswith(f"synthgen.simserver: {path}: expected OpenDRIVE text in UTF-8")


@pytest.mark.parametrize(
    ("argument", "complaint"),
    [
        ("--fixed-delta=nan", "expected 0 to 10 seconds, got nan"),
        ("--maps-dir=/nowhere", "expected a folder of maps, got /nowhere"),
        ("--threads=0", "expected at least 1, got 0"),
    ],
)
def test_option_that_cannot_be_is_refused(argument: str, complaint: str) -> None:
    assert complaint in _refused("--port", "0", argument)


def test_busy_port_is_refused() -> None:
    with running_server() as ours:
        assert f"cannot listen on 127.0.0.1:{ours.port}" in _refused("--port", str(ours.port))


def test_other_host_needs_a_word() -> None:
    assert "--i-understand-unauthenticated" in _refused("--host", "0.0.0.0")


def test_folder_of_maps_is_listed(tmp_path: Path) -> None:
    text = (TOWNS_DIR / "SynthDowntown.xodr").read_text(encoding="utf-8")
    (tmp_path / "Village.xodr").write_text(text, encoding="utf-8")
    with running_server("--maps-dir", str(tmp_path), "--map", "Village") as ours:
        client = connect(ours, tmp_path)
        assert client.get_world().get_map().name == "Carla/Maps/Village"
        assert "/Game/Carla/Maps/Village_Opt" in client.get_available_maps()


def test_terminated_server_ends_at_once() -> None:
    with running_server() as ours:
        assert ours.process is not None
        ours.process.send_signal(signal.SIGTERM)
        assert ours.process.wait(timeout=5) == 0


def test_server_dies_with_its_parent() -> None:
    script = (
        "import subprocess, sys; p = subprocess.Popen([sys.executable, '-m', 'synthgen.simserver',"
        " '--port', '0', '--die-with-parent'], stdout=subprocess.PIPE, text=True);"
        " p.stdout.readline(); print(p.pid, flush=True); sys.stdin.readline()"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert parent.stdin is not None
    assert parent.stdout is not None
    pid = int(parent.stdout.readline())
    parent.kill()
    parent.wait()
    deadline = time.monotonic() + 5.0
    while time.monotonic() < deadline and _is_alive(pid):
        time.sleep(0.05)
    assert not _is_alive(pid)
    parent.stdin.close()
    parent.stdout.close()


def _is_alive(pid: int) -> bool:
    try:
        status = Path(f"/proc/{pid}/stat").read_text(encoding="ascii")
    except FileNotFoundError:
        return False
    return status.rpartition(")")[2].split()[0] != "Z"
