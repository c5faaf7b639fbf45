from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sensors.ego_body import EgoBody
from sensors.rig import Rig
from sensors.rig_file import load_rig
from sensors.rig_lint import USUAL_EGO_LWH_M, lint_rig
from sensors.rig_views import cost_of

RIGS = Path(__file__).parents[3] / "sensors/rigs"
PRESETS = sorted(RIGS.glob("*.yaml"))


def nuscenes(changes: dict[str, dict[str, Any]]) -> Rig:
    """The nuScenes rig with fields of some sensors replaced; `mount.x` reaches into the mount."""
    document = load_rig(RIGS / "nuscenes.yaml").model_dump(mode="json", by_alias=True)
    for sensor in document["sensors"]:
        for field, value in changes.get(sensor["name"], {}).items():
            outer, _, inner = field.rpartition(".")
            (sensor[outer] if outer else sensor)[inner] = value
    document["sensors"] = [s for s in document["sensors"] if not s.pop("gone", False)]
    return Rig.model_validate(document)


@pytest.mark.parametrize("path", PRESETS, ids=lambda path: path.stem)
def test_presets_are_without_mistakes(path: Any) -> None:
    assert [str(finding) for finding in lint_rig(load_rig(path))] == []


@pytest.mark.parametrize(
    ("changes", "rule", "sensors"),
    [
        # Bench2Drive, issue 212: both rear radars look to the same side.
        (
            {
                "RADAR_BACK_LEFT": {"mount.yaw_deg": 90},
                "RADAR_BACK_RIGHT": {"mount.yaw_deg": 90},
            },
            "duplicate_heading",
            {"RADAR_BACK_LEFT", "RADAR_BACK_RIGHT"},
        ),
        ({"CAM_BACK_LEFT": {"gone": True}}, "blind_sector", {"CAM_FRONT_LEFT", "CAM_BACK"}),
        ({"CAM_FRONT": {"mount.z_m": 1.2}}, "inside_body", {"CAM_FRONT"}),
        ({"LIDAR_TOP": {"mount.z_m": 1.52}}, "own_car", {"LIDAR_TOP"}),
        ({"LIDAR_TOP": {"rotation_hz": 12}}, "rate", {"LIDAR_TOP"}),
        ({"CAM_FRONT": {"attributes.sensor_tick": 0.083}}, "rate", {"CAM_FRONT"}),
        ({"CAM_BACK": {"role": "back_window"}}, "unmappable_role", {"CAM_BACK"}),
        # Half a turn in radians: the camera looks ahead.
        ({"CAM_BACK": {"mount.yaw_deg": 3.14159}}, "wrong_end", {"CAM_BACK"}),
        ({"RADAR_FRONT": {"mount.yaw_deg": 180}}, "wrong_end", {"RADAR_FRONT"}),
        ({"CAM_FRONT": {"fov_deg": 1.2217, "focal_px": None}}, "narrow_view", {"CAM_FRONT"}),
        (
            {"LIDAR_TOP": {"upper_fov_deg": 0.1745, "lower_fov_deg": -0.5236}},
            "narrow_view",
            {"LIDAR_TOP"},
        ),
        ({"RADAR_FRONT": {"horizontal_fov_deg": 0.5}}, "narrow_view", {"RADAR_FRONT"}),
        # Bench2Drive, issue 219: every intensity is zero.
        (
            {"LIDAR_TOP": {"attributes.atmosphere_attenuation_rate": 4.0}},
            "weak_lidar",
            {"LIDAR_TOP"},
        ),
        (
            {"LIDAR_TOP": {"attributes.atmosphere_attenuation_rate": -1e9}},
            "weak_lidar",
            {"LIDAR_TOP"},
        ),
        ({"LIDAR_TOP": {"points_per_second": 56000}}, "coarse_lidar", {"LIDAR_TOP"}),
        ({"CAM_FRONT": {"extras.rolling_shuter": 0.02}}, "unknown_attribute", {"CAM_FRONT"}),
        ({"CAM_FRONT": {"attributes.lens_k": -0.3}}, "uncalibrated", {"CAM_FRONT"}),
        ({"CAM_FRONT": {"mount.roll_deg": 180}}, "tilted", {"CAM_FRONT"}),
        # Degrees of CARLA, whose yaw turns to the right.
        ({"CAM_FRONT_LEFT": {"mount.yaw_deg": -55.16}}, "wrong_side", {"CAM_FRONT_LEFT"}),
        # Centimetres for metres.
        ({"RADAR_FRONT": {"mount.x_m": 20.0}}, "floating", {"RADAR_FRONT"}),
        (
            {"CAM_BACK_LEFT": {"mount.yaw_deg": 125.0}},
            "asymmetric_pair",
            {"CAM_BACK_LEFT", "CAM_BACK_RIGHT"},
        ),
    ],
)
def test_planted_mistake_is_found_with_its_sensors(changes: Any, rule: Any, sensors: Any) -> None:
    found = {finding.rule: set(finding.sensors) for finding in lint_rig(nuscenes(changes))}
    assert found.get(rule) == sensors


def test_attributes_that_are_no_numbers_do_not_stop_the_linter() -> None:
    words = {"attributes.horizontal_fov": "wide", "attributes.dropoff_general_rate": "lots"}
    assert lint_rig(nuscenes({"LIDAR_TOP": words})) == []


def test_rig_without_label_images_is_told() -> None:
    document = load_rig(RIGS / "front.yaml").model_dump(mode="json", by_alias=True)
    document["sensors"][0]["channels"] = ["rgb"]
    assert [f.rule for f in lint_rig(Rig.model_validate(document))] == ["no_labels"]


def test_body_holds_its_cabin_but_not_the_air_over_its_bonnet() -> None:
    body = EgoBody.of_size(*USUAL_EGO_LWH_M)
    assert body.depth_m(np.array([0.0, 0.0, 1.2])) > 0.1
    assert body.depth_m(np.array([1.8, 0.0, 1.2])) < 0


def test_ray_at_the_body_is_stopped_and_a_ray_away_is_not() -> None:
    body = EgoBody.of_size(4.0, 2.0, 1.5)
    rays = np.array([[1.0, 0.0, 0.0], [-1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])
    assert body.stops(np.array([-5.0, 0.0, 0.6]), rays).tolist() == [True, False, False]


def test_cost_counts_the_published_pixels() -> None:
    assert cost_of(load_rig(RIGS / "nuscenes.yaml")).megapixels == pytest.approx(6 * 1.6 * 0.9)


@pytest.mark.parametrize(
    ("point_m", "depth_m"),
    [
        ((2.3, 0.0, 0.5), 0.2),  # behind the front bumper of a car of 5 m
        ((0.0, 0.9, 0.6), 0.1),  # within the left door of a car of 2 m
        ((0.0, 0.0, 0.35), 0.05),  # over the sill, 0.2 of a height of 1.5 m
    ],
)
def test_body_is_as_long_and_wide_as_the_car(
    point_m: tuple[float, float, float], depth_m: float
) -> None:
    body = EgoBody.of_size(5.0, 2.0, 1.5)
    assert body.depth_m(np.array(point_m)) == pytest.approx(depth_m)


def test_roof_is_narrower_than_the_waist() -> None:
    # Half the width is 1 m up to the waist, 0.66 of 1.5 m, and three tenths less at the roof.
    body = EgoBody.of_size(5.0, 2.0, 1.5)
    assert body.depth_m(np.array([-0.3, 0.72, 1.4])) > 0
    assert body.depth_m(np.array([-0.3, 0.80, 1.4])) < 0
    assert body.depth_m(np.array([-0.3, 0.97, 1.0])) > 0
