"""One pass, three answers: seen once, the same alone or in company, the same after a trip to disk."""

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from torch.nn import functional
from transformers import AutoModel

from heads.camera import Camera
from tests.vlm.conftest import fresh_model
from tests.vlm.helpers import calls_of, close, dense, forward, logits_of, prompt
from train.data.batches import Collator
from train.data.samples import Sample, View
from vlm.errors import InputError
from vlm.model import Fathom

SIZES = [(200, 140), (140, 220), (128, 128)]
QUESTIONS = ["How far is the red chair?", "yes", "Describe the table at (512, 304)"]


# ---- the image is encoded once -----------------------------------------------------------------------------


def test_one_look_with_questions_depth_and_camera_runs_the_vision_tower_once(model, photo):
    with calls_of(model.vision_tower) as seen:
        scene = model.look(photo(200, 140))
        scene.caption()
        for question in QUESTIONS:
            scene.ask(question, max_new_tokens=4)
        list(scene.chat().say("hello", max_new_tokens=4))
        assert scene.depth_z.shape == scene.sky.shape == scene.log_depth_scale.shape == (140, 200)
        assert scene.camera.source == "rays" and scene.points.shape == scene.ray_directions.shape
        scene.depth_interval(0.9)
    assert len(seen) == 1


def test_many_photographs_are_one_pass_too(model, photo):
    with calls_of(model.vision_tower) as seen:
        scenes = model.look_many([photo(*size, i) for i, size in enumerate(SIZES)])
        assert [scene.depth_z.shape for scene in scenes] == [(h, w) for w, h in SIZES]
    assert len(seen) == 1


# ---- its heads ---------------------------------------------------------------------------------------------


def test_a_head_keeps_its_weights_where_an_option_changes_none_of_them():
    model = fresh_model().eval()
    options, before = model.config.heads["depth"], model.heads["depth"].last.weight.detach().clone()
    assert model.set_heads(model.config.heads | {"depth": options | {"sharpen": [3]}}) == []
    head = model.heads["depth"]
    assert head.sharpen == (3,) and not head.training and torch.equal(head.last.weight, before)
    assert model.set_heads(model.config.heads | {"depth": options | {"widths": [8, 8, 8, 8, 8]}}) == ["depth"]


def test_a_head_that_reads_elsewhere_is_new():
    model = fresh_model()
    options = model.config.heads["rays"]
    elsewhere = [tap for tap in ("language.0", "language.1", "language.2") if tap not in options["taps"]]
    assert model.set_heads(model.config.heads | {"rays": options | {"taps": elsewhere[: len(options["taps"])]}}) == [
        "rays"
    ]


# ---- alone or in company -----------------------------------------------------------------------------------


def test_a_batch_of_mixed_sizes_equals_single_calls(model, photo):
    photos = [photo(*size, i) for i, size in enumerate(SIZES)]
    with calls_of(model.heads["depth"]) as passes:
        together = model.look_many(photos)
    assert len(passes) == 3  # three sizes, each at its own resolution: nothing was padded to a common one
    for scene, image in zip(together, photos, strict=True):
        alone = model.look(image)
        known = np.isfinite(alone.depth_z)
        assert np.array_equal(known, np.isfinite(scene.depth_z)) and known.any()
        assert np.abs(np.log(scene.depth_z[known] / alone.depth_z[known])).max() < 1e-4
        assert np.abs(scene.log_depth_scale - alone.log_depth_scale).max() < 1e-4
        assert np.abs(scene.sky - alone.sky).max() < 1e-4
        assert np.abs(scene.ray_directions - alone.ray_directions).max() < 1e-4
        assert scene.camera.focal == pytest.approx(alone.camera.focal, rel=1e-4)
        for question in QUESTIONS:
            one, other = (s.ask(question, max_new_tokens=6) for s in (scene, alone))
            assert one.tokens == other.tokens
            assert one.log_probability == pytest.approx(other.log_probability, abs=1e-3)


def test_equal_sizes_go_through_the_heads_together(model, photo):
    with calls_of(model.heads["depth"]) as passes:
        model.look_many([photo(160, 160, i) for i in range(3)])
    assert len(passes) == 1 and passes[0]["log_depth"].shape[0] == 3


@pytest.mark.parametrize("side", ["left", "right"])
def test_padding_on_either_side_changes_nothing(model, photo, side):
    prompts = [
        prompt(model, [photo(*size, i)], question)
        for i, (size, question) in enumerate(zip(SIZES, QUESTIONS, strict=True))
    ]
    length = max(len(ids) for ids, _ in prompts)
    assert len({len(ids) for ids, _ in prompts}) > 1  # otherwise nothing is padded
    ids = torch.full((3, length), model.processor.end_id)
    mask = torch.zeros(3, length, dtype=torch.long)
    rows = [slice(length - len(row), length) if side == "left" else slice(len(row)) for row, _ in prompts]
    for b, ((row, _), here) in enumerate(zip(prompts, rows, strict=True)):
        ids[b, here], mask[b, here] = torch.tensor(row), 1
    pixels = model.processor.pixels([image for _, images in prompts for image in images])
    with torch.no_grad():
        batch = model(ids, attention_mask=mask, pixel_values=pixels[0], image_grid_thw=pixels[1])
    for b, ((row, images), here) in enumerate(zip(prompts, rows, strict=True)):
        alone = forward(model, row, images)
        assert close(batch.logits[b, here], alone.logits[0])
        assert close(dense(batch, b), dense(alone))
        n = int(alone.ray_input.mask.sum())
        assert close(batch.rays["direction"][b, :n], alone.rays["direction"][0])


def test_depth_does_not_hear_the_question(photo):
    """The image comes first and attention is causal: asked or not, the same depth and rays."""
    usual = ["language.2", "language.-1"]
    depth = {"widths": [16, 16, 16, 8, 8], "taps": ["vision.1", "vision.2", *usual]}
    rays = {"width": 16, "layers": 1, "attention_heads": 2, "taps": usual}
    model = fresh_model(heads={"depth": depth, "rays": rays})
    image = photo(200, 140)
    asked, images = prompt(model, [image], QUESTIONS[2])
    silent, _ = prompt(model, [image], None)
    assert len(silent) < len(asked)
    with_question, without = forward(model, asked, images), forward(model, silent, images)
    assert close(dense(with_question), dense(without), 1e-6)
    assert close(with_question.rays["direction"], without.rays["direction"], 1e-6)


def test_every_image_of_a_prompt_has_its_own_depth(model, photo):
    first, second, third = photo(128, 160, 1), photo(160, 128, 2), photo(160, 128, 3)
    both = forward(model, *prompt(model, [first, second], "yes"))
    assert [tuple(raw["log_depth"].shape) for raw in both.dense["depth"]] == [(160, 128), (128, 160)]
    assert close(dense(both, 0), dense(forward(model, *prompt(model, [first], "yes"))), 1e-5)
    other = forward(model, *prompt(model, [first, third], "yes"))
    assert close(dense(both, 0), dense(other, 0), 1e-5)
    assert not close(dense(both, 1), dense(other, 1), 1e-2)
    assert both.rays["raw_focal_scale"].shape == (1, 2)


def test_views_and_single_photographs_in_one_batch_keep_apart(model, photo):
    """Two prompts, of two images and of one: images are counted off row by row."""
    a, b, c = photo(128, 160, 1), photo(160, 128, 2), photo(128, 128, 3)
    long, short = prompt(model, [a, b], "yes")[0], prompt(model, [c], "yes")[0]
    ids = torch.full((2, len(long)), model.processor.end_id)
    mask = torch.zeros(2, len(long), dtype=torch.long)
    for row, content in enumerate((long, short)):
        ids[row, : len(content)], mask[row, : len(content)] = torch.tensor(content), 1
    images = [image for row in ([a, b], [c]) for image in row]
    pixels = model.processor.pixels(images)
    with torch.no_grad():
        batch = model(ids, attention_mask=mask, pixel_values=pixels[0], image_grid_thw=pixels[1])
    alone = forward(model, short, [c])
    assert close(dense(batch, 2), dense(alone)) and close(batch.logits[1, : len(short)], alone.logits[0])
    assert close(batch.rays["direction"][1, :16], alone.rays["direction"][0])


def test_sdpa_and_eager_attention_agree(model, saved, photo):
    eager = Fathom.from_pretrained(saved, attn_implementation="eager")
    assert eager.backbone.config.text_config._attn_implementation == "eager"
    assert model.backbone.config.text_config._attn_implementation == "sdpa"
    asked = prompt(model, [photo(200, 140)], QUESTIONS[0])
    one, other = forward(model, *asked), forward(eager, *asked)
    assert close(one.logits, other.logits) and close(dense(one), dense(other))


# ---- questions from the cache ------------------------------------------------------------------------------


def test_interleaved_questions_from_the_cache_equal_full_passes(model, photo):
    """Two scenes of different sizes, asked in turn: every logit is that of a pass of its own, with no cache."""
    photos = [photo(200, 140, 1), photo(128, 220, 2)]
    scenes = [model.look(image) for image in photos]
    assert len({scene.views[0].plan.tokens for scene in scenes}) == 2
    for question in QUESTIONS:
        for scene, image in zip(scenes, photos, strict=True):
            with calls_of(model.get_output_embeddings()) as steps:
                answer = scene.ask(question, max_new_tokens=5)
            steps = torch.cat([step[0, -1:] for step in steps])
            ids, images = prompt(model, [image], question)
            full = logits_of(model, [*ids, *answer.tokens], images)
            expected = full[len(ids) - 1 :][: len(steps)]
            assert close(steps, expected)
            assert list(answer.tokens) == expected.argmax(-1).tolist()[: len(answer.tokens)]


def test_a_question_asked_twice_has_one_answer(model, photo):
    scene = model.look(photo(200, 140))
    first = scene.ask(QUESTIONS[0], max_new_tokens=6)
    scene.ask(QUESTIONS[1], max_new_tokens=6)
    list(scene.chat().say(QUESTIONS[2], max_new_tokens=6))
    assert scene.ask(QUESTIONS[0], max_new_tokens=6) == first


def test_a_pass_that_continues_a_cache_must_say_where(model):
    with pytest.raises(ValueError, match="position_ids"):
        model(torch.tensor([[1]]), cache=object())


# ---- to disk and back --------------------------------------------------------------------------------------


def test_saved_and_loaded_is_the_same_to_the_last_bit(model, saved, photo):
    again = Fathom.from_pretrained(saved)
    ours, theirs = model.state_dict(), again.state_dict()
    assert ours.keys() == theirs.keys()
    assert all(torch.equal(ours[name], theirs[name]) and ours[name].dtype == theirs[name].dtype for name in ours)
    assert again.config.heads == model.config.heads and again.config.uncertainty == model.config.uncertainty
    assert again.processor.max_pixels == model.processor.max_pixels
    asked = prompt(model, [photo(200, 140)], QUESTIONS[0])
    one, other = forward(model, *asked), forward(again, *asked)
    # Equal weights at other addresses in memory: the matrix library may still round the last bit differently.
    assert close(one.logits, other.logits, 1e-5) and close(dense(one), dense(other), 1e-5)
    assert all(close(one.rays[name], other.rays[name], 1e-5) for name in one.rays)
    assert model.look(photo(200, 140)).ask("yes").tokens == again.look(photo(200, 140)).ask("yes").tokens


def test_transformers_auto_class_loads_it_too(saved, model):
    assert isinstance(AutoModel.from_pretrained(saved), Fathom)


def test_the_folder_holds_no_pickle(saved):
    names = sorted(path.name for path in saved.iterdir())
    assert "model.safetensors" in names and "config.json" in names
    assert all(name.endswith((".safetensors", ".json", ".jinja", ".txt", ".md")) for name in names), names


@pytest.fixture
def tampered(saved, tmp_path):
    """tampered(change): a copy of the saved model whose tensors `change` was applied to."""

    def make(change):
        for path in saved.iterdir():
            (tmp_path / path.name).write_bytes(path.read_bytes())
        tensors = load_file(saved / "model.safetensors")
        change(tensors)
        save_file(tensors, tmp_path / "model.safetensors", {"format": "pt"})
        return tmp_path

    return make


VISION = "backbone.model.visual.blocks.1.mlp.linear_fc1.weight"


@pytest.mark.parametrize("name", ["heads.depth.last.weight", "heads.rays.focal.bias", VISION])
def test_a_missing_tensor_is_named(tampered, name):
    folder = tampered(lambda tensors: tensors.pop(name))
    with pytest.raises(InputError, match=rf"model: .*missing {name}"):
        Fathom.from_pretrained(folder)


def test_an_unexpected_tensor_is_named(tampered):
    folder = tampered(lambda tensors: tensors.update({"heads.depth.extra": torch.zeros(2)}))
    with pytest.raises(InputError, match=r"model: .*unexpected heads\.depth\.extra"):
        Fathom.from_pretrained(folder)


@pytest.mark.parametrize("name", ["heads.depth.last.bias", VISION])
def test_a_tensor_of_the_wrong_shape_is_named(tampered, name):
    folder = tampered(lambda tensors: tensors.update({name: torch.zeros(3)}))
    with pytest.raises(InputError, match=rf"model: .*{name}.*\(3,\)"):
        Fathom.from_pretrained(folder)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_a_model_in_half_precision_still_measures_in_float32(saved, model, photo, dtype):
    half = Fathom.from_pretrained(saved, dtype=dtype)
    assert next(half.backbone.parameters()).dtype == dtype
    exact, scene = model.look(photo(200, 140)), half.look(photo(200, 140))
    assert scene.depth_z.dtype == np.float32
    both = np.isfinite(exact.depth_z) & np.isfinite(scene.depth_z)
    off = np.abs(np.log(scene.depth_z[both] / exact.depth_z[both]))
    assert both.mean() > 0.3 and np.median(off) < 0.05
    assert all(weight.dtype == torch.float32 for weight in half.heads.parameters())


# ---- training passes ---------------------------------------------------------------------------------------


def samples(photo) -> list[Sample]:
    """Two photographs with two and three questions."""
    made = []
    for i, (w, h) in enumerate([(96, 64), (64, 96)]):
        depth = np.full((h, w), 2.0 + i, np.float32)
        pairs = list(zip(QUESTIONS, ["2.4 m", "no", "a table"], strict=True))[i:]
        view = View(photo(w, h, i), Camera.from_fov(w, h, 60), depth)
        made.append(Sample([view], [conversation(*pair) for pair in pairs]))
    return made


def conversation(question: str, answer: str) -> list[dict]:
    asked = [{"type": "image"}, {"type": "text", "text": question}]
    return [{"role": "user", "content": asked}, {"role": "assistant", "content": answer}]


def text_loss_one_by_one(model, made) -> tuple[float, int]:
    """The same questions, each in a row of its own."""
    total, count = 0.0, 0
    for sample in made:
        for asked, answered in sample.conversations:
            question, answer = asked["content"][1]["text"], answered["content"]
            ids, images = prompt(model, [sample.views[0].image], question)
            told = [*model.processor.tokenizer(answer).input_ids, model.processor.end_id]
            logits = logits_of(model, [*ids, *told], images)
            total += float(functional.cross_entropy(logits[len(ids) - 1 : -1], torch.tensor(told), reduction="sum"))
            count += len(told)
    return total, count


@pytest.mark.parametrize("attention", ["sdpa", "eager"])
def test_packed_questions_cost_what_they_cost_alone(model, saved, photo, attention):
    used = model if attention == "sdpa" else Fathom.from_pretrained(saved, attn_implementation="eager")
    made = samples(photo)
    with torch.no_grad():
        output = used(**Collator(model.processor, ["depth", "rays"])(made))
    total, count = output.losses["text"]
    expected, expected_count = text_loss_one_by_one(model, made)
    assert int(count) == expected_count
    assert float(total) == pytest.approx(expected, rel=1e-4)


def test_packing_changes_no_depth(model, photo):
    made = samples(photo)
    batch = Collator(model.processor, ["depth", "rays"])(made)
    with torch.no_grad():
        output = model(**batch)
    for i, sample in enumerate(made):
        ids, images = prompt(model, [sample.views[0].image], None)
        assert close(dense(output, i), dense(forward(model, ids, images)), 1e-5)


def test_logits_are_computed_where_a_label_asks_and_nowhere_else(model, photo):
    batch = Collator(model.processor, ["depth", "rays"])(samples(photo))
    with calls_of(model.get_output_embeddings()) as seen, torch.no_grad():
        output = model(**batch)
    labelled = int((batch["labels"] != -100).sum())
    assert sum(out.numel() // out.shape[-1] for out in seen) == labelled
    assert labelled < batch["labels"].numel() / 2 and output.logits is None


def test_a_batch_without_questions_trains_the_heads_alone(model, photo):
    made = [Sample(sample.views, []) for sample in samples(photo)]
    with torch.no_grad():
        output = model(**Collator(model.processor, ["depth", "rays"])(made))
    total, count = output.losses["text"]
    assert float(total) == 0 and int(count) == 0
    assert float(output.losses["depth_l1"][0]) > 0


def test_losses_of_heads_do_not_depend_on_who_shares_the_batch(model, photo):
    made = samples(photo)
    collate = Collator(model.processor, ["depth", "rays"])
    with torch.no_grad():
        whole = model(**collate(made)).losses
        parts = [model(**collate([sample])).losses for sample in made]
    for name, (total, count) in whole.items():
        assert float(total) == pytest.approx(sum(float(part[name][0]) for part in parts), rel=1e-4), name
        assert int(count) == sum(int(part[name][1]) for part in parts), name
