from __future__ import annotations

from typing import Any

import pytest

from sensors.carla_adapter.blueprints import looks_back
from sensors.rig import Rig

PLACE = {"x_m": 1.0, "y_m": 0.0, "z_m": 1.6}
CAMERA = {"modality": "camera", "width_px": 64, "height_px": 32, "fov_deg": 80}
LIDAR = {
    "modality": "lidar", "channels": 16, "range_m": 90, "points_per_second": 30000,
    "upper_fov_deg": 10, "lower_fov_deg": -10,
}  # fmt: skip
DVS = {"modality": "dvs", "width_px": 64, "height_px": 32, "fov_deg": 80}


@pytest.mark.parametrize(
    ("sensor", "quality", "expected"),
    [
        (CAMERA, "low", False),
        (CAMERA, "medium", True),
        ({**CAMERA, "extras": {"quality": "low"}}, "medium", False),
        ({**CAMERA, "channels": ["rgb", "flow"]}, "low", True),
        ({**CAMERA, "attributes": {"rolling_shutter": 0.02}}, "low", True),
        (LIDAR, "medium", False),
        ({**LIDAR, "extras": {"spinning": True}}, "low", True),
        (DVS, "low", True),
    ],
)
def test_a_rig_looks_back_where_a_sensor_shows_motion(
    sensor: dict[str, Any], quality: str, expected: bool
) -> None:
    sensors = [{"name": "one", "role": "front", "mount": PLACE, **sensor}]
    rig = Rig.model_validate({"schema": "synthgen/rig@1", "name": "one", "sensors": sensors})
    assert looks_back(rig, quality) is expected
