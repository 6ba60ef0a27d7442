"""The columns of the per-sample results (parquet), one row a photograph; null = not measured or not claimed.

`benchmarks.running` says which files they are in. `schema(DEPTH)` is the parquet schema of a depth run,
`schema(DISTANCE)` of a distance run; both begin with COMMON. Averages are over the rows with status "ok" or
"failed" that have the value (`benchmarks.summary`).
"""

from typing import Any

DISTANCE_EDGES_M = (0, 1, 2, 3, 5, 8, 12, 20, 30, 50, 80, float("inf"))
"""Bins of true depth for error against distance; the lists below have one value a bin, 11."""

CURVE_PROBABILITIES = tuple(i / 20 for i in range(1, 20))
"""0.05 ... 0.95: where `coverage_curve` is."""

CURVE_REMOVED = tuple(i / 20 for i in range(20))
"""0, 0.05 ... 0.95: the shares of pixels removed, most uncertain first, at which the sparsification curves are."""

COMMON = {
    "index": "int64",  # position in the stream of all records of the run, from 0
    "where": "string",  # "file.jsonl:line" of the record
    "dataset": "string",
    "domain": "string",
    "scene_id": "string",
    "image": "string",  # path of the photograph as it was read
    "status": "string",  # "ok"; "failed": the model raised, all truths count as missing; "bad": unreadable data
    "problem": "string",  # the error of a "failed" or "bad" one
    "width": "int64",  # of the photograph as the model saw it (after a crop), pixels
    "height": "int64",
    "crop_left": "int64",  # the window cut from the photograph (crop_left, crop_top, width, height); null = whole
    "crop_top": "int64",
    "focal_from": "string",  # whose focal made depth metric: caller, exif, rays; null = none used or not told
    "notes": "list<string>",  # what the model says about this one
    "seconds": "float64",  # of the model, its share of the batch (decoding and scoring run beside it)
    "cpu_seconds_load": "float64",  # decoding the photograph and the truth, CPU of that thread
    "cpu_seconds_score": "float64",  # computing this row, CPU of that thread
    "cpu_seconds_predict": "float64",  # all other CPU time of the process, shared evenly over the rows of a part
    "peak_memory_mib": "float64",  # largest resident memory of the process so far
    "peak_gpu_mib": "float64",  # largest memory held on its GPU so far
}

DEPTH = {
    "pixels": "int64",  # valid truths that were scored (inside the stated range)
    "missing": "int64",  # of these: prediction nan, inf or not above 0; wrong in delta, left out of the others
    "delta1": "float64",
    "delta2": "float64",
    "delta3": "float64",
    "abs_rel": "float64",
    "sq_rel": "float64",  # metres
    "rmse": "float64",  # metres
    "rmse_log": "float64",
    "log10": "float64",
    "silog": "float64",  # times 100
    "align_scale": "float64",  # what the prediction was multiplied with and shifted by; null where unaligned
    "align_shift": "float64",
    "distance_pixels": "list<int64>",  # truths per bin of DISTANCE_EDGES_M
    "distance_missing": "list<int64>",  # of these, without a prediction
    "distance_delta1": "list<float64>",  # share right per bin; nan = bin empty
    "distance_abs_rel": "list<float64>",  # mean |p - t| / t per bin; nan = bin empty
    # uncertainty (benchmarks/uncertainty.py)
    "coverage_50": "float64",
    "coverage_80": "float64",
    "coverage_90": "float64",
    "coverage_95": "float64",
    "nll": "float64",  # nats
    "coverage_curve": "list<float64>",  # coverage at CURVE_PROBABILITIES
    "ause_abs_rel": "float64",
    "aurg_abs_rel": "float64",
    "ause_rmse": "float64",
    "aurg_rmse": "float64",
    "sparsification_model": "list<float64>",  # AbsRel of what is left at CURVE_REMOVED, by the model's own scale
    "sparsification_oracle": "list<float64>",  # removed by the true error
    "sparsification_random": "list<float64>",  # removed at random: the mean, constant
    # sky
    "sky_accuracy": "float64",
    "sky_iou": "float64",
    # shape (benchmarks/shape.py)
    "edges": "int64",  # isolated true depth edges looked at
    "edges_found": "float64",  # share of them across which the prediction makes at least half of the step
    "edge_width_px": "float64",  # mean 10-90 % width of the found ones, pixels of the photograph
    "edge_width_true_px": "float64",  # the truth's own width at the same places
    "boundary_accuracy_px": "float64",  # iBims-1, at most 10
    "boundary_completeness_px": "float64",
    "order_pairs": "int64",
    "order_wrong": "float64",  # share of pairs 10-25 % apart in the wrong order
    "planes": "int64",  # planar regions
    "plane_flatness_cm": "float64",
    "plane_tilt_deg": "float64",
    "normal_mean_deg": "float64",
    "normal_median_deg": "float64",
    "token_peak": "float64",  # power at the token period over its neighbourhood's; 1 = no peak
    "token_seams": "float64",  # step of log depth across tokens' borders over that inside tokens; 1 = no seam
    "token_period_px": "float64",  # pixels of the photograph, across
    # camera (benchmarks/camera.py): what the model predicts by itself, whatever it was given
    "fov_error_deg": "float64",  # |horizontal field of view, predicted - true|
    "fov_true_deg": "float64",
    "fov_predicted_deg": "float64",
    "ray_angle_deg": "float64",
    "principal_point_error": "float64",  # distance over the photograph's diagonal
}

DISTANCE = {
    "true_m": "list<float64>",  # one value a pair, in the order of the record's `distances`
    "predicted_m": "list<float64>",  # nan = none
    "lower_m": "list<float64>",  # 90 % interval; nan = none stated
    "upper_m": "list<float64>",
    "rel_error": "list<float64>",  # |predicted - true| / true; nan where missing
    "pairs": "int64",
    "missing": "int64",
    "abs_rel": "float64",  # mean of rel_error over the predicted pairs
    "within_10": "float64",  # share within 10 %; missing is wrong
    "within_25": "float64",
    "coverage_50": "float64",  # share of pairs inside the stated interval
    "coverage_80": "float64",
    "coverage_90": "float64",
    "coverage_95": "float64",
    "ratio_error": "float64",  # triangles: |predicted AB/AC over the true one - 1|; needs no scale
    "ratio_within_10": "float64",  # 1 or 0; a missing one is wrong
    "ratio_within_25": "float64",
}


def schema(columns: dict[str, str]) -> Any:
    """The pyarrow schema of COMMON and `columns`."""
    import pyarrow

    return pyarrow.schema([(name, _type(kind)) for name, kind in (COMMON | columns).items()])


def _type(kind: str) -> Any:
    import pyarrow

    if kind.startswith("list<"):
        return pyarrow.list_(_type(kind[5:-1]))
    return {"int64": pyarrow.int64(), "float64": pyarrow.float64(), "string": pyarrow.string()}[kind]
