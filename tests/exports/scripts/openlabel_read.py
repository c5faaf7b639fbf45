"""Reads an OpenLABEL file with its JSON schema and with VCD, the standard's reference program.

Arguments: OpenLABEL file; further JSON schemas beside the one that comes with VCD. Prints the
schemas' complaints and, as VCD's scene places and projects them, the cuboids in the world and in
every camera.
"""

# ruff: noqa: T201
import json
import sys
from pathlib import Path

import jsonschema
import numpy as np
from vcd import core, scl, utils
from vcd.schema import openlabel_schema

path, *schema_paths = sys.argv[1:]
root = json.loads(Path(path).read_text(encoding="utf-8"))["openlabel"]
schemas = [openlabel_schema, *(json.loads(Path(other).read_text()) for other in schema_paths)]
faults = [
    [
        f"{list(fault.path)}: {fault.message}"
        for fault in jsonschema.Draft7Validator(schema).iter_errors({"openlabel": root})
    ]
    for schema in schemas
]
if all(faults):
    print(json.dumps({"faults": faults}))
    sys.exit()

vcd = core.OpenLABEL()
vcd.load_from_file(path)
scene = scl.Scene(vcd)
cameras = [name for name, stream in root["streams"].items() if stream["type"] == "camera"]
objects = []
for number in map(int, root["frames"]):
    world_from_ego, _ = scene.get_transform("ego", "world", number)
    for key, item in vcd.get_frame(number).get("objects", {}).items():
        data = item["object_data"]
        entry = {
            "frame_index": number,
            "track_id": int(key),
            "class": vcd.get_object(key)["type"],
            "boxes": {box["name"]: box["val"] for box in data.get("bbox", [])},
        }
        objects.append(entry)
        if "cuboid" not in data:
            continue
        x, y, z, qx, qy, qz, qw, *size = data["cuboid"][0]["val"]
        ego_from_box = utils.create_pose(utils.q2R(qx, qy, qz, qw), np.array([[x], [y], [z]]))
        world_from_box = world_from_ego @ ego_from_box
        half = np.array(size) / 2
        signs = np.array(np.meshgrid([-1, 1], [-1, 1], [-1, 1])).reshape(3, -1)
        corners = ego_from_box @ np.vstack([signs * half[:, None], np.ones(8)])
        entry["center_m"] = world_from_box[:3, 3].tolist()
        entry["heading"] = world_from_box[:3, 0].tolist()
        entry["size_lwh_m"] = size
        entry["projected"] = {}
        for camera in cameras:
            pixels, valid = scene.project_points3d_4xN(corners, "ego", camera, number)
            if all(valid):
                pixels = pixels[:2] / pixels[2]
                entry["projected"][camera] = [*pixels.min(axis=1), *pixels.max(axis=1)]
print(json.dumps({"faults": faults, "objects": objects}))
