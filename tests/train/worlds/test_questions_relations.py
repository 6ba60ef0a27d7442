"""Questions about two things and more, recomputed from the maps."""

import re

import numpy as np
import pytest

from tests.train.worlds.asked import pairs, points
from tests.train.worlds.test_questions import named, number_of, said

METRE = {"m": 1, "cm": 100, "ft": 3.28084, "in": 39.3701}


def medians(q, depth, instance):
    return [float(np.median(depth[instance == n])) for n in q["instances"]]


def middles(q, instance):
    return [[float(np.median(axis)) for axis in np.nonzero(instance == n)] for n in q["instances"]]


def test_the_closer_thing_is_closer_and_the_one_behind_is_farther():
    for q, scene, depth, instance, _ in pairs("closer", "behind"):
        z1, z2 = medians(q, depth, instance)
        assert max(z1, z2) > 1.09 * min(z1, z2)
        wanted = (z1 < z2) == (q["type"] == "closer")
        assert named(said(q), scene, instance) == q["instances"][not wanted]
        assert said(q) in q["question"] and q["value"] == ("first" if wanted else "second")


def test_a_pair_misleads_where_the_nearer_thing_is_the_higher_one():
    for q, _, depth, instance, _ in pairs("closer"):
        (z1, z2), ((y1, _), (y2, _)) = medians(q, depth, instance), middles(q, instance)
        assert q["misleading"] == ((y1 < y2) if z1 < z2 else (y2 < y1))


def test_in_front_left_and_above_are_what_they_say():
    for q, _, depth, instance, _ in pairs("front_behind"):
        z1, z2 = medians(q, depth, instance)
        assert said(q) == ("in front" if z1 < z2 else "behind")
    for q, _, _, instance, _ in pairs("left_right"):
        (_, x1), (_, x2) = middles(q, instance)
        assert said(q) == q["value"] == ("left" if x1 < x2 else "right")
    for q, _, _, instance, _ in pairs("above_below"):
        (y1, _), (y2, _) = middles(q, instance)
        assert said(q) == q["value"] == ("above" if y1 < y2 else "below")


def test_statements_hold_or_do_not():
    words = {
        "closer": "closer|nearer", "farther": "farther", "left": "left", "right": "right", "above": "above|higher",
        "below": "below|lower", "front": "in front|nearer to the viewer", "behind": "behind|farther back",
    }  # fmt: skip
    for q, _, depth, instance, _ in pairs("yes_no", "true_false"):
        (z1, z2), ((y1, x1), (y2, x2)) = medians(q, depth, instance), middles(q, instance)
        holds = {
            "closer": z1 < z2, "front": z1 < z2, "farther": z1 > z2, "behind": z1 > z2,
            "left": x1 < x2, "right": x1 > x2, "above": y1 < y2, "below": y1 > y2,
        }[q["relation"]]  # fmt: skip
        assert re.search(words[q["relation"]], q["question"])
        assert q["answer"] == (("no", "yes") if q["type"] == "yes_no" else ("false", "true"))[holds]


def test_the_closest_and_the_farthest_of_several():
    for q, scene, depth, instance, _ in pairs("closest", "farthest"):
        depths = medians(q, depth, instance)
        best = np.argmin(depths) if q["type"] == "closest" else np.argmax(depths)
        assert 3 <= len(depths) <= 4 and named(said(q), scene, instance) == q["instances"][best]


def test_distances_in_space_and_which_thing_is_nearest_to_another():
    def place(scene, depth, instance, number):
        return np.median(points(scene, depth)[instance == number], axis=0)

    for q, scene, depth, instance, _ in pairs("distance_between"):
        one, two = (place(scene, depth, instance, n) for n in q["instances"])
        assert q["value"] / METRE[q["unit"]] == pytest.approx(np.sqrt(((one - two) ** 2).sum()), rel=1e-3)
        assert number_of(q["answer"]) == pytest.approx(q["value"], rel=0.051)
    for q, scene, depth, instance, _ in pairs("closer_to"):
        third = place(scene, depth, instance, q["instance"])
        apart = [np.linalg.norm(place(scene, depth, instance, n) - third) for n in q["instances"]]
        assert named(said(q), scene, instance) == q["instances"][int(np.argmin(apart))]
        assert sorted(apart)[1] > 1.24 * min(apart)


def test_how_many_times_as_far():
    for q, _, depth, instance, _ in pairs("ratio"):
        far, near = medians(q, depth, instance)
        assert number_of(q["answer"]) == pytest.approx(far / near, rel=0.051) and far > near
