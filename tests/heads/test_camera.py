"""A camera stays true to its image: made from what is known, followed through every operation, or refused."""

import json
import math
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from heads.camera import Camera
from heads.errors import InputError

POINT = np.array([0.3, -0.2, 2.0])  # metres: 30 cm right, 20 cm up, 2 m ahead


def camera_at(pose: np.ndarray | None = None) -> Camera:
    """64x48, not centred, not square: so that no mistake cancels."""
    matrix = [[80.0, 0, 30.0], [0, 70.0, 26.0], [0, 0, 1]]
    return Camera(np.array(matrix), 64, 48, camera_to_world=pose)


def pose() -> np.ndarray:
    """Turned by 30 degrees about y, 20 about x, and moved."""
    a, b = np.radians(30), np.radians(20)
    about_y = np.array([[np.cos(a), 0, np.sin(a)], [0, 1, 0], [-np.sin(a), 0, np.cos(a)]])
    about_x = np.array([[1, 0, 0], [0, np.cos(b), -np.sin(b)], [0, np.sin(b), np.cos(b)]])
    matrix = np.eye(4)
    matrix[:3, :3] = about_y @ about_x
    matrix[:3, 3] = 1, 2, 3
    return matrix


def dot_image(camera: Camera) -> np.ndarray:
    """Black, with a smooth bright dot exactly at the projected POINT."""
    offset = camera.pixel_grid() - camera.project(POINT)
    return np.exp(-(offset**2).sum(-1) / (2 * 3.0**2))


def dot_position(image: np.ndarray) -> np.ndarray:
    """(x, y) of the dot: the centre of mass, pixel centres at +0.5."""
    y, x = np.indices(image.shape) + 0.5
    return np.array([(image * x).sum(), (image * y).sum()]) / image.sum()


# ---- from what is known ----------------------------------------------------------------------------------


def test_a_field_of_view_of_90_degrees_is_a_focal_length_of_half_the_width():
    camera = Camera.from_fov(640, 480, fov_x_deg=90)
    assert camera.fx == pytest.approx(320) and camera.fy == camera.fx
    assert (camera.cx, camera.cy) == (320, 240)
    assert camera.fov_x_deg == pytest.approx(90)
    assert camera.fov_y_deg == pytest.approx(2 * math.degrees(math.atan(240 / 320)))
    assert Camera.from_fov(640, 480, fov_y_deg=90).focal == pytest.approx(240)


def test_millimetres_need_the_sensor():
    assert Camera.from_mm(6000, 4000, focal_mm=50, sensor_width_mm=36).fx == pytest.approx(6000 * 50 / 36)


def test_the_field_of_view_of_an_off_centre_camera_is_the_sum_of_its_two_halves():
    camera = Camera.from_intrinsics(100, cx=100, cy=50, width=300, height=100)
    assert camera.fov_x_deg == pytest.approx(math.degrees(math.atan(1) + math.atan(2)))


def test_focal_is_the_geometric_mean():
    assert Camera.from_intrinsics(90, 40, width=10, height=10).focal == pytest.approx(60)


def test_exif_focal_follows_the_diagonal():
    camera, note = Camera.from_exif(photo_with_exif(400, 300, focal_35mm=28, size=(4000, 3000)))
    assert camera is not None and camera.source == "exif" and camera.size == (400, 300)
    assert camera.fx == camera.fy == pytest.approx(28 * 500 / 43.27)  # 3-4-5: the diagonal is 500 px
    assert "28 mm" in note


@pytest.mark.parametrize("size", [(4000, 3000), (3000, 4000)])
def test_exif_size_may_be_the_other_way_up(size):
    assert Camera.from_exif(photo_with_exif(300, 400, focal_35mm=28, size=size))[0] is not None


@pytest.mark.parametrize(
    ("focal_35mm", "size", "reason"),
    [
        (28, (4000, 2250), "cropped"),
        (28, (1000, 1000), "cropped"),
        (0, (4000, 3000), "unknown"),
        (1, (4000, 3000), "outside"),
        (60000, (4000, 3000), "outside"),
        (None, (4000, 3000), "no 35 mm"),
    ],
)
def test_an_exif_that_cannot_be_trusted_gives_no_camera_and_says_why(focal_35mm, size, reason):
    camera, note = Camera.from_exif(photo_with_exif(400, 300, focal_35mm, size))
    assert camera is None and reason in note


def test_without_an_exif_size_a_crop_would_go_unnoticed_and_it_says_so():
    camera, note = Camera.from_exif(photo_with_exif(400, 300, 28, None))
    assert camera is not None and "crop" in note


def test_an_image_without_exif_says_so():
    assert Camera.from_exif(Image.new("RGB", (4, 3))) == (None, "the image has no EXIF")


@pytest.mark.filterwarnings("ignore:Corrupt EXIF")
def test_a_broken_exif_costs_nothing():
    image = Image.new("RGB", (4, 3))
    image.info["exif"] = b"Exif\0\0MM\0*\xff\xff\xff\xff garbage"
    assert Camera.from_exif(image)[0] is None


def photo_with_exif(width: int, height: int, focal_35mm: int | None, size: tuple[int, int] | None) -> Image.Image:
    image = Image.new("RGB", (width, height))
    tags = image.getexif().get_ifd(0x8769)
    tags[0x9000] = b"0232"
    if focal_35mm is not None:
        tags[0xA405] = focal_35mm
    if size is not None:
        tags[0xA002], tags[0xA003] = size
    return image


# ---- what a caller may give ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "fx"),
    [
        ({"intrinsics": [[500, 0, 320], [0, 500, 240], [0, 0, 1]]}, 500),
        ([[500, 0, 320], [0, 500, 240], [0, 0, 1]], 500),
        (np.array([[500, 0, 320], [0, 500, 240], [0, 0, 1]]), 500),
        ({"fx": 500}, 500),
        ({"fx": np.float32(500), "fy": 510, "cx": 300, "cy": 250.5}, 500),
        ({"focal_px": 500}, 500),
        ({"fov_x_deg": 90}, 320),
        ({"fov_y_deg": 90}, 240),
        ({"focal_mm": 18, "sensor_width_mm": 36}, 320),
        ({"focal_35mm": 43.27}, 800),
        (Camera.from_fov(640, 480, fov_x_deg=90), 320),
    ],
)
def test_every_way_to_give_a_camera(given, fx):
    camera = Camera.given(640, 480, given)
    assert camera.fx == pytest.approx(fx) and camera.size == (640, 480) and camera.source == "caller"


def test_what_stands_beside_fx_is_used():
    camera = Camera.given(640, 480, {"fx": 500, "fy": 510, "cx": 300, "cy": 250.5})
    assert (camera.fy, camera.cx, camera.cy) == (510, 300, 250.5)


def test_a_given_camera_keeps_its_pose():
    camera = Camera.given(64, 48, camera_at(pose()))
    assert camera.camera_to_world is not None and np.array_equal(camera.camera_to_world, pose())


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({}, ["not at all", "focal_px"]),
        ({"fx": 500, "fov_x_deg": 60}, ["fx and fov_x_deg", "exactly one"]),
        ({"fov_x_deg": 60, "fov_y_deg": 60}, ["fov_x_deg and fov_y_deg"]),
        ({"focal_px": 500, "cx": 3}, ["cx together with focal_px", "beside fx"]),
        ({"fov_x_degrees": 60}, ["fov_x_degrees", "did you mean 'fov_x_deg'"]),
        ({"zoom": 60}, ["unknown key 'zoom'"]),
        ({"focal_mm": 18}, ["focal_mm without sensor_width_mm"]),
        ({"fov_x_deg": 0}, ["fov_x_deg: 0", "less than 180"]),
        ({"fov_x_deg": 180}, ["fov_x_deg: 180", "less than 180"]),
        ({"fov_x_deg": 1e-320}, ["fov_x_deg", "more than 0"]),
        ({"fov_y_deg": math.nan}, ["fov_y_deg: nan", "finite"]),
        ({"fov_x_deg": 179}, ["camera: fov_x_deg=179: ", "fx of 2.79", "5 %", "32 px"]),
        ({"fx": -500}, ["fx: -500", "above 0"]),
        ({"fx": math.inf}, ["fx: inf"]),
        ({"fx": "500"}, ["fx: '500'"]),
        ({"fx": True}, ["fx: True"]),
        ({"fx": None}, ["fx: None"]),
        ({"fx": 31.9}, ["fx of 31.9 px", "at least 5 % of the width, 32 px"]),
        ({"fx": 500, "fy": 1}, ["fy of 1 px", "24 px"]),
        ({"fx": 500, "cx": -641}, ["cx of -641", "from -640 to 1280"]),
        ({"fx": 500, "cy": 961}, ["cy of 961", "from -480 to 960"]),
        ({"fx": 500, "cy": math.nan}, ["cy: nan"]),
        ({"intrinsics": np.eye(4)}, ["intrinsics: has the shape (4, 4)"]),
        ([[500, 5, 320], [0, 500, 240], [0, 0, 1]], ["skew of 5"]),
        ([[500, 0, 320], [0, 500, 240], [0, 1, 1]], ["lower rows"]),
        ([[500, 0, 320], [0, math.nan, 240], [0, 0, 1]], ["not finite"]),
        ([[500, 0, 320], [0, 0, 240], [0, 0, 1]], ["500, 0", "above 0"]),
        ([[1, 2], [3]], ["no matrix of numbers"]),
        (500, ["500 is no camera", "focal_px"]),
        ("photo.jpg", ["'photo.jpg' is no camera"]),
        (Camera.from_fov(320, 240, fov_x_deg=60), ["320x240", "640x480"]),
    ],
)
def test_a_camera_that_cannot_be_is_refused_in_one_line(given, words):
    with pytest.raises(InputError) as error:
        Camera.given(640, 480, given, name="camera")
    message = str(error.value)
    assert message.startswith("camera") and "; allowed: " in message and "\n" not in message
    for word in words:
        assert word in message


def test_an_error_travels_between_processes():
    import pickle

    error = InputError("camera", "it is\nbroken", "a whole one")
    assert str(error) == str(pickle.loads(pickle.dumps(error))) == "camera: it is broken; allowed: a whole one"


# ---- followed through what is done to the image ----------------------------------------------------------

# name -> what is done to the image, to the camera, and to a point's coordinates in the camera frame
OPERATIONS = {
    "crop": (lambda i: i[4:44, 10:60], lambda c: c.crop(10, 4, 50, 40), lambda x, y, z: (x, y, z)),
    "pad": (lambda i: np.pad(i, ((2, 4), (1, 3))), lambda c: c.pad(1, 2, 3, 4), lambda x, y, z: (x, y, z)),
    "enlarge": (
        lambda i: i.repeat(3, axis=0).repeat(2, axis=1),
        lambda c: c.resize(128, 144),
        lambda x, y, z: (x, y, z),
    ),
    "shrink": (
        lambda i: i.reshape(24, 2, 16, 4).mean((1, 3)),
        lambda c: c.resize(16, 24),
        lambda x, y, z: (x, y, z),
    ),
    "flip": (lambda i: i[:, ::-1], lambda c: c.flip_horizontal(), lambda x, y, z: (-x, y, z)),
    "turn left": (lambda i: np.rot90(i, 1), lambda c: c.rotate90(1), lambda x, y, z: (y, -x, z)),
    "turn over": (lambda i: np.rot90(i, 2), lambda c: c.rotate90(2), lambda x, y, z: (-x, -y, z)),
    "turn right": (lambda i: np.rot90(i, -1), lambda c: c.rotate90(-1), lambda x, y, z: (-y, x, z)),
}


@pytest.mark.parametrize("name", OPERATIONS)
def test_the_camera_follows_its_image(name):
    change_image, change_camera, change_point = OPERATIONS[name]
    image, camera = change_image(dot_image(camera_at())), change_camera(camera_at())
    assert camera.size == (image.shape[1], image.shape[0])
    assert dot_position(image) == pytest.approx(camera.project(change_point(*POINT)), abs=0.02)


@pytest.mark.parametrize("name", OPERATIONS)
def test_the_pose_follows_too_and_a_mirror_has_none(name):
    change_image, change_camera, _ = OPERATIONS[name]
    before = camera_at(pose())
    camera = change_camera(before)
    if name == "flip":
        assert camera.camera_to_world is None
        return
    in_the_world = pose() @ [*POINT, 1]
    seen = np.linalg.inv(camera.camera_to_world) @ in_the_world
    assert camera.project(seen[:3]) == pytest.approx(dot_position(change_image(dot_image(before))), abs=0.02)
    rotation = camera.camera_to_world[:3, :3]
    assert rotation @ rotation.T == pytest.approx(np.eye(3)) and np.linalg.det(rotation) == pytest.approx(1)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_transpose_of_the_camera_equals_pillows_of_the_image(orientation):
    from PIL import ImageOps

    stored = Image.fromarray(dot_image(camera_at()).astype(np.float32))
    stored.getexif()[0x0112] = orientation
    upright = np.asarray(ImageOps.exif_transpose(stored))
    camera = camera_at().exif_transpose(orientation)
    assert camera.size == (upright.shape[1], upright.shape[0])
    x, y = POINT[:2]
    on_the_axes = {
        1: (x, y),
        2: (-x, y),
        3: (-x, -y),
        4: (x, -y),
        5: (y, x),
        6: (-y, x),
        7: (-y, -x),
        8: (y, -x),
    }
    assert camera.project([*on_the_axes[orientation], 2]) == pytest.approx(dot_position(upright), abs=0.02)


def test_operations_undo_each_other():
    camera = camera_at(pose())
    for back in (
        camera.rotate90(1).rotate90(3),
        camera.rotate90(4),
        camera.resize(200, 7).resize(64, 48),
        camera.pad(3, 1, 4, 2).crop(3, 1, 64, 48),
    ):
        assert back.intrinsics == pytest.approx(camera.intrinsics)
        assert back.camera_to_world == pytest.approx(camera.camera_to_world)
    assert camera.flip_horizontal().flip_horizontal().intrinsics == pytest.approx(camera.intrinsics)


@pytest.mark.parametrize(
    "impossible",
    [
        lambda c: c.crop(60, 0, 5, 5),
        lambda c: c.crop(-1, 0, 5, 5),
        lambda c: c.crop(0, 0, 0, 5),
        lambda c: c.pad(-1, 0, 0, 0),
        lambda c: c.resize(0, 5),
        lambda c: c.resize(2.5, 5),
        lambda c: c.exif_transpose(9),
        lambda c: replace(c, source="guess"),
        lambda c: replace(c, camera_to_world=np.eye(3)),
        lambda c: replace(c, camera_to_world=np.full((4, 4), np.nan)),
        lambda c: c.depth_along_ray_from_z(np.ones((64, 48))),
        lambda c: Camera.from_fov(4, 3),
        lambda c: Camera.from_fov(4, 3, 60, 60),
        lambda c: Camera.from_intrinsics(np.eye(3), fy=3, width=4, height=3),
        lambda c: Camera.from_dict({"width": 4}),
    ],
)
def test_impossible_operations_are_refused(impossible):
    with pytest.raises(InputError, match="; allowed: "):
        impossible(camera_at())


# ---- between pixels, rays and points ---------------------------------------------------------------------


def test_project_and_unproject_are_inverse_to_a_millionth():
    camera = camera_at()
    depth_z = np.random.default_rng(0).uniform(0.1, 100, (48, 64))
    pixels = camera.pixel_grid()
    points = camera.unproject(pixels, depth_z)
    assert np.abs(camera.project(points) - pixels).max() < 1e-6
    assert np.abs(camera.unproject(camera.project(points), points[..., 2]) - points).max() < 1e-6


def test_the_first_pixels_centre_is_at_a_half():
    grid = camera_at().pixel_grid()
    assert grid.shape == (48, 64, 2)
    assert grid[0, 0].tolist() == [0.5, 0.5] and grid[-1, -1].tolist() == [63.5, 47.5]


def test_a_point_one_focal_length_off_the_axis():
    camera = Camera.from_intrinsics(100, cx=20, cy=30, width=64, height=48)
    assert camera.project([1, 2, 1]).tolist() == [120, 230]
    assert camera.unproject([120, 230], 3).tolist() == [3, 6, 3]


def test_what_is_not_in_front_has_no_pixel():
    assert np.isnan(camera_at().project([[0, 0, -1], [1, 1, 0], [0, 0, np.nan]])).all()


def test_sky_stays_at_infinity():
    assert camera_at().unproject([3, 4], np.inf)[2] == np.inf


def test_rays_are_unit_vectors_through_the_pixel_centres():
    camera = camera_at()
    rays = camera.ray_directions()
    assert rays.dtype == np.float32 and rays.shape == (48, 64, 3)
    assert np.linalg.norm(rays, axis=-1) == pytest.approx(1, abs=1e-6)
    assert camera.project(rays) == pytest.approx(camera.pixel_grid(), abs=1e-3)
    assert rays == pytest.approx(camera.rays_at(camera.pixel_grid()), abs=1e-6)


def test_depth_along_the_ray_is_the_distance_of_the_point():
    camera = camera_at()
    depth_z = np.random.default_rng(0).uniform(1, 9, (48, 64)).astype(np.float32)
    depth_z[0, 0] = np.inf
    along_ray = camera.depth_along_ray_from_z(depth_z)
    points = camera.unproject(camera.pixel_grid(), depth_z)
    assert along_ray.dtype == np.float32 and along_ray[0, 0] == np.inf
    assert along_ray[1:] == pytest.approx(np.linalg.norm(points[1:], axis=-1), rel=1e-6)
    assert camera.depth_z_from_along_ray(along_ray)[1:] == pytest.approx(depth_z[1:], rel=1e-6)


def test_a_camera_goes_through_json_unchanged():
    for camera in (camera_at(pose()), replace(camera_at(), source="rays")):
        back = Camera.from_dict(json.loads(json.dumps(camera.to_dict())))
        assert back.to_dict() == camera.to_dict()


def test_a_camera_does_not_change_with_the_array_it_came_from():
    matrix = np.array([[80.0, 0, 32], [0, 80, 24], [0, 0, 1]])
    camera = Camera(matrix, 64, 48)
    matrix[0, 0] = 1
    assert camera.fx == 80
