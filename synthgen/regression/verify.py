"""`synthgen verify`: make a locked set again and say what differs."""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from synthgen.campaign.config import project_root
from synthgen.campaign.plan import Plan, SlotTask, read_dataset, write_record
from synthgen.campaign.progress import Progress
from synthgen.errors import ConfigError, DatasetError
from synthgen.regression.change import Kind, Tolerances
from synthgen.regression.compare import compare
from synthgen.regression.environment import Environment, present_environment
from synthgen.regression.facts import ClipFacts, clip_folders, dataset_facts
from synthgen.regression.lock import (
    LockFile,
    environment_changes,
    generate_slots,
    intent_changes,
    locked_facts,
    read_lock,
)
from synthgen.regression.outcome import Outcome, Policy, category_counts
from synthgen.regression.pictures import draw_changes
from synthgen.regression.pixels import measure_images
from synthgen.regression.report import write_reports
from synthgen.store.clip_reader import ClipReader
from synthgen.store.durable import write_durably
from synthgen.store.layout import canonical_json, readable_json

_INPUTS: Final = "run/inputs.json"


@dataclass(frozen=True, slots=True)
class VerifyOptions:
    """What the command line says.

    Attributes:
        against: Compare this dataset instead of making one.
        reference: Dataset of the time of the lock; with it images are compared pixel by pixel.
        work: Folder to keep the fresh dataset in; clips whose inputs are unchanged stay.
        out: Folder for the reports and pictures.
        shard: (i, n): only every n-th clip, from the i-th (1 is the first).
        require_exact: R2 is no answer.
        allowed: Kinds of change that never fail.
    """

    against: Path | None = None
    reference: Path | None = None
    work: Path | None = None
    out: Path | None = None
    shard: tuple[int, int] = (1, 1)
    require_exact: bool = False
    allowed: frozenset[Kind] = frozenset()


def verify_lock(path: Path, options: VerifyOptions, progress: Progress) -> Outcome:
    """Make the clips of a lock again and compare them with it.

    Args:
        path: Lock file.
        options: What to do.
        progress: Where the run's story goes.

    Raises:
        SynthgenError: The lock cannot be read, or the clips could not be made.
    """
    file = read_lock(path)
    slots = shard_of(sorted(file.lock.clips), options.shard)
    environment = present_environment()
    is_same_cpu = environment.cpu == file.lock.environment.cpu
    with _fresh_dataset(file, slots, environment, options, progress) as (dataset, kept):
        before = {slot: facts for slot, facts in locked_facts(file).items() if slot in slots}
        after = _facts_of_shard(file, dataset, slots, options.shard)
        changes = compare(before, after, Tolerances())
        if options.reference is not None:
            folders = clip_folders(options.reference), clip_folders(dataset)
            changes = measure_images(changes, *folders, Tolerances())
        changes += intent_changes(file)
        changes += environment_changes(file.lock.environment, environment)
        policy = Policy(
            # On the same processor every byte can be had, so every byte counts.
            is_exact=is_same_cpu,
            exact_or_inconclusive=options.require_exact,
            allowed=options.allowed,
        )
        notes = [_cpu_note(file.lock.environment, environment)]
        if options.against is None:
            notes.append(f"{len(slots) - len(kept)} clips made anew, {len(kept)} unchanged")
        outcome = Outcome(
            title=f"verify {path.name}",
            slots=tuple(slots),
            changes=tuple(changes),
            policy=policy,
            notes=tuple(notes),
            categories=category_counts(before, after),
        )
        if options.out is not None:
            pictures = draw_changes(
                changes, before, after, clip_folders(dataset), options.out / "pictures"
            )
            write_reports(outcome, options.out, pictures)
    return outcome


def shard_of(slots: list[str], shard: tuple[int, int]) -> list[str]:
    """The slots of one of several CI jobs."""
    number, count = shard
    return slots[number - 1 :: count]


def parse_shard(text: str) -> tuple[int, int]:
    """`2/4` as (2, 4).

    Raises:
        ConfigError: It is nothing of the kind.
    """
    number, _, count = text.partition("/")
    if number.isdecimal() and count.isdecimal() and 1 <= int(number) <= int(count) <= 1000:
        return int(number), int(count)
    raise ConfigError(f"argument --shard: expected i/n with 1 <= i <= n, e.g. 2/4, got {text!r}")


def _cpu_note(old: Environment, new: Environment) -> str:
    if old.cpu == new.cpu:
        return f"same processor as the lock's ({new.cpu}): exact bytes are expected"
    return f"the lock was made on {old.cpu}, this is {new.cpu}: R2 is expected at least"


def _facts_of_shard(
    file: LockFile, dataset: Path, slots: list[str], shard: tuple[int, int]
) -> dict[str, ClipFacts]:
    """Facts of the shard's clips; the first shard also names clips that the lock has not."""
    wanted = set(slots)
    if shard[0] == 1:
        wanted |= set(clip_folders(dataset)) - set(file.lock.clips)
    return dataset_facts(dataset, wanted)


@contextmanager
def _fresh_dataset(
    file: LockFile,
    slots: list[str],
    environment: Environment,
    options: VerifyOptions,
    progress: Progress,
) -> Iterator[tuple[Path, frozenset[str]]]:
    """The dataset to compare, and the slots that were not made again."""
    if options.against is not None:
        yield options.against, frozenset()
        return
    root = project_root(file.config_file)
    with tempfile.TemporaryDirectory(prefix="synthgen-verify-") as name:
        dataset = (options.work or Path(name) / "dataset").absolute()
        inputs = slot_inputs(file, environment)
        kept = drop_outdated(dataset, inputs, file.plan)
        generate_slots(file.config, root, dataset, progress, frozenset(slots))
        made = {slot: inputs[slot] for slot in clip_folders(dataset) if slot in inputs}
        write_durably(dataset / _INPUTS, readable_json(made))
        yield dataset, kept & frozenset(slots)


def slot_inputs(file: LockFile, environment: Environment) -> dict[str, str]:
    """Sha256 over everything that each slot's clip depends on, by slot."""
    plan = file.plan
    common = {
        "seed": plan.seed,
        "rig": plan.rig.content,
        "capture": plan.capture.model_dump(mode="json"),
        "simulator": plan.simulator.model_dump(mode="json"),
        "max_draws": plan.max_draws,
        "environment": environment.model_dump(mode="json"),
    }

    def digest(task: SlotTask) -> str:
        own = {
            "scenario": plan.scenarios[task.slot.scenario],
            "map": [task.map.name, task.map.sha256],
            "overrides": task.overrides,
        }
        return hashlib.sha256(canonical_json({**common, **own})).hexdigest()

    return {task.slot.name: digest(task) for task in plan.slots}


def drop_outdated(dataset: Path, inputs: dict[str, str], plan: Plan) -> frozenset[str]:
    """Remove the clips of an earlier run whose inputs have changed or whose bytes are damaged.

    Returns:
        The slots whose clips stay.
    """
    if not dataset.exists():
        return frozenset()
    try:
        made: dict[str, str] = json.loads((dataset / _INPUTS).read_bytes())
        folders = clip_folders(dataset)
        is_same_plan = read_dataset(dataset).plan_sha256 == plan.digest
    except (OSError, ValueError, DatasetError) as err:
        raise ConfigError(
            f"{dataset}: is no dataset that verify has made ({err}); choose another --work"
        ) from err
    kept = set()
    for slot, folder in folders.items():
        if slot in inputs and made.get(slot) == inputs[slot] and _is_whole(folder):
            kept.add(slot)
        else:
            shutil.rmtree(folder)
    for record in (*dataset.glob("rejected/*"), *dataset.glob("quarantine/*")):
        if record.is_file() and not record.name.startswith(tuple(kept)):
            record.unlink()
    if not is_same_plan:
        write_record(dataset, plan)
    return frozenset(kept)


def _is_whole(folder: Path) -> bool:
    try:
        ClipReader(folder).verify()
    except DatasetError:
        return False
    return True
