"""Broken scenario files, each with its exact message."""

from __future__ import annotations

import resource
import time
from pathlib import Path

import pytest

from scenarios.loader import load_scenario
from synthgen.errors import ConfigError

BASE = """\
schema: synthgen/scenario@1
name: base
duration: 8 s
params:
  v: {uniform: ["30 km/h", "50 km/h"]}
where: {kind: straight}
ego:
  behaviour: [{do: follow_lane, speed: $v}]
actors:
  walker:
    kind: pedestrian
    critical: true
    at: {lane: sidewalk_right}
    behaviour:
      - do: cross_road
        speed: 1.4 m/s
        meet: {offset: 0.3 s}
expect:
  - check: started(walker)
"""

KNOWN_CHECKS = (
    "collided, drac, first_visible_ttc, in_ego_lane, lane_entry_time, min_gap, min_speed, min_thw, "
    "min_ttc, pet, signal, speed, started, stopped, tet, ttc_at_lane_entry, v_impact, "
    "visible_frames"
)

# What is replaced in BASE, by what, and the message after "file:".
EDITS = {
    "bare number": (
        "duration: 8 s", "duration: 8",
        '3:11: duration: a time needs a unit (s, ms), e.g. "8 s"',
    ),
    "unit of another dimension": (
        "duration: 8 s", "duration: 8 m",
        "3:11: duration: '8 m' is not a time; write a number and one of: s, ms",
    ),
    "unknown field": (
        "speed: $v", "sped: $v",
        "8:15: ego.behaviour.0.speed: required field is missing\n"
        "{f}:8:33: ego.behaviour.0.sped: unknown field; did you mean speed?",
    ),
    "unknown top field": (
        "duration: 8 s", "durtion: 8 s", "3:1: durtion: unknown field; did you mean duration?",
    ),
    "wrong choice": (
        "kind: straight", "kind: straigt",
        "6:15: where.kind: input should be 'straight', 'curve', 'junction', 'merge' or 'any', "
        'got "straigt"',
    ),
    "wrong schema": (
        "scenario@1", "scenario@9",
        "1:9: schema: input should be 'synthgen/scenario@1', got \"synthgen/scenario@9\"",
    ),
    "bad name": (
        "name: base", "name: ../x",
        "2:7: name: string should match pattern '^[a-z][a-z0-9_]{0,63}$', got \"../x\"",
    ),
    "unknown parameter": (
        "speed: 1.4 m/s", "speed: $walk", "16:16: $walk is not a parameter; known: v",
    ),
    "parameter of another dimension": (
        "offset: 0.3 s", "offset: $v",
        "17:24: actors.walker.behaviour.0.meet.offset: expected a time, $v is a speed",
    ),
    "normal without bounds": (
        'uniform: ["30 km/h", "50 km/h"]', 'normal: {mean: "30 km/h", sd: "2 km/h"}',
        "5:3: params.v: normal is always truncated: give mean, sd, min, max",
    ),
    "two distributions": (
        '{uniform: ["30 km/h", "50 km/h"]}', '{uniform: ["1 m/s", "2 m/s"], grid: ["1 m/s"]}',
        "5:3: params.v: a distribution has exactly one of uniform, normal, lognormal, choice, grid",
    ),
    "bounds turned round": (
        '["30 km/h", "50 km/h"]', '["50 km/h", "30 km/h"]',
        "5:3: params.v: uniform: low must not be above high, and the spread must be above 0",
    ),
    "weights of another length": (
        'uniform: ["30 km/h", "50 km/h"]', 'choice: ["30 km/h", "50 km/h"], weights: [1]',
        "5:3: params.v: weights: expected 2 numbers of at least 0, one a choice",
    ),
    "unknown function": (
        "check: started(walker)", "check: min_tttc(ego, walker) < 1.5",
        f"19:12: expect.0.check: unknown function 'min_tttc'; known: {KNOWN_CHECKS}",
    ),
    "expression that is a program": (
        "check: started(walker)", "check: \"__import__('os').system('x')\"",
        "19:12: expect.0.check: unknown function \"__import__('os').system\"; "
        f"known: {KNOWN_CHECKS}",
    ),
    "expression with an attribute": (
        "check: started(walker)", "check: walker.x > 1",
        "19:12: expect.0.check: Attribute is not allowed in an expression",
    ),
    "expression that does not parse": (
        "check: started(walker)", "check: started(walker",
        "19:12: expect.0.check: cannot read expression 'started(walker': '(' "
        "was never closed",
    ),
    "expression about nobody": (
        "check: started(walker)", "check: started(cyclist)",
        "19:12: expect.0.check: cyclist is neither an actor nor a parameter",
    ),
    "trigger with two keys": (
        "- do: cross_road", "- when: {time: 1 s, after: x}\n        do: cross_road",
        "15:9: actors.walker.behaviour.0.when: a trigger has exactly one key; "
        "combine with all: or any:",
    ),
    "gap without side": (
        "{lane: sidewalk_right}", "{lane: sidewalk_right, gap: 1 m}",
        "13:5: actors.walker.at: gap and side go together",
    ),
    "clearance and t": (
        "{lane: sidewalk_right}", "{lane: parking_right, t: 1 m, clearance: 1 m}",
        "13:5: actors.walker.at: clearance takes the place of t; give one of them",
    ),
    "clearance from a lane that the ego does not pass": (
        "{lane: sidewalk_right}", "{lane: opposite, clearance: 1 m}",
        "13:5: actors.walker.at: clearance is for lane: parking_right and kerb_right",
    ),
    "a way that nobody solves": (
        "- do: cross_road\n        speed: 1.4 m/s\n        meet: {offset: 0.3 s}",
        "- do: follow_path\n        speed: 1.4 m/s\n        points: [{s: 5 m}]\n        meet: {}",
        "18:9: the way of follow_path is not solved for; let it begin at its `when`, e.g. {tta: ",
    ),
    "anchor that is nowhere": (
        "{lane: sidewalk_right}", "{lane: sidewalk_right, anchor: vann}",
        "13:40: actors.walker.at.anchor: 'vann' is no place or actor; "
        "known: conflict, ego, stop_line, walker",
    ),
    "meets nobody": (
        "offset: 0.3 s", "with: bus", "17:22: actors.walker.behaviour.0.meet.with: no actor 'bus'",
    ),
    "world coordinates": (
        "{lane: sidewalk_right}", "{x: 1 m, y: 2 m}", "13:10: actors.walker.at.x: unknown field",
    ),
    "a row of nobody in particular": (
        "    critical: true\n    at: {lane: sidewalk_right}\n    behaviour:\n"
        "      - do: cross_road\n"
        "        speed: 1.4 m/s\n        meet: {offset: 0.3 s}\n",
        "    count: 3\n    at: {lane: sidewalk_right}\n    behaviour: [{do: idle}]\n",
        "12:12: actors.walker.count: only those who cross the road can be several",
    ),
    "yes for true": (
        "critical: true", "critical: yes",
        '12:15: actors.walker.critical: input should be a valid boolean, got "yes"',
    ),
    "duplicate key": (
        "name: base", "name: base\nname: other", "3:1: duplicate key 'name', first on line 2",
    ),
    "leading zero": (
        "duration: 8 s", "seed: 012",
        "3:7: 012 has a leading zero; write it without, or in quotes",
    ),
    "not a number": ("duration: 8 s", "seed: .nan", "3:7: .nan is not a finite number"),
    "alias": ("name: base", "name: &a base\ntags: [*a]", "2:7: anchors are not allowed (&a)"),
    "tag": (
        "name: base", "name: !!python/object:os.system x",
        "2:7: tags are not allowed (tag:yaml.org,2002:python/object:os.system)",
    ),
    "second document": (
        "expect:", "---\nexpect:", "18:1: a second document is not allowed",
    ),
    "tab": ("  v: {", "\tv: {", "5:1: found character '\\t' that cannot start any token"),
    "truncated": (
        "  - check: started(walker)\n", "  - {check: started(walker)",
        "19:28: expected ',' or '}', but got '<stream end>'",
    ),
    "control character": (
        "name: base", "name: ba\0se", "2:9: the character U+0000 is not allowed",
    ),
    "not a finite quantity": (
        "duration: 8 s", "duration: 1e999 s", "3:11: duration: '1e999 s' is not a finite number",
    ),
    "infinity": ("duration: 8 s", "duration: .inf", "3:11: .inf is not a finite number"),
    "exponent without a unit": (
        "duration: 8 s", "duration: 1e3",
        '3:11: duration: a time needs a unit (s, ms), e.g. "1000 s"',
    ),
    "sixties": (
        "duration: 8 s", "duration: 1:30",
        "3:11: duration: '1:30' is not a time; write a number and one of: s, ms",
    ),
    "no time at all": (
        "duration: 8 s", "duration: 0 s", "3:11: duration: expected 0.5 to 3600 s, got 0",
    ),
    "negative speed": (
        "speed: 1.4 m/s", "speed: -1.4 m/s",
        "16:16: actors.walker.behaviour.0.speed: expected 0 to 15 m/s, got -1.4",
    ),
    "parameter out of bounds": (
        '"50 km/h"', '"5000 km/h"',
        "8:40: ego.behaviour.0.speed: $v: expected 0 to 70 m/s, got 1388.89",
    ),
    "number beyond all integers": (
        "duration: 8 s", "seed: 99999999999999999999999",
        "3:7: seed: input should be a valid integer, got 1e+23",
    ),
    "absolute path for a name": (
        "name: base", "name: /etc",
        "2:7: name: string should match pattern '^[a-z][a-z0-9_]{0,63}$', got \"/etc\"",
    ),
    "name that turns round": (
        "name: base", "name: \u202ebase",
        "2:7: name: string should match pattern '^[a-z][a-z0-9_]{0,63}$', got \"\\u202ebase\"",
    ),
    "name of a device": (
        "name: base", "name: CON",
        "2:7: name: string should match pattern '^[a-z][a-z0-9_]{0,63}$', got \"CON\"",
    ),
    "long name": (
        "name: base", "name: " + "a" * 300,
        "2:7: name: string should match pattern '^[a-z][a-z0-9_]{0,63}$', got \""
        + "a" * 56 + "...",
    ),
    "unknown behaviour": (
        "do: cross_road", "do: cros_road",
        "15:13: actors.walker.behaviour.0.do: input should be one of 'follow_lane', 'turn', "
        "'follow_path', 'cross_road', 'dart_out', 'walk_along', 'hesitate', 'turn_back', 'cut_in', "
        "'cut_out', 'swerve', 'brake', 'run_red_light', 'open_door', 'reverse', 'idle', "
        "'follow_prop', got \"cros_road\"",
    ),
    "too few arguments": (
        "check: started(walker)", "check: min_ttc(walker) < 1",
        "19:12: expect.0.check: min_ttc takes (a, b), found min_ttc(walker)",
    ),
    "number for an actor": (
        "check: started(walker)", "check: started(3)",
        "19:12: expect.0.check: 3 stands where an actor is expected",
    ),
    "power that takes for ever": (
        "check: started(walker)", "check: 9**9**9 > 1",
        "19:12: expect.0.check: Pow is not allowed in an expression",
    ),
    "after no step": (
        "- do: cross_road", "- when: {after: nothing}\n        do: cross_road",
        "15:23: actors.walker.behaviour.0.when.after: 'nothing' is no step of this actor; "
        "known: cross_road",
    ),
    "trigger for nobody": (
        "- do: cross_road", "- when: {tta: {actor: bus, below: 2 s}}\n        do: cross_road",
        "15:29: actors.walker.behaviour.0.when.tta.actor: no actor 'bus'",
    ),
    "band turned round": (
        "offset: 0.3 s", "reveal_ttc: [2 s, 1 s]",
        "17:9: actors.walker.behaviour.0.meet: reveal_ttc: low must not be above high",
    ),
    "unknown weather": (
        "expect:", "weather: {preset: ClearMoon}\nexpect:",
        "18:19: weather.preset: 'ClearMoon' is unknown; known: ClearNoon, ClearSunset, ",
    ),
    "junction without its block": (
        "kind: straight", "kind: junction",
        "6:1: where: kind: junction and the junction block go together",
    ),
}  # fmt: skip


def message_of(path: Path, text: str) -> str:
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        load_scenario(path)
    return str(caught.value)


def test_base_is_sound(tmp_path: Path) -> None:
    path = tmp_path / "f.yaml"
    path.write_text(BASE)
    assert load_scenario(path).name == "base"


@pytest.mark.parametrize("name", EDITS)
def test_broken_file_is_refused_with_its_place(name: str, tmp_path: Path) -> None:
    old, new, message = EDITS[name]
    assert old in BASE
    path = tmp_path / "f.yaml"
    expected = f"{path}:{message}".replace("{f}", str(path))
    assert expected in message_of(path, BASE.replace(old, new, 1)).split("\n\n")[0]


HOSTILE = {
    "50 MB": ("a: 1\n" * 10_000_000, "1:1: the file is larger than 512 kB"),
    "5000 levels": ("[" * 5000, "1:41: nested deeper than 40 levels"),
    "alias bomb": (
        "a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n", "1:4: anchors are not allowed (&a)"
    ),
    "many nodes": ("[" + "1," * 30_000 + "1]", "1:12000: more than 6000 nodes"),
    "long number": ("seed: " + "9" * 5000, "1:1: "),
    "empty": ("", "1:1: the file is empty"),
    "list": ("- 1\n", "1:1: expected a mapping of fields"),
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_file_is_refused_quickly_and_in_little_memory(name: str, tmp_path: Path) -> None:
    text, message = HOSTILE[name]
    path = tmp_path / "f.yaml"
    path.write_text(text)
    before_kb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    start_s = time.process_time()
    with pytest.raises(ConfigError) as caught:
        load_scenario(path)
    assert time.process_time() - start_s < 1.0
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before_kb < 200_000
    assert str(caught.value).startswith(f"{path}:{message}")


def test_text_that_is_not_utf8_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "f.yaml"
    path.write_bytes(b"name: x\nb: \xff\xfe\n")
    with pytest.raises(ConfigError, match=r"f\.yaml:2:4: the file is not UTF-8 text"):
        load_scenario(path)


def test_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"none\.yaml: No such file or directory"):
        load_scenario(tmp_path / "none.yaml")


def test_loop_of_extends_names_the_chain(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("extends: b.yaml\n")
    (tmp_path / "b.yaml").write_text("extends: a.yaml\n")
    with pytest.raises(ConfigError) as caught:
        load_scenario(tmp_path / "a.yaml")
    assert str(caught.value) == (
        f"{tmp_path}/b.yaml:1:10: extends: a loop: a.yaml -> b.yaml -> a.yaml"
    )


def test_fault_in_an_extended_file_names_that_file(tmp_path: Path) -> None:
    (tmp_path / "base.yaml").write_text(BASE.replace("duration: 8 s", "duration: 8"))
    (tmp_path / "child.yaml").write_text("extends: base.yaml\nname: child\n")
    with pytest.raises(ConfigError, match=r"base\.yaml:3:11: duration: a time needs a unit"):
        load_scenario(tmp_path / "child.yaml")


def test_child_replaces_lists_and_merges_maps(tmp_path: Path) -> None:
    (tmp_path / "base.yaml").write_text(BASE)
    child = "extends: base.yaml\nname: child\nexpect: []\nwhere: {length_min: 90 m}\n"
    (tmp_path / "child.yaml").write_text(child)
    spec = load_scenario(tmp_path / "child.yaml")
    assert (spec.name, spec.expect, spec.where.kind) == ("child", (), "straight")
    assert spec.where.length_min == 90.0
