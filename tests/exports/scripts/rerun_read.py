"""Reads a Rerun recording back as tables; prints poses, boxes and blueprint as JSON.

Arguments: recording, folder for what is large (images as they are, clouds as .npy).
"""

# ruff: noqa: T201
import json
import sys
from pathlib import Path

import numpy as np
from rerun.chunk import RrdReader

source, folder = sys.argv[1:]
LARGE = {
    "EncodedImage:blob": "rgb",
    "EncodedDepthImage:blob": "depth",
    "Points3D:positions": "points",
}
HIDDEN = ("rerun.controls.RowId", "Points3D:class_ids", "EncodedDepthImage:depth_range")


def plain(entity, frame, name, value):
    """The value, or the file that it was written to."""
    if name not in LARGE or value is None:
        return value.total_seconds() if hasattr(value, "total_seconds") else value
    path = Path(folder) / f"{entity.strip('/').replace('/', '_')}_{frame or 0:04d}.{LARGE[name]}"
    if name == "Points3D:positions":
        np.save(f"{path}.npy", np.array(value, dtype=np.float32).reshape(-1, 3))
        return f"{path}.npy"
    path.write_bytes(bytes(value[0]))
    return str(path)


reader = RrdReader(source)
entities = {}
for chunk in reader.stream().to_chunks():
    rows = entities.setdefault(chunk.entity_path, [])
    batch = chunk.to_record_batch()
    for row in batch.to_pylist():
        frame = row.get("frame")
        kept = {name: value for name, value in row.items() if name not in HIDDEN}
        rows.append({n: plain(chunk.entity_path, frame, n, v) for n, v in kept.items()})
report = {
    "recordings": [
        {"application": entry.application_id, "id": entry.recording_id}
        for entry in reader.recordings()
    ],
    "blueprints": len(reader.blueprints()),
    "entities": entities,
}
print(json.dumps(report, default=str))
