"""One collator for every family: what is said and what is measured reaches the losses, in whatever company."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn import functional
from transformers import AutoConfig

from heads.camera import Camera
from heads.rays import solve_intrinsics, solve_pose
from tests.tiny import tiny_processor
from tests.vlm.families import KINDS, tiny_family
from tests.vlm.published import tiny_published
from train.data.batches import Collator
from train.data.conversations import joined, told
from train.data.samples import Sample, View
from train.tokenizer import train_tokenizer
from vlm.images import Photo, prepare
from vlm.model import Fathom
from vlm.processor import FathomProcessor

MODELS: dict[str, Fathom] = {}
REAL_QWEN = Path("../shared/data/qwen3_vl")
PAIRS = [("How far is the red chair?", "2.4 m"), ("Describe the picture.", "a table"), ("yes", "no")]


@pytest.fixture(params=KINDS)
def model(request):
    """One tiny model a family for all of these tests; gradients are cleared before use."""
    if request.param not in MODELS:
        MODELS[request.param] = tiny_family(request.param)
    found = MODELS[request.param]
    found.zero_grad(set_to_none=True)
    return found


@pytest.fixture
def qwen():
    if "qwen3_vl" not in MODELS:
        MODELS["qwen3_vl"] = tiny_family("qwen3_vl")
    return MODELS["qwen3_vl"]


def picture(seed: int, width: int = 160, height: int = 120, depth: bool = True, pose: bool = False) -> View:
    """A slope under a sky, seen by a camera that looks 65 degrees wide."""
    image = np.random.default_rng(seed).integers(0, 255, (height, width, 3), dtype=np.uint8)
    camera = Camera.from_fov(width, height, 65)
    if pose:
        to_world = np.eye(4)
        to_world[:3, 3] = seed, 0, 0.5
        camera = Camera(camera.intrinsics, width, height, "caller", to_world)
    rows = np.linspace(4, 1 + 0.1 * seed, 30)[:, None] + np.zeros((1, 40))
    rows[:5] = np.inf
    rows[:, :3] = np.nan
    return View(image, camera if depth else None, rows.astype(np.float32) if depth else None)


def chat(*pairs: tuple[str, str], images: int = 1) -> list[dict]:
    turns = []
    for i, (question, answer) in enumerate(pairs):
        shown = [{"type": "image"}] * (images if i == 0 else 0)
        turns.append({"role": "user", "content": [*shown, {"type": "text", "text": question}]})
        turns.append({"role": "assistant", "content": answer})
    return turns


def samples(pair: int = 1) -> dict[str, Sample]:
    """One of every kind. Several turns, several pictures and text alone are kinds of their own."""
    return {
        "both": Sample([picture(0)], [chat(PAIRS[0])]),
        "turns": Sample([picture(1, 120, 200)], [chat(PAIRS[0], PAIRS[2])]),
        "depth alone": Sample([picture(2)], []),
        "a picture without truth": Sample([picture(3, depth=False)], [chat(PAIRS[1])]),
        "text alone": Sample([], [chat(PAIRS[1], images=0)]),
        "two pictures": Sample([picture(4, pose=True), picture(5, 120, 200, pose=True)], [chat(PAIRS[0], images=2)]),
    }


def losses_of(model: Fathom, batch: dict) -> dict[str, tuple[float, int]]:
    return {name: (float(total), int(count)) for name, (total, count) in model(**batch).losses.items()}


def test_a_step_on_every_kind_of_sample_gives_finite_losses_and_gradients(model):
    output = model(**Collator(model.processor, model.heads)(list(samples().values())))
    assert {"text", "depth_nll", "depth_l1", "sky", "ray_nll", "focal_l1", "origin"} <= set(output.losses)
    assert all(int(count) > 0 for _, count in output.losses.values())
    total = sum(value / count for value, count in output.losses.values())
    total.backward()
    assert torch.isfinite(total)
    gradients = {name: w.grad for name, w in model.named_parameters() if w.grad is not None}
    assert all(torch.isfinite(gradient).all() for gradient in gradients.values())
    moved = {name for name, gradient in gradients.items() if gradient.any()}
    for part in ("heads.depth", "heads.rays", "backbone.model"):
        assert any(name.startswith(part) for name in moved), part
    assert any("vision" in name or "visual" in name for name in moved)


@torch.no_grad()
def test_a_batch_of_every_kind_is_the_sum_of_its_parts(model):
    made, collate = list(samples().values()), Collator(model.processor, model.heads)
    whole, parts = losses_of(model, collate(made)), [losses_of(model, collate([sample])) for sample in made]
    for name, (total, count) in whole.items():
        told_apart = [part[name] for part in parts if name in part]
        assert count == sum(number for _, number in told_apart), name
        assert total == pytest.approx(sum(value for value, _ in told_apart), rel=2e-4, abs=1e-4), name


@torch.no_grad()
def test_a_loss_applies_only_where_its_truth_exists(model):
    collate = Collator(model.processor, model.heads)
    kinds = {name: losses_of(model, collate([sample])) for name, sample in samples().items()}
    assert set(kinds["text alone"]) == {"text"} and kinds["text alone"]["text"][1] > 0
    assert kinds["depth alone"]["text"] == (0, 0) and kinds["depth alone"]["depth_l1"][1] > 0
    measured = {name: count for name, (_, count) in kinds["a picture without truth"].items() if name != "text"}
    assert measured and not any(measured.values()) and kinds["a picture without truth"]["text"][1] > 0
    assert kinds["two pictures"]["focal_l1"][1] == 2 and kinds["both"]["focal_l1"][1] == 1


def test_what_is_learned_is_what_the_chat_template_says(model):
    """ids of a conversation = the family's own template; labels = the answers and the token that ends each."""
    processor = model.processor
    messages = chat(*PAIRS[:1]) if model.config.backbone_config.model_type == "paligemma" else chat(*PAIRS)
    view = picture(0)
    plan = processor.plan(160, 120)
    _, grid_thw = processor.pixels([prepare(Photo(view.image, None, "", ""), plan)])
    ids, labels = told(processor, messages, grid_thw.tolist())
    whole = processor.prompt_ids(messages, grid_thw.tolist(), answer_next=False)
    asked = processor.prompt_ids(messages[:1], grid_thw.tolist())
    assert ids[: len(asked)] == asked and ids[-1] == processor.end_id
    if whole[: len(asked)] == asked:  # LLaVA's template writes a space before answers that its prompt does not end with
        assert ids == whole[: len(ids)] and processor.end_id not in whole[len(ids) :]
    else:
        assert model.config.backbone_config.model_type == "llava_onevision"
    said = [token for token, label in zip(ids, labels, strict=True) if label != -100]
    assert [label for label in labels if label != -100] == said
    expected = [answer for _, answer in PAIRS[: len(messages) // 2]]
    text = processor.tokenizer.decode(said)
    parts = [part.strip() for part in text.split(processor.tokenizer.decode([processor.end_id]))]
    assert parts == [*expected, ""]


@torch.no_grad()
def test_truth_has_the_shape_of_the_heads_output(model):
    made = [samples()["both"], samples()["turns"], samples()["two pictures"]]
    batch = Collator(model.processor, model.heads)(made)
    output = model(**batch)
    assert len(batch["truth"]["depth"]) == len(output.dense["depth"]) == 4
    for raw, truth in zip(output.dense["depth"], batch["truth"]["depth"], strict=True):
        assert raw["log_depth"].shape == truth["depth_z"].shape == truth["rays"].shape[1:]
        known = truth["depth_z"]
        assert known.isposinf().any() and known.isfinite().any() and known.isnan().any()
    assert output.rays["direction"].shape == batch["truth"]["rays"]["direction"].shape


@torch.no_grad()
def test_dense_truth_says_the_scene_that_the_head_would_be_read_as(model):
    """Every true pixel through its ray and depth lies on the slope, whatever the family does to the image."""
    view = picture(0)
    batch = Collator(model.processor, model.heads)([Sample([view], [])])
    truth, plan = batch["truth"]["depth"][0], model.processor.plan(160, 120)
    depth = truth["depth_z"].numpy()
    known = np.isfinite(depth)
    points = truth["rays"].numpy() * np.where(known, depth, 1)
    pixels = view.camera.project(np.moveaxis(points, 0, -1)[known])
    row = np.clip((pixels[:, 1] / 120 * 30).astype(int), 0, 29)
    off = np.abs(view.depth_z[row, 20] - depth[known])
    assert np.quantile(off, 0.99) <= abs(view.depth_z[6, 20] - view.depth_z[7, 20]) + 1e-5
    seen = Camera.from_fov(160, 120, 65).resize(*plan.resized)
    assert float(truth["focal_px"]) == pytest.approx(seen.focal, rel=1e-6)


@torch.no_grad()
def test_the_truth_of_rays_is_the_camera_that_a_scene_would_solve(model):
    """A ray head that says the truth is read as the true cameras: intrinsics, and the second view's pose in metres."""
    views = [picture(0, pose=True), picture(3, 120, 200, pose=True)]
    truth = Collator(model.processor, model.heads)([Sample(views, [])])["truth"]["rays"]
    for v, view in enumerate(views):
        here = truth["mask"][0] & (truth["view"][0] == v)
        direction, pixels = truth["direction"][0, here].double(), truth["pixels"][0, here].double()
        weight = torch.ones(len(pixels)).double()
        if v == 0:
            solved = solve_intrinsics(direction, pixels, weight)
        else:
            solved, rotation = solve_pose(direction, pixels, weight)
            assert np.allclose(rotation.numpy(), np.eye(3), atol=1e-4)
            focal = view_focal(model, views[0], 2)
            assert np.allclose(truth["origin"][0, here].numpy() * focal / 1000, [3, 0, 0], atol=1e-4)
        assert np.allclose(solved.numpy(), view.camera.intrinsics, rtol=1e-3, atol=0.2)
        assert float(truth["focal_px"][0, v]) == pytest.approx(view.camera.focal, rel=1e-6)


def view_focal(model: Fathom, view: View, count: int) -> float:
    plan = model.processor.plan(view.image.shape[1], view.image.shape[0], count)
    return view.camera.resize(*plan.resized).focal


@torch.no_grad()
def test_a_batch_of_text_alone_gets_company_where_every_process_must_use_every_weight(model):
    made = [samples()["text alone"]]
    alone, kept = (Collator(model.processor, model.heads, always_picture=on)(made) for on in (False, True))
    assert "pixel_values" not in alone and len(kept["input_ids"]) == 2
    losses, with_company = losses_of(model, alone), losses_of(model, kept)
    assert with_company["text"][1] == losses["text"][1]
    assert with_company["text"][0] == pytest.approx(losses["text"][0], rel=1e-4)
    assert all(value == (0, 0) for name, value in with_company.items() if name != "text")


# ---- packing (Qwen) --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["qwen3_vl", "qwen2_5_vl"])
@torch.no_grad()
def test_packed_questions_have_the_losses_of_one_question_a_row(name):
    """Computed without the collator: the prompt, the answer behind it, the picture encoded for each question again."""
    model = MODELS.setdefault(name, tiny_family(name))
    sample = Sample([picture(0)], [chat(pair) for pair in PAIRS])
    batch = Collator(model.processor, model.heads)([sample])
    assert len(batch["input_ids"]) == 1
    total, count = losses_of(model, batch)["text"]
    pixel_values, grid_thw = model.processor.pixels(
        [prepare(Photo(sample.views[0].image, None, "", ""), model.processor.plan(160, 120))]
    )
    expected, number = 0.0, 0
    for question, answer in PAIRS:
        prefix, rest = model.processor.split_prompt(question, grid_thw.tolist())
        ids = [*model.processor.tokenizer(answer).input_ids, model.processor.end_id]
        whole = torch.tensor([[*prefix, *rest, *ids]])
        logits = model(whole, pixel_values=pixel_values, image_grid_thw=grid_thw).logits[0]
        expected += float(functional.cross_entropy(logits[-len(ids) - 1 : -1], torch.tensor(ids), reduction="sum"))
        number += len(ids)
    assert count == number and total == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("name", ["qwen3_vl", "qwen2_5_vl"])
@torch.no_grad()
def test_positions_are_those_that_the_backbone_would_count(name):
    model = MODELS.setdefault(name, tiny_family(name))
    for kind in ("both", "turns", "two pictures", "text alone"):
        batch = Collator(model.processor, model.heads)([samples()[kind]])
        given = batch["position_ids"]
        own = model.family.positions(model.backbone, batch["input_ids"], None, batch.get("image_grid_thw"))
        assert torch.equal(given, own), kind


@torch.no_grad()
def test_without_packing_questions_are_turns_of_one_conversation(qwen):
    sample = Sample([picture(0)], [chat(pair) for pair in PAIRS])
    unpacked = Collator(qwen.processor, qwen.heads, pack=False)([sample])
    turns = Collator(qwen.processor, qwen.heads)([Sample(sample.views, [joined(sample.conversations)])])
    assert torch.equal(unpacked["input_ids"], turns["input_ids"])
    assert losses_of(qwen, unpacked)["text"][0] == pytest.approx(losses_of(qwen, turns)["text"][0], rel=1e-4)


@torch.no_grad()
def test_questions_of_one_picture_do_not_hear_each_other_in_training(qwen):
    """Another answer to the first question leaves the loss of the second where it is."""
    collate, losses = Collator(qwen.processor, []), []
    for first in ("2.4 m", "a table at 512"):
        batch = collate([Sample([picture(0)], [chat(("How far?", first)), chat(("yes", "no"))])])
        batch.pop("truth")
        last = torch.nonzero(batch["labels"][0] != -100)[-2:, 0]  # "no" and the end
        batch["labels"][0, : int(last[0])] = -100
        losses.append(losses_of(qwen, batch)["text"])
    assert losses[0][0] == pytest.approx(losses[1][0], abs=1e-4) and losses[0][1] == losses[1][1]


def test_an_answer_is_written_by_the_tokenizer_and_the_template_that_are_there():
    processor, answer = tiny_processor(), "a red chair"
    old = processor.answer_ids(answer)
    old.append(0)  # what a caller makes of it stays his own
    assert processor.answer_ids(answer) == old[:-1]
    processor.tokenizer = train_tokenizer([answer] * 3, 300)
    end = processor.end_id
    assert processor.answer_ids(answer) == [*processor.tokenizer(answer).input_ids, end] != old[:-1]
    processor.tokenizer.chat_template = processor.tokenizer.chat_template.replace("{{ part.text }}", "{{ part.text }}!")
    assert processor.answer_ids(answer) == [*processor.tokenizer(f"{answer}!").input_ids, end]


@pytest.mark.skipif(not REAL_QWEN.is_dir(), reason=f"no tokenizer of Qwen3-VL at {REAL_QWEN}")
def test_the_real_qwen3_vl_tokenizer_and_template_give_the_same_ids():
    config = AutoConfig.from_pretrained(REAL_QWEN)
    processor = FathomProcessor.from_pretrained(REAL_QWEN, 1_000_000, config)
    system = {"role": "system", "content": "You measure."}
    messages = [system, *chat(("How far is the sofa,\nin metres?", "2.4 m"), ("And this?", " 3 m,\nI think."))]
    grids = [[1, 30, 40]]
    ids, labels = told(processor, messages, grids)
    whole = processor.prompt_ids(messages, grids, answer_next=False)
    assert ids == whole[: len(ids)] and processor.tokenizer.decode(whole[len(ids) :]) == "\n"
    said = [label for label in labels if label != -100]
    assert processor.tokenizer.decode(said) == "2.4 m<|im_end|> 3 m,\nI think.<|im_end|>"


# ---- the published heads ---------------------------------------------------------------------------------------


@torch.no_grad()
def test_published_heads_get_pictures_of_their_focal_length_and_truth_of_their_size(tmp_path):
    """fx = 1000 px where the budget allows, and the focal by which such a head is read: fx, not sqrt(fx * fy)."""
    model = Fathom.from_pretrained(tiny_published(tmp_path))
    model.processor.max_pixels = 2_000_000
    camera = Camera.from_intrinsics(500.0, 550.0, width=160, height=128)
    view = View(picture(0, 160, 128).image, camera, np.full((64, 80), 3.0, np.float32))
    batch = Collator(model.processor, model.heads)([Sample([view], [chat(PAIRS[0])])])
    truth, output = batch["truth"]["depth"][0], model(**batch)
    assert batch["image_grid_thw"].tolist() == [[1, 16, 20]]  # 320 x 256: twice the size
    assert float(truth["focal_px"]) == pytest.approx(1000)
    raw = output.dense["depth"][0]["canonical_depth"]
    assert raw.shape == truth["depth_z"].shape == (256, 320) and (truth["depth_z"] == 3).all()
    total, count = output.losses["depth_l1"]
    assert int(count) == 256 * 320
    assert float(total / count) == pytest.approx(float((raw / 3).log().abs().mean()), rel=1e-4)
