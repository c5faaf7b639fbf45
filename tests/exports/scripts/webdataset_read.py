"""Reads shards with the webdataset package; prints each sample's keys and numbers as JSON.

Arguments: shards. Images are decoded by the package; a hash stands for pixels and points.
"""

# ruff: noqa: T201
import hashlib
import json
import sys

import numpy as np
import webdataset as wds

samples = []
for sample in wds.WebDataset(sys.argv[1:], shardshuffle=False).decode("rgb8"):
    entry = {"key": sample["__key__"], "json": sample["json"], "arrays": {}, "names": list(sample)}
    for name, value in sample.items():
        if isinstance(value, np.ndarray):
            entry["arrays"][name] = {
                "shape": list(value.shape),
                "dtype": str(value.dtype),
                "fields": list(value.dtype.names or ()),
                "sha256": hashlib.sha256(np.ascontiguousarray(value).tobytes()).hexdigest(),
            }
    samples.append(entry)
print(json.dumps(samples))
