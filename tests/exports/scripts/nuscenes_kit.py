"""Run by the environment that holds nuscenes-devkit: what the devkit makes of an export, as JSON.

`python nuscenes_kit.py ROOT PREDICTIONS OUT`: PREDICTIONS holds one file per case,
`<case>.detection.json` or `<case>.tracking.json`; OUT gets the pictures.
"""

# ruff: noqa: T201
from __future__ import annotations

import contextlib
import io
import json
import sys
from pathlib import Path

import descartes
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.patches import PathPatch
from matplotlib.path import Path as PlotPath
from nuscenes import NuScenes
from nuscenes.can_bus.can_bus_api import NuScenesCanBus
from nuscenes.eval.common.config import config_factory
from nuscenes.eval.detection.evaluate import DetectionEval
from nuscenes.eval.tracking.evaluate import TrackingEval
from nuscenes.map_expansion import map_api
from nuscenes.map_expansion.arcline_path_utils import discretize_lane
from nuscenes.utils.data_classes import LidarPointCloud, RadarPointCloud
from nuscenes.utils.geometry_utils import points_in_box

VERSION = "v1.0-trainval"
SPLIT = "synth_val"


def polygon_patch(polygon, **style):
    """Stand-in for descartes 1.1.0, which cannot read shapely 2's rings."""
    rings = [polygon.exterior, *polygon.interiors]
    paths = [PlotPath(np.asarray(ring.coords)[:, :2]) for ring in rings]
    return PathPatch(PlotPath.make_compound_path(*paths), **style)


descartes.PolygonPatch = polygon_patch
map_api.descartes.PolygonPatch = polygon_patch


def main(root: Path, predictions: Path, out: Path) -> None:
    nusc = NuScenes(version=VERSION, dataroot=str(root), verbose=False)
    with contextlib.redirect_stdout(io.StringIO()):
        result = {
            "lists": lists(nusc),
            "annotations": annotations(nusc),
            "sweeps": sweeps(nusc),
            "radar": radar(nusc),
            "can_bus": can_bus(nusc, root),
            "map": maps(nusc, root, out),
            "detection": {
                path.name.split(".")[0]: detection(nusc, path, out)
                for path in sorted(predictions.glob("*.detection.json"))
            },
            "tracking": {
                path.name.split(".")[0]: tracking(root, path, out)
                for path in sorted(predictions.glob("*.tracking.json"))
            },
        }
        render(nusc, out)
    print(json.dumps(result, default=float))


def lists(nusc: NuScenes) -> list[str]:
    nusc.list_scenes()
    nusc.list_categories()
    nusc.list_attributes()
    nusc.list_sample(nusc.sample[0]["token"])
    if hasattr(nusc, "lidarseg"):
        nusc.list_lidarseg_categories(sort_by="count")
        token = nusc.sample[0]["token"]
        nusc.get_sample_lidarseg_stats(token, sort_by="count")
        nusc.list_panoptic_instances(sort_by="count")
    return [scene["name"] for scene in nusc.scene]


def annotations(nusc: NuScenes) -> list[dict]:
    """Every annotation as the devkit reads it, with the points that it counts in the box."""
    clouds: dict[str, np.ndarray] = {}
    rows = []
    for annotation in nusc.sample_annotation:
        sample = nusc.get("sample", annotation["sample_token"])
        data_token = sample["data"]["LIDAR_TOP"]
        path, boxes, _ = nusc.get_sample_data(data_token, selected_anntokens=[annotation["token"]])
        if data_token not in clouds:
            clouds[data_token] = LidarPointCloud.from_file(path).points[:3]
        box = nusc.get_box(annotation["token"])
        rows.append(
            {
                "token": annotation["token"],
                "scene": nusc.get("scene", sample["scene_token"])["name"],
                "timestamp": sample["timestamp"],
                "instance": annotation["instance_token"],
                "category": annotation["category_name"],
                "center": box.center.tolist(),
                "wlh": box.wlh.tolist(),
                "yaw": float(np.arctan2(*box.rotation_matrix[[1, 0], 0])),
                "velocity": nusc.box_velocity(annotation["token"]).tolist(),
                "stored": annotation["num_lidar_pts"],
                "recounted": sum(int(points_in_box(b, clouds[data_token]).sum()) for b in boxes),
            }
        )
    return rows


def sweeps(nusc: NuScenes) -> dict:
    """Points of the last sample's sweep, and of ten sweeps put together."""
    scene = nusc.scene[0]
    sample = nusc.get("sample", scene["last_sample_token"])
    one = LidarPointCloud.from_file(nusc.get_sample_data_path(sample["data"]["LIDAR_TOP"]))
    many, times = LidarPointCloud.from_file_multisweep(nusc, sample, "LIDAR_TOP", "LIDAR_TOP", 10)
    count = scene["nbr_samples"]
    return {
        "one": one.nbr_points(),
        "many": many.nbr_points(),
        "lags": sorted({round(float(t), 3) for t in times.ravel()}),
        "samples": count,
    }


def radar(nusc: NuScenes) -> dict:
    counts = {"files": 0, "points": 0}
    for row in nusc.sample_data:
        if row["sensor_modality"] == "radar" and row["is_key_frame"]:
            cloud = RadarPointCloud.from_file(nusc.get_sample_data_path(row["token"]))
            counts["files"] += 1
            counts["points"] += cloud.nbr_points()
    return counts


def can_bus(nusc: NuScenes, root: Path) -> dict:
    can = NuScenesCanBus(dataroot=str(root))
    name = nusc.scene[0]["name"]
    for message in can.can_messages:
        can.print_message_stats(name, message)
    sample = nusc.get("sample", nusc.scene[0]["first_sample_token"])
    pose = nusc.get(
        "ego_pose", nusc.get("sample_data", sample["data"]["LIDAR_TOP"])["ego_pose_token"]
    )
    message = min(can.get_messages(name, "pose"), key=lambda m: abs(m["utime"] - pose["timestamp"]))
    return {
        "counts": {m: len(can.get_messages(name, m)) for m in can.can_messages},
        "pose_gap_m": float(np.linalg.norm(np.subtract(message["pos"], pose["translation"]))),
        "time_gap_us": message["utime"] - pose["timestamp"],
        "misaligned": can.list_misaligned_routes(1.0),
        "accel_z": float(np.mean([m["accel"][2] for m in can.get_messages(name, "pose")])),
    }


def maps(nusc: NuScenes, root: Path, out: Path) -> dict:
    """Queries around every key frame's ego pose, and pictures."""
    result: dict = {}
    scene = nusc.scene[0]
    town = nusc.get("log", scene["log_token"])["location"]
    map_api.locations.append(town)
    nusc_map = map_api.NuScenesMap(dataroot=str(root), map_name=town)
    result["layers"] = {name: len(getattr(nusc_map, name)) for name in nusc_map.layer_names}
    result["invalid"] = {
        layer: sum(
            not nusc_map.extract_polygon(row["polygon_token"]).is_valid
            for row in getattr(nusc_map, layer)
        )
        for layer in nusc_map.lookup_polygon_layers
        if layer != "drivable_area"
    }
    result["invalid"]["drivable_area"] = sum(
        not nusc_map.extract_polygon(token).is_valid
        for row in nusc_map.drivable_area
        for token in row["polygon_tokens"]
    )
    poses = key_poses(nusc)
    on_layer = [nusc_map.layers_on_point(x, y) for x, y, _ in poses]
    result["poses"] = len(poses)
    result["on_drivable"] = sum(bool(layers["drivable_area"]) for layers in on_layer)
    mask = nusc.map[0]["mask"]
    result["on_mask"] = int(sum(mask.is_on_mask(x, y)[0] for x, y, _ in poses))
    closest = [nusc_map.get_closest_lane(x, y, radius=6) for x, y, _ in poses]
    result["lane_found"] = sum(bool(lane) for lane in closest)
    gaps = []
    for (x, y, yaw), lane in zip(poses, closest, strict=True):
        if lane:
            points = np.array(discretize_lane(nusc_map.get_arcline_path(lane), 0.5))
            nearest = points[np.argmin(np.linalg.norm(points[:, :2] - [x, y], axis=1))]
            turn = (nearest[2] - yaw + np.pi) % (2 * np.pi) - np.pi
            gaps.append([float(np.linalg.norm(nearest[:2] - [x, y])), abs(float(turn))])
    result["lane_gaps"] = gaps
    result["outgoing"] = sum(bool(nusc_map.get_outgoing_lane_ids(lane)) for lane in closest if lane)
    result["patch_share"] = map_pictures(nusc, nusc_map, out)
    return result


def map_pictures(nusc: NuScenes, nusc_map: map_api.NuScenesMap, out: Path) -> list[float]:
    """Pictures of the map; returns the share of each layer in a patch around the first ego pose."""
    scene, town = nusc.scene[0], nusc_map.map_name
    x, y, yaw = key_poses(nusc)[0]
    layers = ["drivable_area", "lane", "walkway", "ped_crossing", "lane_divider", "road_divider"]
    # get_map_mask refuses any name but its four, whose sizes it needs for whole maps only.
    nusc_map.map_name = "boston-seaport"
    patch = nusc_map.get_map_mask((x, y, 80, 80), np.degrees(yaw), layers, (400, 400))
    nusc_map.map_name = town
    fig, axes = plt.subplots(1, len(layers), figsize=(18, 4))
    for axis, layer, name in zip(axes, patch, layers, strict=True):
        axis.imshow(layer, origin="lower")
        axis.set_title(name)
    fig.savefig(out / "map_patch.png")
    plt.close("all")
    middle = nusc.get("sample", scene["first_sample_token"])["next"] or scene["first_sample_token"]
    nusc_map.render_map_in_image(nusc, middle, out_path=str(out / "map_in_image.png"))
    nusc_map.render_egoposes_on_fancy_map(nusc, [scene["token"]], verbose=False)
    plt.savefig(out / "ego_on_map.png")
    nusc_map.render_layers(layers, figsize=1)
    plt.savefig(out / "layers.png", dpi=60)
    nusc.render_egoposes_on_map(town, out_path=str(out / "ego_on_mask.png"))
    plt.close("all")
    return [float(layer.mean()) for layer in patch]


def key_poses(nusc: NuScenes) -> list[tuple[float, float, float]]:
    poses = []
    for sample in nusc.sample:
        data = nusc.get("sample_data", sample["data"]["LIDAR_TOP"])
        pose = nusc.get("ego_pose", data["ego_pose_token"])
        w, x, y, z = pose["rotation"]
        yaw = np.arctan2(2 * (w * z + x * y), 1 - 2 * (y * y + z * z))
        poses.append((pose["translation"][0], pose["translation"][1], float(yaw)))
    return poses


def detection(nusc: NuScenes, path: Path, out: Path) -> dict:
    config = config_factory("detection_cvpr_2019")
    run = DetectionEval(nusc, config, str(path), SPLIT, str(out / "detection"), verbose=False)
    metrics, _ = run.evaluate()
    summary = metrics.serialize()
    present = {box.detection_name for box in run.gt_boxes.all}
    return {
        name: {"ap": summary["mean_dist_aps"][name], **summary["label_tp_errors"][name]}
        for name in sorted(present)
    }


def tracking(root: Path, path: Path, out: Path) -> dict:
    config = config_factory("tracking_nips_2019")
    run = TrackingEval(
        config, str(path), SPLIT, str(out / "tracking"), VERSION, str(root), verbose=False
    )
    metrics, _ = run.evaluate()
    summary = metrics.serialize()
    present = {
        box.tracking_name
        for scene in run.tracks_gt.values()
        for frame in scene.values()
        for box in frame
    }
    return {
        name: {
            metric: summary["label_metrics"][metric][name]
            for metric in ("amota", "amotp", "ids", "recall", "fp", "fn")
        }
        for name in sorted(present)
    }


def render(nusc: NuScenes, out: Path) -> None:
    scene = nusc.scene[0]
    sample = nusc.get("sample", scene["first_sample_token"])
    for _ in range(4):
        sample = nusc.get("sample", sample["next"]) if sample["next"] else sample
    data = sample["data"]
    camera = "CAM_FRONT" if "CAM_FRONT" in data else next(k for k in data if k.startswith("CAM"))
    radar = next(k for k in data if k.startswith("RADAR"))
    nusc.render_sample(sample["token"], out_path=str(out / "sample.png"), verbose=False)
    nusc.render_sample_data(data[camera], out_path=str(out / "camera.png"), verbose=False)
    nusc.render_sample_data(
        data["LIDAR_TOP"],
        nsweeps=5,
        underlay_map=True,
        out_path=str(out / "lidar.png"),
        verbose=False,
    )
    nusc.render_sample_data(data[radar], nsweeps=5, out_path=str(out / "radar.png"), verbose=False)
    for kind in ("lidarseg", "panoptic"):
        if hasattr(nusc, kind):
            nusc.render_sample_data(
                data["LIDAR_TOP"],
                with_anns=False,
                show_lidarseg=kind == "lidarseg",
                show_panoptic=kind == "panoptic",
                out_path=str(out / f"{kind}.png"),
                verbose=False,
            )
    nusc.render_pointcloud_in_image(
        sample["token"],
        pointsensor_channel="LIDAR_TOP",
        camera_channel=camera,
        out_path=str(out / "points.png"),
        verbose=False,
    )
    annotation = max(
        (nusc.get("sample_annotation", token) for token in sample["anns"]),
        key=lambda row: row["num_lidar_pts"],
    )
    nusc.render_annotation(annotation["token"], out_path=str(out / "annotation.png"))
    plt.close("all")


if __name__ == "__main__":
    main(*(Path(argument) for argument in sys.argv[1:4]))
