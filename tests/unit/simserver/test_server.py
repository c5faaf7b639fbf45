"""The stream door's bookkeeping, over a pair of connected sockets."""

import selectors
import socket

from synthgen.simserver.server import MAX_UNREAD_FRAMES_ASYNC, StreamDoor, Subscriber, bind


def _pair() -> tuple[Subscriber, socket.socket]:
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    return Subscriber(ours), theirs


def test_what_the_socket_does_not_take_is_kept_in_order() -> None:
    subscriber, reader = _pair()
    message = bytes(range(256)) * 8192
    assert subscriber.push((memoryview(message),), drops=False)
    received = b""
    while len(received) < len(message):
        received += reader.recv(1 << 20)
        subscriber.flush()
    assert received == message
    subscriber.connection.close()
    reader.close()


def test_slow_reader_misses_whole_messages_only_when_allowed() -> None:
    subscriber, reader = _pair()
    big = memoryview(bytes(1 << 20))
    for _ in range(MAX_UNREAD_FRAMES_ASYNC + 3):
        subscriber.push((big,), drops=True)
    assert len(subscriber.unread_frames) == MAX_UNREAD_FRAMES_ASYNC
    subscriber.push((big,), drops=False)
    assert len(subscriber.unread_frames) == MAX_UNREAD_FRAMES_ASYNC + 1
    subscriber.connection.close()
    reader.close()


def test_reader_that_is_gone_is_broken() -> None:
    subscriber, reader = _pair()
    reader.close()
    assert subscriber.push((memoryview(b"x"),), drops=False)
    assert subscriber.is_broken
    subscriber.connection.close()


def test_connection_closed_earlier_in_a_round_is_passed_over() -> None:
    # A destroyed sensor's stream and its reader's farewell can come in one round of events.
    door = bind("127.0.0.1", 0)
    streams = StreamDoor(door)
    subscriber, reader = _pair()
    subscriber.is_broken = True
    streams._selector.register(subscriber.connection, selectors.EVENT_READ, subscriber)
    reader.close()
    streams._serve_backlog(subscriber)
    assert subscriber.connection.fileno() == -1
    streams._serve(subscriber, selectors.EVENT_READ)
    streams._selector.close()
    door.close()
