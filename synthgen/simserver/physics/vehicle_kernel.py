"""One step of all vehicles.

A vehicle is a rigid body in the plane (a bicycle: one tyre per axle) on a sprung body that
follows the ground plane under its wheels.
"""

import math

from synthgen.simserver.physics.compiled import fast
from synthgen.simserver.physics.drive_kernel import clamp, curve, idle_rpm, run_ackermann
from synthgen.simserver.physics.ground_kernel import NO_GROUND, ground_height
from synthgen.simserver.physics.tyre_kernel import GRAVITY, apply_tyres

AIR_DENSITY = 1.204  # kg/m3, 20 C at sea level
STEER_RATE = 4.0  # of full lock per second
SPRING = 10.0  # rad/s, of the body on its suspension (1.6 Hz)
DAMPING = 0.6  # of critical
SQUAT = 0.0027  # rad of pitch per m/s2 (1.5 degrees per g)
LEAN = 0.0071  # rad of roll per m/s2 (4 degrees per g)
BUMP_M = 0.10  # how far the body may sink towards the wheels
# A rise steeper than this is a step, not a road; roads end at 1 in 4.
KERB_SLOPE = 0.25
# Share of the speed lost per step height over wheel radius; tyres swallow the rest.
KERB_LOSS = 0.15
STILL_MPS = 0.02
STILL_TICKS = 8
DEGREES = 180.0 / math.pi


@fast
def _strike_kerb(c, left, right, forward_mps, cos, sin, h):
    """Take speed off a vehicle whose leading wheels run up a step."""
    rise = max(left - c.lead_left, right - c.lead_right)
    c.lead_left, c.lead_right = left, right
    travel = h * abs(forward_mps)
    if c.plane_known == 0 or rise <= KERB_SLOPE * travel or travel < 1e-4:
        c.kerb_rise = 0.0
        return
    c.kerb_rise += rise
    # Past the step's own height it is a wall of ground, which the suspension deals with.
    loss = KERB_LOSS * min(rise / c.radius_front, 0.5) * forward_mps
    c.vx -= loss * cos
    c.vy -= loss * sin
    c.kerb_impulse_x -= c.mass * loss * cos
    c.kerb_impulse_y -= c.mass * loss * sin


@fast
def _ground_plane(c, forward_mps, ground, h):
    """(height under the origin, pitch, roll) of the plane through the wheels, or NO_GROUND."""
    yaw = c.yaw / DEGREES
    cos, sin = math.cos(yaw), math.sin(yaw)
    half = 0.5 * c.track
    fx, fy = c.x + c.axle_front * cos, c.y + c.axle_front * sin
    rx, ry = c.x - c.axle_rear * cos, c.y - c.axle_rear * sin
    fl = ground_height(ground, fx + half * sin, fy - half * cos, c.z)
    rl = ground_height(ground, rx + half * sin, ry - half * cos, c.z)
    if half > 0.0:
        fr = ground_height(ground, fx - half * sin, fy + half * cos, c.z)
        rr = ground_height(ground, rx - half * sin, ry + half * cos, c.z)
    else:
        fr, rr = fl, rl
    if min(min(fl, fr), min(rl, rr)) <= NO_GROUND:
        return NO_GROUND, 0.0, 0.0
    if forward_mps >= 0.0:
        _strike_kerb(c, fl, fr, forward_mps, cos, sin, h)
    else:
        _strike_kerb(c, rl, rr, forward_mps, cos, sin, h)
    front, rear, base = 0.5 * (fl + fr), 0.5 * (rl + rr), c.axle_front + c.axle_rear
    height = (front * c.axle_rear + rear * c.axle_front) / base
    roll = math.atan2(0.5 * (fl + rl - fr - rr), c.track) if half > 0.0 else 0.0
    return height, math.atan2(front - rear, base), roll


@fast
def _sprung(position, rate, target, target_rate, h):
    """Acceleration of a damped spring towards a moving target, solved implicitly."""
    pull = SPRING * SPRING * (target - position + h * (target_rate - rate))
    drag = 2.0 * DAMPING * SPRING * (target_rate - rate)
    return (pull + drag) / (1.0 + 2.0 * DAMPING * SPRING * h + SPRING * SPRING * h * h)


@fast
def _suspension(c, speed, plane_z, plane_pitch, plane_roll, h):
    """Move the body up, down and around over its wheels; sets `support` (m/s2)."""
    weight = GRAVITY if c.gravity == 1 else 0.0
    lift = 0.0
    if plane_z > NO_GROUND:
        if c.plane_known == 0:
            c.plane_z, c.plane_pitch, c.plane_roll, c.plane_known = (
                plane_z,
                plane_pitch,
                plane_roll,
                1,
            )
        # A kerb must not throw the body up: wheels swallow most of a step.
        most = 1.0 + 0.5 * speed
        rise = clamp((plane_z - c.plane_z) / h, -most, most)
        lift = max(0.0, weight + _sprung(c.z, c.vz, plane_z, rise, h))
        pitch_rate = clamp((plane_pitch - c.plane_pitch) / h, -1.0, 1.0)
        roll_rate = clamp((plane_roll - c.plane_roll) / h, -1.0, 1.0)
        if lift > 0.0:
            _tilt(c, speed, plane_pitch, plane_roll, pitch_rate, roll_rate, h)
        c.plane_z, c.plane_pitch, c.plane_roll = plane_z, plane_pitch, plane_roll
    else:
        c.plane_known = 0
    c.vz += h * (lift - weight + c.force_z / c.mass)
    c.z += h * c.vz
    if plane_z > NO_GROUND and c.z < plane_z - BUMP_M:
        c.z = plane_z - BUMP_M
        c.vz = max(c.vz, 0.0)
    c.support = min(lift, 3.0 * GRAVITY)


@fast
def _tilt(c, speed, plane_pitch, plane_roll, pitch_rate, roll_rate, h):
    pitch, roll = c.pitch / DEGREES, c.roll / DEGREES
    if c.two_wheeled == 1:
        lean = clamp(math.atan(speed * c.wz / GRAVITY), -0.8, 0.8)
        target_pitch, target_roll = plane_pitch + 0.5 * SQUAT * c.accel_x, lean
    else:
        target_pitch = plane_pitch + SQUAT * c.accel_x
        target_roll = plane_roll - LEAN * c.accel_y
    c.wy += h * _sprung(pitch, c.wy, target_pitch, pitch_rate, h)
    c.wx += h * _sprung(roll, c.wx, target_roll, roll_rate, h)
    c.pitch += h * c.wy * DEGREES
    c.roll += h * c.wx * DEGREES


@fast
def _step_one(c, ground, h):  # noqa: PLR0915  the order of a step, in one place
    yaw = c.yaw / DEGREES
    cos, sin = math.cos(yaw), math.sin(yaw)
    plane_z, plane_pitch, plane_roll = _ground_plane(c, c.vx * cos + c.vy * sin, ground, h)
    u, w, r = c.vx * cos + c.vy * sin, -c.vx * sin + c.vy * cos, c.wz
    speed = math.hypot(u, w)

    scale = 1.0
    if c.ackermann == 0:
        scale = curve(c.steer_kmh, c.steer_scale, c.steer_points, 3.6 * speed)
    c.steer_now += clamp(c.steer * scale - c.steer_now, -STEER_RATE * h, STEER_RATE * h)
    c.wheel_angle = c.steer_now * c.max_steer

    flies = c.constant == 1 and c.const_z != 0.0
    if not flies:
        _suspension(c, speed, plane_z, plane_pitch, plane_roll, h)
    else:
        c.support, c.plane_known = 0.0, 0

    # The ground pushes along its normal: downhill, in the horizontal plane.
    sp, cp = math.sin(plane_pitch), math.cos(plane_pitch)
    sr, cr = math.sin(plane_roll), math.cos(plane_roll)
    drag = 0.5 * AIR_DENSITY * c.drag_area * speed / c.mass
    force_u = (c.force_x * cos + c.force_y * sin) / c.mass
    force_w = (-c.force_x * sin + c.force_y * cos) / c.mass
    before_u, before_w = u, w
    u = (u + h * (force_u - c.support * sp * cp)) / (1.0 + h * drag)
    w = (w + h * (force_w + c.support * sr * cr)) / (1.0 + h * drag)
    r += h * c.torque_z / c.inertia
    u, w, r = apply_tyres(c, u, w, r, h)

    if c.constant == 1:
        r = c.const_x * math.tan(c.wheel_angle) / (c.axle_front + c.axle_rear)
    blend = min(1.0, h / 0.05)
    c.accel_x += ((u - before_u) / h - c.accel_x) * blend
    c.accel_y += ((w - before_w) / h - c.accel_y) * blend

    # The centre of mass moves, the body turns about it.
    cx, cy = c.x + c.com_x * cos, c.y + c.com_x * sin
    c.vx, c.vy, c.wz = u * cos - w * sin, u * sin + w * cos, r
    if c.constant == 1:
        pitch = c.pitch / DEGREES if flies else plane_pitch
        ahead = c.const_x * math.cos(pitch) - (c.const_z * math.sin(pitch) if flies else 0.0)
        c.vx, c.vy = ahead * cos - c.const_y * sin, ahead * sin + c.const_y * cos
    if flies:
        c.vz = c.const_x * math.sin(c.pitch / DEGREES) + c.const_z * math.cos(c.pitch / DEGREES)
        c.z += h * c.vz
    if r != 0.0:
        c.yaw += h * r * DEGREES
        if c.yaw > 180.0:
            c.yaw -= 360.0
        elif c.yaw <= -180.0:
            c.yaw += 360.0
        yaw = c.yaw / DEGREES
        cos, sin = math.cos(yaw), math.sin(yaw)
        c.x, c.y = cx - c.com_x * cos, cy - c.com_x * sin
    c.x += h * c.vx
    c.y += h * c.vy


@fast
def _has_cause(c):
    """Whether something would set a standing vehicle in motion."""
    if (
        c.constant == 1
        or c.force_x != 0.0
        or c.force_y != 0.0
        or c.force_z != 0.0
        or c.torque_z != 0.0
    ):
        return True
    if c.throttle > 0.0 and (c.gear != 0 or c.manual == 0):
        return True
    pull = abs(math.sin(c.plane_pitch)) * c.mass * GRAVITY
    hold = c.brake * (c.brake_front + c.brake_rear) + 0.2 * c.rolling * c.mass * GRAVITY
    hold += c.hand_brake * (c.hand_brake_front + c.hand_brake_rear)
    return pull > hold


@fast
def _moves(c):
    return c.vx != 0.0 or c.vy != 0.0 or c.vz != 0.0 or c.wz != 0.0


@fast
def begin_vehicles(vehicles, dt):
    """Run the Ackermann controllers and wake vehicles that have a reason to move."""
    for i in range(len(vehicles)):
        c = vehicles[i]
        c.kerb_impulse_x = c.kerb_impulse_y = 0.0
        if c.simulate == 0:
            continue
        if c.ackermann == 1:
            yaw = c.yaw / DEGREES
            run_ackermann(c, c.vx * math.cos(yaw) + c.vy * math.sin(yaw), dt)
        if c.asleep == 1 and (_moves(c) or _has_cause(c)):
            c.asleep = 0
            c.settled_ticks = 0


@fast
def step_vehicles(vehicles, ground, h):
    """Advance every vehicle that is awake by h seconds."""
    for i in range(len(vehicles)):
        c = vehicles[i]
        if c.simulate == 1 and c.asleep == 0:
            _step_one(c, ground, h)


@fast
def _settle(c, ground):
    """Let a vehicle that has stopped rest exactly on its plane."""
    still = (
        c.support > 0.0
        and abs(c.vx) < STILL_MPS
        and abs(c.vy) < STILL_MPS
        and abs(c.vz) < STILL_MPS
        and abs(c.wz) < STILL_MPS
        and abs(c.wx) + abs(c.wy) < STILL_MPS
        and abs(c.z - c.plane_z) < 2e-3
        and not _has_cause(c)
    )
    if not still:
        c.settled_ticks = 0
        return
    c.settled_ticks += 1
    if c.settled_ticks < STILL_TICKS:
        return
    c.vx = c.vy = c.vz = c.wx = c.wy = c.wz = 0.0
    c.plane_z, c.plane_pitch, c.plane_roll = _ground_plane(c, 0.0, ground, 0.0)
    c.z, c.pitch = c.plane_z, c.plane_pitch * DEGREES
    c.roll = 0.0 if c.two_wheeled == 1 else c.plane_roll * DEGREES
    c.accel_x = c.accel_y = 0.0
    c.support = GRAVITY if c.gravity == 1 else 0.0
    c.spin_front = c.spin_rear = 0.0
    c.rpm = idle_rpm(c)
    c.asleep = 1


@fast
def end_vehicles(vehicles, ground, dt, out):
    """Settle what has stopped, forget the tick's forces, write the snapshot's fifteen numbers."""
    for i in range(len(vehicles)):
        c = vehicles[i]
        if c.simulate == 1 and c.asleep == 0:
            _settle(c, ground)
        c.force_x = c.force_y = c.force_z = c.torque_z = 0.0
        if c.simulate == 0:
            c.asleep = 1
        row = out[i]
        row[0], row[1], row[2] = c.x, c.y, c.z
        row[3], row[4], row[5] = c.pitch, c.yaw, c.roll
        row[6], row[7], row[8] = c.vx, c.vy, c.vz
        yaw = c.yaw / DEGREES
        cos, sin = math.cos(yaw), math.sin(yaw)
        # Unreal's vectors turn x to y for yaw, but z to x for pitch and z to y for roll.
        row[9] = DEGREES * (-c.wx * cos + c.wy * sin)
        row[10] = DEGREES * (-c.wx * sin - c.wy * cos)
        row[11] = DEGREES * c.wz
        row[12] = (c.vx - c.last_vx) / dt
        row[13] = (c.vy - c.last_vy) / dt
        row[14] = (c.vz - c.last_vz) / dt
        c.last_vx, c.last_vy, c.last_vz = c.vx, c.vy, c.vz
