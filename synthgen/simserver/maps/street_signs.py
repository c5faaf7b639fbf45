"""Lights and signs of streets, as OpenDRIVE signals."""

from __future__ import annotations

import math

from synthgen.simserver.maps.streets import Arm, turn_between
from synthgen.simserver.maps.town_drawing import RoadDraft, TownDrawing

_STOP_LINE_AT_M = 5.6
SPEED_SIGN_AT_M = 11.0


def draw_lights(town: TownDrawing, junction: int, arms: list[Arm]) -> None:
    """A light on the far side for each arm with traffic in, each with a phase of its own.

    As in CARLA's towns no two arms have green together: the client's Traffic Manager gives way
    to oncoming traffic so politely that cars turning left block a junction for good.
    """
    for arm in arms:
        if arm.lanes_in:
            town.add_controller(junction, [_draw_light(town, arm, arms)])


def _draw_light(town: TownDrawing, arm: Arm, arms: list[Arm]) -> int:
    signal = town.new_id()
    opposite = [b for b in arms if b is not arm and abs(turn_between(arm, b)) < math.radians(50)]
    stop_s = arm.road.length - _STOP_LINE_AT_M if arm.at_end else _STOP_LINE_AT_M
    lanes = [arm.lane_id(i, incoming=True) for i in range(arm.lanes_in)]
    heading = arm.pose_in[2]
    if opposite:
        post = opposite[0]
        # Behind the kerb to the right of traffic that leaves by the opposite arm.
        t_right = post.street.half_m + post.side_out.gutter_m + 0.7
        s = post.road.length - 0.6 if post.at_end else 0.6
        t = (t_right if post.at_end else -t_right) - post.street.offset_m
        turn = heading - post.road.pose(post.at_end)[2]
        _add_signal(post.road, signal, (s, t), turn, [])
        _add_reference(arm.road, signal, stop_s, lanes)
    else:
        t_right = arm.street.half_m + arm.side_in.gutter_m + 0.7
        t = (-t_right if arm.at_end else t_right) - arm.street.offset_m
        s = arm.road.length - 0.6 if arm.at_end else 0.6
        _add_signal(arm.road, signal, (s, t), 0.0 if arm.at_end else math.pi, [])
        _add_reference(arm.road, signal, stop_s, lanes)
    return signal


def draw_sign(town: TownDrawing, arm: Arm, control: str) -> None:
    """A `stop` or `yield` sign at the end of an arm."""
    if arm.lanes_in == 0:
        return
    facts = {
        "stop": ("Sign_Stop", "206", "no", "-1"),
        "yield": ("Sign_Yield", "205", "no", "-1"),
    }[control]
    distance_m = _STOP_LINE_AT_M - 1.0
    right = arm.street.half_m + arm.side_in.gutter_m + 0.6
    s = arm.road.length - distance_m if arm.at_end else distance_m
    t = (-right if arm.at_end else right) - arm.street.offset_m
    lanes = [arm.lane_id(i, incoming=True) for i in range(arm.lanes_in)]
    _add_signal(arm.road, town.new_id(), (s, t), 0.0 if arm.at_end else math.pi, lanes, facts)


def draw_yield_sign(town: TownDrawing, arm: Arm) -> None:
    """Give way at the end of an arm."""
    draw_sign(town, arm, "yield")


def draw_speed_sign(town: TownDrawing, arm: Arm) -> None:
    """The limit of an arm, for traffic that leaves the junction by it."""
    value = arm.street.speed[0]
    right = arm.street.half_m + arm.side_out.gutter_m + 0.6
    s = arm.road.length - SPEED_SIGN_AT_M if arm.at_end else SPEED_SIGN_AT_M
    t = (right if arm.at_end else -right) - arm.street.offset_m
    lanes = [arm.lane_id(i, incoming=False) for i in range(arm.lanes_out)]
    facts = (f"Speed_{value}", "274", "no", str(value))
    turn = math.pi if arm.at_end else 0.0
    _add_signal(arm.road, town.new_id(), (s, t), turn, lanes, facts)


def _add_signal(
    road: RoadDraft,
    signal: int,
    at: tuple[float, float],
    h_offset: float,
    lanes: list[int],
    facts: tuple[str, str, str, str] = ("Signal_3Light_Post01", "1000001", "yes", "-1"),
) -> None:
    name, kind, dynamic, value = facts
    side = "-" if at[1] < 0 else "+"
    turn = (h_offset + math.pi) % (2 * math.pi) - math.pi
    low, high = (min(lanes), max(lanes)) if lanes else (0, 0)
    road.signals.append(
        f'<signal name="{name}" id="{signal}" s="{at[0]:.4f}" t="{at[1]:.4f}" zOffset="0" '
        f'hOffset="{turn:.8f}" roll="0" pitch="0" orientation="{side}" dynamic="{dynamic}" '
        f'country="OpenDRIVE" type="{kind}" subtype="-1" value="{value}" text="" height="1" '
        f'width="0.5"><validity fromLane="{low}" toLane="{high}"/></signal>\n'
    )


def _add_reference(road: RoadDraft, signal: int, s: float, lanes: list[int]) -> None:
    side = "+" if lanes[0] < 0 else "-"
    road.signals.append(
        f'<signalReference id="{signal}" s="{s:.4f}" t="0" orientation="{side}">'
        f'<validity fromLane="{min(lanes)}" toLane="{max(lanes)}"/></signalReference>\n'
    )
