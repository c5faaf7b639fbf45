"""A reader of Occ3D-nuScenes written from its published description, without code of ours.

https://github.com/Tsinghua-MARS-Lab/Occ3D: `labels.npz` holds `semantics`, `mask_lidar` and
`mask_camera`, (200, 200, 16) over x, y, z; voxels of 0.4 m from (-40, -40, -1) to (40, 40, 5.4) in
the ego frame; classes 0 to 16 as in nuScenes-lidarseg's challenge, 17 free.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from pyquaternion import Quaternion

SIZE = np.array([200, 200, 16])
LOW = np.array([-40.0, -40.0, -1.0])
HIGH = np.array([40.0, 40.0, 5.4])
VOXEL = 0.4
FREE = 17

# nuscenes-devkit 1.2.0, nuscenes/eval/lidarseg/utils.py: lidarseg index -> class.
CHALLENGE = {
    index: number
    for number, indices in enumerate(
        [
            *([9], [14], [15, 16], [17], [18], [21], [2, 3, 4, 6], [12], [22], [23]),
            *([24], [25], [26], [27], [28], [30]),
        ],
        start=1,
    )
    for index in indices
}


def read_annotations(root: Path) -> dict[str, Any]:
    document: dict[str, Any] = json.loads((root / "annotations.json").read_text())
    return document


def read_labels(path: Path) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    with np.load(path) as labels:
        return labels["semantics"], labels["mask_lidar"], labels["mask_camera"]


def voxels_of(points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Indices (N, 3) of the voxels of points (N, 3) in the ego frame, and which are in the grid."""
    index = np.floor((points - LOW) / VOXEL).astype(int)
    inside = ((points >= LOW) & (points < HIGH) & (index < SIZE)).all(axis=1)
    return index, inside


def sweep_in_ego(nuscenes: Path, sample: str) -> tuple[np.ndarray, np.ndarray]:
    """Points (N, 3) of a sample's LIDAR_TOP in the ego frame and their class of the challenge."""
    version = nuscenes / "v1.0-trainval"
    sensors = {row["token"]: row for row in json.loads((version / "sensor.json").read_text())}
    mounted = {
        row["token"]: row for row in json.loads((version / "calibrated_sensor.json").read_text())
    }
    data = next(
        row
        for row in json.loads((version / "sample_data.json").read_text())
        if row["sample_token"] == sample
        and row["is_key_frame"]
        and sensors[mounted[row["calibrated_sensor_token"]]["sensor_token"]]["channel"]
        == "LIDAR_TOP"
    )
    mount = mounted[data["calibrated_sensor_token"]]
    points = np.fromfile(nuscenes / data["filename"], np.float32).reshape(-1, 5)[:, :3]
    ego = points @ Quaternion(mount["rotation"]).rotation_matrix.T + mount["translation"]
    labels = np.fromfile(
        nuscenes / f"lidarseg/v1.0-trainval/{data['token']}_lidarseg.bin", np.uint8
    )
    table = np.array([CHALLENGE.get(index, 0) for index in range(256)])
    return ego, table[labels]
