"""The ten best and ten worst photographs of a run, kept small, whatever the order and whoever was killed."""

import numpy as np
import pytest

from benchmarks.gallery import KEPT, Gallery, extremes, picture, read_picture


def made(score: float):
    return lambda: {"rgb": np.zeros((2, 3, 3), np.uint8), "truth": np.full((2, 3), score, np.float32)}


def kept(folder) -> set[int]:
    return {int(path.name.split("_")[0]) for path in folder.glob("*.npz")}


@pytest.mark.parametrize("order", ["up", "down", "mixed"])
def test_the_ten_best_and_the_ten_worst_stay_whatever_the_order(tmp_path, order):
    scores = np.linspace(0, 1, 50)
    places = {"up": range(50), "down": range(49, -1, -1), "mixed": np.random.default_rng(0).permutation(50)}[order]
    for stop in range(0, 50, 25):  # killed in the middle, and gone on with by another
        gallery = Gallery(tmp_path)
        for index in list(places)[stop : stop + 25]:
            gallery.offer(int(index), float(scores[index]), made(float(scores[index])))
    assert kept(tmp_path) == {*range(KEPT), *range(50 - KEPT, 50)}
    found = read_picture(tmp_path, scores[49], 49)
    assert found is not None and found["truth"] == pytest.approx(1.0) and found["rgb"].dtype == np.uint8
    assert read_picture(tmp_path, scores[20], 20) is None


def test_of_equal_ones_those_that_come_first():
    assert extremes([(0.5, i) for i in range(30, 0, -1)]) == [(0.5, i) for i in range(1, KEPT + 1)]


def test_a_photograph_without_a_score_is_not_kept_and_nothing_is_drawn_in_vain(tmp_path):
    gallery = Gallery(tmp_path)
    gallery.offer(0, float("nan"), made(0))
    for index in range(25):
        gallery.offer(index, index / 100, made(0))

    def never():
        raise AssertionError("drawn in vain")

    gallery.offer(30, 0.12, never)  # between the best and the worst
    gallery.offer(3, 0.03, never)  # a part that is done again
    assert kept(tmp_path) == {*range(10), *range(15, 25)}


def test_each_true_depth_falls_into_its_cell():
    rgb = np.zeros((640, 1280, 3), np.uint8)
    rgb[:, 640:] = 200
    depth = np.full((640, 1280), 2.0, np.float32)
    depth[:, 640:] = 5.0
    small = picture(
        rgb,
        depth,
        np.array([3.0, np.nan, 6.0]),
        np.array([2.0, 4.0, 4.0]),
        np.array([0, 4, 639]),
        np.array([0, 9, 1279]),
    )
    assert small["rgb"].shape == (160, 320, 3) and small["predicted"].shape == (160, 320)
    assert small["predicted"][:, :160] == pytest.approx(2) and small["predicted"][:, 160:] == pytest.approx(5)
    assert small["rgb"][0, 160:].mean() == 200 and small["rgb"][0, :160].mean() == 0
    assert np.isfinite(small["truth"]).sum() == 3
    assert [small["truth"][0, 0], small["truth"][1, 2], small["truth"][159, 319]] == [2, 4, 4]
    assert small["error"][0, 0] == 0.5 and np.isnan(small["error"][1, 2]) and small["error"][159, 319] == 0.5


def test_a_depth_map_of_another_size_than_the_photograph():
    truth = np.array([[1.0, np.inf], [np.nan, 4.0]])  # sky and unknown are not truths
    small = picture(
        np.zeros((40, 60, 3), np.uint8), None, np.full((2, 2), 2.0), truth, np.array([10, 30]), np.array([15, 45])
    )
    assert "predicted" not in small and small["truth"].shape == (40, 60)
    ys, xs = np.nonzero(np.isfinite(small["truth"]))
    assert list(zip(ys, xs, strict=True)) == [(10, 15), (30, 45)]
    assert small["error"][10, 15] == 1.0 and small["error"][30, 45] == -0.5
