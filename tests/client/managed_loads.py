"""Loads towns while one Traffic Manager drives: `python -m tests.client.managed_loads PORT MODE`.

A process of its own, because a client whose manager finds no episode ends its process.
"""

from __future__ import annotations

import sys

import carla

from tests.client.conftest import free_port

TICKS = 100
OFF_LANE_M = 1.0


def main(port: int, mode: str) -> None:
    """Drive and load in turn; `mode` is that of world and manager."""
    client = carla.Client("127.0.0.1", port, worker_threads=8)
    client.set_timeout(60.0)
    manager_port = free_port()
    manager = client.get_trafficmanager(manager_port)
    for town in ("", "SynthMotorway", "SynthDowntown"):
        world = client.load_world(town) if town else client.get_world()
        settings = world.get_settings()
        settings.synchronous_mode = mode == "synchronous"
        settings.fixed_delta_seconds = 0.05
        world.apply_settings(settings)
        manager.set_synchronous_mode(settings.synchronous_mode)
        model = world.get_blueprint_library().find("vehicle.audi.tt")
        roads = world.get_map()
        cars = [world.spawn_actor(model, p) for p in roads.get_spawn_points()[:90:30]]
        advance = world.tick if settings.synchronous_mode else world.wait_for_tick
        advance()
        for car in cars:
            car.set_autopilot(True, manager_port)
        starts = [car.get_location() for car in cars]
        for _ in range(TICKS):
            advance()
        for car, start in zip(cars, starts, strict=True):
            place = car.get_location()
            lane = roads.get_waypoint(place).transform.location
            if place.distance_2d(lane) > OFF_LANE_M or place.distance_2d(start) < 5.0:
                sys.exit(f"{roads.name}: a car went from {start} to {place}")
    print("loaded")  # noqa: T201  # for the test
    manager.shut_down()


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2])
