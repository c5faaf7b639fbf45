"""What is odd about a plan, though it can be made: told before a run starts."""

from __future__ import annotations

from scenarios.catalogue import SIZES
from scenarios.loader import check_scenario
from sensors.rig import Rig
from sensors.rig_lint import USUAL_EGO_LWH_M, lint_rig
from synthgen.campaign.plan import Plan


def plan_notes(plan: Plan) -> list[str]:
    """A line for each finding about the rig and the scenarios, and for clips of another length."""
    files = dict.fromkeys(task.scenario_file for task in plan.slots if task.replay is None)
    scenarios = [note for file in files for note in _of_scenario(file, plan.capture.duration_s)]
    return [*_of_rig(plan), *scenarios]


def _of_rig(plan: Plan) -> list[str]:
    """Findings about the rig on the ego that it is meant for."""
    rig = Rig.model_validate(plan.rig.content)
    size = SIZES.get(rig.ego_blueprint or "", USUAL_EGO_LWH_M)
    return [f"rig {rig.name}: {finding}" for finding in lint_rig(rig, ego_lwh_m=size)]


def _of_scenario(file: str, captured_s: float) -> list[str]:
    """What a scenario asks for in vain; its own duration too, where the config says another."""
    spec, lints = check_scenario(file)
    notes = [str(lint) for lint in lints]
    if isinstance(spec.duration, int | float) and spec.duration != captured_s:
        notes.append(
            f"scenario {spec.name}: says duration {spec.duration:g} s, its clips are "
            f"{captured_s:g} s long: the config's capture.duration_s counts"
        )
    return notes
