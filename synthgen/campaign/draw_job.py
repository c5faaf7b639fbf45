"""The job of one draw of a slot: the scenario placed, solved and pre-screened, or a clip replayed.

`python -m synthgen.campaign.draw_job` answers on its stdout what `job_process` writes to its stdin.
"""

from __future__ import annotations

import json
import logging
import os
import sys
import traceback
from pathlib import Path
from typing import Any, TextIO

from scenarios.compile import compile_draw
from scenarios.concrete import ConcreteScenario
from scenarios.loader import load_scenario
from scenarios.placement.map_index import MapIndex, load_index
from scenarios.warmup import load_kernels
from synthgen.campaign.plan import SlotTask
from synthgen.campaign.replay_job import replay_job
from synthgen.campaign.worker import WorkerSettings
from synthgen.datatypes.clip_job import ClipJob, MapSource
from synthgen.errors import InternalError, SynthgenError
from synthgen.store.layout import CLIP_SCHEMA, clip_id_of


def clip_job(
    settings: WorkerSettings, task: SlotTask, concrete: ConcreteScenario, *, dataset: str
) -> ClipJob:
    """The job of one concrete scenario; its id is a hash of all that the clip depends on."""
    scenario = concrete.model_dump(mode="json")
    intent = {
        "format": CLIP_SCHEMA,
        "scenario": scenario,
        "rig": settings.rig.content,
        "map": {"name": task.map.name, "sha256": task.map.sha256},
        "seed": settings.seed,
        "slot": task.slot.model_dump(),
        "draw": concrete.draw,
        "capture": settings.capture.model_dump(),
        "simulator": settings.simulator_kind.model_dump(),
    }
    return ClipJob(
        slot=task.slot,
        draw=concrete.draw,
        clip_id=clip_id_of(intent),
        seed=settings.seed,
        scenario=scenario,
        rig=settings.rig,
        map=task.map,
        capture=settings.capture,
        simulator=settings.simulator_kind,
        dataset=dataset,
    )


class DrawnJobs:
    """Jobs made in this process; see `synthgen.campaign.worker.JobSource`."""

    def __init__(self, settings: WorkerSettings) -> None:
        self._settings = settings
        self._indices: dict[str, MapIndex] = {}

    def job(self, task: SlotTask, draw: int, dataset: str) -> ClipJob:
        """The job of one draw.

        Args:
            task: The slot; its map's file is known.
            draw: Attempt number, from 0.
            dataset: Where the clip goes.

        Raises:
            ScenarioRejected: No candidate of this draw passes the pre-screen; take the next draw.
            ConfigError: The map has no site for the scenario at all.
            DatasetError: The clip to replay cannot be read.
        """
        settings = self._settings
        if task.replay is not None:
            return replay_job(
                task,
                rig=settings.rig,
                capture=settings.capture,
                simulator=settings.simulator_kind,
                dataset=dataset,
            )
        concrete = compile_draw(
            load_scenario(task.scenario_file),
            index=self._index(task.map),
            root_seed=settings.seed,
            k=task.slot.k,
            draw=draw,
            tick_s=settings.capture.tick_s,
            duration_s=settings.capture.duration_s,
            overrides=task.overrides or None,
        )
        return clip_job(settings, task, concrete, dataset=dataset)

    def _index(self, source: MapSource) -> MapIndex:
        assert source.path is not None, "the map's file was asked for before"
        if source.name not in self._indices:
            self._indices[source.name] = load_index(Path(source.path), source.name)
        return self._indices[source.name]


def _answer(jobs: DrawnJobs, request: dict[str, Any]) -> dict[str, Any]:
    """What one line asks: a job, or the name and the words of an error."""
    try:
        job = jobs.job(
            SlotTask.model_validate(request["task"]), request["draw"], request["dataset"]
        )
    except SynthgenError as err:
        return {"error": type(err).__name__, "message": str(err)}
    except Exception as err:  # noqa: BLE001 - for the worker's own blind except, in its process
        traceback.print_exception(err)
        return {"error": InternalError.__name__, "message": f"{type(err).__name__}: {err}"}
    return {"job": job.model_dump(mode="json", by_alias=True)}


def serve(requests: TextIO, answers: TextIO) -> None:
    """Answer line by line until there are no more requests; the first line holds the settings."""
    jobs = DrawnJobs(WorkerSettings.model_validate_json(requests.readline()))
    load_kernels()
    for line in requests:
        answers.write(json.dumps(_answer(jobs, json.loads(line))) + "\n")
        answers.flush()


if __name__ == "__main__":
    # The plan has given the scenarios' warnings already.
    logging.basicConfig(level=logging.ERROR, format="%(levelname)s %(name)s: %(message)s")
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # What a library may print is no answer.
    try:
        serve(sys.stdin, answers)
    except BrokenPipeError:  # The run has gone.
        os._exit(1)
