"""Results as a JUnit file, as CI pages read them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from xml.etree import ElementTree


@dataclass(frozen=True, slots=True)
class Case:
    """One test case: passed, failed or skipped.

    Attributes:
        group: Its class.
        name: Its name.
        failure: Why it failed; empty where it did not.
        detail: More on the failure.
        skipped: Why nothing can be said; empty where something can.
    """

    group: str
    name: str
    failure: str = ""
    detail: str = ""
    skipped: str = ""


def junit(title: str, cases: Sequence[Case]) -> bytes:
    """The file's content, with all that the strictest reader (Ant's) asks for.

    Source: the JUnit schemas of Apache Ant (windyroad/JUnit-Schema) and of Jenkins (junit-10.xsd).
    """
    suite = ElementTree.Element(
        "testsuite",
        name=title,
        timestamp=datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S"),
        hostname="localhost",
        tests=str(len(cases)),
        failures=str(sum(bool(case.failure) for case in cases)),
        errors="0",
        skipped=str(sum(bool(case.skipped) for case in cases)),
        time="0.0",
    )
    ElementTree.SubElement(suite, "properties")
    for case in cases:
        element = ElementTree.SubElement(
            suite, "testcase", classname=case.group, name=case.name, time="0.0"
        )
        if case.failure:
            failure = ElementTree.SubElement(
                element, "failure", type="failure", message=_printable(case.failure)
            )
            failure.text = _printable(case.detail)
        elif case.skipped:
            ElementTree.SubElement(element, "skipped", message=_printable(case.skipped))
    for stream in ("system-out", "system-err"):
        ElementTree.SubElement(suite, stream)
    ElementTree.indent(suite)
    content: bytes = ElementTree.tostring(suite, encoding="utf-8", xml_declaration=True)
    return content + b"\n"


def _printable(text: str) -> str:
    """The text without what XML cannot hold, such as an escape sequence."""
    return "".join(
        c if c.isprintable() or c in "\n\t" else "\N{REPLACEMENT CHARACTER}" for c in text
    )
