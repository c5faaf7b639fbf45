"""How loud one V2X antenna hears another: path loss, shadowing by vehicles and buildings, fading.

Source: ETSI TR 103 257-1 V1.1.1 (path states, WINNER+ B1 and fading tables); two-ray ground
reflection; single knife edge of ITU-R P.526. The models and attributes are those of CARLA's V2X
sensors.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from synthgen.simserver.sensors.attributes import Attributes
from synthgen.simserver.sensors.inertial import noise_source
from synthgen.simserver.sensors.scene_mirror import SceneMirror
from synthgen.simserver.wire.structs import Vector3D
from synthgen.simserver.world.actors import Actor, ActorKind

if TYPE_CHECKING:
    from synthgen.simserver.world.world import World

Point = NDArray[np.float64]
LIGHT_MPS = 299_792_458.0
# Relative permittivity of the ground in the two-ray model, as CARLA's.
_GROUND_PERMITTIVITY = 1.02
# An antenna stands this far above the roof of what carries it.
_MAST_M = 0.02
# Below this an edge takes nothing away (ITU-R P.526, equation 31).
_LEAST_EDGE = -0.78
_MOST_OBSTACLES = 16
_STEP_M = 0.05


class Path(Enum):
    """What is between two antennas; the values are the standard's words."""

    CLEAR = "LOS"
    VEHICLES = "NLOSv"
    BUILDINGS = "NLOSb"


# Deviation of the shadow fading in dB; the rural values lie between the two that are published.
_FADING_DB = {
    Path.CLEAR: {"highway": 3.3, "urban": 5.2, "rural": 4.25},
    Path.VEHICLES: {"highway": 3.8, "urban": 5.3, "rural": 4.55},
    Path.BUILDINGS: {"highway": 6.8, "urban": 6.8, "rural": 6.8},
}


@dataclass(frozen=True, slots=True)
class Antenna:
    """One end of a link.

    Attributes:
        carrier_id: The actor that it belongs to: its parent's, else its own.
        base: Where its carrier stands.
        height_m: Of the antenna above that.
    """

    carrier_id: int
    base: Vector3D
    height_m: float

    @classmethod
    def of(cls, world: World, sensor: Actor) -> Antenna:
        """On the roof of the sensor's parent, or where a sensor without one is."""
        carrier = world.actors.find(sensor.parent_id)
        if carrier is None:
            return cls(sensor.id, world.actors.pose(sensor).location, 0.0)
        return cls.on(world, carrier)

    @classmethod
    def on(cls, world: World, carrier: Actor) -> Antenna:
        """On the roof of an actor."""
        roof_m = carrier.bounding_box.location.z + carrier.bounding_box.extent.z
        return cls(carrier.id, world.actors.pose(carrier).location, roof_m + _MAST_M)

    @property
    def top(self) -> Point:
        """The antenna itself."""
        return np.array((self.base.x, self.base.y, self.base.z + self.height_m))


@dataclass(frozen=True, slots=True)
class Link:
    """Two antennas."""

    sender: Antenna
    receiver: Antenna

    @property
    def distance_m(self) -> float:
        """Between the antennas."""
        return float(np.linalg.norm(self.sender.top - self.receiver.top))

    @property
    def heights_m(self) -> tuple[float, float]:
        """Of sender and receiver above the lower of their grounds."""
        floor = min(self.sender.base.z, self.receiver.base.z)
        return float(self.sender.top[2] - floor), float(self.receiver.top[2] - floor)


@dataclass(frozen=True, slots=True)
class Ether:
    """What carries messages in one frame.

    Attributes:
        world: Where the antennas are.
        scene: What can stand between them.
        frame: Keys the fading.
    """

    world: World
    scene: SceneMirror
    frame: int

    def received_dbm(self, link: Link, *, transmit_dbm: float, channel: Attributes) -> float | None:
        """The power of a message at its receiver, or None for one that is not heard.

        Args:
            link: From where to where.
            transmit_dbm: The sender's power.
            channel: The receiver's attributes, which describe the channel.
        """
        if not 0.0 < link.distance_m < channel.number("filter_distance"):
            return None
        path, roofs = self._between(link)
        loss_db = _loss_db(path, roofs, link, channel) + self._fading_db(path, link, channel)
        power_dbm = transmit_dbm + channel.number("combined_antenna_gain") - loss_db
        return power_dbm if power_dbm >= channel.number("receiver_sensitivity") else None

    def _between(self, link: Link) -> tuple[Path, list[Point]]:
        """What is in the way: nothing, roofs of vehicles, or else, which ends the search."""
        start, distance_m = link.receiver.top, link.distance_m
        direction = (link.sender.top - start) / distance_m
        roofs: dict[int, Point] = {}
        passed_m = 0.0
        for _ in range(_MOST_OBSTACLES):
            at = (start + direction * passed_m)[None]
            rays = self.scene.hits(self.world, at, direction[None], distance_m - passed_m)
            hit = next(rays, None)
            if hit is None:
                break
            passed_m += hit[0] + _STEP_M
            actor = self.world.actors.find(hit[1])
            if actor is None or actor.kind is not ActorKind.VEHICLE:
                return Path.BUILDINGS, []
            if actor.id not in (link.sender.carrier_id, link.receiver.carrier_id):
                roofs[actor.id] = Antenna.on(self.world, actor).top
        return (Path.VEHICLES if roofs else Path.CLEAR), list(roofs.values())

    def _fading_db(self, path: Path, link: Link, channel: Attributes) -> float:
        if channel.flag("use_etsi_fading"):
            deviation_db = _FADING_DB[path][channel.text("scenario")]
        else:
            deviation_db = channel.number("custom_fading_stddev")
        ends = (link.sender.carrier_id << 16) ^ link.receiver.carrier_id
        seed = channel.whole("noise_seed") ^ ends
        return deviation_db * float(noise_source(seed, self.frame).standard_normal())


def _loss_db(path: Path, roofs: Sequence[Point], link: Link, channel: Attributes) -> float:
    frequency_ghz = channel.number("frequency_ghz")
    wavelength_m = LIGHT_MPS / (frequency_ghz * 1e9)
    distance_m = link.distance_m
    edge_db = max((_knife_edge_db(roof, link, wavelength_m) for roof in roofs), default=0.0)
    if channel.text("path_loss_model") == "winner":
        scenario = channel.text("scenario")
        return _winner_db(path, scenario, distance_m, frequency_ghz) + edge_db
    if path is Path.CLEAR:
        return _two_ray_db(distance_m, *link.heights_m, wavelength_m)
    if path is Path.VEHICLES:
        return _free_space_db(distance_m, wavelength_m) + edge_db
    reference_m = channel.number("d_ref")
    reference_db = _free_space_db(reference_m, wavelength_m)
    exponent = channel.number("path_loss_exponent")
    return reference_db + 10.0 * exponent * math.log10(distance_m / reference_m)


def _free_space_db(distance_m: float, wavelength_m: float) -> float:
    return 20.0 * math.log10(4.0 * math.pi * distance_m / wavelength_m)


def _winner_db(path: Path, scenario: str, distance_m: float, frequency_ghz: float) -> float:
    far, high = math.log10(distance_m), math.log10(frequency_ghz)
    if path is Path.BUILDINGS:
        return 36.85 + 30.0 * far + 18.9 * high
    if scenario == "highway":
        return 32.4 + 20.0 * far + 20.0 * high
    return 38.77 + 16.7 * far + 18.2 * high


def _two_ray_db(
    distance_m: float, sender_m: float, receiver_m: float, wavelength_m: float
) -> float:
    """The direct ray and the one that the ground reflects, with their phases."""
    ground_m = math.sqrt(max(distance_m**2 - (sender_m - receiver_m) ** 2, 1e-6))
    reflected_m = math.sqrt(distance_m**2 + 4.0 * sender_m * receiver_m)
    sine, cosine = (sender_m + receiver_m) / reflected_m, ground_m / reflected_m
    root = math.sqrt(_GROUND_PERMITTIVITY - cosine**2)
    reflection = (sine - root) / (sine + root)
    phase = 2.0 * math.pi / wavelength_m * (distance_m - reflected_m)
    gain = math.hypot(1.0 + reflection * math.cos(phase), reflection * math.sin(phase))
    return 20.0 * math.log10(4.0 * math.pi * ground_m / wavelength_m / max(gain, 1e-6))


def _knife_edge_db(roof: Point, link: Link, wavelength_m: float) -> float:
    """What a roof that reaches into the line between two antennas, or near it, takes away."""
    sender, receiver = link.sender.top, link.receiver.top
    before_m = max(math.dist(sender[:2], roof[:2]), _STEP_M)
    behind_m = max(math.dist(roof[:2], receiver[:2]), _STEP_M)
    line_m = sender[2] + (receiver[2] - sender[2]) * before_m / (before_m + behind_m)
    v = (roof[2] - line_m) * math.sqrt(
        2.0 * (before_m + behind_m) / (wavelength_m * before_m * behind_m)
    )
    if v < _LEAST_EDGE:
        return 0.0
    return 6.9 + 20.0 * math.log10(math.sqrt((v - 0.1) ** 2 + 1.0) + v - 0.1)
