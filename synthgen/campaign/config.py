"""The generation config, schema `synthgen/generation@1` (docs/clip_format.md)."""

from __future__ import annotations

from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from synthgen.datatypes.clip_job import CaptureSettings
from synthgen.datatypes.strict_yaml import load_model
from synthgen.errors import ConfigError

GENERATION_SCHEMA: Final = "synthgen/generation@1"
PACKAGE_ROOT: Final = Path(__file__).resolve().parents[2]

# Folders of the files that a config may name without path and ending.
_NAMED: Final = {"rig": "sensors/rigs", "scenario": "scenarios/library"}

# What a driver can hold in memory; a larger job is several datasets (docs/scale.md).
MOST_CLIPS: Final = 1_000_000

FileName = Annotated[str, Field(min_length=1, max_length=1024, pattern=r"^[^\x00-\x1f]+$")]


class Settings(BaseModel):
    """Base of the config's parts: unknown fields are refused, nothing changes after loading."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class ScenarioEntry(Settings):
    """A scenario file, how many clips of it, and weathers that replace its own in turn.

    With `vary: weather` each scene is made once under every weather, and nothing else differs
    between these clips: not the place, nor the values drawn, nor traffic, nor the sensors' noise.
    """

    file: FileName
    clips: int = Field(ge=1, le=MOST_CLIPS)
    weather: tuple[dict[str, Any], ...] = ()
    vary: Literal["weather"] | None = None

    @model_validator(mode="after")
    def _sets_are_whole(self) -> ScenarioEntry:
        count = len(self.weather)
        if self.vary is not None and count < 2:
            raise ValueError(f"vary: weather needs a list of at least 2 weathers, found {count}")
        if self.vary is not None and self.clips % count:
            raise ValueError(
                f"clips: expected a multiple of the {count} weathers to vary, found {self.clips}"
            )
        return self


class Deadlines(Settings):
    """How long a phase may stand still before its process is killed, in seconds of wall time."""

    boot_s: float = Field(default=120, gt=0)
    load_s: float = Field(default=180, gt=0)
    tick_s: float = Field(default=60, gt=0)
    phase_s: float = Field(default=180, gt=0)
    clip_s: float = Field(default=1800, gt=0)


class Recycling(Settings):
    """When a server is replaced although it works (docs/scale.md tells why)."""

    clips: int = Field(default=25, ge=1)
    minutes: float = Field(default=45, gt=0)
    growth_mb: float = Field(default=2048, gt=0)


class EmbeddedSimulator(Settings):
    """Our own server, started once per slot."""

    kind: Literal["embedded"]
    quality: Literal["low", "medium", "high"] = "medium"
    threads: int = Field(default=2, ge=1, le=256)
    deadlines: Deadlines = Deadlines()
    recycle: Recycling = Recycling()


class CarlaSimulator(Settings):
    """A CARLA server: one that runs at `host`:`port`, or `executable` started once per slot.

    `adapters` lists the GPUs by CARLA's `-graphicsadapter` number; slots take them in turn.
    `container` is the image that `executable` lives in, run by Docker without published ports.
    """

    kind: Literal["carla"]
    host: str | None = None
    port: int = Field(default=2000, ge=1, le=65535)
    executable: FileName | None = None
    container: str | None = Field(default=None, pattern=r"^[A-Za-z0-9][A-Za-z0-9._/:@-]{0,254}$")
    quality: Literal["Low", "Epic"] = "Epic"
    servers_per_gpu: int = Field(default=1, ge=1, le=16)
    adapters: tuple[int, ...] = (0,)
    stagger_s: float = Field(default=5.0, ge=0)
    deadlines: Deadlines = Deadlines()
    recycle: Recycling = Recycling()

    @model_validator(mode="after")
    def _runs_already_or_is_started(self) -> CarlaSimulator:
        if (self.host is None) == (self.executable is None):
            raise ValueError("give either host (it runs already) or executable (start it)")
        if self.container is not None and self.executable is None:
            raise ValueError("a container needs the path of the executable in it")
        return self


class Export(Settings):
    """One exported copy of the finished dataset, with the options of `synthgen export`."""

    format: str = Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$")
    out: FileName
    where: str | None = Field(default=None, max_length=4096)
    split: Literal["train", "val", "test"] | None = None
    splits: str = Field(default="train=80,val=10,test=10", max_length=256)


class RayCluster(Settings):
    """Where Ray runs; without an address a local one is started and stopped with the run."""

    address: str | None = None
    cpus_per_slot: float = Field(default=1, ge=0)
    gpus_per_slot: float = Field(default=0, ge=0)
    resources: dict[str, float] = Field(default_factory=dict)


class Cost(Settings):
    """Prices for the ledger, in one currency."""

    currency: str = Field(default="RMB", pattern=r"^[A-Z]{3}$")
    machine_per_hour: float = Field(default=2.0, ge=0)
    human_per_box: float = Field(default=0.05, ge=0)
    human_boxes_per_day: float = Field(default=3000, gt=0)


class GenerationConfig(Settings):
    """One dataset to make."""

    schema_: Literal["synthgen/generation@1"] = Field(alias="schema")
    name: str = Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$")
    seed: int = Field(ge=0, lt=2**63)
    scenarios: tuple[ScenarioEntry, ...] = Field(min_length=1)
    maps: tuple[FileName, ...] = Field(min_length=1)
    rig: FileName
    image_scale: float = Field(default=1.0, gt=0, le=8, description="Of the rig's image sizes")
    simulator: EmbeddedSimulator | CarlaSimulator = Field(discriminator="kind")
    executor: Literal["auto", "inline", "ray"] = "auto"
    workers: int = Field(default=1, ge=1, le=4096)
    pin_slots: bool = Field(default=False, description="Slot n runs on the n-th core only")
    screen: FileName | None = None
    max_draws: int = Field(default=12, ge=1, le=1000)
    capture: CaptureSettings = CaptureSettings()
    out: FileName
    exports: tuple[Export, ...] = ()
    previews: bool = True
    publish: str | None = Field(default=None, pattern=r"^[a-z0-9]+://[^\s]+$")
    ray: RayCluster = RayCluster()
    cost: Cost = Cost()
    max_bytes: int = Field(default=10**12, gt=0, description="Refuse jobs forecast to be larger")

    @model_validator(mode="after")
    def _is_one_dataset(self) -> GenerationConfig:
        if (clips := sum(entry.clips for entry in self.scenarios)) > MOST_CLIPS:
            raise ValueError(
                f"scenarios: {clips} clips, at most {MOST_CLIPS} are one dataset; "
                "make several of different seeds"
            )
        return self


def load_config(path: Path, **overrides: object) -> GenerationConfig:
    """The config in a file, with the values that are not None in `overrides` put over it.

    Args:
        path: YAML file.
        overrides: Fields of `GenerationConfig` from the command line.

    Raises:
        ConfigError: One line `file:line:column: field: message` per fault.
    """
    config = load_model(path, GenerationConfig)
    given = {name: value for name, value in overrides.items() if value is not None}
    fields = {**dict(config), **given}
    fields["schema"] = fields.pop("schema_")
    try:
        return GenerationConfig.model_validate(fields)
    except ValidationError as err:
        first = err.errors(include_url=False)[0]
        place = ".".join(str(step) for step in first["loc"])
        raise ConfigError(f"argument {place}: {first['msg']}, got {first['input']!r}") from err


def project_root(config_file: Path) -> Path:
    """The folder that relative paths of a config start from: the one that holds `configs/`."""
    resolved = config_file.resolve()
    for folder in resolved.parents:
        if folder.name == "configs":
            return folder.parent
    return resolved.parent


def find_file(name: str, root: Path, what: str) -> Path:
    """An input file, below `root` or among those that come with synthgen.

    Rigs and scenarios that come with it are also known by their bare names.

    Raises:
        ConfigError: It is in neither place.
    """
    candidates = [root / name, PACKAGE_ROOT / name]
    if what in _NAMED:
        candidates.append(PACKAGE_ROOT / _NAMED[what] / f"{name}.yaml")
    for candidate in candidates:
        if candidate.is_file():
            return candidate.resolve()
    raise ConfigError(
        f"{what} {name}: no such file (looked in {root} and {PACKAGE_ROOT}){_near(name, what)}"
    )


def _near(name: str, what: str) -> str:
    """A hint at the name that may have been meant."""
    if what not in _NAMED:
        return ""
    known = [file.stem for file in (PACKAGE_ROOT / _NAMED[what]).glob("*.yaml")]
    near = get_close_matches(Path(name).stem, sorted(known), n=1)
    return f"; did you mean {near[0]}?" if near else ""
