import numpy as np
import pytest

from synthgen.simserver.assets.gait import WalkerState, stride_m
from synthgen.simserver.assets.library import model_of
from synthgen.simserver.assets.poses import (
    absolute_bones,
    bone_names,
    bones_of,
    parts_from_bones,
    pose_of_vehicle,
    pose_of_walker,
    relative_bones,
    rest_pose,
    stature_of,
)
from synthgen.simserver.scene import F32, Model

ADULT = "walker.pedestrian.0003"
CAR = "vehicle.lincoln.mkz_2020"
BIKE = "vehicle.bh.crossbike"


def part_pose(model: Model, pose: F32, name: str) -> F32:
    return np.asarray(pose[[part.name for part in model.parts].index(name)])


def bone(pose: F32, name: str) -> F32:
    return np.asarray(pose[bone_names().index(name)])


def test_rolling_forward_takes_the_top_of_the_wheel_forward() -> None:
    model = model_of(CAR, {}, 0)
    wheel = part_pose(model, pose_of_vehicle(model, wheel_spin_rad=0.1), "wheel_fl")
    assert (wheel[:, :3] @ [0, 0, 1])[0] == pytest.approx(np.sin(0.1), abs=1e-6)


def test_steering_right_turns_the_front_wheels_to_plus_y() -> None:
    model = model_of(CAR, {}, 0)
    pose = pose_of_vehicle(model, steer_deg=30)
    np.testing.assert_allclose(
        part_pose(model, pose, "wheel_fr")[:, :3] @ [1, 0, 0], [0.8660, 0.5, 0], atol=1e-4
    )
    np.testing.assert_array_equal(
        part_pose(model, pose, "wheel_rr"), part_pose(model, rest_pose(model), "wheel_rr")
    )


@pytest.mark.parametrize(("door", "side"), [("fl", -1), ("fr", 1), ("rl", -1), ("rr", 1)])
def test_doors_open_outward_about_their_front_edge(door: str, side: int) -> None:
    model = model_of(CAR, {}, 0)
    opened = part_pose(model, pose_of_vehicle(model, doors={door: 1.0}), f"door_{door}")
    closed = part_pose(model, rest_pose(model), f"door_{door}")
    np.testing.assert_array_equal(opened[:, 3], closed[:, 3])
    rear_edge = opened[:, :3] @ [-1.0, 0, 0]
    assert side * rear_edge[1] > 0.8


def test_leaning_right_takes_the_rider_to_plus_y() -> None:
    model = model_of(BIKE, {}, 0)
    pose = pose_of_vehicle(model, lean_deg=10)
    head = part_pose(model, pose, "rider_body") @ [0, 0, 1.5, 1]
    assert head[1] == pytest.approx(1.5 * np.sin(np.radians(10)), abs=1e-5)


def test_feet_stay_on_the_pedals() -> None:
    model = model_of(BIKE, {}, 0)
    crank = part_pose(model, rest_pose(model), "crank")[:, 3]
    at_rest = part_pose(model, rest_pose(model), "rider_crl_foot__R")[:, 3]
    # The gear is 0.45: half a turn of the crank takes the right foot from front to back.
    pose = pose_of_vehicle(model, wheel_spin_rad=np.pi / 0.45)
    foot = part_pose(model, pose, "rider_crl_foot__R")[:, 3]
    np.testing.assert_allclose(foot - at_rest, [-0.33, 0, 0], atol=1e-3)
    assert crank[2] > 0.2


def test_legs_of_the_rider_keep_their_length() -> None:
    model = model_of(BIKE, {}, 0)
    lengths = []
    for spin in np.linspace(0, 12, 9):
        pose = pose_of_vehicle(model, wheel_spin_rad=float(spin))
        thigh = part_pose(model, pose, "rider_crl_thigh__L")[:, 3]
        lengths.append(np.linalg.norm(part_pose(model, pose, "rider_crl_leg__L")[:, 3] - thigh))
    np.testing.assert_allclose(lengths, lengths[0], atol=1e-4)


def test_a_foot_on_the_ground_does_not_slide() -> None:
    model = model_of(ADULT, {}, 0)
    stride = stride_m(stature_of(model), 1.4)
    # Middle of the left foot's stance, when it is flat: 16 % to 55 % of it.
    phases = np.linspace(0.12, 0.30, 7)
    ball = np.array([0.1, 0, 0, 1.0])
    world_x = [
        (bone(bones_of(model, WalkerState(p, 1.4)), "crl_foot__L") @ ball)[0] + p * stride
        for p in phases
    ]
    np.testing.assert_allclose(world_x, world_x[0], atol=0.012)


@pytest.mark.parametrize("speed", [0.0, 0.6, 1.4, 2.5, 4.0])
def test_soles_never_sink_into_the_ground(speed: float) -> None:
    model = model_of(ADULT, {}, 0)
    low = min(
        (part.mesh.vertices_m @ place[:, :3].T + place[:, 3])[:, 2].min()
        for phase in np.linspace(0, 1, 16, endpoint=False)
        for part, place in zip(
            model.parts, pose_of_walker(model, WalkerState(phase, speed)), strict=True
        )
    )
    assert low > -stature_of(model) / 2 - 0.02


def test_arms_swing_against_the_legs() -> None:
    model = model_of(ADULT, {}, 0)
    pose = bones_of(model, WalkerState(0.0, 1.4))
    assert bone(pose, "crl_foot__L")[0, 3] > bone(pose, "crl_foot__R")[0, 3] + 0.3
    assert bone(pose, "crl_hand__R")[0, 3] > bone(pose, "crl_hand__L")[0, 3] + 0.2


def test_head_stays_upright_while_walking() -> None:
    model = model_of(ADULT, {}, 0)
    pose = bones_of(model, WalkerState(0.2, 1.4))
    np.testing.assert_allclose(bone(pose, "crl_Head__C")[:, :3], np.eye(3), atol=0.01)


def test_running_lengthens_the_stride() -> None:
    assert stride_m(1.75, 4.0) > 1.5 * stride_m(1.75, 1.4)


def test_left_is_minus_y() -> None:
    pose = bones_of(model_of(ADULT, {}, 0), WalkerState())
    assert bone(pose, "crl_hand__L")[1, 3] < -0.15


def test_carla_s_bones_are_all_there() -> None:
    # Docs/tuto_G_control_walker_skeletons.md lists 66 bones, 20 of them fingers of each hand.
    assert len(bone_names()) == 66
    assert {"crl_root", "crl_hips__C", "crl_Head__C", "crl_toeEnd__L", "crl_eye__R"} <= set(
        bone_names()
    )


def test_relative_bones_are_undone_by_absolute_bones() -> None:
    pose = bones_of(model_of(ADULT, {}, 0), WalkerState(0.37, 1.4))
    np.testing.assert_allclose(absolute_bones(relative_bones(pose)), pose, atol=2e-3)


def test_parts_follow_bones_placed_by_hand() -> None:
    model = model_of(ADULT, {}, 0)
    pose = bones_of(model, WalkerState())
    pose[bone_names().index("crl_hand__R"), :, 3] += [0.1, 0.2, 0.3]
    moved = parts_from_bones(model, pose)
    shift = part_pose(model, moved, "crl_hand__R") - part_pose(
        model, pose_of_walker(model, WalkerState()), "crl_hand__R"
    )
    np.testing.assert_allclose(shift[:, 3], [0.1, 0.2, 0.3], atol=1e-6)
