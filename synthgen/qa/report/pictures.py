"""Spot the difference: the real and the synthetic frames that are most alike, side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import cv2
import numpy as np

from synthgen.geometry.arrays import F64, U8
from synthgen.geometry.rotations import rotation_about_z
from synthgen.qa.compare import Comparison
from synthgen.qa.image_table import STATISTICS, prepared, statistics
from synthgen.qa.report.figure import data_uri
from synthgen.qa.sources import Source

_CANDIDATES: Final = 24
_PAIRS: Final = 6
_SWEEP_PAIRS: Final = 2
_STRIP: Final = 4
_SIDES: Final = ("real", "synthetic")
# More and less of the statistics that a viewer can name.
_WORDS: Final = {
    "luminance": ("brighter", "darker"),
    "contrast": ("richer in contrast", "flatter"),
    "saturation": ("more colourful", "paler"),
    "warmth": ("warmer", "colder"),
    "sharpness": ("sharper", "softer"),
    "noise": ("noisier", "cleaner"),
    "edge_share": ("fuller of edges", "emptier of edges"),
}
_ABOVE_PX: Final = 320
_ABOVE_M: Final = 60.0
_GROUND: Final = (18, 22, 28)
_POINT: Final = (150, 170, 190)
_BOX: Final = (240, 138, 60)


@dataclass(frozen=True, eq=False, slots=True)
class _Shot:
    """One image of a side."""

    row: int
    rgb: U8
    score: float
    look: F64


def pictures_of(found: Comparison, sources: tuple[Source, Source]) -> dict[str, Any]:
    """Pairs of images, pairs of sweeps, and the frames that look most and least synthetic."""
    shots = [_shots(found, side, source) for side, source in enumerate(sources)]
    return {
        "pairs": _image_pairs(shots, sources),
        "sweeps": _sweep_pairs(sources),
        "strip": [
            _told(side, shot, sources[side]) for side in (0, 1) for shot in _ends(shots[side])
        ],
    }


NO_PICTURES: Final[dict[str, Any]] = {"pairs": [], "sweeps": [], "strip": []}


def _shots(found: Comparison, side: int, source: Source) -> list[_Shot]:
    scores = found.frame_scores[side]
    return [
        _Shot(
            row,
            rgb,
            float(scores[row]) if row < len(scores) else float("nan"),
            statistics(prepared(rgb)),
        )
        for row, rgb in source.images(_CANDIDATES)
    ]


def _ends(shots: Sequence[_Shot]) -> list[_Shot]:
    """The most and the least synthetic; frames without a box have no score and come last."""
    ranked = sorted(
        shots, key=lambda s: (np.isnan(s.score), 0 if np.isnan(s.score) else -s.score, s.row)
    )
    return ranked if len(ranked) <= _STRIP else ranked[: _STRIP // 2] + ranked[-_STRIP // 2 :]


def _told(side: int, shot: _Shot, source: Source) -> dict[str, Any]:
    return {
        "side": _SIDES[side],
        "name": _name(source, shot.row),
        "score": None if np.isnan(shot.score) else shot.score,
        "source": data_uri(shot.rgb),
    }


def _name(source: Source, row: int) -> str:
    frame = source.frames[row]
    return f"{frame.sequence}, frame {frame.frame_index}"


def _image_pairs(
    shots: Sequence[Sequence[_Shot]], sources: tuple[Source, Source]
) -> list[dict[str, Any]]:
    """Images of both sides whose statistics are nearest, none twice."""
    if not all(shots):
        return []
    real, synthetic = (np.stack([shot.look for shot in side]) for side in shots)
    spread = np.concatenate([real, synthetic]).std(axis=0) + 1e-9
    apart = np.linalg.norm((real[:, None] - synthetic[None]) / spread, axis=2)
    pairs = []
    for a, b in nearest_pairs(apart, _PAIRS):
        change = (synthetic[b] - real[a]) / spread
        chosen = (shots[0][a], shots[1][b])
        pairs.append(
            {
                "images": [data_uri(shot.rgb) for shot in chosen],
                "names": [
                    _name(source, shot.row) for source, shot in zip(sources, chosen, strict=True)
                ],
                "words": _difference(change),
            }
        )
    return pairs


def nearest_pairs(apart: F64, most: int) -> list[tuple[int, int]]:
    """Rows and columns of the least entries, each row and each column at most once."""
    left = apart.copy()
    found: list[tuple[int, int]] = []
    for _ in range(min(most, *apart.shape)):
        a, b = np.unravel_index(int(left.argmin()), left.shape)
        left[a, :], left[:, b] = np.inf, np.inf
        found.append((int(a), int(b)))
    return found


def _difference(change: F64) -> str:
    """What a viewer may see, by the statistic that differs most."""
    index = {name: STATISTICS.index(name) for name in _WORDS}
    name = max(index, key=lambda n: abs(change[index[n]]))
    more, less = _WORDS[name]
    return f"yours is {more if change[index[name]] > 0 else less}"


def _sweep_pairs(sources: tuple[Source, Source]) -> list[dict[str, Any]]:
    """Sweeps from above, those with most labelled objects of each side."""
    sides = [
        sorted(source.sweeps(_CANDIDATES), key=lambda s: (-len(source.frames[s[0]].boxes), s[0]))[
            :_SWEEP_PAIRS
        ]
        for source in sources
    ]
    return [
        {
            "images": [
                data_uri(from_above(source, row, points_m), _ABOVE_PX)
                for source, (row, points_m, _) in zip(sources, pair, strict=True)
            ],
            "names": [
                _name(source, row) for source, (row, _, _) in zip(sources, pair, strict=True)
            ],
        }
        for pair in zip(*sides, strict=False)
    ]


def from_above(source: Source, row: int, points_m: F64) -> U8:
    """(320, 320, 3) returns and labels of the 60 m ahead, ahead is up."""
    picture = np.full((_ABOVE_PX, _ABOVE_PX, 3), _GROUND, dtype=np.uint8)
    scale = _ABOVE_PX / _ABOVE_M

    def pixels(at_m: F64) -> F64:
        return np.stack([_ABOVE_PX / 2 - scale * at_m[:, 1], _ABOVE_PX - scale * at_m[:, 0]], 1)

    column, line = np.floor(pixels(source.in_box_frame(row, points_m))).astype(np.int64).T
    inside = (column >= 0) & (column < _ABOVE_PX) & (line >= 0) & (line < _ABOVE_PX)
    picture[line[inside], column[inside]] = _POINT
    boxes = source.frames[row].boxes
    for i in np.flatnonzero(~np.isnan(boxes.centre_m).any(axis=1)).tolist():
        half = boxes.size_lwh_m[i, :2] / 2
        ring = np.array([[1, 1], [1, -1], [-1, -1], [-1, 1]]) * half
        turned = ring @ rotation_about_z(float(boxes.yaw_rad[i]))[:2, :2].T
        corners = np.clip(pixels(turned + boxes.centre_m[i, :2]), -4000, 4000)
        cv2.polylines(picture, [corners.round().astype(np.int32)], isClosed=True, color=_BOX)
    return picture
