"""OpenLABEL by its schema and by VCD, the standard's reference program."""

from __future__ import annotations

import copy
import json
import math
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from exporters.export import export
from exporters.openlabel.document import intrinsics
from synthgen.datatypes.calibration import CameraModel
from synthgen.geometry.camera import FisheyeCamera, PinholeCamera
from synthgen.store.clip_reader import ClipReader, open_dataset
from tests.exports.clip_truth import (
    WorldBox,
    assert_same,
    boxes2d,
    difference,
    greatest_box_difference,
    world_boxes,
)
from tests.exports.devkits import run_devkit

pytestmark = [pytest.mark.server, pytest.mark.slow]

# ASAM's own file is looked at as well where it lies beside the clone; VCD brings the same schema.
SCHEMA = Path(__file__).parents[3] / "shared/data/openlabel_json_schema-v1.0.0.json"


@pytest.fixture(scope="module")
def clip(export_dataset: Path) -> ClipReader:
    return open_dataset(export_dataset)[0]


@pytest.fixture(scope="module")
def exported(export_dataset: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("openlabel") / "out"
    export(export_dataset, "openlabel", out)
    return out


@pytest.fixture(scope="module")
def path(exported: Path, clip: ClipReader) -> Path:
    (found,) = exported.glob(f"*/{slot_name(clip)}/openlabel.json")
    return found


@pytest.fixture(scope="module")
def document(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


@pytest.fixture(scope="module")
def read(path: Path) -> dict[str, Any]:
    return vcd_reads(path)


def slot_name(clip: ClipReader) -> str:
    slot = clip.manifest["slot"]
    return f"{slot['scenario']}-{slot['k']:04d}"


def vcd_reads(path: Path) -> dict[str, Any]:
    further = [SCHEMA] if SCHEMA.is_file() else []
    found: dict[str, Any] = run_devkit("openlabel", "openlabel_read.py", path, *further)
    return found


def cuboids(read: dict[str, Any]) -> dict[tuple[int, int], WorldBox]:
    return {
        (item["frame_index"], item["track_id"]): WorldBox(
            item["center_m"],
            math.atan2(item["heading"][1], item["heading"][0]),
            item["size_lwh_m"],
        )
        for item in read["objects"]
        if "center_m" in item
    }


def corners(read: dict[str, Any], kind: str) -> dict[tuple[str, int, int], list[float]]:
    """Boxes of one kind, from centre and size, by camera, frame and track."""
    return {
        (name.removesuffix(f"_{kind}"), item["frame_index"], item["track_id"]): [
            x - w / 2,
            y - h / 2,
            x + w / 2,
            y + h / 2,
        ]
        for item in read["objects"]
        for name, (x, y, w, h) in item["boxes"].items()
        if name.endswith(f"_{kind}")
    }


def projected(read: dict[str, Any]) -> dict[tuple[str, int, int], list[float]]:
    """Image boxes of the cuboids, by VCD's own scene and cameras."""
    return {
        (camera, item["frame_index"], item["track_id"]): box
        for item in read["objects"]
        for camera, box in item.get("projected", {}).items()
        if f"{camera}_amodal" in item["boxes"]
    }


def changed(document: dict[str, Any], path: Path, change: Callable[[dict[str, Any]], None]) -> Path:
    """A copy of the document's first frames with a defect."""
    copied = copy.deepcopy(document)
    frames = copied["openlabel"]["frames"]
    copied["openlabel"]["frames"] = {str(k): frames[str(k)] for k in range(8)}
    change(copied["openlabel"])
    path.write_text(json.dumps(copied), encoding="utf-8")
    return path


def every_cuboid(openlabel: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        cuboid
        for frame in openlabel["frames"].values()
        for item in frame["objects"].values()
        for cuboid in item["object_data"].get("cuboid", [])
    ]


def dangling(openlabel: dict[str, Any]) -> list[str]:
    """References to what the document does not declare; the schema does not look at them."""
    systems, streams = openlabel["coordinate_systems"], openlabel["streams"]
    objects = openlabel["objects"]
    faults = [
        f"system {name}: {other}"
        for name, system in systems.items()
        for other in [*system["children"], *filter(None, [system["parent"]])]
        if other not in systems
    ]
    for number, frame in openlabel["frames"].items():
        properties = frame["frame_properties"]
        faults += [f"{number}: stream {s}" for s in properties["streams"] if s not in streams]
        ends = [t[end] for t in properties["transforms"].values() for end in ("src", "dst")]
        faults += [f"{number}: system {name}" for name in ends if name not in systems]
        faults += [f"{number}: object {key}" for key in frame["objects"] if key not in objects]
        faults += [
            f"{number}: object {key}: system {entry['coordinate_system']}"
            for key, item in frame["objects"].items()
            for entries in item["object_data"].values()
            for entry in entries
            if entry["coordinate_system"] not in systems
        ]
        faults += [
            f"{number}: object {k}: frame" for k in frame["objects"] if not _in(k, number, objects)
        ]
    return faults


def _in(key: str, number: str, objects: dict[str, Any]) -> bool:
    intervals = objects.get(key, {}).get("frame_intervals", [])
    return any(i["frame_start"] <= int(number) <= i["frame_end"] for i in intervals)


def test_the_schema_finds_no_fault(read: dict[str, Any]) -> None:
    assert not any(read["faults"])


def test_every_reference_is_declared(document: dict[str, Any]) -> None:
    assert dangling(document["openlabel"]) == []


def test_cuboids_stand_where_the_clip_says(read: dict[str, Any], clip: ClipReader) -> None:
    assert_same(cuboids(read), world_boxes(clip))


def test_classes_are_the_clips(read: dict[str, Any], clip: ClipReader) -> None:
    categories = {item.track_id: item.category for item in clip.objects}
    assert all(item["class"] == categories[item["track_id"]] for item in read["objects"])


@pytest.mark.parametrize("kind", ["visible", "amodal"])
def test_boxes_are_the_clips(read: dict[str, Any], clip: ClipReader, kind: str) -> None:
    assert greatest_box_difference(corners(read, kind), boxes2d(clip, kind)) < 1e-4


def test_projected_cuboids_meet_the_amodal_boxes(read: dict[str, Any]) -> None:
    found, amodal = projected(read), corners(read, "amodal")
    assert len(found) > 100
    # Those that reach the near plane span thousands of pixels: roundings of the pose show there.
    near = {key: box for key, box in found.items() if max(map(abs, amodal[key])) < 1000}
    assert len(near) > 50
    assert greatest_box_difference(near, {key: amodal[key] for key in near}) < 0.02


def test_files_of_every_frame_are_there(path: Path, document: dict[str, Any]) -> None:
    uris = [
        stream["uri"]
        for frame in document["openlabel"]["frames"].values()
        for stream in frame["frame_properties"]["streams"].values()
    ]
    assert len(uris) == 80 * 4
    assert all((path.parent / uri).is_file() for uri in uris)


# Open3D says at import that it finds no GPU.
@pytest.mark.filterwarnings("ignore::ImportWarning")
def test_open3d_reads_the_sweeps(path: Path, clip: ClipReader, open3d: ModuleType) -> None:
    cloud = open3d.io.read_point_cloud(str(path.parent / "lidar_top/000003.pcd"))
    sweep = list(clip.lidar_sweeps("lidar_top"))[3]
    np.testing.assert_array_equal(np.asarray(cloud.points, dtype=np.float32), sweep.points_m)


def test_another_order_of_the_quaternion_is_noticed(
    document: dict[str, Any], clip: ClipReader, tmp_path: Path
) -> None:
    def w_first(openlabel: dict[str, Any]) -> None:
        for cuboid in every_cuboid(openlabel):
            x, y, z, w = cuboid["val"][3:7]
            cuboid["val"][3:7] = [w, x, y, z]

    read = vcd_reads(changed(document, tmp_path / "defect.json", w_first))
    assert difference(cuboids(read), world_boxes(clip)).yaw_rad > 0.1


def test_another_order_of_the_size_is_noticed(
    document: dict[str, Any], clip: ClipReader, tmp_path: Path
) -> None:
    def width_first(openlabel: dict[str, Any]) -> None:
        for cuboid in every_cuboid(openlabel):
            length, width = cuboid["val"][7:9]
            cuboid["val"][7:9] = [width, length]

    read = vcd_reads(changed(document, tmp_path / "defect.json", width_first))
    assert difference(cuboids(read), world_boxes(clip)).size_m > 0.1
    found, amodal = projected(read), corners(read, "amodal")
    assert greatest_box_difference(found, {key: amodal[key] for key in found}) > 1


def test_a_turned_camera_is_noticed(document: dict[str, Any], tmp_path: Path) -> None:
    def backwards(openlabel: dict[str, Any]) -> None:
        pose = openlabel["coordinate_systems"]["cam_front"]["pose_wrt_parent"]
        x, y, z, w = pose["quaternion"]
        pose["quaternion"] = [-x, -y, -z, w]

    read = vcd_reads(changed(document, tmp_path / "defect.json", backwards))
    found, amodal = projected(read), corners(read, "amodal")
    assert greatest_box_difference(found, {key: amodal[key] for key in found}) > 10


@pytest.mark.parametrize(
    "change",
    [
        lambda openlabel: openlabel["metadata"].update(schema_version="1.1.0"),
        lambda openlabel: every_cuboid(openlabel)[0].update(val=[0.0] * 8),
        lambda openlabel: openlabel["objects"].update({"car 1": {"name": "a", "type": "car"}}),
        lambda openlabel: openlabel.pop("metadata"),
    ],
    ids=["version", "short cuboid", "key", "no metadata"],
)
def test_the_schema_finds_defects(
    document: dict[str, Any], tmp_path: Path, change: Callable[[dict[str, Any]], None]
) -> None:
    read = vcd_reads(changed(document, tmp_path / "defect.json", change))
    assert all(read["faults"])


@pytest.mark.parametrize(
    "change",
    [
        lambda openlabel: openlabel["objects"].popitem(),
        lambda openlabel: openlabel["coordinate_systems"].pop("cam_front"),
        lambda openlabel: openlabel["streams"].pop("lidar_top"),
        lambda openlabel: every_cuboid(openlabel)[0].update(coordinate_system="vehicle"),
    ],
    ids=["object", "system", "stream", "cuboid's system"],
)
def test_dangling_references_are_noticed(
    document: dict[str, Any], change: Callable[[dict[str, Any]], None]
) -> None:
    openlabel = copy.deepcopy(document["openlabel"])
    change(openlabel)
    assert dangling(openlabel)


def test_vcd_sees_through_a_fisheye_as_we_do(tmp_path: Path) -> None:
    size_and_focus = (640, 480, 210.0, 205.0, 321.5, 238.0)
    lenses = {
        "equidistant": FisheyeCamera(*size_and_focus),
        "kannala_brandt": FisheyeCamera(*size_and_focus, (0.05, -0.01, 0.002, -0.0003)),
    }
    points_m = np.array([[0.3, -0.2, 1.0], [-2.0, 0.5, 1.5], [4.0, 3.0, 0.4]])
    pinhole = PinholeCamera(*size_and_focus)
    streams = {
        name: {"stream_properties": intrinsics(CameraModel(pinhole, ("rgb",), lens))}
        for name, lens in lenses.items()
    }
    path = tmp_path / "lenses.json"
    path.write_text(json.dumps({"streams": streams, "points_m": points_m.tolist()}))
    found = run_devkit("openlabel", "openlabel_lens.py", path)
    for name, lens in lenses.items():
        np.testing.assert_allclose(found[name], lens.project(points_m), atol=1e-6)
