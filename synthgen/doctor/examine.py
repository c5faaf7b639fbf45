"""All checks of `synthgen doctor`, and the proof: one short clip, made and verified."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from synthgen.campaign.carla_probe import current_map
from synthgen.campaign.config import (
    CarlaSimulator,
    EmbeddedSimulator,
    GenerationConfig,
    ScenarioEntry,
)
from synthgen.campaign.progress import PlainProgress
from synthgen.campaign.run import run_campaign
from synthgen.datatypes.clip_job import CaptureSettings
from synthgen.doctor.carla_host import carla_host_findings, server_findings
from synthgen.doctor.finding import Finding, Health, fail, ok
from synthgen.doctor.host import host_findings
from synthgen.doctor.network import network_findings
from synthgen.errors import ConfigError, SynthgenError


def examine(
    out: Path, *, simulator: str | None, carla: Path | None, config: GenerationConfig | None
) -> list[Finding]:
    """Run the checks.

    Args:
        out: Where datasets shall go.
        simulator: HOST:PORT of a CARLA server to prove, or None.
        carla: An installed CARLA's executable to check, or None.
        config: Config whose first scenario is made as the proof, or None for no proof.
    """
    findings = host_findings(out) + network_findings()
    if carla is not None or simulator is not None:
        findings += carla_host_findings(carla)
    if simulator is not None:
        host, port = _address(simulator)
        findings += server_findings(host, port)
    if config is not None and not any(f.health is Health.FAIL for f in findings):
        findings.append(_proof(config, simulator))
    return findings


def as_report(findings: list[Finding]) -> dict[str, Any]:
    """The findings as one flat mapping for `--json`."""
    report: dict[str, Any] = {"healthy": not any(f.health is Health.FAIL for f in findings)}
    for finding in findings:
        report[finding.check] = f"{finding.health}: {finding.found}"
    return report


def _address(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    if not host or not port.isdigit():
        raise ConfigError(f"--simulator {text}: expected HOST:PORT, e.g. 127.0.0.1:2000")
    return host, int(port)


def _proof(config: GenerationConfig, simulator: str | None) -> Finding:
    """Make one clip of two seconds through every stage, in a folder that is removed."""
    settings: EmbeddedSimulator | CarlaSimulator = EmbeddedSimulator(kind="embedded", quality="low")
    maps = config.maps
    if simulator is not None:
        host, port = _address(simulator)
        settings = CarlaSimulator(kind="carla", host=host, port=port)
        maps = (current_map(host, port),)
    with tempfile.TemporaryDirectory(prefix="synthgen-doctor-") as folder:
        short = config.model_copy(
            update={
                "scenarios": (ScenarioEntry(file=config.scenarios[0].file, clips=1),),
                "simulator": settings,
                "maps": maps,
                "executor": "inline",
                "workers": 1,
                "capture": CaptureSettings(duration_s=8.0, period_ticks=4),
                "previews": False,
                "exports": (),
                "out": str(Path(folder) / "proof"),
            }
        )
        try:
            code = run_campaign(short, Path(folder), PlainProgress())
        except SynthgenError as err:
            return fail("proof", str(err), "mend what the message names")
    if code != 0:
        return fail("proof", f"one clip could not be made (code {code})", "read the lines above")
    return ok("proof", "one clip was made, labelled and committed")
