"""A scene answers in the caller's pixels and in metres, says what it used, and never forgets or invents a turn."""

import io
import math
import warnings

import numpy as np
import pytest
import torch
from PIL import Image

from heads.camera import Camera
from tests.vlm.conftest import fresh_model
from tests.vlm.helpers import logits_of, prompt, widened
from vlm.errors import InputError

QUESTIONS = ["How far is the red chair?", "yes", "Describe the table at (512, 304)"]


@pytest.fixture
def says(model):
    """says(raw): from now on the depth head answers with these maps; raw(y, x) per name, y and x in 0..1."""
    hooks = []

    def start(**maps):
        def answer(_module, _inputs, out):
            height, width = out["log_depth"].shape[1:]
            y, x = torch.meshgrid(
                (torch.arange(height) + 0.5) / height, (torch.arange(width) + 0.5) / width, indexing="ij"
            )
            told = {"log_depth": 0 * x, "raw_scale": 0 * x - 3, "sky_logit": 0 * x - 9}
            told |= {name: value(y, x) + 0 * x for name, value in maps.items()}
            return {name: value.expand_as(out[name]).float() for name, value in told.items()}

        hooks.append(model.heads["depth"].register_forward_hook(answer))
        return model

    yield start
    for hook in hooks:
        hook.remove()


def known(view):
    return np.isfinite(view.depth_z)


# ---- arrays ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("width, height", [(1, 1), (2, 1), (3, 500), (500, 3), (120, 200), (300, 170), (700, 400)])
def test_arrays_are_float32_in_the_callers_pixels(model, photo, width, height):
    scene = model.look(photo(max(width, 1), height))
    for values in (scene.depth_z, scene.log_depth_scale, scene.sky, *scene.depth_interval(0.5)):
        assert values.shape == (height, width) and values.dtype == np.float32
    for values in (scene.ray_directions, scene.points):
        assert values.shape == (height, width, 3) and values.dtype == np.float32
    assert scene.image.shape == (height, width, 3) and scene.image.dtype == np.uint8
    assert scene.camera.size == (width, height) and scene.camera.intrinsics.shape == (3, 3)
    assert np.abs(np.linalg.norm(scene.ray_directions, axis=-1) - 1).max() < 1e-5
    assert (scene.depth_z > 0).all() and (scene.log_depth_scale >= 1e-3).all()
    assert ((scene.sky >= 0) & (scene.sky <= 1)).all()


@pytest.mark.parametrize("width, height", [(64, 150), (150, 64), (400, 300), (192, 128)])
def test_depth_stays_with_the_pixels_that_it_belongs_to(says, photo, width, height):
    """The network says: log depth grows with x + 2 y of its own image; padding must not shift or stretch it."""
    scene = says(log_depth=lambda y, x: x + 2 * y).look(photo(width, height), {"focal_px": 1000})
    resized, padded = scene.views[0].plan.resized, scene.views[0].plan.padded
    column, row = np.arange(width)[None] + 0.5, np.arange(height)[:, None] + 0.5
    share = column / width * resized[0] / padded[0] + 2 * row / height * resized[1] / padded[1]
    focal = 1000 * math.sqrt(resized[0] / width * resized[1] / height)
    inner = (slice(4, -4), slice(4, -4))  # at the border the outermost value is held
    expected = np.exp(share) * focal / 1000
    assert scene.depth_z[inner] == pytest.approx(expected[inner], rel=1e-3)


def test_downscaling_and_padding_are_said(model, photo):
    assert any("downscaled from 700x400" in note for note in model.look(photo(700, 400)).notes)
    assert any("padded" in note for note in model.look(photo(20, 300)).notes)
    assert not any("scaled" in note or "padded" in note for note in model.look(photo(192, 160)).notes)


# ---- depth, uncertainty, sky -----------------------------------------------------------------------------


def test_metres_are_exp_log_depth_times_the_networks_focal_over_1000(says, photo):
    model = says(log_depth=lambda y, x: math.log(7.0))
    scene = model.look(photo(400, 320), {"focal_px": 500})
    width, height = scene.views[0].plan.padded
    assert (width, height) != (400, 320)  # the focal follows the resize
    focal = 500 * math.sqrt(width / 400 * height / 320)
    assert scene.depth_z == pytest.approx(7 * focal / 1000, rel=1e-5)


def test_depth_grows_in_proportion_to_the_given_focal(model, photo):
    near, far = (model.look(photo(200, 140), {"focal_px": focal}) for focal in (180, 360))
    both = known(near.views[0])
    assert np.array_equal(both, known(far.views[0])) and both.any()
    assert far.depth_z[both] / near.depth_z[both] == pytest.approx(2, rel=1e-4)


@pytest.mark.parametrize("probability", [0.5, 0.9, 0.99])
def test_the_interval_is_laplaces(says, photo, probability):
    scene = says(raw_scale=lambda y, x: x - 2).look(photo(192, 160), {"focal_px": 150})
    scale = scene.log_depth_scale.astype(np.float64)
    assert scale[80, 96] == pytest.approx(1e-3 + math.exp(0.5 - 2), rel=0.01)
    lower, upper = scene.depth_interval(probability)
    half = scale * math.log(1 / (1 - probability))
    assert np.log(scene.depth_z / lower) == pytest.approx(half, abs=1e-5)
    assert np.log(upper / scene.depth_z) == pytest.approx(half, abs=1e-5)


def test_the_interval_holds_the_depth_and_widens_with_the_probability(model, photo):
    scene = model.look(photo(200, 140))
    here = known(scene.views[0])
    previous = None
    for probability in (0.1, 0.5, 0.9, 0.99):
        lower, upper = (bound[here] for bound in scene.depth_interval(probability))
        assert (lower < scene.depth_z[here]).all() and (upper > scene.depth_z[here]).all()
        if previous is not None:
            assert (lower < previous[0]).all() and (upper > previous[1]).all()
        previous = lower, upper


@pytest.mark.parametrize("probability", [0, 1, -0.5, 90, math.nan])
def test_a_probability_outside_0_and_1_is_an_error(model, photo, probability):
    scene = model.look(photo(128, 128))
    with pytest.raises(InputError, match=r"probability: .*allowed"):
        scene.depth_interval(probability)
    with pytest.raises(InputError, match=r"probability: .*allowed"):
        scene.distance((1, 1), (9, 9), probability)


def test_the_unsure_focal_of_the_ray_head_widens_the_interval(says, photo):
    model = says(raw_scale=lambda y, x: -2.0)
    guessed = model.look(photo(192, 160))
    given = model.look(photo(192, 160), {"focal_px": guessed.camera.focal})
    local, focal = 1e-3 + math.exp(-2), guessed.views[0].focal_scale
    assert given.log_depth_scale == pytest.approx(local, rel=1e-5)
    assert guessed.log_depth_scale == pytest.approx(math.hypot(local, focal), rel=1e-5)


def test_calibration_factors_multiply_the_scale_by_source(photo):
    model = fresh_model(uncertainty={"factor": {"caller": 2.0, "exif": 1.0, "rays": 3.0}, "focal_factor": 1.0,
                                     "shared": 0.5, "calibrated_on": None})  # fmt: skip
    plain = fresh_model()
    given = {"focal_px": 200}
    assert model.look(photo(128, 128), given).log_depth_scale == pytest.approx(
        2 * plain.look(photo(128, 128), given).log_depth_scale, rel=1e-4
    )
    assert model.look(photo(128, 128)).log_depth_scale == pytest.approx(
        3 * plain.look(photo(128, 128)).log_depth_scale, rel=1e-4
    )


def test_one_models_uncertainty_is_not_anothers(photo):
    one, other = fresh_model(), fresh_model()
    one.config.uncertainty["factor"]["caller"] = 50.0
    assert other.config.uncertainty["factor"]["caller"] == 1.0
    assert fresh_model().config.uncertainty["factor"]["caller"] == 1.0


def test_sky_has_infinite_depth_no_point_and_no_distance(says, photo):
    scene = says(sky_logit=lambda y, x: torch.where(y < 0.5, 6.0, -6.0)).look(photo(192, 160), {"focal_px": 150})
    assert np.isposinf(scene.depth_z[:70]).all() and np.isfinite(scene.depth_z[90:]).all()
    assert scene.sky[10, 10] == pytest.approx(1 / (1 + math.exp(-6)), rel=1e-4)
    assert np.isnan(scene.points[:70, :, 2]).all() and np.isfinite(scene.points[90:]).all()
    for lower, depth in zip(scene.depth_interval(0.9), (scene.depth_z, scene.depth_z), strict=True):
        assert np.array_equal(np.isposinf(lower), np.isposinf(depth))
    with pytest.raises(InputError, match=r"pixel_a: .*sky.*allowed"):
        scene.distance((20, 10), (20, 150))
    with pytest.raises(InputError, match=r"pixel_b: .*sky.*allowed"):
        scene.distance((20, 150), (20, 10))


# ---- points and distances --------------------------------------------------------------------------------


def test_points_are_the_pixels_unprojected(model, photo):
    scene = model.look(photo(200, 140), {"fx": 190, "fy": 210, "cx": 80, "cy": 90})
    fx, fy, cx, cy = 190, 210, 80, 90
    for row, column in np.argwhere(known(scene.views[0]))[::997]:
        z = float(scene.depth_z[row, column])
        expected = [(column + 0.5 - cx) / fx * z, (row + 0.5 - cy) / fy * z, z]
        assert scene.points[row, column] == pytest.approx(expected, rel=1e-4, abs=1e-5)


def by_hand(scene, *pixels) -> list[np.ndarray]:
    """Points at continuous pixels: the depth of the pixel they are in, along the ray of where they are."""
    camera, found = scene.camera, []
    for x, y in pixels:
        z = float(scene.depth_z[min(int(y), scene.depth_z.shape[0] - 1), min(int(x), scene.depth_z.shape[1] - 1)])
        found.append(np.array([(x - camera.cx) / camera.fx * z, (y - camera.cy) / camera.fy * z, z]))
    return found


@pytest.mark.parametrize("pixels", [((10.5, 20.5), (150.25, 99)), ((0, 0), (200, 140)), ((30, 30), (31, 30))])
def test_distance_is_between_the_unprojected_points(model, says, photo, pixels):
    scene = says(log_depth=lambda y, x: x + y).look(photo(200, 140), {"focal_px": 180})
    a, b = by_hand(scene, *pixels)
    found = scene.distance(*pixels)
    assert found.metres == pytest.approx(float(np.linalg.norm(a - b)), rel=1e-5)
    assert found.lower < found.metres < found.upper and found.probability == 0.9
    assert scene.distance(*pixels[::-1]).metres == pytest.approx(found.metres)
    assert scene.distance(*pixels, 0.5).upper < found.upper


def test_a_pixel_is_no_distance_from_itself(says, photo):
    assert says().look(photo(200, 140)).distance((3, 4), (3, 4)).metres == 0


@pytest.mark.parametrize("shared", [0.0, 0.3, 1.0])
def test_the_interval_of_a_distance_knows_which_errors_are_shared(photo, shared):
    """Half width = b ln 10 times how much log distance moves: together with both depths, and with each alone."""
    uncertainty = {"factor": {"caller": 1.0, "exif": 1.0, "rays": 1.0}, "focal_factor": 1.0, "shared": shared}
    model = fresh_model(uncertainty=uncertainty)

    def flat(_module, _inputs, out):
        slope = torch.linspace(0, 1, out["log_depth"].shape[-1])
        return {"log_depth": slope.expand_as(out["log_depth"]).clone(), "raw_scale": 0 * out["raw_scale"] - 3.0,
                "sky_logit": 0 * out["sky_logit"] - 9}  # fmt: skip

    hook = model.heads["depth"].register_forward_hook(flat)
    scene = model.look(photo(192, 160), {"focal_px": 180})
    hook.remove()
    b = 1e-3 + math.exp(-3)
    pixels = (20.5, 80.5), (170.5, 70.5)

    def log_distance(by_a: float, by_b: float) -> float:
        a, c = by_hand(scene, *pixels)
        return math.log(np.linalg.norm(a * math.exp(by_a) - c * math.exp(by_b)))

    step = 1e-5
    together = (log_distance(step, step) - log_distance(-step, -step)) / (2 * step)
    first = (log_distance(step, 0) - log_distance(-step, 0)) / (2 * step)
    second = (log_distance(0, step) - log_distance(0, -step)) / (2 * step)
    assert together == pytest.approx(1, abs=1e-6)  # all depths 1 % larger: the distance too
    expected = b * math.sqrt(shared * together**2 + (1 - shared) * (first**2 + second**2)) * math.log(10)
    found = scene.distance(*pixels)
    assert math.log(found.upper / found.metres) == pytest.approx(expected, rel=1e-3)
    assert math.log(found.metres / found.lower) == pytest.approx(expected, rel=1e-3)


def test_a_gap_along_the_line_of_sight_is_far_surer_where_errors_are_shared(photo, monkeypatch):
    widths = []
    for shared in (0.0, 1.0):
        model = fresh_model(uncertainty={"factor": {"caller": 1.0}, "focal_factor": 1.0, "shared": shared})

        def wall(_module, _inputs, out):  # 2 m on the left, 2.2 m on the right
            far = (torch.arange(out["log_depth"].shape[-1]) >= out["log_depth"].shape[-1] // 2) * math.log(1.1)
            return {k: v.expand_as(out[k]).clone() for k, v in
                    {"log_depth": far + 0.0, "raw_scale": far * 0 - 3, "sky_logit": far * 0 - 9}.items()}  # fmt: skip

        model.heads["depth"].register_forward_hook(wall)
        found = model.look(photo(192, 160), {"focal_px": 180}).distance((94, 80), (98, 80))
        widths.append(math.log(found.upper / found.lower))
    assert widths[0] > 5 * widths[1]


@pytest.mark.parametrize(
    "pixel", [(-1, 5), (5, -0.1), (200.5, 5), (5, 141), (math.nan, 5), (1, 2, 3), 7, (math.inf, 0), "here", None]
)
def test_a_pixel_outside_the_picture_is_an_error_that_names_it(model, photo, pixel):
    scene = model.look(photo(200, 140))
    inside = tuple(np.argwhere(known(scene.views[0]))[0][::-1] + 0.5)
    with pytest.raises(InputError, match=r"pixel_a: .*allowed: .*0\.\.200, 0\.\.140"):
        scene.distance(pixel, inside)
    with pytest.raises(InputError, match=r"pixel_b: .*allowed: .*0\.\.200, 0\.\.140"):
        scene.distance(inside, pixel)


# ---- the camera ------------------------------------------------------------------------------------------


def with_exif(pixels: np.ndarray, focal_35mm: int) -> bytes:
    image, buffer = Image.fromarray(pixels), io.BytesIO()
    exif = image.getexif()
    exif.get_ifd(0x8769).update({0xA405: focal_35mm, 0xA002: image.width, 0xA003: image.height})
    image.save(buffer, "JPEG", exif=exif.tobytes())
    return buffer.getvalue()


def test_who_knows_the_focal_best_is_used_and_named(model, photo):
    plain, tagged = photo(200, 150), with_exif(photo(200, 150), 28)
    exif = 28 * 250 / 43.27  # the diagonal of 200 x 150 is 250 px
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for image in (plain, tagged):
            scene = model.look(image, {"focal_px": 170})
            assert scene.camera.source == "caller" and scene.camera.focal == pytest.approx(170)
    scene = model.look(tagged)
    assert scene.camera.source == "exif" and scene.camera.focal == pytest.approx(exif)
    assert any("EXIF" in note and f"{exif:.1f} px" in note for note in scene.notes)
    scene = model.look(plain)
    assert scene.camera.source == "rays"
    assert scene.camera.focal == pytest.approx(scene.views[0].camera_from_rays.focal)
    assert any("EXIF" in note for note in scene.notes)  # why it was not used


def test_every_way_to_state_a_camera_is_followed(model, photo):
    image = photo(200, 140)
    ways = [
        {"focal_px": 150.0},
        {"fov_x_deg": math.degrees(2 * math.atan(100 / 150))},
        {"fov_y_deg": math.degrees(2 * math.atan(70 / 150))},
        {"focal_mm": 27.0, "sensor_width_mm": 36.0},
        {"focal_35mm": 150 * 43.27 / math.hypot(200, 140)},
        {"intrinsics": [[150, 0, 100], [0, 150, 70], [0, 0, 1]]},
        {"fx": 150, "fy": 150, "cx": 100, "cy": 70},
        np.array([[150.0, 0, 100], [0, 150, 70], [0, 0, 1]]),
        Camera.from_intrinsics(150, width=200, height=140),
    ]
    scenes = [model.look(image, way) for way in ways]
    for scene, way in zip(scenes, ways, strict=True):
        assert scene.camera.source == "caller", way
        assert scene.camera.intrinsics == pytest.approx(scenes[0].camera.intrinsics, rel=1e-9), way
        assert np.array_equal(scene.depth_z, scenes[0].depth_z), way


def test_a_focal_far_from_what_the_picture_looks_like_is_warned_about(model, photo):
    image = photo(200, 140)
    seen = model.look(image).views[0]
    half = seen.focal_scale * math.log(100)  # 99 % of a Laplace variable
    focal = seen.camera_from_rays.focal
    for beyond in (1.05, 1 / 1.05):
        given = focal * math.exp(math.copysign(half, math.log(beyond))) * beyond
        with pytest.warns(UserWarning, match=r"focal of .* px is outside"):
            scene = model.look(image, {"focal_px": given})
        assert any("focal" in note and "outside" in note for note in scene.notes)
        assert scene.camera.focal == pytest.approx(given)  # a warning: the caller's word still counts
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            within = model.look(image, {"focal_px": given / beyond**2})
        assert not any("outside" in note for note in within.notes)


def test_with_views_cameras_come_as_a_list(model, photo):
    views = [photo(160, 128, 1), photo(128, 160, 2)]
    scene = model.look(views=views, camera=[{"focal_px": 150}, None])
    assert [view.camera.source for view in scene.views] == ["caller", "rays"]
    lone = Camera.from_fov(160, 128, 60)
    for camera in (lone, {"focal_px": 150}, [None], np.eye(3), 5):
        with pytest.raises(InputError, match="camera"):
            model.look(views=views, camera=camera)


# ---- several views ---------------------------------------------------------------------------------------


def test_every_view_has_its_own_depth_camera_and_pose(model, photo):
    views = [photo(160, 128, 1), photo(128, 200, 2)]
    scene = model.look(views=views, camera=[{"focal_px": 150}, None])
    assert len(scene.views) == 2
    assert [view.depth_z.shape for view in scene.views] == [(128, 160), (200, 128)]
    assert [view.camera.size for view in scene.views] == [(160, 128), (128, 200)]
    assert np.array_equal(scene.depth_z, scene.views[0].depth_z)
    pose = scene.views[1].camera.camera_to_world
    assert pose.shape == (4, 4) and pose[3].tolist() == [0, 0, 0, 1]
    assert np.linalg.det(pose[:3, :3]) == pytest.approx(1, abs=1e-5)
    assert pose[:3, :3] @ pose[:3, :3].T == pytest.approx(np.eye(3), abs=1e-5)
    first = scene.views[0].camera.camera_to_world
    assert first is None or first == pytest.approx(np.eye(4))  # the world is the first view's frame
    # Depth of the first view does not depend on the second (its focal from rays would: those see all views).
    other = model.look(views=[views[0], photo(128, 200, 3)], camera=[{"focal_px": 150}, None])
    assert np.log(other.depth_z[known(other)]) == pytest.approx(np.log(scene.depth_z[known(other)]), abs=1e-4)
    assert not np.array_equal(other.views[1].depth_z, scene.views[1].depth_z)
    assert scene.ask("yes", max_new_tokens=3).tokens


def test_a_pose_is_metric_and_follows_the_first_cameras_focal(model, photo):
    views = [photo(160, 128, 1), photo(128, 160, 2)]
    near, far = (model.look(views=views, camera=[{"focal_px": f}, None]) for f in (150, 300))
    moved = [scene.views[1].camera.camera_to_world[:3, 3] for scene in (near, far)]
    assert np.linalg.norm(moved[0]) > 0 and moved[1] == pytest.approx(2 * moved[0], rel=1e-4)


def test_more_views_than_the_model_knows_are_refused(photo):
    model = fresh_model(heads={"depth": {"widths": [16, 16, 16, 8, 8]}, "rays": {"width": 16, "max_views": 2}})
    model.look(views=[photo(128, 128, i) for i in range(2)])
    with pytest.raises(InputError, match=r"views: .*3.*allowed: .*2"):
        model.look(views=[photo(128, 128, i) for i in range(3)])


# ---- text ------------------------------------------------------------------------------------------------


def log_probability(model, ids: list[int], told: list[int], images) -> float:
    scores = logits_of(model, [*ids, *told], images)[len(ids) - 1 : -1].double().log_softmax(-1)
    return float(scores[range(len(told)), told].sum())


@pytest.mark.parametrize("question", QUESTIONS)
def test_the_log_probability_is_the_models_own(model, photo, question):
    image = photo(200, 140)
    answer = model.look(image).ask(question, max_new_tokens=5)
    ids, images = prompt(model, [image], question)
    assert len(answer.tokens) == 5
    assert answer.log_probability == pytest.approx(log_probability(model, ids, [*answer.tokens], images), abs=1e-3)
    assert answer.text == model.processor.tokenizer.decode(answer.tokens).strip()


class EndsAfter:
    """Makes the model end its answer after so many tokens."""

    def __init__(self, model, tokens: int):
        self.left, self.end = tokens, model.processor.end_id
        self.hook = model.get_output_embeddings().register_forward_hook(self)

    def __call__(self, _module, _inputs, out):
        self.left -= 1
        if self.left < 0:
            out = out.clone()
            out[..., self.end] += 1000
        return out

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.hook.remove()


def test_the_end_of_an_answer_is_no_token_of_it(model, photo):
    scene = model.look(photo(200, 140))
    longer = scene.ask("yes", max_new_tokens=6)
    with EndsAfter(model, 3):
        answer = scene.ask("yes", max_new_tokens=6)
    assert answer.tokens == longer.tokens[:3] and model.processor.end_id not in answer.tokens


@pytest.mark.parametrize("ends", ["by itself", "at the limit"])
def test_the_second_turn_of_a_chat_has_seen_the_first(model, photo, ends):
    """Its logits are those of one pass over the whole conversation."""
    image = photo(200, 140)
    scene = model.look(image)
    said = scene.ask(QUESTIONS[0], max_new_tokens=3).tokens  # greedy: the chat says the same
    chat = scene.chat()
    if ends == "by itself":
        with EndsAfter(model, 3):
            list(chat.say(QUESTIONS[0], max_new_tokens=8))
    else:
        list(chat.say(QUESTIONS[0], max_new_tokens=3))
    steps = []
    hook = model.get_output_embeddings().register_forward_hook(lambda _m, _i, out: steps.append(out[0, -1]))
    list(chat.say(QUESTIONS[2], max_new_tokens=4))
    hook.remove()

    processor = model.processor
    _, images = prompt(model, [image], QUESTIONS[0])
    tokens = [images[0].shape[0] // 32 * images[0].shape[1] // 32]
    talk = [
        {"role": "user", "content": [{"type": "image"}, {"type": "text", "text": QUESTIONS[0]}]},
        {"role": "assistant", "content": "<|video_pad|>"},  # stands in for the answer: a single token
        {"role": "user", "content": [{"type": "text", "text": QUESTIONS[2]}]},
    ]
    stand_in = processor.tokenizer.convert_tokens_to_ids("<|video_pad|>")
    ids = [t for token in widened(processor, talk, tokens) for t in (said if token == stand_in else [token])]
    steps = steps[:4]  # a fifth call only puts the last token into the cache
    told = [int(step.argmax()) for step in steps]
    expected = logits_of(model, [*ids, *told], images)[len(ids) - 1 : -1]
    assert len(expected) == 4 and (torch.stack(steps) - expected).abs().max() < 1e-4
    assert [turn["role"] for turn in chat.history] == ["user", "assistant"] * 2
    assert [turn["content"] for turn in chat.history[::2]] == [QUESTIONS[0], QUESTIONS[2]]


def test_pieces_as_they_stream_join_to_the_answer(model, photo):
    scene = model.look(photo(200, 140))
    answer = scene.ask(QUESTIONS[2], max_new_tokens=12)
    chat = scene.chat()
    pieces = list(chat.say(QUESTIONS[2], max_new_tokens=12))
    assert "".join(pieces) == chat.history[-1]["content"]
    assert "".join(pieces).strip() == answer.text.rstrip("\N{REPLACEMENT CHARACTER}").strip()


def test_a_multi_byte_character_is_never_streamed_in_halves(model, photo):
    tokens = model.processor.tokenizer("a \N{SNOWMAN}\N{EURO SIGN} b").input_ids
    step = iter(tokens)

    def dictate(_module, _inputs, out):
        told = torch.zeros_like(out)
        told[..., next(step, model.processor.end_id)] = 50
        return told

    scene = model.look(photo(128, 128))
    hook = model.get_output_embeddings().register_forward_hook(dictate)
    pieces = list(scene.chat().say("yes", max_new_tokens=40))
    hook.remove()
    assert "".join(pieces) == "a \N{SNOWMAN}\N{EURO SIGN} b" and all("\ufffd" not in piece for piece in pieces)


def test_a_turn_broken_off_half_way_was_never_said(model, photo):
    """As the docstring says, a turn counts once its iterator is used up: what follows does not hear of it."""
    scene = model.look(photo(200, 140))
    chat, undisturbed = scene.chat(), scene.chat()
    for _ in zip(range(2), chat.say(QUESTIONS[0], max_new_tokens=8), strict=False):
        pass
    assert chat.history == []
    assert list(chat.say(QUESTIONS[2], max_new_tokens=5)) == list(undisturbed.say(QUESTIONS[2], max_new_tokens=5))
    broken = chat.say(QUESTIONS[1], max_new_tokens=8)
    next(broken)
    broken.close()
    again = [list(talk.say("yes", max_new_tokens=5)) for talk in (chat, undisturbed)]
    assert again[0] == again[1] and chat.history == undisturbed.history


def test_two_chats_of_one_scene_do_not_hear_each_other(model, photo):
    scene = model.look(photo(200, 140))
    first, second = scene.chat(), scene.chat()
    list(first.say(QUESTIONS[0], max_new_tokens=4))
    assert list(second.say("yes", max_new_tokens=4)) == list(scene.chat().say("yes", max_new_tokens=4))


@pytest.mark.parametrize("question", ["", "  ", "\n", None, 5, b"how far"])
def test_an_empty_question_is_an_error_everywhere(model, photo, question):
    scene = model.look(photo(128, 128))
    for ask in (scene.ask, lambda q: list(scene.chat().say(q))):
        with pytest.raises(InputError, match=r"question: .*allowed: a text"):
            ask(question)
    assert scene.asked == []
