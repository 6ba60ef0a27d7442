"""report.md and report.html: rebuilt from the results alone, beside published rows, in one file that needs no other."""

import base64
import io
import json
import re
import shutil
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from benchmarks.cli import app
from benchmarks.depth import DepthOptions, run_depth
from benchmarks.distance import DistanceOptions, run_distance
from benchmarks.gallery import picture
from benchmarks.html import table_html
from benchmarks.panels import panels
from benchmarks.plots import Line, chart, round_ticks
from benchmarks.published import comparison, published
from benchmarks.report import Table
from benchmarks.site import build, extreme_rows
from heads.errors import InputError
from tests.benchmarks.knowing import KnowingAdapter
from tests.tiny import tiny_records
from vlm.records import read_records

VOID = {"meta", "img", "br", "line", "rect", "polyline", "circle", "image"}


class Page(HTMLParser):
    """Which tags a page has, whether all are closed, and everything it points at."""

    def __init__(self, text: str):
        super().__init__()
        self.open, self.tags, self.links = [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.links += [value for name, value in attrs if name in ("src", "href", "data", "action")]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert tag in VOID or self.open.pop() == tag


@pytest.fixture(scope="module")
def measured(tmp_path_factory) -> Path:
    """Dense and sparse runs of a model that is 20 % too far, one photograph failing; then the data is taken away."""
    data, out = tmp_path_factory.mktemp("data"), tmp_path_factory.mktemp("out")
    path = tiny_records(data, 6)
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    for number, row in enumerate(rows):
        row["dataset"] = "ibims1" if number < 4 else "elsewhere"
        row["domain"] = "indoor" if number < 4 else "outdoor"
        row["pixel_coords"], row["depth"] = [[48, 60], [10, 50]], [2.0, 3.0]
        row["distances"] = [{"a": [40.5, 60.5], "b": [50.5, 60.5], "metres": 1.0}]
    path.write_text("\n".join(map(json.dumps, rows)))
    records = list(read_records(path))
    adapter = KnowingAdapter(records, factor=1.2, fails_on=("5.png",))
    for options in (DepthOptions("dense", "given"), DepthOptions("dense", "none"), DepthOptions("sparse", "given")):
        told = {"photographs": 6, "per_dataset": {"ibims1": 4, "elsewhere": 2}}
        run_depth(adapter, records, out / "samples" / f"{options.name}_knowing", options, told)
    run_distance(adapter, records, out / "samples" / "distance_knowing", DistanceOptions("given"), {"photographs": 6})
    not_run = {"not_run": "it needs the true camera", "protocol": {"model": "other", "camera": "none"}}
    (out / "depth_dense_camera_none_other.json").write_text(json.dumps(not_run))
    shutil.rmtree(data)
    return out


@pytest.fixture(scope="module")
def built(measured) -> tuple[str, str]:
    markdown, html = build(measured)
    return markdown.read_text(), html.read_text()


def test_the_command_rebuilds_both_files_without_model_or_data(measured, monkeypatch):
    def never(*_, **__):
        raise AssertionError("a report needs no model")

    monkeypatch.setattr("benchmarks.adapters.base.load_adapter", never)
    done = CliRunner().invoke(app, ["report", str(measured)])
    assert done.exit_code == 0, done.output
    first = [(measured / name).read_bytes() for name in ("report.md", "report.html")]
    CliRunner().invoke(app, ["report", str(measured)])
    assert [(measured / name).read_bytes() for name in ("report.md", "report.html")] == first
    assert not list(measured.glob("*.tmp*"))


def test_a_folder_without_results_is_one_clear_error(tmp_path):
    with pytest.raises(InputError, match=r"folder: .* holds no results"):
        build(tmp_path)
    assert not list(tmp_path.iterdir())


def test_the_page_is_whole_and_needs_nothing_beside_it(built):
    page = Page(built[1])
    assert page.open == [] and not {"script", "link", "iframe"} & set(page.tags)
    assert page.links and all(link.startswith(("data:image/", "#s")) for link in page.links)
    assert "@import" not in built[1] and "url(" not in built[1]
    assert "prefers-color-scheme: dark" in built[1] and "width=device-width" in built[1]
    assert built[1].count('<div class="scroll"><table>') == built[1].count(
        "<table>"
    )  # wide tables scroll by themselves


def test_per_data_set_per_domain_macro_and_micro(built):
    table = built[0].split("**Dense depth, metres as predicted, unaligned**")[1].split("**")[0]
    cells = [[cell.strip() for cell in line.strip("| ").split("|")] for line in table.splitlines() if "|" in line]
    head, rows = cells[0], {(row[0], row[2]): row for row in cells[2:]}
    delta, right = head.index("delta1"), head.index("AbsRel")
    # 20 % too far is within 25 %; of the two photographs elsewhere one failed
    for camera in ("given", "none"):
        assert (rows["ibims1", camera][delta], rows["ibims1", camera][right]) == ("1.000", "0.200")
        assert rows["elsewhere", camera][delta] == "0.500"
        assert rows["indoor, mean of data sets", camera][delta] == "1.000"
        assert rows["mean of data sets", camera][delta] == "0.750"  # (1 + 0.5) / 2
        assert rows["all photographs", camera][delta] == "0.833"  # 5 of 6


def test_published_rows_stand_beside_and_are_marked(built):
    for text in built:
        sparse = text[text.index("delta1, sparse, beside published rows") :]
        assert "PUBLISHED" in sparse and "GPT-5.5" in sparse and "0.483" in sparse and "arXiv:2605.15876" in sparse
    rows = re.findall(r"<tr([^>]*)>((?:(?!</tr>).)*PUBLISHED(?:(?!</tr>).)*)</tr>", built[1])
    assert rows and all('class="published"' in mark for mark, _ in rows)
    assert "| Depth Anything 3 | PUBLISHED | [1] not found |" in built[0]
    # a number that was not read in the paper says so in its own row, and where it was found below the table
    ours = next(line for line in built[0].splitlines() if line.startswith("| DepthVLM | PUBLISHED |"))
    letter = ours.split("second-hand: ")[1][0]
    assert f"\n- {letter}: a list of that paper's results at wizwand.com" in built[0]
    here = next(line for line in built[0].splitlines() if line.startswith("| knowing | measured here |"))
    assert "PUBLISHED" not in here


def test_what_was_not_run_is_told(built, measured, tmp_path):
    said = built[0].split("**Not run, failed, left out**")[1]
    assert "| other, camera none | not run | it needs the true camera |" in said
    assert "failed | 1 (the model failed, all truths count as missing), first records.jsonl:6" in said
    assert "data sets of DepthVLM-Bench: argoverse2, waymo" in said and "unfinished" not in said
    assert said.count("no such truth") == 0 and "uncertainty" not in said  # it claims all, and all have truth
    broken = tmp_path / "out"
    shutil.copytree(measured, broken)
    for part in (broken / "samples").glob("depth_sparse*/part-*.parquet"):
        part.unlink()
    assert "| unfinished | 0 of 6 photographs" in build(broken)[0].read_text()


def test_the_worst_and_the_best_have_pictures_with_scales(built, measured):
    assert (
        built[1].count("<figcaption>") == 3 * 5 + 5
    )  # five that did not fail, in three depth runs and one of distances
    assert built[1].count('alt="photograph"') == 3 * 5 and built[1].count('alt="error of the prediction"') == 3 * 5
    rows = extreme_rows(measured / "samples" / "depth_dense_camera_given_knowing")
    assert [row["end"] for row in rows] == ["worst"] * 5  # fewer than ten: none is both
    assert built[0].count("| worst | ibims1 |") == 4 * 4


def test_curves_are_drawn_where_something_was_measured(built):
    for heading in ("Error against distance: dense depth", "Calibration: dense depth", "Sparsification: dense depth"):
        assert heading in built[1]
    assert "by the true error" in built[1] and "at random" in built[1] and "as promised" in built[1]


def test_a_model_that_claims_no_metres_has_no_metric_score_and_the_report_says_why(tmp_path):
    records = list(read_records(tiny_records(tmp_path / "data", 2)))
    adapter = KnowingAdapter(records, claim="disparity_affine_invariant", scale=None)
    for align in ("none", "affine"):
        options = DepthOptions("dense", "none", align)
        run_depth(adapter, records, tmp_path / "samples" / options.name, options, {"photographs": 2})
    text = build(tmp_path)[0].read_text()
    said = text.split("**Not run, failed, left out**")[1]
    why = "the model gives disparity_affine_invariant, which needs another alignment to be scored"
    assert f"| knowing, camera none, dense depth | depth | none: {why} |" in said and said.count(why) == 1
    assert "| knowing, camera none, dense depth, ALIGNED by affine | uncertainty | none" in said
    assert "**Dense depth, ALIGNED to the truth by factor and shift a photograph**" in text


# ---- pieces ------------------------------------------------------------------------------------------------


def drawn(html: str, name: str) -> np.ndarray:
    """The picture of that name in a figure."""
    data = re.search(rf'alt="{name}" src="data:image/jpeg;base64,([^"]+)"', html)
    assert data is not None
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(data[1])))).astype(int)


def test_a_prediction_that_is_right_is_grey_too_far_red_too_near_blue_and_none_magenta():
    truth = np.full((240, 320), 2.0)
    predicted = truth.copy()
    predicted[:, 80:160], predicted[:, 160:240], predicted[:, 240:] = 3.2, 1.0, np.nan
    rows, columns = np.arange(240), np.arange(320)
    small = picture(np.zeros((240, 320, 3), np.uint8), predicted, predicted, truth, rows, columns)
    html = panels(small, "a <caption>")
    assert "a &lt;caption&gt;" in html and html.count(" m</text>") == 2 and "+50 %" in html
    red, green, blue = (drawn(html, "error of the prediction")[120, 40::80, channel] for channel in range(3))
    assert abs(red[0] - blue[0]) < 15 and red[1] > blue[1] + 80 and blue[2] > red[2] + 80
    assert green[3] < 80 < red[3] and blue[3] > 150
    shown = drawn(html, "prediction")
    assert np.abs(shown[120, 40] - drawn(html, "truth")[120, 40]).max() < 15  # 2 m has one colour in both


def test_labelled_points_are_large_enough_to_see():
    rows, columns = np.array([60, 200]), np.array([50, 300])
    rgb = np.zeros((240, 320, 3), np.uint8)
    small = picture(rgb, None, np.array([4.0, 4.0]), np.array([4.0, 2.0]), rows, columns)
    html = panels(small, "points")
    right = drawn(html, "error of the prediction")
    assert (np.abs(right[60 - 3 : 60 + 4, 50] - 220).max(-1) < 40).all()  # grey: no error, seven pixels high
    assert (right[200 - 3 : 200 + 4, 300, 0] > right[200 - 3 : 200 + 4, 300, 2] + 80).all()  # red: twice too far
    assert right[10, 10].tolist() == [60, 60, 60]  # the dimmed photograph


def test_a_chart_puts_points_where_its_axes_say():
    svg = chart([Line("a", [0, 1, 2, 3], [0.0, 1.0, float("nan"), 0.5])], "x", "y", y_range=(0, 1))
    lines = re.findall(r'<polyline points="([^"]+)"', svg)
    # 460 x 300 with 54, 14 at the sides and 14, 44 above and below: 392 across for 3, 242 up for 1
    assert lines == [f"54.0,256.0 {54 + 392 / 3:.1f},14.0", "446.0,135.0"]
    assert svg.startswith("<svg") and "currentColor" in svg and Page(svg).open == []
    assert chart([Line("none", [0.0], [float("nan")])], "x", "y") == "<p>nothing was measured</p>"


@pytest.mark.parametrize(
    ("low", "high", "texts"),
    [
        (0, 1, ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]),
        (0, 0.95, ["0.0", "0.2", "0.4", "0.6", "0.8"]),
        (0, 60, ["0", "10", "20", "30", "40", "50", "60"]),
        (-3, 12, ["0", "5", "10"]),
    ],
)
def test_axes_have_round_numbers(low, high, texts):
    assert [text for _, text in round_ticks(low, high)] == texts


def test_a_table_as_html_escapes_what_it_shows():
    html = table_html(Table("a < b", ["data set", "x"], [["<b>", "1"], ["mean of data sets", "2"]], ["n & m"]))
    assert "<b>" not in html and "&lt;b&gt;" in html and "a &lt; b" in html and "n &amp; m" in html
    assert '<tr class="mean first">' in html
    assert table_html(Table("t", ["x"], [["1"]]), folded=True).startswith("<details>")


def test_every_published_number_has_a_model_a_table_and_a_place_where_it_was_found():
    rows = published()
    assert {row.mode for row in rows} == {"sparse", "dense"}
    for model in ("DepthVLM", "DepthLM", "GPT-5.5", "Metric3Dv2", "UniDepthV2", "Depth Anything 3"):
        assert any(row.model.startswith(model) for row in rows), model
    for row in rows:
        assert re.search(r"arXiv:\d{4}\.\d{5}", row.source) and ("Table" in row.source or "README" in row.source)
        assert len(row.values) == 9
        for name, value in row.values.items():
            assert (value is None) == (name not in row.found) and (value is None or 0 < value < 1)
    assert [row.values["ibims1"] for row in rows if row.model == "GPT-5.5"] == [0.483]


def test_aligned_or_cropped_results_are_not_put_beside_published_ones():
    from benchmarks.summary import RunResult

    stated = {
        "benchmark": "depth",
        "mode": "sparse",
        "alignment": "none",
        "crop": "none",
        "model": "m",
        "camera": "given",
    }
    found = {"ibims1": {"delta1": 0.5, "photographs": 7}}
    table = comparison([RunResult("a", stated, found)], "sparse")
    assert (
        table is not None and table.rows[0][:3] == ["m", "measured here", "camera given"] and "0.500" in table.rows[0]
    )
    assert "ibims1 7" in table.notes[0] and "nuscenes no" in table.notes[0]
    for change in ({"alignment": "scale"}, {"crop": "some"}, {"mode": "dense"}, {"benchmark": "distance"}):
        assert comparison([RunResult("a", stated | change, found)], "sparse") is None
