"""Any photograph comes in upright and 8-bit, fits the network, and its answer comes back in place."""

import io
import json
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from heads.camera import Camera
from heads.exif import ORIENTATIONS
from vlm.errors import InputError
from vlm.images import Plan, back_to_caller, camera_for, fit_to_budget, load_image, prepare

REAL = Path(__file__).parents[3] / "shared" / "data" / "real"
POINT = np.array([0.3, -0.2, 2.0])


def picture(width: int = 40, height: int = 30) -> np.ndarray:
    """(H, W, 3) uint8: red grows to the right, green downwards."""
    rgb = np.zeros((height, width, 3), np.uint8)
    rgb[..., 0] = np.linspace(0, 255, width)[None, :]
    rgb[..., 1] = np.linspace(0, 255, height)[:, None]
    rgb[..., 2] = 77
    return rgb


def encoded(image: Image.Image | np.ndarray, kind: str = "PNG", **options) -> bytes:
    buffer = io.BytesIO()
    (image if isinstance(image, Image.Image) else Image.fromarray(image)).save(buffer, kind, **options)
    return buffer.getvalue()


def png(pixels: np.ndarray, bits: int, colour_type: int, size: tuple[int, int] | None = None) -> bytes:
    """A PNG by hand: 16-bit colour, which Pillow does not write, and sizes that lie."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    width, height = size or (pixels.shape[1], pixels.shape[0])
    header = struct.pack(">IIBBBBB", width, height, bits, colour_type, 0, 0, 0)
    rows = b"".join(b"\0" + row.astype(f">u{bits // 8}").tobytes() for row in pixels)
    head, body = chunk(b"IHDR", header), chunk(b"IDAT", zlib.compress(rows))
    return b"\x89PNG\r\n\x1a\n" + head + body + chunk(b"IEND", b"")


# ---- everything that holds a picture ---------------------------------------------------------------------


def test_one_photograph_in_every_wrapping_gives_the_same_pixels(tmp_path):
    rgb = picture()
    path = tmp_path / "a photo.png"
    path.write_bytes(encoded(rgb))
    used = io.BytesIO(path.read_bytes())
    used.read()  # stands at its end, as after saving into it
    with open(path, "rb") as file:
        wrappings = [path, str(path), path.read_bytes(), bytearray(path.read_bytes()), used, file]
        wrappings += [Image.open(path), Image.fromarray(rgb), rgb, rgb / 255, (rgb / 255).astype(np.float16)]
        wrappings += [rgb.astype(np.uint16) * 257, np.asfortranarray(rgb)]
        wrappings += [torch.from_numpy(rgb), torch.from_numpy(rgb).permute(2, 0, 1)]
        wrappings += [torch.from_numpy(rgb / 255).permute(2, 0, 1).requires_grad_()]
        for wrapping in wrappings:
            photo = load_image(wrapping)
            assert photo.rgb.dtype == np.uint8 and photo.size == (40, 30)
            assert np.array_equal(photo.rgb, rgb), type(wrapping)
    assert load_image(path).name == str(path) and load_image(rgb, "views[1]").name == "views[1]"


def test_a_photo_does_not_change_with_the_array_it_came_from():
    rgb = picture()
    photo = load_image(rgb)
    rgb[:] = 0
    assert np.array_equal(photo.rgb, picture())


@pytest.mark.parametrize("shape", [(30, 40), (30, 40, 1)])
def test_grey_arrays_and_tensors_are_grey_in_every_channel(shape):
    grey = picture()[..., 0]
    expected = np.repeat(grey[..., None], 3, axis=2)
    assert np.array_equal(load_image(grey.reshape(shape)).rgb, expected)
    assert np.array_equal(load_image(torch.from_numpy(grey.reshape(shape))).rgb, expected)
    assert np.array_equal(load_image(torch.from_numpy(grey)[None]).rgb, expected)


def test_bfloat16_tensors_have_eight_bits_of_their_own():
    assert (load_image(torch.full((3, 2, 2), 0.5, dtype=torch.bfloat16)).rgb == 128).all()


@pytest.mark.parametrize("mode", ["1", "L", "LA", "La", "P", "PA", "RGB", "RGBA", "RGBa", "RGBX", "CMYK"])
def test_every_pillow_mode_shows_a_half_white_picture(mode):
    rgb = np.zeros((6, 8, 3), np.uint8)
    rgb[:, 4:] = 255
    image = Image.fromarray(rgb)
    image = image.convert("RGBA").convert("RGBa") if mode == "RGBa" else image
    image = image.convert("LA").convert("La") if mode == "La" else image
    image = image.convert("P").convert("PA") if mode == "PA" else image.convert(mode)
    assert image.mode == mode
    assert np.array_equal(load_image(image).rgb, rgb)


@pytest.mark.parametrize("mode", ["YCbCr", "HSV", "LAB"])
def test_other_colour_spaces_come_back_as_rgb(mode):
    off = np.abs(load_image(Image.fromarray(picture()).convert(mode)).rgb.astype(int) - picture())
    assert off.mean() < 3  # what the 8-bit colour space itself loses


def test_a_transparent_pixel_is_white_and_a_half_transparent_one_half_way():
    rgba = np.zeros((2, 3, 4), np.uint8)
    rgba[..., 0] = 200
    rgba[..., 3] = 0, 51, 255  # 0, 1/5, 1
    expected = [[255, 255, 255], [244, 204, 204], [200, 0, 0]]  # red: 200 / 5 + 255 * 4 / 5
    for image in (rgba, Image.fromarray(rgba), encoded(rgba), rgba / 255, torch.from_numpy(rgba)):
        assert load_image(image).rgb[0].tolist() == expected


def test_palette_and_colour_key_transparency_is_white_too():
    palette = Image.new("P", (2, 1))
    palette.putpalette([10, 20, 30, 40, 50, 60])
    palette.putpixel((1, 0), 1)
    for kind in ("PNG", "GIF"):
        assert load_image(encoded(palette, kind, transparency=0)).rgb[0].tolist() == [[255] * 3, [40, 50, 60]]
    key = encoded(np.array([[[1, 2, 3], [4, 5, 6]]], np.uint8), transparency=(1, 2, 3))
    assert load_image(key).rgb[0].tolist() == [[255] * 3, [4, 5, 6]]


SIXTEEN = np.array([[0, 257, 25700, 65535]], np.uint16)  # 0, 1, 100, 255


def test_sixteen_bits_are_scaled_not_clipped():
    expected = [0, 1, 100, 255]
    pgm = b"P5 4 1 65535\n" + SIXTEEN.astype(">u2").tobytes()
    greys = [SIXTEEN, encoded(SIXTEEN), encoded(SIXTEEN, "TIFF"), encoded(SIXTEEN.astype(">u2"), "TIFF"), pgm]
    for grey in [
        *greys,
        Image.fromarray(SIXTEEN.astype(np.int32)),
        Image.fromarray(SIXTEEN.astype(np.float32)),
    ]:
        assert load_image(grey).rgb[0, :, 0].tolist() == expected
    colour = np.repeat(SIXTEEN[..., None], 3, axis=2)
    assert load_image(png(colour, 16, 2)).rgb[0, :, 1].tolist() == expected


@pytest.mark.parametrize("mode", ["I", "F"])
def test_pillows_wide_greyscale_of_an_8_bit_picture_stays_as_it_is(mode):
    grey = Image.fromarray(picture()).convert("L")
    assert np.array_equal(load_image(grey.convert(mode)).rgb[..., 0], np.asarray(grey))


def test_float_pillow_images_from_0_to_1_are_full_range():
    assert load_image(Image.fromarray(np.array([[0, 0.2, 1]], np.float32))).rgb[0, :, 0].tolist() == [
        0,
        51,
        255,
    ]


def test_an_animation_is_its_first_frame():
    frames = [Image.new("RGB", (5, 4), colour) for colour in ("red", "blue")]
    for kind in ("GIF", "WEBP", "PNG"):
        data = encoded(frames[0], kind, save_all=True, append_images=frames[1:], lossless=True)
        assert (load_image(data).rgb == (255, 0, 0)).all(), kind


# ---- EXIF ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "memory"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_photograph_stored_in_any_orientation_comes_in_upright_with_its_camera(kind, orientation):
    camera = Camera.from_intrinsics(28 * 50 / 43.27, width=40, height=30)  # 40 x 30: the diagonal is 50 px
    upright = picture()
    x, y = camera.project(POINT)
    upright[int(y), int(x)] = 0, 0, 255  # the mark
    quarters, mirrored = ORIENTATIONS[orientation]
    stored = np.rot90(upright[:, ::-1] if mirrored else upright, -quarters)

    image = Image.fromarray(np.ascontiguousarray(stored))
    exif = image.getexif()
    exif[0x0112] = orientation
    tags = exif.get_ifd(0x8769)
    tags[0xA405], tags[0xA002], tags[0xA003] = 28, stored.shape[1] * 100, stored.shape[0] * 100
    photo = load_image(image if kind == "memory" else encoded(image, kind, exif=exif.tobytes()))

    assert np.array_equal(photo.rgb, upright)
    assert photo.exif_camera is not None and photo.exif_camera.source == "exif"
    assert photo.exif_camera.size == photo.size == (40, 30)
    assert photo.exif_camera.project(POINT) == pytest.approx(camera.project(POINT))
    assert photo.rgb[tuple(np.floor(photo.exif_camera.project(POINT)).astype(int)[::-1])].tolist() == [
        0,
        0,
        255,
    ]


def test_an_unknown_orientation_leaves_the_picture_as_it_is():
    image = Image.fromarray(picture())
    image.getexif()[0x0112] = 77
    assert np.array_equal(load_image(image).rgb, picture())


def test_without_exif_there_is_no_camera_and_it_says_why():
    photo = load_image(encoded(picture()))
    assert photo.exif_camera is None and photo.exif_note == "the image has no EXIF"
    assert "without EXIF" in load_image(picture()).exif_note


@pytest.mark.skipif(not REAL.exists(), reason=f"no real photographs at {REAL}")
def test_real_photographs_from_a_tablet_are_upright_and_know_their_focal_length():
    records = [json.loads(line) for line in (REAL / "tribench.jsonl").read_text().splitlines()]
    for record in records[::4]:
        photo = load_image(REAL / record["image"])
        assert photo.size == tuple(record["size"])
        assert photo.exif_camera is not None and photo.exif_camera.size == photo.size
        focal_35mm = photo.exif_camera.focal * 43.27 / 1280  # 1024 x 768: the diagonal is 1280 px
        assert focal_35mm == pytest.approx(29) or focal_35mm == pytest.approx(33), record["image"]


# ---- what is refused -------------------------------------------------------------------------------------


def noise(kind: str, **options) -> bytes:
    return encoded(Image.effect_noise((64, 64), 60).convert("RGB"), kind, **options)


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        ("no/such/photo.jpg", "no such file: no/such/photo.jpg"),
        (".", "cannot read .: Is a directory"),
        ("a\0b", "cannot read"),
        (b"", "not an image"),
        (b"hello", "not an image"),
        (noise("JPEG")[:1500], "damaged or cut short"),
        (noise("JPEG")[:-2], "damaged or cut short"),
        (noise("PNG")[:5000], "damaged or cut short"),
        (noise("WEBP")[:1500], "damaged or cut short|not an image"),
        (noise("TIFF")[:5000], "damaged or cut short|not an image"),
        (noise("BMP")[:5000], "damaged or cut short"),
        (noise("GIF")[:2000], "damaged or cut short"),
        (png(np.zeros((4, 4)), 8, 0, size=(20000, 20000)), "20000x20000|more pixels than is safe"),
        (png(np.zeros((4, 4)), 8, 0, size=(14200, 14200)), "14200x14200|more pixels than is safe"),
        (png(np.zeros((4, 4)), 8, 0, size=(13000, 13000)), "damaged or cut short"),
        (png(np.zeros((4, 4)), 8, 0, size=(0, 4)), "no pixels|not an image|damaged"),
        (Image.new("RGB", (0, 4)), "no pixels"),
        (np.zeros((0, 4, 3), np.uint8), "no pixels"),
        (torch.zeros(3, 0, 4), "no pixels"),
        (np.full((2, 2), np.nan), "nan or inf"),
        (np.array([[0, np.inf]]), "nan or inf"),
        (torch.full((3, 2, 2), torch.nan), "nan or inf"),
        (Image.fromarray(np.full((2, 2), np.nan, np.float32)), "nan or inf"),
        (np.full((2, 2), 1.5), "float pixels from 1.5 to 1.5"),
        (np.full((2, 2), -0.5), "float pixels from -0.5"),
        (np.full((2, 2), 255.0), "floats from 0 to 1"),
        (Image.fromarray(np.full((2, 2), -1, np.int32)), "I pixels from -1"),
        (Image.fromarray(np.full((2, 2), 1e9, np.float32)), "F pixels from 1e\\+09"),
        (np.zeros((2, 2), np.int64), "pixels of type int64"),
        (np.zeros((2, 2), bool), "pixels of type bool"),
        (np.zeros((2, 2), complex), "pixels of type complex"),
        (np.array([["a"]]), "pixels of type <U1"),
        (np.array([[None]]), "pixels of type object"),
        (np.zeros((2, 2, 2), np.uint8), r"array of shape \(2, 2, 2\)"),
        (np.zeros((3, 20, 20), np.uint8), r"array of shape \(3, 20, 20\)"),
        (np.zeros(5, np.uint8), r"array of shape \(5,\)"),
        (np.zeros((1, 1, 1, 2, 3), np.uint8), r"array of shape \(1, 1, 1, 2, 3\)"),
        (torch.zeros(1, 3, 4, 4), r"tensor of shape \(1, 3, 4, 4\)"),
        (torch.zeros(5, 20, 20), r"tensor of shape \(5, 20, 20\)"),
        (torch.zeros(3, 4, 4, dtype=torch.int64), "pixels of type int64"),
        (io.StringIO("text"), "opened as text"),
        (None, "a NoneType"),
        (5, "a int"),
        ([1, 2], "a list"),
    ],
)
def test_what_is_no_picture_is_refused_in_one_line(bad, words):
    with pytest.raises(InputError, match=words) as error:
        load_image(bad, "views[0]")
    message = str(error.value)
    assert message.startswith("views[0]: ") and "; allowed: " in message and "\n" not in message


def test_a_closed_file_and_a_closed_pillow_image_are_refused(tmp_path):
    path = tmp_path / "a.png"
    path.write_bytes(encoded(picture()))
    file = open(path, "rb")  # noqa: SIM115
    file.close()
    image = Image.open(path)
    image.close()
    for closed in (file, image):
        with pytest.raises(InputError):
            load_image(closed)


def test_pillows_own_limit_is_as_before():
    before = Image.MAX_IMAGE_PIXELS
    with pytest.raises(InputError):
        load_image(png(np.zeros((4, 4)), 8, 0, size=(20000, 20000)))
    assert before == Image.MAX_IMAGE_PIXELS


# ---- fitting to the network ------------------------------------------------------------------------------

MEGAPIXEL = 1024 * 1024


@pytest.mark.parametrize(
    ("size", "resized", "padded", "note"),
    [
        ((640, 480), (640, 480), (640, 480), ""),
        ((650, 470), (640, 480), (640, 480), ""),
        # sqrt(1024^2 / 12e6) = 0.2956: 1182.4 x 886.8; 37 x 28 tokens of 32 exceed 1024^2, so 36 x 27
        ((4000, 3000), (1152, 864), (1152, 864), "downscaled from 4000x3000 to 1152x864"),
        ((1, 1), (1, 1), (128, 128), "padded from 1x1 to 128x128"),
        ((100, 40), (100, 40), (128, 128), "padded from 100x40 to 128x128"),
        ((8000, 100), (8000, 100), (8000, 128), "padded from 8000x100 to 8000x128"),
        # 8192 * 128 = 1024^2: twice as long must be halved
        (
            (16384, 100),
            (8192, 50),
            (8192, 128),
            "downscaled from 16384x100 to 8192x50, padded from 8192x50 to",
        ),
        (
            (1, 100000),
            (1, 8192),
            (128, 8192),
            "downscaled from 1x100000 to 1x8192, padded from 1x8192 to 128x",
        ),
    ],
)
def test_the_networks_size_follows_the_rules(size, resized, padded, note):
    plan = fit_to_budget(*size, factor=32, max_pixels=MEGAPIXEL)
    assert (plan.resized, plan.padded, plan.original) == (resized, padded, size)
    assert plan.note.startswith(note) and bool(plan.note) == bool(note)
    assert plan.tokens == (padded[1] // 32, padded[0] // 32)


@pytest.mark.parametrize(
    ("bad", "argument"),
    [
        ({"max_pixels": 128 * 128 - 1}, "max_pixels"),
        ({"width": 0}, "width"),
        ({"height": 2.5}, "height"),
        ({"factor": -1}, "factor"),
        ({"min_tokens": 0}, "min_tokens"),
    ],
)
def test_an_impossible_budget_is_refused(bad, argument):
    with pytest.raises(InputError, match=argument):
        fit_to_budget(**{"width": 8, "height": 8, "factor": 32, "max_pixels": MEGAPIXEL} | bad)


def test_what_fits_is_not_touched():
    rgb = picture(64, 128)
    plan = fit_to_budget(64, 128, factor=16, max_pixels=MEGAPIXEL)
    assert np.array_equal(prepare(load_image(rgb), plan), rgb)


def test_a_tiny_image_becomes_itself_with_its_edges_repeated():
    rgb = picture(5, 3)
    seen = prepare(load_image(rgb), fit_to_budget(5, 3, factor=4, max_pixels=MEGAPIXEL))
    assert seen.shape == (16, 16, 3)
    assert np.array_equal(seen[:3, :5], rgb)
    assert (seen[3:, :5] == rgb[2:, :]).all() and (seen[:3, 5:] == rgb[:, 4:]).all()


def test_a_downscaled_checkerboard_is_grey_because_it_is_antialiased():
    board = np.indices((256, 256)).sum(0) % 2 * np.uint8(255)
    seen = prepare(load_image(board.astype(np.uint8)), fit_to_budget(256, 256, factor=8, max_pixels=64 * 64))
    assert seen.shape == (64, 64, 3) and np.abs(seen.astype(int) - 127).max() <= 4


@pytest.mark.parametrize("size", [(100, 70), (30, 200), (640, 90)])
def test_the_camera_of_the_networks_image_finds_the_same_dot(size):
    camera = Camera.from_intrinsics(min(size), width=size[0], height=size[1])
    offset = camera.pixel_grid() - camera.project(POINT)
    dot = np.exp(-(offset**2).sum(-1) / (2 * 2.5**2))
    photo = load_image(np.float32(dot))
    plan = fit_to_budget(*size, factor=16, max_pixels=80 * 80)
    seen = prepare(photo, plan)[..., 0].astype(float)
    follows = camera_for(plan, camera)
    assert follows.size == (seen.shape[1], seen.shape[0]) == plan.padded
    y, x = np.indices(seen.shape) + 0.5
    found = (seen * x).sum() / seen.sum(), (seen * y).sum() / seen.sum()
    assert follows.project(POINT) == pytest.approx(found, abs=0.05)


def test_a_plan_is_for_one_size_only():
    plan = fit_to_budget(8, 8, factor=8, max_pixels=MEGAPIXEL)
    with pytest.raises(InputError, match=r"photo: it is 4x6; allowed: .*8x8"):
        prepare(load_image(picture(4, 6)), plan)
    with pytest.raises(InputError, match="camera: it is 4x6"):
        camera_for(plan, Camera.from_fov(4, 6, fov_x_deg=60))


# ---- and back --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [(60, 200), (36, 41), (128, 64)])
def test_maps_come_back_as_torch_would_resize_them(size):
    values = np.random.default_rng(0).random((64, 96), dtype=np.float32)
    plan = Plan(size, (96, 64), (96, 64), factor=32)
    expected = torch.nn.functional.interpolate(
        torch.from_numpy(values)[None, None], (size[1], size[0]), mode="bilinear", align_corners=False
    )[0, 0].numpy()
    assert back_to_caller(values, plan) == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("size", [(192, 64), (32, 128), (160, 192)])  # where no centre falls between two pixels
def test_masks_come_back_as_masks(size):
    mask = np.random.default_rng(0).random((64, 96)) > 0.5
    expected = torch.nn.functional.interpolate(
        torch.from_numpy(mask)[None, None].float(), (size[1], size[0]), mode="nearest-exact"
    )[0, 0].numpy()
    back = back_to_caller(mask, Plan(size, (96, 64), (96, 64), factor=32), mode="nearest")
    assert back.dtype == bool and np.array_equal(back, expected > 0)


@pytest.mark.parametrize("coarser", [1, 2, 4])
def test_a_ramp_over_the_photograph_comes_back_as_that_ramp_and_the_padding_is_left_out(coarser):
    """A map that equals the network's x inside the photograph and nan in the padding."""
    plan = fit_to_budget(200, 40, factor=16, max_pixels=128 * 64)
    assert plan.resized == (128, 26) and plan.padded == (128, 64)
    width, height = plan.padded[0] // coarser, plan.padded[1] // coarser
    values = np.tile((np.arange(width) + 0.5) * coarser, (height, 1)).astype(np.float32)
    values[-(-plan.resized[1] // coarser) :] = np.nan
    back = back_to_caller(values, plan)
    expected = (np.arange(200) + 0.5) * 128 / 200
    inside = (expected > coarser / 2) & (expected < 128 - coarser / 2)
    assert back.shape == (40, 200) and back.dtype == np.float32
    assert back[:, inside] == pytest.approx(np.tile(expected[inside], (40, 1)), rel=1e-5)


def test_metres_stay_metres_in_any_size():
    plan = fit_to_budget(300, 17, factor=16, max_pixels=128 * 64)
    for mode in ("bilinear", "nearest"):
        back = back_to_caller(np.full((8, 16), 3.7, np.float32), plan, size=(1000, 57), mode=mode)
        assert back.shape == (57, 1000) and back == pytest.approx(3.7, rel=1e-6)


def test_a_map_of_another_kind_is_refused():
    plan = fit_to_budget(8, 8, factor=8, max_pixels=MEGAPIXEL)
    with pytest.raises(InputError, match="values"):
        back_to_caller(np.zeros((2, 3, 4)), plan)
    with pytest.raises(InputError, match="mode"):
        back_to_caller(np.zeros((2, 3)), plan, mode="cubic")  # pyright: ignore
