"""CARLA's walker skeleton: names, parents and where the joints are at rest.

The rest pose stands with hanging arms, and every bone's axes are the actor's (x forward, y right,
z up), so that a bone's rotation reads as the turn away from standing. Joint heights and
breadths are shares of the stature after Winter, Biomechanics of Human Movement, fig. 4.1.

Source of names and hierarchy: CARLA 0.9.16, Docs/tuto_G_control_walker_skeletons.md.
"""

from __future__ import annotations

from functools import cache

import numpy as np

from synthgen.simserver.assets.shapes import F64

# Name without side: parent, then x, y, z of the joint as shares of the stature, from the ground.
_CENTRE = {
    "crl_root": ("", 0.0, 0.0, 0.0),
    "crl_hips__C": ("crl_root", 0.0, 0.0, 0.545),
    "crl_spine__C": ("crl_hips__C", 0.0, 0.0, 0.60),
    "crl_spine01__C": ("crl_spine__C", 0.0, 0.0, 0.68),
    "crl_neck__C": ("crl_spine01__C", -0.005, 0.0, 0.835),
    "crl_Head__C": ("crl_neck__C", 0.005, 0.0, 0.875),
}
_SIDED = {
    "crl_shoulder": ("crl_spine01__C", 0.0, 0.03, 0.815),
    "crl_arm": ("crl_shoulder", -0.005, 0.094, 0.800),
    "crl_foreArm": ("crl_arm", -0.008, 0.116, 0.632),
    "crl_hand": ("crl_foreArm", 0.004, 0.127, 0.487),
    "crl_thigh": ("crl_hips__C", 0.0, 0.052, 0.525),
    "crl_leg": ("crl_thigh", 0.0, 0.052, 0.285),
    "crl_foot": ("crl_leg", 0.0, 0.052, 0.042),
    "crl_toe": ("crl_foot", 0.075, 0.054, 0.012),
    "crl_toeEnd": ("crl_toe", 0.105, 0.056, 0.008),
    "crl_eye": ("crl_Head__C", 0.048, 0.018, 0.935),
}
_FINGERS = {"Thumb": 0.010, "Index": 0.012, "Middle": 0.004, "Ring": -0.004, "Pinky": -0.012}
_KNUCKLES = ("", "01", "02", "End")


@cache
def bones() -> dict[str, str]:
    """Parent of every bone, parents before children; the root's is the empty string."""
    out = {name: row[0] for name, row in _CENTRE.items()}
    for side in "LR":
        for name, row in _SIDED.items():
            parent = row[0] if row[0] in _CENTRE else f"{row[0]}__{side}"
            out[f"{name}__{side}"] = parent
        for finger in _FINGERS:
            chain = [f"crl_hand{finger}{knuckle}__{side}" for knuckle in _KNUCKLES]
            for parent, child in zip([f"crl_hand__{side}", *chain], chain, strict=False):
                out[child] = parent
    return out


@cache
def rest_joints() -> dict[str, F64]:
    """(3,) joint position of every bone as shares of the stature, feet at z = 0."""
    out = {name: np.array(row[1:], np.float64) for name, row in _CENTRE.items()}
    for side, sign in (("L", -1.0), ("R", 1.0)):
        for name, row in _SIDED.items():
            out[f"{name}__{side}"] = np.array([row[1], sign * row[2], row[3]])
        hand = out[f"crl_hand__{side}"]
        for finger, forward in _FINGERS.items():
            for k, knuckle in enumerate(_KNUCKLES):
                drop = (0.015 if finger == "Thumb" else 0.048) + 0.014 * k
                name = f"crl_hand{finger}{knuckle}__{side}"
                out[name] = hand + np.array([forward, 0.0, -drop])
    return out
