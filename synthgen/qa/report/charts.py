"""Charts as inline SVG: no script, colours by CSS classes, a text that says the number.

Real is always a solid line in blue, synthetic a dashed one in vermillion (Okabe and Ito's colours,
which most colour-blind readers can tell apart).
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import numpy as np

from synthgen.geometry.arrays import F64

WIDTH, HEIGHT = 340, 190
_LEFT, _BOTTOM, _TOP = 34, 26, 8
_MARKS = (0.0, 0.25, 0.5, 0.75, 1.0)
_LONG = 7  # signs of a mark from which five of them do not fit


def _svg(body: str, label: str, width: int = WIDTH, height: int = HEIGHT) -> str:
    return (
        f'<svg viewBox="0 0 {width} {height}" role="img" aria-label="{escape(label, quote=True)}">'
        f"<title>{escape(label)}</title>{body}</svg>"
    )


def _axis(low: float, high: float, *, height: int = HEIGHT, left: int = _LEFT) -> str:
    base = height - _BOTTOM
    parts = [f'<line class="axis" x1="{left}" y1="{base}" x2="{WIDTH - 6}" y2="{base}"/>']
    marks = {share: _rounded(low + share * (high - low), high - low) for share in _MARKS}
    if max(len(shown) for shown in marks.values()) > _LONG:
        marks = {share: marks[share] for share in (0.0, 0.5, 1.0)}
    for share, shown in marks.items():
        x = left + share * (WIDTH - 6 - left)
        parts.append(f'<line class="axis" x1="{x:.1f}" y1="{base}" x2="{x:.1f}" y2="{base + 4}"/>')
        anchor = "start" if share == 0 else "end" if share == 1 else "middle"
        parts.append(f'<text x="{x:.1f}" y="{base + 16}" text-anchor="{anchor}">{shown}</text>')
    return "".join(parts)


def _rounded(value: float, span: float) -> str:
    return _number(0.0 if abs(value) < 1e-3 * span else value)


def _number(value: float) -> str:
    return f"{value:.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def histogram(real: F64, synthetic: F64, label: str, bins: int = 36) -> str:
    """Two distributions over one axis, each of area one, as steps."""
    real, synthetic = (side[np.isfinite(side)] for side in (real, synthetic))
    pooled = np.concatenate([real, synthetic])
    low, high = np.quantile(pooled, [0.005, 0.995])
    if high <= low:
        low, high = low - 0.5, high + 0.5
    edges = np.linspace(low, high, bins + 1)
    shares = [np.histogram(side, edges)[0] / max(len(side), 1) for side in (real, synthetic)]
    top = max(float(s.max()) for s in shares) or 1.0
    base, room = HEIGHT - _BOTTOM, HEIGHT - _BOTTOM - _TOP
    step = (WIDTH - 6 - _LEFT) / bins
    body = [_axis(float(low), float(high))]
    for name, share in zip(("real", "syn"), shares, strict=True):
        points = []
        for i, value in enumerate(share.tolist()):
            y = base - value / top * room
            points.append(f"{_LEFT + i * step:.1f},{y:.1f} {_LEFT + (i + 1) * step:.1f},{y:.1f}")
        line = " ".join(points)
        area = f"{_LEFT},{base} {line} {WIDTH - 6},{base}"
        body.append(f'<polygon class="{name} area" points="{area}"/>')
        body.append(f'<polyline class="{name} line" points="{line}"/>')
    return _svg("".join(body), label)


def curves(real: F64, synthetic: F64, label: str) -> str:
    """Cumulative shares of both sides."""
    real, synthetic = (np.sort(side[np.isfinite(side)]) for side in (real, synthetic))
    pooled = np.concatenate([real, synthetic])
    low, high = np.quantile(pooled, [0.01, 0.99])
    high = high if high > low else low + 1.0
    base, room = HEIGHT - _BOTTOM, HEIGHT - _BOTTOM - _TOP
    at = np.linspace(low, high, 80)
    body = [_axis(float(low), float(high))]
    for name, side in (("real", real), ("syn", synthetic)):
        share = np.searchsorted(side, at, side="right") / max(len(side), 1)
        x = _LEFT + (at - low) / (high - low) * (WIDTH - 6 - _LEFT)
        points = " ".join(
            f"{a:.1f},{base - s * room:.1f}"
            for a, s in zip(x.tolist(), share.tolist(), strict=True)
        )
        body.append(f'<polyline class="{name} line" points="{points}"/>')
    body.append(f'<text x="{_LEFT - 4}" y="{_TOP + 8}" text-anchor="end">1</text>')
    return _svg("".join(body), label)


def paired_bars(names: Sequence[str], real: F64, synthetic: F64, label: str) -> str:
    """Two shares a name, side by side, with their percentages."""
    row = 34
    height = row * len(names) + 6
    top = max(float(real.max(initial=0)), float(synthetic.max(initial=0)), 1e-9)
    body: list[str] = []
    for i, name in enumerate(names):
        y = i * row + 4
        body.append(f'<text x="78" y="{y + 17}" text-anchor="end">{escape(name)}</text>')
        for k, (side, values) in enumerate((("real", real), ("syn", synthetic))):
            width = values[i] / top * (WIDTH - 140)
            place = y + 13 * k
            body.append(
                f'<rect class="{side} bar" x="84" y="{place}" width="{width:.1f}" '
                f'height="11" rx="2"/>'
                f'<text x="{90 + width:.1f}" y="{place + 9.5}" class="small">{values[i]:.1%}</text>'
            )
    return _svg("".join(body), label, WIDTH, height)


def bars(
    names: Sequence[str],
    values: F64,
    label: str,
    *,
    unit: str = "",
    told: Sequence[str] | None = None,
) -> str:
    """A bar a name; `told` is written beside it instead of the number."""
    row = 22
    top = max(float(values.max(initial=0)), 1e-9)
    body: list[str] = []
    for i, name in enumerate(names):
        y, width = i * row + 4, values[i] / top * (WIDTH - 180)
        text = told[i] if told else f"{values[i]:.3g}{unit}"
        body.append(
            f'<text x="88" y="{y + 12}" text-anchor="end">{escape(name.replace("_", " "))}</text>'
            f'<rect class="syn bar" x="94" y="{y}" width="{max(width, 1):.1f}" height="15" rx="2"/>'
            f'<text x="{100 + width:.1f}" y="{y + 12}">{escape(text)}</text>'
        )
    return _svg("".join(body), label, WIDTH, row * len(names) + 6)


def lines(
    curves: Sequence[tuple[str, F64, F64]],
    label: str,
    *,
    bounds: tuple[float, float, float, float] | None = None,
    ticks: tuple[str, str] = ("", ""),
) -> str:
    """Curves over one axis: CSS class, x and y of each.

    Args:
        curves: `real`, `syn` or `floor`, x (n,) and y (n,).
        label: For those who do not see it.
        bounds: Least and greatest x and y; by default those of the curves.
        ticks: What x and y are.
    """
    x, y = (np.concatenate([curve[axis] for curve in curves]) for axis in (1, 2))
    x0, x1, y0, y1 = bounds or (x.min(), x.max(), y.min(), y.max())
    x1, y1 = (x1 if x1 > x0 else x0 + 1), (y1 if y1 > y0 else y0 + 1)
    base, room = HEIGHT - _BOTTOM, HEIGHT - _BOTTOM - _TOP
    body = [
        _axis(float(x0), float(x1)),
        f'<text x="{_LEFT - 4}" y="{_TOP + 8}" text-anchor="end">{_number(float(y1))}</text>'
        f'<text x="{_LEFT - 4}" y="{base}" text-anchor="end">{_number(float(y0))}</text>'
        f'<text x="{WIDTH - 6}" y="{base - 5}" text-anchor="end">{escape(ticks[0])}</text>'
        f'<text x="{_LEFT + 5}" y="{_TOP + 8}">{escape(ticks[1])}</text>',
    ]
    for name, xs, ys in curves:
        across = _LEFT + (xs - x0) / (x1 - x0) * (WIDTH - 6 - _LEFT)
        up = base - (ys - y0) / (y1 - y0) * room
        points = " ".join(
            f"{a:.1f},{b:.1f}" for a, b in zip(across.tolist(), up.tolist(), strict=True)
        )
        body.append(f'<polyline class="{name} line" points="{points}"/>')
    return _svg("".join(body), label)


def paths(tracks: Sequence[tuple[str, F64, F64]], label: str) -> str:
    """Ways as seen from above, 50 m wide and 62 m deep, the ego at the bottom."""
    high = 300.0
    body = [f'<rect class="ground" x="20" y="4" width="300" height="{high:.0f}"/>']
    for name, ahead_m, left_m in tracks:
        across = 20 + (25 - np.clip(left_m, -25, 25)) / 50 * 300
        up = 4 + high - np.clip(ahead_m, 0, 62) / 62 * high
        points = " ".join(
            f"{a:.1f},{b:.1f}" for a, b in zip(across.tolist(), up.tolist(), strict=True)
        )
        body.append(f'<polyline class="{name} line thin" points="{points}"/>')
    body.append(
        f'<text x="20" y="{high + 18:.0f}">25 m left</text>'
        f'<text x="320" y="{high + 18:.0f}" text-anchor="end">25 m right</text>'
        f'<text x="170" y="{high + 18:.0f}" text-anchor="middle">you</text>'
        '<text x="24" y="16">62 m</text>'
    )
    return _svg("".join(body), label, WIDTH, round(high) + 28)


def index_bars(rows: Sequence[tuple[str, float | None, tuple[float, float] | None, str]]) -> str:
    """Index of each dimension, 0 to 100, with its interval; hatched where inconclusive."""
    row, left, wide = 30, 112, 640
    height = row * len(rows) + 26
    scale = (wide - left - 60) / 100
    body = [
        '<defs><pattern id="hatch" width="6" height="6" patternUnits="userSpaceOnUse" '
        'patternTransform="rotate(45)"><line class="hatch" x1="0" y1="0" x2="0" y2="6"/>'
        "</pattern></defs>"
    ]
    for mark in (0, 25, 50, 75, 100):
        x = left + mark * scale
        body.append(
            f'<line class="grid" x1="{x:.1f}" y1="0" x2="{x:.1f}" y2="{height - 22}"/>'
            f'<text x="{x:.1f}" y="{height - 6}" text-anchor="middle">{mark}</text>'
        )
    told = []
    for i, (name, index, interval, unclear) in enumerate(rows):
        y = i * row + 5
        value = "?" if index is None else f"{index:.0f}"
        told.append(f"{name} {value}")
        body.append(f'<text x="{left - 8}" y="{y + 14}" text-anchor="end">{escape(name)}</text>')
        kind = "unclear" if unclear else _grade(index or 0.0)
        width = (index or 0.0) * scale
        body.append(
            f'<rect class="index {kind}" x="{left}" y="{y}" width="{max(width, 1.5):.1f}" '
            'height="18" rx="3"/>'
        )
        if interval:
            a, b = (left + v * scale for v in interval)
            middle = y + 9
            body.append(
                f'<path class="whisker" d="M{a:.1f},{middle}H{b:.1f}'
                f'M{a:.1f},{middle - 4}v8M{b:.1f},{middle - 4}v8"/>'
            )
        body.append(
            f'<text x="{left + 100 * scale + 10:.0f}" y="{y + 14}" class="value">{value}</text>'
        )
    return _svg("".join(body), "Index of each dimension: " + ", ".join(told), wide, height)


def _grade(index: float) -> str:
    return "good" if index >= 70 else "fair" if index >= 40 else "poor"


def heat(
    values: F64, label: str, *, signed: bool = False, ticks: tuple[str, str, str, str] | None = None
) -> str:
    """A grid (rows, columns) as squares; signed values go from blue (real) to vermillion."""
    rows, columns = values.shape
    size = 300 / columns
    high = float(np.abs(values).max()) or 1.0
    body = [f'<rect class="ground" x="20" y="4" width="300" height="{rows * size:.1f}"/>']
    for r in range(rows):
        for c in range(columns):
            share = values[r, c] / high
            if abs(share) < 0.02:
                continue
            name = ("syn" if share > 0 else "real") if signed else "dark"
            body.append(
                f'<rect class="{name} cell" x="{20 + c * size:.1f}" y="{4 + r * size:.1f}" '
                f'width="{size:.1f}" height="{size:.1f}" fill-opacity="{abs(share) ** 0.6:.2f}"/>'
            )
    height = round(rows * size + 24)
    if ticks:
        left, right, top, bottom = ticks
        body.append(
            f'<text x="20" y="{height - 6}">{left}</text>'
            f'<text x="320" y="{height - 6}" text-anchor="end">{right}</text>'
            f'<text x="170" y="{height - 6}" text-anchor="middle">{bottom}</text>'
            f'<text x="24" y="16">{top}</text>'
        )
    return _svg("".join(body), label, WIDTH, height)


def null_strip(auc: float, null: Sequence[float], replay: Sequence[float], label: str) -> str:
    """Where the AUC lies among permuted labels and replayed real data, 0 to 1."""
    wide, height = 640, 110

    def x(value: float) -> float:
        return 20 + value * (wide - 40)

    body = [f'<line class="axis" x1="20" y1="80" x2="{wide - 20}" y2="80"/>']
    for mark in (0, 0.25, 0.5, 0.75, 1):
        body.append(f'<text x="{x(mark):.1f}" y="98" text-anchor="middle">{mark:g}</text>')
    for value in null:
        body.append(f'<line class="null" x1="{x(value):.1f}" y1="44" x2="{x(value):.1f}" y2="76"/>')
    for value in replay:
        body.append(f'<circle class="real bar" cx="{x(value):.1f}" cy="60" r="5"/>')
    at = x(auc)
    body.append(
        f'<path class="syn bar" d="M{at:.1f},78 l-7,-14 h14 z"/>'
        f'<line class="syn line" x1="{at:.1f}" y1="26" x2="{at:.1f}" y2="64"/>'
        f'<text x="{min(at, wide - 70):.1f}" y="18" text-anchor="middle" class="value">'
        f"AUC {auc:.3f}</text>"
    )
    return _svg("".join(body), label, wide, height)


def violins(names: Sequence[str], real: Sequence[F64], synthetic: Sequence[F64], label: str) -> str:
    """A row a name: the real values' density above its line, the synthetic ones' below.

    The tick on each side is its median.
    """
    row, left, foot = 46, 84, 24
    height = row * len(names) + foot
    pooled = np.concatenate([*real, *synthetic])
    low, high = np.quantile(pooled, [0.002, 0.998])
    margin = 0.06 * (high - low) or 0.5
    low, high = low - margin, high + margin
    scale = (WIDTH - 6 - left) / (high - low)
    body = [_axis(float(low), float(high), height=height + _BOTTOM - foot, left=left)]
    for i, (name, *sides) in enumerate(zip(names, real, synthetic, strict=True)):
        base = i * row + row / 2
        body.append(
            f'<text x="{left - 8}" y="{base + 4:.1f}" text-anchor="end">{escape(name)}</text>'
            f'<line class="grid" x1="{left}" y1="{base:.1f}" x2="{WIDTH - 6}" y2="{base:.1f}"/>'
        )
        for kind, up, values in zip(("real", "syn"), (-1, 1), sides, strict=True):
            if not len(values):
                continue
            at, density = _density(values, float(low), float(high))
            line = " ".join(
                f"{left + (a - low) * scale:.1f},{base + up * d * (row / 2 - 3):.1f}"
                for a, d in zip(at.tolist(), density.tolist(), strict=True)
            )
            middle = left + (float(np.clip(np.median(values), low, high)) - low) * scale
            body.append(
                f'<polygon class="{kind} area" points="{left},{base:.1f} {line} '
                f'{WIDTH - 6},{base:.1f}"/><polyline class="{kind} line thin" points="{line}"/>'
                f'<line class="{kind} line" x1="{middle:.1f}" y1="{base:.1f}" '
                f'x2="{middle:.1f}" y2="{base + up * (row / 2 - 3):.1f}"/>'
            )
    return _svg("".join(body), label, WIDTH, height)


def _density(values: F64, low: float, high: float, bins: int = 60) -> tuple[F64, F64]:
    """Middles of bins, and smoothed shares in them as parts of the greatest."""
    counts, edges = np.histogram(np.clip(values, low, high), bins, range=(low, high))
    smooth = np.convolve(np.pad(counts, 2), [1, 3, 4, 3, 1], mode="valid")
    return (edges[1:] + edges[:-1]) / 2, smooth / max(int(smooth.max()), 1)


def rose(real: F64, synthetic: F64, label: str, sectors: int = 24) -> str:
    """Shares of headings around a circle, ahead at the top, left at the left.

    A sector's area, not its radius, is its share.
    """
    middle, reach, height = WIDTH / 2, 118.0, 290
    edges = np.linspace(-np.pi, np.pi, sectors + 1) + np.pi / sectors
    shares = []
    for side in (real, synthetic):
        folded = (side - edges[0]) % (2 * np.pi) + edges[0]
        shares.append(np.histogram(folded, edges)[0] / max(len(side), 1))
    top = max(float(share.max()) for share in shares) or 1.0
    centre_y = height / 2
    body = [
        f'<circle class="ground" cx="{middle}" cy="{centre_y}" r="{reach * ring:.1f}"/>'
        for ring in (0.5, 1.0)
    ]
    for kind, share in zip(("real", "syn"), shares, strict=True):
        points = []
        for k, value in enumerate(share.tolist()):
            radius = reach * np.sqrt(value / top)
            for angle in np.linspace(edges[k], edges[k + 1], 4).tolist():
                x, y = middle - radius * np.sin(angle), centre_y - radius * np.cos(angle)
                points.append(f"{x:.1f},{y:.1f}")
        line = " ".join(points)
        body.append(f'<polygon class="{kind} area" points="{line}"/>')
        body.append(f'<polygon class="{kind} line" points="{line}"/>')
    body += [
        f'<text x="{middle}" y="{centre_y - reach - 8}" text-anchor="middle">your way</text>',
        f'<text x="{middle}" y="{centre_y + reach + 16}" text-anchor="middle">oncoming</text>',
        f'<text x="{middle - reach - 6}" y="{centre_y + 4}" text-anchor="end">left</text>',
        f'<text x="{middle + reach + 6}" y="{centre_y + 4}">right</text>',
    ]
    return _svg("".join(body), label, WIDTH, height)
