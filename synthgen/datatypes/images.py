"""What one camera saw at one capture."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from synthgen.geometry.arrays import F32, U8, U16, Bool, frozen_array
from synthgen.geometry.se3 import SE3

NO_DEPTH_CM = 65535  # a depth image's "none": sky, or farther than 655.34 m


@dataclass(frozen=True, eq=False, slots=True)
class CameraFrame:
    """The images of one camera at one capture; a channel that the rig lacks is None.

    Attributes:
        name: Camera name of the rig.
        frame_index: Capture number.
        timestamp_ns: Clip-relative time.
        world_from_camera: Pose of the optical frame at that time.
        rgb: (H, W, 3) uint8, in the order R, G, B.
        depth_cm: (H, W) uint16, centimetres along the optical axis, 65535 = none.
        semantic: (H, W) uint8, CARLA tags.
        instance: (H, W) uint16, track ids, 0 = no object of this clip.
        normals: (H, W, 3) float32, unit vectors in the camera frame.
        flow_px: (H, W, 2) float32, pixels from this frame's pixel to where it was one capture
            before.
        flow_valid: (H, W) bool, where `flow_px` says something.
    """

    name: str
    frame_index: int
    timestamp_ns: int
    world_from_camera: SE3
    rgb: U8 | None = None
    depth_cm: U16 | None = None
    semantic: U8 | None = None
    instance: U16 | None = None
    normals: F32 | None = None
    flow_px: F32 | None = None
    flow_valid: Bool | None = None

    def __post_init__(self) -> None:
        """Check the channels that are there and make them read-only."""
        shape_hw = self.shape_hw
        kinds: dict[str, tuple[tuple[int, ...], type[np.generic]]] = {
            "rgb": ((3,), np.uint8),
            "depth_cm": ((), np.uint16),
            "semantic": ((), np.uint8),
            "instance": ((), np.uint16),
            "normals": ((3,), np.float32),
            "flow_px": ((2,), np.float32),
            "flow_valid": ((), np.bool_),
        }
        for name, (depth, dtype) in kinds.items():
            value = getattr(self, name)
            if value is not None:
                array = frozen_array(name, value, (*shape_hw, *depth), dtype)
                object.__setattr__(self, name, array)

    @property
    def shape_hw(self) -> tuple[int, int]:
        """Rows and columns of the images; (0, 0) if there is none."""
        images = (self.rgb, self.depth_cm, self.semantic, self.instance, self.normals)
        for image in (*images, self.flow_px):
            if image is not None:
                return image.shape[0], image.shape[1]
        return 0, 0
