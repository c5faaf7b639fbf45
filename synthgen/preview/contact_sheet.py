"""`previews/contact_sheet.png`: one picture of each clip of a dataset."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Final

import cv2
import numpy as np

from synthgen.preview.palette import BACKGROUND

_CELL_WIDTH_PX: Final = 640
_COLUMNS: Final = 2
_MAX_CLIPS: Final = 60


def write_contact_sheet(previews: Path, clip_ids: list[str]) -> Path | None:
    """Lay the clips' preview pictures out in a grid; None where there is no picture.

    Args:
        previews: The dataset's previews folder, which holds `<clip_id>.png`.
        clip_ids: Clips in the order to show; at most 60 are.
    """
    pictures = [cv2.imread(str(previews / f"{clip_id}.png")) for clip_id in clip_ids[:_MAX_CLIPS]]
    found = [picture for picture in pictures if picture is not None]
    if not found:
        return None
    cells = [_cell(picture) for picture in found]
    height = max(cell.shape[0] for cell in cells)
    rows = math.ceil(len(cells) / _COLUMNS)
    sheet = np.full((rows * height, _COLUMNS * _CELL_WIDTH_PX, 3), BACKGROUND[::-1], np.uint8)
    for number, cell in enumerate(cells):
        top, left = number // _COLUMNS * height, number % _COLUMNS * _CELL_WIDTH_PX
        sheet[top : top + cell.shape[0], left : left + cell.shape[1]] = cell
    path = previews / "contact_sheet.png"
    partial = previews / "contact_sheet.partial.png"
    cv2.imwrite(str(partial), sheet)
    partial.replace(path)
    return path


def _cell(picture: np.ndarray) -> np.ndarray:
    height = round(picture.shape[0] * _CELL_WIDTH_PX / picture.shape[1])
    return np.asarray(cv2.resize(picture, (_CELL_WIDTH_PX, height), interpolation=cv2.INTER_AREA))
