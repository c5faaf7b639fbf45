"""JUnit files hold what the schemas of Ant and Jenkins ask for."""

from __future__ import annotations

from xml.etree import ElementTree

from synthgen.qa.junit import Case, junit

CASES = (
    Case("clips", "a-00000"),
    Case("clips", "b-00000", failure="moved by <2 px> & \x1b[1m", detail="box 4"),
    Case("gates", "c", skipped="too little data"),
)
# windyroad/JUnit-Schema, complexType testsuite: what is required of the suite and of a case.
SUITE = {"name", "timestamp", "hostname", "tests", "failures", "errors", "time"}
CASE = {"name", "classname", "time"}


def test_suite_has_what_the_strictest_schema_requires() -> None:
    suite = ElementTree.fromstring(junit("synthgen verify", CASES))
    assert set(suite.attrib) >= SUITE
    tags = [child.tag for child in suite]
    assert tags == ["properties", *["testcase"] * 3, "system-out", "system-err"]


def test_cases_are_counted_by_outcome() -> None:
    suite = ElementTree.fromstring(junit("synthgen verify", CASES))
    assert [suite.get(n) for n in ("tests", "failures", "errors", "skipped")] == [
        "3",
        "1",
        "0",
        "1",
    ]


def test_failure_tells_a_type_and_what_xml_cannot_hold_is_replaced() -> None:
    suite = ElementTree.fromstring(junit("synthgen verify", CASES))
    failure = suite.find("testcase/failure")
    assert failure is not None
    assert set(failure.attrib) == {"type", "message"}
    assert failure.get("message") == "moved by <2 px> & \N{REPLACEMENT CHARACTER}[1m"
    assert failure.text == "box 4"


def test_every_case_has_name_class_and_time() -> None:
    suite = ElementTree.fromstring(junit("synthgen verify", CASES))
    assert all(set(case.attrib) == CASE for case in suite.iter("testcase"))
