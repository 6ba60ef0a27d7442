"""The real Qwen3-VL tokenizer and chat template: our ids are those of the family's own processor."""

import json
from pathlib import Path

import numpy as np
import pytest
import transformers

from vlm.processor import FathomProcessor

FOLDER = Path(__file__).parents[3] / "shared" / "data" / "qwen3_vl"
pytestmark = pytest.mark.skipif(not FOLDER.is_dir(), reason=f"the real tokenizer is not at {FOLDER}")

SIZES = [(128, 192), (256, 128), (192, 192)]


def text(content: str) -> list[dict]:
    return [{"type": "text", "text": content}]


def ask(images: int, question: str) -> dict:
    return {"role": "user", "content": [*({"type": "image"} for _ in range(images)), *text(question)]}


CONVERSATIONS = {
    "text only": [ask(0, "How are you?")],
    "one image": [ask(1, "How far is the sofa? (512, 304)")],
    "three images": [ask(3, "Which is closer?\n")],
    "system prompt": [{"role": "system", "content": text("Answer in metres.")}, ask(1, "How wide is this door?")],
    "several turns": [
        ask(2, "How far is it?"),
        {"role": "assistant", "content": text("About 2.4 m.")},
        ask(1, "And in this one, 3 m further?"),
    ],
}


@pytest.fixture(scope="module")
def ours():
    config = transformers.AutoConfig.from_pretrained(FOLDER)
    return FathomProcessor.from_pretrained(FOLDER, 1024 * 1024, config)


@pytest.fixture(scope="module")
def theirs(ours):
    class Qwen3VLProcessor(transformers.Qwen3VLProcessor):
        """Without torchvision there is no video processor; only the check for it is skipped."""

        def check_argument_for_proper_class(self, argument_name, argument):
            if argument_name != "video_processor":
                return super().check_argument_for_proper_class(argument_name, argument)

    template = json.loads((FOLDER / "chat_template.json").read_text())["chat_template"]
    return Qwen3VLProcessor(ours.image_processor, ours.tokenizer, chat_template=template)


@pytest.mark.parametrize("conversation", CONVERSATIONS)
@pytest.mark.parametrize("answer_next", [True, False])
def test_token_ids_are_the_familys_own(ours, theirs, conversation, answer_next):
    said = CONVERSATIONS[conversation]
    count = sum(part["type"] == "image" for message in said for part in message["content"])
    images = [np.full((*SIZES[i], 3), 40 * i, np.uint8) for i in range(count)]
    prompt = theirs.apply_chat_template(said, tokenize=False, add_generation_prompt=answer_next)
    expected = theirs(text=[prompt], images=images or None, do_resize=False)["input_ids"][0]
    grids = ours.pixels(images)[1].tolist() if images else []
    assert ours.prompt_ids(said, grids, answer_next) == expected
    assert expected.count(ours.image_token_id) == sum(h * w // 1024 for h, w in SIZES[:count])


def test_a_prompt_split_for_the_cache_is_the_whole_prompt(ours):
    grids = [[1, 8, 12], [1, 16, 8]]
    prefix, rest = ours.split_prompt("How far is the sofa?", grids)
    assert prefix + rest == ours.prompt_ids([ask(2, "How far is the sofa?")], grids)
    assert prefix[-1] == ours.image_token_id and ours.image_token_id not in rest


def test_a_further_turn_goes_on_where_the_family_would(ours):
    first = [ask(1, "How far?"), {"role": "assistant", "content": text("2 m")}]
    whole = ours.prompt_ids([*first, ask(0, "And now?")], [[1, 8, 8]])
    before = ours.prompt_ids(first, [[1, 8, 8]], answer_next=False)
    end = len(before) - before[::-1].index(ours.end_id)
    assert ours.next_turn_ids("And now?") == whole[end:]
