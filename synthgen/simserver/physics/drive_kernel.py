"""The driver and the engine: Ackermann control, gears, torque at the wheels."""

import math

from synthgen.simserver.physics.compiled import fast

EFFICIENCY = 0.92  # of gears and shafts
IDLE_RPM = 800.0
# CARLA's damping rates of engine and wheels are taken times this: its 2.0 at the engine would
# stop a car at 0.5 g.
DAMPING_SCALE = 0.1


@fast
def curve(xs, ys, count, x):
    """Linear interpolation in the first `count` points, constant beyond them."""
    if x <= xs[0]:
        return ys[0]
    for k in range(1, count):
        if x < xs[k]:  # so xs[k] > xs[k - 1]: equal points make a step
            return ys[k - 1] + (ys[k] - ys[k - 1]) * (x - xs[k - 1]) / (xs[k] - xs[k - 1])
    return ys[count - 1]


@fast
def clamp(value, low, high):
    """The value, moved into low..high."""
    return min(max(value, low), high)


@fast
def _pid(error, derivative, kp, ki, kd, integral, dt):
    """(output, integral) of CARLA's PID: derivative on the measurement, both clamped to 1."""
    integral = clamp(integral + ki * error * dt, -1.0, 1.0)
    return clamp(kp * error + integral - kd * derivative, -1.0, 1.0), integral


@fast
def run_ackermann(c, speed, dt):
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
        c.ack_accel_target = clamp(c.ack_accel_target + output, low, high)
        output, c.ack_accel_integral = _pid(
            c.ack_accel_target - filtered,
            (filtered - c.ack_filtered_accel) / dt,
            c.ack_accel_kp,
            c.ack_accel_ki,
            c.ack_accel_kd,
            c.ack_accel_integral,
            dt,
        )
        c.ack_pedal = clamp(c.ack_pedal + output, -1.0, 1.0)
        forward = c.ack_pedal if c.reverse == 0 else -c.ack_pedal
        c.throttle, c.brake = max(forward, 0.0), max(-forward, 0.0)
    c.ack_filtered_accel = filtered
    c.ack_last_speed = speed


@fast
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


@fast
def _ratio(c):
    if c.gear == 0:
        return 0.0
    if c.gear < 0:
        return -c.gear_ratio[0] * c.final_ratio
    return c.gear_ratio[c.gear - 1] * c.final_ratio


@fast
def idle_rpm(c):
    """Engine speed at rest; legs on a bicycle turn far slower than any engine."""
    return min(IDLE_RPM, 0.15 * c.max_rpm)


@fast
def driveline(c, forward_mps, h):
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
    engaged = max(rpm, idle_rpm(c), 0.25 * c.throttle * c.max_rpm)
    c.rpm += (min(engaged, c.max_rpm) - c.rpm) * min(1.0, 10.0 * h)
    if c.shift_left_s > 0.0:
        c.shift_left_s -= h
        return 0.0, 0.0
    torque = c.throttle * curve(c.torque_rpm, c.torque_nm, c.torque_points, max(rpm, engaged))
    torque *= clamp((c.max_rpm - rpm) / (0.02 * c.max_rpm), 0.0, 1.0)
    lever = ratio / radius
    drive = EFFICIENCY * torque * lever * c.mass / (c.mass + c.moment * lever * lever)
    damping = c.damping_closed + (c.damping_full - c.damping_closed) * c.throttle
    return drive, DAMPING_SCALE * damping * abs(forward_mps) * lever * lever
