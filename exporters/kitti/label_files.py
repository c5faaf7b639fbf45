"""Reads KITTI's label and calibration files into `LabelledFrame`s.

Boxes come out in `camera_flu` at the rectified camera 0: x = KITTI's z, y = minus its x, z = minus
its y, so nothing is lost; `camera_from_boxes` and `lidar_from_boxes` lead on. The location, centre
of the bottom face, becomes the centre of the box; yaw = -rotation_y - pi/2. KITTI's 2D boxes are
0-based pixel indices, so their right and lower edges gain the last pixel's width.

Source: KITTI object and tracking development kits, readme.txt.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from synthgen.datatypes.labelled_frame import IGNORE, OTHER, LabelledBoxes, Scale
from synthgen.datatypes.taxonomy import default_taxonomy
from synthgen.errors import DatasetError
from synthgen.geometry.arrays import F64, I64, Bool
from synthgen.geometry.rotations import wrap_angle
from synthgen.geometry.se3 import SE3

OPTICAL_FROM_FLU = SE3(np.array([[0.0, -1.0, 0.0], [0.0, 0.0, -1.0], [1.0, 0.0, 0.0]]), np.zeros(3))
_DONT_CARE = "DontCare"
_OBJECT_NUMBERS = 14  # truncated … rotation_y
_CORNER_FROM_PIXEL = np.array([0.0, 0.0, 1.0, 1.0])
_PNG_HEAD = 24
_UNKNOWN_PLACE = -1000.0  # KITTI's devkit writes it where there is none


@dataclass(frozen=True, eq=False, slots=True)
class KittiCalibration:
    """One calibration file.

    Attributes:
        projection: (3, 4) float64, P2: rectified camera 0, metres, to pixels of image 2.
        rect_from_velo: The rectified camera 0 frame from the LiDAR's, or None without one.
    """

    projection: F64
    rect_from_velo: SE3 | None

    @property
    def camera_matrix(self) -> F64:
        """(3, 3) intrinsics of image 2, pixels."""
        return self.projection[:, :3]

    @property
    def camera_from_boxes(self) -> SE3:
        """Optical frame of camera 2 from `camera_flu`; P2 holds how far it is from camera 0."""
        offset_m = np.asarray(
            np.linalg.solve(self.projection[:, :3], self.projection[:, 3]), dtype=np.float64
        )
        return SE3(OPTICAL_FROM_FLU.rotation, offset_m)

    @property
    def lidar_from_boxes(self) -> SE3 | None:
        """The LiDAR frame from `camera_flu`."""
        if self.rect_from_velo is None:
            return None
        # KITTI's rotation is one only to seven digits: invert it as the matrix that it is.
        rotation = np.asarray(np.linalg.inv(self.rect_from_velo.rotation), dtype=np.float64)
        velo_from_rect = SE3(rotation, -rotation @ self.rect_from_velo.translation_m)
        return velo_from_rect @ OPTICAL_FROM_FLU


def read_calibration(path: Path) -> KittiCalibration:
    """A calibration file of the object or the tracking benchmark.

    Raises:
        DatasetError: It cannot be read, lacks P2 or holds a matrix that maps nothing.
    """
    matrices: dict[str, F64] = {}
    for line in read_text(path).splitlines():
        name, *numbers = line.split() or [""]
        if numbers:
            matrices[name.rstrip(":")] = _numbers(numbers, path, line)
    try:
        projection = matrices["P2"].reshape(3, 4)
        # The tracking benchmark spells both names in its own way.
        rect = matrices.get("R0_rect", matrices.get("R_rect", np.eye(3))).reshape(3, 3)
        velo = matrices.get("Tr_velo_to_cam", matrices.get("Tr_velo_cam"))
        velo = None if velo is None else velo.reshape(3, 4)
    except (KeyError, ValueError) as err:
        raise DatasetError(f"{path}: expected P2, R0_rect and Tr_velo_to_cam: {err}") from err
    for name, matrix in (("P2", projection), ("R0_rect", rect), ("Tr_velo_to_cam", velo)):
        if matrix is not None and not _is_regular(matrix):
            raise DatasetError(f"{path}: {name}: expected an invertible matrix of numbers")
    if velo is None:
        return KittiCalibration(projection, None)
    return KittiCalibration(projection, SE3(rect @ velo[:, :3], rect @ velo[:, 3]))


def _is_regular(matrix: F64) -> bool:
    """Whether all of a (3, 3) or (3, 4) matrix is finite and its left square can be inverted."""
    return bool(np.isfinite(matrix).all() and np.linalg.matrix_rank(matrix[:, :3]) == 3)


def boxes_of_rows(
    kinds: Sequence[str], numbers: F64, *, track_id: I64 | None, truncated_kind: Scale
) -> LabelledBoxes:
    """The objects of one frame.

    Args:
        kinds: KITTI class of each of N rows.
        numbers: (N, 14) or, with scores, (N, 15) columns from `truncated` on.
        track_id: (N,) or None.
        truncated_kind: What the first column is.
    """
    ignored = np.array([kind == _DONT_CARE for kind in kinds], dtype=np.bool_)
    truncated, occluded = numbers[:, 0].copy(), numbers[:, 1].copy()
    height, width, length = numbers[:, 7], numbers[:, 8], numbers[:, 9]
    right, down, ahead = numbers[:, 10], numbers[:, 11] - height / 2, numbers[:, 12]
    centre_m = np.stack([ahead, -right, -down], axis=1)
    size_lwh_m = np.stack([length, width, height], axis=1)
    yaw_rad = wrap_angle(-numbers[:, 13] - np.pi / 2)
    for column in (truncated, occluded):
        column[ignored] = np.nan
    for column in (centre_m, size_lwh_m, yaw_rad):
        column[ignored | _is_flat(numbers)] = np.nan
    return LabelledBoxes(
        category=np.array([_category(kind) for kind in kinds], dtype=np.str_),
        native_category=np.array(kinds, dtype=np.str_),
        track_id=track_id,
        xyxy_px=numbers[:, 3:7] + _CORNER_FROM_PIXEL,
        truncated=truncated,
        truncated_kind=truncated_kind,
        occluded=occluded,
        occluded_kind="level",
        centre_m=centre_m,
        size_lwh_m=size_lwh_m,
        yaw_rad=yaw_rad,
        score=numbers[:, 14] if numbers.shape[1] > _OBJECT_NUMBERS else None,
    )


def _is_flat(numbers: F64) -> Bool:
    """(N,) objects of images alone: their place is that of DontCare rows, or all is nought."""
    unknown = (numbers[:, 10:13] == _UNKNOWN_PLACE).all(axis=1)
    return np.asarray(unknown | (numbers[:, 7:13] == 0).all(axis=1))


def read_rows(path: Path, first_number: int) -> tuple[list[list[str]], F64]:
    """The words before the numbers, and the numbers (N, 14 or 15), of a label file.

    Args:
        path: Label file.
        first_number: Column of `truncated`.

    Raises:
        DatasetError: A line has not the columns that the format has.
    """
    words: list[list[str]] = []
    numbers: list[F64] = []
    for line in read_text(path).splitlines():
        fields = line.split()
        if not fields:
            continue
        row = _numbers(fields[first_number:], path, line)
        if len(row) not in (_OBJECT_NUMBERS, _OBJECT_NUMBERS + 1) or (
            numbers and len(row) != len(numbers[0])
        ):
            expected = first_number + _OBJECT_NUMBERS
            raise DatasetError(
                f"{path}: expected {expected} columns, or {expected + 1} with a score in every "
                f"row, found {len(fields)}: {line}"
            )
        words.append(fields[:first_number])
        numbers.append(row)
    return words, np.array(numbers) if numbers else np.empty((0, _OBJECT_NUMBERS))


def read_text(path: Path) -> str:
    """The text of a file.

    Raises:
        DatasetError: It cannot be read.
    """
    try:
        return path.read_text(encoding="utf-8-sig")
    except OSError as err:
        raise DatasetError(f"{path}: cannot read: {err.strerror}") from err
    except UnicodeDecodeError as err:
        raise DatasetError(f"{path}: cannot read: {err}") from err


def training_folder(root: Path, labels: str) -> Path:
    """`root/training` or `root`, whichever holds the labels.

    Raises:
        DatasetError: Neither does.
    """
    for folder in (root / "training", root):
        if (folder / labels).is_dir():
            return folder
    raise DatasetError(f"{root}: expected a folder {labels} or training/{labels}")


def png_size_wh(path: Path) -> tuple[int, int] | None:
    """Columns and rows of a PNG file, or None where it is no PNG.

    Source: PNG specification, 11.2.2 (IHDR comes first).
    """
    with path.open("rb") as file:
        head = file.read(_PNG_HEAD)
    if len(head) < _PNG_HEAD or head[12:16] != b"IHDR":
        return None
    width, height = struct.unpack(">II", head[16:24])
    return width, height


def _category(kind: str) -> str:
    if kind == _DONT_CARE:
        return IGNORE
    return default_taxonomy().formats["kitti"].category_of(kind) or OTHER


def _numbers(texts: Sequence[str], path: Path, line: str) -> F64:
    try:
        return np.array([float(text) for text in texts])
    except ValueError as err:
        raise DatasetError(f"{path}: expected numbers: {line}") from err
