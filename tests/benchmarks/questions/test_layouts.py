"""Every benchmark's download, in its own layout, becomes the questions that its paper asks, word for word."""

import json
from pathlib import Path

import numpy as np
import pytest

from benchmarks import questions
from benchmarks.answers import RULES, judge
from benchmarks.questions.base import Asked, height_cue, parsed, rows
from benchmarks.questions.pictures import drawn, pictures, steps
from heads.errors import InputError
from tests.benchmarks.questions import miniatures
from tests.benchmarks.questions.miniatures import SIZE, WRITERS
from vlm.images import load_image

PROMPTS = json.loads(Path(__file__).with_name("prompts.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def read(tmp_path_factory):
    """read(name): the pictures of a benchmark's miniature."""
    found: dict[str, list[Asked]] = {}

    def once(name: str) -> list[Asked]:
        if name not in found:
            folder = WRITERS[name](tmp_path_factory.mktemp("data") / name)
            found[name] = list(questions.benchmark(name).read(folder))
        return found[name]

    return once


def facts(pictures: list[Asked], *names: str) -> list[tuple]:
    return [tuple(getattr(one, name) for name in names) for picture in pictures for one in picture.questions]


def test_every_benchmark_has_a_miniature_and_a_card():
    assert WRITERS.keys() == questions.BENCHMARKS.keys() == PROMPTS.keys()
    for name in questions.BENCHMARKS:
        module = questions.benchmark(name)
        for part in ("Link", "Licence", "Paper", "Prompt", "Rule", "arXiv"):
            assert part in module.__doc__, f"{name} does not tell its {part}"
        assert module.CONFIG.version >= 1 and module.CONFIG.link in module.__doc__


@pytest.mark.parametrize("name", WRITERS)
def test_prompts_are_frozen_word_for_word(read, name):
    """A changed prompt makes numbers incomparable: raise the benchmark's version with it."""
    assert {one.name: one.prompt for picture in read(name) for one in picture.questions} == PROMPTS[name]


@pytest.mark.parametrize("name", WRITERS)
def test_the_true_answer_is_right_and_nonsense_is_unparsed_by_the_benchmarks_rule(read, name):
    for picture in read(name):
        for one in picture.questions:
            assert one.rule in RULES
            assert judge(one, one.true).score == 1 and judge(one, one.true).parsed
            nonsense = judge(one, "hm")
            assert nonsense.score == 0 and not nonsense.parsed


@pytest.mark.parametrize("name", WRITERS)
def test_pictures_can_be_shown(read, name):
    shown = [picture for picture in read(name) if "not_rendered" not in str(picture.image)]
    for picture in shown:
        for photo in pictures(picture, frames=3):
            assert photo.rgb.dtype == np.uint8 and photo.size in (SIZE, (64, 64))


def test_cv_bench(read):
    assert facts(read("cv-bench"), "kind", "true", "group", "height") == [
        ("Count", "C", "ADE20K", ""),
        ("Relation", "A", "ADE20K", ""),
        ("Count", "D", "COCO", ""),
        ("Depth", "A", "Omni3D", "agrees"),  # the nearer one is the lower one
        ("Depth", "A", "Omni3D", "contradicts"),
        ("Distance", "B", "Omni3D", ""),
    ]


def test_cv_bench_boxes_that_can_be_read_in_two_ways_are_left_out_only_where_that_matters():
    module = questions.benchmark("cv-bench")

    def height(boxes: list) -> str:
        row = miniatures.cv_row(0, "3D", "Depth", "?", ["a", "b"], "(A)", "Omni3D", bbox=boxes)
        return module.question(row).height

    # corners: centres at rows 15 and 26; x, y, width, height: at 20 and 38.5; the same order
    assert height([[0, 10, 5, 20], [0, 25, 5, 27]]) == "contradicts"
    # corners: centres at rows 31.5 and 32, about equally high; x, y, width, height: at 46.5 and 33
    assert height([[0, 30, 5, 33], [0, 2, 5, 62]]) == ""
    # a box as wide as the picture from its middle on can only be corners
    assert height([[40, 8, 90, 20], [40, 40, 90, 60]]) == "contradicts"
    assert height([]) == ""


def test_blink_asks_what_is_published_of_relative_depth_alone(read):
    assert facts(read("blink-depth"), "kind", "true") == [("Relative_Depth", "B"), ("Relative_Depth", "A")]


def test_spatialrgpt_bench(read, tmp_path):
    found = read("spatialrgpt-bench")
    assert facts(found, "kind", "rule", "group", "height") == [
        ("height_data", "metres within 25 %", "quantitative", ""),
        ("distance_data", "metres within 25 %", "quantitative", ""),
        ("direction", "hour", "quantitative", ""),
        ("behind_predicate", "yes or no", "qualitative", "agrees"),  # Region [0] is the higher one
        ("behind_predicate", "yes or no", "qualitative", "contradicts"),
        ("thin_predicate", "yes or no", "qualitative", ""),
        ("tall_choice", "region", "qualitative", ""),
    ]
    assert found[1].boxes == ((50, 2, 90, 20), (10, 40, 40, 60))
    others = [
        miniatures.spatialrgpt_bench(tmp_path / "structures", as_text=False),
        miniatures.spatialrgpt_json(tmp_path / "json"),
    ]
    for folder in others:
        again = list(questions.benchmark("spatialrgpt-bench").read(folder))
        assert [one.questions for one in again] == [one.questions for one in found]
        assert [one.boxes for one in again] == [one.boxes for one in found]
        assert load_image(again[0].image).size == SIZE


def test_q_spatial_in_metres_whatever_the_unit(read):
    found = read("q-spatial")
    assert facts(found, "true") == [("0.96 m",), ("0.508 m",), ("0.9144 m",), ("0.9144 m",)]
    assert [len(one.questions) for one in found] == [2, 1, 1]  # two about one picture
    assert [one.dataset for one in found] == ["Q-Spatial plus", "Q-Spatial ScanNet", "Q-Spatial ScanNet"]


def test_vsi_bench(read):
    (scene,) = read("vsi-bench")  # one look for all questions about one video
    assert [one.rule for one in scene.questions] == ["mean relative accuracy"] * 2 + ["first letter"] * 3
    reds = [int(photo.rgb[0, 0, 0]) // 10 for photo in pictures(scene, 5)]
    assert reds == [0, 5, 10, 14, 19] and [int(p.rgb[0, 0, 0]) // 10 for p in pictures(scene, 1)] == [10]


def test_spatialbench(read):
    found = read("spatialbench")
    assert [one.questions[0].kind for one in found] == ["existence", "counting", "positional", "reach", "size"]
    assert [one.group for one in found[0].questions] == ["0", "0"]  # a pair


def test_embspatial(read):
    found = read("embspatial")
    assert [len(one.questions) for one in found] == [2, 1]
    assert facts(found, "kind", "true", "height") == [
        ("far", "A", "agrees"),  # the farthest is the highest
        ("close", "C", "contradicts"),
        ("above", "A", ""),
    ]


@pytest.mark.parametrize(
    ("farther", "nearer", "cue"),
    [(10, 50, "agrees"), (50, 10, "contradicts"), (50, 54.9, "ambiguous"), (50, 55, "agrees"), (55, 50, "contradicts")],
)
def test_the_height_cue_needs_5_percent_of_the_height(farther, nearer, cue):
    assert height_cue(farther, nearer, 100) == cue


def test_frames_at_equal_steps_with_first_and_last():
    assert steps(100, 5) == [0, 25, 50, 74, 99] and steps(3, 16) == [0, 1, 2] and steps(10, 1) == [5]


def test_regions_are_drawn_where_they_are_and_nowhere_else():
    photo = load_image(np.full((400, 600, 3), 128, np.uint8))
    marked = drawn(photo, ((100, 150, 300, 350), (400, 200, 550, 300))).rgb.astype(int)
    changed = np.abs(marked - 128).sum(-1) > 0
    assert changed[150:351, 100:102].all() and changed[350, 100:301].all() and changed[200:301, 400].all()
    assert not changed[160:340, 110:290].any() and not changed[:, 310:390].any()
    assert (marked[250, 101] != marked[250, 401]).any()  # each its own colour
    assert (photo.rgb == 128).all()


def test_a_region_over_the_edge_is_drawn_as_far_as_it_is_inside():
    photo = load_image(np.full((60, 80, 3), 128, np.uint8))
    assert drawn(photo, ((-20, -20, 40, 30), (70, 50, 400, 400))).rgb.shape == (60, 80, 3)


def test_structures_stored_as_text():
    assert parsed('{"a": [1, 2]}') == parsed("{'a': [1, 2]}") == parsed({"a": [1, 2]}) == {"a": [1, 2]}


@pytest.mark.parametrize("name", WRITERS)
def test_a_missing_download_is_told_with_its_link(tmp_path, name):
    with pytest.raises(InputError, match=r"^data: no .*huggingface"):
        list(questions.benchmark(name).read(tmp_path))


def test_a_row_that_is_not_as_published_is_told_with_its_place(tmp_path):
    miniatures.write_parquet(tmp_path / "test_2d.parquet", [{"idx": 1, "prompt": "?"}])
    with pytest.raises(InputError, match=r"test_2d.parquet:0: misses 'choices'"):
        list(questions.benchmark("cv-bench").read(tmp_path))
    (tmp_path / "embspatial_bench.json").write_text("[{")
    with pytest.raises(InputError, match=r"^data: .*whole JSON file"):
        list(questions.benchmark("embspatial").read(tmp_path))
    with pytest.raises(InputError, match=r"^benchmark: .*cv-bench"):
        questions.benchmark("cvbench")


def test_rows_of_every_kind_of_file(tmp_path):
    miniatures.write_parquet(tmp_path / "a.parquet", [{"x": 1}, {"x": 2}])
    (tmp_path / "b.jsonl").write_text('{"x": 3}\n\n{"x": 4}\n')
    (tmp_path / "c.json").write_text('{"0": {"x": 5}, "1": {"x": 6}}')
    for pattern, values in (("*.parquet", [1, 2]), ("*.jsonl", [3, 4]), ("*.json", [5, 6])):
        found = list(rows(tmp_path, "missing*", pattern, link="there"))
        assert [row["x"] for row, _ in found] == values and found[1][1].endswith(":1")


def test_a_video_needs_pyav_or_a_folder_of_frames(tmp_path, monkeypatch):
    video = tmp_path / "scene.mp4"
    video.write_bytes(b"no video")
    monkeypatch.setitem(__import__("sys").modules, "av", None)
    one = Asked("VSI-Bench", "indoor", "scene", video, "here")
    with pytest.raises(InputError, match=r"^data: scene.mp4 cannot be read without PyAV; allowed: `pip install av`"):
        pictures(one, 4)


def test_frames_of_a_video_file(tmp_path):
    av = pytest.importorskip("av", reason="PyAV is optional")
    path = tmp_path / "scene.mp4"
    with av.open(str(path), "w") as out:
        stream = out.add_stream("mpeg4", rate=10)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for i in range(20):
            frame = av.VideoFrame.from_ndarray(np.full((48, 64, 3), 12 * i, np.uint8), format="rgb24")
            out.mux(stream.encode(frame))
        out.mux(stream.encode())
    shown = pictures(Asked("VSI-Bench", "indoor", "scene", path, "here"), 5)
    assert [photo.size for photo in shown] == [(64, 48)] * 5
    assert [photo.rgb.mean() for photo in shown] == pytest.approx([0, 60, 120, 168, 228], abs=6)
