"""The contact sheet shows the clips in the order it is given."""

from pathlib import Path

import cv2
import numpy as np

from synthgen.campaign.previews import Previews


def test_sheet_keeps_the_order_of_the_plan_and_not_of_the_clip_ids(tmp_path: Path) -> None:
    grey = {"cc": 40, "aa": 120, "bb": 200}
    previews = tmp_path / "previews"
    previews.mkdir()
    for clip_id, value in grey.items():
        (previews / f"{clip_id}.webm").touch()  # It is drawn already.
        cv2.imwrite(str(previews / f"{clip_id}.png"), np.full((36, 64, 3), value, np.uint8))
    Previews(tmp_path).finish(list(grey))
    sheet = cv2.imread(str(previews / "contact_sheet.png"))
    assert sheet is not None
    height = sheet.shape[0] // 2
    shown = [sheet[top, left, 0] for top in (5, height + 5) for left in (5, 645)]
    assert shown[:3] == list(grey.values())
