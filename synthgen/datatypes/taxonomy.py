"""Categories of objects: `configs/taxonomy.yaml`, read and asked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache
from importlib.resources import as_file, files
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from synthgen.datatypes.strict_yaml import load_model
from synthgen.errors import ConfigError

Group = Literal["vehicle", "cyclist", "pedestrian", "object"]


@dataclass(frozen=True, slots=True)
class Category:
    """One kind of object.

    Attributes:
        name: E.g. `car`.
        group: Layer of the bird's-eye raster.
        tags: CARLA tags its pixels may carry; the first is the usual one.
        size_range_lwh_m: Least and greatest credible length, width and height.
    """

    name: str
    group: Group
    tags: tuple[int, ...]
    size_range_lwh_m: tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class BlueprintRule:
    """Blueprints that match `pattern` and have one of `base_types` are of `category`."""

    pattern: str
    base_types: tuple[str, ...]
    category: str


@dataclass(frozen=True, slots=True)
class Taxonomy:
    """All categories, and the rules that give one to every blueprint."""

    categories: Mapping[str, Category]
    rules: tuple[BlueprintRule, ...]

    def category(self, name: str) -> Category:
        """The category of one name.

        Raises:
            ConfigError: There is none.
        """
        if name not in self.categories:
            names = ", ".join(self.categories)
            raise ConfigError(f"taxonomy: expected one of {names}, got {name}")
        return self.categories[name]

    def category_of_blueprint(self, blueprint: str, attributes: Mapping[str, str]) -> str:
        """Name of the category of a CARLA blueprint.

        Args:
            blueprint: CARLA blueprint id.
            attributes: Its attributes; `base_type` counts where CARLA gives one.
        """
        base_type = attributes.get("base_type", "")
        for rule in self.rules:
            if fnmatchcase(blueprint, rule.pattern) and (
                not rule.base_types or base_type in rule.base_types
            ):
                return rule.category
        raise ConfigError(f"taxonomy: no rule fits blueprint {blueprint}")

    def category_of_tag(self, tag: int) -> str | None:
        """Name of the first category whose usual tag this is, or None (a map object's class)."""
        for category in self.categories.values():
            if category.tags[0] == tag:
                return category.name
        return None

    def labelled_tags(self) -> frozenset[int]:
        """Usual tags of road users: pixels that carry one of them must belong to an object."""
        return frozenset(
            category.tags[0] for category in self.categories.values() if category.group != "object"
        )


@cache
def default_taxonomy() -> Taxonomy:
    """The taxonomy that comes with the program."""
    with as_file(files("configs") / "taxonomy.yaml") as path:
        return load_taxonomy(path)


def load_taxonomy(path: Path) -> Taxonomy:
    """The taxonomy of a file.

    Raises:
        ConfigError: The file breaks its schema, or a rule names an unknown category.
    """
    document = load_model(path, _TaxonomyFile)
    categories = {row.name: row.record() for row in document.categories}
    rules = tuple(row.record() for row in document.blueprints)
    for rule in rules:
        if rule.category not in categories:
            raise ConfigError(f"{path}: rule {rule.pattern}: no category {rule.category}")
    return Taxonomy(categories, rules)


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


_Range = tuple[float, float]


class _Category(_Strict):
    name: str
    group: Group
    tags: list[int] = Field(min_length=1)
    length_m: _Range
    width_m: _Range
    height_m: _Range

    def record(self) -> Category:
        sizes = (self.length_m, self.width_m, self.height_m)
        return Category(self.name, self.group, tuple(self.tags), sizes)


class _Rule(_Strict):
    pattern: str
    category: str
    base_type: str | list[str] = Field(default_factory=list)

    def record(self) -> BlueprintRule:
        base_types = [self.base_type] if isinstance(self.base_type, str) else self.base_type
        return BlueprintRule(self.pattern, tuple(base_types), self.category)


class _TaxonomyFile(_Strict):
    schema_: Literal["synthgen/taxonomy@1"] = Field(alias="schema")
    categories: list[_Category]
    blueprints: list[_Rule]
