"""A full disk under a writer that does not stop at one."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from exporters.mcap.fault_keeping_file import FaultKeepingFile


def test_file_holds_what_was_written_where(tmp_path: Path) -> None:
    with FaultKeepingFile(tmp_path / "f") as file:
        file.write(b"0123456789")
        file.seek(2)
        file.write(b"ab")
        assert file.seek(0, os.SEEK_CUR) == 4
        assert file.seek(-1, os.SEEK_END) == 9
        file.write(b"cd")
    assert (tmp_path / "f").read_bytes() == b"01ab45678cd"


FULL = Path("/dev/full")  # refuses every write


def write_on(path: Path) -> None:
    with FaultKeepingFile(path) as file:
        assert file.write(b"01234") == 5
        assert file.fault is not None
        assert file.write(b"56") == 2
        assert (file.seek(0, os.SEEK_END), file.seek(-3, os.SEEK_CUR)) == (7, 4)


def test_writer_hears_nothing_of_a_full_disk_and_the_block_raises_it() -> None:
    with pytest.raises(OSError, match="No space left"):
        write_on(FULL)


def write_and_fail(path: Path) -> None:
    with FaultKeepingFile(path) as file:
        file.write(b"0")
        raise KeyError


def test_error_of_the_block_goes_before_the_disks() -> None:
    with pytest.raises(KeyError):
        write_and_fail(FULL)
