"""Where the parts of a model are: wheels, doors, forks, legs, bones."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

import numpy as np

from synthgen.simserver.assets.cycles import CRANK_M
from synthgen.simserver.assets.gait import WalkerState as WalkerState
from synthgen.simserver.assets.gait import bone_poses, seated_poses
from synthgen.simserver.assets.riders import turn_to, two_links
from synthgen.simserver.assets.shapes import F64, I64, rotation
from synthgen.simserver.assets.skeleton import bones
from synthgen.simserver.assets.walkers import SEATED_STATURE_M
from synthgen.simserver.scene import F32, Model

DOOR_OPEN_DEG = 62.0
# Crank turns per turn of the rear wheel: a middle gear.
_GEAR = 0.45
_RAKE_DEG = 22.0


@dataclass(frozen=True, eq=False, slots=True)
class _Layout:
    """What of a model moves how, by index into its parts."""

    rest: F32
    index: Mapping[str, int]
    wheels: tuple[int, ...]
    steered: tuple[int, ...]
    doors: Mapping[str, int]
    bones: tuple[int, ...]


@cache
def _layout(model: Model) -> _Layout:
    rest = np.zeros((len(model.parts), 3, 4), np.float32)
    rest[:, :, :3] = np.eye(3, dtype=np.float32)
    rest[:, :, 3] = [part.pivot_m for part in model.parts]
    names = [part.name for part in model.parts]
    order = {name: k for k, name in enumerate(bones())}
    return _Layout(
        rest,
        {name: k for k, name in enumerate(names)},
        tuple(k for k, name in enumerate(names) if name.startswith("wheel_")),
        tuple(k for k, name in enumerate(names) if name in {"wheel_fl", "wheel_fr"}),
        {name[5:]: k for k, name in enumerate(names) if name.startswith("door_")},
        tuple(order.get(name, -1) for name in names),
    )


def rest_pose(model: Model) -> F32:
    """(P, 3, 4) actor_from_part with every part at rest."""
    return _layout(model).rest.copy()


def pose_of_vehicle(
    model: Model,
    *,
    wheel_spin_rad: float = 0.0,
    steer_deg: float = 0.0,
    doors: Mapping[str, float] | None = None,
    lean_deg: float = 0.0,
) -> F32:
    """(P, 3, 4) actor_from_part of a vehicle's parts.

    Args:
        model: A model from `model_of`.
        wheel_spin_rad: Turn of the wheels, growing as the vehicle rolls forward.
        steer_deg: Angle of the front wheels or fork, positive to the right.
        doors: How far doors are open, 0 to 1, by `fl`, `fr`, `rl`, `rr`; doors that the model
            does not have are ignored.
        lean_deg: Roll of a two-wheeler about the ground, positive to the right.
    """
    layout = _layout(model)
    pose = layout.rest.copy()
    spin = rotation("y", float(np.degrees(wheel_spin_rad)))
    pose[list(layout.wheels), :, :3] = spin
    if steer_deg:
        turned = rotation("z", steer_deg) @ spin
        pose[list(layout.steered), :, :3] = turned
    for name, share in (doors or {}).items():
        k = layout.doors.get(name)
        if k is not None and share > 0:
            sign = -1.0 if name.endswith("r") else 1.0
            pose[k, :, :3] = rotation("z", sign * DOOR_OPEN_DEG * min(share, 1.0))
    if "fork" in layout.index:
        _steer_fork(pose, layout, steer_deg, spin)
        if "crank" in layout.index:
            _pedal(pose, layout, wheel_spin_rad * _GEAR)
        if lean_deg:
            pose = np.einsum("ij,pjk->pik", rotation("x", -lean_deg), pose).astype(np.float32)
    return pose


def _steer_fork(pose: F32, layout: _Layout, steer_deg: float, spin: F64) -> None:
    """Turn fork and front wheel about the raked steering axis."""
    tilt = rotation("y", -_RAKE_DEG)
    turn = tilt @ rotation("z", steer_deg) @ tilt.T
    fork, wheel = layout.index["fork"], layout.index["wheel_f"]
    pose[fork, :, :3] = turn
    head = layout.rest[fork, :, 3]
    pose[wheel, :, :3] = turn @ spin
    pose[wheel, :, 3] = head + turn @ (layout.rest[wheel, :, 3] - head)


def _pedal(pose: F32, layout: _Layout, crank_rad: float) -> None:
    """Turn the crank and bend the rider's legs after the pedals."""
    crank = layout.index["crank"]
    pose[crank, :, :3] = rotation("y", float(np.degrees(crank_rad)))
    for side, sign in (("L", -1.0), ("R", 1.0)):
        thigh, shin, foot = (
            layout.index[f"rider_crl_{bone}__{side}"] for bone in ("thigh", "leg", "foot")
        )
        hip, knee, ankle = (layout.rest[k, :, 3].astype(np.float64) for k in (thigh, shin, foot))
        swing = np.array([np.cos(crank_rad) - 1, 0.0, -np.sin(crank_rad)])
        goal = ankle + sign * CRANK_M * swing
        hint = np.array([1.0, sign * 0.25, 0.3])
        new_knee, new_ankle = two_links(hip, goal, knee - hip, ankle - knee, hint)
        pose[thigh, :, :3] = turn_to(knee - hip, new_knee - hip)
        pose[shin, :, :3] = turn_to(ankle - knee, new_ankle - new_knee)
        pose[shin, :, 3], pose[foot, :, 3] = new_knee, new_ankle


# -- walkers -------------------------------------------------------------------------------------


def is_seated(model: Model) -> bool:
    """Whether a walker's model sits in a wheelchair."""
    return "wheelchair" in _layout(model).index


def stature_of(model: Model) -> float:
    """Stature of a walker's model, for `stride_m`."""
    return SEATED_STATURE_M if is_seated(model) else 2 * float(model.box_extent_m[2])


def bones_of(model: Model, state: WalkerState) -> F32:
    """(B, 3, 4) actor_from_bone of a walker, in the order of `bone_names`."""
    if is_seated(model):
        return seated_poses(SEATED_STATURE_M, state.phase if state.speed_mps > 0.05 else 0.25)
    return bone_poses(stature_of(model), state)


def bone_names() -> tuple[str, ...]:
    """CARLA's bones, parents before children."""
    return tuple(bones())


def parents_of_bones() -> tuple[int, ...]:
    """Index of each bone's parent, -1 for the root."""
    order = {name: k for k, name in enumerate(bones())}
    return tuple(order.get(parent, -1) for parent in bones().values())


@cache
def _descent() -> tuple[I64, I64]:
    """Every bone but the root, and its parent."""
    parents = np.array(parents_of_bones())
    children = np.flatnonzero(parents >= 0)
    return children, parents[children]


@cache
def _generations() -> tuple[tuple[I64, I64], ...]:
    """The same, the root's children first, then their children, and so on."""
    children, parents = _descent()
    found = []
    born = ~np.isin(parents, children)
    while born.any():
        found.append((children[born], parents[born]))
        born = np.isin(parents, children[born])
    return tuple(found)


def relative_bones(actor_from_bone: F32) -> F32:
    """(B, 3, 4) parent_from_bone; the root's is relative to the actor."""
    children, parents = _descent()
    out = actor_from_bone.copy()
    at, up = actor_from_bone[children], actor_from_bone[parents]
    turn = np.swapaxes(up[:, :, :3], 1, 2)
    out[children, :, :3] = turn @ at[:, :, :3]
    out[children, :, 3:] = turn @ (at[:, :, 3:] - up[:, :, 3:])
    return out


def absolute_bones(parent_from_bone: F32) -> F32:
    """(B, 3, 4) actor_from_bone from relative ones; inverse of `relative_bones`."""
    out = parent_from_bone.copy()
    for children, parents in _generations():
        at, up = parent_from_bone[children], out[parents]
        out[children, :, :3] = up[:, :, :3] @ at[:, :, :3]
        out[children, :, 3:] = up[:, :, :3] @ at[:, :, 3:] + up[:, :, 3:]
    return out


def parts_from_bones(model: Model, actor_from_bone: F32) -> F32:
    """(P, 3, 4) actor_from_part of a walker whose bones are placed by hand."""
    layout = _layout(model)
    pose = layout.rest.copy()
    moved = [k for k, bone in enumerate(layout.bones) if bone >= 0]
    pose[moved] = actor_from_bone[[layout.bones[k] for k in moved]]
    if is_seated(model):
        seat = seated_poses(SEATED_STATURE_M, 0.0)
        for k in moved:
            # Seated parts are stored as they sit, so only the change of turn counts.
            pose[k, :, :3] = pose[k, :, :3] @ seat[layout.bones[k], :, :3].T
    return pose


def pose_of_walker(model: Model, state: WalkerState) -> F32:
    """(P, 3, 4) actor_from_part of a walker's parts."""
    pose = parts_from_bones(model, bones_of(model, state))
    return with_wheels_turned(model, pose, state.phase)


def with_wheels_turned(model: Model, pose: F32, phase: float) -> F32:
    """The parts of a walker, the wheels of a wheelchair turned by so many cycles, in place."""
    if is_seated(model):
        layout = _layout(model)
        pose[list(layout.wheels), :, :3] = rotation("y", phase * 360.0)
    return pose
