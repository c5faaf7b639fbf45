"""One figure of the report: a title, a chart or picture, a caption."""

from __future__ import annotations

import base64
from html import escape
from typing import Any, Final

import cv2
from markupsafe import Markup

from synthgen.geometry.arrays import U8

Figure = dict[str, Any]  # title, chart (SVG or picture), caption
_THUMBNAIL_PX: Final = 320


def figure(title: str, chart: str, caption: str) -> Figure:
    """A chart with its title and what it says in words."""
    return {"title": title, "chart": Markup(chart), "caption": caption}


def picture(title: str, rgb: U8, alt: str, caption: str = "") -> Figure:
    """A picture as a figure."""
    image = f'<img src="{data_uri(rgb)}" alt="{escape(alt, quote=True)}">'
    return figure(title, image, caption)


def data_uri(rgb: U8, width_px: int = _THUMBNAIL_PX) -> str:
    """An image as JPEG of some width in a link."""
    height = round(rgb.shape[0] * width_px / rgb.shape[1])
    small = cv2.resize(rgb, (width_px, height), interpolation=cv2.INTER_AREA)
    _, coded = cv2.imencode(
        ".jpg", cv2.cvtColor(small, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, 80]
    )
    return "data:image/jpeg;base64," + base64.b64encode(coded.tobytes()).decode()
