"""Tables of `fathom bench depth` and `fathom bench distance`: results as rows, for the terminal and Markdown.

Tables of measures hold nothing that differs from run to run; what a run cost is in a table of its own.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from benchmarks.protocol import VALID_RANGES_M
from benchmarks.report import NONE, Table, number
from benchmarks.summary import PEAKS, RunResult

MEAN = "mean of data sets"
Columns = dict[str, tuple[str, int]]  # key of a summary -> head of the column, digits

DEPTH_COLUMNS: Columns = {
    "delta1": ("delta1", 3),
    "delta2": ("delta2", 3),
    "delta3": ("delta3", 3),
    "abs_rel": ("AbsRel", 3),
    "sq_rel": ("SqRel m", 3),
    "rmse": ("RMSE m", 2),
    "rmse_log": ("RMSE log", 3),
    "log10": ("log10", 3),
    "silog": ("SILog", 1),
}
SHAPE_COLUMNS: Columns = {
    "edge_width_px": ("edge width px", 1),
    "edge_width_true_px": ("truth's", 1),
    "edges_found": ("edges found", 2),
    "boundary_accuracy_px": ("boundary acc px", 2),
    "boundary_completeness_px": ("boundary comp px", 2),
    "order_wrong": ("order wrong", 3),
    "plane_flatness_cm": ("flatness cm", 2),
    "plane_tilt_deg": ("tilt °", 1),
    "normal_mean_deg": ("normals °", 1),
    "normal_median_deg": ("median °", 1),
    "token_peak": ("token peak", 2),
}
UNCERTAINTY_COLUMNS: Columns = {
    "nll": ("NLL", 2),
    "coverage_50": ("in 50 %", 2),
    "coverage_80": ("in 80 %", 2),
    "coverage_90": ("in 90 %", 2),
    "coverage_95": ("in 95 %", 2),
    "calibration_error": ("calibration error", 3),
    "ause_abs_rel": ("AUSE AbsRel", 3),
    "aurg_abs_rel": ("AURG AbsRel", 3),
    "ause_rmse": ("AUSE RMSE m", 3),
    "aurg_rmse": ("AURG RMSE m", 3),
    "sky_accuracy": ("sky", 3),
    "sky_iou": ("sky IoU", 3),
}
CAMERA_COLUMNS: Columns = {
    "fov_error_deg": ("FoV error °, median", 1),
    "fov_error_mean_deg": ("mean", 1),
    "ray_angle_deg": ("rays °", 1),
    "principal_point_error": ("principal point, of diagonal", 3),
}
DISTANCE_COLUMNS: Columns = {
    "abs_rel": ("relative error", 3),
    "within_10": ("within 10 %", 3),
    "within_25": ("within 25 %", 3),
    "ratio_error": ("AB/AC error", 3),
    "ratio_within_10": ("AB/AC within 10 %", 3),
    "ratio_within_25": ("AB/AC within 25 %", 3),
    "coverage_50": ("in 50 %", 2),
    "coverage_80": ("in 80 %", 2),
    "coverage_90": ("in 90 %", 2),
    "coverage_95": ("in 95 %", 2),
}
ALIGNED = {
    "none": "metres as predicted, unaligned",
    "scale": "ALIGNED to the truth by one factor a photograph",
    "affine": "ALIGNED to the truth by factor and shift a photograph",
}


def depth_tables(results: list[RunResult]) -> list[Table]:
    """Depth; shape, uncertainty and camera where anything of it was measured; what it cost."""
    stated = results[0].protocol
    what = f"{stated['mode']} depth, {ALIGNED[stated['alignment']]}"
    what += "" if stated["crop"] == "none" else f", photographs CROPPED ({stated['crop']})"
    narrow = ("data set", "model", "camera", "n", "delta1", "AbsRel")
    tables = [_table(what[0].upper() + what[1:], results, DEPTH_COLUMNS, narrow, counts=True)]
    tables[0].notes += _caps(results) + _lost_without_camera(results)
    for title, columns in (("Shape", SHAPE_COLUMNS), ("Uncertainty and sky", UNCERTAINTY_COLUMNS)):
        if any(key in result.micro for result in results for key in columns):
            tables.append(_table(f"{title}: {what}", results, columns, ("data set", "model", "camera", "n")))
    if any("fov_error_deg" in result.micro for result in results):
        cut = "whole photographs" if stated["crop"] == "none" else "photographs CROPPED at random"
        tables.append(_table(f"The camera that the model itself predicts, {cut}", results, CAMERA_COLUMNS))
    return [*tables, cost_table(results)]


def distance_tables(results: list[RunResult]) -> list[Table]:
    """Distances between pixels, and what measuring them cost."""
    title = "Distance between two pixels' points, metres as predicted"
    narrow = ("data set", "model", "camera", "n", "relative error", "within 25 %")
    return [_table(title, results, DISTANCE_COLUMNS, narrow, counts=True, counted="pairs"), cost_table(results)]


def overview(tables: list[Table]) -> list[Table]:
    """For the terminal: of the tables behind the first, only the means, where there are several data sets."""
    shown = tables[:1]
    for table in tables[1:]:
        means = [row for row in table.rows if row[0] in (MEAN, "all")]
        shown.append(replace(table, rows=means) if any(row[0] == MEAN for row in means) else table)
    return shown


def cost_table(results: list[RunResult]) -> Table:
    """Seconds, CPU seconds a megapixel, memory: of this machine, this time."""
    heads = ["run", "s an image", "CPU s/MP load", "CPU s/MP model", "CPU s/MP score", "peak MiB", "GPU MiB", "dtype"]
    rows, notes = [], []
    for result in results:
        stated = result.protocol
        facts = stated["model_facts"]
        cpu = stated.get("cpu_seconds_per_megapixel", {})
        cells = [number(stated.get("seconds_per_image"), 3), *(number(cpu.get(part), 3) for part in cpu)]
        cells += [NONE] * (4 - len(cells)) + [number(stated.get(key), 0) for key in PEAKS]
        rows.append([result.name, *cells, str(facts.get("dtype", NONE)).removeprefix("torch.")])
        if facts.get("pixel_budget"):
            notes.append(f"{stated['model']}: photographs of more than {facts['pixel_budget']} pixels are made smaller")
    notes.insert(0, "s an image: of the model alone, decoding and scoring beside it; peak: the process, torch included")
    for run in dict.fromkeys(_made_by(result) for result in results if "sessions" in result.protocol):
        notes.append(run)
    return Table("What it cost", heads, rows, list(dict.fromkeys(notes)))


def _table(
    title: str,
    results: list[RunResult],
    columns: Columns,
    narrow: tuple[str, ...] = (),
    counts: bool = False,
    counted: str = "pixels",
) -> Table:
    """One row a data set, model and camera; then domains, the mean of data sets and of all photographs."""
    present = {k: v for k, v in columns.items() if any(k in result.micro for result in results)} or columns
    claimed = [result for result in results if counts or any(key in result.micro for key in present)]
    more = {counted: counted, "missing": "missing", "failed": "failed", "bad": "bad"} if counts else {}
    rows: list[list[str]] = []

    def add(label: str, result: RunResult, found: dict[str, Any]) -> None:
        cells = [number(found.get(key), digits) for key, (_, digits) in present.items()]
        photographs = str(found.get("photographs", NONE))
        numbers = [str(found.get(key, NONE)) for key in more]
        stated = result.protocol
        rows.append([label, stated["model"], stated["camera"], photographs, *cells, *numbers])

    def group(label: str, of: Callable[[RunResult], dict[str, Any] | None]) -> None:
        for result in claimed:
            found = {} if result.not_run else of(result)
            if found is not None and (counts or any(key in found for key in present)):
                add(label, result, found)

    names = list(dict.fromkeys(name for result in results for name in result.datasets))
    domains = list(dict.fromkeys(name for result in results for name in result.domains))
    for name in names:
        group(name, lambda result, name=name: result.datasets.get(name))
    if len(names) > 1:
        for name in domains if len(domains) > 1 else []:
            group(f"{name}, mean of data sets", lambda result, name=name: result.domains.get(name))
        group(MEAN, lambda result: result.macro)
        group("all photographs", lambda result: result.micro)
    for result in results:
        if result not in claimed:
            cells = ["none"] * (len(present) + len(more))
            rows.append(["all", result.protocol["model"], result.protocol["camera"], NONE, *cells])
    heads = ["data set", "model", "camera", "n", *(head for head, _ in present.values()), *more.values()]
    return Table(title, heads, rows, _notes(results) if counts else [], narrow)


def _notes(results: list[RunResult]) -> list[str]:
    """What a reader must know beside the numbers."""
    notes = ["each photograph of a data set counts the same; missing: wrong in delta and in shares, left out elsewhere"]
    for result in results:
        stated = result.protocol
        run = f"{stated['model']}, camera {stated['camera']}"
        if result.not_run:
            notes.append(f"{run}: not run, {result.not_run}")
            continue
        sources = ", ".join(f"{source} {count}" for source, count in result.micro["focal_from"].items())
        notes += [f"{run}: focal from {sources}"] if sources else []
        without = {name: found["without_truth"] for name, found in result.datasets.items() if found["without_truth"]}
        notes += [f"{name}: {count} without such truth (no depth score)" for name, count in without.items()]
        kinds = Counter(trouble["status"] for trouble in result.troubles)
        for kind, said in (("failed", "the model failed, all its truths count as missing"), ("bad", "left out")):
            if kinds[kind]:
                first = next(trouble for trouble in result.troubles if trouble["status"] == kind)
                count = result.micro[kind]
                notes.append(f"{run}: {count} {kind} ({said}), first {first['where']}: {first['problem']}")
        if "constants_m" in stated:
            chosen = ", ".join(f"{name} {metres:.2f} m" for name, metres in stated["constants_m"].items())
            notes.append(f"{stated['model']}: chosen on each data set's own truth: {chosen}")
    return list(dict.fromkeys(notes))


def _caps(results: list[RunResult]) -> list[str]:
    names = dict.fromkeys(name for result in results for name in result.datasets)
    stated = results[0].protocol
    if stated["mode"] == "sparse":
        return ["valid range: the labelled pixels as published"]
    ranges = {name: VALID_RANGES_M[name][:2] for name in names if name in VALID_RANGES_M}
    ranges |= stated.get("valid_ranges_m", {})
    told = [f"{name} {near:g} to {far:g} m" for name, (near, far) in ranges.items()]
    return ["valid range: " + ", ".join([*told, "no cap elsewhere"])]


def _lost_without_camera(results: list[RunResult]) -> list[str]:
    """What each model that was run both ways loses of delta1 where no camera is told."""
    delta1 = {
        (result.protocol["model"], result.protocol["camera"]): result.macro["delta1"]
        for result in results
        if result.macro.get("delta1") is not None
    }
    return [
        f"{model}: delta1 lost without the camera {given - delta1[model, 'none']:+.3f} ({MEAN})"
        for (model, camera), given in delta1.items()
        if camera == "given" and (model, "none") in delta1
    ]


def _made_by(result: RunResult) -> str:
    now = result.protocol["sessions"][-1]
    machine, versions = now["hardware"], now["versions"]
    text = f"{machine['machine']}, {machine['cpus']} cores, {now['processes']} processes of {machine['torch_threads']}"
    text += f" threads, GPU {machine['gpu'] or 'none'}; torch {versions['torch']}, transformers"
    return f"{text} {versions['transformers']}; commit {now['commit']}"
