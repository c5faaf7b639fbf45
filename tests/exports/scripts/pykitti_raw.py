"""Read a KITTI raw drive by pykitti. Arguments: root, date, drive. Prints what it found."""

# ruff: noqa: T201
import json
import sys

import numpy as np
import pykitti

drive = pykitti.raw(*sys.argv[1:4])
print(
    json.dumps(
        {
            "frames": len(drive),
            "seconds": [(t - drive.timestamps[0]).total_seconds() for t in drive.timestamps],
            "camera_matrix": drive.calib.K_cam2.tolist(),
            "cam2_from_velo": drive.calib.T_cam2_velo.tolist(),
            "velo_from_imu": drive.calib.T_velo_imu.tolist(),
            "world_from_imu": [record.T_w_imu.tolist() for record in drive.oxts],
            "speed_mps": [record.packet.vf for record in drive.oxts],
            "first_sweep": np.asarray(drive.get_velo(0)).tolist(),
            "image_size": list(drive.get_cam2(0).size),
        }
    )
)
