"""report.md and report.html of a benchmark folder, from its parquet files alone: `fathom bench report DIR`.

report.md      the tables, beside published rows; where it went worst and best; what was not run
report.html    the same in one self-contained page, with curves, and pictures of the worst and best photographs
"""

import json
import math
from collections import defaultdict
from itertools import pairwise
from pathlib import Path
from typing import Any

from benchmarks.adapters.base import DEPTH_CLAIMS
from benchmarks.alignment import PERMITTED
from benchmarks.columns import CURVE_PROBABILITIES, CURVE_REMOVED, DISTANCE_EDGES_M
from benchmarks.depth_tables import depth_tables, distance_tables
from benchmarks.gallery import KEPT, extremes, read_picture
from benchmarks.html import page, table_html
from benchmarks.paired import paired_samples
from benchmarks.panels import distance_panel, panels
from benchmarks.plots import Line, chart, legend
from benchmarks.published import comparison, published
from benchmarks.qa_report import paired_table, qa_table
from benchmarks.questions import BENCHMARKS, benchmark, worlds
from benchmarks.report import NONE, Table, number
from benchmarks.running import PART, read_parts
from benchmarks.spatial_qa import QaResult
from benchmarks.spatial_qa import result_of as qa_result_of
from benchmarks.summary import RunResult, result_of
from heads.errors import InputError
from vlm.files import replacing

BINS = [f"{low:g}–{high:g}" if math.isfinite(high) else f"{low:g}+" for low, high in pairwise(DISTANCE_EDGES_M)]
SHOWN = ("where", "dataset", "scene_id", "image", "index", "abs_rel", "delta1", "within_25", "align_scale")

Extreme = dict[str, Any]


def build(folder: Path) -> list[Path]:
    """Writes both files into `folder` (which holds samples/RUN/...) and returns their paths."""
    runs, answers = read_runs(folder), read_answers(folder)
    results = [result for result, _ in runs]
    protocols = [result.protocol for result in results] + [result.protocol for result in answers]
    if not protocols:
        raise InputError("folder", f"{folder} holds no results (no samples/RUN/run.json)", "an --out of fathom bench")
    title = "Fathom benchmark: " + ", ".join(dict.fromkeys(str(stated["model"]) for stated in protocols))
    groups = grouped(results)
    beside = [table for mode in ("sparse", "dense") if (table := comparison(results, mode)) is not None]
    tables = [(table, at) for group in groups for at, table in enumerate(_tables(group))]
    tables += [(table, 0) for table in answer_tables(answers)]
    curves = [table for group in groups if (table := distance_curve_table(group)) is not None]
    missing = not_run_table(results, folder)
    markdown = [f"# {title}\n", *(table.markdown() for table in [*beside, *(table for table, _ in tables), *curves])]
    markdown += [extremes_table(result, rows).markdown() for result, rows in runs if rows]
    markdown.append(missing.markdown())
    sections = [("Beside published rows", "".join(map(table_html, beside)))] if beside else []
    sections += [("Tables", "".join(table_html(table, folded=at > 0) for table, at in tables))]
    sections += [("Curves", drawn)] if (drawn := "".join(map(_curves, groups))) else []
    sections += [("Worst and best", drawn)] if (drawn := "".join(_shown(folder, *run) for run in runs)) else []
    sections.append(("Not run, failed, left out", table_html(missing)))
    written = [folder / "report.md", folder / "report.html"]
    texts = ["\n".join(markdown), page(title, _subtitle(protocols), sections)]
    for path, text in zip(written, texts, strict=True):
        with replacing(path) as temporary:
            temporary.write_text(text, encoding="utf-8")
    return written


def read_runs(folder: Path) -> list[tuple[RunResult, list[Extreme]]]:
    """Every depth and distance run below `folder`, model by model, with the rows of its worst and best photographs."""
    runs = []
    for told in sorted((folder / "samples").glob("*/run.json")):
        asked = json.loads(told.read_text(encoding="utf-8"))["asked"]
        if asked.get("benchmark") in ("depth", "distance"):
            runs.append((result_of(told.parent), extreme_rows(told.parent)))
    return sorted(runs, key=lambda run: _place(run[0].protocol))


def read_answers(folder: Path) -> list[QaResult]:
    """Every run of spatial questions below `folder`, benchmark by benchmark."""
    found = []
    for told in (folder / "samples").glob("*/run.json"):
        name = json.loads(told.read_text(encoding="utf-8"))["asked"].get("benchmark")
        if name == worlds.CONFIG.name or name in BENCHMARKS:
            found.append(qa_result_of(told.parent, worlds if name == worlds.CONFIG.name else benchmark(name)))
    return sorted(found, key=lambda result: (result.protocol["benchmark"], result.protocol["model"]))


def _place(stated: dict[str, Any]) -> tuple:
    """Models by name, what is constant behind them; with the camera before without."""
    return str(stated["model"]).startswith("constant"), str(stated["model"]), str(stated["camera"])


def grouped(results: list[RunResult]) -> list[list[RunResult]]:
    """Results whose rows may stand in one table: the same benchmark, mode, alignment and crop."""
    groups: dict[tuple, list[RunResult]] = defaultdict(list)
    for result in results:
        groups[tuple(result.protocol.get(key) for key in ("benchmark", "mode", "alignment", "crop"))].append(result)
    return list(groups.values())


def extreme_rows(run: Path) -> list[Extreme]:
    """The rows of the worst ten, then of the best ten, by AbsRel; streamed, so that memory stays small."""
    kept: dict[tuple[float, int], Extreme] = {}
    for rows in read_parts(run):
        for row in rows:
            if row["status"] == "ok" and row.get("abs_rel") is not None:
                kept[round(row["abs_rel"], 9), row["index"]] = {key: row.get(key) for key in SHOWN}
        kept = {key: kept[key] for key in extremes(list(kept))}
    ordered = sorted(kept, key=lambda key: (-key[0], key[1]))
    worst, best = ordered[:KEPT], [key for key in sorted(kept)[:KEPT] if key not in ordered[:KEPT]]
    return [{**kept[key], "end": "worst"} for key in worst] + [{**kept[key], "end": "best"} for key in best]


# ---- tables ------------------------------------------------------------------------------------------------


def _tables(group: list[RunResult]) -> list[Table]:
    return depth_tables(group) if group[0].protocol["benchmark"] == "depth" else distance_tables(group)


def answer_tables(answers: list[QaResult]) -> list[Table]:
    """One table a run; then what every other run gains over the first one that was asked the same questions."""
    tables = [qa_table(result) for result in answers]
    for place, other in enumerate(answers):
        same = (result for result in answers[:place] if _questions(result) == _questions(other))
        if (first := next(same, None)) is not None:
            a, b = (str(result.protocol["model"]) for result in (first, other))
            tables.append(paired_table(a, b, paired_samples(first.samples, other.samples)))
    return tables


def _questions(result: QaResult) -> list[tuple]:
    return [(row["image"], row["where"], row["number"], row["question"]) for row in result.samples]


def distance_curve_table(group: list[RunResult]) -> Table | None:
    """AbsRel and delta1 by true depth, over all photographs; None where nothing was binned."""
    having = [result for result in group if result.micro.get("distance_abs_rel")]
    if not having:
        return None
    rows = []
    for result in having:
        for name, key in (("AbsRel", "distance_abs_rel"), ("delta1", "distance_delta1")):
            cells = [number(value, 3) for value in result.micro[key]]
            rows.append([_name(result), name, *cells])
    rows.append(["truths", "pixels", *(str(n) for n in having[0].micro["distance_pixels"])])
    title = f"Error against distance: {_way(having[0])}"
    return Table(
        title,
        ["run", "what", *(f"{name} m" for name in BINS)],
        rows,
        ["bins of true depth; pixels of a bin count the same"],
    )


def extremes_table(result: RunResult, rows: list[Extreme]) -> Table:
    """Where a run went worst and best."""
    cells = [
        [row["end"], row["dataset"], row["scene_id"] or NONE, row["where"], number(row["abs_rel"], 3), _share(row)]
        for row in rows
    ]
    heads = ["what", "data set", "scene", "where", "AbsRel", "delta1 or within 25 %"]
    return Table(f"Worst and best photographs: {_name(result)}, {_way(result)}", heads, cells)


def not_run_table(results: list[RunResult], folder: Path) -> Table:
    """All that a reader might take for measured and that was not."""
    rows = []
    for result in results:
        stated, run = result.protocol, f"{_name(result)}, {_way(result)}"
        parts, whole = len(list((folder / "samples" / result.name).glob("part-*.parquet"))), stated.get("photographs")
        if whole and parts < -(-whole // PART):
            done = result.micro.get("photographs", 0)
            rows.append([run, "unfinished", f"{done} of {whole} photographs; the same command goes on"])
        for kind, said in (("failed", "the model failed, all truths count as missing"), ("bad", "data unreadable")):
            if count := result.micro.get(kind):
                first = next(trouble for trouble in result.troubles if trouble["status"] == kind)
                rows.append([run, kind, f"{count} ({said}), first {first['where']}: {first['problem']}"])
        unclaimed = _unclaimed(stated)
        rows += [[run, what, told] for what, told in unclaimed.items()]
        rows += [] if "depth" in unclaimed else _without_truth(run, result)
    for path in sorted(folder.glob("*.json")):
        told = json.loads(path.read_text(encoding="utf-8"))
        if isinstance(told, dict) and told.get("not_run"):
            stated = told["protocol"]
            rows.append([f"{stated['model']}, camera {stated['camera']}", "not run", told["not_run"]])
    measured = {name for result in results for name in result.datasets}
    known = list(dict.fromkeys(name for row in published() for name in row.values))
    if absent := [name for name in known if name not in measured]:
        rows.append(["all", "not run", "data sets of DepthVLM-Bench: " + ", ".join(absent)])
    return Table("Not run, failed, left out", ["run", "what", "problem"], rows or [["all", NONE, "nothing is missing"]])


def _unclaimed(stated: dict[str, Any]) -> dict[str, str]:
    """What a depth run cannot be asked for, because the model does not claim it: what -> why."""
    claims = set(stated.get("claims", []))
    if stated["benchmark"] != "depth":
        return {}
    told = {}
    permitted = set(PERMITTED[stated["alignment"]])
    permitted |= {"points_at"} if stated["mode"] == "sparse" and stated["alignment"] == "none" else set()
    if not claims & permitted:
        made = ", ".join(sorted(claims & set(DEPTH_CLAIMS))) or "no depth map"
        told["depth"] = f"none: the model gives {made}, which needs another alignment to be scored"
    told |= {} if "log_depth_scale" in claims else {"uncertainty": "none: the model states no uncertainty"}
    return told | ({} if "camera" in claims else {"camera": "none: the model predicts no camera"})


def _without_truth(run: str, result: RunResult) -> list[list[str]]:
    told = [
        f"{name} {found['without_truth']} of {found['photographs']}"
        for name, found in result.datasets.items()
        if found["without_truth"]
    ]
    return [[run, "no such truth", "; ".join(told)]] if told else []


def _share(row: Extreme) -> str:
    return number(row["delta1"] if row["delta1"] is not None else row["within_25"], 3)


def _name(result: RunResult) -> str:
    return f"{result.protocol['model']}, camera {result.protocol['camera']}"


def _way(result: RunResult) -> str:
    stated = result.protocol
    if stated["benchmark"] == "distance":
        return "distances"
    aligned = "" if stated["alignment"] == "none" else f", ALIGNED by {stated['alignment']}"
    return f"{stated['mode']} depth{aligned}" + ("" if stated["crop"] == "none" else ", CROPPED")


def _subtitle(protocols: list[dict[str, Any]]) -> str:
    now = protocols[-1]["sessions"][-1]
    versions = now["versions"]
    told = f"commit {now['commit']}, torch {versions['torch']}, transformers {versions['transformers']}"
    return f"Measured by fathom bench; rebuilt from per-photograph results by fathom bench report. {told}."


# ---- curves and pictures -----------------------------------------------------------------------------------


def _curves(group: list[RunResult]) -> str:
    """Error against distance, calibration, sparsification: of all photographs of the runs of one table."""
    parts = []
    binned = [result for result in group if result.micro.get("distance_abs_rel")]
    if binned:
        places = [float(i) for i in range(len(BINS))]
        ticks = [(place, name) for place, name in zip(places, BINS, strict=True) if place % 2 == 0]
        lines = {
            key: [Line(_name(result), places, list(result.micro[key])) for result in binned]
            for key in ("distance_abs_rel", "distance_delta1")
        }
        parts.append(
            f"<h3>Error against distance: {_way(group[0])}</h3>{legend(lines['distance_delta1'])}"
            '<div class="charts">'
            + chart(lines["distance_delta1"], "true depth, metres", "delta1", ticks, (0, 1))
            + chart(lines["distance_abs_rel"], "true depth, metres", "AbsRel", ticks)
            + "</div>"
        )
    stating = [result for result in group if result.micro.get("coverage_curve")]
    if stating:
        q = list(CURVE_PROBABILITIES)
        lines = [Line(_name(result), q, list(result.micro["coverage_curve"])) for result in stating]
        lines += [Line("as promised", [0, 1], [0, 1], dashed=True, colour="#888888")]
        drawn = chart(lines, "probability of the stated interval", "share of true depths inside", y_range=(0, 1))
        parts.append(f'<h3>Calibration: {_way(group[0])}</h3>{legend(lines)}<div class="charts">{drawn}</div>')
    sorting = [result for result in group if result.micro.get("sparsification_model")]
    if sorting:
        names = {"model": "by the model's own scale", "oracle": "by the true error", "random": "at random"}
        sets = [
            [
                Line(text, list(CURVE_REMOVED), list(result.micro[f"sparsification_{name}"]), name != "model")
                for name, text in names.items()
            ]
            for result in sorting
        ]
        drawn = "".join(
            f"<div>{_name(result)}{chart(lines, 'share removed, most uncertain first', 'AbsRel of the rest')}</div>"
            for result, lines in zip(sorting, sets, strict=True)
        )
        parts.append(f'<h3>Sparsification: {_way(group[0])}</h3>{legend(sets[0])}<div class="charts">{drawn}</div>')
    return "".join(parts)


def _shown(folder: Path, result: RunResult, rows: list[Extreme]) -> str:
    """The worst and best photographs of a run as pictures, folded away."""
    if not rows:
        return ""
    figures, undrawn = [], 0
    for end in ("worst", "best"):
        drawn = []
        for row in (row for row in rows if row["end"] == end):
            picture = read_picture(folder / "samples" / result.name / "_pictures", row["abs_rel"], row["index"])
            if picture is None:
                undrawn += 1
            else:
                drawn.append((distance_panel if "ends" in picture else panels)(picture, _caption(row)))
        if drawn:
            figures.append(f"<h3>{end.capitalize()} {len(drawn)}</h3>{''.join(drawn)}")
    if not figures:
        return ""
    left = f"<p>{undrawn} of them have no picture kept.</p>" if undrawn else ""
    key = "<p>magenta: no prediction; pale blue: called sky; error red: predicted too far, blue: too near</p>"
    key = key if result.protocol["benchmark"] == "depth" else ""
    return f"<details><summary>{_name(result)}, {_way(result)}</summary>{key}{''.join(figures)}{left}</details>"


def _caption(row: Extreme) -> str:
    told = [row["dataset"], row["scene_id"], row["where"], f"AbsRel {number(row['abs_rel'], 3)}"]
    told += [f"delta1 {number(row['delta1'], 3)}"] if row["delta1"] is not None else []
    told += [f"ALIGNED, times {row['align_scale']:.3g}"] if row["align_scale"] is not None else []
    return ", ".join(dict.fromkeys(text for text in told if text))
