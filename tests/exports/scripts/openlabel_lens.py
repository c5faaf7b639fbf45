"""Where VCD, OpenLABEL's reference program, sees points of a fisheye camera.

Arguments: JSON file with `streams` of OpenLABEL and `points_m`, one list of x, y, z for each point
in the camera's frame. Prints the pixels by stream.
"""

# ruff: noqa: T201
import json
import sys
from pathlib import Path

import numpy as np
from vcd import scl

given = json.loads(Path(sys.argv[1]).read_text())
points = np.vstack([np.transpose(given["points_m"]), np.ones(len(given["points_m"]))])
found = {}
for name, stream in given["streams"].items():
    camera = scl.CameraFisheye(stream["stream_properties"]["intrinsics_fisheye"], name, "", "")
    pixels, _ = camera.project_points3d(points)
    found[name] = (pixels[:2] / pixels[2]).T.tolist()
print(json.dumps(found))
