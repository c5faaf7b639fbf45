"""What a run has to make, decided before anything starts: the same on any machine.

The plan is a pure function of the config and the files it names. Nothing about a run's progress is
kept beside it: a resumed run makes the plan anew and leaves out the slots whose clips are there.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final, Literal

from pydantic import Field, ValidationError

import synthgen
from scenarios.calibration import load_calibration
from scenarios.catalogue import SIZES
from scenarios.loader import load_scenario
from scenarios.spec import ScenarioSpec
from sensors.rig import Rig
from sensors.rig_file import load_rig
from synthgen.campaign.config import (
    PACKAGE_ROOT,
    CarlaSimulator,
    EmbeddedSimulator,
    GenerationConfig,
    ScenarioEntry,
    find_file,
)
from synthgen.datatypes.clip_job import (
    CaptureSettings,
    MapSource,
    Record,
    RigSource,
    SimulatorKind,
    Slot,
)
from synthgen.errors import ConfigError, DatasetError
from synthgen.store.commit import committed_manifests
from synthgen.store.durable import write_durably
from synthgen.store.layout import CLIP_SCHEMA, canonical_json, readable_json

DATASET_SCHEMA: Final = "synthgen/dataset@1"
DATASET_FILE: Final = "dataset.json"
# Not a package to import: the embedded server is another program, these are its data files.
TOWNS: Final = PACKAGE_ROOT / "synthgen" / "simserver" / "maps" / "towns"


class SlotTask(Record):
    """One slot to fill: which scenario, where, and what replaces parts of the scenario.

    `replay` is the folder of a stored clip to show again instead of running the scenario. A
    `canary` makes a clip that was made before once more, outside the dataset, to tell whether the
    host or the clips are to blame for many faults.
    """

    slot: Slot
    scenario_file: str
    map: MapSource
    overrides: dict[str, Any] = Field(default_factory=dict)
    canary: bool = False
    replay: str | None = None


class Plan(Record):
    """A dataset to be: its slots and all that their clips depend on."""

    name: str
    seed: int
    rig: RigSource
    capture: CaptureSettings
    simulator: SimulatorKind
    max_draws: int
    scenarios: dict[str, str]
    slots: tuple[SlotTask, ...]

    @property
    def digest(self) -> str:
        """Sha256 over what the clips depend on; where files lie and the name are no part of it."""
        slots = [
            {
                "slot": task.slot.model_dump(),
                "map": [task.map.name, task.map.sha256],
                "overrides": task.overrides,
                **({} if task.replay is None else {"replay_of": Path(task.replay).name}),
            }
            for task in self.slots
        ]
        facts = {
            "format": CLIP_SCHEMA,
            "seed": self.seed,
            "rig": self.rig.content,
            "capture": self.capture.model_dump(),
            "simulator": self.simulator.model_dump(),
            "max_draws": self.max_draws,
            "scenarios": self.scenarios,
            "slots": slots,
        }
        return hashlib.sha256(canonical_json(facts)).hexdigest()

    @property
    def maps(self) -> tuple[MapSource, ...]:
        """The maps in use, by name."""
        by_name = {task.map.name: task.map for task in self.slots}
        return tuple(by_name[name] for name in sorted(by_name))


def make_plan(config: GenerationConfig, root: Path) -> Plan:
    """The plan of a config.

    Args:
        config: The dataset to make.
        root: Folder that the config's relative paths start from.

    Raises:
        ConfigError: A file is missing or wrong; names file:line:column where it is YAML.
    """
    rig_file = find_file(config.rig, root, "rig")
    rig = load_rig(rig_file).scaled(config.image_scale)
    maps = _maps(config, root)
    common: dict[str, Any] = {}
    if config.screen is not None:
        calibration = load_calibration(find_file(config.screen, root, "screen"))
        common["calibration"] = asdict(calibration)
    scenarios: dict[str, str] = {}
    slots: list[SlotTask] = []
    counts: Counter[str] = Counter()
    for entry in config.scenarios:
        file = find_file(entry.file, root, "scenario")
        spec = load_scenario(file)
        digest = hashlib.sha256(
            canonical_json(spec.model_dump(mode="json", by_alias=True, warnings=False))
        ).hexdigest()
        if scenarios.setdefault(spec.name, digest) != digest:
            raise ConfigError(f"{file}: another scenario of this run has the name {spec.name!r}")
        given = common | _ego_of(rig, spec)
        slots += _slots_of(entry, spec, file, maps, first=counts[spec.name], common=given)
        counts[spec.name] += entry.clips
    return Plan(
        name=config.name,
        seed=config.seed,
        rig=RigSource(path=str(rig_file), content=rig.model_dump(mode="json", by_alias=True)),
        capture=config.capture,
        simulator=SimulatorKind(kind=config.simulator.kind, quality=config.simulator.quality),
        max_draws=config.max_draws,
        scenarios=scenarios,
        slots=tuple(slots),
    )


def _ego_of(rig: Rig, spec: ScenarioSpec) -> dict[str, Any]:
    """The ego that the rig's mounts are meant for, where the scenario names none."""
    wanted = rig.ego_blueprint
    if wanted is None or "model" in spec.ego.model_fields_set or wanted == spec.ego.model:
        return {}
    if wanted not in SIZES:
        raise ConfigError(
            f"rig {rig.name}: ego_blueprint: the size of {wanted} is not known, so no encounter "
            f"can be planned with it; known: {', '.join(n for n in SIZES if n[:8] == 'vehicle.')}"
        )
    return {"ego_model": wanted}


def _slots_of(
    entry: ScenarioEntry, spec: ScenarioSpec, file: Path, maps: list[MapSource], *, first: int,
    common: dict[str, Any],
) -> Iterable[SlotTask]:  # fmt: skip
    weathers = len(entry.weather)
    for number in range(entry.clips):
        k = first + number
        overrides = dict(common)
        if entry.weather:
            overrides["weather"] = entry.weather[number % weathers]
        if entry.vary is not None:
            overrides["scene"] = first + number - number % weathers
        yield SlotTask(
            slot=Slot(scenario=spec.name, k=k),
            scenario_file=str(file),
            map=maps[overrides.get("scene", k) % len(maps)],
            overrides=overrides,
        )


def _maps(config: GenerationConfig, root: Path) -> list[MapSource]:
    """The config's maps; names must be unique because servers know maps by name."""
    maps = [_map_source(name, config.simulator, root) for name in config.maps]
    by_name: dict[str, MapSource] = {}
    for source in maps:
        if by_name.setdefault(source.name, source) != source:
            raise ConfigError(f"maps: two different maps are called {source.name}")
    return maps


def _map_source(name: str, simulator: EmbeddedSimulator | CarlaSimulator, root: Path) -> MapSource:
    if name.endswith(".xodr"):
        path = find_file(name, root, "map")
    elif (TOWNS / f"{name}.xodr").is_file() and simulator.kind == "embedded":
        path = TOWNS / f"{name}.xodr"
    elif simulator.kind == "carla":
        return _named_map(name)
    else:
        known = sorted(file.stem for file in TOWNS.glob("*.xodr"))
        raise ConfigError(
            f"map {name}: neither an .xodr file nor a town of the embedded server "
            f"({', '.join(known) or 'none installed'})"
        )
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    try:
        return MapSource(name=path.stem, path=str(path), sha256=digest)
    except ValidationError as err:
        raise ConfigError(f"map {name}: the file name may hold A-Z a-z 0-9 _ - only") from err


def town_file(name: str) -> Path:
    """The OpenDRIVE file of a town of ours, or the file of that path.

    Raises:
        ConfigError: There is none.
    """
    path = Path(name) if name.endswith(".xodr") else TOWNS / f"{name}.xodr"
    if not path.is_file():
        known = ", ".join(sorted(file.stem for file in TOWNS.glob("*.xodr")))
        raise ConfigError(f"map {name}: no such file or town; towns: {known}")
    return path


def _named_map(name: str) -> MapSource:
    try:
        return MapSource(name=name, path=None, sha256=None)
    except ValidationError as err:
        raise ConfigError(f"map {name!r}: not a map name") from err


class DatasetRecord(Record):
    """`dataset.json`: what a dataset is to hold; written once, before the first clip."""

    schema_: Literal["synthgen/dataset@1"] = Field(default=DATASET_SCHEMA, alias="schema")
    plan_sha256: str
    generator_version: str
    plan: Plan


def open_dataset(dataset: Path, plan: Plan) -> None:
    """Make a dataset's folder and record, or check that the one there has the same plan.

    Raises:
        ConfigError: The folder holds something else.
        OutputError: The folder cannot be written.
    """
    path = dataset / DATASET_FILE
    if path.exists():
        found = read_dataset(dataset)
        if found.plan_sha256 != plan.digest:
            raise ConfigError(
                f"{dataset}: holds a dataset of another plan ({_difference(found.plan, plan)}); "
                "choose another --out, or delete it"
            )
        return
    if dataset.is_dir() and any(p.name != "run" for p in dataset.iterdir()):
        raise ConfigError(f"{dataset}: is not empty and no dataset; choose another --out")
    write_record(dataset, plan)


def write_record(dataset: Path, plan: Plan) -> None:
    """Write or replace a dataset's record."""
    record = DatasetRecord(
        plan_sha256=plan.digest, generator_version=synthgen.__version__, plan=plan
    )
    content = readable_json(record.model_dump(mode="json", by_alias=True))
    write_durably(dataset / DATASET_FILE, content)


def read_dataset(dataset: Path) -> DatasetRecord:
    """The record of a dataset.

    Raises:
        DatasetError: There is none, or it cannot be read.
    """
    path = dataset / DATASET_FILE
    try:
        return DatasetRecord.model_validate_json(path.read_bytes())
    except OSError as err:
        raise DatasetError(f"{path}: {err.strerror or err}") from err
    except ValidationError as err:
        first = err.errors(include_url=False)[0]
        place = ".".join(str(step) for step in first["loc"])
        raise DatasetError(f"{path}: {place}: {first['msg']}") from err


def _difference(old: Plan, new: Plan) -> str:
    fields = ("seed", "rig", "capture", "simulator", "max_draws", "scenarios", "slots")
    return ", ".join(f for f in fields if getattr(old, f) != getattr(new, f)) or "version"


def committed_slots(dataset: Path) -> dict[Slot, str]:
    """Clip id of every slot whose clip is in the dataset.

    Raises:
        DatasetError: A manifest cannot be read.
    """
    slots: dict[Slot, str] = {}
    for path in committed_manifests(dataset):
        try:
            slots[Slot(**json.loads(path.read_bytes())["slot"])] = path.parent.name
        except (OSError, ValueError, KeyError, TypeError) as err:
            raise DatasetError(f"{path}: cannot read: {err}") from err
    return slots


def pending(plan: Plan, dataset: Path) -> list[SlotTask]:
    """The slots without a clip, those of one map together."""
    done = committed_slots(dataset)
    return sorted(
        (task for task in plan.slots if task.slot not in done),
        key=lambda task: (task.map.name, task.slot.scenario, task.slot.k),
    )
