"""What a config would make, for `synthgen plan`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from synthgen.campaign.config import GenerationConfig
from synthgen.campaign.forecast import forecast, refuse_absurd
from synthgen.campaign.plan import Plan, committed_slots


def plan_report(plan: Plan, config: GenerationConfig, root: Path) -> dict[str, Any]:
    """Counts, sizes and the plan's digest as one flat mapping.

    Args:
        plan: The plan of the config.
        config: The config.
        root: Folder that the config's relative paths start from.

    Raises:
        ConfigError: The plan is too large.
    """
    refuse_absurd(plan, config.max_bytes)
    size = forecast(plan)
    dataset = (root / config.out).resolve()
    done = len(committed_slots(dataset))
    return {
        "name": plan.name,
        "plan_sha256": plan.digest,
        "dataset": str(dataset),
        "scenarios": ", ".join(plan.scenarios),
        "maps": ", ".join(source.name for source in plan.maps),
        "rig": plan.rig.path,
        "seed": plan.seed,
        "clips": size.clips,
        "clips_done": done,
        "frames": size.frames,
        "bytes_at_most": size.bytes,
        "draws_at_most": size.clips * plan.max_draws,
        "workers": config.workers,
    }
