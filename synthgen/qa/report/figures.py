"""Figures of a comparison's tables: distributions, maps and tracks of both sides."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from markupsafe import Markup

from synthgen.geometry.arrays import F64
from synthgen.qa.compare import Comparison
from synthgen.qa.profile import HEADINGS
from synthgen.qa.report import charts
from synthgen.qa.report.figure import Figure, figure
from synthgen.qa.report.sensors import image_figures, sweep_figures
from synthgen.qa.tables import CATEGORICAL, CLASSES, Table

_LEAST: Final = 5
_SAME_M: Final = 0.01
_TITLES: Final = {
    "ahead_m": "Distance ahead, m",
    "left_m": "Offset to the left, m",
    "azimuth_rad": "Azimuth, rad (left positive)",
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


def sections_of(found: Comparison) -> list[dict[str, Any]]:
    """Charts by section: title and figures."""
    real, synthetic = found.tables["boxes"]
    has_boxes = len(real) and len(synthetic)
    sections = {
        "Labels": _label_figures(found),
        "From above": _maps(real, synthetic, found) if has_boxes else [],
        "Motion": [*_table_figures(found, "tracks"), *(track_paths(found) if has_boxes else [])],
        "Images": [*image_figures(found), *_table_figures(found, "images")],
        "LiDAR": [*sweep_figures(found), *_table_figures(found, "lidar")],
    }
    return [{"title": title, "figures": figures} for title, figures in sections.items() if figures]


def cause_charts(found: Comparison) -> list[Markup]:
    """A small chart for each piece of advice: the column that gave rise to it, of both sides."""
    return [Markup(_cause_chart(found, advice.cause)) for advice in found.advice]


def _cause_chart(found: Comparison, cause: str) -> str:
    if cause == "size":
        return _size_chart(found)
    for pair in found.tables.values():
        if all(cause in side.columns for side in pair):
            sides = [side[cause][np.isfinite(side[cause])] for side in pair]
            if cause in CATEGORICAL:
                words = CLASSES if cause == "category" else HEADINGS
                shares = [np.bincount(s.astype(np.int64), minlength=len(words)) / max(len(s), 1)
                          for s in sides]  # fmt: skip
                used = np.flatnonzero(shares[0] + shares[1])
                return charts.paired_bars([words[i] for i in used], shares[0][used],
                                          shares[1][used], f"Shares of {cause}")  # fmt: skip
            title = _TITLES.get(cause, cause.replace("_", " "))
            return _chart_or_nothing(sides, title)
    return ""


def _size_chart(found: Comparison) -> str:
    """The side of cars that differs most."""
    cars = [t.rows(t["category"] == 0) for t in found.tables["boxes"]]
    if not all(len(side) for side in cars):
        return ""
    sides = ("length_m", "width_m", "height_m")
    off = {
        n: abs(float(np.log(np.nanmedian(cars[1][n]) / np.nanmedian(cars[0][n])))) for n in sides
    }
    worst = max(sides, key=lambda name: off[name])
    return _chart_or_nothing([side[worst] for side in cars], _TITLES[worst])


def _chart_or_nothing(sides: list[F64], title: str) -> str:
    return charts.histogram(sides[0], sides[1], title) if min(map(len, sides)) >= _LEAST else ""


def _label_figures(found: Comparison) -> list[Figure]:
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
    figures = [figure("Class mix", bars, "Share of each class among the boxes.")]
    frames = found.tables["frames"]
    means = [float(t["count"].mean()) for t in frames]
    figures.append(
        figure(
            "Objects a frame",
            charts.histogram(frames[0]["count"], frames[1]["count"], "Objects a frame", bins=20),
            f"On average {means[0]:.1f} in the real frames, {means[1]:.1f} in yours.",
        )
    )
    figures += _levels(real, synthetic)
    figures += _headings(real, synthetic)
    for name in _DISTRIBUTIONS:
        figures += _distribution(name, [t[name] for t in (real, synthetic)])
    for name in ("length_m", "width_m", "height_m"):
        figures += _sizes(name, real, synthetic)
    return figures


_DISTRIBUTIONS: Final = ("ahead_m", "left_m", "azimuth_rad", "box_h_px")


def _headings(real: Table, synthetic: Table) -> list[Figure]:
    known = [t["yaw_rad"][np.isfinite(t["yaw_rad"])] for t in (real, synthetic)]
    if min(len(side) for side in known) < _LEAST:
        return []
    along = [float((np.abs(side) < np.pi / 4).mean()) for side in known]
    caption = f"{along[0]:.0%} of the real objects head your way, {along[1]:.0%} of yours."
    chart = charts.rose(known[0], known[1], f"Headings around you. {caption}")
    return [figure("Heading relative to yours", chart, caption)]


def _sizes(name: str, real: Table, synthetic: Table) -> list[Figure]:
    """One side of the boxes, class by class."""
    by_class = {
        kind: [t[name][(t["category"] == k) & np.isfinite(t[name])] for t in (real, synthetic)]
        for k, kind in enumerate(CLASSES)
    }
    shown = {k: s for k, s in by_class.items() if min(len(side) for side in s) >= _LEAST}
    if not shown:
        return []
    off = {k: float(np.median(s[1]) - np.median(s[0])) for k, s in shown.items()}
    worst = max(off, key=lambda kind: abs(off[kind]))
    title = name.removesuffix("_m").capitalize()
    caption = f"Your {worst}s differ most: {off[worst]:+.2f} m by the median."
    if abs(off[worst]) < _SAME_M:
        caption = "The medians of all classes agree within a centimetre."
    ours, theirs = ([pair[side] for pair in shown.values()] for side in (1, 0))
    chart = charts.violins(list(shown), theirs, ours, f"{title} by class. {caption}")
    return [figure(f"{title} by class, m", chart, caption)]


_LEVELS: Final = {
    "occluded": ("Occlusion", ("in view", "partly hidden", "largely hidden")),
    "truncated": ("Truncation", ("whole", "cut off", "mostly out")),
}


def _levels(real: Table, synthetic: Table) -> list[Figure]:
    """Shares of the levels of occlusion and truncation, where both sides state them."""
    figures = []
    for name, (title, words) in _LEVELS.items():
        known = [t[name][np.isfinite(t[name])].astype(np.int64) for t in (real, synthetic)]
        if min(len(side) for side in known) < _LEAST:
            continue
        shares = [np.bincount(side, minlength=3)[:3] / len(side) for side in known]
        caption = f"{shares[0][0]:.0%} {words[0]} in the real set, {shares[1][0]:.0%} in yours."
        chart = charts.paired_bars(words, shares[0], shares[1], f"{title}: {caption}")
        figures.append(figure(title, chart, caption))
    return figures


def track_paths(found: Comparison) -> list[Figure]:
    """Fifty tracks of each side from above, as the moving ego sees them."""
    figures = []
    for kind, side, table in zip(
        ("real", "syn"), ("real", "yours"), found.tables["boxes"], strict=True
    ):
        known = np.isfinite(table["track"]) & np.isfinite(table["ahead_m"])
        rows = table.rows(known)
        key = rows.sequence * 1e7 + rows["track"]
        order = np.lexsort((rows["frame"], key))
        parts = np.split(order, np.flatnonzero(np.diff(key[order])) + 1)
        parts = [part for part in parts if len(part) >= _PATH_BOXES]
        chosen = [parts[i] for i in np.linspace(0, len(parts) - 1, min(50, len(parts))).astype(int)]
        tracks = [(kind, rows["ahead_m"][part], rows["left_m"][part]) for part in chosen]
        if not tracks:
            return []
        text = f"{len(tracks)} of {len(parts)} tracks, {side}"
        figures.append(figure(f"Ways: {side}", charts.paths(tracks, text), text))
    return figures


_PATH_BOXES: Final = 4


def _distribution(name: str, sides: list[F64]) -> list[Figure]:
    known = [side[np.isfinite(side)] for side in sides]
    if min(len(side) for side in known) < _LEAST:
        return []
    title = _TITLES.get(name, name.replace("_", " "))
    # Rounded first, so that nought is told as 0 and not as 1e-16.
    middle = [round(float(np.median(side)), 3) + 0.0 for side in known]
    caption = f"Median {middle[0]:.3g} real, {middle[1]:.3g} yours."
    return [figure(title, charts.histogram(known[0], known[1], f"{title}: {caption}"), caption)]


def _table_figures(found: Comparison, table: str) -> list[Figure]:
    figures: list[Figure] = []
    if table not in found.tables:
        return figures
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
            figures.append(figure(title, chart, caption))
    return figures


_DIMENSION: Final = {"tracks": "motion", "images": "images", "lidar": "lidar"}


def _maps(real: Table, synthetic: Table, found: Comparison) -> list[Figure]:
    figures: list[Figure] = []
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
        tall = [_grid(np.log10(t["box_w_px"] + 1), -np.log10(t["box_h_px"] + 1),
                      (0.8, 3.2), (-3.0, -1.2), (24, 32)) for t in (real, synthetic)]  # fmt: skip
        figures += _three(tall, "Sizes in the image", ("narrow", "wide", "high", "log scales"))
    return figures


def _three(grids: list[F64], title: str, ticks: tuple[str, str, str, str]) -> list[Figure]:
    difference = grids[1] - grids[0]
    off = float(np.abs(difference).sum() / 2)
    return [
        figure(f"{title}: real", charts.heat(grids[0], f"{title}, real", ticks=ticks), ""),
        figure(f"{title}: yours", charts.heat(grids[1], f"{title}, synthetic", ticks=ticks), ""),
        figure(
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
