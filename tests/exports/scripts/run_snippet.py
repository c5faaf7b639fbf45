"""Runs a snippet of a documentation page. Arguments: its file, the dataset. Prints shapes."""

# ruff: noqa: T201
import json
import sys
from pathlib import Path

snippet, dataset = sys.argv[1:]
names = {"DATASET": dataset}
exec(compile(Path(snippet).read_text(encoding="utf-8"), snippet, "exec"), names)
print(
    json.dumps(
        {
            "rgb": list(names["rgb"].shape),
            "boxes": list(names["xyxy_px"].shape),
            "categories": names["categories"],
            "samples": sum(1 for _ in names["images"]),
        }
    )
)
