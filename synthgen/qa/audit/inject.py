"""Faults put into good labels on purpose, so that the audit's recall can be measured.

The sensor data stay as they are; only labels change, as a bug in a label writer would change them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, Final

import numpy as np

from synthgen.geometry.arrays import F64, I64
from synthgen.qa.audit.evidence import Blobs
from synthgen.qa.audit.labels import Labels, turns
from synthgen.qa.audit.match import Pairs
from synthgen.qa.audit.tracks import speeds

CLEAN: Final = ""
PARTNER: Final = "partner"  # the good one of two boxes that a fault makes alike
UNDECIDED: Final = "undecided"  # part of a faulty track where the fault makes no difference
_CLASSES: Final = ("car", "van", "truck", "bus", "pedestrian", "bicycle", "motorcycle")
_MIN_LAG_M: Final = 0.25
_MIN_TICK_LAG_M: Final = 0.15
_TICK_S: Final = 0.05
_MIN_FLIP_SPEED_MPS: Final = 4.0  # slower ones may reverse
_MIN_DROP_PX: Final = 25


@dataclass(slots=True)
class Draft:
    """Labels while faults are put in.

    Attributes:
        labels: As they are by now.
        kinds: Name of the fault in each box.
        dropped: Blobs of each box that was taken out.
        is_verifiable: Boxes of the good labels that sensors or claims say something about.
        blobs: What the sensors say.
        pairs: Which blobs belong to which box of the good labels.
        rng: Source of every choice.
    """

    labels: Labels
    kinds: np.ndarray
    is_verifiable: np.ndarray
    blobs: Blobs
    pairs: Pairs
    rng: np.random.Generator
    dropped: dict[int, I64] = field(default_factory=dict)
    speed_mps: F64 = field(init=False)

    def __post_init__(self) -> None:
        """Measure the speeds of the good labels."""
        self.speed_mps = speeds(self.labels)

    def is_free(self, rows: I64) -> bool:
        """True where none of the boxes has a fault already."""
        return bool((self.kinds[rows] == CLEAN).all()) and not any(
            row in self.dropped for row in rows.tolist()
        )

    def track(self, row: int) -> I64:
        """All boxes of the track that a box belongs to."""
        assert self.labels.track is not None
        return np.flatnonzero(self.labels.track == self.labels.track[row])

    def put(self, rows: I64, kind: str, **columns: np.ndarray) -> None:
        """Replace columns of some boxes."""
        changed: dict[str, Any] = {}
        for name, value in columns.items():
            column = getattr(self.labels, name).copy()
            column[rows] = value
            changed[name] = column
        self.labels = replace(self.labels, **changed)
        self.kinds[rows] = kind

    def append(self, row: int, kind: str, **columns: np.ndarray) -> None:
        """Add a box that is a copy of another but for some columns, with a track of its own."""
        assert self.labels.track is not None
        one = np.array([row])
        fresh = np.array([self.labels.track.max() + 1])
        fields: dict[str, Any] = {**columns, "track": fresh}
        self.labels = self.labels.joined(replace(self.labels.take(one), **fields))
        self.kinds = np.append(self.kinds, kind)
        self.is_verifiable = np.append(self.is_verifiable, True)
        self.speed_mps = np.append(self.speed_mps, np.nan)

    def moved(self, rows: I64, offset_m: F64) -> dict[str, F64]:
        """Columns of boxes displaced by (n, 3) offsets in the platform's frame."""
        labels = self.labels
        frame_turn = labels.world_yaw_rad[rows] - np.arctan2(
            labels.rotation[rows, 1, 0], labels.rotation[rows, 0, 0]
        )
        world_m = np.einsum("nij,nj->ni", turns(frame_turn), offset_m)
        return {
            "center_m": labels.center_m[rows] + offset_m,
            "world_m": labels.world_m[rows] + world_m,
        }

    def turned(self, rows: I64, yaw_rad: float) -> dict[str, F64]:
        """Columns of boxes turned about their up axis."""
        labels = self.labels
        yaw = np.full(len(rows), yaw_rad)
        return {
            "rotation": labels.rotation[rows] @ turns(yaw),
            "world_yaw_rad": labels.world_yaw_rad[rows] + yaw,
        }


Fault = Callable[[Draft, int], bool]  # False where it makes no sense for that box


def _shift(length_m: float) -> Fault:
    def fault(draft: Draft, row: int) -> bool:
        angle = draft.rng.uniform(0, 2 * np.pi)
        offset_m = length_m * np.array([[np.cos(angle), np.sin(angle), 0.0]])
        rows = np.array([row])
        draft.put(rows, f"shift_{length_m:.1f}m", **draft.moved(rows, offset_m))
        return True

    return fault


def _resize(factor: float, name: str) -> Fault:
    def fault(draft: Draft, row: int) -> bool:
        rows = np.array([row])
        draft.put(rows, name, size_lwh_m=draft.labels.size_lwh_m[rows] * factor)
        return True

    return fault


def _turn(angle_rad: float, name: str) -> Fault:
    def fault(draft: Draft, row: int) -> bool:
        rows = np.array([row])
        draft.put(rows, name, **draft.turned(rows, angle_rad * draft.rng.choice([-1, 1])))
        return True

    return fault


def _other_class(draft: Draft, row: int) -> str:
    own = str(draft.labels.category[row])
    return str(draft.rng.choice([name for name in _CLASSES if name != own]))


def _class_swap(draft: Draft, row: int) -> bool:
    draft.put(np.array([row]), "class_swap", category=np.array(_other_class(draft, row)))
    return True


def _id_swap(draft: Draft, row: int) -> bool:
    labels = draft.labels
    assert labels.track is not None
    same_frame = labels.frame[: len(draft.is_verifiable)] == labels.frame[row]
    others = np.flatnonzero(same_frame & draft.is_verifiable & (draft.kinds == CLEAN))
    others = others[(others != row) & (labels.track[others] != labels.track[row])]
    if not len(others):
        return False
    rows = np.array([row, draft.rng.choice(others)])
    if not draft.is_free(rows):
        return False
    swapped = {name: getattr(labels, name)[rows[::-1]] for name in ("track", "model", "logged")}
    draft.put(rows, "id_swap", **swapped)
    return True


def _lag(draft: Draft, row: int) -> bool:
    labels = draft.labels
    own = draft.track(row)
    before = own[labels.frame[own] == labels.frame[row] - 1]
    if not len(before):
        return False
    world_m = labels.world_m[before] - labels.world_m[[row]]
    if np.linalg.norm(world_m) < _MIN_LAG_M:
        return False
    turn = labels.world_yaw_rad[row] - np.arctan2(
        labels.rotation[row, 1, 0], labels.rotation[row, 0, 0]
    )
    offset_m = np.einsum("nij,nj->ni", turns(np.array([-turn])), world_m)
    rows = np.array([row])
    draft.put(rows, "lag", **draft.moved(rows, offset_m))
    return True


def _duplicate(draft: Draft, row: int) -> bool:
    offset_m = np.array([[*draft.rng.uniform(-0.1, 0.1, 2), 0.0]])
    draft.append(row, "duplicate", **draft.moved(np.array([row]), offset_m))
    draft.kinds[row] = PARTNER
    return True


def _ghost(draft: Draft, row: int) -> bool:
    """A box in empty space that claims to be seen."""
    labels, blobs = draft.labels, draft.blobs
    points = blobs.points_m[
        slice(*blobs.start[np.searchsorted(blobs.frame, labels.frame[row] + np.array([0, 1]))])
    ]
    for _ in range(20):
        offset_m = np.array([[*draft.rng.uniform(-25, 25, 2), 0.0]])
        place = labels.center_m[row] + offset_m[0]
        reach_m = np.linalg.norm(labels.size_lwh_m[row]) / 2 + 0.5
        if not len(points) or np.linalg.norm(points - place, axis=1).min() > reach_m:
            break
    else:
        return False
    columns = draft.moved(np.array([row]), offset_m)
    draft.append(
        row, "ghost", **columns,
        claimed_px=np.array([150.0]), claimed_points=np.array([20.0]),
        image_xyxy_px=np.full((1, *labels.image_xyxy_px.shape[1:]), np.nan),
    )  # fmt: skip
    return True


def _drop(draft: Draft, row: int) -> bool:
    own = _blobs_of(draft, row)
    if not len(own):
        return False
    draft.dropped[row] = own
    return True


def _blobs_of(draft: Draft, row: int) -> I64:
    """Blobs that are clearly of one box and large enough to be missed."""
    pairs, blobs = draft.pairs, draft.blobs
    own = pairs.blob[(pairs.box == row) & (pairs.inside > 0.9)]
    large = np.where(blobs.camera[own] < 0, 8, _MIN_DROP_PX)
    return np.asarray(own[(blobs.count[own] >= large) & (blobs.tag[own] > 0)])


def _edge_2d(draft: Draft, row: int) -> bool:
    image = draft.labels.image_xyxy_px[row].copy()
    cameras = np.flatnonzero(~np.isnan(image[:, 0]))
    if not len(cameras):
        return False
    image[draft.rng.choice(cameras), draft.rng.integers(4)] += 5.0 * draft.rng.choice([-1, 1])
    draft.put(np.array([row]), "edge_2d_5px", image_xyxy_px=image[None])
    return True


def _through_wall(draft: Draft, row: int) -> bool:
    """A box that is exported as seen though it stands behind a house (carla#5923)."""
    labels = draft.labels
    hidden = (draft.pairs.hits == 0) & ~draft.is_verifiable[: len(draft.pairs.hits)]
    hidden &= labels.frame[: len(hidden)] == labels.frame[row]
    rows = np.flatnonzero(hidden & (draft.kinds[: len(hidden)] == CLEAN))
    if not len(rows):
        return False
    chosen = np.array([draft.rng.choice(rows)])
    draft.put(chosen, "through_wall", claimed_px=np.array(80.0), claimed_points=np.array(0.0))
    draft.is_verifiable[chosen] = True
    return True


def _track_resize(factors: tuple[float, float, float], name: str, group: str = "") -> Fault:
    def fault(draft: Draft, row: int) -> bool:
        if group and str(draft.labels.category[row]) not in group.split():
            return False
        rows = draft.track(row)
        draft.put(rows, name, size_lwh_m=draft.labels.size_lwh_m[rows] * np.array(factors))
        return True

    return fault


def _track_shift(draft: Draft, row: int) -> bool:
    """A lateral offset of all boxes of a track: a mirror on one side only (carla#7089)."""
    rows = draft.track(row)
    side = 0.3 * draft.rng.choice([-1, 1])
    offset_m = draft.labels.rotation[rows] @ np.array([0.0, side, 0.0])
    draft.put(rows, "track_offset_0.3m", **draft.moved(rows, offset_m))
    return True


def _track_class(draft: Draft, row: int) -> bool:
    rows = draft.track(row)
    draft.put(rows, "track_class", category=np.array(_other_class(draft, row)))
    return True


def _track_flip(draft: Draft, row: int) -> bool:
    rows = draft.track(row)
    moving = np.abs(draft.speed_mps[rows]) > _MIN_FLIP_SPEED_MPS
    if moving.mean() < 0.5:
        return False
    draft.put(rows, "track_flip", **draft.turned(rows, np.pi))
    draft.kinds[rows[~moving]] = UNDECIDED
    return True


def _track_lag(draft: Draft, row: int) -> bool:
    """Boxes of the tick before (carla#5923)."""
    rows = draft.track(row)
    back_m = np.nan_to_num(draft.speed_mps[rows]) * _TICK_S
    lagging = np.abs(back_m) >= _MIN_TICK_LAG_M
    if lagging.mean() < 0.5:
        return False
    offset_m = -draft.labels.rotation[rows][:, :, 0] * back_m[:, None]
    draft.put(rows, "track_lag_1tick", **draft.moved(rows, offset_m))
    draft.kinds[rows[~lagging]] = UNDECIDED
    return True


def _track_drop(draft: Draft, row: int) -> bool:
    found = {int(r): _blobs_of(draft, int(r)) for r in draft.track(row)}
    if not any(len(own) for own in found.values()):
        return False
    draft.dropped |= found
    return True


def _id_switch(draft: Draft, row: int) -> bool:
    """Two tracks exchange their ids at some frame and keep them so for the last third."""
    labels = draft.labels
    assert labels.track is not None
    first = draft.track(row)
    others = np.unique(labels.track[draft.is_verifiable & (draft.kinds == CLEAN)])
    others = others[others != labels.track[row]]
    for other in draft.rng.permutation(others).tolist():
        second = np.flatnonzero(labels.track == other)
        shared = np.intersect1d(labels.frame[first], labels.frame[second])
        if len(shared) < 9 or not draft.is_free(second):
            continue
        late = shared[-(len(shared) // 3) :]
        rows = [own[np.isin(labels.frame[own], late)] for own in (first, second)]
        pair, back = np.concatenate(rows), np.concatenate(rows[::-1])
        columns = {name: getattr(labels, name)[back] for name in ("track", "model", "logged")}
        draft.put(pair, "id_switch", **columns)
        return True
    return False


SINGLE_FAULTS: Final[dict[str, Fault]] = {
    "drop": _drop,
    "ghost": _ghost,
    "shift_0.3m": _shift(0.3),
    "shift_0.6m": _shift(0.6),
    "shift_1.2m": _shift(1.2),
    "size_up": _resize(1.2, "size_up"),
    "size_down": _resize(0.8, "size_down"),
    "yaw_15deg": _turn(np.radians(15), "yaw_15deg"),
    "yaw_flip": _turn(np.pi, "yaw_flip"),
    "class_swap": _class_swap,
    "id_swap": _id_swap,
    "lag": _lag,
    "duplicate": _duplicate,
    "edge_2d_5px": _edge_2d,
    "through_wall": _through_wall,
}
TRACK_FAULTS: Final[dict[str, Fault]] = {
    "track_size_up": _track_resize((1.2, 1.2, 1.2), "track_size_up"),
    "track_size_down": _track_resize((0.8, 0.8, 0.8), "track_size_down"),
    "track_offset_0.3m": _track_shift,
    "track_class": _track_class,
    "track_flip": _track_flip,
    "track_lag_1tick": _track_lag,
    "track_drop": _track_drop,
    "id_switch": _id_switch,
    # carla#3670, #7596, #738
    "zero_width": _track_resize((1.0, 0.0, 1.0), "zero_width", "bicycle motorcycle pedestrian"),
    "zero_extent": _track_resize((0.0, 0.0, 0.0), "zero_extent", "bicycle motorcycle car"),
    "long_walker": _track_resize((2.2, 1.0, 1.0), "long_walker", "pedestrian"),
}


def inject(draft: Draft, kind: str, budget: float) -> bool | None:
    """Put one fault of a kind into a box that has none yet.

    Returns:
        False where no box takes it, None where the dice spare a track that is over the budget.

    Args:
        draft: The labels.
        kind: Name of the fault.
        budget: Faulty boxes that are wanted yet. A track of more boxes than that is taken with the
            chance of their ratio, so that long tracks are neither left out nor make up all faults.
    """
    fault = SINGLE_FAULTS.get(kind) or TRACK_FAULTS[kind]
    count = len(draft.is_verifiable)
    rows = np.flatnonzero(draft.is_verifiable & (draft.kinds[:count] == CLEAN))
    for row in draft.rng.permutation(rows)[:40].tolist():
        touched = draft.track(row) if kind in TRACK_FAULTS else np.array([row])
        if kind in TRACK_FAULTS:
            boxes = int(draft.is_verifiable[touched].sum())
            if draft.rng.random() > budget / max(1, boxes):
                return None
        if draft.is_free(touched) and fault(draft, row):
            return True
    return False
