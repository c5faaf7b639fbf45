"""What is odd about a plan, though it can be made: told before a run starts."""

from __future__ import annotations

from scenarios.catalogue import SIZES
from scenarios.loader import load_scenario
from sensors.rig import Rig
from sensors.rig_lint import USUAL_EGO_LWH_M, lint_rig
from synthgen.campaign.plan import Plan


def plan_notes(plan: Plan) -> list[str]:
    """A line for each finding about the rig, and for each scenario cut short or drawn out."""
    return [*_of_rig(plan), *_of_durations(plan)]


def _of_rig(plan: Plan) -> list[str]:
    """Findings about the rig on the ego that it is meant for."""
    rig = Rig.model_validate(plan.rig.content)
    size = SIZES.get(rig.ego_blueprint or "", USUAL_EGO_LWH_M)
    return [f"rig {rig.name}: {finding}" for finding in lint_rig(rig, ego_lwh_m=size)]


def _of_durations(plan: Plan) -> list[str]:
    """Scenarios that were written for clips of another length than the config makes."""
    captured_s = plan.capture.duration_s
    files = dict.fromkeys(task.scenario_file for task in plan.slots if task.replay is None)
    specs = [load_scenario(file) for file in files]
    return [
        f"scenario {spec.name}: says duration {spec.duration:g} s, its clips are "
        f"{captured_s:g} s long: the config's capture.duration_s counts"
        for spec in specs
        if isinstance(spec.duration, int | float) and spec.duration != captured_s
    ]
