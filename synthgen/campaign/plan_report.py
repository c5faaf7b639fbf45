"""What a config would make, for `synthgen plan`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from synthgen.campaign.config import GenerationConfig
from synthgen.campaign.forecast import forecast, refuse_absurd
from synthgen.campaign.plan import committed_slots, make_plan


def plan_report(config: GenerationConfig, root: Path) -> dict[str, Any]:
    """Counts, sizes and the plan's digest as one flat mapping.

    Raises:
        ConfigError: The config or a file it names is wrong.
    """
    plan = make_plan(config, root)
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
