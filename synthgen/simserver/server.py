"""The sockets: an RPC door on the world's own thread and a stream door on a thread beside it.

One thread owns the world: it reads calls, answers them and ticks, so no call ever sees half a
tick. Streams never block it: what a socket does not take at once is sent by the stream thread.
A client that sends nonsense, vanishes or stops reading loses its connection, nobody else does.
"""

from __future__ import annotations

import contextlib
import logging
import os
import selectors
import socket
import threading
import time
from collections import deque
from collections.abc import Callable

from synthgen.simserver.rpc.episode_change import QUESTION, EpisodeChange
from synthgen.simserver.rpc.table import answer
from synthgen.simserver.rpc.wake_up import wake_managers
from synthgen.simserver.wire.rpc_codec import ProtocolError, Request, RpcUnpacker
from synthgen.simserver.wire.streams import FRAME_LENGTH, SUBSCRIPTION
from synthgen.simserver.world.world import World

logger = logging.getLogger(__name__)

RECEIVE_BYTES = 1 << 16
MAX_UNREAD_REPLY_BYTES = 64 << 20
MAX_UNREAD_STREAM_BYTES = 256 << 20
# Beyond this many unread frames an asynchronous world drops new ones for that reader.
MAX_UNREAD_FRAMES_ASYNC = 4
# How long a synchronous tick waits for a stream whose token was handed out to be opened; on a
# busy machine the client takes its time.
STREAM_OPENING_S = 2.0
# A Traffic Manager's thread does one free-running step before its program can make it wait for
# ticks. Where the first cars are registered during that step, runs differ; a real server is too
# slow for that, and we are when the manager announces itself.
FIRST_STEP_S = 0.05
ANNOUNCEMENT = "add_traffic_manager_running"
# What epoll rounds up to, and how long a wait shorter than that is cut.
EPOLL_UNIT_S = 0.001
NAP_S = 0.0001


def bind(host: str, port: int) -> socket.socket:
    """A listening TCP socket; port 0 takes a free one.

    Raises:
        OSError: The port is taken or the host is not ours.
    """
    door = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        door.bind((host, port))
        door.listen(128)
    except OSError:
        door.close()
        raise
    door.setblocking(False)
    return door


def bind_stream_door(host: str, rpc_port: int) -> socket.socket:
    """The stream door's socket: the port after the RPC door as in CARLA, or any free one."""
    try:
        return bind(host, rpc_port + 1)
    except (OSError, OverflowError):
        return bind(host, 0)


def _accept(door: socket.socket) -> socket.socket | None:
    try:
        connection, _ = door.accept()
        connection.setblocking(False)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    except OSError as err:
        logger.debug("a connection was gone before it was accepted: %s", err)
        return None
    return connection


class Subscriber:
    """One open stream connection and what its reader has not taken yet."""

    def __init__(self, connection: socket.socket) -> None:
        self.connection = connection
        self.stream_id: int | None = None
        self.lock = threading.Lock()
        self.unread: deque[memoryview] = deque()
        self.unread_bytes = 0
        self.unread_frames: deque[int] = deque()
        self.is_broken = False
        self.greeting = b""

    def push(self, parts: tuple[memoryview, ...], *, drops: bool) -> bool:
        """Send what the socket takes, keep the rest; True when something is left over."""
        with self.lock:
            if drops and len(self.unread_frames) >= MAX_UNREAD_FRAMES_ASYNC:
                return True
            had_backlog = bool(self.unread)
            self.unread.extend(parts)
            self.unread_bytes += sum(len(part) for part in parts)
            self.unread_frames.append(len(parts))
            if not had_backlog:
                self._send()
            if self.unread_bytes > MAX_UNREAD_STREAM_BYTES:
                self.is_broken = True
            return bool(self.unread) or self.is_broken

    def flush(self) -> bool:
        """Send more of the backlog; True when something is left over."""
        with self.lock:
            self._send()
            return bool(self.unread)

    def _send(self) -> None:
        try:
            while self.unread:
                taken = self.connection.sendmsg(list(self.unread)[:64])
                self.unread_bytes -= taken
                while taken:
                    part = self.unread[0]
                    if taken < len(part):
                        self.unread[0] = part[taken:]
                        break
                    taken -= len(part)
                    self._drop_first()
        except BlockingIOError:
            pass
        except OSError:
            self.is_broken = True
            self.unread.clear()
            self.unread_frames.clear()
            self.unread_bytes = 0

    def _drop_first(self) -> None:
        self.unread.popleft()
        self.unread_frames[0] -= 1
        if not self.unread_frames[0]:
            self.unread_frames.popleft()


class StreamDoor:
    """Streams by id: who listens to them, and the thread that serves slow readers."""

    def __init__(self, door: socket.socket) -> None:
        self.port = int(door.getsockname()[1])
        self._door = door
        self._lock = threading.Lock()
        self._opened = threading.Condition(self._lock)
        self._subscribers: dict[int, list[Subscriber]] = {}
        self._retained: dict[int, bytes] = {}
        self._expected: dict[int, tuple[int, float]] = {}
        self._selector = selectors.DefaultSelector()
        self._wake_read, self._wake_write = os.pipe()
        os.set_blocking(self._wake_read, False)
        self._is_stopping = False
        self._thread = threading.Thread(target=self._run, name="streams", daemon=True)

    def start(self) -> None:
        """Accept connections from now on."""
        self._selector.register(self._door, selectors.EVENT_READ, None)
        self._selector.register(self._wake_read, selectors.EVENT_READ, None)
        self._thread.start()

    def stop(self) -> None:
        """Close every connection and end the thread."""
        self._is_stopping = True
        self._wake()
        self._thread.join()
        self._selector.close()
        self._door.close()
        os.close(self._wake_read)
        os.close(self._wake_write)

    def is_watched(self, stream_id: int) -> bool:
        """Whether anyone listens to the stream."""
        return stream_id in self._subscribers

    def publish(self, stream_id: int, *parts: bytes | memoryview, drops: bool = False) -> None:
        """Send one message to everyone who listens; `drops` lets slow readers miss it."""
        with self._lock:
            subscribers = list(self._subscribers.get(stream_id, ()))
        if not subscribers:
            return
        # An empty part (a sweep without a point) would never count as sent.
        views = tuple(memoryview(part).cast("B") for part in parts if memoryview(part).nbytes)
        length = FRAME_LENGTH.pack(sum(len(view) for view in views))
        message = (memoryview(length), *views)
        needs_help = [s for s in subscribers if s.push(message, drops=drops)]
        if needs_help:
            self._wake()

    def retain(self, stream_id: int, message: bytes) -> None:
        """Set the message that a new listener of the stream gets at once."""
        self._retained[stream_id] = message

    def expect(self, stream_id: int) -> None:
        """Note that a client was told the stream's token and is about to open it."""
        with self._lock:
            count = len(self._subscribers.get(stream_id, ()))
            self._expected[stream_id] = (count + 1, time.monotonic() + STREAM_OPENING_S)

    def wait_for_expected(self) -> None:
        """Wait until every expected stream is open, at most STREAM_OPENING_S."""
        if not self._expected:
            return
        with self._opened:
            while self._expected:
                first = next(iter(self._expected))
                left_s = self._expected[first][1] - time.monotonic()
                if left_s <= 0 or not self._opened.wait(left_s):
                    self._expected.pop(first, None)

    def close_stream(self, stream_id: int) -> None:
        """Forget a stream whose sensor is gone; its connections are closed."""
        with self._lock:
            self._expected.pop(stream_id, None)
            for subscriber in self._subscribers.get(stream_id, ()):
                subscriber.is_broken = True
        self._wake()

    def _wake(self) -> None:
        with contextlib.suppress(OSError):
            os.write(self._wake_write, b"x")

    def _run(self) -> None:
        while not self._is_stopping:
            for key, events in self._selector.select():
                if key.fileobj is self._door:
                    self._accept()
                elif key.data is None:
                    self._serve_backlogs()
                else:
                    self._serve(key.data, events)
        for key in list(self._selector.get_map().values()):
            if key.data is not None:
                key.data.connection.close()

    def _accept(self) -> None:
        connection = _accept(self._door)
        if connection is not None:
            self._selector.register(connection, selectors.EVENT_READ, Subscriber(connection))

    def _serve(self, subscriber: Subscriber, events: int) -> None:
        if subscriber.connection.fileno() < 0:
            # Closed by an earlier event of the same round.
            return
        if events & selectors.EVENT_READ and not self._read(subscriber):
            self._close(subscriber)
            return
        if events & selectors.EVENT_WRITE:
            self._serve_backlog(subscriber)

    def _read(self, subscriber: Subscriber) -> bool:
        try:
            data = subscriber.connection.recv(4096)
        except BlockingIOError:
            return True
        except OSError:
            return False
        if not data:
            return False
        if subscriber.stream_id is None:
            subscriber.greeting += data
            if len(subscriber.greeting) >= SUBSCRIPTION.size:
                self._subscribe(subscriber, SUBSCRIPTION.unpack_from(subscriber.greeting)[0])
        return True

    def _subscribe(self, subscriber: Subscriber, stream_id: int) -> None:
        with self._opened:
            subscriber.stream_id = stream_id
            self._subscribers.setdefault(stream_id, []).append(subscriber)
            retained = self._retained.get(stream_id)
            if retained is not None:
                length = FRAME_LENGTH.pack(len(retained))
                subscriber.push((memoryview(length), memoryview(retained)), drops=False)
            needed = self._expected.get(stream_id)
            if needed is not None and len(self._subscribers[stream_id]) >= needed[0]:
                del self._expected[stream_id]
                self._opened.notify_all()
        self._serve_backlog(subscriber)

    def _serve_backlogs(self) -> None:
        with contextlib.suppress(BlockingIOError):
            os.read(self._wake_read, 1 << 16)
        with self._lock:
            everyone = [s for group in self._subscribers.values() for s in group]
        for subscriber in everyone:
            self._serve_backlog(subscriber)

    def _serve_backlog(self, subscriber: Subscriber) -> None:
        has_more = subscriber.flush()
        if subscriber.is_broken:
            self._close(subscriber)
            return
        events = selectors.EVENT_READ | (selectors.EVENT_WRITE if has_more else 0)
        self._selector.modify(subscriber.connection, events, subscriber)

    def _close(self, subscriber: Subscriber) -> None:
        with self._lock:
            stream_id = subscriber.stream_id
            group = self._subscribers.get(stream_id) if stream_id is not None else None
            if group is not None and stream_id is not None and subscriber in group:
                group.remove(subscriber)
                if not group:
                    del self._subscribers[stream_id]
        with contextlib.suppress(KeyError, ValueError):
            self._selector.unregister(subscriber.connection)
        with subscriber.lock:
            subscriber.is_broken = True
            subscriber.connection.close()


class RpcConnection:
    """One client's call connection: bytes in, replies out, never blocking."""

    def __init__(self, connection: socket.socket) -> None:
        self.connection = connection
        self.unpacker = RpcUnpacker()
        # Read but not answered yet.
        self.requests: deque[Request] = deque()
        # What was wrong with the bytes that were read in the middle of a tick.
        self.fault: ProtocolError | None = None
        self.unsent = bytearray()
        self.managers: set[int] = set()

    def reply(self, message: bytes) -> None:
        """Send a reply, or as much as the socket takes.

        Raises:
            OSError: The client is gone or reads nothing for too long.
        """
        if not self.unsent:
            with contextlib.suppress(BlockingIOError):
                sent = self.connection.send(message)
                if sent == len(message):
                    return
                message = message[sent:]
        self.unsent += message
        self.flush()

    def send_late(self, message: bytes) -> None:
        """Send a reply outside of a call; a client that is gone is noticed when it is read."""
        with contextlib.suppress(OSError):
            self.reply(message)

    def flush(self) -> None:
        """Send what is still unsent.

        Raises:
            OSError: The client is gone or reads nothing for too long.
        """
        with contextlib.suppress(BlockingIOError):
            while self.unsent:
                sent = self.connection.send(self.unsent)
                del self.unsent[:sent]
        if len(self.unsent) > MAX_UNREAD_REPLY_BYTES:
            raise ConnectionError("the client does not read its replies")


class Server:
    """Answers clients and ticks the world until stopped.

    Attributes:
        was_visited: Whether any client has come.
        is_busy: Whether it does anything but wait, for other threads to give way.
    """

    def __init__(self, world: World, rpc_door: socket.socket, streams: StreamDoor) -> None:
        self._world = world
        self._door = rpc_door
        self._streams = streams
        self._selector = selectors.DefaultSelector()
        self._is_stopping = False
        self._stop_read, self._stop_write = os.pipe()
        self._delayed: list[tuple[float, RpcConnection, bytes]] = []
        self._of_tick: list[tuple[RpcConnection, bytes]] = []
        self._change: EpisodeChange | None = None
        self._caller: RpcConnection | None = None
        self.was_visited = False
        self.is_busy = False
        world.in_mid_tick = self._answer_question

    def stop(self) -> None:
        """Leave `run` after the call in progress; safe in a signal handler."""
        self._is_stopping = True
        # A signal alone does not end a `select`.
        with contextlib.suppress(OSError):
            os.write(self._stop_write, b"x")

    def watch(self, file_descriptor: int, on_ready: Callable[[], None]) -> None:
        """Call `on_ready` on the world's thread when the descriptor becomes readable."""
        self._selector.register(file_descriptor, selectors.EVENT_READ, on_ready)

    def run(self) -> None:
        """Serve until `stop`."""
        self._selector.register(self._door, selectors.EVENT_READ, self._accept)
        self._selector.register(self._stop_read, selectors.EVENT_READ, lambda: None)
        self._streams.start()
        try:
            while not self._is_stopping:
                self.is_busy = False
                ready = self._events()
                self.is_busy = True
                for key, events in ready:
                    if isinstance(key.data, RpcConnection):
                        self._serve(key.data, events)
                    else:
                        key.data()
                if self._delayed:
                    self._send_delayed()
                self._end_tick()
                if self._world.seconds_to_wake_up() == 0.0:
                    wake_managers(self._world.stuck_managers())
                if self._change is not None and self._change.advance():
                    self._change = None
                    self._world.told_episode = self._world.clock.episode
                if self._change is None:
                    self._world.tick_if_due()
        finally:
            self._streams.stop()
            self._selector.close()
            self._door.close()
            os.close(self._stop_read)
            os.close(self._stop_write)

    def _accept(self) -> None:
        connection = _accept(self._door)
        if connection is not None:
            self.was_visited = True
            self._selector.register(connection, selectors.EVENT_READ, RpcConnection(connection))

    def _events(self) -> list[tuple[selectors.SelectorKey, int]]:
        """What the sockets have for us, as soon as anything needs to be done."""
        patience_s = self._patience_s()
        if patience_s is None or patience_s >= EPOLL_UNIT_S:
            return self._selector.select(patience_s)
        events = self._selector.select(0)
        if not events:
            time.sleep(min(patience_s, NAP_S))
        return events

    def _patience_s(self) -> float | None:
        """How long nothing needs to be done without a call; None for ever."""
        world = self._world
        if world.settings.synchronous_mode and self._change is None and not self._delayed:
            # As at most times: one clock at most is running.
            end_s, wake_s = world.pace.seconds_to_end(), world.seconds_to_wake_up()
            if end_s is None or wake_s is None:
                return wake_s if end_s is None else end_s
        waits_s = [world.seconds_to_wake_up(), world.pace.seconds_to_end()]
        if self._change is not None:
            waits_s.append(self._change.patience_s())
        else:
            waits_s.append(world.seconds_to_next_tick())
        if self._delayed:
            waits_s.append(min(due_s for due_s, _, _ in self._delayed) - time.monotonic())
        least_s = min((wait_s for wait_s in waits_s if wait_s is not None), default=None)
        return None if least_s is None else max(0.0, least_s)

    def _send_delayed(self) -> None:
        now_s = time.monotonic()
        due = [entry for entry in self._delayed if entry[0] <= now_s]
        self._delayed = [entry for entry in self._delayed if entry[0] > now_s]
        for _, client, reply in due:
            client.send_late(reply)

    def _end_tick(self) -> None:
        """Answer the tick that a Traffic Manager steps with, when it is time."""
        if self._world.pace.seconds_to_end() == 0.0:
            # First: the answer sets the manager going.
            self._world.pace.end_tick()
            replies, self._of_tick = self._of_tick, []
            for client, reply in replies:
                client.send_late(reply)

    def _serve(self, client: RpcConnection, events: int) -> None:
        try:
            if events & selectors.EVENT_WRITE:
                client.flush()
            if events & selectors.EVENT_READ:
                self._read(client)
            wanted = selectors.EVENT_READ | (selectors.EVENT_WRITE if client.unsent else 0)
            if wanted != selectors.EVENT_READ or events & selectors.EVENT_WRITE:
                self._selector.modify(client.connection, wanted, client)
        except (OSError, ProtocolError) as err:
            logger.debug("a client is disconnected: %s", err)
            self._selector.unregister(client.connection)
            client.connection.close()
            # A Traffic Manager lives in its client; a dead one would hang the next client.
            self._world.forget_managers(client.managers)

    def _read(self, client: RpcConnection) -> None:
        try:
            data = client.connection.recv(RECEIVE_BYTES)
        except BlockingIOError:
            return
        if not data:
            raise ConnectionError("closed by the client")
        try:
            client.requests.extend(client.unpacker.feed(data))
        finally:
            # What came before nonsense is answered.
            self._caller = client
            while client.requests:
                self._answer(client, client.requests.popleft())
        if client.fault is not None:
            raise client.fault

    def _answer_question(self) -> None:
        """Answer the manager of the client that ticks, in the middle of the tick.

        The sooner it has its answer, the sooner it sleeps, and the tick may end.
        """
        client = self._caller
        if client is None:
            return
        try:
            client.requests.extend(client.unpacker.feed(client.connection.recv(RECEIVE_BYTES)))
        except ProtocolError as err:
            client.fault = err
        except OSError:
            # Nothing is there, or the client is gone, which is noticed at the next reading.
            return
        for request in tuple(client.requests):
            if request.method == QUESTION:
                client.requests.remove(request)
                self._world.pace.note_question()
                client.send_late(answer(self._world, request))

    def _answer(self, client: RpcConnection, request: Request) -> None:
        world = self._world
        frame, episode = world.clock.frame, world.clock.episode
        before = set(world.traffic_managers) if request.method == ANNOUNCEMENT else None
        reply = answer(world, request)
        if world.clock.episode != episode:
            if self._change is not None:
                self._change.end()
            client.managers &= world.traffic_managers.keys()
            if client.managers:
                world.told_episode = episode
            self._change = EpisodeChange(client, reply)
        elif self._change is not None and self._change.takes(client, request, reply):
            return
        elif before is not None:
            client.managers |= world.traffic_managers.keys() - before
            self._delayed.append((time.monotonic() + FIRST_STEP_S, client, reply))
        elif request.method == QUESTION and (delay_s := world.pace.note_question()):
            self._delayed.append((time.monotonic() + delay_s, client, reply))
        elif world.clock.frame > frame and world.pace.seconds_to_end() is not None:
            self._of_tick.append((client, reply))
        else:
            client.reply(reply)
