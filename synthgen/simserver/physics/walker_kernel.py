"""One step of walkers and of loose props."""

import math

from synthgen.simserver.physics.compiled import fast
from synthgen.simserver.physics.ground_kernel import NO_GROUND, ground_height

GRAVITY = 9.81
STEP_M = 0.25  # highest kerb a walker steps up or down
JUMP_MPS = 4.2  # Unreal's default jump: 0.9 m high
TURN_DEG_S = 720.0
# How fast a pushed walker or prop comes to rest.
SLIDE_MPS2 = 6.0
RESTING_TICKS = 4
DEGREES = 180.0 / math.pi


@fast
def _toward_zero(value_x, value_y, step):
    size = math.hypot(value_x, value_y)
    if size <= step:
        return 0.0, 0.0
    return value_x * (1.0 - step / size), value_y * (1.0 - step / size)


@fast
def _wrapped(angle):
    while angle > 180.0:
        angle -= 360.0
    while angle <= -180.0:
        angle += 360.0
    return angle


@fast
def _walk(w, h):
    """Velocity by its own legs, and the turn towards where it goes."""
    size = math.hypot(w.dir_x, w.dir_y)
    if w.speed == 0.0 or size < 1e-6:
        w.walk_vx = w.walk_vy = 0.0
        w.wz = 0.0
        return
    w.walk_vx, w.walk_vy = w.dir_x / size * w.speed, w.dir_y / size * w.speed
    off = _wrapped(math.atan2(w.dir_y, w.dir_x) * DEGREES - w.yaw)
    turn = min(max(off, -TURN_DEG_S * h), TURN_DEG_S * h)
    if turn != 0.0:
        w.yaw = _wrapped(w.yaw + turn)
    w.wz = turn / h / DEGREES


@fast
def _step_walker(w, ground, h):
    foot = w.z + w.box_z - w.half_z
    if w.placed > 0:
        floor = ground_height(ground, w.x, w.y, foot)
        if floor > NO_GROUND and abs(foot - floor) < 2.0 * STEP_M:
            w.z += floor - foot
        w.vz, w.grounded = 0.0, 1
        return
    _walk(w, h)
    if w.grounded == 1:
        w.push_vx, w.push_vy = _toward_zero(w.push_vx, w.push_vy, SLIDE_MPS2 * h)
    w.push_vx += h * w.force_x / w.mass
    w.push_vy += h * w.force_y / w.mass
    w.vx, w.vy = w.walk_vx + w.push_vx, w.walk_vy + w.push_vy
    floor = ground_height(ground, w.x + h * w.vx, w.y + h * w.vy, foot)
    if floor > NO_GROUND and w.grounded == 1 and floor - foot > STEP_M:
        # A wall in the ground: no step that high.
        w.vx = w.vy = w.push_vx = w.push_vy = 0.0
        floor = ground_height(ground, w.x, w.y, foot)
    w.x += h * w.vx
    w.y += h * w.vy
    if w.grounded == 1 and w.jump == 1:
        w.vz, w.grounded = JUMP_MPS, 0
    elif w.grounded == 1 and floor > NO_GROUND and foot - floor <= STEP_M and w.vz <= 0.0:
        w.z += floor - foot
        w.vz = 0.0
        return
    w.grounded = 0
    if w.gravity == 1:
        w.vz -= GRAVITY * h
    w.vz += h * w.force_z / w.mass
    w.z += h * w.vz
    foot += h * w.vz
    if floor > NO_GROUND and foot <= floor:
        w.z += floor - foot
        w.vz, w.grounded = 0.0, 1


@fast
def step_walkers(walkers, ground, h):
    """Advance every walker by h seconds."""
    for i in range(len(walkers)):
        if walkers[i].simulate == 1:
            _step_walker(walkers[i], ground, h)


@fast
def _write(b, row, dt):
    row[0], row[1], row[2] = b.x, b.y, b.z
    row[3], row[4], row[5] = b.pitch, b.yaw, b.roll
    row[6], row[7], row[8] = b.vx, b.vy, b.vz
    row[9], row[10], row[11] = 0.0, 0.0, b.wz * DEGREES
    row[12], row[13] = (b.vx - b.last_vx) / dt, (b.vy - b.last_vy) / dt
    row[14] = (b.vz - b.last_vz) / dt
    b.last_vx, b.last_vy, b.last_vz = b.vx, b.vy, b.vz
    b.force_x = b.force_y = b.force_z = b.torque_z = 0.0


@fast
def end_walkers(walkers, dt, out):
    """Count the way walked, let placed walkers stop, write the snapshot's fifteen numbers."""
    for i in range(len(walkers)):
        w = walkers[i]
        if w.placed > 0:
            w.placed -= 1
            if w.placed == 0:
                w.speed = w.vx = w.vy = 0.0
        else:
            w.distance += math.hypot(w.x - w.last_x, w.y - w.last_y)
        w.last_x, w.last_y = w.x, w.y
        _write(w, out[i], dt)


@fast
def _step_prop(p, ground, h):
    foot = p.z + p.box_z - p.half_z
    p.vx += h * p.force_x / p.mass
    p.vy += h * p.force_y / p.mass
    p.vz += h * p.force_z / p.mass
    p.wz += h * p.torque_z / p.inertia
    if p.gravity == 1:
        p.vz -= GRAVITY * h
    p.x += h * p.vx
    p.y += h * p.vy
    p.z += h * p.vz
    floor = ground_height(ground, p.x, p.y, foot)
    if floor > NO_GROUND and foot + h * p.vz <= floor:
        p.z += floor - foot - h * p.vz
        p.vz = max(p.vz, 0.0)
        p.vx, p.vy = _toward_zero(p.vx, p.vy, SLIDE_MPS2 * h)
        p.wz, _ = _toward_zero(p.wz, 0.0, SLIDE_MPS2 * h)
    if p.wz != 0.0:
        p.yaw = _wrapped(p.yaw + h * p.wz * DEGREES)


@fast
def step_props(props, ground, h):
    """Advance every loose prop by h seconds."""
    for i in range(len(props)):
        if props[i].simulate == 1 and props[i].asleep == 0:
            _step_prop(props[i], ground, h)


@fast
def end_props(props, dt, out):
    """Let resting props sleep, write the snapshot's fifteen numbers."""
    for i in range(len(props)):
        p = props[i]
        still = p.vx == 0.0 and p.vy == 0.0 and p.vz == 0.0 and p.wz == 0.0
        p.rests = p.rests + 1 if still else 0
        if p.simulate == 0 or p.rests >= RESTING_TICKS:
            p.asleep = 1
        _write(p, out[i], dt)
