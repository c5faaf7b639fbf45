"""The profile `synthgen/profile@1`: what stands where around the ego, as distributions.

`synthgen fit` writes one from real labels, the dry run draws labels from one, and the part of it
that scenario files can say is written beside it as a fragment to include (docs/qa.md).
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib.resources import as_file, files
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from synthgen.datatypes.strict_yaml import load_model
from synthgen.qa.tables import CLASSES

PROFILE_SCHEMA: Final = "synthgen/profile@1"

Heading = Literal["along", "oncoming", "crossing"]
HEADINGS: Final[tuple[Heading, ...]] = ("along", "oncoming", "crossing")
Share = Annotated[float, Field(ge=0, le=1)]
Triple = tuple[float, float, float]
# Quantiles at evenly spaced probabilities from 0 to 1, joined by straight lines: two are a uniform
# distribution.
Quantiles = Annotated[tuple[float, ...], Field(min_length=2, max_length=101)]


class Strict(BaseModel):
    """Base of the profile's parts: frozen, no unknown fields."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class View(Strict):
    """The camera that the labels are seen with."""

    width_px: int = Field(ge=16)
    height_px: int = Field(ge=16)
    focal_px: float = Field(gt=0)
    centre_x_px: float
    centre_y_px: float


class Density(Strict):
    """Objects a frame: Poisson about a rate that is gamma distributed over sequences.

    `dispersion` is the gamma's shape: variance of the rate = mean² / dispersion.
    """

    mean: float = Field(gt=0, le=500)
    dispersion: float = Field(gt=0, le=1000)


class Size(Strict):
    """Length, width, height: normal, correlated (length-width, length-height, width-height)."""

    mean_m: Triple
    sd_m: Triple
    correlation: Triple = (0.0, 0.0, 0.0)


class Stream(Strict):
    """Objects of one class that head one way: where they are, and how far their heading strays.

    `ahead_m` and `left_m` are of the box centre from the camera; `left_far_m` is that of objects
    farther ahead than `far_from_m`, where roads have bent away.
    """

    heading: Heading
    share: Share
    spread_rad: float = Field(ge=0, le=2)
    ahead_m: Quantiles
    left_m: Quantiles
    far_from_m: float | None = None
    left_far_m: Quantiles | None = None

    @model_validator(mode="after")
    def _quantiles_ascend(self) -> Self:
        for name in ("ahead_m", "left_m", "left_far_m"):
            values = getattr(self, name) or ()
            if any(b < a for a, b in pairwise(values)):
                raise ValueError(f"{name}: quantiles must not fall")
        if (self.far_from_m is None) != (self.left_far_m is None):
            raise ValueError("far_from_m and left_far_m go together")
        return self


class Kind(Strict):
    """One class: its size, and its streams by heading."""

    size: Size
    streams: tuple[Stream, ...] = Field(min_length=1, max_length=3)


class Ground(Strict):
    """Height of the road below the camera: `height_m` + grade * distance ahead, and what is left.

    The grade changes from frame to frame (pitch and slope).
    """

    height_m: float
    grade: float = 0.0
    grade_sd: float = Field(default=0.0, ge=0)
    residual_sd_m: float = Field(default=0.0, ge=0)


class Evidence(Strict):
    """Where the value of one knob comes from."""

    value: float
    interval: tuple[float, float]
    boxes: int = Field(ge=0)
    sequences: int = Field(ge=0)


class Provenance(Strict):
    """What a profile was fitted to, and how."""

    dataset: str
    sequences: tuple[str, ...]
    frames: int
    boxes: int
    mode: Literal["match", "cover"]
    level: float = Field(description="Confidence level of every interval")
    seed: int
    generator_version: str


class Profile(Strict):
    """Distributions of objects around the ego."""

    schema_: Literal["synthgen/profile@1"] = Field(alias="schema")
    name: str
    source: tuple[str, ...] = ()
    view: View | None = None
    density: Density
    mix: dict[str, Share]
    classes: dict[str, Kind]
    ground: Ground
    provenance: Provenance | None = None
    evidence: dict[str, Evidence] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _classes_are_known(self) -> Self:
        unknown = sorted(set(self.mix) - set(CLASSES))
        if unknown:
            raise ValueError(f"mix: {unknown[0]} is unknown; known: {', '.join(CLASSES)}")
        missing = sorted(name for name, share in self.mix.items() if share and not self.has(name))
        if missing:
            raise ValueError(f"mix has {missing[0]}, but classes does not describe it")
        if not sum(self.mix.values()):
            raise ValueError("mix: the shares sum to zero")
        return self

    def has(self, name: str) -> bool:
        """True where the class is described."""
        return name in self.classes

    def changed(self, **parts: object) -> Profile:
        """A copy with some parts replaced, checked again."""
        document = {**self.document(), **parts}
        return Profile.model_validate(document)

    def document(self) -> dict[str, Any]:
        """Plain data, as written to YAML."""
        return self.model_dump(by_alias=True, exclude_none=True, mode="python")


def load_profile(path: Path) -> Profile:
    """The profile in a file.

    Raises:
        ConfigError: `file:line:column: field: message`, one line per fault.
    """
    return load_model(path, Profile)


def hand_default() -> Profile:
    """The profile written by hand: prior of fits, and the yardstick they have to beat."""
    with as_file(files("configs") / "qa" / "hand_default.yaml") as path:
        return load_profile(path)


def bad_reference() -> Profile:
    """The deliberately bad profile that an index of 0 stands for."""
    with as_file(files("configs") / "qa" / "bad_reference.yaml") as path:
        return load_profile(path)


def merged_classes(profile: Profile, moved: Mapping[str, str]) -> Profile:
    """The profile in a list of classes that lacks some: their share goes to others."""
    mix = dict(profile.mix)
    for name, target in moved.items():
        mix[target] = mix.get(target, 0.0) + mix.pop(name, 0.0)
    return profile.changed(mix=mix)


def normalised(mix: Mapping[str, float]) -> dict[str, float]:
    """The shares, summing to one."""
    total = sum(mix.values())
    return {name: share / total for name, share in mix.items()}
