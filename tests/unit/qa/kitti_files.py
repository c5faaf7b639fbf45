"""Writes KITTI tracking sets out of dry runs, so that tests need no real data."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from synthgen.bench.fit import KITTI_VIEW
from synthgen.qa.dry_run import dry_run
from synthgen.qa.policy import Policy
from synthgen.qa.profile import Profile
from synthgen.qa.tables import Table

_KINDS = ("Car", "Van", "Truck", "Misc", "Pedestrian", "Cyclist")


def write_tracking_set(
    folder: Path, profile: Profile, *, sequences: int = 8, frames: int = 25, seed: int = 0
) -> Path:
    """A KITTI tracking set in which every box is a track of its own."""
    rng = np.random.default_rng(seed)
    run = dry_run(profile, KITTI_VIEW, Policy(), rng, sequences=sequences, frames=frames)
    for number in range(sequences):
        rows = run.boxes.rows(run.boxes.sequence == number)
        _write(folder, number, rows, number * frames)
    return folder


def _write(folder: Path, number: int, boxes: Table, first: int) -> None:
    for name in ("label_02", "calib"):
        (folder / "training" / name).mkdir(parents=True, exist_ok=True)
    view = KITTI_VIEW
    lines = []
    for i in range(len(boxes)):
        box = {name: float(column[i]) for name, column in boxes.columns.items()}
        x, y = box["box_x_px"] + view.centre_x_px, box["box_y_px"] + view.centre_y_px
        w, h = box["box_w_px"] / 2, box["box_h_px"] / 2
        numbers = [
            0.0, x - w, y - h, x + w - 1, y + h - 1, box["height_m"], box["width_m"],
            box["length_m"], -box["left_m"], -box["bottom_m"], box["ahead_m"],
            -box["yaw_rad"] - np.pi / 2,
        ]  # fmt: skip
        kind = _KINDS[int(box["category"])]
        lines.append(
            f"{int(box['frame']) - first} {i} {kind} {box['truncated']:.0f} {box['occluded']:.0f} "
            + " ".join(f"{v:.4f}" for v in numbers)
        )
    (folder / f"training/label_02/{number:04d}.txt").write_text("\n".join(lines) + "\n")
    f, cx, cy = view.focal_px, view.centre_x_px, view.centre_y_px
    camera = f"{f} 0 {cx} 0 0 {f} {cy} 0 0 0 1 0"
    calib = [f"P{k}: {camera}" for k in range(4)]
    calib += ["R0_rect: 1 0 0 0 1 0 0 0 1", "Tr_velo_to_cam: 0 -1 0 0 0 0 -1 0 1 0 0 0"]
    calib += ["Tr_imu_to_velo: 1 0 0 0 0 1 0 0 0 0 1 0"]
    (folder / f"training/calib/{number:04d}.txt").write_text("\n".join(calib) + "\n")
