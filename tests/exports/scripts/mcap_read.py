"""Reads an MCAP file with the mcap and protobuf packages; prints what a viewer would draw.

Arguments: MCAP file, folder for what is large (images as they are, clouds as .npy).
"""

# ruff: noqa: T201
import json
import sys
from pathlib import Path

import numpy as np
from mcap.reader import make_reader
from mcap_protobuf.decoder import DecoderFactory

KINDS = {1: "u1", 2: "i1", 3: "<u2", 4: "<i2", 5: "<u4", 6: "<i4", 7: "<f4", 8: "<f8"}


def vector(message):
    return [message.x, message.y, message.z]


def quaternion(message):
    return [message.x, message.y, message.z, message.w]


def nanoseconds(stamp):
    return stamp.seconds * 10**9 + stamp.nanos


def pairs(metadata):
    return {pair.key: pair.value for pair in metadata}


def transforms(message):
    return [
        {
            "parent": item.parent_frame_id,
            "child": item.child_frame_id,
            "translation": vector(item.translation),
            "quaternion_xyzw": quaternion(item.rotation),
        }
        for item in message.transforms
    ]


def scene(message):
    return [
        {
            "id": entity.id,
            "frame": entity.frame_id,
            "metadata": pairs(entity.metadata),
            "cubes": [
                {
                    "position": vector(cube.pose.position),
                    "quaternion_xyzw": quaternion(cube.pose.orientation),
                    "size": vector(cube.size),
                }
                for cube in entity.cubes
            ],
            "lines": [[vector(point) for point in line.points] for line in entity.lines],
        }
        for entity in message.entities
    ]


def annotations(message):
    return [
        {
            "points": [[point.x, point.y] for point in item.points],
            "metadata": pairs(item.metadata),
        }
        for item in message.points
    ]


def calibration(message):
    return {name: list(getattr(message, name)) for name in "DKRP"} | {
        "width": message.width,
        "height": message.height,
        "frame": message.frame_id,
    }


def fix(message):
    return [message.latitude, message.longitude, message.altitude]


def cloud(message, path):
    dtype = np.dtype(
        {
            "names": [field.name for field in message.fields],
            "formats": [KINDS[field.type] for field in message.fields],
            "offsets": [field.offset for field in message.fields],
            "itemsize": message.point_stride,
        }
    )
    np.save(f"{path}.npy", np.frombuffer(message.data, dtype))
    return {"path": f"{path}.npy", "frame": message.frame_id, "pose": vector(message.pose.position)}


def image(message, path):
    Path(f"{path}.{message.format}").write_bytes(message.data)
    return {"path": f"{path}.{message.format}", "frame": message.frame_id}


PLAIN = {
    "foxglove.FrameTransforms": transforms,
    "foxglove.SceneUpdate": scene,
    "foxglove.ImageAnnotations": annotations,
    "foxglove.CameraCalibration": calibration,
    "foxglove.LocationFix": fix,
}
LARGE = {"foxglove.PointCloud": cloud, "foxglove.CompressedImage": image}

source, folder = sys.argv[1:]
topics = {}
with Path(source).open("rb") as stream:
    reader = make_reader(stream, decoder_factories=[DecoderFactory()], validate_crcs=True)
    metadata = {item.name: item.metadata for item in reader.iter_metadata()}
    for schema, channel, message, decoded in reader.iter_decoded_messages():
        found = topics.setdefault(channel.topic, [])
        path = Path(folder) / f"{channel.topic.strip('/').replace('/', '_')}_{len(found):04d}"
        content = (
            PLAIN[schema.name](decoded)
            if schema.name in PLAIN
            else LARGE[schema.name](decoded, path)
        )
        found.append({"time_ns": message.log_time, "content": content})
        if hasattr(decoded, "timestamp"):
            assert message.log_time == nanoseconds(decoded.timestamp), channel.topic
print(json.dumps({"metadata": metadata, "topics": topics}))
