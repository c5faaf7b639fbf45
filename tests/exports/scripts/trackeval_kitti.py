"""Judge tracks against exported KITTI tracking labels by TrackEval's KITTI 2D box benchmark.

Arguments: folder with label_02 and the sequence maps, folder of trackers, class. Prints the
benchmark's HOTA, MOTA and IDF1 of every tracker, over all sequences.
"""

# ruff: noqa: T201
import contextlib
import io
import json
import sys

import numpy as np
import trackeval

# TrackEval 1.3.0 still uses names that numpy 2 has dropped, where any are left.
for name, kind in {"float": float, "int": int, "bool": bool}.items():
    if not hasattr(np, name):
        setattr(np, name, kind)


def main(truth, trackers, kind):
    with contextlib.redirect_stdout(io.StringIO()):
        dataset = trackeval.datasets.Kitti2DBox(
            {
                "GT_FOLDER": truth,
                "TRACKERS_FOLDER": trackers,
                "CLASSES_TO_EVAL": [kind],
                "SPLIT_TO_EVAL": "train",
                "TRACKER_SUB_FOLDER": "data",
                "PRINT_CONFIG": False,
            }
        )
        quiet = {"PRINT_RESULTS": False, "PRINT_CONFIG": False, "TIME_PROGRESS": False}
        quiet |= {"OUTPUT_SUMMARY": False, "OUTPUT_DETAILED": False, "PLOT_CURVES": False}
        quiet |= {"DISPLAY_LESS_PROGRESS": False, "BREAK_ON_ERROR": True}
        metrics = trackeval.metrics
        judge = trackeval.Evaluator(quiet)
        wanted = [metrics.HOTA(), metrics.CLEAR({"PRINT_CONFIG": False})]
        wanted.append(metrics.Identity({"PRINT_CONFIG": False}))
        results, _ = judge.evaluate([dataset], wanted)
    report = {}
    for tracker, found in results["Kitti2DBox"].items():
        all_sequences = found["COMBINED_SEQ"][kind]
        report[tracker] = {
            "HOTA": float(np.mean(all_sequences["HOTA"]["HOTA"])),
            "MOTA": float(all_sequences["CLEAR"]["MOTA"]),
            "IDF1": float(all_sequences["Identity"]["IDF1"]),
        }
    print(json.dumps(report))


if __name__ == "__main__":
    main(*sys.argv[1:])
