"""The contract of every family: places agree, the image is seen once, company and padding change nothing."""

import warnings

import numpy as np
import pytest
import torch
from peft import LoraConfig, inject_adapter_in_model

from tests.vlm.families import KINDS, own_processor, tiny_family
from tests.vlm.helpers import calls_of, close, dense
from vlm.errors import InputError
from vlm.images import load_image, prepare
from vlm.model import Fathom

QUESTIONS = ["How far is the red chair?", "yes", "Describe the table at (512, 304)"]
MODELS: dict[str, Fathom] = {}


@pytest.fixture(params=KINDS)
def name(request):
    return request.param


@pytest.fixture
def family_model(name):
    """One tiny model a family for all of these tests, read only."""
    if name not in MODELS:
        MODELS[name] = tiny_family(name)
    return MODELS[name]


def messages(count: int, question: str) -> list[dict]:
    content = [*({"type": "image"} for _ in range(count)), {"type": "text", "text": question}]
    return [{"role": "user", "content": content}]


def prepared(model: Fathom, photos: list[np.ndarray]) -> list[np.ndarray]:
    """Photographs of one prompt at the network's sizes."""
    loaded = [load_image(photo) for photo in photos]
    return [prepare(photo, model.processor.plan(*photo.size, len(photos))) for photo in loaded]


def batch_of(model: Fathom, prompts: list[tuple[list[np.ndarray], str]], side: str = "right") -> dict:
    """Prompts, each of photographs and a question -> keyword arguments of forward, padded on `side`."""
    images = [prepared(model, photos) for photos, _ in prompts]
    pixel_values, grid_thw = model.processor.pixels([i for row in images for i in row], [len(row) for row in images])
    grids = iter(grid_thw.tolist())
    rows = [
        model.processor.prompt_ids(messages(len(photos), question), [next(grids) for _ in photos])
        for photos, question in prompts
    ]
    length = max(map(len, rows))
    ids = torch.full((len(rows), length), model.processor.end_id)
    mask = torch.zeros(len(rows), length, dtype=torch.long)
    for b, row in enumerate(rows):
        here = slice(length - len(row), length) if side == "left" else slice(len(row))
        ids[b, here], mask[b, here] = torch.tensor(row), 1
    return {"input_ids": ids, "attention_mask": mask, "pixel_values": pixel_values, "image_grid_thw": grid_thw}


@torch.no_grad()
def run(model: Fathom, prompts: list[tuple[list[np.ndarray], str]], side: str = "right"):
    return model(**batch_of(model, prompts, side))


# ---- places ------------------------------------------------------------------------------------------------


@torch.no_grad()
def grids_of(model: Fathom, image: np.ndarray) -> dict[str, torch.Tensor]:
    """Every tap of the depth head for an image of the network's size, (C, h, w), as the head gets it."""
    seen = {}
    hook = model.heads["depth"].register_forward_pre_hook(lambda _m, args: seen.update(args[0].taps))
    pixel_values, grid_thw = model.processor.pixels([image])
    ids = model.processor.split_prompt("?", grid_thw.tolist())[0]
    model(torch.tensor([ids]), pixel_values=pixel_values, image_grid_thw=grid_thw)
    hook.remove()
    return {name: tap[0] for name, tap in seen.items()}


def largest_changes(model: Fathom, size: tuple[int, int], shuffled: bool = False, mark: float = 1.0) -> list[bool]:
    """A square of `mark` tokens' size, brightened at several places: is each tap's largest change there?

    Where a tap's second half comes from a small copy of the whole, that half may be off by one cell of its own.
    """
    config, kind = model.config.backbone_config, getattr(model.family, "tiles", None)
    tiles = kind(config) if kind else None
    plan = model.processor.plan(*size)
    rows, columns = plan.tokens
    share = plan.padded[1] / plan.resized[1] / rows, plan.padded[0] / plan.resized[0] / columns  # of the photograph
    last_row, last = (int(1 / s + 1e-6) - (s * n > 1) - 1 for s, n in zip(share, (rows, columns), strict=True))
    dark = np.full((size[1], size[0], 3), 90, np.uint8)
    before, found = grids_of(model, prepared(model, [dark])[0]), []
    for row, column in [(0, last), (last_row, 0), (last_row // 2, last // 2), (last_row, last)]:
        image = dark.copy()
        y, x = (
            slice(round((i + 0.5 - mark / 2) * s * side), round((i + 0.5 + mark / 2) * s * side))
            for i, s, side in zip((row, column), share, size[::-1], strict=True)
        )
        image[y, x] = 255
        after = grids_of(model, prepared(model, [image])[0])
        for tap, grid in after.items():
            for part, half in enumerate((grid - before[tap]).square().chunk(tiles.halves if tiles else 1)):
                if part == 1 and tap == "language.-1":
                    continue  # normed: the few cells of the copy that see some of the square all change as much
                change = half.sum(0)
                if shuffled:
                    order = torch.randperm(change.numel(), generator=torch.Generator().manual_seed(0))
                    change = change.flatten()[order].reshape(change.shape)
                place = np.unravel_index(int(change.argmax()), tuple(change.shape))
                for at, start, count, cells in zip(place, (row, column), (rows, columns), change.shape, strict=True):
                    own = (tiles.patches if tap.startswith("vision") else tiles.tokens) if tiles and part else 0
                    slack = count / own if own else 0.0
                    found.append(start - slack <= (int(at) + 0.5) * count / cells < start + 1 + slack)
    return found


@pytest.mark.parametrize("shape", range(3))
def test_a_square_moved_over_the_picture_moves_over_every_grid(name, family_model, shape):
    assert all(largest_changes(family_model, KINDS[name].sizes[shape], mark=KINDS[name].mark))


def test_a_shuffled_grid_would_be_noticed(name, family_model):
    assert not all(largest_changes(family_model, KINDS[name].sizes[1], shuffled=True))


def test_the_heads_see_the_picture_that_went_in(name, family_model, photo):
    """Normalisation differs by family: what comes back is the photograph up to gain and offset per channel."""
    images = [prepared(family_model, [photo(*size, i)])[0] for i, size in enumerate(KINDS[name].sizes)]
    pixel_values, grid_thw = family_model.processor.pixels(images)
    pictures = family_model.family.images(pixel_values, grid_thw, family_model.config.backbone_config)
    for image, picture in zip(images, pictures, strict=True):
        assert tuple(picture.shape) == (3, *image.shape[:2])
        for channel in range(3):
            pair = np.stack([image[..., channel].ravel(), picture[channel].numpy().ravel()]).astype(float)
            assert np.corrcoef(pair)[0, 1] > 0.9999


def test_plans_promise_the_grids_that_come(name, family_model, photo):
    for i, size in enumerate(KINDS[name].sizes):
        plan = family_model.processor.plan(*size)
        _, grid_thw = family_model.processor.pixels(prepared(family_model, [photo(*size, i)]))
        config = family_model.config.backbone_config
        assert family_model.family.token_sizes(grid_thw, config) == [plan.tokens]
    assert len({family_model.processor.plan(*size).padded for size in KINDS[name].sizes}) == KINDS[name].shapes


# ---- the family's own words --------------------------------------------------------------------------------


CONVERSATIONS = {
    "one image": messages(1, QUESTIONS[0]),
    "three images": messages(3, QUESTIONS[2]),
    "system": [{"role": "system", "content": [{"type": "text", "text": "Be brief."}]}, *messages(1, "yes")],
    "several turns": [
        *messages(2, QUESTIONS[0]),
        {"role": "assistant", "content": [{"type": "text", "text": "2.4 m"}]},
        *messages(1, "no"),
    ],
}


@pytest.mark.parametrize("conversation", CONVERSATIONS)
def test_prompts_and_logits_are_the_familys_own(name, family_model, photo, conversation):
    """Its own processor and its own forward, around the same weights: the same ids, pixels and logits."""
    said = CONVERSATIONS[conversation]
    count = sum(part["type"] == "image" for message in said for part in message["content"])
    if not KINDS[name].chats and len(said) > 1:
        pytest.skip("this family has no chat template")
    images = prepared(family_model, [photo(*KINDS[name].sizes[i], i) for i in range(count)])
    pixel_values, grid_thw = family_model.processor.pixels(images, [count])
    ids = family_model.processor.prompt_ids(said, grid_thw.tolist())

    own = own_processor(family_model, name)
    text = KINDS[name].render(own, said)
    batch = own(text=[text], images=[images], return_tensors="pt", add_special_tokens=False, **KINDS[name].as_prepared)
    assert batch["input_ids"][0].tolist() == ids
    batch.pop("labels", None)
    with torch.no_grad():
        theirs = family_model.backbone(**batch)
        ours = family_model(torch.tensor([ids]), pixel_values=pixel_values, image_grid_thw=grid_thw)
    assert close(ours.logits, theirs.logits)


def test_a_question_that_holds_the_image_slot_is_an_error(family_model, photo):
    if not hasattr(family_model.family, "image_text"):
        pytest.skip("this family's slot is a token of its own")
    with pytest.raises(InputError, match=r"question: .*<.*allowed"):
        family_model.processor.split_prompt(f"What is {family_model.family.SLOT}?", [[1, 4, 4]])


# ---- seen once ---------------------------------------------------------------------------------------------


def test_one_look_is_one_pass_of_the_vision_tower(name, family_model, photo):
    """Text and geometry from one encoding; where the image sees the question, one more for every question."""
    with calls_of(family_model.vision_tower) as seen:
        scene = family_model.look(photo(*KINDS[name].sizes[1]))
        assert scene.depth_z.shape == KINDS[name].sizes[1][::-1] and scene.points.shape[-1] == 3
        for question in QUESTIONS:
            scene.ask(question, max_new_tokens=3)
        chat = scene.chat()
        list(chat.say("hello", max_new_tokens=3))
        list(chat.say("and now?", max_new_tokens=3))
    again = 4 if family_model.family.IMAGE_SEES_QUESTION else 0
    assert len(seen) == 1 + again
    assert any("question" in note for note in scene.notes) == family_model.family.IMAGE_SEES_QUESTION
    with calls_of(family_model.vision_tower) as seen:
        output = run(family_model, [([photo(*KINDS[name].sizes[0])], "yes")])
    assert len(seen) == 1 and output.logits is not None and "log_depth" in output.dense["depth"][0]


def test_depth_hears_the_question_only_where_the_family_says_so(name, family_model, photo):
    image = photo(*KINDS[name].sizes[1])
    one, other = (run(family_model, [([image], question)]) for question in QUESTIONS[::2])
    assert close(dense(one), dense(other), 1e-5) == (not family_model.family.IMAGE_SEES_QUESTION)


# ---- alone or in company -----------------------------------------------------------------------------------


@pytest.mark.parametrize("side", ["left", "right"])
def test_a_batch_of_mixed_sizes_equals_single_calls_on_either_padding(name, family_model, photo, side):
    prompts = [
        ([photo(*size, i)], question)
        for i, (size, question) in enumerate(zip(KINDS[name].sizes, QUESTIONS, strict=True))
    ]
    together = run(family_model, prompts, side)
    length = together.logits.shape[1]
    for b, prompt in enumerate(prompts):
        alone = run(family_model, [prompt])
        n = alone.logits.shape[1]
        here = slice(length - n, length) if side == "left" else slice(n)
        assert close(together.logits[b, here], alone.logits[0])
        assert close(dense(together, b), dense(alone))
        tokens = int(alone.ray_input.mask.sum())
        assert close(together.rays["direction"][b, :tokens], alone.rays["direction"][0])
    assert len({run(family_model, [prompt]).logits.shape[1] for prompt in prompts}) > 1


def test_scenes_looked_at_together_are_those_looked_at_alone(name, family_model, photo):
    photos = [photo(*size, i) for i, size in enumerate(KINDS[name].sizes)]
    for scene, image in zip(family_model.look_many(photos), photos, strict=True):
        alone = family_model.look(image)
        known = np.isfinite(alone.depth_z) & np.isfinite(scene.depth_z)
        assert known.any() and np.abs(np.log(scene.depth_z[known] / alone.depth_z[known])).max() < 1e-3
        one, other = (s.ask(QUESTIONS[0], max_new_tokens=4) for s in (scene, alone))
        assert one.tokens == other.tokens
        assert one.log_probability == pytest.approx(other.log_probability, abs=1e-3)


def test_every_image_of_a_prompt_has_its_own_depth(name, family_model, photo):
    first, second, third = (photo(*KINDS[name].sizes[i], i) for i in (1, 2, 2))
    third = third[::-1].copy()
    both, other = (run(family_model, [([first, image], "yes")]) for image in (second, third))
    seen = not family_model.family.IMAGE_SEES_QUESTION
    assert len(both.dense["depth"]) == 2 and both.rays["raw_focal_scale"].shape == (1, 2)
    assert close(dense(both, 0), dense(other, 0), 1e-5) == seen  # the first cannot see the second, if causal
    assert not close(dense(both, 1), dense(other, 1), 1e-2)
    scene = family_model.look(views=[first, second])
    assert [view.depth_z.shape for view in scene.views] == [first.shape[:2], second.shape[:2]]


# ---- questions from the cache ------------------------------------------------------------------------------


def test_interleaved_questions_from_the_cache_equal_full_passes(name, family_model, photo):
    photos = [photo(*KINDS[name].sizes[i], i) for i in (1, 2)]
    scenes = [family_model.look(image) for image in photos]
    for question in QUESTIONS:
        for scene, image in zip(scenes, photos, strict=True):
            with calls_of(family_model.get_output_embeddings()) as steps:
                answer = scene.ask(question, max_new_tokens=4)
            batch = batch_of(family_model, [([image], question)])
            for n, step in enumerate(steps):
                told = answer.tokens[:n]
                if family_model.processor.image_token_id in told:  # random weights say anything
                    break
                assert close(family_model.capped(step)[0, -1], after(family_model, batch, told))


@torch.no_grad()
def after(model: Fathom, batch: dict, told: tuple[int, ...]) -> torch.Tensor:
    """Logits after the prompt and `told`, by the family's own forward without a cache; what is told is no prompt."""
    ids = torch.cat([batch["input_ids"], torch.tensor([told], dtype=torch.long)], 1)
    extra = model.family.inputs(ids, batch["pixel_values"], batch["image_grid_thw"], model.config.backbone_config)
    if "token_type_ids" in extra and model.family.IMAGE_SEES_QUESTION:
        extra["token_type_ids"][:, batch["input_ids"].shape[1] :] = 1
    if "image_grid_thw" in extra:
        extra["mm_token_type_ids"] = (ids == model.processor.image_token_id).int()
    return model.backbone(input_ids=ids, use_cache=False, **extra).logits[0, -1]


def test_a_chat_goes_on_where_it_was(name, family_model, photo):
    scene = family_model.look(photo(*KINDS[name].sizes[1]))
    with calls_of(family_model.get_output_embeddings()) as asked:
        first = scene.ask(QUESTIONS[0], max_new_tokens=4)
    chat = scene.chat()
    with calls_of(family_model.get_output_embeddings()) as said:
        "".join(chat.say(QUESTIONS[0], max_new_tokens=4))
    assert all(close(one[0, -1], other[0, -1]) for one, other in zip(asked, said, strict=False)) and len(asked) > 0
    "".join(chat.say(QUESTIONS[1], max_new_tokens=4))
    assert [turn["role"] for turn in chat.history] == ["user", "assistant"] * 2
    assert scene.ask(QUESTIONS[0], max_new_tokens=4).tokens == first.tokens


# ---- to disk and back, and training ------------------------------------------------------------------------


def test_saved_and_loaded_is_the_same_to_the_last_bit(name, family_model, photo, tmp_path):
    family_model.save_pretrained(tmp_path)
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        again = Fathom.from_pretrained(tmp_path)
    ours, theirs = family_model.state_dict(), again.state_dict()
    assert ours.keys() == theirs.keys() and all(torch.equal(ours[key], theirs[key]) for key in ours)
    prompt = [([photo(*KINDS[name].sizes[1])], QUESTIONS[0])]
    one, other = run(family_model, prompt), run(again, prompt)
    assert close(one.logits, other.logits, 1e-5) and close(dense(one), dense(other), 1e-5)


def test_gradients_reach_the_heads_and_the_named_adapters_only(name, photo):
    model = tiny_family(name)
    targets = model.family.LORA_TARGETS
    inject_adapter_in_model(LoraConfig(r=2, target_modules=targets, init_lora_weights=False), model.backbone)
    output = model(**batch_of(model, [([photo(*KINDS[name].sizes[1])], QUESTIONS[0])]))
    (dense(output).square().mean() + output.rays["direction"].square().mean() + output.logits.mean()).backward()
    reached = {path for path, weight in model.named_parameters() if weight.grad is not None and weight.grad.any()}
    layers = model.config.backbone_config.get_text_config().num_hidden_layers
    adapted = {path.split(".lora_")[0] for path in reached if ".lora_" in path}
    assert len(adapted) == 7 * layers and not any("vision" in path or "visual" in path for path in adapted)
    assert {path for path in reached if not path.startswith("heads.")} == {path for path in reached if ".lora_" in path}
    assert {path for path, _ in model.named_parameters() if ".lora_" in path} <= reached
    assert {"heads.depth.last.weight", "heads.rays.last.weight"} <= reached
