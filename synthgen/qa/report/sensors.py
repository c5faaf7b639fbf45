"""Panels of what the sensors show: mean images, spectra, range images, returns on objects."""

from __future__ import annotations

from typing import Final

import numpy as np

from synthgen.geometry.arrays import F64
from synthgen.qa.compare import Comparison
from synthgen.qa.image_table import FREQUENCIES
from synthgen.qa.report import charts
from synthgen.qa.report.figure import Figure, figure, picture
from synthgen.qa.sensor_tables import INTENSITY_BINS, SweepLook

_RANGE_EDGES_M: Final = np.array([0, 5, 10, 15, 20, 30, 40, 50, 60, 80], dtype=np.float64)
_SIDES: Final = ("real", "yours")
_CLASSES: Final = ("real", "syn")


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
    return [*means, figure("Power spectrum", chart, caption)]


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
    return [*_object_returns(looks), *_elevations(looks), *maps, _intensity(looks)]


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
