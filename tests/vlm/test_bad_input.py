"""Bad input is one line that names the argument, what was wrong and what is allowed; nothing is left behind.

Through Python: an InputError. On the command line: that line on standard error, and exit code 2.
"""

import io
import math
import struct
import subprocess
import sys
import zlib
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from vlm.errors import InputError
from vlm.model import Fathom

WIDTH, HEIGHT = 160, 128


def encoded(pixels: np.ndarray, kind: str = "PNG") -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, kind)
    return buffer.getvalue()


def bomb() -> bytes:
    """A PNG of a few bytes that declares 60,000 x 60,000 pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    parts = chunk(b"IHDR", header), chunk(b"IDAT", zlib.compress(b"\0" * 1000)), chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


PLAIN = np.random.default_rng(0).integers(0, 255, (HEIGHT, WIDTH, 3), dtype=np.uint8)
HOLES = np.where(np.arange(WIDTH)[None, :, None] == 5, np.nan, PLAIN / 255)

# what: bytes of a file, or an array
IMAGES = {
    "empty": b"",
    "text": b"this is no picture",
    "truncated png": encoded(PLAIN)[:-9000],
    "truncated jpeg": encoded(PLAIN, "JPEG")[:2000],
    "bomb": bomb(),
    "nan": HOLES,
    "inf": np.where(np.isnan(HOLES), np.inf, HOLES),
    "nan tensor": torch.from_numpy(HOLES).permute(2, 0, 1),
    "no pixels": np.zeros((0, 10, 3), np.uint8),
    "no width": np.zeros((10, 0, 3), np.uint8),
    "two channels": np.zeros((10, 10, 2), np.uint8),
    "out of range": PLAIN.astype(float),
    "missing file": "/nowhere/photo.jpg",
    "a folder": "/",
    "a null byte": "photo\0.jpg",
    "a number": 5,
    "nothing": None,
}

# what: (camera, words that the line must hold)
CAMERAS = {
    "fov and focal": ({"fov_x_deg": 60, "focal_px": 150}, "focal_px and fov_x_deg at once"),
    "focal and intrinsics": ({"focal_px": 150, "intrinsics": np.eye(3)}, "at once"),
    "fov and intrinsics": ({"fov_x_deg": 60, "intrinsics": np.eye(3)}, "at once"),
    "both fields of view": ({"fov_x_deg": 60, "fov_y_deg": 40}, "at once"),
    "focal under 5 %": ({"focal_px": 0.05 * WIDTH - 0.1}, "5 %"),
    "fov beyond": ({"fov_x_deg": 2 * math.degrees(math.atan(0.5 / 0.049))}, "5 %"),
    "matrix under 5 %": (np.array([[7.0, 0, 80], [0, 7, 64], [0, 0, 1]]), "5 %"),
    "centre left": ({"fx": 150, "cx": -WIDTH - 1}, "principal point"),
    "centre right": ({"fx": 150, "cx": 2 * WIDTH + 1}, "principal point"),
    "centre above": ({"fx": 150, "cy": -HEIGHT - 1}, "principal point"),
    "centre below": ({"intrinsics": [[150, 0, 80], [0, 150, 2 * HEIGHT + 1], [0, 0, 1]]}, "principal point"),
    "nothing": ({}, "not at all"),
    "unknown key": ({"focal": 150}, "did you mean"),
    "zero": ({"focal_px": 0}, "focal_px"),
    "negative": ({"focal_px": -150}, "focal_px"),
    "nan": ({"focal_px": math.nan}, "focal_px"),
    "fov 180": ({"fov_x_deg": 180}, "fov_x_deg"),
    "mm alone": ({"focal_mm": 26}, "sensor_width_mm"),
    "skew": (np.array([[150.0, 9, 80], [0, 150, 64], [0, 0, 1]]), "skew"),
    "a shape": (np.eye(4), "shape"),
    "a number": (150, "no camera"),
}


def one_line(problem: InputError | str, argument: str) -> str:
    """The message, after checking its form: argument, what was wrong, what is allowed; one line."""
    line = str(problem)
    assert len(line.splitlines()) == 1 and len(line) < 500, line
    assert line.split(": ")[0].split("[")[0] == argument, line
    assert "; allowed: " in line and not line.endswith("allowed: "), line
    assert "Traceback" not in line and "object at 0x" not in line, line
    return line


@pytest.fixture
def untouched(model, monkeypatch):
    """Fails where the bad input reached the network."""
    monkeypatch.setattr(model, "forward", lambda *_, **__: pytest.fail("computed before the input was checked"))
    return model


# ---- Python ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("what", IMAGES)
def test_bad_images(untouched, what):
    with pytest.raises(InputError) as problem:
        untouched.look(IMAGES[what])
    one_line(problem.value, "image")


@pytest.mark.parametrize("what", ["truncated jpeg", "bomb", "nan"])
def test_one_bad_image_of_many_stops_all_before_any_compute(untouched, what):
    with pytest.raises(InputError) as problem:
        untouched.look_many([PLAIN, IMAGES[what]])
    assert "\n" not in str(problem.value)
    with pytest.raises(InputError):
        untouched.look(views=[PLAIN, IMAGES[what]])


@pytest.mark.parametrize("what", CAMERAS)
def test_bad_cameras(untouched, what):
    camera, words = CAMERAS[what]
    with pytest.raises(InputError) as problem:
        untouched.look(PLAIN, camera)
    assert words in one_line(problem.value, "camera")
    with pytest.raises(InputError):
        untouched.look_many([PLAIN, PLAIN], [None, camera])


def test_borderline_cameras_are_fine(model):
    with pytest.warns(UserWarning):
        model.look(PLAIN, {"focal_px": 0.05 * WIDTH})
    model.look(PLAIN, {"fx": 150, "cx": -WIDTH, "cy": 2 * HEIGHT})


def test_bad_calls(untouched):
    for call in (
        lambda: untouched.look(),
        lambda: untouched.look(PLAIN, views=[PLAIN]),
        lambda: untouched.look(views=[]),
        lambda: untouched.look_many([]),
    ):
        with pytest.raises(InputError) as problem:
            call()
        one_line(problem.value, "image")
    with pytest.raises(InputError) as problem:
        untouched.look_many([PLAIN, PLAIN], [None])
    one_line(problem.value, "cameras")


@pytest.mark.parametrize("limit", [0, -1])
def test_an_answer_has_room_for_a_token(model, limit):
    scene = model.look(PLAIN)
    for ask in (scene.ask, lambda *a, **k: list(scene.chat().say(*a, **k))):
        with pytest.raises(InputError) as problem:
            ask("yes", max_new_tokens=limit)
        one_line(problem.value, "max_new_tokens")
        with pytest.raises(InputError) as problem:
            ask("yes", temperature=-0.5)
        one_line(problem.value, "temperature")


def test_bad_models(tmp_path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "config.json").write_text('{"model_type": "bert"}')
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "config.json").write_text('{"model_type": ')
    (tmp_path / "a file").write_text("")
    for name in ("nanoo", "Qwen/Qwen3-VL-4B", "", *(tmp_path / n for n in ("empty", "other", "broken", "a file"))):
        with pytest.raises(InputError) as problem:
            Fathom.from_pretrained(name)
        assert "nano" in one_line(problem.value, "model").split("allowed: ")[1]


# ---- the command -----------------------------------------------------------------------------------------


@pytest.fixture
def files(tmp_path, monkeypatch):
    """A folder to work in, with good.png and every bad image that is a file."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "good.png").write_bytes(encoded(PLAIN))
    for what, content in IMAGES.items():
        if isinstance(content, bytes):
            (tmp_path / f"{what.replace(' ', '_')}.img").write_bytes(content)
    holes = Image.fromarray(np.float32(HOLES[..., 0]))
    holes.save(tmp_path / "nan.tiff")
    return tmp_path


def tree(folder: Path) -> dict[str, bytes | None]:
    return {str(p.relative_to(folder)): p.read_bytes() if p.is_file() else None for p in folder.rglob("*")}


@pytest.fixture
def refused(files, saved, monkeypatch, capsys):
    """refused(*arguments): runs `fathom look` in this process; returns the one line on standard error."""
    from vlm import cli

    def run(*arguments: str, command: str = "look", model: str | None = None) -> str:
        before = tree(files)
        monkeypatch.setattr(sys, "argv", ["fathom", command, *arguments, "--model", model or str(saved)])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        told = capsys.readouterr()
        assert ended.value.code == 2, told
        assert told.out == "", told
        assert tree(files) == before
        lines = told.err.splitlines()
        assert len(lines) == 1 and lines[0].startswith("fathom: "), told.err
        return lines[0].removeprefix("fathom: ")

    return run


BAD_FILES = [
    "empty.img",
    "text.img",
    "truncated_png.img",
    "truncated_jpeg.img",
    "bomb.img",
    "nan.tiff",
    "none.png",
    ".",
]


@pytest.mark.parametrize("name", BAD_FILES)
def test_command_bad_images(refused, name):
    one_line(refused(name, "--out", "out"), "image")


@pytest.mark.parametrize(
    "options",
    [
        "--fov-x-deg 60 --focal-px 150",
        "--focal-px 150 --focal-mm 26 --sensor-width-mm 36",
        "--focal-mm 26",
        "--sensor-width-mm 36",
        "--focal-px 7",
        "--focal-px -5",
        "--focal-px nan",
        "--fov-x-deg 200",
        "--fov-x-deg 178",
    ],
)
def test_command_bad_cameras(refused, options):
    one_line(refused("good.png", "--out", "out", *options.split()), "camera")


@pytest.mark.parametrize("question", ["", "   "])
def test_command_empty_question(refused, question):
    one_line(refused("good.png", "--out", "out", "--ask", "what?", "--ask", question), "question")


@pytest.mark.parametrize("name", ["nanoo", "no/such/folder", "."])
def test_command_unknown_model(refused, name):
    one_line(refused("good.png", "--out", "out", model=name), "model")


@pytest.mark.parametrize("folder", ["good.png", "good.png/below", "/proc/nothing/here", "x" * 300])
def test_command_folder_that_cannot_be_written(refused, folder):
    one_line(refused("good.png", "--out", folder), "folder")


def test_command_unknown_format(refused):
    assert "depth.npz" in one_line(refused("good.png", "--out", "out", "--formats", "depth.npz,depth.exe"), "formats")


@pytest.mark.parametrize("name", BAD_FILES[:3])
def test_command_chat_bad_image(refused, name):
    one_line(refused(name, command="chat"), "image")


def test_command_folder_for_a_demo(refused):
    one_line(refused("--out", "good.png", command="demo"), "folder")


def fathom(*arguments: str, folder: Path) -> subprocess.CompletedProcess:
    command = [str(Path(sys.executable).with_name("fathom")), *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=550)


def test_the_installed_command_ends_with_code_2_and_one_line(files):
    before = tree(files)
    done = fathom("look", "truncated_jpeg.img", "--out", "out", folder=files)
    assert done.returncode == 2 and done.stdout == ""
    one_line(done.stderr.removeprefix("fathom: ").removesuffix("\n"), "image")
    assert tree(files) == before


@pytest.mark.slow
def test_the_installed_command_answers_and_writes(files, saved):
    done = fathom("look", "good.png", "--ask", "yes", "--out", "out", "--model", str(saved), folder=files)
    assert done.returncode == 0, done.stderr
    assert "160x128" in done.stdout and "yes" in done.stdout
    assert (files / "out" / "answer.json").is_file() and (files / "out" / "depth.npz").is_file()
    done = fathom("look", "good.png", "--out", "out2", "--model", "nanoo", folder=files)
    assert done.returncode == 2 and not (files / "out2").exists()
    one_line(done.stderr.removeprefix("fathom: ").removesuffix("\n"), "model")


# ---- the command, where it goes well -----------------------------------------------------------------------


@pytest.fixture
def look(files, saved, monkeypatch, capsys):
    """look(*arguments): runs `fathom look`; (exit code, standard output, standard error)."""
    from vlm import cli

    def run(*arguments: str, command: str = "look") -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["fathom", command, *arguments, "--model", str(saved)])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        told = capsys.readouterr()
        return ended.value.code or 0, told.out, told.err

    return run


def test_command_one_photograph_is_captioned_measured_and_saved(look, files):
    code, out, _ = look("good.png", "--out", "out", "--formats", "depth.npz")
    assert code == 0 and "good.png" in out and "160x128" in out and "from rays" in out
    assert sorted(p.name for p in (files / "out").iterdir()) == ["answer.json", "depth.npz"]


def test_command_photographs_of_one_name_do_not_overwrite_each_other(look, files):
    for folder, shift in (("a", 0), ("b", 60)):
        (files / folder).mkdir()
        (files / folder / "same.png").write_bytes(encoded(PLAIN[:, : WIDTH - shift]))
    code, _, _ = look("a/same.png", "b/same.png", "--out", "out", "--formats", "depth.npz")
    assert code == 0
    found = {np.load(path)["depth_z_m"].shape for path in (files / "out").rglob("depth.npz")}
    assert found == {(HEIGHT, WIDTH), (HEIGHT, WIDTH - 60)}
