"""ScanNet++, iPhone: extracted PNGs in place, and depth.bin in each of its three encodings."""

import json
import struct
import zlib

import numpy as np
import pyarrow
import pytest

from benchmarks.datasets.iphone_depth import SHAPE, depth_frames
from heads.errors import InputError
from tests.benchmarks.datasets.builders import converted, depth_png, photo, text

SCENE = "02455b3d20"
POSE = np.array([[0.0, -1, 0, 1], [1, 0, 0, 2], [0, 0, 1, 3], [0, 0, 0, 1]])


def film(frames: int) -> np.ndarray:
    """(frames, 192, 256) metres: frame n shows n + 1 m plus a millimetre a column; the first row has no depth."""
    metres = np.arange(frames)[:, None, None] + 1 + np.arange(256) / 1000 + np.zeros((frames, *SHAPE))
    metres[:, 0] = 0
    return metres


def raw_deflate(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return packer.compress(data) + packer.flush()


def one_stream(metres):
    return raw_deflate(metres.astype("<f4").tobytes())


def lz4_frames(metres):
    packed = [
        pyarrow.compress((frame * 1000).round().astype("<u2").tobytes(), "lz4_raw", asbytes=True) for frame in metres
    ]
    return b"".join(struct.pack("<I", len(body)) + body for body in packed)


def deflate_frames(metres):
    packed = [raw_deflate(frame.astype("<f4").tobytes()) for frame in metres]
    return b"".join(struct.pack("<I", len(body)) + body for body in packed)


@pytest.fixture
def scannetpp(tmp_path):
    """61 frames, so that frame_000000 and frame_000060 are taken."""
    root = tmp_path / "scannetpp"
    phone = root / "data" / SCENE / "iphone"
    text(root / "splits" / "nvs_sem_val.txt", f"{SCENE}\nnot_downloaded\n")
    frames = {}
    for number in range(61):
        intrinsic = [[1432.5 + number, 0, 960.25], [0, 1432.5 + number, 720.5], [0, 0, 1]]
        frames[f"frame_{number:06d}"] = {
            "timestamp": number / 60, "pose": np.eye(4).tolist(), "intrinsic": intrinsic, "aligned_pose": POSE.tolist()
        }  # fmt: skip
    text(phone / "pose_intrinsic_imu.json", json.dumps(frames))
    for number in (0, 60):
        photo(phone / "rgb" / f"frame_{number:06d}.jpg", 1920, 1440)
    return root, phone


def test_extracted_depth_is_referenced_in_place(scannetpp, tmp_path):
    root, phone = scannetpp
    for number, metres in enumerate(film(61)):
        if number % 60 == 0:
            depth_png(phone / "depth" / f"frame_{number:06d}.png", (metres * 1000).round())
    records, lines = converted("scannetpp", root, tmp_path / "out")
    assert [line["frame"] for line in lines] == [f"{SCENE}_frame_000000", f"{SCENE}_frame_000060"]
    assert lines[0]["depth_path"] == str(phone / "depth" / "frame_000000.png") and lines[0]["depth_scale"] == 1000
    depth = records[0].depth_z()
    assert depth.shape == SHAPE and np.isnan(depth[0]).all() and depth[1, 7] == pytest.approx(1.007)
    assert np.isnan(records[1].depth_z()).all()  # 61 m is beyond the range of the sensor
    camera = records[1].camera
    assert (camera.fx, camera.cx, camera.cy, camera.size) == (1492.5, 960.25, 720.5, (1920, 1440))
    assert np.array_equal(camera.camera_to_world, POSE) and records[0].view_group == SCENE


@pytest.mark.parametrize("encoding", [one_stream, lz4_frames, deflate_frames])
def test_depth_bin_as_downloaded(scannetpp, tmp_path, encoding):
    root, phone = scannetpp
    (phone / "depth.bin").write_bytes(encoding(film(61)))
    records, lines = converted("scannetpp", root, tmp_path / "out")
    depth = records[0].depth_z()
    assert lines[0]["depth_path"].endswith(".npz") and "depth_scale" not in lines[0]
    assert depth.shape == SHAPE and np.isnan(depth[0]).all()
    assert np.allclose(depth[1:], film(1)[0, 1:], atol=1e-6)


@pytest.mark.parametrize("encoding", [one_stream, lz4_frames, deflate_frames])
def test_every_frame_of_a_film_is_found(tmp_path, encoding):
    path = tmp_path / "depth.bin"
    path.write_bytes(encoding(film(5)))
    found = dict(depth_frames(path, every=2))
    assert sorted(found) == [0, 2, 4]
    assert all(np.allclose(found[number][1:], film(5)[number, 1:], atol=1e-6) for number in found)


def test_a_film_that_is_cut_off_or_something_else(scannetpp, tmp_path):
    root, phone = scannetpp
    (phone / "depth.bin").write_bytes(lz4_frames(film(3))[:-10])
    with pytest.raises(InputError, match=r"depth\.bin cannot be read \(frame 2 is cut off\)"):
        converted("scannetpp", root, tmp_path / "out")
    (phone / "depth.bin").write_bytes(lz4_frames(film(3)))
    with pytest.raises(InputError, match=r"it ends before frame_000060"):
        converted("scannetpp", root, tmp_path / "out")


def test_parts_of_the_download(scannetpp, tmp_path):
    root, phone = scannetpp
    with pytest.raises(InputError, match=r"iphone/depth\.bin is missing"):
        converted("scannetpp", root, tmp_path / "out")
    (phone / "rgb").rename(phone / "elsewhere")
    with pytest.raises(InputError, match=r"iphone/rgb is missing"):
        converted("scannetpp", root, tmp_path / "out")
    text(root / "splits" / "nvs_sem_val.txt", "not_downloaded\n")
    with pytest.raises(InputError, match=r"no scene of splits/nvs_sem_val\.txt .*data/not_downloaded/iphone"):
        converted("scannetpp", root, tmp_path / "out")
