"""Bones of walkers and COCO's keypoints: `configs/keypoints.yaml`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import as_file, files
from pathlib import Path
from typing import Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from synthgen.datatypes.strict_yaml import load_model
from synthgen.errors import ConfigError
from synthgen.geometry.arrays import F32


@dataclass(frozen=True, slots=True)
class Joint:
    """One keypoint.

    Attributes:
        name: COCO's name.
        bone: Index in the bone table of the bone that begins there, or None.
        head_flu_m: Where it lies from the head joint, x forward, y left, z up, for a person
            1.75 m tall; used where there is no such bone.
    """

    name: str
    bone: int | None
    head_flu_m: tuple[float, float, float] | None


@dataclass(frozen=True, slots=True)
class Skeleton:
    """The bone table and the keypoints that follow from it."""

    bones: tuple[str, ...]
    joints: tuple[Joint, ...]

    def bone(self, name: str) -> int:
        """Index of a bone in the table."""
        return self.bones.index(name)

    def in_table_order(self, names: Sequence[str], positions_m: F32) -> F32:
        """A server's bones in the order of the table.

        Args:
            names: The server's names of its bones.
            positions_m: (len(names), 3) where each begins.

        Returns:
            (B, 3) float32; NaN, stored as null, where the server has no such bone.
        """
        rows = {name: row for row, name in enumerate(names)}
        ordered = np.full((len(self.bones), 3), np.nan, dtype=np.float32)
        for index, name in enumerate(self.bones):
            if name in rows:
                ordered[index] = positions_m[rows[name]]
        return ordered


@cache
def default_skeleton() -> Skeleton:
    """The skeleton that comes with the program."""
    with as_file(files("configs") / "keypoints.yaml") as path:
        return load_skeleton(path)


def load_skeleton(path: Path) -> Skeleton:
    """The skeleton of a file.

    Raises:
        ConfigError: The file breaks its schema, or a joint has no known place.
    """
    document = load_model(path, _SkeletonFile)
    joints = []
    for row in document.joints:
        if row.bone is not None and row.bone not in document.bones:
            raise ConfigError(f"{path}: joint {row.name}: no bone {row.bone}")
        if row.bone is None and row.head_flu_m is None:
            raise ConfigError(f"{path}: joint {row.name}: expected bone or head_flu_m")
        bone = None if row.bone is None else document.bones.index(row.bone)
        joints.append(Joint(row.name, bone, row.head_flu_m))
    return Skeleton(tuple(document.bones), tuple(joints))


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _Joint(_Strict):
    name: str
    bone: str | None = None
    head_flu_m: tuple[float, float, float] | None = None


class _SkeletonFile(_Strict):
    schema_: Literal["synthgen/keypoints@1"] = Field(alias="schema")
    bones: list[str] = Field(min_length=1)
    joints: list[_Joint] = Field(min_length=17, max_length=17)
