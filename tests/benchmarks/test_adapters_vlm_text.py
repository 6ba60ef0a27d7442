"""VLMs asked in words: the exact question, the arrow, the focal length, what counts as a number."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import BertConfig, LlavaConfig, LlavaForConditionalGeneration, PreTrainedTokenizerFast

from benchmarks.adapters.base import check_spec, load_adapter
from benchmarks.adapters.speakers import PixtralInput
from benchmarks.adapters.vlm_text import QUESTIONS, Asking, VlmText, at_focal, metres_in, with_arrow
from benchmarks.depth import DepthOptions, run_depth
from heads.camera import Camera
from heads.errors import InputError
from tests.tiny import WORDS, tiny_model, tiny_records
from train.tokenizer import train_tokenizer
from vlm.images import Photo, load_image
from vlm.records import read_records

PLAIN_TEMPLATE = (
    "{% for message in messages %}{% for part in message['content'] %}{% if part['type'] == 'image' %}IMAGE"
    "{% else %}{{ part['content'] if part['content'] else part['text'] }}{% endif %}{% endfor %}{% endfor %}"
)


def photo(width: int = 90, height: int = 60) -> Photo:
    return load_image(np.random.default_rng(0).integers(0, 200, (height, width, 3)).astype(np.uint8))


class Told:
    """A speaker that answers from a list and remembers what it was shown."""

    def __init__(self, *texts: str):
        self.texts, self.shown = list(texts), []
        self.facts: dict[str, object] = {"class": "Told"}

    def answers(self, picture, camera, questions, limit):
        self.shown.append((picture, camera, questions, limit))
        return [self.texts.pop(0) for _ in questions]


def test_the_exact_questions():
    assert QUESTIONS == {
        "marker": "Given this image, how far is the point pointed by the red arrow from the camera? Output the thinking"
        " process in <think> </think> and final answer (the meter number only, without the unit) in <answer> </answer>"
        " tags.",
        "coordinate": "Given this image, how far is the point at ({x}, {y}) from the camera? Coordinates run from 0 to"
        " 1000 across and down the image. Output the thinking process in <think> </think> and final answer (the meter"
        " number only, without the unit) in <answer> </answer> tags.",
    }


@pytest.mark.parametrize(
    ("text", "metres"),
    [
        ("<think> The point is around 3.20 meters away. </think><answer> 3.20 </answer>", 3.2),
        ("<answer>12</answer>", 12.0),
        ("<answer>\n.5 m\n</answer>", 0.5),
        ("<answer>2.5 meters.</answer> and so on", 2.5),
        ("4.75", 4.75),
        (" 4.75 Metres ", 4.75),
        ("about 4.75 m", None),  # without tags the number stands alone
        ("<answer> about 4.75 </answer>", None),
        ("<answer> 150 cm </answer>", None),
        ("<answer> 1,200 </answer>", None),
        ("<answer> 2 to 3 </answer>", None),
        ("<answer> 0 </answer>", None),
        ("<answer> -2 </answer>", None),
        ("<answer> inf </answer>", None),
        ("<answer>2</answer><answer>3</answer>", None),
        ("<answer> 2.5", None),  # it ran out of tokens
        ("", None),
    ],
)
def test_a_number_of_metres_or_nothing(text, metres):
    assert metres_in(text) == pytest.approx(np.nan if metres is None else metres, nan_ok=True)


def test_the_arrow_ends_at_the_pixel_and_leaves_it_as_it_was():
    picture = np.full((40, 50, 3), 90, np.uint8)
    drawn = with_arrow(picture, 20, 10)
    red = {(int(x), int(y)) for y, x in zip(*np.nonzero((drawn == (255, 0, 0)).all(-1)), strict=True)}
    shaft = {(19, 10), (18, 10), (17, 10), (16, 10), (15, 10)}
    assert red == shaft | {(18, 9), (18, 11), (17, 8), (17, 12)}
    assert (drawn[10, 20] == 90).all() and (picture == 90).all()
    at_left = with_arrow(picture, 0, 0)  # from the right, and only what fits
    red = {(int(x), int(y)) for y, x in zip(*np.nonzero((at_left == (255, 0, 0)).all(-1)), strict=True)}
    assert red == {(1, 0), (2, 0), (3, 0), (4, 0), (5, 0), (2, 1), (3, 2)}


def test_the_photograph_is_resized_to_one_focal_length():
    rgb = photo().rgb
    camera = Camera.from_intrinsics(60.0, fy=40.0, cx=40.0, cy=30.0, width=90, height=60)
    picture, seen = at_focal(rgb, camera, 120.0)
    assert picture.shape == (180, 180, 3)  # 90 * 120 / 60 and 60 * 120 / 40
    assert seen is not None and (seen.fx, seen.fy, seen.cx, seen.cy) == pytest.approx((120, 120, 80, 90))
    assert at_focal(rgb, camera, 0)[0] is rgb and at_focal(rgb, None, 120.0)[0] is rgb


def test_a_distance_along_the_ray_becomes_depth_with_the_camera():
    camera = Camera.from_intrinsics(60.0, width=90, height=60)  # centre (45, 30)
    pixels = np.array([[45.0, 30.0], [45.0 + 60, 30.0]])[:1].repeat(2, 0)
    pixels[1, 0] = 45 - 45  # 45 px left of the centre: ray (-0.75, 0, 1), length 1.25
    for answer, expected in (("ray_distance", [2.0, 4.0]), ("z_depth", [2.0, 5.0])):
        told = Told("<answer> 2 </answer>", "<answer> 5 </answer>")
        adapter = VlmText(told, "told", Asking(answer=answer))
        found = adapter.predict([photo()], [camera], [pixels])[0]
        assert found.points_at == pytest.approx(expected) and found.notes == [] and found.focal_from == "caller"
        assert found.depth_metric is None


def test_each_pixel_is_marked_on_a_picture_of_its_own():
    told = Told("<answer> 2 </answer>", "I cannot tell.", "<answer> 3 </answer>")
    adapter = VlmText(told, "told", Asking(focal_px=120.0, max_new_tokens=9))
    camera = Camera.from_intrinsics(60.0, width=90, height=60)
    pixels = np.array([[10.5, 20.5], [44.9, 30.0], [90.0, 60.0]])  # the last is the corner of the photograph
    found = adapter.predict([photo()], [camera], [pixels])[0]
    tips = [(21, 41), (89, 60), (179, 119)]  # twice as large
    for (picture, seen, questions, limit), (x, y) in zip(told.shown, tips, strict=True):
        assert picture.shape == (120, 180, 3) and seen.size == (180, 120) and limit == 9
        assert questions == [QUESTIONS["marker"]]
        assert (picture[y, x - 1] == (255, 0, 0)).all() and not (picture[y, x] == (255, 0, 0)).all()
    assert np.isnan(found.points_at[1]) and np.isfinite(found.points_at[[0, 2]]).all()
    assert found.notes == ["1 of 3 answers are no number of metres, as 'I cannot tell.'"]


def test_all_pixels_are_told_about_one_picture():
    told = Told("<answer> 2 </answer>", "<answer> 3 </answer>")
    adapter = VlmText(told, "told", Asking(pixel="coordinate"))
    pixels = np.array([[9.0, 45.0], [90.0, 0.0]])
    found = adapter.predict([photo()], [None], [pixels])[0]
    ((picture, camera, questions, _),) = told.shown
    assert (picture == photo().rgb).all() and camera is None
    assert ["at (100, 750)" in questions[0], "at (1000, 0)" in questions[1]] == [True, True]
    assert found.points_at.tolist() == [2.0, 3.0] and found.focal_from is None
    assert found.notes == [
        "no camera: asked at the photograph's own size",
        "no camera: the answered distance is taken as depth",
    ]


def test_a_whole_map_is_refused_in_words():
    with pytest.raises(InputError, match=r"mode: told answers at labelled pixels only.*allowed: sparse"):
        VlmText(Told(), "told", Asking()).predict([photo()], [None], None)


def test_a_photograph_without_pixels_is_not_asked():
    for pixel in QUESTIONS:
        found = VlmText(Told(), "told", Asking(pixel=pixel)).predict([photo()], [None], [np.zeros((0, 2))])[0]
        assert found.points_at.shape == (0,)


# ---- real classes ------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def qwen(tmp_path_factory) -> Path:
    """A plain Qwen3-VL folder, without Fathom's heads."""
    model, folder = tiny_model(), tmp_path_factory.mktemp("qwen")
    model.backbone.save_pretrained(folder)
    model.processor.save_pretrained(folder)
    return folder


def test_a_known_family_through_fathoms_loader(qwen, monkeypatch):
    for pixel in QUESTIONS:
        adapter = load_adapter(f"vlm-text:{qwen}?max_new_tokens=3&focal_px=800&pixel={pixel}")
        assert adapter.claims == {"points_at"} and not adapter.needs_camera
        assert adapter.facts["class"] == "Qwen3VLForConditionalGeneration"
        pixels = np.array([[10.5, 20.5], [70.0, 40.0]])
        camera = Camera.from_intrinsics(800.0, width=90, height=60)
        found = adapter.predict([photo()], [camera], [pixels])[0]
        assert np.isnan(found.points_at).all()  # random weights say nothing readable
        assert found.notes[0].startswith("2 of 2 answers are no number of metres")
        tokenizer = adapter.speaker.model.processor.tokenizer
        monkeypatch.setattr(type(tokenizer), "decode", lambda *_, **__: "<answer> 2.50 </answer>")
        found = adapter.predict([photo()], [camera], [pixels])[0]
        monkeypatch.undo()
        assert found.points_at == pytest.approx(2.5 * camera.rays_at(pixels)[:, 2]) and not found.notes
    assert adapter.facts["prompt"] == QUESTIONS["coordinate"] and adapter.facts["max_new_tokens"] == 3


def test_nano_can_be_asked_too():
    adapter = load_adapter("vlm-text:nano?pixel=coordinate&max_new_tokens=2")
    assert adapter.name == "nano asked by coordinate"
    assert adapter.predict([photo()], [None], [np.array([[5.0, 5.0]])])[0].points_at.shape == (1,)


def tokenizer_with(*special: str, template: str | None) -> PreTrainedTokenizerFast:
    inner = train_tokenizer(WORDS, 300).backend_tokenizer
    inner.add_special_tokens(list(special))
    return PreTrainedTokenizerFast(
        tokenizer_object=inner, eos_token="<|im_end|>", pad_token="<|endoftext|>", chat_template=template
    )


def tiny_llava(folder: Path, vision: dict, image_token: str, tokenizer) -> LlavaForConditionalGeneration:
    torch.manual_seed(0)
    text = {
        "model_type": "llama", "hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 2,
        "num_attention_heads": 2, "num_key_value_heads": 2, "vocab_size": len(tokenizer), "eos_token_id": None,
        "bos_token_id": None, "pad_token_id": 0,
    }  # fmt: skip
    config = LlavaConfig(
        text_config=text,
        vision_config={"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2}
        | vision,
        image_token_index=tokenizer.convert_tokens_to_ids(image_token),
        vision_feature_layer=-1,
        vision_feature_select_strategy="full",
    )
    model = LlavaForConditionalGeneration(config).eval()
    for weight in model.parameters():
        if weight.ndim > 1:
            torch.nn.init.normal_(weight, std=0.3)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return model


def test_another_family_through_transformers_and_its_own_processor(tmp_path):
    tokenizer = tokenizer_with("<image>", template=PLAIN_TEMPLATE.replace("IMAGE", "<image>"))
    vision = {"model_type": "clip_vision_model", "image_size": 32, "patch_size": 16, "projection_dim": 16}
    tiny_llava(tmp_path, vision, "<image>", tokenizer)
    (tmp_path / "preprocessor_config.json").write_text(
        json.dumps(
            {
                "image_processor_type": "CLIPImageProcessor",
                "size": {"height": 32, "width": 32},
                "crop_size": {"height": 32, "width": 32},
            }
        )
    )
    (tmp_path / "processor_config.json").write_text(
        json.dumps(
            {
                "processor_class": "LlavaProcessor",
                "patch_size": 16,
                "num_additional_image_tokens": 1,
                "vision_feature_select_strategy": "full",
            }
        )
    )
    adapter = load_adapter(f"vlm-text:{tmp_path}?max_new_tokens=4")
    assert adapter.facts["class"] == "LlavaForConditionalGeneration"
    assert np.isnan(adapter.predict([photo()], [None], [np.array([[5.0, 5.0]])])[0].points_at).all()
    bright, dark = (np.full((40, 40, 3), value, np.uint8) for value in (255, 0))
    texts = [adapter.speaker.answers(picture, None, ["yes"], 8)[0] for picture in (bright, dark, bright)]
    assert texts[0] == texts[2] != texts[1]


def test_pixtral_of_which_depthlm_is_one_without_torchvision(tmp_path):
    tokenizer = tokenizer_with("[IMG]", "[IMG_BREAK]", "[IMG_END]", template=None)
    vision = {"model_type": "pixtral", "image_size": 64, "patch_size": 16, "head_dim": 8}
    model = tiny_llava(tmp_path, vision, "[IMG]", tokenizer)
    (tmp_path / "preprocessor_config.json").write_text(
        json.dumps({"image_processor_type": "PixtralImageProcessor", "size": {"longest_edge": 64}})
    )
    template = PLAIN_TEMPLATE.replace("IMAGE", "[IMG]")
    (tmp_path / "chat_template.json").write_text(json.dumps({"chat_template": template}))
    adapter = load_adapter(f"vlm-text:{tmp_path}?max_new_tokens=4&focal_px=750")
    source = adapter.speaker.processor
    assert isinstance(source, PixtralInput)
    picture = photo(60, 40)
    content = [{"type": "image", "image": picture.rgb}, {"type": "text", "text": "yes"}]
    seen = source.apply_chat_template([{"role": "user", "content": content}])
    # 60x40 becomes 64x48: three rows of four patches
    assert seen["pixel_values"].shape == (1, 3, 48, 64)
    row = "[IMG][IMG][IMG][IMG]"
    assert tokenizer.decode(seen["input_ids"][0]) == f"{row}[IMG_BREAK]{row}[IMG_BREAK]{row}[IMG_END]yes"
    with torch.no_grad():
        assert model(**seen).logits.shape[1] == seen["input_ids"].shape[1]
    found = adapter.predict([picture], [Camera.from_intrinsics(900.0, width=60, height=40)], [np.array([[5.0, 5.0]])])
    assert found[0].points_at.shape == (1,)


def test_wrong_options_and_models_are_one_line_before_any_weight(qwen, tmp_path):
    BertConfig().save_pretrained(tmp_path)
    for spec, said in (
        (f"vlm-text:{qwen}?colour=red", r"model: .* has the option 'colour'; allowed: pixel, focal_px, answer"),
        (f"vlm-text:{qwen}?pixel=finger", "pixel: 'finger'; allowed: marker or coordinate"),
        (f"vlm-text:{qwen}?answer=feet", "answer: 'feet'; allowed: ray_distance or z_depth"),
        (f"vlm-text:{qwen}?focal_px=wide", "focal_px: 'wide'; allowed: a number"),
        (f"vlm-text:{qwen}?focal_px=3", "focal_px: is 3.0; allowed: 0, or 10 to 10000"),
        (f"vlm-text:{qwen}?max_new_tokens=0", "max_new_tokens: is 0; allowed: 1 or more"),
        (f"vlm-text:{tmp_path}", "model: .* holds a 'bert' model; allowed: a vision-language model"),
    ):
        for what in (check_spec, load_adapter):
            with pytest.raises(InputError, match=said):
                what(spec)
    check_spec(f"vlm-text:{qwen}?focal_px=750")
    check_spec("vlm-text:nano")
    check_spec("vlm-text:owner/model")  # looked at when it is loaded


def test_a_dense_run_says_that_it_cannot_be(tmp_path):
    records = list(read_records(tiny_records(tmp_path, 2)))
    result = run_depth(VlmText(Told(), "told", Asking()), records, tmp_path / "out", DepthOptions("dense"))
    assert result.not_run == "it answers at labelled pixels only (sparse)" and not result.datasets
