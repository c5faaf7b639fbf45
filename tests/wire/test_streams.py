"""Stream headers and the snapshot record: exact bytes."""

import numpy as np

from synthgen.simserver.wire.snapshot import (
    ACTOR_ROW,
    EPISODE,
    TRAFFIC_LIGHT_STATE,
    TRAFFIC_SIGN_STATE,
    VEHICLE_STATE,
    WALKER_STATE,
    encode_snapshot,
)
from synthgen.simserver.wire.streams import (
    MEASUREMENT,
    image_header,
    lidar_header,
    measurement_header,
    stream_token,
)
from synthgen.simserver.wire.structs import Rotation, Transform, Vector3D
from synthgen.simserver.wire.v2x import CAM, CUSTOM


def test_token_names_stream_port_and_tcp() -> None:
    # carla_protocol.md section 2: stream 1 on port 2061.
    assert stream_token(1, 2061).hex() == "01000000" + "0d08" + "01" + "00" + "00" * 16


def test_record_sizes_are_the_clients() -> None:
    # carla_protocol.md sections 8 and 9.
    assert MEASUREMENT.size == 48
    assert EPISODE.size == 36
    assert ACTOR_ROW.itemsize == 119
    assert TRAFFIC_LIGHT_STATE.itemsize == 54
    assert TRAFFIC_SIGN_STATE.size == 32
    assert WALKER_STATE.size == 17


def test_vehicle_state_fields_are_packed() -> None:
    assert VEHICLE_STATE.itemsize == 54
    assert VEHICLE_STATE.fields is not None
    offsets = {name: field[1] for name, field in VEHICLE_STATE.fields.items()}
    assert offsets["gear"] == 15
    assert offsets["speed_limit_kmh"] == 19
    assert offsets["light_id"] == 25
    assert offsets["failure_state"] == 29


def test_measurement_header_is_type_frame_time_pose() -> None:
    pose = Transform(Vector3D(1.0, 2.0, 3.0), Rotation(4.0, 5.0, 6.0))
    header = measurement_header("sensor.camera.rgb", 7, 0.5, pose)
    assert header.hex() == (
        "0d00000000000000"  # camera is number 13 of 0.9.16's list
        "0700000000000000"
        "000000000000e03f"
        "0000803f" + "00000040" + "00004040" + "00008040" + "0000a040" + "0000c040"
    )


def test_image_header_is_width_height_fov() -> None:
    assert image_header(800, 600, 90.0).hex() == "20030000" + "58020000" + "0000b442"


def test_lidar_header_counts_points_per_channel() -> None:
    assert lidar_header(1.0, [3, 4]).hex() == "0000803f02000000" + "03000000" + "04000000"


def test_snapshot_is_header_episode_and_rows() -> None:
    rows = np.zeros(1, ACTOR_ROW)
    rows["id"], rows["actor_state"] = 9, 1
    rows["motion"][0, :3] = (1.0, 2.0, 3.0)
    snapshot = encode_snapshot(
        rows,
        frame=7,
        time_s=0.5,
        delta_s=0.25,
        episode=3,
        platform_time_s=2.0,
        simulation_state=1,
    )
    assert len(snapshot) == 48 + 36 + 119
    assert snapshot[:24].hex() == "1100000000000000" + "0700000000000000" + "000000000000e03f"
    assert snapshot[48:84].hex() == (
        "0300000000000000" + "0000000000000040" + "0000803e" + "00" * 12 + "01000000"
    )
    assert snapshot[84:101].hex() == "09000000" + "01" + "0000803f" + "00000040" + "00004040"


def test_v2x_records_have_the_layout_of_the_clients_structs() -> None:
    # DWARF of the carla 0.9.16 wheel: CAMData, CustomV2XData, their members and offsets.
    assert (CAM.itemsize, CUSTOM.itemsize) == (464, 136)
    assert CAM.fields is not None
    assert CUSTOM.fields is not None
    assert CAM.fields["header"][1] == CUSTOM.fields["header"][1] == 8
    assert CUSTOM.fields["text"][1] == 32
    awareness = CAM.fields["awareness"][0]
    assert CAM.fields["awareness"][1] == 32
    assert awareness.fields is not None
    assert awareness.fields["high_frequency"][1] == 72
