"""For every mode, size and kind of damage: a whole upright photograph, or one InputError."""

import io

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from heads.camera import Camera
from heads.errors import InputError
from vlm.images import back_to_caller, camera_for, fit_to_budget, load_image, prepare

sides = st.integers(1, 300)
modes = st.sampled_from(["1", "L", "LA", "P", "RGB", "RGBA", "RGBX", "CMYK", "YCbCr", "HSV", "I", "F", "I;16", "I;16B"])
some = settings(max_examples=150, deadline=None)


def image_of(mode: str, width: int, height: int) -> Image.Image:
    ramp = np.linspace(0, 255, width * height).reshape(height, width).astype(np.uint8)
    if mode.startswith("I;16"):
        return Image.fromarray((ramp.astype(np.uint16) * 257).astype(">u2" if mode == "I;16B" else "<u2"))
    return Image.fromarray(ramp).convert("RGB").convert("L" if mode in "IF" else mode).convert(mode)


@some
@given(modes, sides, sides, st.integers(1, 8))
def test_any_mode_size_and_orientation_gives_an_upright_photograph(mode, width, height, orientation):
    image = image_of(mode, width, height)
    image.getexif()[0x0112] = orientation
    photo = load_image(image)
    assert photo.size == ((height, width) if orientation >= 5 else (width, height))
    assert photo.rgb.shape == (photo.size[1], photo.size[0], 3) and photo.rgb.dtype == np.uint8
    if mode in ("L", "LA", "I;16", "I;16B") and orientation == 1:
        ramp = np.linspace(0, 255, width * height).reshape(height, width).astype(np.uint8)
        assert np.array_equal(photo.rgb[..., 0], ramp)


@some
@given(st.sampled_from(["PNG", "JPEG", "WEBP", "GIF", "TIFF", "BMP"]), st.integers(1, 40), st.data())
def test_a_damaged_file_is_refused_or_read_whole(kind, side, data):
    buffer = io.BytesIO()
    image_of("RGB", side, 41 - side).save(buffer, kind)
    damaged = bytearray(buffer.getvalue())
    at = data.draw(st.integers(0, len(damaged) - 1))
    damaged[at] ^= data.draw(st.integers(1, 255))
    damaged = damaged[: data.draw(st.integers(0, len(damaged)))]
    try:
        photo = load_image(bytes(damaged), "photo")
    except InputError as error:
        assert str(error).startswith("photo: ") and "\n" not in str(error) and "; allowed: " in str(error)
    else:
        assert photo.rgb.ndim == 3 and photo.rgb.shape[2] == 3 and photo.rgb.size


@given(
    st.integers(1, 20000),
    st.integers(1, 20000),
    st.sampled_from([8, 14, 28, 32]),
    st.integers(1, 5),
    st.floats(1, 99),
)
@settings(max_examples=300, deadline=None)
def test_every_plan_keeps_its_promises(width, height, factor, min_tokens, generosity):
    minimum = factor * min_tokens
    max_pixels = int(minimum * minimum * generosity)
    plan = fit_to_budget(width, height, factor, max_pixels=max_pixels, min_tokens=min_tokens)
    assert plan.padded[0] * plan.padded[1] <= max_pixels
    for original, resized, padded in zip(plan.original, plan.resized, plan.padded, strict=True):
        assert padded % factor == 0 and padded >= minimum
        assert 1 <= resized <= original + factor / 2
        assert padded == max(resized, minimum)
    # One scale, at most 1, explains both sides, up to the rounding to tokens or (where padded) to pixels.
    rounding = [factor if side >= minimum else 1 for side in plan.resized]
    lowest = max((side - r) / o for side, r, o in zip(plan.resized, rounding, plan.original, strict=True))
    highest = min((side + r) / o for side, r, o in zip(plan.resized, rounding, plan.original, strict=True))
    assert lowest <= min(highest, 1)


@some
@given(sides, sides, st.sampled_from([8, 14]), st.integers(64 * 64, 200 * 200))
def test_there_and_back_again(width, height, factor, max_pixels):
    """A map of the network's own ray slopes comes back as the caller's: image and answer share a camera."""
    photo = load_image(np.zeros((height, width, 3), np.uint8))
    plan = fit_to_budget(width, height, factor, max_pixels=max_pixels)
    seen = prepare(photo, plan)
    assert (seen.shape[1], seen.shape[0]) == plan.padded

    camera = Camera.from_fov(width, height, fov_x_deg=60)
    network = camera_for(plan, camera)
    rays_x = back_to_caller(((network.pixel_grid()[..., 0] - network.cx) / network.fx), plan)
    expected = (camera.pixel_grid()[..., 0] - camera.cx) / camera.fx
    assert rays_x.shape == (height, width)
    half_a_pixel = 0.5 / min(network.fx, camera.fx)  # held at the borders
    assert np.abs(rays_x - expected).max() <= half_a_pixel * (1 + 1e-6)


@some
@given(
    st.lists(st.floats(-3, 3), min_size=3, max_size=3),
    st.floats(20, 170),
    st.lists(st.sampled_from(["turn", "flip", "double", "border"]), max_size=6),
)
def test_project_and_unproject_are_inverse_after_any_operations(point, fov, operations):
    camera = Camera.from_fov(40, 30, fov_x_deg=fov)
    for operation in operations:
        camera = {
            "turn": lambda c: c.rotate90(1),
            "flip": lambda c: c.flip_horizontal(),
            "double": lambda c: c.resize(2 * c.width, c.height),
            "border": lambda c: c.pad(3, 0, 0, 5),
        }[operation](camera)
    point = np.array(point) * (1, 1, 0) + (0, 0, abs(point[2]) + 0.1)
    assert np.abs(camera.unproject(camera.project(point), point[2]) - point).max() < 1e-6
