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


def test_a_depth_map_coarser_than_the_picture_leaves_no_holes():
    truth = np.array([[1.0, np.inf], [np.nan, 4.0]])  # sky and unknown are not truths
    small = picture(
        np.zeros((40, 60, 3), np.uint8), None, np.full((2, 2), 2.0), truth, np.array([10, 30]), np.array([15, 45])
    )
    assert "predicted" not in small and small["truth"].shape == (40, 60)
    assert (small["truth"][:20, :30] == 1).all() and (small["truth"][21:, 31:] == 4).all()
    assert np.isnan(small["truth"][:20, 31:]).all() and np.isnan(small["truth"][21:, :30]).all()
    assert (small["error"][:20, :30] == 1).all() and (small["error"][21:, 31:] == -0.5).all()


@pytest.mark.parametrize("size", [(375, 500), (333, 421), (480, 640), (61, 47)])
def test_no_size_leaves_holes_in_a_coarse_map(size):
    height, width = size
    rows, columns = ((np.arange(n) + 0.5) * side / n for n, side in zip((30, 40), size, strict=True))
    truth = np.full((30, 40), 2.0)
    rgb = np.zeros((height, width, 3), np.uint8)
    small = picture(rgb, None, truth, truth, rows.astype(int), columns.astype(int))
    assert np.isfinite(small["truth"]).all()


def test_a_sparse_map_of_the_photographs_own_size_keeps_its_points():
    truth = np.full((640, 1280), np.nan)
    truth[100, 200], truth[639, 1279] = 3.0, 5.0
    rgb = np.zeros((640, 1280, 3), np.uint8)
    small = picture(rgb, None, np.full(truth.shape, 3.0), truth, np.arange(640), np.arange(1280))
    assert np.argwhere(np.isfinite(small["truth"])).tolist() == [[25, 50], [159, 319]]
    assert small["error"][25, 50] == 0 and small["error"][159, 319] == pytest.approx(-0.4)
