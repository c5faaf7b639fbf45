"""A stand-in for a CARLA server: its command line and its version call, and its bad habits.

`STANDIN` is one of `good` (default), `crash` (dies at start), `hang` (never listens), `mute`
(listens, never answers), `http`, `old` (another version), `leak` (grows by 200 MB), `half` (answers
a torn reply). It understands the launch flags of CarlaUE4 and those of the embedded server.
"""

from __future__ import annotations

import os
import re
import socketserver
import sys
import time

import msgpack

VERSIONS = {"old": "0.9.13"}


class Door(socketserver.BaseRequestHandler):
    """One connection of a client."""

    def handle(self) -> None:
        """Answer the version call, well or badly."""
        habit = os.environ.get("STANDIN", "good")
        request = self.request.recv(4096)
        if habit == "mute":
            time.sleep(3600)
        elif habit == "http":
            self.request.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        else:
            number = msgpack.unpackb(request)[1]
            version = VERSIONS.get(habit, "0.9.16")
            reply = msgpack.packb([1, number, None, [[1, version]]])
            self.request.sendall(reply[:4] if habit == "half" else reply)


class Server(socketserver.ThreadingTCPServer):
    """A server whose port is free again at once."""

    allow_reuse_address = True
    daemon_threads = True


def main() -> None:
    """Serve until killed."""
    habit = os.environ.get("STANDIN", "good")
    line = " ".join(sys.argv)
    found = re.search(r"(?:-carla-rpc-port=|--port )(\d+)", line)
    assert found is not None, line
    if habit == "crash":
        sys.stderr.write("Signal 11 caught.\nMalloc Size=65538 LargeMemoryPoolOffset=65554\n")
        sys.exit(1)
    if habit == "hang":
        time.sleep(3600)
    leak = bytearray(os.urandom(1024)) * 200_000 if habit == "leak" else b""
    with Server(("127.0.0.1", int(found[1])), Door) as server:
        sys.stdout.write(f"READY rpc={found[1]} leak={len(leak)}\n")
        sys.stdout.flush()
        server.serve_forever()


if __name__ == "__main__":
    main()
