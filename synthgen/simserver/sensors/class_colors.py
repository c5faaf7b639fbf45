"""The colours of the semantic classes, by tag.

Source: CARLA documentation, "Sensors reference", semantic segmentation camera.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_RGB = (
    (0, 0, 0),
    (128, 64, 128),
    (244, 35, 232),
    (70, 70, 70),
    (102, 102, 156),
    (190, 153, 153),
    (153, 153, 153),
    (250, 170, 30),
    (220, 220, 0),
    (107, 142, 35),
    (152, 251, 152),
    (70, 130, 180),
    (220, 20, 60),
    (255, 0, 0),
    (0, 0, 142),
    (0, 0, 70),
    (0, 60, 100),
    (0, 80, 100),
    (0, 0, 230),
    (119, 11, 32),
    (110, 190, 160),
    (170, 120, 50),
    (55, 90, 80),
    (45, 60, 150),
    (157, 234, 50),
    (81, 0, 81),
    (150, 100, 100),
    (230, 150, 140),
    (180, 165, 180),
)
_OPAQUE = 255
_BGRA = np.zeros((256, 4), np.uint8)
_BGRA[: len(_RGB), :3] = np.array(_RGB, np.uint8)[:, ::-1]
_BGRA[:, 3] = _OPAQUE


def painted(semantic: NDArray[np.generic]) -> NDArray[np.uint8]:
    """(H, W, 4) BGRA picture in class colours of a semantic one, whose red channel is the tag."""
    return _BGRA[semantic[:, :, 2].astype(np.uint8)]
