"""What is held against a clip, and what is not."""

from __future__ import annotations

from pathlib import Path

from synthgen.campaign.faults import (
    MAX_OUTSIDE_FAULTS,
    MAX_SIMULATOR_FAULTS,
    Fault,
    FaultBook,
    FaultKind,
)
from synthgen.datatypes.clip_job import Slot

SLOT = Slot(scenario="jaywalk", k=3)


def book_with(path: Path, *faults: Fault) -> FaultBook:
    book = FaultBook(path / "faults.jsonl")
    for fault in faults:
        book.add(SLOT, fault)
    return book


def fault(signature: str, server: int, kind: FaultKind = FaultKind.SIMULATOR) -> Fault:
    return Fault(kind=kind, signature=signature, message="", incarnation=str(server))


def test_three_equal_failures_on_fresh_servers_condemn_a_clip(tmp_path: Path) -> None:
    book = book_with(tmp_path, *(fault("run|7|SIGSEGV", server) for server in range(3)))
    assert "run|7|SIGSEGV" in str(book.verdict(SLOT))


def test_two_equal_failures_do_not(tmp_path: Path) -> None:
    assert book_with(tmp_path, fault("a", 1), fault("a", 2)).verdict(SLOT) is None


def test_failures_on_one_sick_server_do_not(tmp_path: Path) -> None:
    assert book_with(tmp_path, *(fault("a", 1) for _ in range(3))).verdict(SLOT) is None


def test_failures_at_different_places_do_not(tmp_path: Path) -> None:
    faults = [fault(f"run|{n}|SIGABRT", n) for n in range(MAX_SIMULATOR_FAULTS - 1)]
    assert book_with(tmp_path, *faults).verdict(SLOT) is None


def test_a_simulator_that_never_starts_is_not_held_against_a_clip(tmp_path: Path) -> None:
    faults = [fault("boot", n, FaultKind.HOST) for n in range(50)]
    assert book_with(tmp_path, *faults).verdict(SLOT) is None


def test_kills_from_outside_are_not_held_against_a_clip(tmp_path: Path) -> None:
    faults = [fault("killed", n, FaultKind.OUTSIDE) for n in range(MAX_OUTSIDE_FAULTS - 1)]
    assert book_with(tmp_path, *faults).verdict(SLOT) is None


def test_counts_survive_the_driver_and_a_torn_line(tmp_path: Path) -> None:
    book_with(tmp_path, fault("a", 1), fault("a", 2))
    with (tmp_path / "faults.jsonl").open("a") as file:
        file.write('{"slot": {"scena\n')
    book = book_with(tmp_path, fault("a", 3))
    assert book.verdict(SLOT) is not None
