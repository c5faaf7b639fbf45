"""`synthgen bench audit`: the audit's recall and precision on faults put into unseen scenes."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any, Final

import numpy as np

from synthgen.campaign.config import PACKAGE_ROOT, load_config
from synthgen.campaign.plan import make_plan
from synthgen.campaign.progress import Progress
from synthgen.campaign.run import run_campaign
from synthgen.errors import SimulatorLost
from synthgen.qa.audit.audit import audit_dataset, read_clip
from synthgen.qa.audit.proof import Proof, Scene, clean_trial, faulty_trials, judged, learn, prove
from synthgen.qa.audit.sizes import known_sizes
from synthgen.qa.audit.vote import (
    Calibration,
    default_calibration,
    judge,
    save_calibration,
)
from synthgen.store.commit import committed_manifests

HELD_OUT: Final = PACKAGE_ROOT / "configs" / "qa" / "audit_held_out.yaml"
TUNING: Final = PACKAGE_ROOT / "configs" / "qa" / "audit_tuning.yaml"
CALIBRATION: Final = PACKAGE_ROOT / "synthgen" / "qa" / "audit" / "calibration.json"
_CACHE: Final = Path.home() / ".cache" / "synthgen" / "audit"
_TUNING_SEEDS: Final = range(1001, 1023)
_PROOF_SEEDS: Final = range(3003, 3025)


def made_dataset(config_file: Path, progress: Progress) -> Path:
    """The dataset of a config, made once and kept in the user's cache.

    Raises:
        SimulatorLost: It could not be made.
    """
    digest = make_plan(load_config(config_file), PACKAGE_ROOT).digest
    folder = _CACHE / f"{config_file.stem}-{digest[:16]}"
    config = load_config(config_file, out=str(folder))
    code = run_campaign(config, PACKAGE_ROOT, progress)
    if code not in (0, 1):
        raise SimulatorLost(f"{folder}: generation ended with exit code {code}")
    return folder


def scenes_of(dataset: Path) -> list[Scene]:
    """The clips of a dataset, ready for the audit."""
    parts = (read_clip(manifest.parent) for manifest in committed_manifests(dataset))
    return [Scene(part.labels, part.blobs, part.range_m) for part in parts]


def tune_audit(progress: Progress, dataset: Path | None = None) -> Calibration:
    """Learn thresholds, vote and sizes anew from the tuning scenes, and store them."""
    dataset = dataset or made_dataset(TUNING, progress)
    clips = [manifest.parent.name for manifest in committed_manifests(dataset)]
    source = {"clips": clips, "seeds": [_TUNING_SEEDS.start, _TUNING_SEEDS.stop]}
    calibration = learn(scenes_of(dataset), list(_TUNING_SEEDS), source)
    save_calibration(calibration, CALIBRATION)
    return calibration


def bench_audit(progress: Progress, dataset: Path | None = None) -> dict[str, Any]:
    """Measure the audit on the held-out scenes.

    Args:
        progress: Where the story of making the scenes goes.
        dataset: Other scenes to measure on.

    Returns:
        A flat document; `recall` is that of any check, `precision` and `vote_recall` are the
        vote's, `false_alarms` the share of boxes of the fault-free scenes that any check calls
        wrong, `unearned_checks` those without which no kind of fault is found less.
    """
    dataset = dataset or made_dataset(HELD_OUT, progress)
    calibration = default_calibration()
    scenes = scenes_of(dataset)
    sizes = known_sizes((scene.labels for scene in scenes), calibration.sizes)
    clean = [clean_trial(scene, sizes) for scene in scenes]
    values = np.concatenate([trial.values for trial in clean])
    verdicts = judge(values, calibration)
    alarms = int(verdicts.is_alarm.sum()) + sum(trial.stray for trial in clean)
    ready = [judged(scene) for scene in scenes]
    trials = [
        trial for seed in _PROOF_SEEDS for trial in faulty_trials(ready, calibration.sizes, seed)
    ]
    proof = prove(trials, calibration)
    started = time.process_time()
    audit = audit_dataset(dataset, calibration)
    cpu_s = time.process_time() - started
    return {
        "recall": round(proof.recall, 4),
        "precision": round(proof.vote_precision, 4),
        "vote_recall": round(proof.vote_recall, 4),
        "any_precision": round(proof.precision, 4),
        "false_alarms": round(alarms / max(1, len(values)), 5),
        "vote_false_alarms": round(float((verdicts.p_fault > 0.5).mean()), 5),
        "boxes_per_s": round(audit.boxes / audit.seconds, 1),
        "boxes_per_cpu_s": round(audit.boxes / cpu_s, 1),
        "fault_share": round(proof.faults / max(1, proof.boxes), 4),
        "faults": proof.faults,
        "boxes": proof.boxes,
        "clips": len(scenes),
        "clean_boxes": len(values),
        "brier": round(proof.brier, 5),
        "unearned_checks": sorted(name for name, lost in proof.mutations.items() if not lost),
        **_per_kind(proof),
    }


def _per_kind(proof: Proof) -> dict[str, Any]:
    return {
        "recall_by_fault": {k: round(v[1], 3) for k, v in proof.by_kind.items()},
        "vote_recall_by_fault": {k: round(v[2], 3) for k, v in proof.by_kind.items()},
        "faults_by_kind": {k: v[0] for k, v in proof.by_kind.items()},
        "found_by_check": {
            check: {kind: share for kind, share in row.items() if share > 0}
            for check, row in proof.by_check.items()
        },
        "lost_without_check": proof.mutations,
    }
