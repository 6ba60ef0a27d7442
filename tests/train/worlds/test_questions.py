"""Every answer is recomputed here from the maps, in other words than the code under test uses."""

import re
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from tests.train.worlds.asked import COUNT, asked, level_scene, made_up, name_of, pairs, points
from train.worlds.asking.phrases import CHOICES, PHRASES, REFUSED, STATEMENTS, TRUE_FALSE, YES_NO
from train.worlds.asking.questions import QUESTION_TYPES, questions, questions_about
from train.worlds.asking.seen import Shown
from train.worlds.asking.units import length, metres, relative
from train.worlds.things import COLOURS, KINDS


def named(text, scene, instance):
    """The one thing with visible pixels that the text names, by colour and kind or by kind alone."""
    ids = [t.instance for t in scene.things
           if text in (f"the {t.colour} {t.kind}", f"the {t.kind}") and (instance == t.instance).any()]  # fmt: skip
    assert len(ids) == 1, text
    return ids[0]


def said(question):
    return question["choices"][question["answer"]] if "choices" in question else question["answer"]


def number_of(text):
    return float(re.findall(r"^[0-9.]+", text)[0])


def test_two_significant_digits_in_the_unit_that_is_asked_for():
    values = (0.312, 0.85, 0.996, 2.449, 9.96, 17.4, 104.9, 118.0)
    expected = ["0.31 m", "0.85 m", "1.0 m", "2.4 m", "10 m", "17 m", "100 m", "120 m"]
    assert [metres(v) for v in values] == expected
    assert [length(2.413, unit) for unit in ("cm", "ft", "in")] == ["240 cm", "7.9 feet", "95 inches"]


def test_relative_coordinates_span_0_to_1000():
    assert relative(128, 96, (192, 256)) == (500, 500)
    assert relative(0, 192, (192, 256)) == (0, 1000)
    assert relative(131, 20, (192, 256), step=20) == (520, 100)


def test_every_type_has_six_wordings_at_least_and_no_two_questions_of_a_scene_are_the_same():
    assert all(len(set(wordings)) >= 6 for wordings in (*PHRASES.values(), CHOICES, YES_NO, TRUE_FALSE))
    assert all(len(words) >= 2 for words in STATEMENTS.values())
    counts = Counter(q["type"] for *_, several in asked() for q in several)
    assert 18 < counts.total() / COUNT < 26
    assert set(counts) <= set(QUESTION_TYPES) and len(counts) >= len(QUESTION_TYPES) - 2
    for *_, several in asked():
        assert len(several) == len({q["question"] for q in several})


def test_questions_do_not_change_between_calls():
    scene, depth, instance, kinds, several = asked()[7]
    assert questions(scene, depth, instance, kinds) == several


def test_more_of_each_type_are_asked_where_more_are_wanted_and_no_two_are_the_same():
    scene, depth, instance, kinds, several = asked()[7]
    many = questions(scene, depth, instance, kinds, times=4)
    counts, more = (Counter(q["type"] for q in each) for each in (several, many))
    assert len(many) > 1.5 * len(several) and more["left_right"] > counts["left_right"] and more["caption"] == 1
    assert len(many) == len({q["question"] for q in many})
    kept = {"count", "exists", "fov", "indoor_outdoor"}  # their balance holds for so many tries
    nothing = questions(scene, depth, instance, kinds, times=0)
    assert {q["type"] for q in nothing} <= {*kept, "free_space", "room_height", "room_width", "camera_height", "tilt",
                                            "tilt_word"}  # fmt: skip
    assert more["count"] <= 2 and more["exists"] <= 2


def test_distances_are_the_median_depth_over_the_visible_pixels():
    for q, scene, depth, instance, _ in pairs("distance"):
        thing = next(t for t in scene.things if t.instance == q["instance"])
        assert re.search(rf"the ({thing.colour} )?{thing.kind}\b", q["question"])
        assert q["answer"] == length(float(np.median(depth[instance == thing.instance])), q["unit"])


def test_a_length_is_said_in_the_unit_that_the_question_names():
    words = {"cm": "centimet", "ft": "feet", "in": "inches"}
    units = Counter()
    for q, *_ in pairs("distance", "depth_at", "distance_between", "height", "width", "camera_height"):
        units[q["unit"]] += 1
        assert [unit for unit, word in words.items() if word in q["question"]] == [q["unit"]] * (q["unit"] != "m")
        shown = {"cm": "cm", "ft": "feet", "in": "inches", "m": "m"}[q["unit"]]
        assert q["answer"].split(" ")[1] == shown
        assert number_of(q["answer"]) == pytest.approx(q["value"], rel=0.06)
    assert set(units) == {"m", "cm", "ft", "in"} and units["m"] > 0.6 * units.total()


def test_depth_and_name_at_a_point_survive_the_rounding_of_its_coordinates():
    for q, scene, depth, *_ in pairs("depth_at"):
        x, y = (int(n) for n in re.findall(r"\((\d+), (\d+)\)", q["question"])[0])
        height, width = scene.size
        z = depth[min(height - 1, int(y / 1000 * height)), min(width - 1, int(x / 1000 * width))]
        assert abs(q["value"] / {"m": 1, "cm": 100, "ft": 3.28084, "in": 39.3701}[q["unit"]] / z - 1) < 0.1
    for q, scene, _, instance, kinds in pairs("what_at"):
        x, y = (int(v) for v in q["pixel"])
        number = instance[y, x]
        if number:
            thing = scene.things[number - 1]
            assert re.fullmatch(rf"an? (flight of )?{name_of(scene, thing)}", q["answer"])
        else:
            assert {"nothing": "sky"}.get(KINDS[kinds[y, x]], KINDS[kinds[y, x]]) in q["answer"]


def test_the_nearer_point_is_nearer():
    for q, _, depth, *_ in pairs("closer_point"):
        near, far = (depth[int(y), int(x)] for x, y in q["pixels"])
        assert near * 1.2 < far and len(set(q["choices"].values())) == 2


def test_colours_places_boxes_counts_and_presence():
    for q, scene, _, instance, _ in pairs("colour"):
        visible = {t.colour for t in scene.things
                   if re.search(rf"\b{t.kind}\b", q["question"]) and (instance == t.instance).any()}  # fmt: skip
        assert q["answer"] in visible and scene.things[q["instance"] - 1].colour == q["answer"]
    for q, scene, _, instance, _ in pairs("where"):
        x, y = (int(n) for n in re.findall(r"\d+", q["answer"]))
        rows, columns = np.nonzero(instance == q["instance"])
        assert x % 20 == y % 20 == 0
        assert abs(x / 1000 - np.median(columns + 0.5) / scene.size[1]) < 0.011
        assert abs(y / 1000 - np.median(rows + 0.5) / scene.size[0]) < 0.011
    for q, scene, _, instance, _ in pairs("box"):
        rows, columns = np.nonzero(instance == q["instance"])
        edges = np.array([columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]) / (scene.size[::-1] * 2)
        assert np.abs(np.array([int(n) for n in re.findall(r"\d+", q["answer"])]) / 1000 - edges).max() < 0.0051
    for q, scene, _, instance, _ in pairs("count"):
        shown = [t for t in scene.things if t.kind == q["kind"] and (instance == t.instance).mean() > 0.0002]
        assert said(q) == str(len(shown))
    for q, scene, _, instance, _ in pairs("exists"):
        shown = any(t.kind == q["kind"] and q.get("colour", t.colour) == t.colour and (instance == t.instance).any()
                    for t in scene.things)  # fmt: skip
        assert q["answer"] == ("yes" if shown else "no") and q["value"] == shown
        assert f"{q.get('colour', '')} {q['kind']}".strip() in q["question"]


def test_what_is_refused_is_not_in_the_picture():
    others = 0
    for q, scene, _, instance, _ in pairs("refusal"):
        (name,) = re.findall(r"^There is no (.*) in the picture.$", q["answer"])
        assert f"the {name}" in q["question"]
        visible = [t for t in scene.things if (instance == t.instance).any()]
        assert all(name not in (t.kind, f"{t.colour} {t.kind}") for t in visible)
        others += any(name.endswith(f" {t.kind}") and name.split(" ")[0] in COLOURS for t in visible)
    assert others > 10  # of a kind that is there, in another colour


def test_what_is_refused_is_asked_as_something_that_is_there_is_in_the_same_picture():
    """With the thing's name blanked out, the two questions are one: only the picture tells them apart."""
    blank = re.compile(rf"the (?:(?:{'|'.join(COLOURS[1:])}) )?(?:{'|'.join(sorted(KINDS, key=len, reverse=True))})\b")
    alike = refused = 0
    for *_, several in asked():
        there = Counter(blank.sub("the *", q["question"]) for q in several if q["type"] in REFUSED)
        absent = Counter(blank.sub("the *", q["question"]) for q in several if q["type"] == "refusal")
        refused += absent.total()
        alike += (absent & there).total()
        if absent.total() <= there.total():
            assert absent <= there
    assert refused > 1.6 * COUNT and alike > 0.9 * refused


def test_a_picture_without_colours_is_asked_for_none_and_calls_things_by_their_kind():
    types, coloured = Counter(), 0
    for seed in range(40):
        shown = made_up(seed)
        scene = replace(shown.scene, look=replace(shown.scene.look, saturation=0.0))
        grey = Shown(scene, shown.depth_z, shown.instance, shown.kind)
        for q in questions_about(grey):
            types[q["type"]] += 1
            assert not set(COLOURS[1:]) & set(re.findall(r"\w+", f"{q['question']} {q['answer']}")), q
            if q["type"] in ("refusal", "exists"):
                assert q["kind"] not in grey.kinds or q["value"]
        coloured += any(q["type"] == "colour" for q in questions_about(shown))
    assert coloured and not types["colour"]
    assert min(types[kind] for kind in ("distance", "refusal", "exists", "closer", "what_at", "where", "caption")) > 3


def test_heights_are_those_of_the_box_and_widths_those_of_what_is_visible():
    for q, scene, depth, instance, _ in pairs("height", "width"):
        thing = scene.things[q["instance"] - 1]
        seen = points(scene, depth)[instance == thing.instance] @ scene.rotation.T
        level = np.cross(scene.rotation[:, 2], [0, 0, 1])
        if q["type"] == "height":
            truth = np.ptp((thing.corners() @ scene.rotation.T)[:, 2])
            assert np.ptp(seen[:, 2]) < 1.02 * truth + 0.01
        else:
            truth = np.ptp(seen @ (level / np.linalg.norm(level)))
        assert q["answer"] == length(float(truth), q["unit"]) or number_of(q["answer"]) == pytest.approx(
            q["value"], rel=0.051
        )
        assert q["value"] / {"m": 1, "cm": 100, "ft": 3.28084, "in": 39.3701}[q["unit"]] == pytest.approx(
            truth, rel=0.01
        )


def test_captions_name_what_is_there_at_its_distance():
    for q, scene, depth, instance, _ in pairs("caption"):
        assert scene.domain in q["answer"]
        for name, distance in re.findall(r"an? (?:flight of )?([a-z ]+?) at ([0-9.]+ m)", q["answer"]):
            options = [metres(float(np.median(depth[instance == t.instance]))) for t in scene.things
                       if name == name_of(scene, t) and (instance == t.instance).any()]  # fmt: skip
            assert distance in options


def test_an_empty_view_still_has_questions_and_no_invented_things():
    scene = level_scene(3)
    nothing = np.zeros(scene.size, np.uint8)
    several = questions(scene, np.full(scene.size, 2.0, np.float32), nothing, nothing + KINDS.index("wall"))
    answers = {q["type"]: q["answer"] for q in several}
    assert answers["what_at"] == "the wall"
    depth = next(q for q in several if q["type"] == "depth_at")
    assert depth["answer"] == length(2.0, depth["unit"])
    assert answers["caption"] in ("An indoor scene.", "An outdoor scene.")
    about_things = {"distance", "closer", "left_right", "colour", "where", "box", "height", "yes_no", "ratio"}
    assert not about_things & set(answers)
    assert all(q["answer"] == "no" for q in several if q["type"] == "exists")
