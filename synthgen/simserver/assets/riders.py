"""Riders: a figure in the saddle, hands on the grips, feet on pegs or pedals."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np

from synthgen.simserver.assets.cycles import CRANK_M, Point, TwoWheeler, is_bicycle
from synthgen.simserver.assets.figure import figure
from synthgen.simserver.assets.looks import Look
from synthgen.simserver.assets.shapes import F64, Shape, join, rotation
from synthgen.simserver.assets.skeleton import rest_joints


class Rider:
    """A seated figure; hands on the grips, feet on pegs, floor or pedals.

    The stature is scaled so that the crown reaches the height of the box.
    """

    def __init__(self, spec: TwoWheeler, height: float) -> None:
        self.spec = spec
        helmet = "helmet" if is_bicycle(spec.kind) else "fullface"
        hair = helmet if spec.look == "helmet" else spec.look
        self.look = Look(
            spec.stature_m, hair=hair, top="jacket", female=spec.look == "long",
            shoes="trainers" if is_bicycle(spec.kind) else "boots", coarse=True,
        )  # fmt: skip
        self.height = height
        self.lean = self._lean()

    def _hip(self) -> F64:
        x, z = self.spec.seat
        return np.array([x, 0.0, z + 0.065 * self.look.stature_m * 0.9])

    def _lean(self) -> float:
        """Lean of the back that brings the crown to the wanted height, by bisection."""
        low, high = -12.0, 75.0
        for _ in range(40):
            middle = (low + high) / 2
            if self._crown(middle) > self.height:
                low = middle
            else:
                high = middle
        return low

    def _crown(self, lean: float) -> float:
        """Height of the top of the head."""
        return float(self._head(lean).bounds_m()[1, 2])

    def _head(self, lean: float) -> Shape:
        shape = figure_of(self.look)["crl_Head__C"]
        rise = self._joint("crl_Head__C") - self._joint("crl_hips__C")
        at = self._hip() + rotation("y", lean) @ rise
        return _placed(shape, rotation("y", lean * 0.25), at)

    def _joint(self, name: str) -> F64:
        return rest_joints()[name] * self.look.stature_m

    def _upper(self, lean: float) -> dict[str, Shape]:
        """Hips, chest and head in the actor frame."""
        shapes = figure_of(self.look)
        at, tilt = self._hip(), rotation("y", lean)
        hips = self._joint("crl_hips__C")
        out = {"crl_hips__C": _placed(shapes["crl_hips__C"], rotation("y", lean * 0.6), at)}
        chest_at = at + tilt @ (self._joint("crl_spine01__C") - hips)
        out["crl_spine01__C"] = _placed(shapes["crl_spine01__C"], tilt, chest_at)
        out["crl_Head__C"] = self._head(lean)
        return out

    def parts(self) -> dict[str, tuple[Shape, Point]]:
        """Part name to shape and pivot; legs of cyclists are parts of their own."""
        upper = list(self._upper(self.lean).values())
        for side, sign in (("L", -1.0), ("R", 1.0)):
            upper += self._arm(side, sign)
        out: dict[str, tuple[Shape, Point]] = {}
        zero = (0.0, 0.0, 0.0)
        shapes = figure_of(self.look)
        legs = []
        for side, sign in (("L", -1.0), ("R", 1.0)):
            pose = self.leg_pose(side, sign, 0.0)
            for bone, (turn, at) in pose.items():
                if is_bicycle(self.spec.kind):
                    x, y, z = at.tolist()
                    bent = _placed(shapes[bone], turn, np.zeros(3))
                    out[f"rider_{bone}"] = (bent, (x, y, z))
                else:
                    legs.append(_placed(shapes[bone], turn, at))
        out["rider_body"] = (join([*upper, *legs]), zero)
        return out

    def _arm(self, side: str, sign: float) -> list[Shape]:
        shapes = figure_of(self.look)
        names = [f"crl_{n}__{side}" for n in ("arm", "foreArm", "hand")]
        hips, tilt = self._joint("crl_hips__C"), rotation("y", self.lean)
        shoulder = self._hip() + tilt @ (self._joint(names[0]) - hips)
        x, y, z = self.spec.grip
        grip = np.array([x - 0.05, sign * (y - 0.03), z + 0.035])
        a = self._joint(names[1]) - self._joint(names[0])
        b = self._joint(names[2]) - self._joint(names[1])
        elbow, wrist = two_links(shoulder, grip, a, b, np.array([-0.5, sign * 0.2, -0.9]))
        upper, lower = turn_to(a, elbow - shoulder), turn_to(b, wrist - elbow)
        hand = turn_to(b, np.array([0.9, 0.0, -0.25]))
        return [
            _placed(shapes[names[0]], upper, shoulder),
            _placed(shapes[names[1]], lower, elbow),
            _placed(shapes[names[2]], hand, wrist),
        ]

    def leg_pose(self, side: str, sign: float, crank_deg: float) -> dict[str, tuple[F64, F64]]:
        """Turn and joint of thigh, shin and foot; the crank's right arm points forward at 0."""
        names = [f"crl_{n}__{side}" for n in ("thigh", "leg", "foot")]
        hips = self._joint("crl_hips__C")
        hip = self._hip() + (self._joint(names[0]) - hips) * np.array([1, 1.25, 1])
        x, half, z = self.spec.foot
        sole = np.array([x, sign * (half + 0.02), z])
        if is_bicycle(self.spec.kind):
            angle = np.radians(crank_deg)
            sole = sole + sign * CRANK_M * np.array([np.cos(angle), 0, -np.sin(angle)])
        ankle_high = self._joint(names[2])[2]
        tip = 12.0 if is_bicycle(self.spec.kind) else 0.0
        foot = rotation("y", tip)
        ankle = sole - foot @ np.array([0.075 * self.look.stature_m, 0, -ankle_high])
        a = self._joint(names[1]) - self._joint(names[0])
        b = self._joint(names[2]) - self._joint(names[1])
        knee, ankle = two_links(hip, ankle, a, b, np.array([1.0, sign * 0.25, 0.3]))
        return {
            names[0]: (turn_to(a, knee - hip), hip),
            names[1]: (turn_to(b, ankle - knee), knee),
            names[2]: (foot, ankle),
        }


@cache
def figure_of(look: Look) -> dict[str, Shape]:
    """The figure of a look, built once."""
    return figure(look)


def _placed(shape: Shape, turn: F64, at: F64) -> Shape:
    return replace(shape, vertices_m=shape.vertices_m @ turn.T + at)


def two_links(start: F64, goal: F64, a: F64, b: F64, hint: F64) -> tuple[F64, F64]:
    """Middle joint and end of a two-link chain that reaches for a goal.

    Args:
        start: Where it begins.
        goal: Where it should end.
        a: First link at rest; only its length counts.
        b: Second link at rest; likewise.
        hint: Direction in which the middle joint bends.
    """
    first, second = float(np.linalg.norm(a)), float(np.linalg.norm(b))
    line = goal - start
    reach = min(float(np.linalg.norm(line)), (first + second) * 0.999)
    along = line / np.linalg.norm(line)
    share = (first**2 + reach**2 - second**2) / (2 * reach)
    bend = hint - along * float(hint @ along)
    bend /= np.linalg.norm(bend)
    middle = start + along * share + bend * np.sqrt(max(first**2 - share**2, 0.0))
    return middle, start + along * reach


def turn_to(rest: F64, wanted: F64) -> F64:
    """The least rotation that takes one direction to another (Rodrigues)."""
    u, v = rest / np.linalg.norm(rest), wanted / np.linalg.norm(wanted)
    w, c = np.cross(u, v), float(u @ v)
    k = np.array([[0, -w[2], w[1]], [w[2], 0, -w[0]], [-w[1], w[0], 0]])
    return np.asarray(np.eye(3) + k + k @ k / (1 + c), np.float64)
