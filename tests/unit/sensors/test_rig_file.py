from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sensors.rig import Rig
from sensors.rig_file import SCHEMA_FILE, load_rig, rig_schema
from synthgen.errors import ConfigError

RIGS = Path(__file__).parents[3] / "sensors/rigs"
PRESETS = sorted(RIGS.glob("*.yaml"))

CAMERA = """
  - {modality: camera, name: NAME, role: NAME, width_px: 800, height_px: 600, fov_deg: 90,
     mount: {x_m: 1.0, y_m: 0.0, z_m: 1.5}}
"""


def written(folder: Path, name: str, *cameras: str, head: str = "") -> Path:
    path = folder / f"{name}.yaml"
    sensors = "".join(CAMERA.replace("NAME", camera) for camera in cameras) or " []"
    path.write_text(f"schema: synthgen/rig@1\nname: {name}\n{head}sensors:{sensors}")
    return path


def preset(name: str) -> Rig:
    return load_rig(RIGS / f"{name}.yaml")


@pytest.mark.parametrize("path", PRESETS, ids=lambda path: path.stem)
def test_preset_loads_under_its_own_name_and_tells_its_source(path: Any) -> None:
    rig = load_rig(path)
    assert rig.name == path.stem
    assert len(rig.source) > 40


@pytest.mark.parametrize(
    ("name", "cameras", "lidars", "radars"),
    [
        # Table 2 of nuScenes, the KITTI set-up page, table 2 of Waymo, section 3 of Argoverse 2.
        ("nuscenes", 6, 1, 5),
        ("kitti", 4, 1, 0),
        ("waymo", 5, 5, 0),
        ("argoverse2", 9, 2, 0),
        ("fisheye_surround", 4, 1, 0),
    ],
)
def test_preset_has_the_published_sensors(
    name: Any, cameras: Any, lidars: Any, radars: Any
) -> None:
    rig = preset(name)
    assert (len(rig.cameras), len(rig.lidars), len(rig.radars)) == (cameras, lidars, radars)


def test_nuscenes_front_camera_is_that_of_the_devkits_records() -> None:
    # calibrated_sensor of CAM_FRONT, scene-0061: translation, rotation (w, x, y, z).
    w, x, y, z = 0.4998015, -0.5030316, 0.4997798, -0.4973708
    published = np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
            [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
            [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
        ]
    )
    pose = preset("nuscenes").cameras[0].ego_from_camera
    np.testing.assert_allclose(pose.rotation, published, atol=2e-3)
    np.testing.assert_allclose(pose.translation_m, [1.7008 - 1.425, 0.0159, 1.511], atol=1e-3)


def test_published_schema_is_current() -> None:
    assert SCHEMA_FILE.read_text() == rig_schema()


def test_included_sensors_come_first_and_are_replaced_by_name(tmp_path: Any) -> None:
    written(tmp_path, "base", "left", "right")
    rig = load_rig(
        written(
            tmp_path, "more", "right", "top", head="includes: [base.yaml]\norigin: {x_m: 0.5}\n"
        )
    )
    assert [(c.name, c.mount.x_m) for c in rig.cameras] == [
        ("left", 1.0),
        ("right", 1.5),
        ("top", 1.5),
    ]


def test_image_scale_reaches_included_cameras(tmp_path: Any) -> None:
    written(tmp_path, "base", "left")
    rig = load_rig(written(tmp_path, "small", head="includes: [base.yaml]\nimage_scale: 0.25\n"))
    assert (rig.cameras[0].width_px, rig.cameras[0].height_px) == (200, 150)


def test_a_loop_of_includes_is_refused_where_it_stands(tmp_path: Any) -> None:
    path = written(tmp_path, "a", "left", head="includes: [a.yaml]\n")
    with pytest.raises(ConfigError, match=r"a\.yaml:3:12: includes: a loop"):
        load_rig(path)


def test_double_names_are_refused_with_the_name(tmp_path: Any) -> None:
    with pytest.raises(ConfigError, match=r"a\.yaml:7:30: sensors: left is there twice"):
        load_rig(written(tmp_path, "a", "left", "left"))


def test_names_that_differ_by_case_alone_are_refused(tmp_path: Any) -> None:
    with pytest.raises(ConfigError, match=r"a\.yaml:3:1: .* differ by more than case: LEFT, left"):
        load_rig(written(tmp_path, "a", "left", "LEFT"))


def test_preset_is_included_by_its_name(tmp_path: Any) -> None:
    rig = load_rig(written(tmp_path, "mine", "roof", head="includes: [front]\n"))
    assert [camera.name for camera in rig.cameras] == ["cam_front", "roof"]


@pytest.mark.parametrize(
    ("head", "found", "message"),
    [
        ("includes: [gone.yaml]\n", "", r"3:12: includes: no such file: .*gone\.yaml; presets: "),
        ("includes: [b.yaml]\n", "includes: [a.yaml]\n", r"b\.yaml:3:12: includes: a loop: a.yaml"),
        ("image_scale: 0.01\n", "", r"a\.yaml:3:1: width_px: .* greater than .* 16, got 8"),
    ],
)
def test_what_files_do_to_each_other_is_refused_where_it_stands(
    tmp_path: Any, head: Any, found: Any, message: Any
) -> None:
    written(tmp_path, "b", "right", head=found)
    with pytest.raises(ConfigError, match=message):
        load_rig(written(tmp_path, "a", "left", head=head))


def test_rig_without_sensors_is_refused(tmp_path: Any) -> None:
    with pytest.raises(ConfigError, match="sensors: a rig has at least one"):
        load_rig(written(tmp_path, "a"))


def test_unknown_rig_is_told_the_presets() -> None:
    with pytest.raises(ConfigError, match=r"rig nuscene: .* presets argoverse2, .*, waymo"):
        load_rig("nuscene")


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ("fov_deg: 90", "focal_px: 1.0e+300", "a pinhole lens sees 1 to 179 degrees"),
        ("fov_deg: 90", "focal_px: 1.0e-300", "a pinhole lens sees 1 to 179 degrees"),
        ("fov_deg: 90", "fov_deg: 90, channels: []", "channels: .* at least 1"),
        ("fov_deg: 90", "fov_deg: 90, channels: [rgb, rgb]", "channels must be unique, got rgb"),
        ("fov_deg: 90", "fov_deg: .nan", "is not a finite number"),
        # r = theta - 0.3 theta^3 turns back where 0.9 theta^2 = 1: at 60.4 degrees.
        (
            "fov_deg: 90",
            "fov_deg: 190, lens: {model: kannala_brandt, coefficients: [-0.3]}",
            "fold the image 6[01] degrees off its axis",
        ),
        ("fov_deg: 90", "fov_deg: 90, attributes: {fov: 60}", "attribute fov is said by fov_deg"),
        ("fov_deg: 90", "fov_deg: 90, extras: {image_size_x: 9}", "is said by width_px"),
        ("modality: camera", "modality: camrea", "modality: input should be one of"),
    ],
)
def test_field_that_cannot_be_is_refused_where_it_stands(
    tmp_path: Any, before: Any, after: Any, message: Any
) -> None:
    path = written(tmp_path, "a", "left")
    path.write_text(path.read_text().replace(before, after))
    with pytest.raises(ConfigError, match=rf"a\.yaml:\d+:\d+: .*{message}"):
        load_rig(path)


def test_double_roles_are_refused_with_the_role(tmp_path: Any) -> None:
    path = written(tmp_path, "a", "left", "right")
    path.write_text(path.read_text().replace("role: right", "role: left"))
    with pytest.raises(ConfigError, match="roles of cameras must be unique, got left twice"):
        load_rig(path)
