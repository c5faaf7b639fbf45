"""An audit on paper: JSON for programs, a table of every box, pictures and a page for people."""

from __future__ import annotations

import base64
import json
from importlib.resources import files
from pathlib import Path
from typing import Final

import cv2
import jinja2
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from synthgen.errors import OutputError
from synthgen.geometry.arrays import U8
from synthgen.qa.audit.audit import Audit
from synthgen.qa.audit.checks import BOX_CHECKS
from synthgen.qa.audit.gallery import contact_sheet, draw_suspects
from synthgen.qa.audit.measured import heat_table, measured
from synthgen.qa.audit.suspects import Suspect
from synthgen.store.durable import output_errors, write_durably

_SHOWN: Final = 48
_LINES: Final = 12


def text_report(audit: Audit, out: Path) -> str:
    """Lines for a terminal."""
    facts = audit.document()
    rate = facts["error_rate"]
    lines = [
        f"{audit.dataset}: {facts['boxes']} boxes in {facts['recordings']} recordings, "
        f"{facts['verifiable']} with enough evidence to judge",
        f"error rate {rate['estimate']:.2%} (95 %: {rate['low']:.2%} to {rate['high']:.2%}), "
        f"{facts['alarms']} alarms, {facts['probably_wrong']} probably wrong",
    ]
    lines += [f"unreadable: {item['message']}" for item in facts["unreadable"]]
    for finding in audit.findings:
        if finding.estimate is None:
            lines.append(f"{finding.name}: too little seen ({finding.samples} samples)")
        else:
            mark = "ALARM " if finding.is_alarm else ""
            lines.append(
                f"{mark}{finding.name}: {finding.estimate:.4f} {finding.unit} "
                f"({finding.low:.4f} to {finding.high:.4f}), limit {finding.limit}"
            )
    lines += [_line(suspect) for suspect in audit.queue[:_LINES]]
    if len(audit.queue) > _LINES:
        lines.append(f"… and {len(audit.queue) - _LINES} more")
    lines.append(f"report: {out / 'index.html'}")
    return "\n".join(lines)


def write_report(audit: Audit, out: Path) -> None:
    """Write `audit.json`, `boxes.parquet`, `gallery.png` and `index.html`.

    Raises:
        OutputError: The folder cannot be written.
    """
    with output_errors(out):
        out.mkdir(parents=True, exist_ok=True)
    write_durably(out / "audit.json", json.dumps(audit.document(), indent=1).encode() + b"\n")
    _write_boxes(audit, out / "boxes.parquet")
    shown = audit.queue[:_SHOWN]
    tiles = draw_suspects(shown, {part.name: part for part in audit.recordings})
    if tiles:
        write_durably(out / "gallery.png", _encoded(contact_sheet(tiles), ".png"))
    write_durably(out / "index.html", _page(audit, shown, tiles).encode())


def _write_boxes(audit: Audit, path: Path) -> None:
    """One row a box: verdict, whether it is verified, scores of all checks."""
    tables = []
    for part in audit.recordings:
        labels, verdicts = part.labels, part.verdicts
        columns = {
            "recording": [part.name] * len(labels),
            "frame": labels.frame.astype(np.int32),
            "track_id": [None] * len(labels) if labels.track is None else labels.track,
            "category": labels.category.tolist(),
            "p_fault": verdicts.p_fault.astype(np.float32),
            "is_alarm": verdicts.is_alarm,
            "is_verified": part.verifiable & ~verdicts.is_alarm,
            **{n: verdicts.scores[:, k].astype(np.float32) for k, n in enumerate(BOX_CHECKS)},
        }
        schema = pa.schema(
            [("recording", pa.string()), ("frame", pa.int32()), ("track_id", pa.int64())]
            + [("category", pa.string()), ("p_fault", pa.float32())]
            + [("is_alarm", pa.bool_()), ("is_verified", pa.bool_())]
            + [(name, pa.float32()) for name in BOX_CHECKS]
        )
        tables.append(pa.table(columns, schema=schema))
    try:
        if tables:
            pq.write_table(pa.concat_tables(tables), path, compression="zstd")
    except OSError as err:
        raise OutputError(f"{path}: cannot write: {err.strerror or err}") from err


def _line(suspect: Suspect) -> str:
    who = suspect.category if suspect.track is None else f"{suspect.category} {suspect.track}"
    spoken = ", ".join(f"{name} {score:.1f}" for name, score in suspect.scores.items())
    return f"{suspect.p_fault:.2f}  {suspect.recording} frame {suspect.frame} {who}: {spoken}"


def _encoded(image: U8, suffix: str) -> bytes:
    done, content = cv2.imencode(suffix, cv2.cvtColor(image, cv2.COLOR_RGB2BGR))
    assert done, "OpenCV encodes every 8-bit image"
    return content.tobytes()


def _page(audit: Audit, shown: list[Suspect], tiles: list[U8]) -> str:
    facts = audit.document()
    counts = dict.fromkeys(facts["coverage"], 0) | facts["by_check"]
    checks = [
        {"name": name, "alarms": alarms, "coverage": f"{facts['coverage'].get(name, 1.0):.0%}"}
        for name, alarms in counts.items()
    ]
    pictures = [
        {"image": base64.b64encode(_encoded(tile, ".jpg")).decode(), "text": _line(suspect)}
        for suspect, tile in zip(shown, tiles, strict=True)
    ]
    source = (files("synthgen.qa.audit") / "page.html.j2").read_text()
    template = jinja2.Environment(autoescape=True).from_string(source)
    return template.render(
        facts=facts, checks=checks, tiles=pictures, percent=_percent, proof=measured(),
        heat=heat_table(measured()),
    )  # fmt: skip


def _percent(share: float) -> str:
    return f"{share:.2%}"
