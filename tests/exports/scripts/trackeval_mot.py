"""Runs TrackEval on MOTChallenge folders; prints HOTA, MOTA and IDF1 by tracker as JSON.

Arguments: folder of the ground truth, folder of the trackers, benchmark, split.
"""

# ruff: noqa: T201
import json
import sys

import trackeval

truth, trackers, benchmark, split = sys.argv[1:]
quiet = {
    **trackeval.Evaluator.get_default_eval_config(),
    "BREAK_ON_ERROR": False,
    "RETURN_ON_ERROR": False,
    "LOG_ON_ERROR": None,
    "PRINT_RESULTS": False,
    "PRINT_CONFIG": False,
    "TIME_PROGRESS": False,
    "OUTPUT_SUMMARY": False,
    "OUTPUT_DETAILED": False,
    "PLOT_CURVES": False,
}
dataset = trackeval.datasets.MotChallenge2DBox(
    {
        "GT_FOLDER": truth,
        "TRACKERS_FOLDER": trackers,
        "SEQMAP_FOLDER": f"{truth}/seqmaps",
        "BENCHMARK": benchmark,
        "SPLIT_TO_EVAL": split,
        "CLASSES_TO_EVAL": ["pedestrian"],
        "PRINT_CONFIG": False,
    }
)
metrics = [trackeval.metrics.HOTA(), trackeval.metrics.CLEAR(), trackeval.metrics.Identity()]
found, messages = trackeval.Evaluator(quiet).evaluate([dataset], metrics)
report = {}
for tracker, result in found["MotChallenge2DBox"].items():
    if result is None:
        report[tracker] = {"error": messages["MotChallenge2DBox"][tracker]}
        continue
    scores = result["COMBINED_SEQ"]["pedestrian"]
    report[tracker] = {
        "hota": float(scores["HOTA"]["HOTA"].mean()),
        "mota": float(scores["CLEAR"]["MOTA"]),
        "id_switches": int(scores["CLEAR"]["IDSW"]),
        "idf1": float(scores["Identity"]["IDF1"]),
        "truths": int(scores["CLEAR"]["CLR_TP"] + scores["CLEAR"]["CLR_FN"]),
    }
print("\n" + json.dumps(report))
