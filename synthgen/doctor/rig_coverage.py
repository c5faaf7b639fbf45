"""A rig seen from above: the ego, its sensors and what they look at."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Final

import matplotlib as mpl

from sensors.rig import Camera, EventCamera, Lidar, Radar, Rig
from sensors.rig_views import heading_rad, horizontal_span_rad
from synthgen.errors import OutputError

_COLOURS: Final = {"camera": "#1f77b4", "dvs": "#9467bd", "lidar": "#2ca02c", "radar": "#d62728"}
# Drawn reach of each kind: views are told apart by it, true ranges stand in the labels.
_REACH_M: Final = {"camera": 9.0, "dvs": 7.5, "lidar": 6.0, "radar": 12.0}
_EXTENT_M: Final = 17.5
# Room that a label takes, to the right and ahead.
_LABEL_M: Final = (4.2, 1.3)
_ALL_AROUND_RAD: Final = 6.2


def draw_coverage(rig: Rig, ego_lwh_m: tuple[float, float, float], out: Path) -> None:
    """Write a PNG of the fields of view from above, ahead is up.

    Raises:
        OutputError: The file cannot be written.
    """
    mpl.use("Agg")
    from matplotlib import pyplot as plt
    from matplotlib.patches import Rectangle

    figure, axes = plt.subplots(figsize=(9, 9), dpi=100)
    length, width, _ = ego_lwh_m
    axes.add_patch(Rectangle((-width / 2, -length / 2), width, length, color="#bbbbbb", zorder=1))
    axes.annotate("", (0, length / 2), (0, 0), arrowprops={"arrowstyle": "->", "color": "white"})
    labels: list[tuple[float, float]] = []
    for sensor in rig.sensors:
        if isinstance(sensor, Camera | EventCamera | Lidar | Radar):
            _draw_view(axes, sensor, labels)
        else:
            axes.plot(-sensor.mount.y_m, sensor.mount.x_m, "k+", zorder=4)
    axes.set_xlim(-_EXTENT_M, _EXTENT_M)
    axes.set_ylim(-_EXTENT_M, _EXTENT_M)
    axes.set_aspect("equal")
    axes.set_xlabel("metres to the right")
    axes.set_ylabel("metres ahead")
    axes.set_title(f"{rig.name}: fields of view from above")
    figure.tight_layout()
    try:
        figure.savefig(out)
    except OSError as err:
        raise OutputError(f"{out}: {err.strerror or err}") from err
    finally:
        plt.close(figure)


def _draw_view(
    axes: mpl.axes.Axes,
    sensor: Camera | EventCamera | Lidar | Radar,
    labels: list[tuple[float, float]],
) -> None:
    from matplotlib.patches import Wedge

    heading, span = heading_rad(sensor), horizontal_span_rad(sensor)
    # The picture's x is to the right and its y ahead, so ahead is at 90 degrees.
    middle = 90 + math.degrees(heading)
    half = math.degrees(min(span, 2 * math.pi)) / 2
    at = (-sensor.mount.y_m, sensor.mount.x_m)
    colour, reach = _COLOURS[sensor.modality], _REACH_M[sensor.modality]
    view = Wedge(at, reach, middle - half, middle + half, facecolor=colour, alpha=0.13, zorder=2)
    axes.add_patch(view)
    axes.plot(*at, "o", color=colour, markersize=4, zorder=4)
    right = -sensor.mount.y_m - (reach + 0.6) * math.sin(heading)
    ahead = sensor.mount.x_m + (reach + 0.6) * math.cos(heading)
    while any(abs(right - x) < _LABEL_M[0] and abs(ahead - y) < _LABEL_M[1] for x, y in labels):
        ahead += math.copysign(_LABEL_M[1], ahead)
    labels.append((right, ahead))
    degrees = "" if span > _ALL_AROUND_RAD else f"\n{math.degrees(span):.0f}°"
    label = f"{sensor.name}{degrees}"
    axes.text(right, ahead, label, color=colour, fontsize=8, ha="center", va="center")
