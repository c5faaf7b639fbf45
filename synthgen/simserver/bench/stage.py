"""Streets with traffic, for pictures: a town, parked scenery and actors of the library."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from synthgen.simserver.assets.library import model_of
from synthgen.simserver.assets.poses import pose_of_vehicle, rest_pose
from synthgen.simserver.maps import known_maps, load_map
from synthgen.simserver.maps.townmap import TownMap
from synthgen.simserver.render.renderer import Renderer
from synthgen.simserver.scene import F32
from synthgen.simserver.sensors.scenery import scenery_of, street_lamps_of
from synthgen.simserver.world.environment import Environment

logger = logging.getLogger(__name__)

TRAFFIC = (
    "vehicle.tesla.model3",
    "vehicle.audi.a2",
    "vehicle.nissan.patrol_2021",
    "vehicle.ford.crown",
    "vehicle.mercedes.sprinter",
    "vehicle.mini.cooper_s",
    "vehicle.dodge.charger_2020",
    "vehicle.volkswagen.t2",
)
COLOURS = ("210,210,210", "25,25,28", "120,125,130", "130,20,20", "20,45,100", "235,235,230")


def pose_matrix(x: float, y: float, z: float, yaw_deg: float = 0.0, pitch_deg: float = 0.0) -> F32:
    """(3, 4) pose in CARLA's axes; positive pitch looks up."""
    yaw, pitch = np.deg2rad(yaw_deg), np.deg2rad(pitch_deg)
    c, s, cp, sp = np.cos(yaw), np.sin(yaw), np.cos(pitch), np.sin(pitch)
    return np.array(
        [[c * cp, -s, -c * sp, x], [s * cp, c, -s * sp, y], [sp, 0.0, cp, z]], np.float32
    )


@dataclass(slots=True)
class Stage:
    """A town in a renderer, and the actors put into it."""

    renderer: Renderer
    town: TownMap
    poses: dict[int, F32] = field(default_factory=dict)
    lights: dict[int, int] = field(default_factory=dict)

    def put(
        self,
        key: str,
        at: tuple[float, float, float],
        yaw_deg: float,
        *,
        lights: int = 0,
        color: str | None = None,
    ) -> None:
        """Place an actor of the library on the ground."""
        number = len(self.poses) + 1
        model = model_of(key, {} if color is None else {"color": color}, number)
        parts = pose_of_vehicle(model) if key.startswith("vehicle.") else rest_pose(model)
        lift = 0.0
        if key.startswith("walker."):
            lift = float(model.box_extent_m[2] - model.box_center_m[2])
        actor = pose_matrix(at[0], at[1], at[2] + lift, yaw_deg)
        placed = np.empty_like(parts)
        placed[:, :, :3] = actor[:, :3] @ parts[:, :, :3]
        placed[:, :, 3] = parts[:, :, 3] @ actor[:, :3].T + actor[:, 3]
        self.renderer.add_actor(number, number, model, number)
        self.poses[number] = placed
        self.lights[number] = lights

    def take_last(self) -> None:
        """Take the actor away that was put last."""
        number = len(self.poses)
        self.renderer.remove_actor(number)
        del self.poses[number], self.lights[number]

    def begin(self) -> None:
        """Show all actors where they were put."""
        numbers = list(self.poses)
        self.renderer.move(
            numbers, [self.poses[n] for n in numbers], [self.lights[n] for n in numbers]
        )

    def fill(self, seed: int, egos: Sequence[int], *, lights: int = 0, share: float = 0.5) -> None:
        """Traffic on a share of the spawn points, none within 9 m of the egos'."""
        rng = np.random.default_rng(seed)
        here = np.array([self.town.spawn_points[ego].location_m for ego in egos])
        for point in self.town.spawn_points:
            chosen, key, colour = rng.random(), rng.choice(TRAFFIC), rng.choice(COLOURS)
            nearest = np.linalg.norm(here - point.location_m, axis=1).min()
            if chosen > share or nearest < 9.0:
                continue
            x, y, z = point.location_m
            spot = (x, y, z - 0.5)
            self.put(str(key), spot, point.yaw_deg, lights=lights, color=str(colour))

    def ego_pose(self, ego: int, height_m: float) -> F32:
        """A sensor above a spawn point, looking along the lane."""
        point = self.town.spawn_points[ego]
        x, y, z = point.location_m
        return pose_matrix(x, y, z - 0.5 + height_m, point.yaw_deg)


def open_stage(renderer: Renderer, town_name: str) -> Stage:
    """A town of ours with its scenery, without actors."""
    text = known_maps()[town_name].read_text(encoding="utf-8")
    town = load_map(town_name, text)
    renderer.load_map(town.static, scenery_of(town), street_lamps_of(Environment(town).lights))
    return Stage(renderer, town)
