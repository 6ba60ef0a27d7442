"""Pictures: the colours say what the bar says, the photograph's pixels stay where they are."""

import matplotlib
import numpy as np
import pytest
from PIL import Image

from heads.errors import InputError
from vlm import pictures
from vlm.pictures import SKY_COLOUR, UNKNOWN_COLOUR, depth_picture, rays_picture, side_by_side, uncertainty_picture
from vlm.scale_bar import Scale


def rays_of(height: int, width: int, focal: float) -> np.ndarray:
    y, x = np.mgrid[:height, :width] + 0.5
    rays = np.stack([(x - width / 2) / focal, (y - height / 2) / focal, np.ones_like(x)], -1)
    return (rays / np.linalg.norm(rays, axis=-1, keepdims=True)).astype(np.float32)


def ramp(low: float, high: float, height: int = 300, width: int = 400) -> np.ndarray:
    return np.linspace(low, high, width, dtype=np.float32)[None].repeat(height, 0)


# --- the bar ---


def test_the_bar_of_a_ramp_covers_its_range_in_round_metres():
    scale = Scale.of(ramp(1.2, 4.7))
    assert (scale.low, scale.high) == pytest.approx((1.2, 4.7)) and not scale.logarithmic
    assert [text for _, text in scale.ticks(8)] == ["1.5", "2.0", "2.5", "3.0", "3.5", "4.0", "4.5"]
    assert [text for _, text in scale.ticks(4)] == ["2", "3", "4"]
    for value, text in scale.ticks(8):
        assert float(text) == pytest.approx(value)
    assert scale.share(np.array([1.2, 2.95, 4.7])) == pytest.approx([0, 0.5, 1], abs=1e-6)


def test_a_wide_range_has_equal_room_for_equal_ratios():
    scale = Scale(0.5, 50.0)
    assert scale.logarithmic
    assert scale.share(np.array([0.5, 5.0, 50.0, 500.0, np.nan])) == pytest.approx([0, 0.5, 1, 1, 0])
    assert [text for _, text in scale.ticks(8)] == ["0.5", "1", "2", "5", "10", "20", "50"]


@pytest.mark.parametrize("low", [0.003, 0.3, 1.0, 7.3, 40.0, 900.0])
@pytest.mark.parametrize("ratio", [1.05, 1.3, 2.0, 5.9, 6.1, 9.0, 40.0, 1e4])
@pytest.mark.parametrize("most", [4, 10])
def test_every_range_gets_ticks_inside_it_that_do_not_crowd(low, ratio, most):
    scale = Scale(low, low * ratio)
    ticks = scale.ticks(most)
    assert 2 <= len(ticks) <= most + 1
    values = np.array([value for value, _ in ticks])
    assert values.min() >= low * 0.999 and values.max() <= low * ratio * 1.001
    assert np.diff(scale.share(values)).min() >= 1 / most - 1e-9
    assert [float(text) for _, text in ticks] == pytest.approx(values)
    assert len({text for _, text in ticks}) == len(ticks)


def test_one_wrong_pixel_does_not_take_the_colours():
    values = np.append(np.linspace(2, 5, 9999), 4000.0)
    assert Scale.of(values).high == pytest.approx(5, rel=0.01)
    assert Scale.of(np.full(7, 3.0)).low < 3 < Scale.of(np.full(7, 3.0)).high


# --- the pictures ---


def test_near_is_bright_far_is_dark_and_pixels_keep_their_place():
    picture = np.asarray(depth_picture(ramp(1.0, 5.0)))
    assert picture.shape[0] == 300 and picture.shape[1] > 400
    table = np.rint(255 * np.array(matplotlib.colormaps["plasma"].colors))
    assert picture[150, 0].tolist() == table[255].tolist()
    assert picture[150, 399].tolist() == table[0].tolist()
    luma = picture[150, :400] @ [0.299, 0.587, 0.114]
    assert luma[0] > 200 and luma[-1] < 30 and (np.diff(luma) <= 1).all()


def test_the_bar_drawn_has_the_colours_of_the_map():
    picture = np.asarray(depth_picture(ramp(1.0, 5.0)))
    map_colours = {tuple(colour) for colour in picture[150, :400].tolist()}
    panel = picture[:, 400:]
    column = max(range(panel.shape[1]), key=lambda x: len(map_colours & set(map(tuple, panel[:, x].tolist()))))
    bar = [colour for colour in map(tuple, panel[:, column].tolist()) if colour in map_colours]
    assert bar[0] == tuple(picture[0, 399]) and bar[-1] == tuple(picture[0, 0])  # far on top, near below
    assert len(set(bar)) > 200


def test_a_shared_range_gives_equal_depths_equal_colours():
    one, other = (np.asarray(depth_picture(ramp(1.0, high), range_m=(1.0, 9.0))) for high in (5.0, 9.0))
    at_three_one, at_three_other = 399 * (3 - 1) / 4, 399 * (3 - 1) / 8
    np.testing.assert_allclose(
        one[0, round(at_three_one)].astype(int), other[0, round(at_three_other)].astype(int), atol=2
    )
    with pytest.raises(InputError, match=r"^range: "):
        depth_picture(ramp(1, 5), range_m=(5.0, 1.0))


def test_sky_and_unknown_have_their_own_colours():
    depth_z = ramp(1.0, 5.0)
    depth_z[:100], depth_z[250:] = np.inf, np.nan
    picture = np.asarray(depth_picture(depth_z))
    assert (picture[:100, :400] == SKY_COLOUR).all() and (picture[250:, :400] == UNKNOWN_COLOUR).all()
    for colour in (SKY_COLOUR, UNKNOWN_COLOUR):
        assert (picture[:, 400:] == colour).all(-1).sum() > 50  # in the legend
        assert not (np.asarray(depth_picture(ramp(1.0, 5.0))) == colour).all(-1).any()


@pytest.mark.parametrize("fill", [np.inf, np.nan, 2.5])
def test_maps_without_a_range_are_drawn(fill):
    picture = np.asarray(depth_picture(np.full((300, 300), fill, np.float32)))
    assert len(np.unique(picture[:, :300].reshape(-1, 3), axis=0)) == 1


@pytest.mark.parametrize(
    ("size", "map_size"),
    [
        ((480, 640), (480, 640)),
        ((3000, 4000), (1200, 1600)),
        ((48, 64), (240, 320)),
        ((4, 4), (240, 240)),
        ((1, 1), (240, 240)),
        ((128, 2000), (102, 1600)),
        ((2000, 128), (1600, 102)),
        ((100, 700), (200, 1400)),
        ((1, 3000), (1, 1600)),
    ],
)
def test_size_and_room_for_every_shape(size, map_size):
    for picture in (depth_picture(np.full(size, 2.0, np.float32)), rays_picture(rays_of(*size, focal=max(size)))):
        assert picture.mode == "RGB" and picture.height == max(map_size[0], 240)
        panel = np.asarray(picture)[:, map_size[1] :]
        assert 60 < panel.shape[1] < 320
        ink = (panel < 100).all(-1)
        assert ink.any() and not ink[0].any() and not ink[-1].any() and not ink[:, -3:].any()  # nothing cut off
    photograph = pictures.photograph_picture(np.zeros((*size, 3), np.uint8))
    assert (photograph.height, photograph.width) == map_size


def test_uncertainty_is_in_percent(monkeypatch):
    seen = []
    monkeypatch.setattr(pictures, "beside", lambda _map, heading, bar, _legend: seen.append((heading, bar)))
    uncertainty_picture(ramp(0.02, 0.08))
    heading, (scale, _, unit) = seen[0]
    assert (scale.low, scale.high, unit) == (pytest.approx(2), pytest.approx(8), "%")
    assert heading == ["expected", "error", "2 – 8 %"]


def test_ray_lines_are_where_the_angles_are():
    focal = 400.0
    picture = np.asarray(rays_picture(rays_of(480, 640, focal))).astype(int)
    # To the left of the axis, where no labels stand, the middle row crosses the lines at f * tan(angle).
    brightness = picture[240, :320].min(-1)
    for degrees in (10, 20, 30):
        at = 320 - focal * np.tan(np.radians(degrees))
        assert brightness[round(at - 3) : round(at + 3)].max() > 220
        between = 320 - focal * np.tan(np.radians(degrees - 5))
        assert brightness[round(between - 3) : round(between + 3)].max() < 200
    right, up = picture[400, 600] - picture[400, 60], picture[60, 60] - picture[400, 60]
    assert right[0] > 40 and up[1] > 40  # red to the right, green upwards


def test_the_view_is_said_in_degrees(monkeypatch):
    seen = []
    monkeypatch.setattr(pictures, "beside", lambda _map, heading: seen.append(heading))
    rays_picture(rays_of(480, 640, 320.0))  # 2 atan(320 / 320), 2 atan(240 / 320)
    assert seen[0][-2:] == ["90° wide", "74° high"] and "lines: 10°" in seen[0]
    rays_picture(rays_of(300, 400, 4000.0))
    assert "lines: 2°" in seen[1]


def test_a_sheet_has_equal_heights_and_room_for_its_titles():
    black = Image.new("RGB", (640, 480))
    sheet = np.asarray(
        side_by_side([black, black.resize((100, 240))], ["photograph", "a title wider than its picture"])
    )
    dark = (sheet == 0).all(-1)
    left, right = (np.nonzero(dark[:, columns].sum(1) > 30)[0] for columns in (slice(0, 664), slice(680, None)))
    assert len(left) >= 480 and len(right) >= 480 and dark[:, :664].any(0).sum() >= 640
    assert not (sheet[:, -10:] < 100).any() and not (sheet[:4] < 100).any()


def test_wide_pictures_stand_below_each_other():
    wide = Image.new("RGB", (1200, 300))
    sheet = side_by_side([wide, wide], ["one", "two"])
    assert sheet.width < 1300 and sheet.height > 600
    with pytest.raises(InputError, match=r"^titles: "):
        side_by_side([wide], [])


def test_what_is_no_map_is_refused():
    for bad in (np.zeros((2, 2), np.float32), np.ones((2, 2), int), np.ones((2, 2, 2)), np.ones((0, 2))):
        with pytest.raises(InputError, match=r"^depth_z: "):
            depth_picture(bad)
        with pytest.raises(InputError, match=r"^log_depth_scale: "):
            uncertainty_picture(bad)
    with pytest.raises(InputError, match=r"^ray_directions: "):
        rays_picture(np.ones((2, 2)))
    with pytest.raises(InputError, match=r"^rgb: "):
        pictures.photograph_picture(np.ones((2, 2, 3)))
