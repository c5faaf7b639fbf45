"""What passes between a worker and the capture process: job in, heartbeats, receipt out.

A capture process is `python -m synthgen.runner --job JOB.json --server HOST:PORT --tm-port P
--staging DIR --heartbeat FILE --receipt FILE`. It ends with 0 and a receipt, with `EXIT_SIM_FAULT`
and a receipt that names the fault, or it crashed.
"""

from __future__ import annotations

from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from synthgen.datatypes.seeds import seed_for

JOB_SCHEMA: Final = "synthgen/job@1"
RECEIPT_SCHEMA: Final = "synthgen/receipt@1"
EXIT_SIM_FAULT: Final = 75
MAX_RECEIPT_BYTES: Final = 2048


class Record(BaseModel):
    """Base of the records here: no unknown fields, never changed."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class Slot(Record):
    """Place `k` of a scenario in the dataset; it holds one accepted clip in the end."""

    scenario: str = Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$")
    k: int = Field(ge=0)

    @property
    def name(self) -> str:
        """Name of the slot's files, e.g. `jaywalk_parked_van-00002`."""
        return f"{self.scenario}-{self.k:05d}"


class CaptureSettings(Record):
    """How long a clip is, how finely it is simulated and which ticks are captured."""

    duration_s: float = Field(default=8.0, gt=0, le=3600)
    tick_s: float = Field(default=0.05, gt=0, le=0.1)
    period_ticks: int = Field(default=2, ge=1, le=100)
    rgb_codec: Literal["png", "jpeg"] = "png"

    @model_validator(mode="after")
    def _captures_something(self) -> CaptureSettings:
        ticks = round(self.duration_s / self.tick_s)
        if ticks < self.period_ticks:
            raise ValueError(
                f"nothing would be captured: a clip of {self.duration_s:g} s has {ticks} ticks of "
                f"{self.tick_s:g} s, fewer than period_ticks {self.period_ticks}"
            )
        return self


class MapSource(Record):
    """A map by name, with the OpenDRIVE file it is built from where one is known."""

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$")
    path: str | None
    sha256: str | None


class RigSource(Record):
    """The rig file and what it says."""

    path: str
    content: dict[str, Any]


class SimulatorKind(Record):
    """The part of the simulator's settings that a clip depends on."""

    kind: Literal["embedded", "carla"]
    quality: str


class ClipJob(Record):
    """All that a capture process needs to make one clip.

    `scenario` is the concrete scenario as JSON. `replay` is the folder of a clip whose stored
    states are shown again instead of running the scenario. `dataset` and the paths say where things
    lie; they and the generator's settings beside the job are not part of the clip's identity.
    """

    schema_: Literal["synthgen/job@1"] = Field(default=JOB_SCHEMA, alias="schema")
    slot: Slot
    draw: int = Field(ge=0)
    clip_id: str = Field(pattern=r"^[0-9a-f]{16}$")
    seed: int = Field(ge=0)
    scenario: dict[str, Any]
    rig: RigSource
    map: MapSource
    capture: CaptureSettings
    simulator: SimulatorKind
    dataset: str
    replay: str | None = None

    def stream_seed(self, stream: str) -> int:
        """Seed of a named stream of the run; clips of one scene share it."""
        k = int(self.scenario.get("k", self.slot.k))
        return seed_for(self.seed, self.slot.scenario, k, self.draw, stream)


class Heartbeat(Record):
    """How far a capture process is; the file is replaced whole at every phase and tick.

    `phase` is a word such as `connect`, `load`, `warmup`, `run`, `label`, `commit`. A process whose
    heartbeat stays the same for longer than its phase allows is killed.
    """

    phase: str
    tick: int = 0
    ticks: int = 0
    frames: int = 0


class Receipt(Record):
    """What a capture process says at its end, at most 2 kB of JSON."""

    schema_: Literal["synthgen/receipt@1"] = Field(default=RECEIPT_SCHEMA, alias="schema")
    clip_id: str
    status: Literal["accepted", "rejected", "exists", "fault"]
    reason: str | None = Field(default=None, max_length=800)
    flags: tuple[str, ...] = ()
    frames: int = 0
    boxes2d: int = 0
    bytes: int = 0
    seconds: dict[str, float] = Field(default_factory=dict)
    phase: str | None = None
    tick: int | None = None
    signature: str | None = Field(default=None, max_length=200)
