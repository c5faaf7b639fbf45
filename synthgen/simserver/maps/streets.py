"""Cross-sections of streets, and their ends at junctions."""

from __future__ import annotations

import math
from dataclasses import dataclass

from synthgen.simserver.maps.town_drawing import PlanPose, RoadDraft


@dataclass(frozen=True, slots=True)
class Side:
    """What lies beside the driving lanes: a gutter or parking lane, then a sidewalk."""

    gutter_m: float = 0.3
    has_parking: bool = False
    walk_m: float = 3.0


@dataclass(frozen=True, slots=True)
class Street:
    """A cross-section; traffic keeps right."""

    lanes_left: int = 1
    lanes_right: int = 1
    lane_m: float = 3.5
    left: Side = Side()
    right: Side = Side()
    center_mark: tuple[str, str] = ("broken", "yellow")
    speed: tuple[int, str] = (50, "km/h")
    kind: str = "town"

    @property
    def offset_m(self) -> float:
        """Lane 0, the reference line, lies so far to the left of the middle of the lanes."""
        return (self.lanes_right - self.lanes_left) * self.lane_m / 2

    @property
    def half_m(self) -> float:
        """From the middle to the edge of the driving lanes."""
        return (self.lanes_left + self.lanes_right) * self.lane_m / 2

    def kerb_m(self) -> float:
        """From the middle to the farther kerb."""
        return self.half_m + max(self.left.gutter_m, self.right.gutter_m)


@dataclass(frozen=True, eq=False, slots=True)
class Arm:
    """The end of a street at a junction; `at_end` where the road ends there."""

    road: RoadDraft
    street: Street
    at_end: bool

    @property
    def pose_in(self) -> PlanPose:
        """Pose of the middle line, heading into the junction."""
        x, y, heading = beside(self.road.pose(self.at_end), -self.street.offset_m)
        return (x, y, heading) if self.at_end else (x, y, heading + math.pi)

    @property
    def angle(self) -> float:
        """Direction from the junction towards the arm."""
        return (self.pose_in[2] + math.pi) % (2 * math.pi)

    @property
    def lanes_in(self) -> int:
        """Driving lanes towards the junction."""
        return self.street.lanes_right if self.at_end else self.street.lanes_left

    @property
    def lanes_out(self) -> int:
        """Driving lanes away from the junction."""
        return self.street.lanes_left if self.at_end else self.street.lanes_right

    @property
    def side_in(self) -> Side:
        """The kerb to the right of traffic towards the junction."""
        return self.street.right if self.at_end else self.street.left

    @property
    def side_out(self) -> Side:
        """The kerb to the right of traffic away from the junction."""
        return self.street.left if self.at_end else self.street.right

    def lane_id(self, number: int, *, incoming: bool) -> int:
        """Id of the number-th lane from the middle (0-based)."""
        return -(number + 1) if incoming == self.at_end else number + 1

    def point(self, right_m: float, *, outward: bool = False) -> PlanPose:
        """Pose `right_m` to the right of the middle line, as seen heading in."""
        x, y, heading = self.pose_in
        at = (x + right_m * math.sin(heading), y - right_m * math.cos(heading))
        return (*at, heading + math.pi if outward else heading)

    def middle_right_m(self) -> float:
        """Where lane 0 lies, to the right of the middle as seen heading in."""
        return -self.street.offset_m if self.at_end else self.street.offset_m


def beside(pose: PlanPose, left_m: float) -> PlanPose:
    """A pose moved to the left."""
    x, y, heading = pose
    return x - left_m * math.sin(heading), y + left_m * math.cos(heading), heading


def turn_between(a: Arm, b: Arm) -> float:
    """Angle turned from arm a to arm b, positive to the left."""
    return (b.angle - a.pose_in[2] + math.pi) % (2 * math.pi) - math.pi
