"""How a server's instance ids lead to the clip's objects, found out by trying.

CARLA paints 16-bit ids: actor ids since 0.9.16, engine ids before, and environment objects are
linked by neither (issues 4914, 5842, 9685). Three ways to link them are known; a probe on the
first frames tries each, measures how many pixels it explains by where those pixels are in space,
and takes the first that explains (nearly) all. Ids that turn up later are linked by the third:

1. `actor_id`: the painted id is the actor's id modulo 2^16 or 2^15.
2. `lidar`: the semantic LiDAR gives the same object's id and hits the same pixels.
3. `geometry`: the pixels, back-projected, lie in the object's cuboid.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal

import numpy as np

from synthgen.datatypes.images import NO_DEPTH_CM
from synthgen.datatypes.taxonomy import Taxonomy
from synthgen.geometry.arrays import F64, I64, U8, U16, U32, Bool
from synthgen.geometry.camera import PinholeCamera
from synthgen.geometry.se3 import SE3
from synthgen.labels.scene_boxes import SceneBoxes

Method = Literal["actor_id", "lidar", "geometry"]
_ENOUGH: Final = 0.95  # of the pixels of road users
_MARGIN_M: Final = 0.15
_MIN_PX: Final = 12
_MIN_SHARE: Final = 0.5


@dataclass(frozen=True, eq=False, slots=True)
class ProbeImage:
    """One image as the server painted it, not yet in track ids.

    Attributes:
        world_from_camera: Pose of the optical frame.
        camera: Intrinsics.
        server_id: (H, W) uint16 ids of the server, 0 = none.
        depth_cm: (H, W) uint16.
        semantic: (H, W) uint8 CARLA tags.
        boxes: The objects at the same tick.
    """

    world_from_camera: SE3
    camera: PinholeCamera
    server_id: U16
    depth_cm: U16
    semantic: U8
    boxes: SceneBoxes


@dataclass(frozen=True, eq=False, slots=True)
class ProbeSweep:
    """Semantic LiDAR points of the same moment: (N, 3) world, (N,) object ids of the server."""

    points_world_m: F64
    object_id: U32


@dataclass(frozen=True, eq=False, slots=True)
class InstanceLink:
    """What the probe found.

    Attributes:
        method: How ids are linked.
        track_of_id: (65536,) uint16 track id of each painted id, 0 where unknown.
        match_rate: Share of road users' pixels that it explains.
        rates: The same of every method that was tried.
    """

    method: Method
    track_of_id: U16
    match_rate: float
    rates: Mapping[Method, float]


def probe_instances(
    images: Sequence[ProbeImage],
    sweeps: Sequence[ProbeSweep],
    actor_of_track: Mapping[int, int],
    *,
    taxonomy: Taxonomy,
) -> InstanceLink:
    """The first way to link ids that explains 95 % of the road users' pixels, or the best one.

    Args:
        images: A few images of the start of a clip.
        sweeps: Semantic LiDAR points, one item per image; may be empty.
        actor_of_track: Track id -> actor id of the server; map objects have none.
        taxonomy: Tells road users' pixels from others.
    """
    truth = [_objects_at_pixels(image) for image in images]
    rates: dict[Method, float] = {}
    links: dict[Method, U16] = {}
    for method, candidates in (
        ("actor_id", [_by_actor_id(actor_of_track, bits) for bits in (16, 15)]),
        ("lidar", [_by_lidar(images, sweeps, actor_of_track)] if sweeps else []),
        ("geometry", [_by_geometry(images, truth, taxonomy)]),
    ):
        scored = [(match_rate(images, truth, link, taxonomy), link) for link in candidates]
        if not scored:
            continue
        name: Method = method  # type: ignore[assignment]  # the literals above
        rates[name], links[name] = max(scored, key=lambda item: item[0])
        if rates[name] >= _ENOUGH:
            return InstanceLink(name, links[name], rates[name], rates)
    best = max(rates, key=lambda key: rates[key])
    return InstanceLink(best, links[best], rates[best], rates)


def with_newcomers(link: U16, image: ProbeImage, taxonomy: Taxonomy) -> U16:
    """The link and, by where their pixels are, road users' ids that it does not know yet.

    Args:
        link: (65536,) track of each painted id.
        image: A later image, in full.
        taxonomy: Tells road users' pixels from others.
    """
    is_new = _of_users(image, taxonomy) & (link[image.server_id] == 0)
    alone = replace(image, depth_cm=np.where(is_new, image.depth_cm, NO_DEPTH_CM))
    found = _by_geometry([alone], [_objects_at_pixels(alone)], taxonomy)
    return np.where(link == 0, found, link)


def match_rate(
    images: Sequence[ProbeImage], truth: Sequence[U16], link: U16, taxonomy: Taxonomy
) -> float:
    """Share of road users' pixels whose linked object is the one that stands there.

    Pixels near the edge of cuboids, where none or two claim them, do not count.

    Args:
        images: The probe's images.
        truth: Object at each pixel by position, see `_objects_at_pixels`.
        link: (65536,) track of each painted id.
        taxonomy: Tells road users' pixels from others.
    """
    right = total = 0
    for image, standing in zip(images, truth, strict=True):
        counts = _of_users(image, taxonomy) & (standing > 0)
        total += int(np.count_nonzero(counts))
        right += int(np.count_nonzero(link[image.server_id[counts]] == standing[counts]))
    return right / total if total else 0.0


def link_rate(images: Sequence[ProbeImage], link: U16, taxonomy: Taxonomy) -> float | None:
    """`match_rate` of a known link; None where no road user is seen."""
    truth = [_objects_at_pixels(image) for image in images]
    pairs = zip(images, truth, strict=True)
    if not any((_of_users(image, taxonomy) & (at > 0)).any() for image, at in pairs):
        return None
    return match_rate(images, truth, link, taxonomy)


def _objects_at_pixels(image: ProbeImage) -> U16:
    """Track (H, W) of the only cuboid that each pixel's point lies in, 0 for none or several."""
    rows, columns = np.nonzero(image.depth_cm != NO_DEPTH_CM)
    rays = image.camera.rays(np.stack([columns + 0.5, rows + 0.5], axis=1))
    depth_m = image.depth_cm[rows, columns] / 100.0
    world_m = image.world_from_camera.apply(rays * depth_m[:, None])
    claims = np.zeros(len(rows), dtype=np.int64)
    track = np.zeros(len(rows), dtype=np.uint16)
    reach_m = np.linalg.norm(image.boxes.world.size_lwh_m, axis=1) / 2 + _MARGIN_M
    for row, track_id in enumerate(image.boxes.track_id.tolist()):
        gap_m = np.abs(world_m - image.boxes.world.center_m[row]).max(axis=1)
        near = np.flatnonzero(gap_m <= reach_m[row])
        inside = near[image.boxes.world[row].contains(world_m[near], _MARGIN_M)]
        claims[inside] += 1
        track[inside] = track_id
    standing = np.zeros(image.depth_cm.shape, dtype=np.uint16)
    standing[rows, columns] = np.where(claims == 1, track, 0)
    return standing


def _by_actor_id(actor_of_track: Mapping[int, int], bits: int) -> U16:
    """Painted id = actor id modulo 2^bits; ids that two actors share link to neither."""
    link = np.zeros(65536, dtype=np.uint16)
    painted = {track: actor % (1 << bits) for track, actor in actor_of_track.items()}
    shared = _repeated(list(painted.values()))
    for track, value in painted.items():
        if value not in shared:
            link[value] = track
    link[0] = 0
    return link


def _repeated(values: Sequence[int]) -> set[int]:
    unique, counts = np.unique(np.array(values, dtype=np.int64), return_counts=True)
    return set(unique[counts > 1].tolist())


def _by_lidar(
    images: Sequence[ProbeImage], sweeps: Sequence[ProbeSweep], actor_of_track: Mapping[int, int]
) -> U16:
    """Painted id = that of the pixels which an actor's LiDAR points fall on, by majority."""
    ids, tracks = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
    track_of_actor = {actor: track for track, actor in actor_of_track.items()}
    for image, sweep in zip(images, sweeps, strict=True):
        known = np.isin(sweep.object_id, list(track_of_actor))
        at, is_seen = _pixels_of(image, sweep.points_world_m[known])
        owners = [track_of_actor[int(actor)] for actor in sweep.object_id[known][is_seen]]
        ids.append(image.server_id[at].astype(np.int64))
        tracks.append(np.array(owners, dtype=np.int64))
    return _majority(np.concatenate(ids), np.concatenate(tracks), least=3)


def _pixels_of(image: ProbeImage, points_world_m: F64) -> tuple[tuple[I64, I64], Bool]:
    """Rows and columns of the points that the image shows, and which points those are."""
    in_camera_m = image.world_from_camera.inverse().apply(points_world_m)
    depth_m = in_camera_m[:, 2]
    is_ahead = depth_m > 0.5
    in_camera_m[~is_ahead] = [0.0, 0.0, 1.0]
    column, row = np.floor(image.camera.project(in_camera_m)).astype(np.int64).T
    inside = is_ahead & (column >= 0) & (column < image.camera.width_px)
    inside &= (row >= 0) & (row < image.camera.height_px)
    shown = np.zeros(len(depth_m), dtype=np.bool_)
    at_depth_m = image.depth_cm[row[inside], column[inside]] / 100.0
    shown[inside] = np.abs(at_depth_m - depth_m[inside]) < _MARGIN_M
    return (row[shown], column[shown]), shown


def _by_geometry(images: Sequence[ProbeImage], truth: Sequence[U16], taxonomy: Taxonomy) -> U16:
    """Painted id = the object in whose cuboid most of its pixels with a road user's tag lie."""
    users = [_of_users(image, taxonomy) for image in images]
    pairs = zip(images, truth, users, strict=True)
    votes = [(image.server_id[is_user], at[is_user]) for image, at, is_user in pairs]
    ids = np.concatenate([painted for painted, _ in votes]).astype(np.int64)
    tracks = np.concatenate([track for _, track in votes]).astype(np.int64)
    return _majority(ids, tracks, least=_MIN_PX)


def _of_users(image: ProbeImage, taxonomy: Taxonomy) -> Bool:
    return np.isin(image.semantic, list(taxonomy.labelled_tags()))


def _majority(ids: I64, tracks: I64, *, least: int) -> U16:
    """The track that at least half of an id's `least` or more votes name; 0 is a vote for none."""
    link = np.zeros(65536, dtype=np.uint16)
    pairs, counts = np.unique(ids * 65536 + tracks, return_counts=True)
    totals = np.bincount(ids, minlength=65536)
    for pair, count in zip(pairs.tolist(), counts.tolist(), strict=True):
        painted, track = divmod(pair, 65536)
        if painted and track and count >= max(least, _MIN_SHARE * totals[painted]):
            link[painted] = track
    return link
