"""Texts about a recording, laid out as CARLA's recorder queries, which programs parse.

Source: CARLA documentation, "Recorder" (adv_recorder). Lengths are centimetres there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import dist

from synthgen.simserver.world.actors import ActorKind, kind_of
from synthgen.simserver.world.recorder_details import details_lines
from synthgen.simserver.world.recording import (
    Header,
    RecordedActor,
    RecordedFrame,
    read_recording,
)

# Letters of kinds of actors: hero, vehicle, walker, traffic light, other, any.
KINDS = "hvwtoa"
_CM = 100.0
_TYPES = {
    ActorKind.OTHER: 0,
    ActorKind.VEHICLE: 1,
    ActorKind.WALKER: 2,
    ActorKind.TRAFFIC_LIGHT: 3,
}
_STANDING = (ActorKind.TRAFFIC_LIGHT, ActorKind.TRAFFIC_SIGN)
# By bit of the light state.
_LAMPS = (
    *("Position", "LowBeam", "HighBeam", "Brake", "RightBlinker", "LeftBlinker", "Reverse"),
    *("Fog", "Interior", "Special1", "Special2"),
)


def file_info(name: str, *, is_full: bool) -> str:
    """What the recording holds; every frame with all positions if asked for."""
    header, frames = read_recording(name)
    lines = _head(header)
    actors: dict[int, RecordedActor] = {}
    for number, frame in enumerate(frames, start=1):
        actors |= {actor.id: actor for actor in frame.created}
        details = [*_events(frame, actors)]
        if is_full:
            details += _states(frame, actors, has_kinematics=header.has_kinematics)
        if details:
            lines += [f"Frame {number} at {frame.time_s:g} seconds", *details]
    return "\n".join([*lines, *_foot(frames)])


def collisions(name: str, first: str, second: str) -> str:
    """Collisions between two of `KINDS`."""
    header, frames = read_recording(name)
    lines = [*_head(header), f"{'Time':>8}  Types {'Id':>6} {'Actor 1':35} {'Id':>6} Actor 2"]
    actors: dict[int, RecordedActor] = {}
    touching: set[tuple[int, int]] = set()
    for frame in frames:
        actors |= {actor.id: actor for actor in frame.created}
        now = {(a, b) for a, b in frame.collisions}
        for a, b in sorted(now - touching):
            if _fits(actors.get(a), first) and _fits(actors.get(b), second):
                kinds = f"{_letter(actors.get(a))} {_letter(actors.get(b))}"
                one, other = f"{a:7} {_type_of(actors, a):35}", f"{b:6} {_type_of(actors, b)}"
                lines.append(f"{frame.time_s:8.0f}   {kinds} {one} {other}".rstrip())
        touching = now
    return "\n".join([*lines, *_foot(frames)])


def blocked(name: str, min_time_s: float, min_distance_cm: float) -> str:
    """Vehicles that moved less than a distance during a time."""
    header, frames = read_recording(name)
    lines = [*_head(header), f"{'Time':>8} {'Id':>6} {'Actor':35} {'Duration':>10}"]
    actors: dict[int, RecordedActor] = {}
    since: dict[int, tuple[float, list[float]]] = {}
    found: list[tuple[float, float, int]] = []
    for frame in [*frames, None]:
        now_s = frames[-1].time_s if frame is None else frame.time_s
        if frame is not None:
            actors |= {actor.id: actor for actor in frame.created}
        places = (
            {}
            if frame is None
            else {int(i): row[:3].tolist() for i, row in zip(frame.ids, frame.motion, strict=True)}
        )
        for actor_id, (start_s, place) in list(since.items()):
            has_moved = (
                actor_id not in places or dist(place, places[actor_id]) * _CM > min_distance_cm
            )
            if has_moved:
                if now_s - start_s >= min_time_s:
                    found.append((now_s - start_s, start_s, actor_id))
                del since[actor_id]
        for actor_id, place in places.items():
            if actor_id in actors and kind_of(actors[actor_id].type_id) is ActorKind.VEHICLE:
                since.setdefault(actor_id, (now_s, place))
    for duration_s, start_s, actor_id in sorted(found, reverse=True):
        lines.append(
            f"{start_s:8.0f} {actor_id:6} {_type_of(actors, actor_id):35} {duration_s:10.0f}"
        )
    return "\n".join([*lines, *_foot(frames)])


def _head(header: Header) -> list[str]:
    return ["Version: 1", f"Map: {header.town}", f"Date: {header.date}", ""]


def _foot(frames: list[RecordedFrame]) -> list[str]:
    duration_s = frames[-1].time_s if frames else 0.0
    return ["", f"Frames: {len(frames)}", f"Duration: {duration_s:g} seconds", ""]


def _events(frame: RecordedFrame, actors: Mapping[int, RecordedActor]) -> Iterator[str]:
    for actor in frame.created:
        where = ", ".join(f"{value * _CM:g}" for value in actor.pose[:3])
        kind = _TYPES.get(kind_of(actor.type_id), 0)
        yield f" Create {actor.id}: {actor.type_id} ({kind}) at ({where})"
        for name, _, value in actor.attributes:
            yield f"  {name} = {value}"
    for actor_id in frame.destroyed:
        yield f" Destroy {actor_id}"
    for actor in frame.created:
        if actor.parent_id:
            yield f" Parenting {actor.id} with {actor.parent_id} (parent)"
    for number, pair in enumerate(frame.collisions):
        first, second = (
            f"{actor_id} (hero) " if _is_hero(actors.get(actor_id)) else f"{actor_id}"
            for actor_id in pair
        )
        yield f" Collision id {number} between {first} with {second}"


def _states(
    frame: RecordedFrame, actors: Mapping[int, RecordedActor], *, has_kinematics: bool
) -> Iterator[str]:
    rows = [
        (int(actor_id), kind_of(actors[int(actor_id)].type_id), row)
        for actor_id, row in zip(frame.ids, frame.motion, strict=True)
    ]
    # Lights and signs do not move; a reader of positions trips over them.
    placed = [row for row in rows if row[1] not in _STANDING]
    yield f" Positions: {len(placed)}"
    for actor_id, _, row in placed:
        place = ", ".join(f"{value * _CM:g}" for value in row[:3])
        roll, pitch, yaw = row[5], row[3], row[4]
        yield f"  Id: {actor_id} Location: ({place}) Rotation: ({roll:g}, {pitch:g}, {yaw:g})"
    yield f" State traffic lights: {len(frame.lights)}"
    for actor_id, state, is_frozen, elapsed_s in frame.lights:
        yield f"  Id: {actor_id} state: {state} frozen: {int(is_frozen)} elapsedTime: {elapsed_s:g}"
    yield f" Vehicle animations: {len(frame.vehicles)}"
    for actor_id, steer, throttle, brake, hand_brake, gear, _ in frame.vehicles:
        yield (
            f"  Id: {actor_id} Steering: {steer:g} Throttle: {throttle:g} Brake: {brake:g} "
            f"Handbrake: {int(hand_brake)} Gear: {gear}"
        )
    yield f" Walker animations: {len(frame.walkers)}"
    for actor_id, speed in frame.walkers:
        yield f"  Id: {actor_id} speed: {speed:g}"
    yield f" Vehicle light animations: {len(frame.vehicles)}"
    for actor_id, *_, lamps in frame.vehicles:
        lit = [name for bit, name in enumerate(_LAMPS) if lamps >> bit & 1]
        yield f"  Id: {actor_id} {' '.join(lit) or 'None'}"
    if not has_kinematics or frame.details is None:
        return
    moving = [row for row in rows if row[1] in (ActorKind.VEHICLE, ActorKind.WALKER)]
    yield f" Dynamic actors: {len(moving)}"
    for actor_id, _, row in moving:
        velocity = ", ".join(f"{value:g}" for value in row[6:9])
        turning = ", ".join(f"{value:g}" for value in row[9:12])
        yield f"  Id: {actor_id} linear_velocity: ({velocity}) angular_velocity: ({turning})"
    yield from details_lines(frame.details)


def _letter(actor: RecordedActor | None) -> str:
    letters = {ActorKind.VEHICLE: "v", ActorKind.WALKER: "w", ActorKind.TRAFFIC_LIGHT: "t"}
    return "o" if actor is None else letters.get(kind_of(actor.type_id), "o")


def _is_hero(actor: RecordedActor | None) -> bool:
    return actor is not None and any(
        (name, value) == ("role_name", "hero") for name, _, value in actor.attributes
    )


def _fits(actor: RecordedActor | None, wanted: str) -> bool:
    return wanted in ("a", _letter(actor)) or (wanted == "h" and _is_hero(actor))


def _type_of(actors: dict[int, RecordedActor], actor_id: int) -> str:
    # Scenery, actor 0, has no name in CARLA's table.
    return actors[actor_id].type_id if actor_id in actors else ""
