"""Every answer is recomputed here from the maps, in other words than the code under test uses."""

import re
from collections import Counter
from functools import lru_cache

import numpy as np

from train.worlds.layout import sample_scene
from train.worlds.phrases import PHRASES
from train.worlds.questions import QUESTION_TYPES, metres, questions, relative
from train.worlds.render import render
from train.worlds.things import KINDS


@lru_cache
def asked(first, count, size=(64, 96)):
    """[(scene, depth_z, instance, kind, questions)]"""
    found = []
    for start in range(first, first + count, 20):
        scenes = [sample_scene(seed, size) for seed in range(start, min(start + 20, first + count))]
        drawn = render(scenes)
        for i, scene in enumerate(scenes):
            maps = [getattr(drawn, key)[i].numpy() for key in ("depth_z", "instance", "kind")]
            found.append((scene, *maps, questions(scene, *maps)))
    return found


def pairs(kind, first=100, count=200):
    for scene, depth, instance, kinds, several in asked(first, count):
        for question in several:
            if question["type"] == kind:
                yield question, scene, depth, instance, kinds


def named(text, scene, instance):
    """The one thing with visible pixels that the text names."""
    ids = [t.instance for t in scene.things if text == f"the {t.colour} {t.kind}" and (instance == t.instance).any()]
    assert len(ids) == 1, text
    return ids[0]


def test_two_significant_digits():
    values = (0.312, 0.85, 0.996, 2.449, 9.96, 17.4, 104.9, 118.0)
    expected = ["0.31 m", "0.85 m", "1.0 m", "2.4 m", "10 m", "17 m", "100 m", "120 m"]
    assert [metres(v) for v in values] == expected


def test_relative_coordinates_span_0_to_1000():
    assert relative(128, 96, (192, 256)) == (500, 500)
    assert relative(0, 192, (192, 256)) == (0, 1000)
    assert relative(131, 20, (192, 256), step=20) == (520, 100)


def test_each_scene_gets_about_a_dozen_questions_of_every_type_in_several_wordings():
    counts, words = Counter(), {}
    for *_, several in asked(100, 200):
        assert len(several) == len({q["question"] for q in several})
        for q in several:
            counts[q["type"]] += 1
            words.setdefault(q["type"], set()).add(q["question"].split(" ")[0])
    assert 11 < sum(counts.values()) / 200 < 17
    assert set(counts) == set(QUESTION_TYPES)
    assert all(len(set(wordings)) >= 4 for wordings in PHRASES.values())


def test_questions_do_not_change_between_calls():
    scene, depth, instance, kinds, several = asked(100, 200)[7]
    assert questions(scene, depth, instance, kinds) == several


def test_distances_are_the_median_depth_over_the_visible_pixels():
    for q, scene, depth, instance, _ in pairs("distance"):
        thing = next(t for t in scene.things if t.instance == q["instance"])
        assert f"the {thing.colour} {thing.kind}" in q["question"]
        assert q["answer"] == metres(float(np.median(depth[instance == thing.instance])))


def test_depth_and_name_at_a_point_survive_the_rounding_of_its_coordinates():
    for q, scene, depth, *_ in pairs("depth_at"):
        x, y = (int(n) for n in re.search(r"\((\d+), (\d+)\)", q["question"]).groups())
        height, width = scene.size
        z = depth[min(height - 1, int(y / 1000 * height)), min(width - 1, int(x / 1000 * width))]
        assert abs(float(q["answer"][:-2]) / z - 1) < 0.17
    for q, scene, _, instance, kinds in pairs("what_at"):
        x, y = (int(v) for v in q["pixel"])
        number = instance[y, x]
        if number:
            thing = scene.things[number - 1]
            assert re.fullmatch(rf"an? {thing.colour} {thing.kind}", q["answer"])
        else:
            assert {"nothing": "sky"}.get(KINDS[kinds[y, x]], KINDS[kinds[y, x]]) in q["answer"]


def test_the_closer_thing_is_closer():
    for q, scene, depth, instance, _ in pairs("closer"):
        one, two = q["instances"]
        z1, z2 = (np.median(depth[instance == n]) for n in (one, two))
        assert max(z1, z2) > 1.09 * min(z1, z2)
        answer = q["choices"][q["answer"]] if "choices" in q else q["answer"]
        assert answer in q["question"] and named(answer, scene, instance) == (one if z1 < z2 else two)


def test_left_is_left():
    for q, scene, _, instance, _ in pairs("left_right"):
        for number in q["instances"]:
            thing = scene.things[number - 1]
            assert f"the {thing.colour} {thing.kind}" in q["question"].lower()
        answer = q["choices"][q["answer"]] if "choices" in q else q["answer"]
        one, two = (np.median(np.nonzero(instance == n)[1]) for n in q["instances"])
        assert answer == ("left" if one < two else "right")


def test_colours_places_counts_and_presence():
    for q, scene, _, instance, _ in pairs("colour"):
        visible = [t for t in scene.things if t.kind in q["question"] and (instance == t.instance).any()]
        assert q["answer"] in {t.colour for t in visible}
        assert scene.things[q["instance"] - 1].colour == q["answer"]
    for q, scene, _, instance, _ in pairs("where"):
        x, y = (int(n) for n in re.findall(r"\d+", q["answer"]))
        rows, columns = np.nonzero(instance == q["instance"])
        assert x % 20 == y % 20 == 0
        assert abs(x / 1000 - np.median(columns + 0.5) / scene.size[1]) < 0.011
        assert abs(y / 1000 - np.median(rows + 0.5) / scene.size[0]) < 0.011
    for q, scene, _, instance, _ in pairs("count"):
        shown = [t for t in scene.things if t.kind == q["kind"] and (instance == t.instance).mean() > 0.0002]
        assert q["answer"] == str(len(shown))
    for q, scene, _, instance, _ in pairs("exists"):
        shown = any(t.kind == q["kind"] and (instance == t.instance).any() for t in scene.things)
        assert q["answer"] == ("yes" if shown else "no")


def test_the_field_of_view_is_the_angle_between_the_edges():
    for q, scene, *_ in pairs("fov"):
        left, right = scene.principal[0] / scene.focal, (scene.size[1] - scene.principal[0]) / scene.focal
        angle = np.degrees(np.arctan(left) + np.arctan(right))
        assert abs(int(q["answer"].split()[0]) - angle) <= 2.5 + 1e-6


def test_captions_name_what_is_there_at_its_distance():
    for q, scene, depth, instance, _ in pairs("caption"):
        assert scene.domain in q["answer"]
        for colour_kind, distance in re.findall(r"an? ([a-z ]+?) at ([0-9.]+ m)", q["answer"]):
            options = [metres(float(np.median(depth[instance == t.instance]))) for t in scene.things
                       if colour_kind == f"{t.colour} {t.kind}" and (instance == t.instance).any()]  # fmt: skip
            assert distance in options


def share(values):
    values = list(values)
    assert len(values) > 80
    return float(np.mean(values))


def test_the_wording_alone_does_not_give_the_answer_away():
    assert abs(share(q["value"] == "first" for q, *_ in pairs("closer")) - 0.5) < 0.11
    assert abs(share(q["value"] == "left" for q, *_ in pairs("left_right")) - 0.5) < 0.11
    assert abs(share(q["value"] for q, *_ in pairs("exists")) - 0.5) < 0.11
    letters = [q["answer"] for kind in ("closer", "left_right") for q, *_ in pairs(kind) if "choices" in q]
    assert abs(share(letter == "A" for letter in letters) - 0.5) < 0.13


def test_the_nearer_thing_is_not_usually_the_lower_one():
    lower = []
    for q, _, depth, instance, _ in pairs("closer"):
        (z1, y1), (z2, y2) = (
            (np.median(depth[instance == n]), np.median(np.nonzero(instance == n)[0])) for n in q["instances"]
        )
        lower.append((z1 < z2) == (y1 > y2))
    assert abs(share(lower) - 0.5) < 0.15


def test_an_empty_view_still_has_questions_and_no_invented_things():
    scene = sample_scene(3, (48, 64))
    nothing = np.zeros(scene.size, np.uint8)
    several = questions(scene, np.full(scene.size, 2.0, np.float32), nothing, nothing + KINDS.index("wall"))
    answers = {q["type"]: q["answer"] for q in several}
    assert answers["depth_at"] == "2.0 m" and answers["what_at"] == "the wall"
    assert answers["caption"] in ("An indoor scene.", "An outdoor scene.")
    assert not {"distance", "closer", "left_right", "colour", "where"} & set(answers)
