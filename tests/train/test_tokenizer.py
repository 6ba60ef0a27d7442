"""A model that goes on with other words: what it knew of the old ones moves over."""

from typing import Any

import pytest
import torch

from heads.errors import InputError
from tests.tiny import tiny_model, tiny_records
from train.recipe import Recipe
from train.run import run
from train.start import retokenise
from train.tokenizer import SPECIAL, moved_rows, train_tokenizer
from vlm.model import Fathom

OLD = ["How far is the red chair?", "The red chair is 2.4 m away."] * 3
NEW = ["How far is the blue bicycle?", "The blue bicycle is 2.4 m away."] * 3


def test_a_token_that_both_know_keeps_its_row_and_a_new_one_is_the_mean_of_its_pieces():
    old, new = train_tokenizer(OLD, 320), train_tokenizer(NEW, 320)
    rows = torch.randn(len(old), 8)
    moved = moved_rows(old, new, rows)
    assert torch.equal(moved[: len(SPECIAL)], rows[: len(SPECIAL)])
    far = old("far", add_special_tokens=False).input_ids + new("far", add_special_tokens=False).input_ids
    assert torch.equal(moved[far[-1]], rows[far[0]])
    bicycle = new(" bicycle", add_special_tokens=False).input_ids
    pieces = old(" bicycle", add_special_tokens=False).input_ids
    assert len(bicycle) == 1 < len(pieces)
    torch.testing.assert_close(moved[bicycle[0]], rows[pieces].mean(0))


def test_a_run_with_a_new_tokenizer_saves_a_model_that_loads(tmp_path):
    records, start = tiny_records(tmp_path / "data"), tmp_path / "start"
    model = tiny_model()
    retokenise(model, OLD, 300)
    model.save_pretrained(start)
    recipe = Recipe(
        start=str(start), records=[str(records)], retokenise=True, vocabulary=340, steps=1, batch=2, workers=0,
        losses={"text": 1.0},
    )  # fmt: skip
    run(recipe, tmp_path / "run")
    loaded = Fathom.from_pretrained(tmp_path / "run" / "final")
    words: Any = loaded.get_input_embeddings()
    size = words.weight.shape[0]
    assert loaded.processor is not None
    assert size == len(loaded.processor.tokenizer) == loaded.config.backbone_config.text_config.vocab_size != 300
    assert loaded.get_output_embeddings().weight.data_ptr() == words.weight.data_ptr()  # type: ignore[union-attr, operator]


def test_it_is_refused_where_it_makes_no_sense():
    with pytest.raises(InputError, match="retokenise"):
        Recipe(retokenise=True, records=["x.jsonl"], losses={"text": 1.0})
    model: Any = tiny_model()
    model.processor.tokenizer.convert_ids_to_tokens = lambda number: "another"
    with pytest.raises(InputError, match="retokenise"):
        retokenise(model, OLD, 300)
