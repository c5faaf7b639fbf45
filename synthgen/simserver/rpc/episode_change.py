"""A client on its way to a new episode, with whatever Traffic Managers it has.

While a client loads an episode it has none for a moment, and a manager's thread that looks for
it then ends the process. A real server takes seconds to load and answers nobody meanwhile. Here
the load is answered once the managers wait for an answer themselves, and they get it once the
client has asked for the stream of its new episode. A snapshot in between is just as deadly, so the
world does not tick by itself.

Managers read the new town when a snapshot shows them another episode than the handshake did. So
the handshake still tells the former one (`World.told_episode`), and the program goes on once its
managers have the town: both keep it in the same place of the client, without a lock.
"""

from __future__ import annotations

import time
from typing import Protocol

from synthgen.simserver.wire.rpc_codec import Request
from synthgen.simserver.wire.streams import WORLD_STREAM

# What a manager asks at the end of each step, and a client that has its new episode.
QUESTION, SUBSCRIPTION = "get_episode_settings", "get_sensor_token"
# The last thing that a manager asks about a town.
TOWN_READ = ("get_required_files", ["TM"])
# How long a manager's step may take; one that waits for a tick asks nothing.
MANAGER_STEP_S = 0.2
# How long the client may take to ask for the stream.
HANDSHAKE_S = 2.0
# How long the managers may take to read the town.
TOWN_S = 5.0


class Caller(Protocol):
    """The connection of the client.

    Attributes:
        managers: Ports of its Traffic Managers.
    """

    managers: set[int]

    def send_late(self, message: bytes) -> None:
        """Send a reply; no harm is done if the client is gone."""


class EpisodeChange:
    """Holds back what one client must not know yet.

    Args:
        caller: The client that loads.
        reply: The answer to its load.
    """

    def __init__(self, caller: Caller, reply: bytes) -> None:
        self._caller = caller
        self._reply: bytes | None = reply
        self._answers: list[bytes] = []
        self._unread = len(caller.managers)
        self._is_subscribed = self._has_program = False
        self._answer_by_s = time.monotonic() + MANAGER_STEP_S
        self._end_by_s = self._answer_by_s + HANDSHAKE_S

    def takes(self, caller: Caller, request: Request, reply: bytes) -> bool:
        """Keep an answer for later; False for what can be sent at once."""
        if caller is not self._caller:
            return False
        if request.method == SUBSCRIPTION and request.arguments == [WORLD_STREAM]:
            self._is_subscribed = True
            self._end_by_s = time.monotonic() + TOWN_S if self._unread else 0.0
        elif (request.method, request.arguments) == TOWN_READ:
            self._unread -= 1
            if self._unread <= 0:
                self._end_by_s = 0.0
        elif request.method == QUESTION and not self._has_program:
            if self._is_subscribed:
                # All managers wait, so it is the program; they are stopped before they read.
                self._has_program = True
                self._release()
            self._answers.append(reply)
            return True
        return False

    def advance(self) -> bool:
        """Answer what is due; True when the change is over."""
        now_s = time.monotonic()
        if now_s >= self._end_by_s:
            self.end()
            return True
        if now_s >= self._answer_by_s or len(self._answers) >= len(self._caller.managers):
            self._answer_load()
        return False

    def end(self) -> None:
        """Answer everything."""
        self._answer_load()
        self._release()

    def _release(self) -> None:
        answers, self._answers = self._answers, []
        for answer in answers:
            self._caller.send_late(answer)

    def patience_s(self) -> float:
        """Time until something is due without a call."""
        due_s = self._answer_by_s if self._reply is not None else self._end_by_s
        return due_s - time.monotonic()

    def _answer_load(self) -> None:
        if self._reply is not None:
            reply, self._reply = self._reply, None
            self._caller.send_late(reply)
