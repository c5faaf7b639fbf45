from __future__ import annotations

from pathlib import Path

import pytest

from synthgen.doctor.rig_report import rig_warnings
from synthgen.errors import ConfigError

RIG = """
schema: synthgen/rig@1
name: mine
includes: [front]
ego_blueprint: {blueprint}
"""


def written(folder: Path, blueprint: str) -> Path:
    path = folder / "mine.yaml"
    path.write_text(RIG.format(blueprint=blueprint))
    return path


def test_unknown_vehicle_is_told_with_the_nearest_and_what_is_taken_instead(tmp_path: Path) -> None:
    (warning,) = rig_warnings(written(tmp_path, "vehicle.tesla.model_3"))
    assert "the size of vehicle.tesla.model_3 is not known" in warning
    assert "did you mean vehicle.tesla.model3" in warning
    assert "checked against vehicle.lincoln.mkz_2020" in warning


def test_known_vehicle_needs_no_word(tmp_path: Path) -> None:
    assert rig_warnings(written(tmp_path, "vehicle.tesla.model3")) == []


def test_what_is_no_blueprint_is_refused_where_it_stands(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"mine\.yaml:5:16: ego_blueprint: .*Tesla Model 3"):
        rig_warnings(written(tmp_path, "Tesla Model 3"))
