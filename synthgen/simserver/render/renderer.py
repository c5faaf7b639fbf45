"""The one scene all sensors look at."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from types import TracebackType

import numpy as np
from numpy.typing import NDArray

from synthgen.simserver.render import cameras, noise, radar, scans, self_test
from synthgen.simserver.render.embree import COHERENT_QUERY, SCATTERED_QUERY, device
from synthgen.simserver.render.environment import environment
from synthgen.simserver.render.fields import ENV_COLUMNS
from synthgen.simserver.render.grids import Grid
from synthgen.simserver.render.lights import body_grid, lamp_grid
from synthgen.simserver.render.records import F64, World
from synthgen.simserver.render.scene_graph import SceneGraph
from synthgen.simserver.render.shading import BODY_COLUMNS, LAMP_COLUMNS
from synthgen.simserver.render.sky import Sky, sky_of
from synthgen.simserver.render.specs import (
    CAMERA_OUTPUTS,
    CameraSpec,
    LidarSpec,
    LidarSweep,
    RadarSpec,
    RayHits,
    Scenery,
    Weather,
)
from synthgen.simserver.render.workers import Workers
from synthgen.simserver.scene import F32, I32, U8, Mesh, Model


class Renderer:
    """Static map, moving actors, and the sensors' views of them.

    Poses are (3, 4) float32 matrices, `map_from_part` and `map_from_sensor`, in CARLA's axes.
    Instance ids are 16 bit: an actor's is given by the caller, an environment object's is
    2^15 plus its index. Glass counts as solid in every output. Not thread-safe; never fork
    after the first use. Use as a context manager, or call `close`.

    Args:
        threads: Worker threads, at least 1. The result does not depend on it.
    """

    def __init__(self, threads: int) -> None:
        if threads < 1:
            raise ValueError(f"threads: expected at least 1, got {threads}")
        self._device = device(threads)
        self._workers = Workers(threads)
        self._film = cameras.Film()
        self._graph = SceneGraph(self._device)
        self._sky: tuple[Weather, Sky] | None = None
        self_test.run(self)
        self._start_over()

    def __enter__(self) -> Renderer:
        """This renderer."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, err: BaseException | None, tb: TracebackType | None
    ) -> None:
        """Close it."""
        self.close()

    def close(self) -> None:
        """Free the scene and stop the threads."""
        self._graph.release()
        self._workers.close()

    def load_map(
        self, static: Mesh, scenery: Sequence[Scenery] = (), street_lights: F32 | None = None
    ) -> None:
        """Replace the whole scene by this map; removes all actors.

        Args:
            static: Map geometry, map frame.
            scenery: Models placed many times.
            street_lights: (L, 7) float32: x, y, z of the lamp, linear RGB in 0..1, intensity
                (1 is an ordinary street lamp), or None.
        """
        self._start_over()
        self._graph.load(static, scenery, street_lights)

    def add_actor(self, actor_id: int, instance_id: int, model: Model, variant: int = 0) -> None:
        """Add an actor; it is unseen until its first `move`.

        Args:
            actor_id: Key for `move` and `remove_actor`.
            instance_id: What instance images and LiDAR report, 1 to 65535.
            model: Its parts; meshes are shared between actors with the same `Model` object.
            variant: Seed of the look where the mesh has no variants.

        Raises:
            ValueError: The actor exists already.
        """
        self._graph.add_actor(actor_id, instance_id, model, variant)

    def remove_actor(self, actor_id: int) -> None:
        """Remove an actor.

        Raises:
            KeyError: There is no such actor.
        """
        self._graph.remove_actor(actor_id)

    def clear_actors(self) -> None:
        """Remove all actors and what was kept for them; the scene is as after `load_map`."""
        self._graph.clear_actors()

    def move(
        self,
        actor_ids: Sequence[int],
        map_from_parts: Sequence[F32],
        light_bits: I32 | Sequence[int],
    ) -> None:
        """Begin a frame: place these actors and commit the scene once.

        Every actor's present poses become its previous ones first (optical flow, rolling
        shutter, spinning LiDAR), so call it once a tick with all actors; actors left out stay.

        Args:
            actor_ids: A of them.
            map_from_parts: Per actor (P, 3, 4) float32, the order of `Model.parts`.
            light_bits: (A,) int32, `scene.LIT_*` and CARLA's VehicleLightState.
        """
        self._graph.move(actor_ids, map_from_parts, light_bits)

    def hide(
        self, object_indices: Sequence[int], triangles: NDArray[np.bool_] | None = None
    ) -> None:
        """Hide exactly these environment objects, and (T,) these of the static triangles."""
        self._graph.hide(object_indices, triangles)

    def set_street_lights(self, street_lights: F32) -> None:
        """Light these street lamps and no others: (L, 7) float32 as in `load_map`."""
        self._graph.set_street_lights(street_lights)

    def camera(
        self,
        spec: CameraSpec,
        map_from_camera: F32,
        previous_map_from_camera: F32 | None,
        *,
        weather: Weather,
        frame: int,
        outputs: frozenset[str],
        delta_s: float = 0.05,
    ) -> dict[str, U8 | F32]:
        """All asked images of one camera from one trace.

        Labels are of the ray through each pixel's centre and never anti-aliased.

        Args:
            spec: The camera.
            map_from_camera: (3, 4) float32 pose at the frame.
            previous_map_from_camera: Pose at the previous frame (flow, motion blur, rolling
                shutter), None for a camera at rest.
            weather: The weather now.
            frame: Keys the noise, together with the sensor's seed.
            outputs: Of `CAMERA_OUTPUTS`. `rgb`, `depth`, `semantic`, `instance`, `normals`:
                (H, W, 4) uint8 BGRA in CARLA's encodings. `flow`: (H, W, 2) float32, motion
                of the seen point from the previous frame to this one, right and up
                positive, divided by half the width and half the height (CARLA's
                normalisation). `luma`: (H, W) float32 linear luminance (event camera).
            delta_s: Time since the previous poses (rolling shutter).
        """
        unknown = outputs - CAMERA_OUTPUTS
        if unknown:
            raise ValueError(f"outputs: no such image: {', '.join(sorted(unknown))}")
        rolls = spec.rolling_shutter_s > 0.0 and previous_map_from_camera is not None
        world = self._world(weather, lit=bool(outputs & {"rgb", "luma"}), moving=rolls)
        return cameras.photograph(
            world,
            self._workers,
            self._film,
            spec,
            np.asarray(map_from_camera, np.float32),
            previous_map_from_camera,
            frame=frame,
            outputs=outputs,
            delta_s=delta_s,
        )

    def lidar(
        self,
        spec: LidarSpec,
        map_from_lidar: F32,
        previous_map_from_lidar: F32 | None,
        *,
        weather: Weather,
        frame: int,
        delta_s: float,
        start_angle_rad: float,
        labels: bool = True,
    ) -> LidarSweep:
        """The points measured during the tick that ends now.

        Args:
            spec: The LiDAR.
            map_from_lidar: (3, 4) float32 pose at the tick.
            previous_map_from_lidar: Pose at the previous tick (spinning), None at rest.
            weather: The weather now (physical intensity).
            frame: Keys the noise, together with the sensor's seed.
            delta_s: Time since the last measurement.
            start_angle_rad: `horizontal_angle_rad` of the last sweep, 0 at first.
            labels: Also say what each point met, and at what angle.
        """
        return scans.sweep(
            self._world(
                weather,
                lit=False,
                moving=spec.spinning and previous_map_from_lidar is not None,
            ),
            self._workers,
            spec,
            np.asarray(map_from_lidar, np.float32),
            previous_map_from_lidar,
            boxes_m=self._graph.boxes_m(),
            weather=weather,
            frame=frame,
            delta_s=delta_s,
            start_angle_rad=start_angle_rad,
            labels=labels,
        )

    def radar(
        self,
        spec: RadarSpec,
        map_from_radar: F32,
        *,
        sensor_velocity_mps: F32,
        velocities_mps: Mapping[int, F32],
        frame: int,
        delta_s: float,
    ) -> F32:
        """(N, 4) float32 detections: velocity (negative approaches), azimuth, altitude, depth.

        Args:
            spec: The radar.
            map_from_radar: (3, 4) float32 pose at the tick.
            sensor_velocity_mps: (3,) in the map frame.
            velocities_mps: Instance id to (3,) velocity in the map frame; absent is at rest.
            frame: Keys the noise, together with the sensor's seed.
            delta_s: Time since the last measurement.
        """
        return radar.detections(
            self._world(Weather(), lit=False),
            self._workers,
            spec,
            np.asarray(map_from_radar, np.float32),
            sensor_velocity_mps=sensor_velocity_mps,
            velocities_mps=velocities_mps,
            frame=frame,
            delta_s=delta_s,
        )

    def cast(self, origins_m: F32, directions: F32, max_range_m: float) -> RayHits:
        """First hits of free rays: obstacle sensor, placement, `cast_ray`.

        Args:
            origins_m: (N, 3) float32, map frame.
            directions: (N, 3) float32, unit length.
            max_range_m: Hits farther away are none.
        """
        return scans.cast(
            self._world(Weather(), lit=False), self._workers, origins_m, directions, max_range_m
        )

    def empty_trace(self, width: int, height: int, map_from_camera: F32) -> None:
        """Trace a camera's rays and drop the hits: the benches' yardstick.

        Args:
            width: Pixels across; 90 degrees of view.
            height: Pixels down.
            map_from_camera: (3, 4) float32 pose.
        """
        spec = CameraSpec(width=width, height=height)
        cameras.trace_only(self._world(Weather(), lit=False), self._workers, spec, map_from_camera)

    def _start_over(self) -> None:
        self._graph.release()
        self._graph = SceneGraph(self._device)

    def _world(self, weather: Weather, *, lit: bool, moving: bool = False) -> World:
        """The kernels' view of the scene; labels and ranges need no light."""
        graph = self._graph
        lamps, lamp_cells, bodies, body_cells, env, table = _unlit()
        if lit:
            sky = self._sky_of(weather)
            bodies = graph.bodies()
            lamps = graph.lamps() if sky.night > 0.0 else lamps
            lamp_cells, body_cells = lamp_grid(lamps), body_grid(bodies)
            env = environment(weather, sky, lamp_cells, body_cells)
            table = sky.table.reshape(-1, 3)
        return World(
            scene=graph.moving_scene if moving else graph.scene,
            coherent=COHERENT_QUERY,
            scattered=SCATTERED_QUERY,
            triangles=graph.triangles,
            looks=graph.looks,
            slots=graph.slots,
            transforms=graph.transforms,
            previous=graph.previous,
            palette=graph.palette,
            textures=noise.textures(),
            sky=table,
            env=env,
            lamps=lamps,
            cells=lamp_cells.cells,
            bodies=bodies,
            body_cells=body_cells.cells,
        )

    def _sky_of(self, weather: Weather) -> Sky:
        if self._sky is None or self._sky[0] != weather:
            self._sky = (weather, sky_of(weather))
        return self._sky[1]


@cache
def _unlit() -> tuple[F64, Grid, F64, Grid, F32, F32]:
    """No lamps, no bodies, no environment and no sky: what rays that only measure look at."""
    lamps, bodies = np.zeros((0, LAMP_COLUMNS)), np.zeros((0, BODY_COLUMNS))
    env, table = np.zeros(ENV_COLUMNS, np.float32), np.zeros((0, 3), np.float32)
    return lamps, lamp_grid(lamps), bodies, body_grid(bodies), env, table
