"""One step of all vehicles: driveline, tyres, suspension.

A vehicle is a rigid body in the plane (a bicycle: one tyre per axle) on a sprung body that
follows the ground plane under its wheels. Tyre forces obey a friction circle per axle. A lateral
force is the lesser of two: what the tyre's slip stiffness gives (Fiala's brush model, M. Abe,
"Vehicle Handling Dynamics", 2nd ed., section 2.3) and what would stop the sideways motion within
the step. The second rules below about 2 m/s: there the axles roll without slip, a kinematic
bicycle, and a standing vehicle stands. So the step is stable at any speed and needs no blending.
"""

import math

import numba as nb
from numba import njit

from synthgen.simserver.physics.ground_kernel import NO_GROUND, ground_height
from synthgen.simserver.physics.records import VEHICLE

GRAVITY = 9.81
AIR_DENSITY = 1.204  # kg/m3, 20 C at sea level
EFFICIENCY = 0.92  # of gears and shafts
IDLE_RPM = 800.0
STEER_RATE = 4.0  # of full lock per second
# CARLA's damping rates of engine and wheels are taken times this: its 2.0 at the engine would
# stop a car at 0.5 g.
DAMPING_SCALE = 0.1
SPRING = 10.0  # rad/s, of the body on its suspension (1.6 Hz)
DAMPING = 0.6  # of critical
SQUAT = 0.0027  # rad of pitch per m/s2 (1.5 degrees per g)
LEAN = 0.0071  # rad of roll per m/s2 (4 degrees per g)
BUMP_M = 0.10  # how far the body may sink towards the wheels
# The front slides first, as chassis are tuned: a vehicle at its limit runs wide, it does not spin.
FRONT_SIDE_GRIP = 0.95
# A rise steeper than this is a step, not a road; roads end at 1 in 4.
KERB_SLOPE = 0.25
# Share of the speed lost per step height over wheel radius; tyres swallow the rest.
KERB_LOSS = 0.15
# A tyre's grip falls from its peak at this slip (tangent of the slip angle) to this share at 1.
SLIDES_FROM = 0.4
SLIDING_SHARE = 0.6
# Stability control: from this speed on, once the tail slides by this angle (rad).
ASSISTED_FROM_MPS = 3.0
TAIL_SLIDE = 0.10
STILL_MPS = 0.02
STILL_TICKS = 8
DEGREES = 180.0 / math.pi

_VEHICLES = nb.from_dtype(VEHICLE)[::1]
_HEIGHTS = nb.float32[:, ::1]


@njit(nogil=True, error_model="numpy")
def _curve(xs, ys, count, x):
    if x <= xs[0]:
        return ys[0]
    for k in range(1, count):
        if x < xs[k]:  # so xs[k] > xs[k - 1]: equal points make a step
            return ys[k - 1] + (ys[k] - ys[k - 1]) * (x - xs[k - 1]) / (xs[k] - xs[k - 1])
    return ys[count - 1]


@njit(nogil=True, error_model="numpy")
def _clamp(value, low, high):
    return min(max(value, low), high)


@njit(nogil=True, error_model="numpy")
def _pid(error, derivative, kp, ki, kd, integral, dt):
    """(output, integral) of CARLA's PID: derivative on the measurement, both clamped to 1."""
    integral = _clamp(integral + ki * error * dt, -1.0, 1.0)
    return _clamp(kp * error + integral - kd * derivative, -1.0, 1.0), integral


@njit(nogil=True, error_model="numpy")
def _ackermann(c, speed, dt):
    """Turn an Ackermann command into pedals, as CARLA's AckermannController does."""
    accel = (speed - c.ack_last_speed) / dt
    filtered = 0.8 * c.ack_filtered_accel + 0.2 * accel
    angle = c.steer * c.max_steer
    step = c.ack_steer_speed * dt
    if c.ack_steer_speed < 1e-3 or abs(c.ack_steer - angle) < step:
        angle = c.ack_steer
    else:
        angle += step if c.ack_steer > angle else -step
    c.steer = angle / c.max_steer if c.max_steer > 0.0 else 0.0
    wanted = c.ack_speed
    if abs(speed) < 0.1 and abs(wanted) < 0.1:
        c.throttle, c.brake = 0.0, 1.0
    else:
        if abs(speed) < 0.1:
            c.reverse = 1 if wanted < 0.0 else 0
        elif speed * wanted < 0.0:
            wanted = 0.0
        output, c.ack_speed_integral = _pid(
            wanted - speed,
            (speed - c.ack_last_speed) / dt,
            c.ack_speed_kp,
            c.ack_speed_ki,
            c.ack_speed_kd,
            c.ack_speed_integral,
            dt,
        )
        low, high = (-c.ack_accel, c.ack_accel) if c.ack_accel >= 1e-4 else (-8.0, 3.0)
        c.ack_accel_target = _clamp(c.ack_accel_target + output, low, high)
        output, c.ack_accel_integral = _pid(
            c.ack_accel_target - filtered,
            (filtered - c.ack_filtered_accel) / dt,
            c.ack_accel_kp,
            c.ack_accel_ki,
            c.ack_accel_kd,
            c.ack_accel_integral,
            dt,
        )
        c.ack_pedal = _clamp(c.ack_pedal + output, -1.0, 1.0)
        forward = c.ack_pedal if c.reverse == 0 else -c.ack_pedal
        c.throttle, c.brake = max(forward, 0.0), max(-forward, 0.0)
    c.ack_filtered_accel = filtered
    c.ack_last_speed = speed


@njit(nogil=True, error_model="numpy")
def _choose_gear(c, rpm):
    """The gear to be in: forced by reverse or manual shifting, else by the automatic box."""
    if c.reverse == 1:
        return -1
    if c.manual == 1:
        return min(max(c.gear_command, -1), c.gear_count)
    gear = min(max(c.gear, 1), c.gear_count)
    if c.auto_box == 0 or c.since_shift_s < 0.5 or gear != c.gear:
        return gear
    limit = (0.55 + 0.45 * c.throttle) * c.max_rpm
    if gear < c.gear_count and rpm > c.gear_up[gear - 1] * limit:
        return gear + 1
    if (
        gear > 1
        and c.gear_ratio[gear - 1] != 0.0
        and rpm < c.gear_down[gear - 1] * (0.4 + 0.6 * c.throttle) * c.max_rpm
    ):
        below = rpm * c.gear_ratio[gear - 2] / c.gear_ratio[gear - 1]
        if below < 0.85 * c.gear_up[gear - 2] * limit:
            return gear - 1
    return gear


@njit(nogil=True, error_model="numpy")
def _ratio(c):
    if c.gear == 0:
        return 0.0
    if c.gear < 0:
        return -c.gear_ratio[0] * c.final_ratio
    return c.gear_ratio[c.gear - 1] * c.final_ratio


@njit(nogil=True, error_model="numpy")
def _idle_rpm(c):
    # Legs on a bicycle turn far slower than any engine.
    return min(IDLE_RPM, 0.15 * c.max_rpm)


@njit(nogil=True, error_model="numpy")
def _driveline(c, forward_mps, h):
    """(driving force, resisting force) of the engine at the driven wheels, newtons."""
    radius = c.radius_rear if c.drive == 1 else c.radius_front
    to_rpm = 30.0 / (math.pi * radius)
    gear = _choose_gear(c, abs(forward_mps * _ratio(c)) * to_rpm)
    if gear != c.gear:
        if gear > 0 and c.gear > 0:
            c.shift_left_s = c.shift_time_s
        c.gear = gear
        c.since_shift_s = 0.0
    c.since_shift_s += h
    ratio = _ratio(c)
    rpm = forward_mps * ratio * to_rpm
    # The clutch slips at launch and when the vehicle rolls against the gear.
    engaged = max(rpm, _idle_rpm(c), 0.25 * c.throttle * c.max_rpm)
    c.rpm += (min(engaged, c.max_rpm) - c.rpm) * min(1.0, 10.0 * h)
    if c.shift_left_s > 0.0:
        c.shift_left_s -= h
        return 0.0, 0.0
    torque = c.throttle * _curve(c.torque_rpm, c.torque_nm, c.torque_points, max(rpm, engaged))
    torque *= _clamp((c.max_rpm - rpm) / (0.02 * c.max_rpm), 0.0, 1.0)
    lever = ratio / radius
    drive = EFFICIENCY * torque * lever * c.mass / (c.mass + c.moment * lever * lever)
    damping = c.damping_closed + (c.damping_full - c.damping_closed) * c.throttle
    return drive, DAMPING_SCALE * damping * abs(forward_mps) * lever * lever


@njit(nogil=True, error_model="numpy")
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


@njit(nogil=True, error_model="numpy")
def _ground_plane(c, forward_mps, z, upper, ox, oy, per_cell, h):
    """(height under the origin, pitch, roll) of the plane through the wheels, or NO_GROUND."""
    yaw = c.yaw / DEGREES
    cos, sin = math.cos(yaw), math.sin(yaw)
    half = 0.5 * c.track
    fx, fy = c.x + c.axle_front * cos, c.y + c.axle_front * sin
    rx, ry = c.x - c.axle_rear * cos, c.y - c.axle_rear * sin
    fl = ground_height(z, upper, ox, oy, per_cell, fx + half * sin, fy - half * cos, c.z)
    rl = ground_height(z, upper, ox, oy, per_cell, rx + half * sin, ry - half * cos, c.z)
    if half > 0.0:
        fr = ground_height(z, upper, ox, oy, per_cell, fx - half * sin, fy + half * cos, c.z)
        rr = ground_height(z, upper, ox, oy, per_cell, rx - half * sin, ry + half * cos, c.z)
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


@njit(nogil=True, error_model="numpy")
def _sprung(position, rate, target, target_rate, h):
    """Acceleration of a damped spring towards a moving target, solved implicitly."""
    pull = SPRING * SPRING * (target - position + h * (target_rate - rate))
    drag = 2.0 * DAMPING * SPRING * (target_rate - rate)
    return (pull + drag) / (1.0 + 2.0 * DAMPING * SPRING * h + SPRING * SPRING * h * h)


@njit(nogil=True, error_model="numpy")
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
        rise = _clamp((plane_z - c.plane_z) / h, -most, most)
        lift = max(0.0, weight + _sprung(c.z, c.vz, plane_z, rise, h))
        pitch_rate = _clamp((plane_pitch - c.plane_pitch) / h, -1.0, 1.0)
        roll_rate = _clamp((plane_roll - c.plane_roll) / h, -1.0, 1.0)
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


@njit(nogil=True, error_model="numpy")
def _tilt(c, speed, plane_pitch, plane_roll, pitch_rate, roll_rate, h):
    pitch, roll = c.pitch / DEGREES, c.roll / DEGREES
    if c.two_wheeled == 1:
        lean = _clamp(math.atan(speed * c.wz / GRAVITY), -0.8, 0.8)
        target_pitch, target_roll = plane_pitch + 0.5 * SQUAT * c.accel_x, lean
    else:
        target_pitch = plane_pitch + SQUAT * c.accel_x
        target_roll = plane_roll - LEAN * c.accel_y
    c.wy += h * _sprung(pitch, c.wy, target_pitch, pitch_rate, h)
    c.wx += h * _sprung(roll, c.wx, target_roll, roll_rate, h)
    c.pitch += h * c.wy * DEGREES
    c.roll += h * c.wx * DEGREES


@njit(nogil=True, error_model="numpy")
def _fiala(slip, stiffness, limit):
    """Magnitude of the lateral force at a slip (tangent of the slip angle), newtons."""
    reach = 3.0 * limit
    linear = stiffness * abs(slip)
    if linear >= reach:
        return limit
    return linear - linear * linear / reach + linear * linear * linear / (3.0 * reach * reach)


@njit(nogil=True, error_model="numpy")
def _side_limit(stiffness, load, friction, along, sideways, rolling):
    """Largest lateral force of an axle, given what it already gives lengthwise."""
    slip = abs(sideways) / max(abs(rolling), 0.5)
    # Rubber that slides grips less than rubber that rolls.
    slides = _clamp((slip - SLIDES_FROM) / (1.0 - SLIDES_FROM), 0.0, 1.0)
    grip = friction * load * (1.0 - (1.0 - SLIDING_SHARE) * slides)
    share = min(abs(along) / grip, 0.98) if grip > 0.0 else 0.0
    return _fiala(slip, stiffness * load, grip * math.sqrt(1.0 - share * share))


@njit(nogil=True, error_model="numpy")
def _solve_pair(k11, k12, k22, r1, r2, most1, most2):
    """Impulses p with K p = r, |p1| <= most1, |p2| <= most2 (a box-constrained 2x2 problem)."""
    det = k11 * k22 - k12 * k12
    p1 = (k22 * r1 - k12 * r2) / det
    p2 = (k11 * r2 - k12 * r1) / det
    for _ in range(3):
        p1 = _clamp((r1 - k12 * p2) / k11, -most1, most1)
        p2 = _clamp((r2 - k12 * p1) / k22, -most2, most2)
    return p1, p2


@njit(nogil=True, error_model="numpy")
def _left_over(grip, sideways):
    """Grip that anti-lock brakes and traction control may use: steering comes first."""
    used = min(abs(sideways), 0.9 * grip)
    return math.sqrt(grip * grip - used * used)


@njit(nogil=True, error_model="numpy")
def _loads(c, arm_front, arm_rear):
    """(front, rear) axle loads in newtons, with the shift under acceleration."""
    base = arm_front + arm_rear
    weight = c.mass * c.support
    shift = c.mass * _clamp(c.accel_x, -GRAVITY, GRAVITY) * max(c.com_z + c.com_dz, 0.1) / base
    shift = _clamp(shift, -0.9 * weight * arm_front / base, 0.9 * weight * arm_rear / base)
    return weight * arm_rear / base - shift, weight * arm_front / base + shift


@njit(nogil=True, error_model="numpy")
def _stabilise(c, side_rear, u, r, grip_front):
    """Yaw moment of electronic stability control, N m: one front wheel brakes a sliding tail."""
    if u < ASSISTED_FROM_MPS:
        return 0.0
    slide = math.atan2(side_rear, u)
    excess = abs(slide) - TAIL_SLIDE
    back = r if slide > 0.0 else -r
    if excess <= 0.0 or back > 1.0:
        return 0.0
    # A rider balances with the whole body where a car brakes one of two wheels.
    lever = 0.8 * (c.axle_front + c.axle_rear) if c.two_wheeled == 1 else 0.5 * c.track
    moment = min(excess * 8.0, 1.0) * grip_front * lever
    return moment if slide > 0.0 else -moment


@njit(nogil=True, error_model="numpy")
def _tyres(c, u, w, r, h):  # noqa: PLR0915  one formula after another; splitting hides the order
    """Body-frame velocity (forward, right, yaw rate) after the tyres' forces of one step."""
    arm_front = max(c.axle_front - c.com_x, 0.1)
    arm_rear = max(c.axle_rear + c.com_x, 0.1)
    load_front, load_rear = _loads(c, arm_front, arm_rear)
    grip_front, grip_rear = c.friction_front * load_front, c.friction_rear * load_rear
    cos, sin = math.cos(c.wheel_angle), math.sin(c.wheel_angle)
    free_front = _left_over(grip_front, c.fy_front)
    free_rear = _left_over(grip_rear, c.fy_rear)

    # Engine: what the driven tyres can carry.
    drive, engine_brake = _driveline(c, u, h)
    to_front = 1.0 if c.drive == 0 else (0.0 if c.drive == 1 else 0.5)
    drive_front = _clamp(drive * to_front, -free_front, free_front)
    drive_rear = _clamp(drive * (1.0 - to_front), -free_rear, free_rear)
    u += h * (drive_front * cos + drive_rear) / c.mass
    w += h * drive_front * sin / c.mass
    r += h * drive_front * sin * arm_front / c.inertia

    # Brakes, rolling resistance and engine drag: they stop, they never push.
    speed = abs(u)
    roll = c.rolling * min(1.0, speed / 0.05 + 0.2)
    per_wheel = 0.5 * DAMPING_SCALE * c.wheel_damping * speed / (c.radius_front * c.radius_front)
    hold_front = min(c.brake * c.brake_front, free_front) + c.hand_brake * c.hand_brake_front
    hold_rear = min(c.brake * c.brake_rear, free_rear) + c.hand_brake * c.hand_brake_rear
    hold_front += roll * load_front + per_wheel + engine_brake * to_front
    hold_rear += roll * load_rear + per_wheel + engine_brake * (1.0 - to_front)
    hold_front = min(hold_front, 0.99 * grip_front)
    hold_rear = min(hold_rear, grip_rear)
    most = h * (hold_front * cos + hold_rear)
    share = min(1.0, c.mass * speed / most) if most > 0.0 else 0.0
    back = -share if u > 0.0 else share
    u += back * h * (hold_front * cos + hold_rear) / c.mass
    w += back * h * hold_front * sin / c.mass
    r += back * h * hold_front * sin * arm_front / c.inertia
    along_front, along_rear = drive_front + back * hold_front, drive_rear + back * hold_rear

    # Sideways: stop the sideways motion of both axles, as far as the tyres can.
    side_front = (w + arm_front * r) * cos - u * sin
    side_rear = w - arm_rear * r
    rolling_front = (w + arm_front * r) * sin + u * cos
    most_front = h * _side_limit(
        c.stiff_front,
        load_front,
        FRONT_SIDE_GRIP * c.friction_front,
        along_front,
        side_front,
        rolling_front,
    )
    most_rear = h * _side_limit(c.stiff_rear, load_rear, c.friction_rear, along_rear, side_rear, u)
    k11 = 1.0 / c.mass + (arm_front * cos) ** 2 / c.inertia
    k12 = cos / c.mass - arm_front * arm_rear * cos / c.inertia
    k22 = 1.0 / c.mass + arm_rear * arm_rear / c.inertia
    push_front, push_rear = _solve_pair(
        k11, k12, k22, -side_front, -side_rear, most_front, most_rear
    )
    u -= push_front * sin / c.mass
    w += (push_front * cos + push_rear) / c.mass
    r += (push_front * cos * arm_front - push_rear * arm_rear) / c.inertia

    if c.hand_brake == 0:
        r += h * _stabilise(c, side_rear, u, r, grip_front) / c.inertia

    c.load_front, c.load_rear = load_front, load_rear
    c.fx_front, c.fx_rear = along_front, along_rear
    c.fy_front, c.fy_rear = push_front / h, push_rear / h
    c.alpha_front = math.atan2(side_front, max(abs(rolling_front), 0.5))
    c.alpha_rear = math.atan2(side_rear, max(abs(u), 0.5))
    _spin_wheels(c, rolling_front, u, drive * to_front, drive * (1.0 - to_front), h)
    return u, w, r


@njit(nogil=True, error_model="numpy")
def _spin_wheels(c, rolling_front, rolling_rear, drive_front, drive_rear, h):
    """Wheel speeds for telemetry and pictures: rolling, locked, or spinning under power."""
    c.roll_speed_front, c.roll_speed_rear = rolling_front, rolling_rear
    c.spin_front = rolling_front / c.radius_front
    c.spin_rear = rolling_rear / c.radius_rear
    if abs(drive_front) > c.friction_front * c.load_front:
        c.spin_front *= 1.0 + min(abs(drive_front) / max(c.friction_front * c.load_front, 1.0), 2.0)
    if abs(drive_rear) > c.friction_rear * c.load_rear:
        c.spin_rear *= 1.0 + min(abs(drive_rear) / max(c.friction_rear * c.load_rear, 1.0), 2.0)
    if c.hand_brake == 1 and c.hand_brake_rear > c.friction_rear * c.load_rear:
        c.spin_rear = 0.0
    c.turned_front += h * c.spin_front
    c.turned_rear += h * c.spin_rear


@njit(nogil=True, error_model="numpy")
def _step_one(c, z, upper, ox, oy, per_cell, h):  # noqa: PLR0915  the order of a step, in one place
    yaw = c.yaw / DEGREES
    cos, sin = math.cos(yaw), math.sin(yaw)
    plane_z, plane_pitch, plane_roll = _ground_plane(
        c, c.vx * cos + c.vy * sin, z, upper, ox, oy, per_cell, h
    )
    u, w, r = c.vx * cos + c.vy * sin, -c.vx * sin + c.vy * cos, c.wz
    speed = math.hypot(u, w)

    scale = 1.0
    if c.ackermann == 0:
        scale = _curve(c.steer_kmh, c.steer_scale, c.steer_points, 3.6 * speed)
    c.steer_now += _clamp(c.steer * scale - c.steer_now, -STEER_RATE * h, STEER_RATE * h)
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
    u, w, r = _tyres(c, u, w, r, h)

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


@njit(nogil=True, error_model="numpy")
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


@njit(nogil=True, error_model="numpy")
def _moves(c):
    return c.vx != 0.0 or c.vy != 0.0 or c.vz != 0.0 or c.wz != 0.0


@njit(nb.void(_VEHICLES, nb.int64, nb.float64), nogil=True, error_model="numpy", cache=True)
def begin_vehicles(vehicles, count, dt):
    """Run the Ackermann controllers and wake vehicles that have a reason to move."""
    for i in range(count):
        c = vehicles[i]
        c.kerb_impulse_x = c.kerb_impulse_y = 0.0
        if c.simulate == 0:
            continue
        if c.ackermann == 1:
            yaw = c.yaw / DEGREES
            _ackermann(c, c.vx * math.cos(yaw) + c.vy * math.sin(yaw), dt)
        if c.asleep == 1 and (_moves(c) or _has_cause(c)):
            c.asleep = 0
            c.settled_ticks = 0


@njit(
    nb.void(
        _VEHICLES,
        nb.int64,
        _HEIGHTS,
        _HEIGHTS,
        nb.float64,
        nb.float64,
        nb.float64,
        nb.float64,
    ),
    nogil=True,
    error_model="numpy",
    cache=True,
)
def step_vehicles(vehicles, count, z, upper, origin_x, origin_y, per_cell, h):
    """Advance every vehicle that is awake by h seconds."""
    for i in range(count):
        c = vehicles[i]
        if c.simulate == 1 and c.asleep == 0:
            _step_one(c, z, upper, origin_x, origin_y, per_cell, h)


@njit(nogil=True, error_model="numpy")
def _settle(c, z, upper, ox, oy, per_cell):
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
    c.plane_z, c.plane_pitch, c.plane_roll = _ground_plane(c, 0.0, z, upper, ox, oy, per_cell, 0.0)
    c.z, c.pitch = c.plane_z, c.plane_pitch * DEGREES
    c.roll = 0.0 if c.two_wheeled == 1 else c.plane_roll * DEGREES
    c.accel_x = c.accel_y = 0.0
    c.support = GRAVITY if c.gravity == 1 else 0.0
    c.spin_front = c.spin_rear = 0.0
    c.rpm = _idle_rpm(c)
    c.asleep = 1


@njit(
    nb.void(
        _VEHICLES,
        nb.int64,
        _HEIGHTS,
        _HEIGHTS,
        nb.float64,
        nb.float64,
        nb.float64,
        nb.float64,
        nb.float32[:, ::1],
    ),
    nogil=True,
    error_model="numpy",
    cache=True,
)
def end_vehicles(vehicles, count, z, upper, origin_x, origin_y, per_cell, dt, out):
    """Settle what has stopped, forget the tick's forces, write the snapshot's fifteen numbers."""
    for i in range(count):
        c = vehicles[i]
        if c.simulate == 1 and c.asleep == 0:
            _settle(c, z, upper, origin_x, origin_y, per_cell)
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
