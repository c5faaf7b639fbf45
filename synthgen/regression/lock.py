"""`synthgen lock`: what a config made, on what, as a file to hold later runs against."""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

from pydantic import Field, ValidationError

import synthgen
from synthgen.campaign.config import GenerationConfig, load_config, project_root
from synthgen.campaign.plan import Plan, make_plan, read_dataset
from synthgen.campaign.progress import Progress
from synthgen.campaign.run import EXIT_INTERRUPTED, RunOptions, dataset_folder, run_campaign
from synthgen.datatypes.clip_job import Record
from synthgen.errors import ConfigError, DatasetError, OutputError, SimulatorLost
from synthgen.regression.change import Change, Kind
from synthgen.regression.environment import Environment, file_hash, present_environment
from synthgen.regression.facts import ClipFacts, dataset_facts, read_tables, write_tables
from synthgen.store.durable import write_durably
from synthgen.store.layout import readable_json

LOCK_SCHEMA: Final = "synthgen/lock@1"


class LockedClip(Record):
    """One clip of a locked set."""

    clip_id: str
    draw: int
    files: dict[str, str]


class Intent(Record):
    """What the config asks for; everything here decides what the clips show."""

    config: str
    config_sha256: str
    plan_sha256: str
    seed: int
    rig_sha256: str
    simulator: dict[str, Any]
    capture: dict[str, Any]
    scenarios: dict[str, str]
    maps: dict[str, str | None]


class Lock(Record):
    """A lock file."""

    schema_: Literal["synthgen/lock@1"] = Field(default=LOCK_SCHEMA, alias="schema")
    generator_version: str
    intent: Intent
    environment: Environment
    clips: dict[str, LockedClip]


@dataclass(frozen=True, slots=True)
class LockFile:
    """A lock as read, and the config it belongs to."""

    path: Path
    lock: Lock
    config_file: Path
    config: GenerationConfig
    plan: Plan


def tables_folder(lock_file: Path) -> Path:
    """Folder of label rows and thumbnails beside a lock: `core.lock` has `core.locked/`."""
    return lock_file.with_suffix(".locked")


def make_lock(
    config_file: Path, out: Path, progress: Progress, dataset: Path | None = None
) -> Lock:
    """Make a config's dataset anew and lock it.

    Args:
        config_file: Generation config.
        out: Lock file to write; label rows go into `tables_folder(out)`.
        progress: Where the run's story goes.
        dataset: Lock this dataset instead of making one; its plan must be the config's.

    Raises:
        SynthgenError: The dataset could not be made whole.
    """
    config = load_config(config_file)
    root = project_root(config_file)
    plan = make_plan(config, root)
    with tempfile.TemporaryDirectory(prefix="synthgen-lock-") as name:
        if dataset is None:
            dataset = Path(name) / "dataset"
            generate_slots(config, root, dataset, progress, None)
        elif read_dataset(dataset).plan_sha256 != plan.digest:
            raise ConfigError(f"{dataset}: is not what {config_file} makes; lock without --dataset")
        facts = dataset_facts(dataset)
    _require_whole(facts, plan)
    lock = Lock(
        generator_version=synthgen.__version__,
        intent=intent_of(config_file, config, plan),
        environment=present_environment(),
        clips={
            slot: LockedClip(clip_id=clip.clip_id, draw=clip.draw, files=clip.files)
            for slot, clip in facts.items()
        },
    )
    shutil.rmtree(tables_folder(out), ignore_errors=True)
    write_tables(facts, tables_folder(out))
    write_durably(out, readable_json(lock.model_dump(mode="json", by_alias=True)))
    return lock


def read_lock(path: Path) -> LockFile:
    """A lock, with the config and the plan that it names as they are now.

    Raises:
        ConfigError: The file, its config or one of their parts is missing or damaged.
    """
    try:
        lock = Lock.model_validate_json(path.read_bytes())
    except OSError as err:
        raise ConfigError(f"{path}: {err.strerror or err}") from err
    except ValidationError as err:
        first = err.errors(include_url=False)[0]
        place = ".".join(str(step) for step in first["loc"])
        raise ConfigError(f"{path}: {place or 'lock'}: {first['msg']}; lock again") from err
    config_file = project_root(path) / lock.intent.config
    if not config_file.is_file():
        config_file = path.parent / Path(lock.intent.config).name
    config = load_config(config_file)
    return LockFile(path, lock, config_file, config, make_plan(config, project_root(config_file)))


def locked_facts(file: LockFile) -> dict[str, ClipFacts]:
    """Facts of the clips when they were locked, by slot.

    Raises:
        DatasetError: The tables beside the lock are damaged.
    """
    tables = read_tables(tables_folder(file.path))
    missing = [slot for slot in file.lock.clips if len(tables.get(slot, ())) != 3]
    if missing:
        raise DatasetError(f"{tables_folder(file.path)}: holds no rows of {missing[0]}; lock again")
    return {
        slot: ClipFacts(slot, clip.clip_id, clip.draw, dict(clip.files), tables[slot])
        for slot, clip in file.lock.clips.items()
    }


def intent_of(config_file: Path, config: GenerationConfig, plan: Plan) -> Intent:
    """What a config asks for at present."""
    root = project_root(config_file)
    path = config_file.resolve()
    name = path.relative_to(root).as_posix() if path.is_relative_to(root) else path.name
    return Intent(
        config=name,
        config_sha256=file_hash(path),
        plan_sha256=plan.digest,
        seed=plan.seed,
        rig_sha256=file_hash(Path(plan.rig.path)),
        simulator=plan.simulator.model_dump(mode="json"),
        capture=plan.capture.model_dump(mode="json"),
        scenarios=dict(plan.scenarios),
        maps={source.name: source.sha256 for source in plan.maps},
    )


def intent_changes(file: LockFile) -> list[Change]:
    """How the config of a lock has changed since, part by part."""
    old = file.lock.intent.model_dump()
    new = intent_of(file.config_file, file.config, file.plan).model_dump()
    changes = []
    for name in ("seed", "rig_sha256", "simulator", "capture"):
        if old[name] != new[name]:
            text = f"{_shown(old[name])} is now {_shown(new[name])}"
            changes.append(Change(Kind.CONFIG, "", name.removesuffix("_sha256"), text))
    for part in ("scenarios", "maps"):
        changes += _entries(Kind.CONFIG, part, old[part], new[part])
    if not changes and old["plan_sha256"] != new["plan_sha256"]:
        text = f"slots, weather or draws differ ({_shown(old['plan_sha256'])} is now other)"
        changes.append(Change(Kind.CONFIG, "", new["config"], text))
    return changes


def environment_changes(old: Environment, new: Environment) -> list[Change]:
    """Versions and code that are others than when the lock was made.

    Code and Python are for information: the bytes are the judge of those. A wheel of another
    version is a breach of the lock.
    """
    wheels = [
        {name: f"{wheel.version} ({wheel.sha256[:8]})" for name, wheel in side.wheels.items()}
        for side in (old, new)
    ]
    changes = _entries(Kind.VERSION, "wheel", *wheels)
    if old.python != new.python:
        text = f"{old.python} is now {new.python}"
        changes.append(Change(Kind.VERSION, "", "Python", text, is_tolerated=True))
    for part, before, after in (("code", old.code, new.code), ("asset", old.assets, new.assets)):
        changes += _entries(Kind.CODE, part, before, after, is_tolerated=True)
    return changes


def _entries(
    kind: Kind, part: str, old: dict[str, Any], new: dict[str, Any], *, is_tolerated: bool = False
) -> list[Change]:
    return [
        Change(
            kind, "", f"{part} {name}", f"{_shown(old.get(name))} is now {_shown(new.get(name))}",
            is_tolerated=is_tolerated,
        )
        for name in sorted({*old, *new})
        if old.get(name) != new.get(name)
    ]  # fmt: skip


def _shown(value: Any) -> str:
    if value is None:
        return "absent"
    text = str(value)
    return text[:12] if len(text) == 64 else text


def generate_slots(
    config: GenerationConfig,
    root: Path,
    dataset: Path,
    progress: Progress,
    slots: frozenset[str] | None,
) -> None:
    """Make the clips of some slots, or of all, without previews and exports.

    Raises:
        KeyboardInterrupt: It was interrupted.
        OutputError: The disk refused.
        SimulatorLost: The run ended early for another reason; its own story says why.
    """
    changes = {"out": str(dataset), "previews": False, "exports": (), "publish": None}
    quiet = config.model_copy(update=changes)
    code = run_campaign(quiet, root, progress, RunOptions(only=slots))
    if code == EXIT_INTERRUPTED:
        raise KeyboardInterrupt
    if code not in (0, 1):
        kind = OutputError if code == OutputError.exit_code else SimulatorLost
        raise kind(f"{dataset_folder(quiet, root)}: generation ended with exit code {code}")


def _require_whole(facts: dict[str, ClipFacts], plan: Plan) -> None:
    missing = sorted({task.slot.name for task in plan.slots} - set(facts))
    if missing:
        raise DatasetError(f"no clip for {', '.join(missing)}: only a whole dataset can be locked")
    damaged = [clip for clip in facts.values() if clip.fault]
    if damaged:
        raise DatasetError(f"{damaged[0].slot}: {damaged[0].fault}")
