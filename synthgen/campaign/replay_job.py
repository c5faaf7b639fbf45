"""The job that shows a stored clip again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from synthgen.campaign.plan import SlotTask
from synthgen.datatypes.clip_job import CaptureSettings, ClipJob, RigSource, SimulatorKind
from synthgen.errors import DatasetError
from synthgen.store.clip_reader import ClipReader
from synthgen.store.layout import CLIP_SCHEMA, clip_id_of


def replay_job(
    task: SlotTask,
    *,
    rig: RigSource,
    capture: CaptureSettings,
    simulator: SimulatorKind,
    dataset: str,
) -> ClipJob:
    """The job of a task whose `replay` names a clip.

    Raises:
        DatasetError: The clip cannot be read.
    """
    assert task.replay is not None, "only tasks with a source come here"
    source = ClipReader(Path(task.replay))
    facts = source.manifest
    try:
        seed, draw = int(facts["seed"]), int(facts["draw"])
    except (KeyError, TypeError, ValueError) as err:
        raise DatasetError(f"{task.replay}: clip.json lacks the seed or the draw: {err}") from err
    intent: dict[str, Any] = {
        "format": CLIP_SCHEMA,
        "replay_of": source.clip_id,
        "rig": rig.content,
        "capture": capture.model_dump(),
        "simulator": simulator.model_dump(),
    }
    return ClipJob(
        slot=task.slot,
        draw=draw,
        clip_id=clip_id_of(intent),
        seed=seed,
        scenario={k: v for k, v in source.scenario.items() if k != "verdict"},
        rig=rig,
        map=task.map,
        capture=capture,
        simulator=simulator,
        dataset=dataset,
        replay=task.replay,
    )
