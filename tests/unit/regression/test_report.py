"""Reports show every kind of change, however many there are of one."""

from __future__ import annotations

from synthgen.regression.change import Change, Kind
from synthgen.regression.outcome import Outcome, Policy
from synthgen.regression.report import junit_report, markdown_report, text_report


def change(kind: Kind, number: int, amount: float | None = None) -> Change:
    return Change(
        kind=kind, slot="a-00000", where=f"boxes2d frame {number}", text="differs", amount=amount,
        unit="px", is_tolerated=False,
    )  # fmt: skip


def shown(changes: list[Change]) -> list[str]:
    """Kinds of the lines, in order."""
    text = text_report(Outcome("verify", ("a-00000",), tuple(changes), Policy()))
    return [line.split()[1].rstrip(":") for line in text.splitlines() if line.startswith("FAIL")]


def test_hundreds_of_one_kind_hide_no_other() -> None:
    attributes = [change(Kind.ATTRIBUTE, number) for number in range(300)]
    lines = shown([*attributes, change(Kind.CLASS, 1), change(Kind.REMOVED, 2)])
    assert lines[:2] == ["class-changed", "object-removed"]
    assert len(lines) == 40


def test_of_one_kind_the_largest_come_first() -> None:
    moved = [change(Kind.MOVED, number, amount=float(number)) for number in range(100)]
    text = text_report(Outcome("verify", ("a-00000",), tuple(moved), Policy()))
    assert text.splitlines()[1].startswith("FAIL object-moved: a-00000 boxes2d frame 99")


def test_every_kind_has_its_place() -> None:
    assert sorted(shown([change(kind, 1) for kind in Kind if kind is not Kind.CODE])) == sorted(
        str(kind) for kind in Kind if kind is not Kind.CODE
    )


def test_change_of_a_whole_clip_has_no_empty_place() -> None:
    whole = Change(kind=Kind.CLIP_REDRAWN, slot="a-00000", where="", text="clip 1 is now 2")
    outcome = Outcome("verify", ("a-00000",), (whole,), Policy())
    assert "- `a-00000` clip 1 is now 2" in markdown_report(outcome).splitlines()
    document = junit_report(outcome).decode()
    assert 'message="1 changes; the first: clip 1 is now 2"' in document
