"""What `synthgen doctor --rig` says of a rig: its mistakes, its cost and a picture."""

from __future__ import annotations

from difflib import get_close_matches
from pathlib import Path

from scenarios.catalogue import SIZES
from sensors.rig import Rig
from sensors.rig_file import load_rig, rig_path
from sensors.rig_lint import USUAL_EGO, USUAL_EGO_LWH_M, lint_rig
from sensors.rig_views import cost_of
from synthgen.datatypes.clip_job import CaptureSettings
from synthgen.doctor.finding import Finding, ok, warn
from synthgen.doctor.rig_coverage import draw_coverage


def ego_size_of(rig: Rig) -> tuple[float, float, float]:
    """Length, width and height of the vehicle that a rig is meant for, or of the usual ego."""
    return SIZES.get(rig.ego_blueprint or "", USUAL_EGO_LWH_M)


def _unknown_ego(rig: Rig) -> str | None:
    """What to say of a rig for a vehicle whose size nobody knows."""
    wanted = rig.ego_blueprint
    if wanted is None or wanted in SIZES:
        return None
    near = get_close_matches(wanted, [name for name in SIZES if name.startswith("vehicle.")], n=1)
    hint = f"; did you mean {near[0]}" if near else ""
    return (
        f"ego_blueprint: the size of {wanted} is not known{hint}; mounts are checked against "
        f"{USUAL_EGO}"
    )


def rig_findings(path: Path, picture: Path | None) -> list[Finding]:
    """The linter's findings, a cost estimate, and the picture where one is asked for.

    Raises:
        ConfigError: The rig file is wrong.
        OutputError: The picture cannot be written.
    """
    rig = load_rig(rig_path(str(path)))
    size = ego_size_of(rig)
    found = [
        warn(f"rig.{finding.rule}", f"{', '.join(finding.sensors)}: {finding.message}", _MEND)
        for finding in lint_rig(rig, ego_lwh_m=size)
    ]
    unknown = _unknown_ego(rig)
    if unknown:
        found.append(warn("rig.ego_blueprint", unknown, _MEND))
    if not found:
        found.append(ok("rig.lint", f"{rig.name}: {len(rig.sensors)} sensors, no mistakes found"))
    capture = CaptureSettings()
    cost = cost_of(rig, capture_hz=1.0 / (capture.tick_s * capture.period_ticks))
    found.append(
        ok(
            "rig.cost",
            f"a capture is {cost.megapixels:.1f} Mpx and {cost.rays} rays: about "
            f"{cost.core_seconds:.1f} core-seconds on the embedded server at quality low, "
            f"{cost.bytes_stored / 1e6:.1f} MB stored",
        )
    )
    if picture is not None:
        draw_coverage(rig, size, picture)
        found.append(ok("rig.coverage", str(picture)))
    return found


def rig_warnings(path: Path) -> list[str]:
    """The linter's findings, a line each."""
    rig = load_rig(rig_path(str(path)))
    unknown = _unknown_ego(rig)
    found = [unknown] if unknown else []
    found += [str(finding) for finding in lint_rig(rig, ego_lwh_m=ego_size_of(rig))]
    return [f"{path}: {text}" for text in found]


_MEND = "correct the rig file, or ignore this where it is meant"
