"""Builds the report: sections from a comparison, one HTML file without anything from outside."""

from __future__ import annotations

import base64
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

import synthgen
from synthgen.errors import OutputError
from synthgen.geometry.arrays import F64, U8
from synthgen.qa.compare import Comparison
from synthgen.qa.gates import Judgement
from synthgen.qa.report import charts
from synthgen.qa.sources import Source
from synthgen.qa.tables import CLASSES, Table

MAX_BYTES: Final = 5_000_000
THUMBNAIL_PX: Final = 320
STRIP: Final = 4
_TITLES: Final = {
    "ahead_m": "Distance ahead, m",
    "left_m": "Offset to the left, m",
    "yaw_rad": "Heading relative to yours, rad",
    "box_h_px": "Box height, px",
    "box_w_px": "Box width, px",
    "length_m": "Length of cars, m",
    "width_m": "Width of cars, m",
    "height_m": "Height of cars, m",
    "closing_mps": "Closing speed, m/s",
    "crossing_mps": "Speed across your view, m/s",
    "ttc_s": "Least time to collision, s (20 = never)",
    "duration_s": "Time in view, s",
    "closing_change_mps2": "Change of closing speed, m/s²",
    "turn_radps": "Turning as you see it, rad/s",
    "clipped_low": "Share of black pixels",
    "clipped_high": "Share of white pixels",
    "power_slope": "Slope of the power spectrum",
    "edge_share": "Share of edge pixels",
    "sky_ground": "Upper third brighter than lower",
    "points": "Points ahead",
    "range_median_m": "Median range, m",
    "range_p90_m": "90 % of the ranges, m",
    "near_share": "Share within 10 m",
    "elevation_sd_rad": "Spread of elevation, rad",
    "empty_share": "Holes in the range image",
    "gap_length": "Length of the holes, cells",
    "ground_noise_m": "Noise of the ground, m",
    "intensity_sd": "Spread of intensity",
    "intensity_range": "Correlation of intensity and range",
}


def build_report(
    found: Comparison,
    report: dict[str, Any],
    judgements: list[Judgement],
    outcome: str,
    sources: tuple[Source, Source],
    *,
    audit: dict[str, Any] | None = None,
    fit_history: list[dict[str, Any]] | None = None,
) -> str:
    """The whole HTML text, at most 5 MB.

    Args:
        found: The comparison.
        report: The same as plain data.
        judgements: Of the gates.
        outcome: Of all gates.
        sources: Real and synthetic, for the pictures.
        audit: Summary of the audit, if there is one.
        fit_history: Steps of a closed-loop fit, if there are any.

    Raises:
        OutputError: Even without pictures the text is too large.
    """
    for pictures in (_pictures(found, sources), []):
        text = _template().render(
            report=report,
            judgements=judgements,
            outcome=outcome,
            bars=Markup(
                charts.index_bars(
                    [(d.name, d.index, d.interval, d.unclear) for d in found.dimensions]
                )
            ),
            null=Markup(
                charts.null_strip(
                    found.c2st.auc, found.c2st.null, found.c2st.replay,
                    f"AUC {found.c2st.auc:.3f}; floor {found.c2st.floor:.3f}",
                )
            ),
            sections=_sections(found),
            pictures=pictures,
            audit=audit,
            fit_history=fit_history or [],
            version=synthgen.__version__,
        )  # fmt: skip
        if len(text.encode()) <= MAX_BYTES:
            return str(text)
    raise OutputError(f"report: {len(text.encode())} bytes without pictures, expected {MAX_BYTES}")


def _template() -> Any:
    with as_file(files("synthgen") / "qa" / "report" / "report.html.j2") as path:
        environment = Environment(
            loader=FileSystemLoader(path.parent), autoescape=True, undefined=StrictUndefined,
            trim_blocks=True, lstrip_blocks=True,
        )  # fmt: skip
        return environment.get_template(path.name)


def _sections(found: Comparison) -> list[dict[str, Any]]:
    """Charts by section: title and figures (chart, caption)."""
    real, synthetic = found.tables["boxes"]
    sections = [{"title": "Labels", "figures": _label_figures(found)}]
    if len(real) and len(synthetic):
        sections.append({"title": "From above", "figures": _maps(real, synthetic, found)})
    for title, table in (("Motion", "tracks"), ("Images", "images"), ("LiDAR", "lidar")):
        if table in found.tables:
            sections.append({"title": title, "figures": _table_figures(found, table)})
    return [section for section in sections if section["figures"]]


def _label_figures(found: Comparison) -> list[dict[str, Any]]:
    real, synthetic = found.tables["boxes"]
    if not len(real) or not len(synthetic):
        return []
    shares = [
        np.bincount(t["category"].astype(np.int64), minlength=len(CLASSES)) / len(t)
        for t in (real, synthetic)
    ]
    used = np.flatnonzero(shares[0] + shares[1])
    bars = charts.paired_bars(
        [CLASSES[i] for i in used], shares[0][used], shares[1][used], "Shares of the classes"
    )
    figures = [_figure("Class mix", bars, "Share of each class among the boxes.")]
    frames = found.tables["frames"]
    means = [float(t["count"].mean()) for t in frames]
    figures.append(
        _figure(
            "Objects a frame",
            charts.histogram(frames[0]["count"], frames[1]["count"], "Objects a frame", bins=20),
            f"On average {means[0]:.1f} in the real frames, {means[1]:.1f} in yours.",
        )
    )
    for name in ("ahead_m", "left_m", "yaw_rad", "box_h_px", "length_m", "width_m", "height_m"):
        sides = [t[name] for t in (real, synthetic)]
        if name in ("length_m", "width_m", "height_m"):
            sides = [t[name][t["category"] == 0] for t in (real, synthetic)]
        figures += _distribution(name, sides)
    return figures


def _distribution(name: str, sides: list[F64]) -> list[dict[str, Any]]:
    known = [side[np.isfinite(side)] for side in sides]
    if min(len(side) for side in known) < 5:
        return []
    title = _TITLES.get(name, name.replace("_", " "))
    middle = [float(np.median(side)) for side in known]
    caption = f"Median {middle[0]:.3g} real, {middle[1]:.3g} yours."
    return [_figure(title, charts.histogram(known[0], known[1], f"{title}: {caption}"), caption)]


def _table_figures(found: Comparison, table: str) -> list[dict[str, Any]]:
    figures: list[dict[str, Any]] = []
    sides = found.tables[table]
    for dimension in found.dimensions:
        for effect in dimension.effects:
            if effect.name not in sides[0].columns or dimension.name != _DIMENSION[table]:
                continue
            title = _TITLES.get(effect.name, effect.name.replace("_", " ").capitalize())
            caption = f"Distance {effect.value:.2f} of 1" + (
                ", more than the real set's own." if effect.is_gap else "."
            )
            chart = charts.curves(
                sides[0][effect.name], sides[1][effect.name], f"{title}: {caption}"
            )
            figures.append(_figure(title, chart, caption))
    return figures


_DIMENSION: Final = {"tracks": "motion", "images": "images", "lidar": "lidar"}


def _maps(real: Table, synthetic: Table, found: Comparison) -> list[dict[str, Any]]:
    figures: list[dict[str, Any]] = []
    if np.isfinite(real["ahead_m"]).any() and np.isfinite(synthetic["ahead_m"]).any():
        above = [_grid(-t["left_m"], -t["ahead_m"], (-25, 25), (-62, 0), (31, 25))
                 for t in (real, synthetic)]  # fmt: skip
        figures += _three(above, "Seen from above", ("25 m left", "25 m right", "62 m", "you"))
    if found.view is not None:
        view = found.view
        wide = (-view.centre_x_px, view.width_px - view.centre_x_px)
        high = (-view.centre_y_px, view.height_px - view.centre_y_px)
        rows = max(round(40 * view.height_px / view.width_px), 4)
        seen = [_grid(t["box_x_px"], t["box_y_px"], wide, high, (rows, 40))
                for t in (real, synthetic)]  # fmt: skip
        figures += _three(seen, "Box centres in the image", ("left", "right", "", ""))
    return figures


def _three(grids: list[F64], title: str, ticks: tuple[str, str, str, str]) -> list[dict[str, Any]]:
    difference = grids[1] - grids[0]
    off = float(np.abs(difference).sum() / 2)
    return [
        _figure(f"{title}: real", charts.heat(grids[0], f"{title}, real", ticks=ticks), ""),
        _figure(f"{title}: yours", charts.heat(grids[1], f"{title}, synthetic", ticks=ticks), ""),
        _figure(
            f"{title}: difference",
            charts.heat(difference, f"{title}: {off:.0%} out of place", signed=True, ticks=ticks),
            f"Vermillion: too many of yours. Blue: too few. {off:.0%} are out of place.",
        ),
    ]


def _grid(
    x: F64, y: F64, wide: tuple[float, float], high: tuple[float, float], shape: tuple[int, int]
) -> F64:
    known = np.isfinite(x) & np.isfinite(y)
    counts, _, _ = np.histogram2d(y[known], x[known], bins=shape, range=[high, wide])
    shares: F64 = counts / max(counts.sum(), 1)
    return shares


def _figure(title: str, chart: str, caption: str) -> dict[str, Any]:
    return {"title": title, "chart": Markup(chart), "caption": caption}


def _pictures(found: Comparison, sources: tuple[Source, Source]) -> list[dict[str, Any]]:
    """Frames in order of how synthetic they look to the classifier: most and least, both sides."""
    pictures: list[dict[str, Any]] = []
    for side, source in enumerate(sources):
        scores = found.frame_scores[side]
        candidates = [
            (float(scores[row]) if row < len(scores) else float("nan"), row, rgb)
            for row, rgb in source.images(24)
        ]
        # Frames without a box have no score: they go to the end.
        candidates.sort(key=lambda c: (np.isnan(c[0]), -c[0] if not np.isnan(c[0]) else 0, c[1]))
        for score, row, rgb in _ends(candidates):
            frame = source.frames[row]
            pictures.append(
                {
                    "side": ("real", "synthetic")[side],
                    "name": f"{frame.sequence}, frame {frame.frame_index}",
                    "score": None if np.isnan(score) else score,
                    "source": _data_uri(rgb),
                }
            )
    return pictures


def _ends(items: list[tuple[float, int, U8]]) -> list[tuple[float, int, U8]]:
    return items if len(items) <= STRIP else [*items[: STRIP // 2], *items[-STRIP // 2 :]]


def _data_uri(rgb: U8) -> str:
    height = round(rgb.shape[0] * THUMBNAIL_PX / rgb.shape[1])
    small = cv2.resize(rgb, (THUMBNAIL_PX, height), interpolation=cv2.INTER_AREA)
    _, coded = cv2.imencode(
        ".jpg", cv2.cvtColor(small, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, 80]
    )
    return "data:image/jpeg;base64," + base64.b64encode(coded.tobytes()).decode()


def write_report(folder: Path, text: str) -> Path:
    """Write `report.html` into the folder; returns its path."""
    path = folder / "report.html"
    path.write_text(text)
    return path
