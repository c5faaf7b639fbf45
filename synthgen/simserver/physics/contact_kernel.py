"""Which bodies may touch, which do, and the impulses between them.

Bodies are boxes that stand upright: oriented rectangles with a height range. Rectangles are
tested by separating axes and touch in up to two points (E. Catto, "Fast and Simple Physics using
Sequential Impulses", GDC 2006); impulses are solved one after another in a fixed order. Overlap is
removed by moving bodies apart, which adds no velocity, so energy never grows.
"""

import math

import numpy as np

from synthgen.simserver.physics.compiled import fast

RESTITUTION = 0.15
RESTITUTION_FROM_MPS = 1.0
FRICTION = 0.4
SLOP_M = 0.005
CORRECTION = 0.8
ROUNDS = 8
# A box lower than this above a vehicle's ground is driven over, not hit: kerbs, manhole covers.
CLEARANCE_M = 0.2
MIN_HEIGHT_OVERLAP_M = 0.05
# What is thinner than this both ways, half of it, and does not move is round for a walker.
POST_M = 0.35
DEGREES = 180.0 / math.pi

VEHICLE_KIND, WALKER_KIND, PROP_KIND = 0, 1, 2

BODY = np.dtype(
    [
        ("kind", "i8"),
        ("row", "i8"),
        ("active", "i8"),  # takes part at all
        ("still", "i8"),  # asleep or immovable
        ("paired", "i8"),  # stands in a pair of this tick
        ("moved", "i8"),
        *[
            (name, "f8")
            for name in (
                *("x", "y", "cos", "sin", "half_x", "half_y", "low_z", "high_z"),  # the box
                *("com_x", "com_y", "vx", "vy", "wz", "inv_mass", "inv_inertia"),
                *("walk_vx", "walk_vy"),
                *("min_x", "max_x", "min_y", "max_y"),
                *("shift_x", "shift_y"),
            )
        ],
    ]
)

# Columns of `StaticBoxes.boxes`: centre, half sizes, cosine and sine of the yaw, bounds.
_SX, _SY, _SZ, _SHX, _SHY, _SHZ, _SCOS, _SSIN, _SMIN_X, _SMIN_Y, _SMAX_X, _SMAX_Y = range(12)

# What `resolve_pairs` works with: the touching points of a pair, and a row of numbers for each.
TOUCH_NUMBERS = 8
POINT_ROWS = (2, 5)
_GOAL, _SOFT_AHEAD, _SOFT_ASIDE, _AHEAD, _ASIDE = range(5)


@fast
def _take(b, c, kind, row):
    """Copy what contacts need of one actor, at its pose of this moment."""
    yaw = c.yaw / DEGREES
    b.kind, b.row, b.moved = kind, row, 0
    b.active = c.collides
    b.cos, b.sin = math.cos(yaw), math.sin(yaw)
    b.x = c.x + c.box_x * b.cos - c.box_y * b.sin
    b.y = c.y + c.box_x * b.sin + c.box_y * b.cos
    b.half_x, b.half_y = c.half_x, c.half_y
    b.low_z, b.high_z = c.z + c.box_z - c.half_z, c.z + c.box_z + c.half_z
    b.com_x, b.com_y = c.x + c.com_x * b.cos, c.y + c.com_x * b.sin
    b.vx, b.vy, b.wz = c.vx, c.vy, c.wz
    b.walk_vx = b.walk_vy = 0.0
    b.shift_x = b.shift_y = 0.0
    movable = c.simulate == 1
    b.still = 1 if c.asleep == 1 else 0
    b.inv_mass = 1.0 / c.mass if movable else 0.0
    b.inv_inertia = 1.0 / c.inertia if movable and kind != WALKER_KIND else 0.0
    reach_x = b.half_x * abs(b.cos) + b.half_y * abs(b.sin)
    reach_y = b.half_x * abs(b.sin) + b.half_y * abs(b.cos)
    b.min_x, b.max_x = b.x - reach_x, b.x + reach_x
    b.min_y, b.max_y = b.y - reach_y, b.y + reach_y


@fast
def _take_walker(b, w, row):
    _take(b, w, WALKER_KIND, row)
    b.wz = 0.0
    if w.simulate == 1:
        b.walk_vx = w.vx - w.push_vx
        b.walk_vy = w.vy - w.push_vy
    # A resting walker is asleep for the search of pairs: the others come to it.
    rests = w.vx == 0.0 and w.vy == 0.0 and w.vz == 0.0 and w.speed == 0.0 and w.placed == 0
    b.still = 1 if rests else 0


@fast
def _take_all(vehicles, walkers, props, bodies):
    """Refresh the bodies that are marked as paired."""
    nv, nw = len(vehicles), len(walkers)
    for i in range(nv):
        if bodies[i].paired == 1:
            _take(bodies[i], vehicles[i], VEHICLE_KIND, i)
    for i in range(nw):
        if bodies[nv + i].paired == 1:
            _take_walker(bodies[nv + i], walkers[i], i)
    for i in range(len(props)):
        if bodies[nv + nw + i].paired == 1:
            _take(bodies[nv + nw + i], props[i], PROP_KIND, i)


@fast
def _widen(b, dt, speed):
    """Let the bounds hold the body wherever it may be in the coming tick."""
    margin = dt * (math.hypot(b.vx, b.vy) + abs(b.wz) * b.half_x + speed) + 0.1
    b.min_x -= margin
    b.max_x += margin
    b.min_y -= margin
    b.max_y += margin


@fast
def _mark_paired(bodies, pairs, count):
    for p in range(count):
        bodies[pairs[p, 0]].paired = 1
        if pairs[p, 1] >= 0:
            bodies[pairs[p, 1]].paired = 1


@fast
def _sort_by_left_edge(bodies, order, n):
    """Insertion sort: the order is nearly right from the tick before."""
    for i in range(1, n):
        k = order[i]
        edge = bodies[k].min_x
        j = i - 1
        while j >= 0:
            before = order[j]
            if bodies[before].min_x < edge or (bodies[before].min_x == edge and before < k):
                break
            order[j + 1] = before
            j -= 1
        order[j + 1] = k


@fast
def _add_pair(pairs, count, first, second):
    if count < len(pairs):
        pairs[count, 0], pairs[count, 1] = first, second
    return count + 1


@fast
def _static_pairs(b, i, statics, pairs, count):
    """Pairs of one body with the boxes in the grid cells it meets; static k is -1 - k."""
    boxes, enabled, start, items, origin, grid = statics
    cell, columns, rows = grid[0], int(grid[1]), int(grid[2])
    first_c = max(math.floor((b.min_x - origin[0]) / cell), 0)
    last_c = min(math.floor((b.max_x - origin[0]) / cell), columns - 1)
    first_r = max(math.floor((b.min_y - origin[1]) / cell), 0)
    last_r = min(math.floor((b.max_y - origin[1]) / cell), rows - 1)
    for r in range(first_r, last_r + 1):
        for c in range(first_c, last_c + 1):
            for k in range(start[r * columns + c], start[r * columns + c + 1]):
                s = items[k]
                if enabled[s] == 0:
                    continue
                low_x = max(b.min_x, boxes[s, _SMIN_X])
                low_y = max(b.min_y, boxes[s, _SMIN_Y])
                if low_x > min(b.max_x, boxes[s, _SMAX_X]):
                    continue
                if low_y > min(b.max_y, boxes[s, _SMAX_Y]):
                    continue
                # A box lies in several cells: only the one of the overlap's low corner counts.
                if max(math.floor((low_x - origin[0]) / cell), 0) != c:
                    continue
                if max(math.floor((low_y - origin[1]) / cell), 0) != r:
                    continue
                count = _add_pair(pairs, count, i, -1 - s)
    return count


@fast
def find_pairs(actors, bodies, order, statics, pairs, dt):
    """Pairs that can touch within the coming tick; returns how many there are.

    When that is more than `pairs` holds, the rest is missing: call again with room for all.
    """
    vehicles, walkers, props = actors
    n = len(order)
    for i in range(n):
        bodies[i].paired = 1
    _take_all(vehicles, walkers, props, bodies)
    for i in range(n):
        bodies[i].paired = 0
        speed = walkers[bodies[i].row].speed if bodies[i].kind == WALKER_KIND else 0.0
        _widen(bodies[i], dt, speed)
    _sort_by_left_edge(bodies, order, n)
    count = 0
    for p in range(n):
        i = order[p]
        b = bodies[i]
        if b.active == 0:
            continue
        for q in range(p + 1, n):
            j = order[q]
            o = bodies[j]
            if o.min_x > b.max_x:
                break
            if o.active == 0 or (b.still == 1 and o.still == 1):
                continue
            if b.inv_mass + o.inv_mass == 0.0 or o.min_y > b.max_y or o.max_y < b.min_y:
                continue
            count = _add_pair(pairs, count, min(i, j), max(i, j))
        if b.still == 0 and b.inv_mass > 0.0 and len(statics[0]) > 0:
            count = _static_pairs(b, i, statics, pairs, count)
    _mark_paired(bodies, pairs, min(count, len(pairs)))
    return count


@fast
def _overlap(a, b, out):  # noqa: C901, PLR0915  one geometric construction
    """Touching points of two rectangles; returns how many (0 to 2).

    out[0:2] is the normal from a to b; out[2 + 3 k:] is x, y and depth of point k.
    """
    dx, dy = b.x - a.x, b.y - a.y
    best, axis = 1e30, -1
    for k in range(4):
        r = a if k < 2 else b
        ax, ay = (r.cos, r.sin) if k % 2 == 0 else (-r.sin, r.cos)
        reach = (
            a.half_x * abs(a.cos * ax + a.sin * ay)
            + a.half_y * abs(-a.sin * ax + a.cos * ay)
            + b.half_x * abs(b.cos * ax + b.sin * ay)
            + b.half_y * abs(-b.sin * ax + b.cos * ay)
        )
        depth = reach - abs(dx * ax + dy * ay)
        if depth <= 0.0:
            return 0
        # Prefer an earlier axis unless a later one is clearly better: no flicker between them.
        if depth < 0.98 * best - 1e-4:
            best, axis = depth, k
    r, o = (a, b) if axis < 2 else (b, a)
    ax, ay = (r.cos, r.sin) if axis % 2 == 0 else (-r.sin, r.cos)
    if (o.x - r.x) * ax + (o.y - r.y) * ay < 0.0:
        ax, ay = -ax, -ay
    face = r.half_x if axis % 2 == 0 else r.half_y
    side = r.half_y if axis % 2 == 0 else r.half_x
    # The edge of the other box that faces the reference face most.
    along, across = o.cos * ax + o.sin * ay, -o.sin * ax + o.cos * ay
    if abs(along) > abs(across):
        sign = -1.0 if along > 0.0 else 1.0
        mx, my = o.x + sign * o.half_x * o.cos, o.y + sign * o.half_x * o.sin
        ex, ey, half = -o.sin, o.cos, o.half_y
    else:
        sign = -1.0 if across > 0.0 else 1.0
        mx, my = o.x - sign * o.half_y * o.sin, o.y + sign * o.half_y * o.cos
        ex, ey, half = o.cos, o.sin, o.half_x
    # Clip that edge to the reference face's width.
    tx, ty = -ay, ax
    middle = (mx - r.x) * tx + (my - r.y) * ty
    slope = ex * tx + ey * ty
    low, high = -half, half
    if abs(slope) > 1e-9:
        s1, s2 = (-side - middle) / slope, (side - middle) / slope
        if min(s1, s2) > half or max(s1, s2) < -half:
            low = high = half if s1 + s2 > 0.0 else -half
        else:
            low, high = max(low, min(s1, s2)), min(high, max(s1, s2))
    elif abs(middle) > side:
        return 0
    flip = 1.0 if axis < 2 else -1.0
    out[0], out[1] = flip * ax, flip * ay
    found = 0
    for k in range(2):
        s = low if k == 0 else high
        px, py = mx + s * ex, my + s * ey
        depth = face - ((px - r.x) * ax + (py - r.y) * ay)
        if depth > 0.0:
            out[2 + 3 * found], out[3 + 3 * found], out[4 + 3 * found] = px, py, depth
            found += 1
    return found


@fast
def _is_post(b):
    """Whether a body is a pole, a bollard or the like."""
    return b.inv_mass == 0.0 and max(b.half_x, b.half_y) < POST_M


@fast
def _overlap_round(walker, post, out):
    """`_overlap` of a walker and a post as circles: who meets a pole a little aside passes it."""
    dx, dy = post.x - walker.x, post.y - walker.y
    gap = math.hypot(dx, dy)
    body, radius = min(walker.half_x, walker.half_y), min(post.half_x, post.half_y)
    depth = body + radius - gap
    if depth <= 0.0 or gap == 0.0:
        return 0
    out[0], out[1] = dx / gap, dy / gap
    out[2], out[3], out[4] = walker.x + body * out[0], walker.y + body * out[1], depth
    return 1


@fast
def _point_velocity(vx, vy, wz, arm_x, arm_y):
    return vx - wz * arm_y, vy + wz * arm_x


@fast
def _pushed(b, vx, vy, wz, arm_x, arm_y, ix, iy):
    """Velocity of a body after an impulse at a point."""
    return (
        vx + ix * b.inv_mass,
        vy + iy * b.inv_mass,
        wz + (arm_x * iy - arm_y * ix) * b.inv_inertia,
    )


@fast
def _softness(a, b, px, py, nx, ny):
    """Change of the relative velocity along n at a point per unit of impulse along n."""
    arm_a = (px - a.com_x) * ny - (py - a.com_y) * nx
    arm_b = (px - b.com_x) * ny - (py - b.com_y) * nx
    return a.inv_mass + b.inv_mass + arm_a * arm_a * a.inv_inertia + arm_b * arm_b * b.inv_inertia


@fast
def _stop_walking(w, nx, ny):
    """Take the walker's own motion along n away; returns the momentum per kg that is lost."""
    toward = w.walk_vx * nx + w.walk_vy * ny
    if toward <= 0.0:
        return 0.0
    w.vx -= toward * nx
    w.vy -= toward * ny
    w.walk_vx -= toward * nx
    w.walk_vy -= toward * ny
    return toward


@fast
def _prepare_point(a, b, nx, ny, px, py, row):
    """Note at which speed the bodies part at a point, and how they yield there."""
    ax, ay = _point_velocity(a.vx, a.vy, a.wz, px - a.com_x, py - a.com_y)
    bx, by = _point_velocity(b.vx, b.vy, b.wz, px - b.com_x, py - b.com_y)
    closing = (bx - ax) * nx + (by - ay) * ny
    row[_GOAL] = -RESTITUTION * closing if closing < -RESTITUTION_FROM_MPS else 0.0
    row[_SOFT_AHEAD] = _softness(a, b, px, py, nx, ny)
    row[_SOFT_ASIDE] = _softness(a, b, px, py, -ny, nx)
    row[_AHEAD] = row[_ASIDE] = 0.0


@fast
def _resolve(a, b, touch, points, rows):
    """Impulses at the points of one pair; returns what acted on a along n."""
    nx, ny = touch[0], touch[1]
    total = 0.0
    # Legs push nothing: a walker who walks into something stops by itself.
    if a.kind == WALKER_KIND:
        total += _stop_walking(a, nx, ny) / max(a.inv_mass, 1e-9)
    if b.kind == WALKER_KIND:
        total += _stop_walking(b, -nx, -ny) / max(b.inv_mass, 1e-9)
    if a.kind == WALKER_KIND and b.kind == WALKER_KIND:
        return total
    for k in range(points):
        _prepare_point(a, b, nx, ny, touch[2 + 3 * k], touch[3 + 3 * k], rows[k])
    # The rounds are most of the work of a crash: velocities stay in registers.
    avx, avy, awz, bvx, bvy, bwz = a.vx, a.vy, a.wz, b.vx, b.vy, b.wz
    for _ in range(ROUNDS):
        for k in range(points):
            row = rows[k]
            px, py = touch[2 + 3 * k], touch[3 + 3 * k]
            arm_ax, arm_ay, arm_bx, arm_by = px - a.com_x, py - a.com_y, px - b.com_x, py - b.com_y
            ax, ay = _point_velocity(avx, avy, awz, arm_ax, arm_ay)
            bx, by = _point_velocity(bvx, bvy, bwz, arm_bx, arm_by)
            closing = (bx - ax) * nx + (by - ay) * ny
            old = row[_AHEAD]
            row[_AHEAD] = max(0.0, old + (row[_GOAL] - closing) / row[_SOFT_AHEAD])
            size = row[_AHEAD] - old
            avx, avy, awz = _pushed(a, avx, avy, awz, arm_ax, arm_ay, -size * nx, -size * ny)
            bvx, bvy, bwz = _pushed(b, bvx, bvy, bwz, arm_bx, arm_by, size * nx, size * ny)

            ax, ay = _point_velocity(avx, avy, awz, arm_ax, arm_ay)
            bx, by = _point_velocity(bvx, bvy, bwz, arm_bx, arm_by)
            sliding = -(bx - ax) * ny + (by - ay) * nx
            old = row[_ASIDE]
            most = FRICTION * row[_AHEAD]
            wanted = old - sliding / row[_SOFT_ASIDE]
            row[_ASIDE] = min(max(wanted, -most), most)
            size = row[_ASIDE] - old
            avx, avy, awz = _pushed(a, avx, avy, awz, arm_ax, arm_ay, size * ny, -size * nx)
            bvx, bvy, bwz = _pushed(b, bvx, bvy, bwz, arm_bx, arm_by, -size * ny, size * nx)
    a.vx, a.vy, a.wz, b.vx, b.vy, b.wz = avx, avy, awz, bvx, bvy, bwz
    for k in range(points):
        total += rows[k, _AHEAD]
    return total


@fast
def _part(a, b, touch, points):
    """Move two overlapping boxes apart; a rotation would only make a later contact."""
    depth = touch[4]
    if points == 2:
        depth = max(depth, touch[7])
    give_a, give_b = a.inv_mass, b.inv_mass
    # Next to anything but its kind a walker gives way, or it would move cars by leaning on them.
    if a.kind == WALKER_KIND and b.kind != WALKER_KIND and give_a > 0.0:
        give_b = 0.0
    elif b.kind == WALKER_KIND and a.kind != WALKER_KIND and give_b > 0.0:
        give_a = 0.0
    total = give_a + give_b
    if depth <= SLOP_M or total == 0.0:
        return
    size = CORRECTION * (depth - SLOP_M) / total
    a.shift_x -= size * give_a * touch[0]
    a.shift_y -= size * give_a * touch[1]
    b.shift_x += size * give_b * touch[0]
    b.shift_y += size * give_b * touch[1]


@fast
def _take_static(b, boxes, s):
    b.kind, b.inv_mass, b.inv_inertia = PROP_KIND, 0.0, 0.0
    b.x, b.y, b.com_x, b.com_y = boxes[s, _SX], boxes[s, _SY], boxes[s, _SX], boxes[s, _SY]
    b.half_x, b.half_y = boxes[s, _SHX], boxes[s, _SHY]
    b.cos, b.sin = boxes[s, _SCOS], boxes[s, _SSIN]
    b.low_z, b.high_z = boxes[s, _SZ] - boxes[s, _SHZ], boxes[s, _SZ] + boxes[s, _SHZ]
    b.vx = b.vy = b.wz = 0.0


@fast
def _heights_meet(a, b):
    low_a = a.low_z + (CLEARANCE_M if a.kind == VEHICLE_KIND else 0.0)
    low_b = b.low_z + (CLEARANCE_M if b.kind == VEHICLE_KIND else 0.0)
    return min(a.high_z, b.high_z) - max(low_a, low_b) > MIN_HEIGHT_OVERLAP_M


@fast
def _give_back(b, c):
    changed = abs(b.vx - c.vx) + abs(b.vy - c.vy) + abs(b.wz - c.wz) > 1e-6
    c.vx, c.vy, c.wz = b.vx, b.vy, b.wz
    c.x += b.shift_x
    c.y += b.shift_y
    if changed or abs(b.shift_x) + abs(b.shift_y) > 1e-4:
        c.asleep = 0


@fast
def _return_bodies(vehicles, walkers, props, bodies):
    nv, nw = len(vehicles), len(walkers)
    for i in range(nv):
        if bodies[i].paired == 1 and bodies[i].moved == 1 and vehicles[i].simulate == 1:
            _give_back(bodies[i], vehicles[i])
    for i in range(nw):
        b, w = bodies[nv + i], walkers[i]
        if b.paired == 1 and b.moved == 1 and w.simulate == 1 and w.placed == 0:
            w.push_vx, w.push_vy = b.vx - b.walk_vx, b.vy - b.walk_vy
            w.vx, w.vy = b.vx, b.vy
            w.x += b.shift_x
            w.y += b.shift_y
    for i in range(len(props)):
        b = bodies[nv + nw + i]
        if b.paired == 1 and b.moved == 1 and props[i].simulate == 1:
            _give_back(b, props[i])


@fast
def resolve_pairs(actors, bodies, boxes, pairs, report, touch, rows):
    """Resolve all touching pairs at the poses of this moment.

    `report` has a row per pair: impulse on its first body (x, y), point (x, y), 1 if it
    touched, lowest height of the contact. Impulses add up over the substeps of a tick.
    """
    if len(pairs) == 0:
        return
    vehicles, walkers, props = actors
    _take_all(vehicles, walkers, props, bodies)
    other = bodies[len(bodies) - 1]
    for p in range(len(pairs)):
        i, j = pairs[p, 0], pairs[p, 1]
        a = bodies[i]
        if j < 0:
            _take_static(other, boxes, -1 - j)
            b = other
        else:
            b = bodies[j]
        if not _heights_meet(a, b):
            continue
        is_round = a.kind == WALKER_KIND and _is_post(b)
        points = _overlap_round(a, b, touch) if is_round else _overlap(a, b, touch)
        if points == 0:
            continue
        total = _resolve(a, b, touch, points, rows)
        _part(a, b, touch, points)
        a.moved = b.moved = 1
        px, py = touch[2], touch[3]
        if points == 2:
            px, py = 0.5 * (px + touch[5]), 0.5 * (py + touch[6])
        report[p, 0] -= total * touch[0]
        report[p, 1] -= total * touch[1]
        # Boxes that merely touch while they part are no collision; what a client puts into
        # another actor, with its physics off, is one without an impulse.
        placed = j >= 0 and a.inv_mass * b.inv_mass == 0.0 and touch[4] > SLOP_M
        if total > 0.0 or placed:
            report[p, 2], report[p, 3], report[p, 4] = px, py, 1.0
            report[p, 5] = max(a.low_z, b.low_z)
    _return_bodies(vehicles, walkers, props, bodies)
