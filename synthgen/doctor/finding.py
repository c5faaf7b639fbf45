"""What a check found, and how to mend it."""

from __future__ import annotations

import enum
from dataclasses import dataclass


class Health(enum.StrEnum):
    """How bad a finding is: `fail` stops a run, `warn` makes it slow, unsafe or incomplete."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Finding:
    """One check's result; `mend` says in words what to do, empty where nothing is to be done."""

    check: str
    health: Health
    found: str
    mend: str = ""


def ok(check: str, found: str) -> Finding:
    """All is well."""
    return Finding(check, Health.OK, found)


def warn(check: str, found: str, mend: str) -> Finding:
    """Works, but slowly, unsafely or not in full."""
    return Finding(check, Health.WARN, found, mend)


def fail(check: str, found: str, mend: str) -> Finding:
    """A run would not succeed."""
    return Finding(check, Health.FAIL, found, mend)
