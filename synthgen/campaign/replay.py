"""`synthgen replay`: shows the clips of a dataset again and captures them with another rig."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from sensors.rig_file import load_rig, rig_path
from synthgen.campaign.config import GENERATION_SCHEMA, GenerationConfig
from synthgen.campaign.plan import Plan, SlotTask, read_dataset
from synthgen.campaign.progress import Progress
from synthgen.campaign.run import run_campaign
from synthgen.datatypes.clip_job import MapSource, RigSource, SimulatorKind, Slot
from synthgen.errors import ConfigError, DatasetError
from synthgen.store.clip_reader import ClipReader, open_dataset


@dataclass(frozen=True, slots=True)
class ReplayOptions:
    """How to replay.

    Attributes:
        image_scale: Size of the rig's images.
        quality: Picture quality of the server, or None for the dataset's own.
        simulator: HOST:PORT of a CARLA server, or None for the embedded one.
        workers: Simulator slots.
        limit: Clips to replay at most, or None for all.
    """

    image_scale: float = 1.0
    quality: str | None = None
    simulator: str | None = None
    workers: int = 1
    limit: int | None = None


def replay_dataset(
    dataset: Path, rig: Path, out: Path, progress: Progress, options: ReplayOptions
) -> int:
    """Make a dataset of the same clips with another rig.

    Args:
        dataset: The dataset whose clips are shown again.
        rig: Rig file.
        out: Folder of the new dataset.
        progress: Where the run's story goes.
        options: The rest.

    Returns:
        The exit code of the command line.

    Raises:
        SynthgenError: The run could not start.
    """
    if out.resolve() == dataset.resolve():
        raise ConfigError(f"{out}: is the dataset to replay; choose another --out")
    clips = open_dataset(dataset)[: options.limit]
    record = read_dataset(dataset)
    if not clips:
        raise DatasetError(f"{dataset}: no clip is there to replay")
    quality = options.quality or record.plan.simulator.quality
    kind: Literal["carla", "embedded"] = "embedded" if options.simulator is None else "carla"
    rig = rig_path(str(rig))
    content = load_rig(rig).scaled(options.image_scale).model_dump(mode="json", by_alias=True)
    plan = Plan(
        name=record.plan.name,
        seed=record.plan.seed,
        rig=RigSource(path=str(rig.absolute()), content=content),
        capture=record.plan.capture,
        simulator=SimulatorKind(kind=kind, quality=quality),
        max_draws=1,
        scenarios=record.plan.scenarios,
        slots=tuple(_task(clip) for clip in clips),
    )
    return run_campaign(_config(plan, out, options), Path.cwd(), progress, plan=plan)


def _task(clip: ClipReader) -> SlotTask:
    facts = clip.manifest
    opendrive = clip.folder / "map" / "opendrive.xodr"
    return SlotTask(
        slot=Slot(**facts["slot"]),
        scenario_file="",
        map=MapSource(
            name=facts["map"]["name"], path=str(opendrive), sha256=facts["map"]["sha256"]
        ),
        replay=str(clip.folder.absolute()),
    )


def _config(plan: Plan, out: Path, options: ReplayOptions) -> GenerationConfig:
    simulator: dict[str, Any] = {"kind": plan.simulator.kind}
    if options.simulator is None:
        simulator["quality"] = plan.simulator.quality
    else:
        host, _, port = options.simulator.rpartition(":")
        simulator |= {"host": host, "port": int(port), "quality": "Epic"}
    return GenerationConfig.model_validate(
        {
            "schema": GENERATION_SCHEMA,
            "name": plan.name,
            "seed": plan.seed,
            "scenarios": [{"file": "replay", "clips": len(plan.slots)}],
            "maps": [task.map.name for task in plan.slots[:1]],
            "rig": plan.rig.path,
            "simulator": simulator,
            "workers": options.workers,
            "capture": plan.capture.model_dump(),
            "out": str(out.absolute()),
            "previews": False,
        }
    )
