"""`synthgen bench export`: speed, input and output, and memory of the nuScenes export.

The dataset is one clip, made by the main program or given, widened to six cameras of 1600x900
pixels whose JPEG images are the clip's own, enlarged, and repeated under other ids.
"""

from __future__ import annotations

import json
import math
import multiprocessing
import os
import resource
import shutil
import signal
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any, Final

import cv2
import numpy as np

from exporters.export import ExportOptions, export
from synthgen.bench.measured_run import measured_run
from synthgen.geometry.rotations import rotation_about_z
from synthgen.geometry.se3 import SE3
from synthgen.store import image_codec, tables
from synthgen.store.clip_reader import ClipReader, open_dataset
from synthgen.store.clip_writer import RowFile
from synthgen.store.layout import MANIFEST, clip_folder, readable_json
from synthgen.store.rows import pose_row

_FORMAT: Final = "nuscenes"
_SIZE_WH: Final = (1600, 900)
# Where nuScenes' cameras look, degrees to the left.
_CAMERAS: Final = {
    "front": 0, "front_left": 55, "front_right": -55, "rear": 180, "rear_left": 110,
    "rear_right": -110,
}  # fmt: skip
_FEW, _MANY = 5, 20
_SAMPLE_S: Final = 0.002
# Reading and decoding of clips is what `synthgen/store` does; encoding of images, sweeps and labels
# is done by functions named `…_bytes` or `points_m`; writing and JSON by the files named here.
_IO_FOLDER: Final = "synthgen/store/"
_IO_FILES: Final = (
    *("pathlib.py", "shutil.py", "staging.py", "parquet/core.py", "zipfile.py", "npyio_impl.py"),
    *("json/encoder.py", "json/decoder.py", "json/__init__.py"),
)
_ENCODERS: Final = ("_bytes", "points_m")


def bench_export(folder: Path, dataset: Path) -> dict[str, float]:
    """Flat figures of the nuScenes export.

    Args:
        folder: Scratch, new or empty; takes about three gigabytes.
        dataset: Whose first clip is widened and repeated.
    """
    base = open_dataset(dataset)[0]
    few, many = (_widened(base, folder / name, n) for name, n in (("few", _FEW), ("many", _MANY)))
    small = _in_a_process_of_its_own(few, folder / "few_out")
    large = _in_a_process_of_its_own(many, folder / "many_out")
    start = time.monotonic()
    report = export(many, _FORMAT, folder / "parallel_out", ExportOptions(trust=True))
    wall_s = time.monotonic() - start
    return {
        "samples": report["samples"],
        "nuscenes_samples_per_s": round(report["samples"] / wall_s, 2),
        "nuscenes_samples_per_s_1_job": round(large["samples"] / large["wall_s"], 2),
        "share_encode_io": round(large["share_encode_io"], 4),
        "peak_rss_mb": round(large["peak_rss_mb"], 1),
        "peak_rss_mb_quarter_dataset": round(small["peak_rss_mb"], 1),
        "peak_rss_growth_mb": round(large["peak_rss_mb"] - small["peak_rss_mb"], 1),
    }


def make_dataset(config_file: Path, folder: Path) -> Path:
    """One clip of a config, made by the main program.

    Raises:
        SimulatorError: It failed.
    """
    measured_run(config_file, folder, clips=1, executor="inline", workers=1)
    return folder


def _in_a_process_of_its_own(dataset: Path, out: Path) -> dict[str, float]:
    """A fresh process, since the greatest memory of a process never falls."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context) as pool:
        return pool.submit(_measured_export, dataset, out).result()


def _measured_export(dataset: Path, out: Path) -> dict[str, float]:
    start = time.monotonic()
    with _where_time_goes() as seconds:
        report = export(dataset, _FORMAT, out, ExportOptions(jobs=1, trust=True))
    wall_s = time.monotonic() - start
    shutil.rmtree(out)
    return {
        "samples": report["samples"],
        "wall_s": wall_s,
        "share_encode_io": seconds["encode_io"] / (seconds["encode_io"] + seconds["other"]),
        "peak_rss_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


@contextmanager
def _where_time_goes() -> Iterator[dict[str, float]]:
    """Seconds within encoding, reading and writing, and without, by a sampling clock.

    A sample counts for the time since the last one: a call into C delays the clock's signal until
    it returns, to the frame that called it.
    """
    seconds = {"encode_io": 0.0, "other": 0.0}
    last_s = time.monotonic()

    def sample(_signal: int, frame: FrameType | None) -> None:
        nonlocal last_s
        now_s = time.monotonic()
        seconds["encode_io" if _is_encode_io(frame) else "other"] += now_s - last_s
        last_s = now_s

    before = signal.signal(signal.SIGALRM, sample)
    signal.setitimer(signal.ITIMER_REAL, _SAMPLE_S, _SAMPLE_S)
    try:
        yield seconds
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def _is_encode_io(frame: FrameType | None) -> bool:
    while frame is not None:
        code = frame.f_code
        if code.co_filename.endswith(_IO_FILES) or code.co_name.endswith(_ENCODERS):
            return True
        if _IO_FOLDER in code.co_filename:
            return True
        frame = frame.f_back
    return False


def _widened(base: ClipReader, dataset: Path, clips: int) -> Path:
    """A dataset of copies of a clip with six large cameras."""
    first = _copy_of(base.folder, dataset, 0, shutil.copy2)
    shutil.rmtree(first / "cameras")
    source = base.calibration.of_modality("camera")[0].name
    images = first / "cameras/cam_front/rgb.parquet"
    with RowFile(images, tables.IMAGES) as file:
        for index, (frame, _, content) in enumerate(base.encoded_images(source, "rgb")):
            large = cv2.resize(image_codec.decode_rgb(content, source), _SIZE_WH)
            row = {"frame_index": frame, "timestamp_ns": base.frames[index].timestamp_ns}
            row |= pose_row("world_from_camera", SE3.identity())
            jpeg = image_codec.encode_rgb(np.ascontiguousarray(large, dtype=np.uint8), "jpeg")
            file.append({**row, "codec": "jpeg", "image": jpeg})
    calibration = json.loads((first / "calibration.json").read_bytes())
    cameras = [s for s in calibration["sensors"] if s["modality"] == "camera"]
    others = [s for s in calibration["sensors"] if s["modality"] != "camera"]
    calibration["sensors"] = [_camera(cameras[0], role) for role in _CAMERAS] + others
    _replace(first / "calibration.json", calibration)
    for role in _CAMERAS:
        if role != "front":
            (first / f"cameras/cam_{role}").mkdir()
            os.link(images, first / f"cameras/cam_{role}/rgb.parquet")
    for number in range(1, clips):
        _copy_of(first, dataset, number, os.link)
    return dataset


def _copy_of(
    clip: Path, dataset: Path, number: int, copy_file: Callable[[str, str], object]
) -> Path:
    """The clip once more, under another id."""
    clip_id = f"{number:02x}{'be' * 7}"
    copy = clip_folder(dataset, clip_id)
    shutil.copytree(clip, copy, copy_function=copy_file)
    manifest = json.loads((copy / MANIFEST).read_bytes())
    _replace(copy / MANIFEST, {**manifest, "clip_id": clip_id})
    return copy


def _replace(path: Path, document: dict[str, Any]) -> None:
    path.unlink()
    path.write_bytes(readable_json(document))


def _camera(document: dict[str, Any], role: str) -> dict[str, Any]:
    """A camera of 1600x900 that looks where the role says."""
    pose = document["ego_from_sensor"]
    ego_from_camera = SE3.from_quat(pose["quat_wxyz"], pose["translation_m"])
    turn = rotation_about_z(math.radians(_CAMERAS[role]))
    quat = SE3(turn @ ego_from_camera.rotation, ego_from_camera.translation_m).quat_wxyz
    scale = _SIZE_WH[0] / document["camera"]["width_px"]
    sizes = {"width_px": _SIZE_WH[0], "height_px": _SIZE_WH[1], "channels": ["rgb"]}
    sizes |= {"cx_px": _SIZE_WH[0] / 2, "cy_px": _SIZE_WH[1] / 2}
    sizes |= {f: document["camera"][f] * scale for f in ("fx_px", "fy_px")}
    return {
        **document,
        "name": f"cam_{role}",
        "role": role,
        "ego_from_sensor": {**pose, "quat_wxyz": quat.tolist()},
        "camera": {**document["camera"], **sizes},
    }
