"""YAML files from outside, read strictly, every complaint with file:line:column.

Refused: aliases, anchors, tags, several documents, duplicate keys, keys that are no strings, NaN
and infinity, numbers with a leading zero, more than 40 levels, 6,000 nodes or 512 kB. Scalars are
YAML 1.2 core (`no` is text, `1e3` is a number); a quoted scalar is always text.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import TypeVar, get_args

from pydantic import BaseModel, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    NodeEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)
from ruamel.yaml.reader import ReaderError

from synthgen.errors import ConfigError

MAX_BYTES = 512 * 1024
MAX_DEPTH = 40
MAX_NODES = 6_000
MAX_REPORTED = 20

Node = None | bool | int | float | str | list["Node"] | dict[str, "Node"]
NodePath = tuple[str | int, ...]
Model = TypeVar("Model", bound=BaseModel)

_INT = re.compile(r"[-+]?(0|[1-9][0-9]*)")
_RADIX = re.compile(r"0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|(0|[1-9][0-9]*)(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_LEADING_ZERO = re.compile(r"[-+]?0[0-9]+(\.[0-9]*)?([eE][-+]?[0-9]+)?")
_NOT_FINITE = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
_CONSTANTS: dict[str, Node] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}


@dataclass(frozen=True, slots=True)
class Mark:
    """Where something stands in a file; line and column count from 1."""

    file: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


@dataclass(frozen=True, slots=True)
class Marks:
    """Positions of every key and value of one document, by path from its root."""

    file: str
    keys: Mapping[NodePath, Mark]
    values: Mapping[NodePath, Mark]

    def at(self, path: NodePath, *, key: bool = False) -> Mark:
        """Position of the value (or key) at `path`, or of the nearest parent that has one."""
        while path:
            found = (self.keys.get(path) if key else None) or self.values.get(path)
            if found is not None:
                return found
            path = path[:-1]
        return self.values.get((), Mark(self.file, 1, 1))


def load_model(path: str | Path, model: type[Model]) -> Model:
    """The file as a validated model.

    Args:
        path: YAML file.
        model: Pydantic model; text is never turned into numbers or booleans.

    Raises:
        ConfigError: The file cannot be read or breaks the model; one line `file:line:column: field:
            message` per fault, in the order of the file.
    """
    document, marks = load_yaml_strict(path)
    return validate(document, marks, model)


def load_yaml_strict(path: str | Path) -> tuple[dict[str, Node], Marks]:
    """The mapping a YAML file holds, and where each part of it stands.

    Raises:
        ConfigError: With file:line:column, on anything this module's docstring refuses.
    """
    path = Path(path)
    return parse_yaml_strict(_read_text(path), str(path))


def parse_yaml_strict(text: str, file: str) -> tuple[dict[str, Node], Marks]:
    """The mapping that `text` holds; `file` is the name used in messages."""
    builder = _Builder(file)
    try:
        for event in _events(text):
            builder.feed(event)
    except MarkedYAMLError as err:
        mark = err.problem_mark or err.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        raise ConfigError(f"{file}:{line}:{column}: {err.problem or err.context}") from err
    except ReaderError as err:
        line, column = _line_column(text, err.position)
        name = f"U+{_code_point(err.character):04X}"
        raise ConfigError(f"{file}:{line}:{column}: the character {name} is not allowed") from err
    except YAMLError as err:
        raise ConfigError(f"{file}:1:1: {err}") from err
    return builder.result()


def validate(document: Node, marks: Marks, model: type[Model]) -> Model:
    """The document as a model; faults are raised as one ConfigError with a line each."""
    try:
        # Strict JSON mode is what YAML can say: lists are tuples, text is a path, "no" is no bool.
        return model.model_validate_json(json.dumps(document), strict=True)
    except ValidationError as err:
        faults = sorted(
            {
                _fault(dict(e), document, marks, model)
                for e in err.errors(include_url=False)
                if not (e["type"] == "too_short" and e["input"])  # its items' faults say it better
            },
            key=lambda f: (f[0].file, f[0].line, f[0].column, f[1]),
        )
    lines = [f"{mark}: {text}" for mark, text in faults[:MAX_REPORTED]]
    if len(faults) > MAX_REPORTED:
        lines.append(f"{marks.file}: {len(faults) - MAX_REPORTED} more faults")
    raise ConfigError("\n".join(lines))


def _read_text(path: Path) -> str:
    try:
        with path.open("rb") as stream:
            raw = stream.read(MAX_BYTES + 1)
    except OSError as err:
        raise ConfigError(f"{path}: {err.strerror or err}") from err
    if len(raw) > MAX_BYTES:
        raise ConfigError(f"{path}:1:1: the file is larger than {MAX_BYTES // 1024} kB")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as err:
        line, column = _line_column(raw[: err.start].decode("utf-8", "replace"), None)
        raise ConfigError(f"{path}:{line}:{column}: the file is not UTF-8 text") from err


def _code_point(character: int | str) -> int:
    return character if isinstance(character, int) else ord(character)


def _line_column(text: str, position: int | None) -> tuple[int, int]:
    before = text if position is None else text[:position]
    return before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1


def _events(text: str) -> Iterator[Event]:
    yaml = YAML(typ="safe", pure=True)
    yaml.version = (1, 2)
    yield from yaml.parse(text)


class _Builder:
    """Builds a document from parser events with an explicit stack, so depth costs no recursion."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.keys: dict[NodePath, Mark] = {}
        self.values: dict[NodePath, Mark] = {}
        self.root: Node = None
        self.nodes = 0
        self.documents = 0
        self.stack: list[tuple[dict[str, Node] | list[Node], NodePath]] = []
        self.pending_key: list[str | None] = []

    def feed(self, event: Event) -> None:
        if isinstance(event, DocumentStartEvent):
            self.documents += 1
            if self.documents > 1:
                raise self.fault(event, "a second document is not allowed")
        elif isinstance(event, MappingEndEvent | SequenceEndEvent):
            self.stack.pop()
            self.pending_key.pop()
        elif isinstance(event, NodeEvent):
            self.node(event)

    def node(self, event: NodeEvent) -> None:
        self.nodes += 1
        if self.nodes > MAX_NODES:
            raise self.fault(event, f"more than {MAX_NODES} nodes")
        if isinstance(event, AliasEvent):
            raise self.fault(event, f"aliases are not allowed (*{event.anchor})")
        if event.anchor is not None:
            raise self.fault(event, f"anchors are not allowed (&{event.anchor})")
        tag = getattr(event, "tag", None)
        if tag is not None:
            raise self.fault(event, f"tags are not allowed ({tag})")
        if self.stack and isinstance(self.stack[-1][0], dict) and self.pending_key[-1] is None:
            self.key(event)
        elif isinstance(event, ScalarEvent):
            self.add(event, self.scalar(event))
        else:
            assert isinstance(event, MappingStartEvent | SequenceStartEvent)
            opened: dict[str, Node] | list[Node] = (
                {} if isinstance(event, MappingStartEvent) else []
            )
            path = self.add(event, opened)
            if len(self.stack) >= MAX_DEPTH:
                raise self.fault(event, f"nested deeper than {MAX_DEPTH} levels")
            self.stack.append((opened, path))
            self.pending_key.append(None)

    def key(self, event: NodeEvent) -> None:
        mapping, path = self.stack[-1]
        if not isinstance(event, ScalarEvent):
            raise self.fault(event, "a key must be text")
        name = str(event.value)
        if isinstance(mapping, dict) and name in mapping:
            first = self.keys[(*path, name)]
            raise self.fault(event, f"duplicate key {name!r}, first on line {first.line}")
        self.pending_key[-1] = name
        self.keys[(*path, name)] = self.mark(event)

    def add(self, event: NodeEvent, value: Node) -> NodePath:
        path: NodePath = ()
        if self.stack:
            parent, parent_path = self.stack[-1]
            if isinstance(parent, list):
                path = (*parent_path, len(parent))
                parent.append(value)
            else:
                name = self.pending_key[-1]
                assert name is not None
                path = (*parent_path, name)
                parent[name] = value
                self.pending_key[-1] = None
        else:
            self.root = value
        self.values[path] = self.mark(event)
        return path

    def scalar(self, event: ScalarEvent) -> Node:
        text = str(event.value)
        if event.style not in (None, ""):
            return text
        if text in _CONSTANTS:
            return _CONSTANTS[text]
        if _INT.fullmatch(text):
            return int(text) if len(text) < 20 else float(text)
        if _RADIX.fullmatch(text):
            return int(text, 0)
        if _LEADING_ZERO.fullmatch(text):
            raise self.fault(event, f"{text} has a leading zero; write it without, or in quotes")
        if _FLOAT.fullmatch(text):
            number = float(text)
            if abs(number) == float("inf"):
                raise self.fault(event, f"{text} is not a finite number")
            return number
        if _NOT_FINITE.fullmatch(text):
            raise self.fault(event, f"{text} is not a finite number")
        return text

    def mark(self, event: Event) -> Mark:
        start = event.start_mark
        return Mark(self.file, start.line + 1, start.column + 1)

    def fault(self, event: Event, message: str) -> ConfigError:
        return ConfigError(f"{self.mark(event)}: {message}")

    def result(self) -> tuple[dict[str, Node], Marks]:
        marks = Marks(self.file, self.keys, self.values)
        if self.documents == 0 or self.root is None:
            raise ConfigError(f"{self.file}:1:1: the file is empty")
        if not isinstance(self.root, dict):
            raise ConfigError(f"{marks.at(())}: expected a mapping of fields")
        return self.root, marks


def _fault(
    error: dict[str, object], document: Node, marks: Marks, model: type[BaseModel]
) -> tuple[Mark, str]:
    """Position and text of one pydantic error; union tags in its location are left out."""
    location = error["loc"]
    assert isinstance(location, tuple)
    path: NodePath = ()
    names: list[str] = []
    node = document
    missing = error["type"] == "missing"
    for depth, step in enumerate(location):
        if isinstance(node, dict) and step in node:
            node, path = node[str(step)], (*path, str(step))
        elif isinstance(node, list) and isinstance(step, int) and step < len(node):
            node, path = node[step], (*path, step)
        elif not (missing and depth == len(location) - 1):
            continue
        names.append(str(step))
    if error["type"] == "union_tag_invalid" and isinstance(node, dict):
        context = error["ctx"]
        assert isinstance(context, dict)
        tag = context["discriminator"].strip("'")
        path, node = (*path, tag), node[tag]
        names.append(tag)
    wants_key = error["type"] == "extra_forbidden" or isinstance(node, dict | list)
    return marks.at(path, key=wants_key), f"{'.'.join(names) or 'file'}: {_message(error, model)}"


def _message(error: dict[str, object], model: type[BaseModel]) -> str:
    if error["type"] == "extra_forbidden":
        return f"unknown field{_near_miss(error['loc'], model)}"
    if error["type"] == "missing":
        return "required field is missing"
    if error["type"] == "union_tag_invalid":
        context = error["ctx"]
        assert isinstance(context, dict)
        return f"input should be one of {context['expected_tags']}, got {_short(context['tag'])}"
    text = str(error["msg"]).removeprefix("Value error, ")
    value = error.get("input")
    if error["type"] == "value_error" or isinstance(value, dict | list):
        return text
    return f"{text[:1].lower()}{text[1:]}, got {_short(value)}"


def _near_miss(location: object, model: type[BaseModel]) -> str:
    """`; did you mean speed?` where a field of that place has almost the name."""
    assert isinstance(location, tuple)
    there = {model}
    for step in location[:-1]:
        fields = [f for m in there for n, f in m.model_fields.items() if step in (n, f.alias)]
        # Numbers of items, names in a mapping and tags of unions lead no deeper.
        there = {m for f in fields for m in _models_in(f.annotation)} or _tagged(there, step)
    names = [f.alias or n for m in there for n, f in m.model_fields.items()]
    found = get_close_matches(str(location[-1]).removeprefix("+"), names, n=1)
    return f"; did you mean {found[0]}?" if found else ""


def _models_in(annotation: object) -> set[type[BaseModel]]:
    """The models in a field's type, however deep in unions, lists and mappings."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return {annotation}
    return {model for part in get_args(annotation) for model in _models_in(part)}


def _tagged(models: set[type[BaseModel]], tag: object) -> set[type[BaseModel]]:
    """The models of a union that have a field of this one value; all, if none has."""
    found = {
        m for m in models if any(get_args(f.annotation) == (tag,) for f in m.model_fields.values())
    }
    return found or models


def _short(value: object) -> str:
    text = json.dumps(value, ensure_ascii=True, default=str)
    return text if len(text) <= 60 else f"{text[:57]}..."
