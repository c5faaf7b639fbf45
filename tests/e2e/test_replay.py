"""Stored clips shown again: the same rig sees the same bytes, another rig the same objects."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from synthgen.store.clip_reader import ClipReader, open_dataset
from tests.e2e.conftest import ROOT

pytestmark = [pytest.mark.server, pytest.mark.slow]

# A replay is told apart by its manifest; a radar's Doppler rounds in the 22nd digit.
OWN = {"clip.json"}


def replay(dataset: Path, rig: str, out: Path, *arguments: str) -> list[ClipReader]:
    command = [sys.executable, "-m", "synthgen.cli", "replay", str(dataset), "--rig", rig]
    options = ["--out", str(out), "--limit", "1", "--progress", "plain", *arguments]
    done = subprocess.run(
        [*command, *options], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return open_dataset(out)


def files_of(clip: ClipReader) -> set[str]:
    return {item["path"] for item in clip.manifest["files"]}


@pytest.fixture(scope="module")
def same_rig(tiny_dataset: Path, tmp_path_factory: pytest.TempPathFactory) -> list[ClipReader]:
    out = tmp_path_factory.mktemp("replay") / "same"
    return [
        open_dataset(tiny_dataset)[0],
        *replay(tiny_dataset, "tests/e2e/tiny_rig.yaml", out),
    ]


def test_same_rig_sees_the_same_bytes(same_rig: list[ClipReader]) -> None:
    source, again = same_rig
    assert files_of(again) == files_of(source)
    digests = {item["path"]: item["sha256"] for item in source.manifest["files"]}
    found = {item["path"]: item["sha256"] for item in again.manifest["files"]}
    radar = {path for path in found if path.startswith("radar/")}
    assert {path for path in found if found[path] != digests[path]} - radar == set()


def test_replay_names_its_source(same_rig: list[ClipReader]) -> None:
    source, again = same_rig
    assert again.manifest["replay_of"] == source.clip_id
    assert again.clip_id != source.clip_id


def test_nuscenes_rig_sees_the_same_objects(tiny_dataset: Path, tmp_path: Path) -> None:
    (clip,) = replay(
        tiny_dataset, "sensors/rigs/nuscenes.yaml", tmp_path / "nu", "--image-scale", "0.1"
    )
    source = open_dataset(tiny_dataset)[0]
    for name in ("objects", "actors", "frames"):
        kept = (clip.folder / f"{name}.parquet").read_bytes()
        assert kept == (source.folder / f"{name}.parquet").read_bytes()
    cameras = set(pq.read_table(clip.folder / "labels/v1/boxes2d.parquet")["camera"].to_pylist())
    assert "CAM_FRONT" in cameras
    assert len(clip.calibration.sensors) == 14
    status = pq.read_table(clip.folder / "labels/v1/status.parquet")["status"].to_pylist()
    assert "rejected" not in status, json.dumps(status)
