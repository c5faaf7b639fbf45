"""Equal runs give equal bytes; the package costs nothing until it is used."""

from __future__ import annotations

import hashlib
import subprocess
import sys

import numpy as np

from synthgen.simserver.physics import Dynamics, StaticBoxes
from tests.unit.simserver.physics.bodies import (
    add_car,
    add_walker,
    contacts_of_a_step,
    make_dynamics,
    press,
)


def crowded_street() -> Dynamics:
    """Cars and walkers that drive into each other and into poles."""
    rng = np.random.default_rng(5)
    centers = np.column_stack([rng.uniform(-60, 60, (200, 2)), np.ones(200)])
    poles = StaticBoxes(centers, np.tile([0.1, 0.1, 2.0], (200, 1)), rng.uniform(0, 3, 200))
    dynamics = make_dynamics(statics=poles)
    for actor_id in range(1, 31):
        x, y = rng.uniform(-60.0, 60.0, 2)
        add_car(dynamics, actor_id, x=float(x), y=float(y), yaw=float(rng.uniform(-180, 180)))
        press(dynamics, actor_id, throttle=0.5, steer=float(rng.uniform(-0.3, 0.3)))
    for actor_id in range(100, 120):
        x, y = rng.uniform(-60.0, 60.0, 2)
        add_walker(dynamics, actor_id, x=float(x), y=float(y))
        dynamics.walkers.set_control(actor_id, (float(x), float(-y), 0.0), 1.5, False)
    return dynamics


def digest(dynamics: Dynamics, ticks: int) -> str:
    sha = hashlib.sha256()
    for _ in range(ticks):
        contacts = contacts_of_a_step(dynamics)
        sha.update(dynamics.vehicles.kinematics.tobytes())
        sha.update(dynamics.walkers.kinematics.tobytes())
        sha.update(repr(contacts).encode())
    return sha.hexdigest()


def test_equal_runs_give_equal_bytes() -> None:
    assert digest(crowded_street(), 150) == digest(crowded_street(), 150)


def test_state_stays_finite_in_a_crowded_street() -> None:
    dynamics = crowded_street()
    digest(dynamics, 150)
    assert np.isfinite(dynamics.vehicles.kinematics).all()
    assert np.isfinite(dynamics.walkers.kinematics).all()
    assert np.abs(dynamics.vehicles.kinematics[:, 6:8]).max() < 60.0


def test_cleared_world_runs_like_a_new_one() -> None:
    used = crowded_street()
    digest(used, 20)
    used.clear()
    fresh = make_dynamics()
    used.statics = fresh.statics
    for dynamics in (used, fresh):
        add_car(dynamics)
        press(dynamics, throttle=1.0)
    assert digest(used, 40) == digest(fresh, 40)


def test_importing_the_package_does_not_import_numba() -> None:
    code = (
        "import sys\n"
        "from synthgen.simserver.physics import Dynamics, StaticBoxes, flat_ground\n"
        "d = Dynamics(flat_ground(), StaticBoxes.none())\n"
        "d.step(0.05)\n"
        "d.overlaps((0, 0, 0), 0.0, (0, 0, 1), (1, 1, 1))\n"
        "print('numba' in sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
