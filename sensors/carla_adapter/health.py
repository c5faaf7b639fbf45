"""Measurements that cannot be true: black, blown out, frozen and doubled images, dead LiDARs.

A night is not black: lamps, sky and sensor noise leave some pixels well over zero, a picture
that was never drawn has none. Frozen is what stays the same to the last bit although the camera
has moved; a picture repeated while everything stands still is no fault.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from synthgen.datatypes.images import CameraFrame
from synthgen.datatypes.point_clouds import LidarSweep
from synthgen.errors import SensorFault
from synthgen.geometry.arrays import U8
from synthgen.geometry.se3 import SE3

# Every n-th row and column decides; whole images are compared only where those are equal.
_STRIDE: Final = 8
# A picture whose brightest sampled value is below this was never drawn: sRGB 3 of 255 is a
# thousandth of white, less than the sensor noise of the darkest night.
_BLACK_BELOW: Final = 3
# ... and one whose darkest sampled value is above this holds no picture any more.
_BLOWN_ABOVE: Final = 252
_MOVED_M: Final = 0.01
_TURNED: Final = 1e-3


@dataclass(frozen=True, eq=False, slots=True)
class _Seen:
    frame_index: int
    rgb: U8
    world_from_camera: SE3


class SensorHealth:
    """Looks at what a rig measures, frame after frame."""

    def __init__(self) -> None:
        self._seen: dict[str, _Seen] = {}

    def check_camera(self, frame: CameraFrame) -> None:
        """Refuse a picture that the world cannot have looked like.

        Raises:
            SensorFault: Names the camera and what is wrong.
        """
        if frame.rgb is None:
            return
        sample = frame.rgb[::_STRIDE, ::_STRIDE]
        where = f"frame {frame.frame_index}: {frame.name}"
        if int(sample.max()) < _BLACK_BELOW:
            raise SensorFault(f"{where}: the image is black (brightest value {sample.max()})")
        if int(sample.min()) > _BLOWN_ABOVE:
            raise SensorFault(f"{where}: the image is blown out (darkest value {sample.min()})")
        before = self._seen.get(frame.name)
        if (
            before is not None
            and _moved(before.world_from_camera, frame.world_from_camera)
            and _is_same(before.rgb, frame.rgb)
        ):
            raise SensorFault(f"{where}: the image is frozen although the camera moved")
        for other, seen in self._seen.items():
            is_of_this_frame = other != frame.name and seen.frame_index == frame.frame_index
            if is_of_this_frame and _is_same(seen.rgb, frame.rgb):
                raise SensorFault(f"{where}: the image is the one of {other}")
        self._seen[frame.name] = _Seen(frame.frame_index, frame.rgb, frame.world_from_camera)

    def check_lidar(self, sweep: LidarSweep) -> None:
        """Refuse a sweep without points, or whose points reflect nothing.

        Raises:
            SensorFault: Names the LiDAR and what is wrong.
        """
        where = f"frame {sweep.frame_index}: {sweep.name}"
        if len(sweep.points_m) == 0:
            raise SensorFault(f"{where}: the sweep is empty")
        if not sweep.intensity.any():
            raise SensorFault(f"{where}: all {len(sweep.intensity)} intensities are zero")


def _moved(before: SE3, after: SE3) -> bool:
    shift_m = np.linalg.norm(after.translation_m - before.translation_m)
    return bool(shift_m > _MOVED_M or np.abs(after.rotation - before.rotation).max() > _TURNED)


def _is_same(a: U8, b: U8) -> bool:
    if a.shape != b.shape:
        return False
    if not np.array_equal(a[::_STRIDE, ::_STRIDE], b[::_STRIDE, ::_STRIDE]):
        return False
    return bool(np.array_equal(a, b))
