"""Waymo v2: parquet with the official columns; range images become points, points become z on a photograph without
its distortion."""

import io

import numpy as np
import pyarrow as pa
import pyarrow.parquet as parquet
import pytest
from PIL import Image

from benchmarks.datasets.lenses import brown
from benchmarks.datasets.waymo_lidar import lidar_points, per_pixel_world, uniform_inclinations
from heads.errors import InputError
from tests.benchmarks.datasets.builders import converted, known

SEGMENT, FRAME = "10023947602400723454_1120_000_1140_000", 1552440195362591
WIDTH, HEIGHT, FOCAL, CENTRE = 192, 128, 100.0, (96.25, 63.5)
LENS = {"k1": 0.05, "k2": -0.02, "p1": 0.001, "p2": -0.002, "k3": 0.0}
TOP_YAW = np.radians(30)


def shifted(x: float, y: float, z: float, yaw: float = 0.0) -> list[float]:
    c, s = np.cos(yaw), np.sin(yaw)
    return [c, -s, 0, x, s, c, 0, y, 0, 0, 1, z, 0, 0, 0, 1]


def distorted_pixel(right: float, down: float, z: float) -> list[int]:
    """The whole pixel in which the lens shows a point of the camera's frame."""
    slopes = brown(np.array([right / z, down / z]), **LENS)
    return list(np.floor(slopes * FOCAL + CENTRE).astype(int))


# The beam of row 0, column 3 of 8: azimuth (8 - 3.5) / 8 * 360 - 180 = 22.5 degrees in the car's directions, level.
TOP_Z = 99.5 + 1.5 + 20 * np.cos(np.radians(22.5)) - 102.5
TOP_POINT = (-20 * np.sin(np.radians(22.5)), 2.0 - 2.5, TOP_Z)  # right, down, z from the camera at (102.5, 0, 2)
# The beam of row 0, column 2 of 4: -45 degrees, 0.1 rad up.
FRONT_FLAT = 10 * np.cos(0.1) * np.sqrt(0.5)
FRONT_POINT = (FRONT_FLAT, 2.0 - 1.0 - 10 * np.sin(0.1), 100 + 4 + FRONT_FLAT - 102.5)


@pytest.fixture
def waymo(tmp_path):
    """One frame, the front camera, two LiDARs. The car is at x = 100 at the frame, 101 at the photograph, and 99.5 when
    the top LiDAR looked; it looks along x."""
    root = tmp_path / "waymo"
    key = {"key.segment_context_name": SEGMENT}
    frame, camera = {**key, "key.frame_timestamp_micros": FRAME}, {"key.camera_name": pa.scalar(1, pa.int8())}

    def write(component, *rows):
        path = root / "validation" / component / f"{SEGMENT}.parquet"
        path.parent.mkdir(parents=True, exist_ok=True)
        columns = {name: [row[name] for row in rows] for name in rows[0]}
        parquet.write_table(pa.table(columns), path)

    picture = np.full((HEIGHT, WIDTH, 3), 90, np.uint8)
    stream = io.BytesIO()
    Image.fromarray(picture).save(stream, "JPEG")
    c = "[CameraImageComponent]."
    write("camera_image", {**frame, **camera, c + "image": stream.getvalue(), c + "pose.transform": shifted(101, 0, 0)})
    c = "[CameraCalibrationComponent]."
    intrinsics = {"f_u": FOCAL, "f_v": FOCAL, "c_u": CENTRE[0], "c_v": CENTRE[1], **LENS}
    write(
        "camera_calibration",
        {**key, **camera, **{f"{c}intrinsic.{k}": v for k, v in intrinsics.items()},
         c + "extrinsic.transform": shifted(1.5, 0, 2), c + "width": WIDTH, c + "height": HEIGHT},
    )  # fmt: skip
    write("vehicle_pose", {**frame, "[VehiclePoseComponent].world_from_vehicle.transform": shifted(100, 0, 0)})
    c = "[LiDARCalibrationComponent]."
    write(
        "lidar_calibration",
        {**key, "key.laser_name": 1, c + "extrinsic.transform": shifted(1.5, 0, 2.5, TOP_YAW),
         c + "beam_inclination.min": -0.1, c + "beam_inclination.max": 0.0, c + "beam_inclination.values": [-0.1, 0.0]},
        {**key, "key.laser_name": 2, c + "extrinsic.transform": shifted(4, 0, 1), c + "beam_inclination.min": -0.2,
         c + "beam_inclination.max": 0.2, c + "beam_inclination.values": None},
    )  # fmt: skip

    top, front = np.full((2, 8, 4), -1.0, np.float32), np.full((2, 4, 4), -1.0, np.float32)
    top_at, front_at = np.zeros((2, 8, 6), np.float32), np.zeros((2, 4, 6), np.float32)
    top[0, 3, 0], top_at[0, 3, :3] = 20.0, [1, *distorted_pixel(*TOP_POINT)]
    top[0, 0, 0], top_at[0, 0, :3] = 15.0, [4, 5, 5]  # only another camera sees it
    top_at[1, 3, :3] = [1, 30, 30]  # a beam that came back with nothing
    front[0, 2, 0], front_at[0, 2] = 10.0, [4, 9, 9, 1, *distorted_pixel(*FRONT_POINT)]  # two cameras see it
    poses = np.zeros((2, 8, 6), np.float32)
    poses[..., 3] = 99.5
    for component, name, images in (
        ("lidar", "LiDARComponent", (top, front)),
        ("lidar_camera_projection", "LiDARCameraProjectionComponent", (top_at, front_at)),
        ("lidar_pose", "LiDARPoseComponent", (poses,)),
    ):
        of = f"[{name}].range_image_return1"
        write(component, *[
            {**frame, "key.laser_name": laser, f"{of}.values": values.reshape(-1).tolist(),
             f"{of}.shape": list(values.shape)}
            for laser, values in enumerate(images, 1)
        ])  # fmt: skip
    return root


def test_z_of_each_lidars_point_at_the_photographs_time(waymo, tmp_path):
    (record,), (line,) = converted("waymo", waymo, tmp_path / "out")
    assert line["frame"] == f"{SEGMENT}_{FRAME}_FRONT" and record.view_group == SEGMENT
    found = known(record.depth_z())
    assert sorted(found.values()) == pytest.approx(sorted((TOP_POINT[2], FRONT_POINT[2])), abs=1e-4)
    for right, down, z in (TOP_POINT, FRONT_POINT):
        pixel = np.array([right / z, down / z]) * FOCAL + CENTRE
        near = [p for p, metres in found.items() if metres == pytest.approx(z, abs=1e-4)]
        assert np.abs(np.array(near[0]) + 0.5 - pixel).max() <= 1  # the release gives whole pixels
    # The lens shows the second one pixels away from there, and its distance is half as long again.
    right, down, z = FRONT_POINT
    assert np.abs(np.array(distorted_pixel(right, down, z)) + 0.5 - pixel).max() > 1.5
    assert np.linalg.norm(FRONT_POINT) / z > 1.29


def test_the_photograph_is_resampled_to_a_pinhole(waymo, tmp_path):
    (record,), (line,) = converted("waymo", waymo, tmp_path / "out")
    assert line["image"].startswith("image/")
    pixels = np.asarray(Image.open(record.image))
    assert pixels.shape == (HEIGHT, WIDTH, 3) and abs(int(pixels[64, 96, 0]) - 90) <= 2
    assert (pixels[0, 0] == 0).all()  # k1 > 0: the corners of the pinhole picture lie outside the photograph
    camera = record.camera
    assert (camera.fx, camera.fy, camera.cx, camera.cy) == (FOCAL, FOCAL, *CENTRE)
    assert np.allclose(camera.camera_to_world[:3, 3], [102.5, 0, 2])
    assert np.allclose(camera.camera_to_world[:3, :3], [[0, 0, 1], [-1, 0, 0], [0, -1, 0]])


def test_a_range_image_by_hand():
    # Column 0 of 4 looks to (4 - 0.5) / 4 * 360 - 180 = 135 degrees; a LiDAR turned by 90 degrees reports the same.
    for yaw in (0.0, np.pi / 2):
        matrix = np.array(shifted(1, 2, 3, yaw)).reshape(4, 4)
        point = lidar_points(np.full((1, 4), 10.0), np.array([0.0]), matrix)[0, 0]
        assert point == pytest.approx([1 - 10 * np.sqrt(0.5), 2 + 10 * np.sqrt(0.5), 3])
    up = lidar_points(np.full((2, 4), 10.0), np.array([np.pi / 6, 0.0]), np.eye(4))
    assert up[0, :, 2] == pytest.approx(5.0) and up[1, :, 2] == pytest.approx(0.0)
    assert uniform_inclinations(-0.2, 0.2, 2) == pytest.approx([-0.1, 0.1])


def test_each_point_goes_through_its_own_pose():
    points = np.array([[1.0, 0, 0], [0, 1.0, 0], [0, 0, 1.0]])
    quarter = np.pi / 2
    poses = np.array([[0, 0, quarter, 5, 0, 0], [quarter, 0, 0, 0, 5, 0], [0, quarter, 0, 0, 0, 5]])  # yaw, roll, pitch
    assert np.allclose(per_pixel_world(points, poses), [[5, 1, 0], [0, 5, 1], [1, 0, 5]])
    # Roll first, then pitch, then yaw: z -> -y -> -y -> x.
    assert np.allclose(per_pixel_world(points[2:], np.array([[quarter, quarter, quarter, 0, 0, 0]])), [[1, 0, 0]])


def test_parts_of_the_download(waymo, tmp_path):
    (waymo / "validation" / "lidar_pose" / f"{SEGMENT}.parquet").unlink()
    with pytest.raises(InputError, match=rf"lidar_pose/{SEGMENT}\.parquet is missing"):
        converted("waymo", waymo, tmp_path / "out")
    (waymo / "validation" / "lidar_pose" / f"{SEGMENT}.parquet").write_bytes(b"PAR1")
    with pytest.raises(InputError, match=r"parquet cannot be read"):
        converted("waymo", waymo, tmp_path / "out")
