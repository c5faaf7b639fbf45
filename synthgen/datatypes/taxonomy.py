"""Categories of objects: `configs/taxonomy.yaml`, read and asked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache
from importlib.resources import as_file, files
from pathlib import Path
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from synthgen.datatypes.strict_yaml import load_model
from synthgen.errors import ConfigError

# CARLA 0.9.16's semantic tags, CityObjectLabel in LibCarla/source/carla/rpc/ObjectLabel.h.
CARLA_TAGS: Final = (
    *("unlabeled", "road", "sidewalk", "building", "wall", "fence", "pole", "traffic_light"),
    *("traffic_sign", "vegetation", "terrain", "sky", "pedestrian", "rider", "car", "truck"),
    *("bus", "train", "motorcycle", "bicycle", "static", "dynamic", "other", "water"),
    *("road_line", "ground", "bridge", "rail_track", "guard_rail"),
)

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
class FormatNames:
    """Our words in the words of one dataset format.

    Attributes:
        categories: Name of each of our categories; None drops it on purpose.
        tags: Name of each of `CARLA_TAGS` in the format's semantic classes, empty where it has
            none; None is its "unlabelled".
        reads: Our category for names that a reader meets; None is an object of no category of ours.
    """

    categories: Mapping[str, str | None]
    tags: Mapping[str, str | None]
    reads: Mapping[str, str | None]

    @property
    def classes(self) -> tuple[str, ...]:
        """The format's names that our categories use, in order, each once."""
        return tuple(dict.fromkeys(name for name in self.categories.values() if name))

    def category_of(self, name: str) -> str | None:
        """Our category for one of the format's names, or None where there is no equal."""
        if name in self.reads:
            return self.reads[name]
        return next((ours for ours, theirs in self.categories.items() if theirs == name), None)


@dataclass(frozen=True, slots=True)
class Taxonomy:
    """All categories, the rules that give one to every blueprint, and their names elsewhere."""

    categories: Mapping[str, Category]
    rules: tuple[BlueprintRule, ...]
    map_rules: tuple[BlueprintRule, ...]
    formats: Mapping[str, FormatNames]

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

    def category_of_map_object(self, name: str, tag: int) -> str | None:
        """Name of the category of an object of the map: by its name, or else by its tag."""
        found = self.category_of_tag(tag)
        if found is None or self.categories[found].group != "vehicle":
            return found
        named = (r.category for r in self.map_rules if fnmatchcase(name.lower(), r.pattern))
        return next(named, found)

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
    map_rules = tuple(row.record() for row in document.map_vehicles)
    for rule in (*rules, *map_rules):
        if rule.category not in categories:
            raise ConfigError(f"{path}: rule {rule.pattern}: no category {rule.category}")
    formats = {name: names.record() for name, names in document.formats.items()}
    for name, names in formats.items():
        _require_complete(f"{path}: formats.{name}", names, categories)
    return Taxonomy(categories, rules, map_rules, formats)


def _require_complete(place: str, names: FormatNames, categories: Mapping[str, Category]) -> None:
    """Every category has a name or an explicit null, and nothing else has.

    Raises:
        ConfigError: One is missing or unknown.
    """
    faults = {
        "no entry for": [name for name in categories if name not in names.categories],
        "no category": [name for name in names.categories if name not in categories],
        "reads: no category": [n for n in names.reads.values() if n and n not in categories],
        "no entry for tag": [k for k in CARLA_TAGS if names.tags and k not in names.tags],
        "no CARLA tag": [k for k in names.tags if k not in CARLA_TAGS],
    }
    for what, found in faults.items():
        if found:
            raise ConfigError(f"{place}: {what} {', '.join(found)}")


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


class _Format(_Strict):
    categories: dict[str, str | None]
    tags: dict[str, str | None] = Field(default_factory=dict)
    reads: dict[str, str | None] = Field(default_factory=dict)

    def record(self) -> FormatNames:
        return FormatNames(self.categories, self.tags, self.reads)


class _TaxonomyFile(_Strict):
    schema_: Literal["synthgen/taxonomy@1"] = Field(alias="schema")
    categories: list[_Category]
    blueprints: list[_Rule]
    map_vehicles: list[_Rule] = Field(default_factory=list)
    formats: dict[str, _Format] = Field(default_factory=dict)
