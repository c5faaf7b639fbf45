"""`synthgen diff A B`: what changed between two datasets."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from synthgen.regression.change import Kind, Tolerances
from synthgen.regression.compare import compare
from synthgen.regression.facts import clip_folders, dataset_facts
from synthgen.regression.outcome import Outcome, Policy, category_counts
from synthgen.regression.pictures import draw_changes
from synthgen.regression.pixels import measure_images
from synthgen.regression.report import write_reports


def diff_datasets(
    before: Path,
    after: Path,
    *,
    is_exact: bool = True,
    allowed: Collection[Kind] = (),
    out: Path | None = None,
) -> Outcome:
    """Compare two datasets clip by clip, label by label and pixel by pixel.

    Args:
        before: The old dataset.
        after: The new one.
        is_exact: True fails on every change, False on those beyond R2.
        allowed: Kinds of change that never fail.
        out: Folder for the reports and pictures.

    Raises:
        DatasetError: One of them is no dataset; a clip that cannot be read is named instead.
    """
    facts = dataset_facts(before), dataset_facts(after)
    folders = clip_folders(before), clip_folders(after)
    changes = measure_images(compare(*facts, Tolerances()), *folders, Tolerances())
    outcome = Outcome(
        title=f"diff {before.name} {after.name}",
        slots=tuple(sorted({*facts[0], *facts[1]})),
        changes=tuple(changes),
        policy=Policy(is_exact=is_exact, allowed=frozenset(allowed)),
        categories=category_counts(*facts),
    )
    if out is not None:
        write_reports(outcome, out, draw_changes(changes, *facts, folders[1], out / "pictures"))
    return outcome
