"""The report shows every panel that there are data for, and says in words what each shows."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from synthgen.qa.report.extras import cost_of, price, probe_tables
from synthgen.qa.run_compare import run_compare
from tests.unit.qa.test_probe import write_object_set


class Pictures(HTMLParser):
    """Texts for those who do not see a picture, and all tags."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.texts: list[str] = []
        self.tags: set[str] = set()
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        wanted = {"img": "alt", "svg": "aria-label"}.get(tag)
        if wanted:
            self.texts.append(dict(attrs).get(wanted) or "")


SCORE = {"value": 0.9, "low": 0.8, "high": 0.95}
PROBE = {
    "tier": "P1",
    "shows": "crops",
    "validated_with_a_detector": None,
    **{f"image.train_{a}_test_{b}.auc": SCORE for a in ("real", "syn") for b in ("real", "syn")},
}
AUDIT = {
    "boxes": 100, "verifiable": 80, "alarms": 3, "probably_wrong": 1, "audit_recall": 0.97,
    "audit_false_alarms": 0.002, "by_check": {"depth_in": 2, "heading": 1},
    "coverage": {"depth_in": 0.8}, "error_rate": {"estimate": 0.01, "low": 0.0, "high": 0.03},
    "systematic": [{"name": "label lag", "unit": "s", "limit": 0.01, "estimate": None}],
}  # fmt: skip
HISTORY = {
    "steps": [
        {"what": "fit", "auc": 0.8},
        {"what": "round 1", "auc": 0.75, "turned": {"ahead": 1.2}},
        {"what": "round 2", "auc": 0.7, "turned": {"ahead": 1.4}},
    ]
}


@pytest.fixture(scope="module")
def html(tmp_path_factory: pytest.TempPathFactory) -> str:
    root = tmp_path_factory.mktemp("report")
    sides = [write_object_set(root / str(seed), seed) for seed in (1, 2)]
    for name, document in (("audit", AUDIT), ("probe", PROBE), ("history", HISTORY)):
        (root / f"{name}.json").write_text(json.dumps(document))
    (sides[1] / "run").mkdir()
    cost = {"currency": "RMB", "machine": 0.2, "machine_per_box2d": 0.00005,
            "human_for_same_boxes": 200.0, "human_days_saved": 1.5}  # fmt: skip
    summary = {"cost": cost, "boxes2d_made": 4000, "boxes2d_per_hour": 9000}
    (sides[1] / "run/summary.json").write_text(json.dumps(summary))
    run_compare(
        sides[0], sides[1], root / "out", audit=root / "audit.json", probe=root / "probe.json",
        fit_history=root / "history.json",
    )  # fmt: skip
    return (root / "out/report.html").read_text()


def test_every_picture_is_told_in_words(html: str) -> None:
    assert min(len(text) for text in Pictures(html).texts) > 3


def test_nothing_is_loaded_and_no_script_runs(html: str) -> None:
    assert "script" not in Pictures(html).tags
    assert not re.search(r'(src|href)="(?!data:|#)', html)


@pytest.mark.parametrize(
    "title",
    ["Occlusion", "Truncation", "Sizes in the image: difference", "Mean image: yours",
     "Power spectrum", "Returns by elevation", "Where returns come from: real", "Intensity",
     "Alarms by check", "AUC by step", "Factors turned", "Does learning carry over?",
     "Price of a box (log scale)", "Heading relative to yours", "Length by class, m",
     "Colours: difference", "Intensity of objects by class", "Sweeps from above"],
)  # fmt: skip
def test_panel_is_there(html: str, title: str) -> None:
    assert f">{title}<" in html


def test_most_alike_images_stand_side_by_side(html: str) -> None:
    real, own = (html.count(f'alt="{side} image: ') for side in ("real", "synthetic"))
    assert real == own >= 6


def test_unasked_set_is_not_said_to_pass(html: str) -> None:
    assert "✔ pass" not in html


def test_matrix_of_a_probe_is_in_order() -> None:
    [table] = probe_tables(PROBE)
    assert table["title"] == "image auc"
    assert table["cells"] == ["0.900 (0.800 to 0.950)"] * 4


@pytest.mark.parametrize(
    ("amount", "told"), [(0.000048, "0.000048"), (0.05, "0.050"), (1.5, "1.50"), (0.0, "0.00")]
)
def test_price_has_no_exponent(amount: float, told: str) -> None:
    assert price(amount) == told


def test_set_of_another_generator_tells_no_cost(tmp_path: Path) -> None:
    assert cost_of(tmp_path) is None
