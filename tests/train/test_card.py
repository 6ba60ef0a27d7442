"""What a run leaves for people: the card with its curves, pictures of held-out scenes, the log and TensorBoard."""

import json
import re
import subprocess
from pathlib import Path

import numpy as np
import pytest
import yaml
from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from tests.tiny import tiny_records
from tests.train.test_training import LOSSES, recipe
from train import card
from train.checkpoint import newest, read_run
from train.pictures import Seen, error_picture, sheet
from train.run import run


@pytest.fixture(scope="module")
def out(tmp_path_factory) -> Path:
    """Seven steps, evaluated after three, six and at the end, stopped and gone on after four."""
    folder = tmp_path_factory.mktemp("card")
    records = tiny_records(folder, 5)
    rows = [json.loads(line) | {"licence": "CC-BY-4.0" if i else "CC0"} for i, line in enumerate(records.open())]
    records.write_text("".join(json.dumps(row) + "\n" for row in rows))
    held = tiny_records(folder / "held", 3)
    plan = recipe(records, steps=7, save_every=4, held_out=[str(held)], eval_every=3, eval_pictures=2, batch=2)
    run(plan, folder / "out")
    return folder / "out"


def told(out: Path) -> str:
    return (out / "final" / "README.md").read_text()


def history(out: Path) -> list[dict]:
    return json.loads((newest(out) / "trainer_state.json").read_text())["log_history"]


def test_the_card_says_what_was_trained_on_what_by_which_recipe(out):
    text = told(out)
    front = yaml.safe_load(text.split("---")[1])
    assert front["library_name"] == "fathom-vlm" and front["pipeline_tag"] == "image-text-to-text"
    stated = yaml.safe_load(re.search(r"```yaml\n(.*?)```", text, re.DOTALL)[1])
    assert stated["steps"] == 7 and stated["losses"] == LOSSES and stated["eval_every"] == 3
    assert "gradient_checkpointing" not in stated  # defaults are not repeated
    row = next(line for line in text.splitlines() if line.startswith("| ") and "records.jsonl |" in line)
    cells = [cell.strip() for cell in row.strip("|").split("|")]
    assert cells[1:] == ["5", "outdoor 5", "1", "CC-BY-4.0 4, CC0 1"]


def test_the_card_says_how_well_how_long_and_with_what(out):
    text = told(out)
    last = [row for row in history(out) if "eval_loss" in row]
    assert [row["step"] for row in last][:2] == [3, 6]
    scored = re.search(r"\| delta1 \| (\S+) \| (\S+) \|", text)
    assert float(scored[1]) == pytest.approx(last[0]["eval_delta1"], rel=1e-3)
    assert "| | step 3 | step 7 |".replace(" ", "") in text.replace(" ", "")  # the end is evaluated too
    seconds = float(re.search(r"\| seconds \| ([\d,]+)", text)[1].replace(",", ""))
    assert seconds >= round(read_run(newest(out))["seconds"]) > 0
    assert float(re.search(r"([\d,]+) MiB", text)[1].replace(",", "")) > 100  # torch alone is more
    for name in ("torch", "transformers", "fathom-vlm"):
        assert re.search(rf"\| {name} \| \d+\.\d+", text)


def test_the_commit_is_that_of_the_checkout():
    asked = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True, cwd=Path(card.__file__).parent)
    assert card.git_commit().startswith(asked.stdout.strip() if asked.returncode == 0 else "not run from")


def test_curves_and_a_held_out_picture_lie_beside_it(out):
    for name in ("curves.png", "held_out.jpg"):
        assert f"]({name})" in told(out)
        pixels = np.asarray(Image.open(out / "final" / name).convert("RGB"), float)
        assert pixels.shape[1] > 800 and pixels.std() > 10


def test_pictures_are_written_at_every_evaluation(out):
    names = sorted(path.name for path in (out / "pictures").iterdir())
    assert names == [f"step-{step:06}-{number}.jpg" for step in (3, 6, 7) for number in (1, 2)]


def test_tensorboard_has_every_loss_and_the_evaluation(out):
    events = EventAccumulator(str(out / "tensorboard"))
    events.Reload()
    tags = events.Tags()["scalars"]
    assert {f"train/loss_{name}" for name in LOSSES} | {"eval/loss", "eval/delta1"} <= set(tags)
    assert [event.step for event in events.Scalars("train/loss")] == list(range(1, 8))


def test_the_evaluation_is_over_all_held_out_places(out):
    """Three samples, two at a time: each loss is divided by all its places, not averaged over batches."""
    row = [row for row in history(out) if "eval_loss" in row][-1]
    weighted = sum(weight * row[f"eval_{name}"] for name, weight in LOSSES.items())
    assert row["eval_loss"] == pytest.approx(weighted, rel=1e-5)
    assert 0 <= row["eval_delta1"] <= 1 and row["eval_abs_rel"] > 0


def test_an_error_of_ten_percent_looks_the_same_at_every_distance():
    truth = np.tile(np.linspace(1, 50, 64, dtype=np.float32), (40, 1))
    truth[:5] = np.inf
    colours = np.asarray(error_picture(truth * np.float32(1.1), truth).convert("RGB"))
    inside = colours[60:200, 20:300].reshape(-1, 3).astype(int)
    assert np.abs(inside - inside[0]).max() <= 2
    assert np.array_equal(colours[2, 20], (128, 128, 128))  # sky has no error


def test_a_sheet_leaves_out_what_nobody_knows():
    image = np.zeros((40, 64, 3), np.uint8)
    depth = np.full((40, 64), 3, np.float32)
    whole = sheet(Seen(image, depth, depth * 1.2, depth / 30))
    unknown = sheet(Seen(image, np.full_like(depth, np.nan), depth))
    assert whole.width * whole.height > 2 * unknown.width * unknown.height  # five pictures against two
