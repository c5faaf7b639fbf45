"""`python -m synthgen.preview CLIP_FOLDER OUT.webm`: the preview of one clip."""

from __future__ import annotations

import argparse
from pathlib import Path

from synthgen.preview.clip_video import write_preview
from synthgen.store.clip_reader import ClipReader

if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m synthgen.preview", description=__doc__)
    parser.add_argument("clip", type=Path)
    parser.add_argument("out", type=Path)
    options = parser.parse_args()
    write_preview(ClipReader(options.clip, ("rgb",)), options.out)
