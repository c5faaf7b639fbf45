"""Tyre forces of one step of one vehicle.

Forces obey a friction circle per axle. A lateral force is the lesser of two: what the tyre's slip
stiffness gives (Fiala's brush model, M. Abe, "Vehicle Handling Dynamics", 2nd ed., section 2.3)
and what would stop the sideways motion within the step. The second rules below about 2 m/s:
there the axles roll without slip, a kinematic bicycle, and a standing vehicle stands. So the step
is stable at any speed and needs no blending.
"""

import math

from synthgen.simserver.physics.compiled import fast
from synthgen.simserver.physics.drive_kernel import DAMPING_SCALE, clamp, driveline

GRAVITY = 9.81
# The front slides first, as chassis are tuned: a vehicle at its limit runs wide, it does not spin.
FRONT_SIDE_GRIP = 0.95
# Stability control: from this speed on, once the tail slides by this angle (rad).
ASSISTED_FROM_MPS = 3.0
TAIL_SLIDE = 0.10
# A tyre's grip falls from its peak at this slip (tangent of the slip angle) to this share at 1.
SLIDES_FROM = 0.4
SLIDING_SHARE = 0.6


@fast
def _fiala(slip, stiffness, limit):
    """Magnitude of the lateral force at a slip (tangent of the slip angle), newtons."""
    reach = 3.0 * limit
    linear = stiffness * abs(slip)
    if linear >= reach:
        return limit
    return linear - linear * linear / reach + linear * linear * linear / (3.0 * reach * reach)


@fast
def _left_over(grip, sideways):
    """Grip that anti-lock brakes and traction control may use: steering comes first."""
    used = min(abs(sideways), 0.9 * grip)
    return math.sqrt(grip * grip - used * used)


@fast
def _side_limit(stiffness, load, friction, along, sideways, rolling):
    """Largest lateral force of an axle, given what it already gives lengthwise."""
    slip = abs(sideways) / max(abs(rolling), 0.5)
    # Rubber that slides grips less than rubber that rolls.
    slides = clamp((slip - SLIDES_FROM) / (1.0 - SLIDES_FROM), 0.0, 1.0)
    grip = friction * load * (1.0 - (1.0 - SLIDING_SHARE) * slides)
    share = min(abs(along) / grip, 0.98) if grip > 0.0 else 0.0
    return _fiala(slip, stiffness * load, grip * math.sqrt(1.0 - share * share))


@fast
def _solve_pair(k11, k12, k22, r1, r2, most1, most2):
    """Impulses p with K p = r, |p1| <= most1, |p2| <= most2 (a box-constrained 2x2 problem)."""
    det = k11 * k22 - k12 * k12
    p1 = (k22 * r1 - k12 * r2) / det
    p2 = (k11 * r2 - k12 * r1) / det
    for _ in range(3):
        p1 = clamp((r1 - k12 * p2) / k11, -most1, most1)
        p2 = clamp((r2 - k12 * p1) / k22, -most2, most2)
    return p1, p2


@fast
def _loads(c, arm_front, arm_rear):
    """(front, rear) axle loads in newtons, with the shift under acceleration."""
    base = arm_front + arm_rear
    weight = c.mass * c.support
    shift = c.mass * clamp(c.accel_x, -GRAVITY, GRAVITY) * max(c.com_z + c.com_dz, 0.1) / base
    shift = clamp(shift, -0.9 * weight * arm_front / base, 0.9 * weight * arm_rear / base)
    return weight * arm_rear / base - shift, weight * arm_front / base + shift


@fast
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


@fast
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


@fast
def apply_tyres(c, u, w, r, h):  # noqa: PLR0915  one formula after another; splitting hides the order
    """Body-frame velocity (forward, right, yaw rate) after the tyres' forces of one step."""
    arm_front = max(c.axle_front - c.com_x, 0.1)
    arm_rear = max(c.axle_rear + c.com_x, 0.1)
    load_front, load_rear = _loads(c, arm_front, arm_rear)
    grip_front, grip_rear = c.friction_front * load_front, c.friction_rear * load_rear
    cos, sin = math.cos(c.wheel_angle), math.sin(c.wheel_angle)
    free_front = _left_over(grip_front, c.fy_front)
    free_rear = _left_over(grip_rear, c.fy_rear)

    # Engine: what the driven tyres can carry.
    drive, engine_brake = driveline(c, u, h)
    to_front = 1.0 if c.drive == 0 else (0.0 if c.drive == 1 else 0.5)
    drive_front = clamp(drive * to_front, -free_front, free_front)
    drive_rear = clamp(drive * (1.0 - to_front), -free_rear, free_rear)
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
