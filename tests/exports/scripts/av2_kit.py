"""Run by the environment that holds av2: what the kit makes of an export, as JSON on the last line.

`python av2_kit.py SPLIT_FOLDER PREDICTIONS OUT`: PREDICTIONS holds one feather file per case.
"""

from __future__ import annotations

import contextlib
import io
import json
import math
import sys
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from av2.datasets.sensor.av2_sensor_dataloader import AV2SensorDataLoader
from av2.evaluation.detection.eval import evaluate
from av2.evaluation.detection.utils import DetectionCfg
from av2.map.map_api import ArgoverseStaticMap, RasterLayerType
from av2.structures.sweep import Sweep
from av2.utils.io import read_feather


def main(split: Path, predictions: Path, out: Path) -> None:
    with contextlib.redirect_stdout(io.StringIO()):
        loader = AV2SensorDataLoader(split, split)
        result = {
            "logs": {log: read_log(loader, split, log) for log in loader.get_log_ids()},
            "maps": {log: read_map(loader, log) for log in loader.get_log_ids()},
            "detection": detection(split, predictions),
        }
        picture(loader, out)
    print(json.dumps(result, default=float))  # noqa: T201


def read_log(loader: AV2SensorDataLoader, split: Path, log: str) -> dict:
    boxes = []
    stored = read_feather(split / log / "annotations.feather")
    times = loader.get_ordered_log_lidar_timestamps(log)
    for time in times:
        sweep = Sweep.from_feather(loader.get_lidar_fpath(log, time))
        rows = stored[stored.timestamp_ns == time].to_dict("records")
        cuboids = loader.get_labels_at_lidar_timestamp(log, time).cuboids
        for cuboid, row in zip(cuboids, rows, strict=True):
            pose = cuboid.dst_SE3_object
            boxes.append(
                {
                    "timestamp_ns": time,
                    "track": row["track_uuid"],
                    "category": str(getattr(cuboid.category, "value", cuboid.category)),
                    "center": pose.translation.tolist(),
                    "lwh": [cuboid.length_m, cuboid.width_m, cuboid.height_m],
                    "yaw": math.atan2(pose.rotation[1, 0], pose.rotation[0, 0]),
                    "stored": row["num_interior_pts"],
                    "recounted": int(cuboid.compute_interior_points(sweep.xyz)[1].sum()),
                }
            )
    cameras = [path.name for path in sorted((split / log / "sensors/cameras").iterdir())]
    images = {name: len(loader.get_ordered_log_cam_fpaths(log, name)) for name in cameras}
    closest = loader.get_closest_img_fpath(log, "ring_front_center", times[0])
    return {
        "times": times,
        "boxes": boxes,
        "images": images,
        "has_closest_image": closest is not None,
        "city": loader.get_city_name(log),
    }


def read_map(loader: AV2SensorDataLoader, log: str) -> dict:
    avm = ArgoverseStaticMap.from_map_dir(loader.get_log_map_dirpath(log), build_raster=True)
    way = loader.get_subsampled_ego_trajectory(log, sample_rate_hz=10.0)
    height = avm.raster_ground_height_layer.get_ground_height_at_xy(way)
    first = np.array([*way[0], 0.0])
    near = avm.get_nearby_lane_segments(first[:2], search_radius_m=20.0)
    successors = [n for lane in near for n in lane.successors]
    return {
        "poses": len(way),
        "on_drivable": int(
            avm.get_raster_layer_points_boolean(way, layer_name=RasterLayerType.DRIVABLE_AREA).sum()
        ),
        "in_roi": int(
            avm.get_raster_layer_points_boolean(way, layer_name=RasterLayerType.ROI).sum()
        ),
        "height_known": int(np.isfinite(height).sum()),
        "height_span": float(np.nanmax(np.abs(height))),
        "near_lanes": len(near),
        "known_successors": sum(n in avm.vector_lane_segments for n in successors),
        "successors": len(successors),
        "crossings": len(avm.get_scenario_ped_crossings()),
        "lanes": len(avm.vector_lane_segments),
        "centerline": len(avm.get_lane_segment_centerline(near[0].id)),
    }


def count(avm: ArgoverseStaticMap, way: np.ndarray, layer: RasterLayerType) -> int:
    return int(avm.get_raster_layer_points_boolean(way, layer_name=layer).sum())


def detection(split: Path, predictions: Path) -> dict:
    frames = []
    for path in sorted(split.glob("*/annotations.feather")):
        frames.append(read_feather(path).assign(log_id=path.parent.name))
    labels = pd.concat(frames, ignore_index=True)
    categories = tuple(sorted(labels[labels.num_interior_pts > 0].category.unique()))
    results = {}
    for path in sorted(predictions.glob("*.feather")):
        is_roi = path.stem == "roi"
        config = DetectionCfg(
            dataset_dir=split, categories=categories, eval_only_roi_instances=is_roi
        )
        _, _, metrics = evaluate(read_feather(path), labels.copy(), config, n_jobs=1)
        results[path.stem] = {name: metrics.loc[name].to_dict() for name in categories}
    return results


def picture(loader: AV2SensorDataLoader, out: Path) -> None:
    """Cuboids over the front image, and over the sweep seen from above."""
    log = loader.get_log_ids()[0]
    time = loader.get_ordered_log_lidar_timestamps(log)[20]
    camera = loader.get_log_pinhole_camera(log, "ring_front_center")
    image = plt.imread(loader.get_closest_img_fpath(log, "ring_front_center", time))
    sweep = Sweep.from_feather(loader.get_lidar_fpath(log, time)).xyz
    figure, (left, right) = plt.subplots(1, 2, figsize=(18, 7))
    left.imshow(image)
    right.scatter(sweep[:, 0], sweep[:, 1], s=0.2, c="k")
    edges = [(0, 1), (1, 2), (2, 3), (3, 0), (4, 5), (5, 6), (6, 7), (7, 4)]
    edges += [(0, 4), (1, 5), (2, 6), (3, 7)]
    for cuboid in loader.get_labels_at_lidar_timestamp(log, time).cuboids:
        corners = cuboid.vertices_m
        pixels, _, seen = camera.project_ego_to_img(corners)
        for a, b in edges:
            right.plot(corners[[a, b], 0], corners[[a, b], 1], "r", lw=0.7)
            if seen[a] and seen[b]:
                left.plot(pixels[[a, b], 0], pixels[[a, b], 1], "orange", lw=1)
    right.set(xlim=(-40, 40), ylim=(-40, 40), aspect="equal")
    figure.savefig(out / "cuboids.png")


if __name__ == "__main__":
    main(*(Path(argument) for argument in sys.argv[1:4]))
