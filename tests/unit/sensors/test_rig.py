from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sensors.rig import Camera, Mount, Rig
from synthgen.datatypes.strict_yaml import load_model
from synthgen.errors import ConfigError

RIGS = Path(__file__).parents[3] / "sensors/rigs"


def camera(**changes: Any) -> Any:
    fields = {
        "modality": "camera",
        "name": "cam",
        "role": "front",
        "mount": {"x_m": 1.5, "y_m": 0.5, "z_m": 1.6},
        "width_px": 800,
        "height_px": 450,
        "fov_deg": 90,
    }
    return Camera.model_validate({**fields, **changes})


def test_positive_yaw_looks_to_the_left() -> None:
    mount = Mount(x_m=0, y_m=0, z_m=0, yaw_deg=90)
    np.testing.assert_allclose(
        mount.ego_from_mount.apply(np.array([1.0, 0, 0])), [0, 1, 0], atol=1e-9
    )


def test_positive_pitch_looks_down() -> None:
    mount = Mount(x_m=0, y_m=0, z_m=0, pitch_deg=30)
    ahead = mount.ego_from_mount.apply(np.array([1.0, 0, 0]))
    np.testing.assert_allclose(ahead, [np.sqrt(3) / 2, 0, -0.5], atol=1e-9)


def test_optical_axis_of_a_forward_camera_is_ego_forward() -> None:
    ego_from_camera = camera().ego_from_camera
    np.testing.assert_allclose(ego_from_camera.rotation @ [0, 0, 1], [1, 0, 0], atol=1e-9)
    # Image right is ego right, which is -y; image down is ego down.
    np.testing.assert_allclose(ego_from_camera.rotation @ [1, 0, 0], [0, -1, 0], atol=1e-9)
    np.testing.assert_allclose(ego_from_camera.translation_m, [1.5, 0.5, 1.6])


def test_focal_length_of_90_degrees_is_half_the_width() -> None:
    assert camera().focal_px == pytest.approx(400)


def test_front_rig_loads() -> None:
    rig = load_model(RIGS / "front.yaml", Rig)
    assert [sensor.name for sensor in rig.cameras] == ["cam_front"]


def test_double_names_are_refused_with_the_name(tmp_path: Any) -> None:
    text = (RIGS / "front.yaml").read_text().replace("name: lidar_top", "name: cam_front")
    path = tmp_path / "rig.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError, match="cam_front"):
        load_model(path, Rig)
