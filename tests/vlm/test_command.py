"""`fathom look`, `chat`, `doctor`: what issue 2 promises of the command beyond refusing bad input."""

import json
import sys

import numpy as np
import pytest
import torch
from PIL import Image


@pytest.fixture
def fathom(tmp_path, saved, photo, monkeypatch, capsys):
    """fathom(*arguments): runs the command among good.png, second.png and bad.png; (exit code, out, err)."""
    from vlm import cli

    monkeypatch.chdir(tmp_path)
    for seed, name in enumerate(("good", "second")):
        Image.fromarray(photo(160 + 16 * seed, 128, seed)).save(tmp_path / f"{name}.png")
    (tmp_path / "bad.png").write_bytes((tmp_path / "good.png").read_bytes()[:3000])

    def run(*arguments: str, said: str = "") -> tuple[int, str, str]:
        lines = iter(said.splitlines())

        def typed(*_args, **_kwargs) -> str:
            try:
                return next(lines)
            except StopIteration:
                raise EOFError from None

        monkeypatch.setattr(cli.console, "input", typed)
        monkeypatch.setattr(
            sys, "argv", ["fathom", *arguments, *(["--model", str(saved)] if "doctor" not in arguments else [])]
        )
        with pytest.raises(SystemExit) as ended:
            cli.main()
        told = capsys.readouterr()
        return ended.value.code or 0, told.out, told.err

    return run


def test_several_questions_each_get_an_answer_from_one_look(fathom, tmp_path):
    code, out, _ = fathom(
        "look", "good.png", "--ask", "how far?", "--ask", "yes", "--out", "o", "--formats", "rays.jpg"
    )
    assert code == 0 and out.index("how far?") < out.index("yes")
    told = json.loads((tmp_path / "o" / "answer.json").read_text())
    assert [answer["question"] for answer in told["answers"]] == ["how far?", "yes"]


def test_where_nothing_is_asked_there_is_a_caption(fathom, tmp_path):
    fathom("look", "good.png", "--out", "o", "--formats", "answer.json")
    assert [a["question"] for a in json.loads((tmp_path / "o" / "answer.json").read_text())["answers"]] == [
        "Describe the picture."
    ]


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize(
    "options, fx",
    [("--focal-px 150", 150), ("--fov-x-deg 60", 80 * 3**0.5), ("--focal-mm 27 --sensor-width-mm 36", 120)],
)
def test_a_stated_camera_is_used(fathom, tmp_path, options, fx):
    code, out, _ = fathom("look", "good.png", "--out", "o", "--formats", "depth.npz", *options.split())
    assert code == 0 and "from caller" in out
    with np.load(tmp_path / "o" / "depth.npz") as file:
        assert file["intrinsics_px"][0, 0] == pytest.approx(fx)


def test_many_photographs_are_all_answered(fathom, tmp_path):
    code, out, _ = fathom("look", "good.png", "second.png", "--out", "o", "--formats", "depth_z.png")
    assert code == 0 and "good.png" in out and "second.png" in out
    assert Image.open(tmp_path / "o" / "good" / "depth_z.png").size == (160, 128)
    assert Image.open(tmp_path / "o" / "second" / "depth_z.png").size == (176, 128)


def test_a_chat_goes_on_until_input_ends(fathom):
    code, out, _ = fathom("chat", "good.png", said="how far?\nyes\n")
    assert code == 0 and len(out.strip()) > 0


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_all_intrinsics_can_be_stated(fathom, tmp_path):
    code, _, _ = fathom("look", "good.png", "--out", "o", "--formats", "depth.npz", "--intrinsics", "150,151,70,60")
    assert code == 0
    with np.load(tmp_path / "o" / "depth.npz") as file:
        assert file["intrinsics_px"].tolist() == [[150, 0, 70], [0, 151, 60], [0, 0, 1]]


def test_json_is_all_that_json_prints(fathom):
    code, out, _ = fathom("look", "good.png", "--ask", "yes", "--json")
    assert code == 0 and json.loads(out)


def test_a_bad_file_among_many_does_not_stop_the_others(fathom, tmp_path):
    code, out, err = fathom("look", "good.png", "bad.png", "second.png", "--out", "o", "--formats", "depth_z.png")
    assert code != 0 and "bad.png" in err and "good.png" in out and "second.png" in out
    assert (tmp_path / "o" / "second" / "depth_z.png").is_file() and not (tmp_path / "o" / "bad").exists()


def test_many_photographs_are_one_batch(fathom, monkeypatch):
    from vlm.model import Fathom

    passes, forward = [], Fathom.forward
    monkeypatch.setattr(
        Fathom, "forward", lambda self, *a, **k: (passes.append(k.get("pixel_values")), forward(self, *a, **k))[1]
    )
    code, _, _ = fathom("look", "good.png", "second.png")
    assert code == 0 and sum(pixels is not None for pixels in passes) == 1


def test_every_photograph_is_decoded_once(fathom, monkeypatch):
    from vlm import images

    opened, decode = [], images._photo_from_path
    monkeypatch.setattr(images, "_photo_from_path", lambda path, name: (opened.append(path), decode(path, name))[1])
    code, _, _ = fathom("look", "good.png", "second.png")
    assert code == 0 and [path.name for path in opened] == ["good.png", "second.png"]


def test_precision_and_attention_can_be_chosen(fathom, monkeypatch):
    from vlm.model import Fathom

    seen, load = [], Fathom.from_pretrained.__func__
    monkeypatch.setattr(
        Fathom, "from_pretrained", classmethod(lambda cls, *a, **k: (seen.append(load(cls, *a, **k)), seen[-1])[1])
    )
    code, _, _ = fathom("look", "good.png", "--dtype", "bfloat16", "--attention", "eager", "--device", "cpu")
    assert code == 0
    assert seen[0].dtype == torch.bfloat16 and seen[0].config._attn_implementation == "eager"
    code, _, err = fathom("look", "good.png", "--dtype", "int3")
    assert code == 2 and "dtype: 'int3'" in err and err.count("\n") == 1


def test_doctor_says_what_is_here(fathom):
    import transformers

    code, out, _ = fathom("doctor")
    assert code == 0 and torch.__version__ in out and transformers.__version__ in out and "flash" in out
