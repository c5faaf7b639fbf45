"""Runs under the failing disk: makes one clip per n, lets its n-th change fail, then tries again.

Prints one JSON object: how many n there were and every invariant that broke.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pyarrow as pa

from synthgen.errors import OutputError
from synthgen.store.clip_writer import ClipWriter, write_table
from synthgen.store.commit import STAGING, Commit, commit_clip, staged_clip
from synthgen.store.layout import clip_folder
from tests.chaos.failing_disk import FailingDisk

IMAGES = pa.schema([("frame_index", pa.int32()), ("image", pa.large_binary())])


def make_clip(dataset: Path, clip_id: str) -> Commit:
    """Write a clip as the runner does and commit it."""
    with staged_clip(dataset / STAGING, clip_id) as folder:
        writer = ClipWriter(folder)
        for frame in range(40):
            row = {"frame_index": frame, "image": bytes([frame]) * 20_000}
            writer.append("cameras/front/rgb.parquet", row, IMAGES)
        write_table(folder / "frames.parquet", {"frame_index": [1, 2], "image": [b"", b""]}, IMAGES)
        writer.finish({"clip_id": clip_id})
        return commit_clip(folder, dataset, clip_id)


def faults_of(dataset: Path, clip_id: str, reference: dict[str, bytes]) -> list[str]:
    """What is wrong after a failed attempt, and after the attempt that follows."""
    faults = []
    folder = clip_folder(dataset, clip_id)
    visible = folder.exists()
    if visible and content_of(folder) != reference:
        faults.append("a clip is visible and not whole")
    if list((dataset / STAGING).glob("*")):
        faults.append("staging is left behind")
    wanted = Commit.EXISTS if visible else Commit.COMMITTED
    if make_clip(dataset, clip_id) is not wanted:
        faults.append("the next attempt did not succeed")
    if content_of(folder) != reference:
        faults.append("the next attempt made other bytes")
    return faults


def content_of(folder: Path) -> dict[str, bytes]:
    """All files below a folder."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def main(root: Path, disk: FailingDisk) -> None:
    """Let every change fail once."""
    clip_id = "ab" + "0" * 14
    disk.arm(0)
    make_clip(root / "reference", clip_id)
    calls = disk.calls
    reference = content_of(clip_folder(root / "reference", clip_id))
    broken = {}
    for nth in range(1, calls + 1):
        dataset = root / str(nth)
        disk.arm(nth)
        try:
            make_clip(dataset, clip_id)
        except OutputError:
            ended = []
        except OSError as err:
            ended = [f"{type(err).__name__} instead of OutputError: {err}"]
        else:
            ended = ["the failure went unnoticed"] if disk.calls >= nth else []
        disk.arm(0)
        faults = ended + faults_of(dataset, clip_id, reference)
        if faults:
            broken[nth] = faults
    sys.stdout.write(json.dumps({"calls": calls, "broken": broken}))


if __name__ == "__main__":
    main(Path(sys.argv[1]), FailingDisk(Path(), Path(sys.argv[2])))
