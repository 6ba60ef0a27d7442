"""Pages of pictures for people: what is on them is what the tables measure, and nothing is chosen."""

import json
import re
from collections import Counter
from dataclasses import replace
from html import unescape
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from benchmarks.adapters.fathom import FathomAdapter
from benchmarks.answerer import Answerer
from benchmarks.cli import app
from benchmarks.depth import DepthOptions, run_depth
from benchmarks.pictures_page import FIXED, PagesOptions, answers, chosen, lengths, make_pages, show
from benchmarks.running import read_parts
from benchmarks.sheets import MARKS, STRIP_WIDTH, Shown, Told, Way, page, strip, write_jpeg
from benchmarks.sources import RecordFiles
from benchmarks.spatial_qa import RecordQuestions, run_qa
from heads.errors import InputError
from tests.tiny import tiny_model, tiny_records
from vlm.answer import Answer
from vlm.scene import Distance

QUESTIONS = [
    {"type": "distance", "question": "How far is the red chair?", "answer": "2.4 m"},
    {"type": "what_at", "question": "What is at (500, 800)?", "answer": "a red chair"},
    {"type": "exists", "question": "Is there a car?", "answer": "no"},
]


def written(folder: Path, count: int = 6, **changes) -> RecordFiles:
    """Tiny records on disk with `changes` in every line."""
    path = tiny_records(folder, count)
    lines = [json.loads(line) | changes for line in path.read_text().splitlines()]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return RecordFiles((path,))


@pytest.fixture(scope="module")
def model():
    return tiny_model()


def made(model, records: RecordFiles, folder: Path, **options) -> str:
    """index.html of what `make_pages` wrote."""
    make_pages(model, "tiny", records, folder, PagesOptions(**options), lambda done: None)
    return (folder / "index.html").read_text()


def one(model, records: RecordFiles, **options) -> Shown:
    return show(model, FathomAdapter(model, "tiny").claims, next(iter(records)), 0, PagesOptions(**options))


class Saying:
    """A scene that answers with these texts, and measures every distance as 1 m."""

    def __init__(self, *texts: str):
        self.texts = texts

    def ask_many(self, questions, max_new_tokens):
        assert len(questions) == len(self.texts)
        return [Answer(text, (), 0.0) for text in self.texts]

    def distance(self, a, b):
        return Distance(1.0, 0.8, 1.2, 0.9)


def test_the_command_writes_a_folder_that_needs_nothing_else(model, tmp_path):
    model.save_pretrained(tmp_path / "model")
    records = written(tmp_path / "data", questions=QUESTIONS)
    arguments = ["pictures", "--records", str(records.paths[0]), "--model", str(tmp_path / "model"), "--count", "2"]
    done = CliRunner().invoke(app, [*arguments, "--out", str(tmp_path / "out"), "--strip"])
    assert done.exit_code == 0, done.output
    html = (tmp_path / "out" / "index.html").read_text()
    files = re.findall(r'src="([^"]+)"', html)
    assert len(files) == 2 and "http" not in html and "2 of 6 records, drawn by seed 0" in html
    for file in files:
        with Image.open(tmp_path / "out" / file) as picture:
            assert picture.format == "JPEG" and picture.width == 1600
        assert (tmp_path / "out" / file).stat().st_size <= 400_000
    with Image.open(tmp_path / "out" / "strip.jpg") as picture:
        assert picture.format == "JPEG" and picture.width == STRIP_WIDTH
    assert (tmp_path / "out" / "strip.jpg").stat().st_size <= 250_000


def test_records_are_drawn_by_the_seed_alone(tmp_path):
    alone = written(tmp_path / "a", 30)
    lines = alone.paths[0].read_text().splitlines()
    mixed = alone.paths[0].with_name("mixed.jsonl")  # between records of another data set, in the same order
    mixed.write_text("".join(f"{json.dumps(json.loads(line) | {'dataset': 'other'})}\n{line}\n" for line in lines))

    def drawn(records: RecordFiles, seed: int, dataset: str = "tiny") -> list[str]:
        found = chosen(records, records.scan().datasets, 5, seed)
        return [record.scene_id for _, record in found if record.dataset == dataset]

    assert len(set(drawn(alone, 0))) == 5
    both = RecordFiles((mixed,))
    assert drawn(alone, 0) == drawn(both, 0) != drawn(alone, 1)
    assert drawn(both, 0, "other") != drawn(both, 0)
    shares = Counter(scene for seed in range(300) for scene in drawn(alone, seed))
    assert len(shares) == 30 and max(shares.values()) < 85  # 50 each is even; five standard deviations are 32


def test_the_figures_are_those_of_bench_depth(model, tmp_path):
    records = written(tmp_path / "data", 1)
    shown = one(model, records)
    assert [way.line.split(":")[0] for way in shown.ways] == ["true camera", "no camera told"]
    for way, camera in zip(shown.ways, ("given", "none"), strict=True):
        folder = tmp_path / camera
        run_depth(FathomAdapter(model, "tiny"), records, folder, DepthOptions(camera=camera))
        ((row,),) = read_parts(folder)
        assert f"AbsRel {row['abs_rel']:.3f}, delta1 {row['delta1']:.3f};" in way.line
        assert f"{row['fov_predicted_deg']:.1f}° predicted, {row['fov_true_deg']:.1f}° true" in way.line


def test_answers_and_their_marks_are_those_of_bench_qa(model, tmp_path):
    records = written(tmp_path / "data", 3, questions=QUESTIONS)
    html = made(model, records, tmp_path / "pages", count=3)
    result = run_qa(Answerer(model, "tiny"), RecordQuestions(records), tmp_path / "qa")
    told = [unescape(text) for text in re.findall(r'alt="([^"]+)"', html)]
    for sample in result.samples:
        mark = "right" if sample["score"] == 1 else "wrong"
        text = told[int(sample["where"].split(":")[1]) - 1]
        assert f"{sample['question']} {sample['answer']} ({mark})" in text
    right = sum(sample["score"] == 1 for sample in result.samples)
    assert f"{right} of 9 answers shown are right." in html


def test_right_wrong_and_unreadable_answers_are_told_apart(tmp_path):
    record = next(iter(written(tmp_path, questions=QUESTIONS)))
    told = answers(Saying("2.9 m", "a red car", "no"), record, 0, 0)
    assert [(each.true, each.mark) for each in told] == [("2.4 m", "right"), ("a red chair", "wrong"), ("no", "right")]
    assert answers(Saying("far away", "A red chair.", "yes"), record, 0, 0)[0].mark == "wrong"
    many = next(iter(written(tmp_path / "many", questions=QUESTIONS * 5)))
    assert len(answers(Saying(*["no"] * 6), many, 0, 0)) == 6


def test_a_true_answer_that_its_rule_cannot_read_is_named(tmp_path):
    record = next(iter(written(tmp_path, questions=[QUESTIONS[0] | {"answer": "far"}])))
    with pytest.raises(InputError, match=r"records\.jsonl:1.*'far'"):
        answers(Saying("2 m"), record, 0, 0)


@pytest.mark.parametrize("key", ["type", "answer"])
def test_a_question_without_its_type_or_answer_is_named(tmp_path, key):
    question = {name: value for name, value in QUESTIONS[0].items() if name != key}
    record = next(iter(written(tmp_path, questions=[question])))
    with pytest.raises(InputError, match=rf"records\.jsonl:1: a question misses '{key}'"):
        answers(Saying("2 m"), record, 0, 0)


def test_a_record_without_questions_is_asked_three_whose_answers_nobody_knows(model, tmp_path):
    told = one(model, written(tmp_path, 1, questions=[])).told
    assert [each.question for each in told] == list(FIXED)
    assert all(each.mark == "unmarked" and each.true is None for each in told)


def test_known_distances_are_measured_and_drawn(model, tmp_path):
    pairs = [{"a": [10, 50], "b": [80, 50], "metres": 1.2}, {"a": [10, 50], "b": [80, 60], "metres": 2.0}]
    records = written(tmp_path, 1, distances=pairs, depth_path=None)
    told = lengths(Saying(), next(iter(records)))
    assert [(each.answer, each.true, each.mark) for each in told] == [
        ("1.00 m", "1.20 m", "right"),
        ("1.00 m", "2.00 m", "wrong"),
    ]
    shown = one(model, records)
    assert "true depth not known" in shown.ways[0].line
    assert [panel.name for panel in shown.ways[0].panels] == ["photograph", "prediction", "uncertainty"]
    plain = one(model, written(tmp_path / "plain", 1)).ways[0].panels[0].rgb
    changed = np.abs(plain.astype(int) - shown.ways[0].panels[0].rgb).max(-1) > 0
    assert changed[:35].sum() == 0 < changed[35:].sum()  # both lines are in the lower half


def test_two_ways_share_one_scale_and_the_photograph_is_shown_once(model, tmp_path):
    first, second = one(model, written(tmp_path, 1)).ways
    names = ["photograph", "truth", "prediction", "error of the prediction", "uncertainty"]
    assert [panel.name for panel in first.panels] == names and [panel.name for panel in second.panels] == names[2:]
    scales = [panel.bar.scale for panel in (*first.panels[1:3], second.panels[0]) if panel.bar]
    assert len(scales) == 3 and all(scale is scales[0] for scale in scales)
    given = one(model, written(tmp_path / "given", 1), cameras=("given",))
    assert [way.line.split(":")[0] for way in given.ways] == ["true camera"]
    unknown = one(model, written(tmp_path / "unknown", 1, original_fx=None, original_fy=None))
    assert [way.line.split(":")[0] for way in unknown.ways] == ["no camera told"]


def test_panels_stand_below_those_of_their_kind_on_a_page_and_at_the_left_of_a_strip(model, tmp_path):
    both = replace(one(model, written(tmp_path, 1)), told=[])
    below = np.asarray(page(both))[-200:-20] < 255
    assert not below[:, :630].any() and below[:, 650:].any()  # cells of 300 px and 14 between: the third begins at 650
    few = replace(both, ways=[replace(both.ways[1], line="")])
    beside = np.asarray(strip([few]))[-100:-20] < 255
    assert beside[:, 20:160].any() and not beside[:, 520:].any()


def test_sky_is_shown_in_the_truth_but_not_scored(model, tmp_path):
    truth, _, error = one(model, written(tmp_path, 1)).ways[0].panels[1:4]
    assert truth.rgb[2, 48].tolist() == [205, 226, 245]  # of vlm.pictures: sky
    assert error.rgb[2, 48].tolist() == [128, 128, 128]  # unknown


def test_of_a_hidden_data_set_predictions_alone_are_shown(model, tmp_path):
    records = written(tmp_path / "data", 2)
    for ways in one(model, records, hidden=frozenset({"tiny"})).ways:
        assert [panel.name for panel in ways.panels] == ["prediction", "uncertainty"]
    html = made(model, records, tmp_path / "out", count=2, hidden=frozenset({"tiny"}))
    assert "photographs and true depth of this data set are not shown" in html
    with pytest.raises(InputError, match="hide: no record of kitti; allowed: tiny"):
        made(model, records, tmp_path / "other", hidden=frozenset({"kitti"}))


def test_what_cannot_be_read_is_told_and_the_others_are_shown(model, tmp_path):
    records = written(tmp_path / "data", 3)
    (tmp_path / "data" / "images" / "1.png").write_bytes(b"no picture")
    html = made(model, records, tmp_path / "out", count=3)
    assert html.count("<figure>") == 2 and "Left out, records.jsonl:2:" in html and "2 of 3 records" in html
    for number in (0, 2):
        (tmp_path / "data" / "images" / f"{number}.png").write_bytes(b"no picture")
    with pytest.raises(InputError, match=r"none could be shown; first: records\.jsonl:1"):
        made(model, records, tmp_path / "none", count=3)


def test_a_mark_has_its_colour_and_a_long_word_stays_inside(model, tmp_path):
    ways = one(model, written(tmp_path, 1), cameras=("given",)).ways
    for score, name in ((1.0, "right"), (0.0, "wrong"), (0.5, "partly")):
        drawn = np.asarray(page(Shown("title", ways, [Told("Q?", "x", "y", score)])))
        assert (drawn == MARKS[name][1]).all(-1).sum() > 20
        others = [colour for other, (_, colour) in MARKS.items() if other not in (name, "unmarked")]
        assert not any((drawn == colour).all(-1).any() for colour in others)
    drawn = np.asarray(page(Shown("w" * 500, [Way("x " * 400, ways[0].panels)], [Told("v" * 300, "u" * 300)])))
    assert drawn.shape[1] == 1600 and (drawn[:, -15:] == 255).all()


def test_a_page_stays_within_its_bytes_at_the_best_quality_or_says_why(tmp_path):
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 255, (200, 200, 3)).astype(np.uint8))
    sizes = [write_jpeg(tmp_path / "noise.jpg", noise, most).stat().st_size for most in (60_000, 30_000, 20_000)]
    assert 30_000 < sizes[0] <= 60_000 and 24_000 < sizes[1] <= 30_000 and 16_000 < sizes[2] <= 20_000
    with pytest.raises(InputError, match="count: 200x200 pixels do not fit into 5 kB"):
        write_jpeg(tmp_path / "none.jpg", noise, 5_000)
    assert not (tmp_path / "none.jpg").exists()


def test_a_strip_has_one_row_a_photograph(model, tmp_path):
    shown = one(model, written(tmp_path, 1), cameras=("given",))
    single, triple = strip([shown]).height, strip([shown] * 3).height
    assert triple > 2.5 * single and single < 300
    long = [Told("A question of many words? " * 12, "no", "yes", 0.0)] * 4  # six lines each
    assert strip([replace(shown, told=long[:2])]).height == strip([replace(shown, told=long)]).height
    short = [Told("Q?", "no", "yes", 0.0)] * 4
    four, two = (np.asarray(strip([replace(shown, told=short[:count])])) for count in (4, 2))
    red = MARKS["wrong"][1]
    assert (four == red).all(-1).sum() > 1.8 * (two == red).all(-1).sum()


def test_answers_stand_in_two_columns_of_like_height(model, tmp_path):
    ways = one(model, written(tmp_path, 1), cameras=("given",)).ways
    short, long = Told("Q?", "a"), Told("Q?\n" + "\n".join("ABCDEFGH"), "a")
    heights = [page(Shown("t", ways, told)).height for told in ([short] * 2 + [long], [short] * 4 + [long])]
    assert heights[0] == heights[1]  # short ones at the left of the long one
