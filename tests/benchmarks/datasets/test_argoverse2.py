"""Argoverse 2: feather tables with the official columns; ranges become z, and the car's motion is undone."""

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import feather

from heads.errors import InputError
from tests.benchmarks.datasets.builders import CAR_FROM_CAMERA_QUATERNION, converted, known, photo

LOG, SWEEP, PHOTO = "7606de8d-486c-4916-9cbb-002ee966f834", 315966070559696000, 315966070569696000
WIDTH, HEIGHT, FOCAL = 155, 204, 100.0
CAMERA_AT = (1.5, 0.0, 1.5)  # in the car's frame


def write(path, **columns):
    path.parent.mkdir(parents=True, exist_ok=True)
    feather.write_feather(pa.table(columns), path)


def sensors(names, at):
    quaternion = zip(*[CAR_FROM_CAMERA_QUATERNION] * len(names), strict=True)
    columns = {key: list(values) for key, values in zip(("qw", "qx", "qy", "qz"), quaternion, strict=True)}
    return columns | {key: [value] * len(names) for key, value in zip(("tx_m", "ty_m", "tz_m"), at, strict=True)}


@pytest.fixture
def argoverse(tmp_path):
    """One sweep; the car drives 2 m forward between it and the photograph. Points are told in the car's frame then."""
    log = tmp_path / "av2" / "val" / LOG
    from benchmarks.datasets.argoverse2 import RING

    names = [f"ring_{name}" for name in RING]
    ones = [1.0] * len(names)
    write(
        log / "calibration" / "intrinsics.feather", sensor_name=names, fx_px=[FOCAL * o for o in ones],
        fy_px=[FOCAL * o for o in ones], cx_px=[77.0] * len(names), cy_px=[101.5] * len(names),
        k1=[-0.24] * len(names), k2=[-0.21] * len(names), k3=[0.32] * len(names),
        height_px=[HEIGHT] * len(names), width_px=[WIDTH] * len(names),
    )  # fmt: skip
    write(log / "calibration" / "egovehicle_SE3_sensor.feather", sensor_name=names, **sensors(names, CAMERA_AT))
    write(
        log / "city_SE3_egovehicle.feather", timestamp_ns=[SWEEP, PHOTO], qw=[1.0, 1.0], qx=[0.0, 0.0],
        qy=[0.0, 0.0], qz=[0.0, 0.0], tx_m=[100.0, 102.0], ty_m=[50.0, 50.0], tz_m=[3.0, 3.0],
    )  # fmt: skip
    # Seen from the camera at the photograph's time: straight ahead 10 m; and 5 m right, 2.5 m down at z = 10 m.
    points = np.array([[13.5, 0, 1.5], [13.5, -5.0, -1.0], [-20, 0, 1.5]], np.float16)
    write(
        log / "sensors" / "lidar" / f"{SWEEP}.feather", x=points[:, 0], y=points[:, 1], z=points[:, 2],
        intensity=np.zeros(3, np.uint8), laser_number=np.zeros(3, np.uint8), offset_ns=np.zeros(3, np.int32),
    )  # fmt: skip
    for name in names:
        photo(log / "sensors" / "cameras" / name / f"{PHOTO}.jpg", WIDTH, HEIGHT)
    return tmp_path / "av2", log


def test_points_have_z_at_the_photographs_time(argoverse, tmp_path):
    records, lines = converted("argoverse2", argoverse[0], tmp_path / "out")
    assert len(records) == 7 and lines[0]["frame"] == f"{LOG}_ring_front_center_{PHOTO}"
    # 77 + 100 * 5 / 10 = 127 and 101.5 + 100 * 2.5 / 10 = 126.5, where pixel centres are whole numbers; 0.5 more, ours.
    depth = known(records[0].depth_z())
    assert depth == {(77, 102): 10.0, (127, 127): 10.0}
    assert np.linalg.norm([10, 5, 2.5]) == pytest.approx(11.456, abs=1e-3)  # the Euclidean distance: 15 % more


def test_the_lens_is_not_applied_and_the_pose_is_the_photographs(argoverse, tmp_path):
    records, _ = converted("argoverse2", argoverse[0], tmp_path / "out")
    camera = records[0].camera
    assert (camera.fx, camera.cx, camera.cy) == (FOCAL, 77.5, 102.0)
    assert np.allclose(camera.camera_to_world[:3, 3], [103.5, 50, 4.5])
    assert np.allclose(camera.camera_to_world[:3, :3] @ [0, 0, 1], [1, 0, 0])  # it looks forward
    assert {record.view_group for record in records} == {LOG}


def test_photographs_without_a_sweep_are_left_out(argoverse, tmp_path):
    root, log = argoverse
    late = log / "sensors" / "cameras" / "ring_rear_left" / f"{PHOTO}.jpg"
    late.rename(late.with_name(f"{PHOTO + 10**9}.jpg"))
    assert len(converted("argoverse2", root, tmp_path / "out")[0]) == 6


def test_parts_of_the_download(argoverse, tmp_path):
    root, log = argoverse
    (log / "city_SE3_egovehicle.feather").write_bytes(b"ARROW")
    with pytest.raises(InputError, match=r"city_SE3_egovehicle\.feather cannot be read"):
        converted("argoverse2", root, tmp_path / "a")
    (log / "calibration" / "intrinsics.feather").unlink()
    with pytest.raises(InputError, match=r"intrinsics\.feather is missing; allowed: the folder of the Argoverse 2"):
        converted("argoverse2", root, tmp_path / "b")
