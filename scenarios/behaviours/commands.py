"""What a choreography sees and what it orders: plain data on both sides of a tick."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from scenarios.concrete import Pose


@dataclass(frozen=True, slots=True)
class ActorView:
    """State of one actor, right-handed world frame.

    `x_m`, `y_m`, `z_m` and `yaw_rad` are those of the actor's origin; `size_lwh_m` is its full box.
    `max_steer_rad` is the road-wheel angle at full steer (70 degrees on most of CARLA's cars).
    """

    x_m: float
    y_m: float
    z_m: float
    yaw_rad: float
    velocity_x_mps: float
    velocity_y_mps: float
    speed_mps: float
    size_lwh_m: tuple[float, float, float]
    is_alive: bool = True
    max_steer_rad: float = 1.22
    wheelbase_m: float = 2.8


@dataclass(frozen=True, slots=True)
class WorldView:
    """The world after `tick` ticks (0 = just spawned). `signals`: OpenDRIVE id to state."""

    tick: int
    actors: Mapping[str, ActorView]
    signals: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class VehicleControl:
    """Pedals 0..1; `steer` -1..1 as a share of the full steer angle, positive LEFT."""

    actor: str
    throttle: float
    steer: float
    brake: float
    reverse: bool = False
    hand_brake: bool = False


@dataclass(frozen=True, slots=True)
class WalkerControl:
    """Walk in `direction_world_xyz` (unit vector, right-handed world) at `speed_mps`."""

    actor: str
    direction_world_xyz: tuple[float, float, float]
    speed_mps: float
    jump: bool = False


@dataclass(frozen=True, slots=True)
class Teleport:
    """Put an actor (a prop that moves, a walker that hangs at a kerb) at a pose, facing its yaw."""

    actor: str
    pose: Pose
    speed_mps: float


@dataclass(frozen=True, slots=True)
class SetTargetVelocity:
    """Give an actor a velocity at once; only used before the record window and for props."""

    actor: str
    velocity_world_xyz_mps: tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class OpenDoor:
    """Open a door: `front_left`, `front_right`, `rear_left` or `rear_right`."""

    actor: str
    door: str


@dataclass(frozen=True, slots=True)
class SetLights:
    """Switch exactly these lights on: `position low_beam high_beam brake reverse fog ...`."""

    actor: str
    flags: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SetSignal:
    """Put a traffic light (OpenDRIVE id) into a state, and freeze it there if asked."""

    signal_id: str
    state: str
    freeze: bool = True


Command = (
    VehicleControl | WalkerControl | Teleport | SetTargetVelocity | OpenDoor | SetLights | SetSignal
)
