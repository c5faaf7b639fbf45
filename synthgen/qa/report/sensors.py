"""Panels of what the sensors show: mean images, spectra, range images, returns on objects."""

from __future__ import annotations

from typing import Final

import numpy as np

from synthgen.geometry.arrays import F64
from synthgen.qa.canonical import COMPARED
from synthgen.qa.compare import Comparison
from synthgen.qa.image_table import FREQUENCIES
from synthgen.qa.report import charts
from synthgen.qa.report.figure import Figure, figure, picture
from synthgen.qa.sensor_tables import INTENSITY_BINS, ImageLook, SweepLook
from synthgen.qa.tables import CLASSES

_RANGE_EDGES_M: Final = np.array([0, 5, 10, 15, 20, 30, 40, 50, 60, 80], dtype=np.float64)
_SIDES: Final = ("real", "yours")
_CLASSES: Final = ("real", "syn")
_LEAST_OBJECTS: Final = 5


def image_figures(found: Comparison) -> list[Figure]:
    """Mean images of both sides, and their power spectra."""
    real, synthetic = found.image_looks
    if real is None or synthetic is None:
        return []
    looks = (real, synthetic)
    means = [
        picture(f"Mean image: {name}", look.mean_rgb, f"Mean of all images compared, {name}")
        for name, look in zip(_SIDES, looks, strict=True)
    ]
    fine = synthetic.power[-6:].mean() - real.power[-6:].mean()
    caption = (
        f"In the finest details, yours have {10.0**fine:.2f} times the power of the real images."
    )
    chart = charts.lines(
        [(kind, np.log10(FREQUENCIES), look.power)
         for kind, look in zip(_CLASSES, looks, strict=True)],
        f"Power spectra: {caption}", ticks=("log10 of cycles a pixel", ""),
    )  # fmt: skip
    return [*means, *_gamut(looks), figure("Power spectrum", chart, caption)]


def _gamut(looks: tuple[ImageLook, ImageLook]) -> list[Figure]:
    """Which colours occur, apart from how bright they are."""
    change = looks[1].chroma - looks[0].chroma
    off = float(np.abs(change).sum() / 2)
    grey = [float(look.chroma[10:14, 10:14].sum()) for look in looks]
    caption = f"{grey[0]:.0%} of the real pixels are nearly grey, {grey[1]:.0%} of yours."
    ticks = ("green, blue", "red, blue", "green, yellow", "")
    maps = [
        figure(f"Colours: {name}", charts.heat(look.chroma, f"Colours of the pixels, {name}. "
               f"{caption}", ticks=ticks), caption if name == _SIDES[0] else "")
        for name, look in zip(_SIDES, looks, strict=True)
    ]  # fmt: skip
    told = f"Vermillion: colours that yours show more. Blue: less. {off:.0%} are out of place."
    difference = charts.heat(change, f"Colours: {told}", signed=True, ticks=ticks)
    return [*maps, figure("Colours: difference", difference, told)]


def sweep_figures(found: Comparison) -> list[Figure]:
    """Returns on objects, rows and holes of the range image, intensity."""
    real, synthetic = found.sweep_looks
    if real is None or synthetic is None:
        return []
    looks = (real, synthetic)
    maps = [
        figure(
            f"Where returns come from: {name}",
            charts.heat(look.seen, f"Share of sweeps with a return, {name}",
                        ticks=("45° left", "45° right", "horizon", "")),
            f"{(look.seen > 0).mean():.0%} of the cells ever return anything.",
        )
        for name, look in zip(_SIDES, looks, strict=True)
    ]  # fmt: skip
    return [*_object_returns(looks), *_elevations(looks), *maps, _intensity(looks),
            *_intensity_by_class(looks)]  # fmt: skip


def _intensity_by_class(looks: tuple[SweepLook, SweepLook]) -> list[Figure]:
    """Mean intensity of each object's returns, by class."""
    sides: list[dict[str, F64]] = []
    for look in looks:
        names = [COMPARED.get(str(name), "") for name in look.box_category]
        known = np.isfinite(look.box_intensity)
        sides.append({n: look.box_intensity[known & (np.array(names) == n)] for n in CLASSES})
    shown = [n for n in CLASSES if min(len(side[n]) for side in sides) >= _LEAST_OBJECTS]
    if not shown:
        return []
    told = ", ".join(
        f"{n}s {np.median(sides[0][n]):.2f} real, {np.median(sides[1][n]):.2f} yours" for n in shown
    )
    caption = f"Median of the objects' mean intensities: {told}."
    real, synthetic = ([side[n] for n in shown] for side in sides)
    chart = charts.violins(shown, real, synthetic, f"Intensity by class. {caption}")
    return [figure("Intensity of objects by class", chart, caption)]


def _object_returns(looks: tuple[SweepLook, SweepLook]) -> list[Figure]:
    middles = np.sqrt(np.maximum(_RANGE_EDGES_M[:-1], 3.0) * _RANGE_EDGES_M[1:])
    curves: list[tuple[str, F64, F64]] = []
    for kind, look in zip(_CLASSES, looks, strict=True):
        place = np.digitize(look.box_range_m, _RANGE_EDGES_M) - 1
        many = [i for i in range(len(middles)) if (place == i).sum() >= 3]
        if len(many) < 2:
            return []
        median = np.array([np.median(look.box_points[place == i]) for i in many])
        curves.append((kind, np.log10(middles[many]), np.log10(1 + median)))
    slopes = [np.polyfit(x, y, 1)[0] for _, x, y in curves]
    caption = (
        f"Median returns fall with range to the power {slopes[0]:.1f} (real) and "
        f"{slopes[1]:.1f} (yours); a perfect sensor gives -2."
    )
    chart = charts.lines(
        curves, f"Returns on an object by range: {caption}", ticks=("log10 of metres", "log10(1+n)")
    )
    return [figure("Returns on an object by range", chart, caption)]


def _elevations(looks: tuple[SweepLook, SweepLook]) -> list[Figure]:
    rows = np.degrees(-0.4 * (np.arange(24) + 0.5) / 24)
    chart = charts.lines(
        [(kind, rows, look.seen.mean(axis=1)) for kind, look in zip(_CLASSES, looks, strict=True)],
        "Share of cells with a return by elevation", ticks=("degrees of elevation", "share"),
    )  # fmt: skip
    return [figure("Returns by elevation", chart, "Gaps are rings that a sensor lacks.")]


def _intensity(looks: tuple[SweepLook, SweepLook]) -> Figure:
    middles = (INTENSITY_BINS[1:] + INTENSITY_BINS[:-1]) / 2
    means = [float(look.intensity @ middles) for look in looks]
    caption = f"Mean {means[0]:.2f} real, {means[1]:.2f} yours, of 1."
    chart = charts.lines(
        [(kind, middles, look.intensity) for kind, look in zip(_CLASSES, looks, strict=True)],
        f"Intensity of returns: {caption}", ticks=("intensity", "share"),
    )  # fmt: skip
    return figure("Intensity", chart, caption)
