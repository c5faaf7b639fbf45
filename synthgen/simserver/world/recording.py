"""A recording: what happened in an episode, frame by frame, in one file.

The file is a stream of msgpack objects: a header, then one object per frame. It is our own
format; CARLA's binary one is tied to Unreal's packets.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgpack
import numpy as np
from numpy.typing import NDArray

from synthgen.simserver.world.errors import CallError
from synthgen.user_cache import user_cache

MAGIC = "synthgen-recording"
VERSION = 2


class RecordingError(Exception):
    """A recording cannot be read; CARLA answers such calls with the text, not with a failure."""


@dataclass(frozen=True, eq=False, slots=True)
class RecordedActor:
    """An actor that came into the recording.

    Attributes:
        id: Its id when it was recorded.
        type_id: Its blueprint.
        attributes: id, type and value of each attribute.
        pose: x, y, z, pitch, yaw, roll.
        parent_id: Recorded id of its parent, 0 for none.
    """

    id: int
    type_id: str
    attributes: list[list[Any]]
    pose: list[float]
    parent_id: int


@dataclass(frozen=True, eq=False, slots=True)
class Details:
    """What CARLA calls additional data of a frame: of its new actors, but for the time.

    Attributes:
        boxes: id, centre and half sizes of each body.
        trigger_volumes: The same of each sign's and light's trigger volume.
        light_times: id, green, yellow and red time of each traffic light.
        physics: id and physics control, as nested lists in wire order, of each vehicle.
        platform_time_s: The machine's clock.
    """

    boxes: list[list[Any]]
    trigger_volumes: list[list[Any]]
    light_times: list[list[Any]]
    physics: list[list[Any]]
    platform_time_s: float


@dataclass(frozen=True, eq=False, slots=True)
class RecordedFrame:
    """One frame.

    Attributes:
        time_s: Time since the recording began.
        created: Actors that are new in this frame.
        destroyed: Ids of actors that went.
        ids: (N,) ids of the actors that live.
        motion: (N, 15) float32, the columns of the actor table.
        vehicles: id, steer, throttle, brake, hand brake, gear, lamps of each vehicle.
        walkers: id and speed of each walker.
        lights: id, state, frozen and elapsed time of each traffic light.
        collisions: Pairs of ids that touched, the first with a collision detector; 0 is scenery.
        details: Additional data, None in a recording without.
    """

    time_s: float
    created: list[RecordedActor]
    destroyed: list[int]
    ids: NDArray[np.uint32]
    motion: NDArray[np.float32]
    vehicles: list[list[Any]]
    walkers: list[list[Any]]
    lights: list[list[Any]]
    collisions: list[list[int]]
    details: Details | None


@dataclass(frozen=True, slots=True)
class Header:
    """What a recording is of."""

    town: str
    date: str
    has_kinematics: bool


def recording_path(name: str) -> Path:
    """Where a recording of this name lies; a relative name is in the user's cache folder."""
    if not name or "\0" in name:
        raise CallError("a recording needs a file name")
    path = Path(name)
    return path if path.is_absolute() else user_cache() / "recordings" / path


def header_bytes(header: Header) -> bytes:
    """The header as it stands in the file."""
    fields = [MAGIC, VERSION, header.town, header.date, header.has_kinematics]
    return bytes(msgpack.packb(fields))


def frame_bytes(frame: RecordedFrame) -> bytes:
    """A frame as it stands in the file."""
    created = [[a.id, a.type_id, a.attributes, a.pose, a.parent_id] for a in frame.created]
    return bytes(
        msgpack.packb(
            [
                frame.time_s,
                created,
                frame.destroyed,
                frame.ids.tobytes(),
                frame.motion.tobytes(),
                frame.vehicles,
                frame.walkers,
                frame.lights,
                frame.collisions,
                None if frame.details is None else _fields(frame.details),
            ]
        )
    )


def _fields(details: Details) -> list[Any]:
    return [
        details.boxes,
        details.trigger_volumes,
        details.light_times,
        details.physics,
        details.platform_time_s,
    ]


def read_recording(name: str) -> tuple[Header, list[RecordedFrame]]:
    """Header and frames of a recording.

    Raises:
        RecordingError: There is no such file, or it is no recording.
    """
    path = recording_path(name)
    try:
        with path.open("rb") as file:
            objects = msgpack.Unpacker(file, raw=False)
            magic, version, town, date, has_kinematics = next(objects)
            if magic != MAGIC or version != VERSION:
                raise ValueError("unknown header")
            return Header(town, date, has_kinematics), list(_frames(objects))
    except FileNotFoundError as err:
        raise RecordingError(f"File {path} not found on server\n") from err
    except (OSError, ValueError, TypeError, StopIteration, msgpack.UnpackException) as err:
        raise RecordingError(f"File is not a CARLA recorder\n{path}: {err}\n") from err


def _frames(objects: Iterator[list[Any]]) -> Iterator[RecordedFrame]:
    for time_s, created, destroyed, ids, motion, *states, details in objects:
        vehicles, walkers, lights, collisions = states
        yield RecordedFrame(
            time_s,
            [RecordedActor(*fields) for fields in created],
            destroyed,
            np.frombuffer(ids, np.uint32),
            np.frombuffer(motion, np.float32).reshape(-1, 15),
            vehicles,
            walkers,
            lights,
            collisions,
            None if details is None else Details(*details),
        )
