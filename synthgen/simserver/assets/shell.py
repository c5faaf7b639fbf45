"""Car bodies: a sheet of stations along the outline and rows from the floor up to the roof.

One half of the body is a grid. A station is a line across the body, running from the middle of
the tail along the right-hand side to the middle of the nose; a row is a line along it: floor,
wheel well, sill, flank, belt, side glass, cant rail, roof. Because feature lines (arches,
pillars, lamp edges) are stations and rows, their edges are exact, whatever the shape.

Lengths along the body are given as u = x / (length / 2), heights as v = z / height, so that one
silhouette serves cars of several sizes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from synthgen.simserver.assets.shapes import F64, Shape, grid, join, lines, spline
from synthgen.simserver.scene import Material

Knots = tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class Lamp:
    """A patch of the nose or tail.

    Attributes:
        material: Of the patch.
        end: +1 at the nose, -1 at the tail.
        across: From and to, as fractions of the half width (1 is the corner).
        flank: From and to, as fractions of the flank's height (0 bottom edge, 1 belt).
        wrap_m: How far the patch runs on along the side.
    """

    material: Material
    end: int
    across: tuple[float, float]
    flank: tuple[float, float]
    wrap_m: float = 0.0


@dataclass(frozen=True, slots=True)
class Silhouette:
    """The shape of a body without its size.

    Attributes:
        belt: u to v of the line under the side windows, on along bonnet and boot edges.
        roof: u to v of the centre line over cabin and screens; starts and ends on the deck.
        bottom: u to v of the lower edge.
        plan: u to half-width fraction along the side.
        flank: Height fraction (0 at the nominal sill, 1 at the belt) to width fraction.
        nose, tail: Height fraction of the flank to how far the end lies back, metres.
        corner_m: Length of the rounded corners in plan, nose and tail.
        squareness: Exponent of those corners: 2 is an ellipse, 5 nearly a box.
        screen, rear_screen: u of foot and head of the glass on the centre line.
        pillars: u of centre and width in metres of the dark pillars between side windows.
        glass: u of both ends of the side glass; None: no side windows.
        doors: u of the door gaps.
        tumblehome: Inward lean of the side glass, metres per metre.
        drop_m: Height of the roof's middle over its sides.
        crown_m: Height of bonnet and boot over their edges.
        roof_power: How late the roof curves down to the sides; 2 round, 6 flat.
        rows: Height fractions of the flank's rows.
        sharp: Straight lines between the knots of belt and roof instead of smooth curves.
        lamps: Patches of the nose and the tail, later ones over earlier ones.
        cladding: Flank fraction up to which the lower body is unpainted.
        cowl_m: Depth of the dark strip below the screen.
        two_tone_roof: Roof and pillars in the second colour.
        two_tone_doors: Doors in the second colour below the belt.
        screen_frame_m: Painted frame beside screen and rear screen.
        lid_gaps: Whether the gaps beside bonnet and boot lid are drawn.
    """

    belt: Knots
    roof: Knots
    screen: tuple[float, float]
    rear_screen: tuple[float, float]
    glass: tuple[float, float] | None
    bottom: Knots = ((-1, 0.17), (-0.8, 0.13), (0.8, 0.13), (1, 0.15))
    plan: Knots = ((-1, 0.94), (-0.6, 0.985), (-0.1, 1.0), (0.5, 0.985), (1, 0.93))
    flank: Knots = ((0, 0.955), (0.18, 0.985), (0.45, 1.0), (0.72, 0.985), (1, 0.93))
    nose: Knots = ((0, 0.05), (0.2, 0.0), (0.5, 0.0), (0.75, 0.05), (1, 0.16))
    tail: Knots = ((0, 0.06), (0.25, 0.0), (0.55, 0.0), (0.8, 0.03), (1, 0.07))
    corner_m: tuple[float, float] = (0.42, 0.30)
    squareness: tuple[float, float] = (2.7, 3.2)
    pillars: Knots = ()
    doors: tuple[float, ...] = ()
    tumblehome: float = 0.33
    drop_m: float = 0.065
    crown_m: float = 0.045
    roof_power: float = 2.6
    rows: tuple[float, ...] = (0.0, 0.05, 0.18, 0.32, 0.46, 0.58, 0.68, 0.8, 0.9, 1.0)
    sharp: bool = False
    lamps: tuple[Lamp, ...] = ()
    cladding: float = 0.0
    cowl_m: float = 0.05
    two_tone_roof: bool = False
    two_tone_doors: bool = False
    screen_frame_m: float = 0.06
    lid_gaps: bool = True


@dataclass(frozen=True, slots=True)
class Size:
    """Body and wheel sizes, metres; y of the wheels is the middle of the tread.

    Attributes:
        length, width, height: Of the body, mirrors not included.
        wheel_x: Axle positions, front first; a second rear axle may follow.
        wheel_radius, wheel_width, arch_radius: Tyre and opening.
        wells: Which flank has openings at all; False for bodies on a ladder frame.
    """

    length: float
    width: float
    height: float
    wheel_x: tuple[float, ...]
    wheel_radius: float
    wheel_width: float
    arch_radius: float
    wells: bool = True


# Rows above the belt: foot and head of the side glass, cant rail, then fractions of the half
# width towards the middle, the first of which is the inner edge of the pillars.
_ROOF_ROWS = (1.0, 0.988, 0.72, 0.45, 0.2, 0.0)
_FLOOR_ROWS = 3
_ACROSS = (1.0, 0.992, 0.965, 0.92, 0.86, 0.78, 0.68, 0.55, 0.4, 0.22, 0.0)


DOOR_DEPTH_M = 0.06


@dataclass(frozen=True, slots=True)
class Door:
    """A right-hand door: its shape around the hinge, and where the hinge is."""

    shape: Shape
    hinge_m: tuple[float, float, float]


@dataclass(eq=False)
class Shell:
    """A built body: its shape and the lines that details are hung on.

    Attributes:
        form: Silhouette.
        size: Of the body.
        opens: Whether the hinged doors are shapes of their own.
        shape: The body, without doors that open.
        doors: Right-hand doors that open, `f` and `r`.
    """

    form: Silhouette
    size: Size
    opens: bool = False
    shape: Shape = field(init=False)
    doors: dict[str, Door] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        self._curve: Callable[[Knots, F64], F64] = lines if self.form.sharp else spline
        self._stations()
        self._points()
        self.shape = self._sheet().both_sides()

    # -- lines -------------------------------------------------------------------------------

    def belt_z(self, x: F64 | float) -> F64:
        """Height of the belt line."""
        return self._curve(self.form.belt, self._u(x)) * self.size.height

    def bottom_z(self, x: F64 | float) -> F64:
        """Height of the lower edge of the flank, without wheel arches."""
        return lines(self.form.bottom, self._u(x)) * self.size.height

    def roof_z(self, x: F64 | float) -> F64:
        """Height of the centre line over cabin and screens; the belt elsewhere."""
        u = self._u(x)
        knots = np.array(self.form.roof)
        inside = (u >= knots[0, 0]) & (u <= knots[-1, 0])
        roof = self._curve(self.form.roof, u) * self.size.height
        return np.where(inside, np.maximum(roof, self.belt_z(x)), self.belt_z(x))

    def flank_y(self, x: F64 | float, z: F64 | float) -> F64:
        """Half width of the flank at a height."""
        low, high = self.bottom_z(x), self.belt_z(x)
        fraction = np.clip((z - low) / np.maximum(high - low, 1e-6), 0, 1)
        width = spline(self.form.plan, self._u(x)) * spline(self.form.flank, fraction)
        return np.asarray(width * self.size.width / 2, np.float64)

    def glass_y(self, x: F64 | float, z: F64 | float) -> F64:
        """Half width above the belt, on the side glass."""
        belt = self.belt_z(x)
        return np.asarray(
            self.flank_y(x, belt) - self.form.tumblehome * np.maximum(z - belt, 0), np.float64
        )

    def end_x(self, end: int, flank: float) -> float:
        """Where the middle of nose (+1) or tail (-1) is, at a height fraction of the flank."""
        knots = self.form.nose if end > 0 else self.form.tail
        return float(end * (self.size.length / 2 - spline(knots, flank)))

    def end_z(self, end: int, flank: float) -> float:
        """Height of that place."""
        x = end * self.size.length / 2
        low, high = float(self.bottom_z(x)), float(self.belt_z(x))
        return low + flank * (high - low)

    def _u(self, x: F64 | float) -> F64:
        return np.asarray(x, np.float64) / (self.size.length / 2)

    # -- stations ----------------------------------------------------------------------------

    def _stations(self) -> None:
        """Stations as x at the side, fraction across (1 on the side) and end (-1, 0, +1)."""
        half = self.size.length / 2
        nose, tail = self.form.corner_m
        first, last = -half + tail, half - nose
        wanted = [first, last, *self._feature_x()]
        arches = [self._arch_x(x) for x in self.size.wheel_x] if self.size.wells else []
        wanted += [x for group in arches for x in group]
        for low, high in (self.form.screen, self.form.rear_screen):
            wanted += list(np.linspace(min(low, high) * half, max(low, high) * half, 6))
        kept = _thinned([x for x in wanted if first <= x <= last], self._feature_x(), 0.03)
        side = _filled(kept, 0.34)
        across = np.array(_ACROSS[1:])
        self.x_side = np.concatenate([np.full(len(across), first), side,
                                      np.full(len(across), last)])  # fmt: skip
        self.across = np.concatenate([across[::-1], np.ones(len(side)), across])
        self.end = np.concatenate([-np.ones(len(across)), np.zeros(len(side)),
                                   np.ones(len(across))])  # fmt: skip

    def _feature_x(self) -> list[float]:
        half = self.size.length / 2
        form = self.form
        ends = [*form.screen, *form.rear_screen, *(form.glass or ())]
        x = [u * half for u in ends]
        x += [u * half + side * width / 2 for u, width in form.pillars for side in (-1, 1)]
        x += [u * half + side * 0.005 for u in form.doors for side in (-1, 1)]
        if self.size.wells:
            reach = self.size.arch_radius + 0.003
            x += [middle + side * reach for middle in self.size.wheel_x for side in (-1, 1)]
        nose, tail = form.corner_m
        for lamp in form.lamps:
            if lamp.wrap_m:
                start = half - nose if lamp.end > 0 else half - tail
                x.append(lamp.end * (start - lamp.wrap_m))
        return x

    def _arch_x(self, middle: float) -> list[float]:
        angle = np.linspace(0, np.pi, 13)
        return [middle + self.size.arch_radius * float(np.cos(a)) for a in angle]

    def _arch_z(self, x: F64) -> F64:
        """Height of the wheel arches' edge, 0 outside."""
        radius = self.size.arch_radius
        top = np.zeros_like(x)
        if self.size.wells:
            for middle in self.size.wheel_x:
                rise = np.sqrt(np.maximum(radius**2 - (x - middle) ** 2, 0))
                inside = np.abs(x - middle) <= radius + 1e-9
                top = np.where(inside, np.maximum(top, self.size.wheel_radius + rise), top)
        return top

    # -- points ------------------------------------------------------------------------------

    def _points(self) -> None:
        """(stations, rows, 3) points of the right-hand half."""
        flank = self._flank_points()
        floor = self._floor_points(flank[:, 0])
        above = self._upper_points(flank[:, -1])
        self.points = np.concatenate([floor, flank, above], axis=1)

    def _flank_points(self) -> F64:
        """(stations, flank rows, 3); corners swing round to the middle of nose and tail."""
        fraction = np.array(self.form.rows)[None]
        x0, across = self.x_side[:, None], self.across[:, None]
        bottom = np.maximum(self.bottom_z(x0), self._arch_z(x0))
        start_z = bottom + fraction * (self.belt_z(x0) - bottom)
        start_y = self.flank_y(np.broadcast_to(x0, start_z.shape), start_z)
        nose, tail = self.form.squareness
        power = np.where(self.end > 0, nose, tail)[:, None]
        back = np.where(
            self.end[:, None] > 0,
            spline(self.form.nose, fraction),
            spline(self.form.tail, fraction),
        )
        reach = self.size.length / 2 - back - np.abs(x0)
        swing = np.maximum(1 - across**power, 0.0) ** (1 / power)
        x = x0 + self.end[:, None] * reach * swing
        low = self.bottom_z(x)
        z = np.where(self.end[:, None] == 0, start_z, low + fraction * (self.belt_z(x) - low))
        return np.stack([x, start_y * across, z], axis=2)

    def _floor_points(self, edge: F64) -> F64:
        """(stations, 3, 3): middle of the floor, inner wall of the well, its upper edge."""
        base = np.minimum(self.bottom_z(self.x_side), edge[:, 2])
        inner = np.minimum(self.size.width / 2 - self.size.wheel_width - 0.10, edge[:, 1])
        rows = np.empty((len(edge), _FLOOR_ROWS, 3))
        rows[:, :, 0] = edge[:, None, 0]
        rows[:, 0, 1], rows[:, 1, 1], rows[:, 2, 1] = 0.0, inner, inner
        rows[:, 0, 2], rows[:, 1, 2], rows[:, 2, 2] = base, base, edge[:, 2]
        return rows

    def _upper_points(self, belt: F64) -> F64:
        """(stations, upper rows, 3) from the foot of the side glass to the roof's middle."""
        x, y0, z0 = belt.T
        roof = self.roof_z(x)
        rise = np.maximum(roof - z0 - self.form.drop_m, 0)
        rise = np.where(self.end == 0, rise, np.minimum(rise, rise * self.across**0.5))
        deck = self.form.crown_m * y0 / (self.size.width / 2)
        middle = np.maximum(roof, z0 + deck)
        cant_y = y0 - self.form.tumblehome * rise
        cant_z = z0 + rise
        foot = np.minimum(0.025 / np.maximum(rise, 1e-6), 0.45)
        head = 1 - np.minimum(0.055 / np.maximum(rise, 1e-6), 0.45)
        rows = []
        for share in (foot, head, np.ones_like(foot)):
            rows.append(np.column_stack([x, y0 + share * (cant_y - y0), z0 + share * rise]))
        inner = 1 - np.minimum(self.form.screen_frame_m / np.maximum(cant_y, 1e-6), 0.5)
        for share in _ROOF_ROWS:
            q = inner * share
            z = middle - (middle - cant_z) * q**self.form.roof_power
            rows.append(np.column_stack([x, cant_y * q, z]))
        return np.stack(rows, axis=1)

    # -- materials ---------------------------------------------------------------------------

    def _sheet(self) -> Shape:
        material = self._materials()
        sheet = grid(self.points, Material.PAINT_0)
        cells = _cells_of(sheet, self.points.shape[:2])
        whole = Shape(
            sheet.vertices_m, sheet.triangles[:, ::-1], material.ravel()[cells], sheet.tag
        )
        if not self.opens:
            return whole
        belongs = np.zeros(material.shape, bool)
        jambs = []
        for name, first, last in self._openings():
            rows = slice(_FLOOR_ROWS + 1, _FLOOR_ROWS + len(self.form.rows) + 1)
            belongs[first:last, rows] = True
            frame = self.points[first : last + 1, rows.start : rows.stop + 1]
            skin = whole.where(_only(belongs, first, last).ravel()[cells])
            hinge = frame[-1, frame.shape[1] // 2]
            at = (float(hinge[0]), float(hinge[1]), float(hinge[2]))
            lining = _recess(frame).flipped()
            self.doors[name] = Door(join([skin, lining]).moved(-at[0], -at[1], -at[2]), at)
            jambs.append(_recess(frame))
        return join([whole.where(~belongs.ravel()[cells]), *jambs])

    def _openings(self) -> list[tuple[str, int, int]]:
        """Name, first and last station of the doors between the gaps, front door first."""
        half = self.size.length / 2
        edges = sorted((u * half for u in self.form.doors), reverse=True)
        side = np.flatnonzero(self.end == 0)
        x = self.points[side, _FLOOR_ROWS + 2, 0]
        out = []
        for name, front, rear in zip("fr", edges, edges[1:], strict=False):
            inside = side[(x < front - 0.004) & (x > rear + 0.004)]
            out.append((name, int(inside[0]), int(inside[-1])))
        return out

    def _materials(self) -> NDArray[np.uint8]:
        """(stations - 1, rows - 1) material of each cell."""
        stations, rows = self.points.shape[:2]
        out = np.full((stations - 1, rows - 1), Material.PAINT_0, np.uint8)
        flank = len(self.form.rows)
        belt = _FLOOR_ROWS + flank - 1
        out[:, :_FLOOR_ROWS] = Material.PLASTIC
        fraction = np.array(self.form.rows)
        low = (fraction[:-1] + fraction[1:]) / 2
        out[:, _FLOOR_ROWS:belt][:, low < self.form.cladding] = Material.PLASTIC
        middle = (self.points[:-1, belt, 0] + self.points[1:, belt, 0]) / 2
        self._paint_glass(out, belt, middle)
        self._paint_doors(out, belt, middle)
        for lamp in self.form.lamps:
            self._paint_lamp(out, lamp, low)
        return out

    def _paint_glass(self, out: NDArray[np.uint8], belt: int, x: F64) -> None:
        half = self.size.length / 2
        form = self.form
        screens = slice(belt + 4, None)
        if form.two_tone_roof:
            out[:, belt:][self._between(x, form.rear_screen[0], form.screen[0])] = Material.PAINT_1
        for foot, head in (form.screen, form.rear_screen):
            out[self._between(x, foot, head), screens] = Material.GLASS
        front = form.screen[0] * half
        cowl = (x > front) & (x < front + form.cowl_m)
        out[cowl, screens] = Material.PLASTIC
        if form.lid_gaps:
            # The gaps beside bonnet and boot lid, between the first two rows of the roof.
            nose, tail = half - 0.12, -half + 0.10
            bonnet = (x > front + form.cowl_m) & (x < nose)
            boot = (x < form.rear_screen[0] * half) & (x > tail)
            out[bonnet | boot, belt + 4] = Material.PLASTIC
        if form.glass is None:
            return
        side = self._between(x, *form.glass)
        out[side, belt + 1] = Material.GLASS
        out[side, belt] = Material.PLASTIC
        for u, width in form.pillars:
            out[np.abs(x - u * half) < width / 2, belt : belt + 2] = Material.PLASTIC

    def _paint_doors(self, out: NDArray[np.uint8], belt: int, x: F64) -> None:
        low = _FLOOR_ROWS + 1
        for u in self.form.doors:
            gap = np.abs(x - u * self.size.length / 2) < 0.005
            out[gap, low:belt] = Material.PLASTIC
        if self.form.two_tone_doors:
            inside = self._between(x, self.form.doors[0], self.form.doors[-1])
            panel = out[inside, low:belt]
            out[inside, low:belt] = np.where(
                panel == Material.PAINT_0, np.uint8(Material.PAINT_1), panel
            )

    def _paint_lamp(self, out: NDArray[np.uint8], lamp: Lamp, fraction: F64) -> None:
        across = (self.across[:-1] + self.across[1:]) / 2
        at_end = (self.end[:-1] == lamp.end) | (self.end[1:] == lamp.end)
        columns = at_end & (across > lamp.across[0]) & (across < lamp.across[1])
        if lamp.wrap_m:
            x = (self.x_side[:-1] + self.x_side[1:]) / 2
            nose, tail = self.form.corner_m
            start = self.size.length / 2 - (nose if lamp.end > 0 else tail)
            columns |= (self.end[:-1] == 0) & (self.end[1:] == 0) & (
                lamp.end * x > start - lamp.wrap_m
            )  # fmt: skip
        rows = _FLOOR_ROWS + np.flatnonzero((fraction > lamp.flank[0]) & (fraction < lamp.flank[1]))
        out[np.ix_(columns, rows)] = lamp.material

    def _between(self, x: F64, one: float, other: float) -> NDArray[np.bool_]:
        half = self.size.length / 2
        return (x > min(one, other) * half) & (x < max(one, other) * half)


def _only(cells: NDArray[np.bool_], first: int, last: int) -> NDArray[np.bool_]:
    """The cells of some stations, the others false."""
    out = np.zeros_like(cells)
    out[first:last] = cells[first:last]
    return out


def _recess(frame: F64) -> Shape:
    """A dark panel set back behind a door's (stations, rows, 3) outline, with its rim."""
    back = frame - np.array([0, DOOR_DEPTH_M, 0])
    middle = back.shape[1] // 2
    panel = grid(back[:, [0, middle, -1]], Material.PLASTIC).flipped()
    loop = _outline(frame)
    rim = grid(np.stack([loop, _outline(back)]), Material.PLASTIC, closed=True)
    return join([panel, rim])


def _outline(points: F64) -> F64:
    """The border of a grid of points as one closed loop."""
    return np.concatenate([points[:-1, 0], points[-1, :-1], points[:0:-1, -1], points[0, :0:-1]])


def _cells_of(sheet: Shape, shape: tuple[int, int]) -> NDArray[np.int64]:
    """(T,) flat cell number of each triangle of a grid over (stations, rows) points."""
    lowest = sheet.triangles.min(axis=1)
    station, row = np.divmod(lowest, shape[1])
    return np.asarray(station * (shape[1] - 1) + row, np.int64)


def _thinned(x: list[float], fixed: list[float], gap: float) -> list[float]:
    """Sorted positions of which those within `gap` of a fixed or earlier one are dropped."""
    keep = {round(v, 6) for v in fixed}
    out = sorted(v for v in {round(v, 6) for v in x} if v in keep)
    for value in sorted({round(v, 6) for v in x} - keep):
        if all(abs(value - other) > gap for other in out):
            out.append(value)
    return sorted(out)


def _filled(x: list[float], longest: float) -> F64:
    """The positions with gaps longer than `longest` divided evenly."""
    out = [x[0]]
    for left, right in pairwise(x):
        steps = max(1, int(np.ceil((right - left) / longest)))
        out += list(np.linspace(left, right, steps + 1)[1:])
    return np.array(out)
