"""How walkers move: bone poses over the gait cycle, tabulated once, in shares of the stature.

A phase of 0 is the left heel's strike; a cycle is two steps. While a foot is on the ground it
stays where it is: the caller advances the phase by distance / `stride_m`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np

from synthgen.simserver.assets.shapes import F64, lines, spline
from synthgen.simserver.assets.skeleton import bones, rest_joints
from synthgen.simserver.scene import F32

PHASES = 64
# Hips joint of a wheelchair user over the ground, height of the box, middle of the chair.
SEAT_X_M, SEAT_Z_M, SEATED_BOX_M = -0.27, 0.60, 1.32
CHAIR_X_M = -0.07
# Speeds between which a walk turns into a run, for a stature of 1.75 m; others scale with the
# square root of their height (equal Froude numbers).
WALK_MPS, RUN_MPS, STILL_MPS = 1.9, 4.0, 0.25
RUN_LEVELS = 5

_THIGH, _SHIN, _ANKLE_Z = 0.240, 0.243, 0.042
_HEEL_X, _BALL_X = -0.035, 0.104
_STRIKE_X, _TRAVEL = 0.138, 0.392
_DUTY_WALK, _DUTY_RUN = 0.58, 0.33


@dataclass(frozen=True, slots=True)
class WalkerState:
    """What a walker's pose depends on.

    Attributes:
        phase: Gait phase in cycles; advance it by distance / `stride_m(stature, speed)`.
        speed_mps: Ground speed; below 0.25 m/s the walker comes to stand.
        lift_m: Height of the feet above ground, for jumps: the legs are drawn up.
    """

    phase: float = 0.0
    speed_mps: float = 0.0
    lift_m: float = 0.0


def _run_share(stature_m: float, speed_mps: float) -> float:
    scale = float(np.sqrt(stature_m / 1.75))
    share = (speed_mps / scale - WALK_MPS) / (RUN_MPS - WALK_MPS)
    return float(np.clip(share, 0.0, 1.0))


def stride_m(stature_m: float, speed_mps: float) -> float:
    """Ground covered in one gait cycle (two steps) at a speed."""
    duty = _DUTY_WALK + _run_share(stature_m, speed_mps) * (_DUTY_RUN - _DUTY_WALK)
    return stature_m * _TRAVEL / duty


def bone_poses(stature_m: float, state: WalkerState | None = None) -> F32:
    """(B, 3, 4) actor_from_bone of all bones, in the order of `skeleton.bones`.

    The actor's origin is at mid-height. Without a state the walker stands.
    """
    state = state or WalkerState()
    table = _table()
    level = _run_share(stature_m, state.speed_mps) * (RUN_LEVELS - 1)
    low = min(int(level), RUN_LEVELS - 2)
    at = (state.phase % 1.0) * PHASES
    before = int(at) % PHASES
    after, share = (before + 1) % PHASES, at - int(at)
    up = level - low
    pose = (1 - up) * ((1 - share) * table[low, before] + share * table[low, after])
    pose = pose + up * ((1 - share) * table[low + 1, before] + share * table[low + 1, after])
    still = 1.0 - min(state.speed_mps / STILL_MPS, 1.0)
    if still > 0:
        pose = (1 - still) * pose + still * _standing()
    out = pose.astype(np.float32)
    out[:, :, 3] *= stature_m
    out[:, 2, 3] -= stature_m / 2
    return out


def seated_poses(stature_m: float, push: float = 0.0) -> F32:
    """(B, 3, 4) actor_from_bone of a wheelchair user; the origin is half the box's height up.

    Args:
        stature_m: Of the person.
        push: Phase of the push on the rims, in cycles.
    """
    at = (push % 1.0) * PHASES
    before = int(at) % PHASES
    after, share = (before + 1) % PHASES, at - int(at)
    table = _seated()
    out = ((1 - share) * table[before] + share * table[after]).astype(np.float32)
    out[:, :, 3] *= stature_m
    out[:, :, 3] += np.array([SEAT_X_M, 0.0, SEAT_Z_M - 0.5 * SEATED_BOX_M], np.float32)
    return out


@cache
def _seated() -> F64:
    """(phases, B, 3, 4) poses, shares of the stature from the hips' joint."""
    phase = np.arange(PHASES) / PHASES
    stroke = np.cos(2 * np.pi * phase)
    still = np.zeros_like(phase)
    turns = {"crl_spine01__C": _about_y(4.0 + 4.0 * stroke)}
    turns["crl_Head__C"] = _about_y(-4.0 - 4.0 * stroke)
    for side, sign in (("L", -1.0), ("R", 1.0)):
        turns[f"crl_thigh__{side}"] = _about_x(still + sign * 3.0) @ _about_y(still - 84.0)
        turns[f"crl_leg__{side}"] = _about_y(still + 66.0)
        turns[f"crl_foot__{side}"] = _about_y(still + 18.0)
        turns[f"crl_arm__{side}"] = _about_x(still + sign * 12.0) @ _about_y(8.0 - 22.0 * stroke)
        turns[f"crl_foreArm__{side}"] = _about_x(still - sign * 6.0) @ _about_y(
            -44.0 + 8.0 * stroke
        )
    return forward(turns, np.tile([0.0, 0.0, -0.545], (PHASES, 1)))


@cache
def _table() -> F64:
    """(levels, phases, B, 3, 4) poses from walk to run, ground at z = 0."""
    phase = np.arange(PHASES) / PHASES
    return np.stack([_cycle(phase, run) for run in np.linspace(0, 1, RUN_LEVELS)])


@cache
def _standing() -> F64:
    """(B, 3, 4) pose of a walker at rest."""
    turns = {}
    for side, sign in (("L", -1.0), ("R", 1.0)):
        turns[f"crl_arm__{side}"] = _about_x(np.array([sign * 6.0])) @ _about_y(np.array([-2.0]))
        turns[f"crl_foreArm__{side}"] = _about_y(np.array([-10.0]))
    return forward(turns, np.zeros((1, 3)))[0]


def _cycle(phase: F64, run: float) -> F64:
    """(K, B, 3, 4) poses over a cycle at one share of running."""
    duty = _DUTY_WALK + run * (_DUTY_RUN - _DUTY_WALK)
    bounce = np.cos(4 * np.pi * (phase - 0.5 * duty * run))
    hip_z = 0.511 - 0.020 * run - (0.0065 if run == 0 else 0.010) * bounce
    hips = np.zeros((len(phase), 3))
    hips[:, 2] = hip_z - 0.525
    lean = 2.0 + 7.0 * run
    sway = np.cos(2 * np.pi * phase)
    turns = {
        "crl_hips__C": _about_z(4.0 * sway),
        "crl_spine__C": _about_z(-5.0 * sway),
        "crl_spine01__C": _about_z(-5.0 * sway) @ _about_y(np.full_like(phase, lean)),
    }
    chest = turns["crl_hips__C"] @ turns["crl_spine__C"] @ turns["crl_spine01__C"]
    turns["crl_Head__C"] = np.swapaxes(chest, 1, 2)
    for side, sign, shift in (("L", -1.0, 0.0), ("R", 1.0, 0.5)):
        own = (phase + shift) % 1.0
        _leg(turns, side, own, hip_z, duty, run)
        swing = np.cos(2 * np.pi * (own + 0.5))
        back = 16.0 * run + 18.0 * np.sin(np.pi * run)
        arm = (18.0 + 8.0 * run) * swing - 2.0 - back
        # A runner's hand comes up before the chest rather than forward, out of the box.
        elbow = 16.0 + 78.0 * run + (9.0 + 28.0 * run) * swing
        turns[f"crl_arm__{side}"] = _about_x(np.full_like(phase, sign * 6.0)) @ _about_y(-arm)
        turns[f"crl_foreArm__{side}"] = _about_y(-elbow)
    return forward(turns, hips)


def _leg(turns: dict[str, F64], side: str, phase: F64, hip_z: F64, duty: float, run: float) -> None:
    """Hip, knee and ankle turns that bring a foot to its place in the cycle."""
    ankle, pitch = _foot_path(phase, duty, run)
    dx, dz = ankle[:, 0], ankle[:, 1] - hip_z
    reach = np.minimum(np.hypot(dx, dz), (_THIGH + _SHIN) * 0.9995)
    forward_angle = np.arctan2(dx, -dz)
    at_hip = np.arccos((_THIGH**2 + reach**2 - _SHIN**2) / (2 * _THIGH * reach))
    at_knee = np.arccos(np.clip((_THIGH**2 + _SHIN**2 - reach**2) / (2 * _THIGH * _SHIN), -1, 1))
    thigh = np.degrees(forward_angle + at_hip)
    flex = 180 - np.degrees(at_knee)
    upright = np.swapaxes(turns["crl_hips__C"], 1, 2)
    turns[f"crl_thigh__{side}"] = upright @ _about_y(-thigh)
    turns[f"crl_leg__{side}"] = _about_y(flex)
    turns[f"crl_foot__{side}"] = _about_y(thigh - flex - pitch)
    turns[f"crl_toe__{side}"] = _about_y(np.minimum(pitch, 0.0) * 0.5)


def _foot_path(phase: F64, duty: float, run: float) -> tuple[F64, F64]:
    """(K, 2) ankle x and height, and (K,) pitch in degrees (toe up positive)."""
    stance = np.clip(phase / duty, 0, 1)
    on_ground = phase <= duty
    strike, push = 18.0 - 14.0 * run, -42.0
    pitch_on = lines([(0, strike), (0.16, 0), (0.55, 0), (1, push)], stance)
    flat_x = _STRIKE_X - _TRAVEL * stance
    on = _about_contact(flat_x, pitch_on)
    off_at, on_at = _about_contact(
        np.array([_STRIKE_X - _TRAVEL, _STRIKE_X]), np.array([push, strike])
    )
    swing = np.clip((phase - duty) / (1 - duty), 0, 1)
    glide = swing**2 * (3 - 2 * swing)
    air = off_at + (on_at - off_at) * glide[:, None]
    air[:, 1] += (0.022 + 0.13 * run) * np.sin(np.pi * swing) ** 1.5 * (1 - 0.3 * swing)
    pitch_air = spline([(0, push), (0.15, push - 6), (0.65, 2.0), (1, strike)], swing)
    ankle = np.where(on_ground[:, None], on, air)
    return ankle, np.where(on_ground, pitch_on, pitch_air)


def _about_contact(flat_x: F64, pitch: F64) -> F64:
    """(K, 2) ankle of a foot that stands on its heel (toe up) or ball (heel up)."""
    contact = np.where(pitch >= 0, _HEEL_X, _BALL_X)
    c, s = np.cos(np.radians(pitch)), np.sin(np.radians(pitch))
    x = flat_x + contact + (-contact) * c - _ANKLE_Z * s
    z = (-contact) * s + _ANKLE_Z * c
    return np.stack([x, z], axis=1)


def forward(turns: dict[str, F64], hips_shift: F64) -> F64:
    """(K, B, 3, 4) bone poses from turns away from standing and a shift of the hips.

    Args:
        turns: (K, 3, 3) rotations relative to the parent, by bone; absent means none.
        hips_shift: (K, 3), shares of the stature.
    """
    rest = rest_joints()
    order = bones()
    count = len(hips_shift)
    index = {name: k for k, name in enumerate(order)}
    out = np.zeros((count, len(order), 3, 4))
    for name, parent in order.items():
        k = index[name]
        turn = turns.get(name, np.eye(3)[None])
        if not parent:
            out[:, k, :, :3] = turn
            continue
        up = out[:, index[parent]]
        offset = rest[name] - rest[parent]
        out[:, k, :, :3] = up[:, :, :3] @ turn
        out[:, k, :, 3] = up[:, :, 3] + up[:, :, :3] @ offset
        if name == "crl_hips__C":
            out[:, k, :, 3] += hips_shift
    return out


def _about(axis: int, degrees: F64) -> F64:
    a, b = (axis + 1) % 3, (axis + 2) % 3
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    out = np.zeros((len(degrees), 3, 3))
    out[:, axis, axis] = 1
    out[:, a, a], out[:, b, b], out[:, a, b], out[:, b, a] = c, c, -s, s
    return out


def _about_x(degrees: F64) -> F64:
    return _about(0, degrees)


def _about_y(degrees: F64) -> F64:
    return _about(1, degrees)


def _about_z(degrees: F64) -> F64:
    return _about(2, degrees)
