"""The guide: which image tokens a question's words stand for, and that it is the model's own attention it teaches."""

import json

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

from heads.errors import InputError
from tests.tiny import tiny_model, tiny_records
from train.data.batches import Collator
from train.data.samples import Sample, View
from train.guide import Guide, attention_scores
from train.losses import counts_of
from train.recipe import Recipe, Trains
from train.shown import USUAL, Pictured, copied, tokens_of
from train.taught import LOSSES, SURE, GuideOptions, truths, verdicts
from train.worlds.asking.phrases import PHRASES, TRUE_FALSE, YES_NO
from train.worlds.things import COLOURS, KINDS
from vlm.cli import app

CHAIR = {"kind": "chair", "colour": "red", "instance": 1, "depth_z": 2.0}
TABLE = {"kind": "table", "colour": "grey", "instance": 2}
GRID = (2, 4)


def scene() -> np.ndarray:
    """Instances of a picture of 64 x 128: the chair fills the top left token, the table half of the bottom right."""
    instance = np.zeros((64, 128), np.uint8)
    instance[:32, :32] = 1
    instance[32:, 112:] = 2
    return instance


def mentions(question, things, instance, depth_z, grid, **labels):
    return Pictured(things, {"instance": instance} | labels, depth_z, grid).mentions(question)


def test_a_name_stands_for_the_tokens_that_show_the_thing():
    question = "Is the red chair left or right of the grey table?"
    found = {m.last: m.share for m in mentions(question, [CHAIR, TABLE], scene(), None, GRID)}
    ends = {question.index("red chair") + len("red chair") - 1: 0, question.index("grey table") + 9: 7}
    assert set(found) == set(ends)
    for end, cell in ends.items():
        assert found[end].argmax() == cell and found[end].sum() == pytest.approx(1) and (found[end] > 0).sum() == 1


def test_a_kind_alone_will_do_where_there_is_one_of_it():
    question = "What colour is the chair?"
    assert [m.last for m in mentions(question, [CHAIR, TABLE], scene(), None, GRID)] == [question.index("?") - 1]
    twice = [CHAIR, {**TABLE, "kind": "chair"}]
    assert mentions(question, twice, scene(), None, GRID) == []


def test_a_kind_that_begins_like_another_is_not_taken_for_it():
    bus = {"kind": "bus", "colour": "red", "instance": 1}
    shelter = {"kind": "bus shelter", "colour": "red", "instance": 2}
    question = "Is the red bus shelter closer than the red bus?"
    found = {m.last: m.share.argmax() for m in mentions(question, [bus, shelter], scene(), None, GRID)}
    assert found == {question.index(" closer") - 1: 7, question.index("?") - 1: 0}
    assert mentions("How far is the red bus shelter?", [bus], scene(), None, GRID) == []


def test_a_name_that_two_share_or_nobody_sees_is_left_out():
    assert mentions("Where is the red chair?", [CHAIR, {**CHAIR, "instance": 2}], scene(), None, GRID) == []
    assert mentions("Where is the red chair?", [{**CHAIR, "instance": 9}], scene(), None, GRID) == []


@pytest.mark.parametrize(("place", "cell"), [("(0, 0)", 0), ("(999, 999)", 7), ("(1000, 0)", 3), ("(260, 510)", 5)])
def test_a_pixel_stands_for_the_token_that_it_lies_in(place, cell):
    question = f"What is at {place}?"
    (told,) = mentions(question, [], scene(), None, GRID)
    assert question[told.last] == ")" and told.share.argmax() == cell and told.share.sum() == 1


def test_a_mention_tells_where_how_far_and_how_large():
    (chair,) = mentions("Where is the red chair?", [{**CHAIR, "depth_z": 2.5}], scene(), None, GRID)
    np.testing.assert_allclose(chair.values, [-0.75, -0.5, np.log(2.5 / USUAL), 0.5, 1.0, 1, np.nan], atol=0.02)
    assert KINDS[chair.kind] == "chair" and COLOURS[chair.colour] == "red"
    depth_z = np.full((64, 128), 3.0, np.float32)
    depth_z[:, 64:] = np.inf
    near, sky = mentions("Is (250, 500) nearer than (750, 500)?", [], scene(), depth_z, GRID)
    np.testing.assert_allclose(near.values[:3], [-0.5, 0, np.log(3 / USUAL)], atol=1e-6)
    assert np.isnan(near.values[3:]).all() and np.isnan(sky.values[2:]).all() and near.kind == near.colour == -1


def kinds_and_colours() -> dict[str, np.ndarray]:
    """Of `scene`: numbers in KINDS and COLOURS."""
    kind, colour = np.full((64, 128), KINDS.index("wall"), np.uint8), np.zeros((64, 128), np.uint8)
    for thing in (CHAIR, TABLE):
        kind[scene() == thing["instance"]] = KINDS.index(thing["kind"])
        colour[scene() == thing["instance"]] = COLOURS.index(thing["colour"])
    return {"kind": kind, "colour": colour}


@pytest.mark.parametrize(
    ("question", "there"),
    [
        ("Where is the sofa?", -1),
        ("Is there a blue chair?", -1),
        ("Is there a chair?", 1),
        ("Can you see a grey table?", 1),
        ("How many sofas are there?", -1),
    ],
)
def test_what_is_not_there_is_told_apart(question, there):
    (told,) = mentions(question, [CHAIR, TABLE], scene(), None, GRID, **kinds_and_colours())
    assert told.values[5] == there and told.share.sum() == pytest.approx(max(there, 0))
    assert np.isfinite(told.values[:5]).sum() == 0 and told.values[6] == pytest.approx(np.log(2) * (there > 0))
    assert mentions(question, [], scene(), None, GRID) == []  # what else is in the picture is not known


def test_a_kind_counts_all_of_it():
    things = [CHAIR, {**TABLE, "kind": "chair"}]
    (told,) = mentions("How many chairs are there?", things, scene(), None, GRID)
    assert told.values[6] == pytest.approx(np.log(3)) and told.values[5] == 1
    np.testing.assert_allclose(told.share, [2 / 3, 0, 0, 0, 0, 0, 0, 1 / 3], atol=1e-6)
    for unclear in ({**CHAIR, "instance": 9}, {**TABLE, "kind": "chair", "visible": 1e-4}):  # unseen; a speck
        assert mentions("How many chairs are there?", [CHAIR, unclear], scene(), None, GRID) == []


def test_words_that_are_no_names():
    box = [{**CHAIR, "kind": "box"}]
    said = ("Draw a box around the lamp.", "From here to where does it reach, as a box?", "Find the box that holds it.")
    for question in (*said, "A. box B. wall"):
        assert mentions(question, box, scene(), None, GRID) == []
    assert len(mentions("Draw a box around the box.", box, scene(), None, GRID)) == 1


@pytest.mark.parametrize("wording", [*TRUE_FALSE, *YES_NO, *PHRASES["left_right_choice"], *PHRASES["ratio"]])
def test_both_things_are_found_in_any_wording(wording):
    for first, second in (("chair", "grey table"), ("red chair", "table")):
        question = wording.format(first=first, second=second, relation="left of")
        names = [question[m.first : m.last + 1] for m in mentions(question, [CHAIR, TABLE], scene(), None, GRID)]
        assert set(names) == {first, second}


def test_any_flight_of_stairs_is_no_certain_one():
    stairs = [{**CHAIR, "kind": "stairs"}, {**TABLE, "kind": "stairs"}]
    (told,) = mentions("Is there a flight of stairs?", stairs, scene(), None, GRID)
    assert told.values[6] == pytest.approx(np.log(3))


def test_names_inside_one_another_are_told_apart_where_an_answer_repeats_them():
    things = [{**CHAIR, "kind": "street lamp"}, {**TABLE, "kind": "lamp"}]
    question, answer = "Which is nearer, the street lamp or the lamp?", "the street lamp"
    pairs = copied(question, answer, mentions(question, things, scene(), None, GRID))
    assert "".join(answer[to] for to, _ in pairs) == "".join(question[of] for _, of in pairs) == "street lamp"
    assert pairs[0] == (answer.index("street"), question.index("street"))
    assert copied(question, "There is no bench in the picture.", mentions(question, things, scene(), None, GRID)) == []


def test_colours_and_kinds_of_other_data_are_unknown():
    (told,) = mentions(
        "How far is the chair?", [{"kind": "chair", "colour": "beige", "instance": 1}], scene(), None, GRID
    )
    assert told.colour == -1
    (told,) = mentions("What is at (10, 10)?", [], scene(), None, GRID, kind=scene() + 200, colour=scene() + 50)
    assert told.kind == told.colour == -1


def test_a_pixel_tells_what_it_shows():
    for place, kind, colour in (("(10, 10)", "chair", "red"), ("(500, 500)", "wall", "none")):
        (told,) = mentions(f"What is at {place}?", [CHAIR, TABLE], scene(), None, GRID, **kinds_and_colours())
        assert (KINDS[told.kind], COLOURS[told.colour]) == (kind, colour)


def test_shares_are_the_covered_part_of_each_cell():
    shares = Pictured([], {"instance": scene()}, None, GRID).shares[:, 2]
    assert shares.tolist() == [0, 0, 0, 0, 0, 0, 0, 0.5]


def test_a_cell_tells_its_own_place_and_depth_and_the_size_of_what_it_shows():
    depth_z = np.full((32, 64), 3.0, np.float32)
    depth_z[:, :16], depth_z[16:, 16:32] = 2.0, np.inf
    values = Pictured([CHAIR, TABLE, {**TABLE, "instance": 9}], {"instance": scene()}, depth_z, GRID).cell_values()
    assert values.shape == (8, 7)
    np.testing.assert_allclose(values[0, :5], [-0.75, -0.5, np.log(2 / USUAL), 0.5, 1.0], atol=1e-6)  # the chair
    np.testing.assert_allclose(values[6, :3], [0.25, 0.5, np.log(3 / USUAL)], atol=1e-6)
    assert np.isnan(values[5, 2]) and np.isnan(values[6, 3:]).all()  # sky; no thing
    assert np.isnan(Pictured([], {"instance": scene()}, None, GRID).cell_values()[:, 2:]).all()


def test_a_cell_tells_what_most_of_it_shows():
    labels = kinds_and_colours()
    labels["kind"][:32, 64:], labels["colour"][:32, 64:84] = 200, 1  # a kind of other data; most of a cell is red
    names = Pictured([], {"instance": scene()} | labels, None, GRID).cell_names()
    told = [None if kind < 0 else (KINDS[kind], COLOURS[colour]) for kind, colour in names]
    wall = ("wall", "none")
    assert told == [("chair", "red"), wall, None, None, wall, wall, wall, wall]  # the table has half of the last
    assert (Pictured([], {"instance": scene()}, None, GRID).cell_names() == -1).all()
    del labels["colour"]  # as of a picture in other colours
    pale = Pictured([], {"instance": scene()} | labels, None, GRID).cell_names()
    assert np.array_equal(pale[:, 0], names[:, 0]) and (pale[:, 1] == -1).all()


def batch(model, questions, answer="yes", **options):
    answers = [answer] * len(questions) if isinstance(answer, str) else answer
    turns = [
        [
            {"role": "user", "content": [{"type": "image"}, {"type": "text", "text": question}]},
            {"role": "assistant", "content": [{"type": "text", "text": answer}]},
        ]
        for question, answer in zip(questions, answers, strict=True)
    ]
    picture = np.random.default_rng(0).integers(0, 255, (128, 128, 3)).astype(np.uint8)
    instance = np.zeros((128, 128), np.uint8)
    instance[:32, 96:] = 1
    kind, colour = (np.where(instance, one, 3).astype(np.uint8) for one in (KINDS.index("chair"), COLOURS.index("red")))
    view = View(picture, labels={"instance": instance, "kind": kind, "colour": colour}, things=[CHAIR])
    return Collator(model.processor, model.heads, guide=GuideOptions(**options))([Sample([view], turns)])


def test_the_batch_says_which_token_looks_at_which():
    model = tiny_model()
    given = batch(model, ["What is at (10, 990)?", "Where is the red chair?"])
    looks, ids = given["looks"], given["input_ids"][0]
    assert looks["row"].tolist() == [0, 0]
    words = [model.processor.tokenizer.decode(ids[: token + 1]) for token in looks["token"]]
    assert ")" in words[0][-2:] and words[0].rstrip("?").endswith("(10, 990)")  # the token may hold the mark behind it
    assert words[1].endswith("the red chair")
    image = (ids == model.processor.image_token_id).nonzero()[:, 0]
    assert looks["share"][0].argmax() == image[12] and looks["share"][1].argmax() == image[3]  # of 4 x 4 tokens
    assert (looks["share"].sum(1) == 1).all()
    assert looks["order"].tolist() == [0, 0]
    asked = given["labels"][0] != -100
    assert all(asked[last + 1] and not asked[last] for last in looks["last"])  # the next token is an answer's first


@pytest.mark.parametrize(
    ("answer", "before"),
    [
        ("yes", None),
        ("the red chair", "the"),
        ("A", None),
        ("An oak", "An"),
        ("There is no", None),
        ("the", None),
        ("", None),
    ],
)
def test_an_answer_is_decided_behind_its_article(answer, before):
    model = tiny_model()
    given = batch(model, ["Is it the red chair?"], answer=answer)
    ids, (last,) = given["input_ids"][0], given["looks"]["last"].tolist()
    asked = (given["labels"][0] != -100).nonzero()[:, 0]
    told = model.processor.tokenizer.decode(ids[asked[0] : last + 1])
    assert told.rstrip() == (before or "") and (not told or answer.startswith(told))


def test_what_the_cells_show_is_worked_out_only_where_it_is_asked_for(monkeypatch):
    model, question = tiny_model(), ["Where is the red chair?"]
    looks = batch(model, question, layers=[1], cells=0)["looks"]
    assert looks["cell_values"].shape == (16, 7) and looks["cell_row"].tolist() == [0] * 16
    monkeypatch.delattr(Pictured, "cell_values")
    fewer = batch(model, question, layers=[1], places=2, answers=3)["looks"]
    assert fewer.keys() == looks.keys() - {"cell_row", "cell_token", "cell_values", "cell_kind", "cell_colour"}
    assert all((fewer[name] == looks[name]).all() for name in fewer if name != "values")
    assert fewer["values"].nan_to_num().equal(looks["values"].nan_to_num())


def test_the_things_of_a_question_are_counted_as_they_come():
    looks = batch(tiny_model(), ["Is (10, 990) or the red chair nearer, or (500, 20)?"])["looks"]
    assert looks["order"].tolist() == [0, 1, 2] and len(set(looks["last"].tolist())) == 1
    assert looks["token"].tolist() == sorted(looks["token"].tolist()) and (looks["token"] < looks["last"]).all()
    assert torch.allclose(looks["values"][:, 0], torch.tensor([-0.98, 0.75, 0.0]), atol=0.02)


def test_a_verdict_says_how_the_first_two_things_compare():
    looks = batch(tiny_model(), ["Is the red chair nearer than (10, 990)?", "Where is the red chair?"])["looks"]
    (told,) = verdicts(looks)
    np.testing.assert_allclose(told[:2], np.tanh([(0.75 + 0.98) / 0.15, (-0.75 - 0.98) / 0.15]), atol=0.01)
    assert told[2:].isnan().all()  # how far the pixel is is not known


@pytest.mark.parametrize(("name", "readers"), [("answers", [1, 2, 3]), ("verdict", [4])])
def test_what_is_told_is_held_and_nothing_else_changes(name, readers):
    guide = Guide(GuideOptions(layers=[1], answers=2, verdict=3, told=1), tiny_model().backbone)
    hidden = torch.randn(3, guide.readers.shape[-1], generator=torch.Generator().manual_seed(1))
    count = 5 if name == "verdict" else 21
    values = torch.full((3, count), float("nan"))
    values[:, 0], values[:, 2], values[:, 4] = 1.0, -0.5, 0.0
    known = values[0].isfinite()
    changed = guide.told(hidden, values, name)
    rows = torch.cat([guide.readers[each] for each in readers])[:count]
    assert torch.allclose((changed @ rows.T)[:, ~known], (hidden @ rows.T)[:, ~known], atol=1e-4)
    across = torch.linalg.svd(rows)[2][count:]  # all that the readers do not read
    assert torch.allclose(changed @ across.T, hidden @ across.T, atol=1e-4)
    held = torch.cat([guide.read(changed, each) for each in readers], 1)[:, :count]
    shorter = held[:, 0]  # or longer: the state's length has changed by what it was told
    assert (shorter > 0.5).all() and (shorter < 1.5).all()
    assert torch.allclose(held[:, known], values[:, known] * shorter[:, None], atol=1e-3)


def test_a_told_verdict_is_held_as_its_own_loss_would_have_it():
    options = {"layers": [1], "answers": 2, "verdict": 3, "told": 1}
    looks = batch(tiny_model(), ["Is the red chair nearer than (10, 990)?", "Where is the red chair?"], **options)[
        "looks"
    ]
    _, _, told = truths(looks)["verdict"]
    assert told.shape == (1, 5) and told[0, :2].tolist() == [1, -1] and told[0, 2:].isnan().all()
    near = looks | {"values": looks["values"] * 0.01}
    held = torch.nn.Parameter(torch.zeros(2))
    optimizer = torch.optim.LBFGS([held], max_iter=100)

    def judged():
        optimizer.zero_grad()
        chances = (verdicts(near)[0, :2] + 1) / 2
        loss = torch.nn.functional.binary_cross_entropy_with_logits(SURE * held, chances)
        loss.backward()
        return loss

    optimizer.step(judged)
    assert torch.allclose(truths(near)["verdict"][2][0, :2], held.detach(), atol=1e-3)


def test_every_second_question_is_told_and_answers_differently_and_no_other():
    model = tiny_model().eval()
    questions = ["Is the red chair nearer than (10, 990)?"] * 3
    guide = Guide(GuideOptions(layers=[1], answers=2, verdict=3, told=2), model.backbone)
    given = batch(model, questions, layers=[1], answers=2, verdict=3, told=2)
    looks, _ = given.pop("looks"), given.pop("labels")
    assert looks["told"].tolist() == [False, False, True, True, False, False]
    seen, logits = [], []
    with torch.no_grad():
        for told in (None, looks):
            with guide.watching(told) as each:
                logits.append(model(**given, heads=False).logits[0])
            seen.append(each)
    answers = [int(looks["last"][2 * k]) for k in range(3)]
    differ = [not torch.equal(logits[0][last], logits[1][last]) for last in answers]
    assert differ == [False, True, False]
    assert seen[0].hidden["answers"].equal(seen[1].hidden["answers"])  # what was found is what the losses judge
    with torch.no_grad(), guide.watching(looks):  # the layer that follows is given what is told
        given_on: list[torch.Tensor] = []
        later = guide.read_at["verdict"]
        later.register_forward_pre_hook(
            lambda _, args, more: given_on.append((*args, *more.values())[0]), with_kwargs=True
        )
        model(**given, heads=False)
    told, found = given_on[0][0, answers], seen[0].hidden["answers"][0, answers]
    assert [not one.equal(other) for one, other in zip(told, found, strict=True)] == [False, True, False]
    x = guide.read(told[1:2], 1)[0, 0]
    assert abs(x - looks["values"][2, 0]) < 0.3 < abs(guide.read(found[1:2], 1)[0, 0] - looks["values"][2, 0])


def test_nothing_is_told_unless_asked():
    assert not batch(tiny_model(), ["Where is the red chair?"] * 2, layers=[1], answers=2)["looks"]["told"].any()


def test_a_repeated_name_looks_where_the_question_has_it():
    model = tiny_model()
    questions = ["Which is nearer, the grey table or the red chair?", "Where is the red chair?"]
    given = batch(model, questions, answer="It is the red chair.", copies=3)
    looks, ids = given["looks"], given["input_ids"][0]
    pairs = list(zip(looks["copy_token"].tolist(), looks["copy_of"].tolist(), strict=True))
    assert pairs and all(ids[before + 1] == ids[of] for before, of in pairs)
    for before, of in pairs:
        assert given["labels"][0, before + 1] != -100 and given["labels"][0, of] == -100 and of < before
    said = [model.processor.tokenizer.decode(ids[before + 1]) for before, _ in pairs]
    assert "".join(said) == 2 * " red chair"


def test_scores_are_those_of_the_models_own_attention():
    model = tiny_model()
    model.backbone.set_attn_implementation("eager")
    given = batch(model, ["Where is the red chair?"])
    looks = given.pop("looks")
    weights: list[torch.Tensor] = []
    guide = Guide(GuideOptions(layers=[1, 2], head=3), model.backbone)
    for attention in guide.attentions.values():
        attention.register_forward_hook(lambda _m, _a, out: weights.append(out[1]))
    with torch.no_grad(), guide.watching() as seen:
        model(**given)
        total, count = guide.losses(seen, given["attention_mask"], looks)["guide"]
        row, token = looks["row"], looks["token"]
        expected = -sum((looks["share"] * each[row, 3, token].clamp(min=1e-30).log()).sum() for each in weights)
        attention, *given_to_it = seen.attentions[1]
        scores = attention_scores(attention, 3, *given_to_it, row, token)
    shown = scores.masked_fill(~given["attention_mask"][row, 0, token], -1e4).softmax(-1)
    assert torch.allclose(shown, weights[0][row, 3, token], atol=1e-6)
    assert int(count) == 2 and torch.allclose(total, expected, rtol=1e-4)


def test_a_few_steps_teach_the_attention_to_look_there_and_the_token_to_hold_what_is_there():
    model = tiny_model()
    options = GuideOptions(layers=[1], head=0, places=2, cells=0, answers=3, verdict=3, chosen=3, numbers=3, copies=3)
    guide = Guide(options, model.backbone)
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
    counts = {
        "guide": 2,
        "places": 6 + 2,
        "cells": 2 * 16 + 2,
        "cells_name": 2 * 16,
        "answers_look": 2,
        "answers_hold": 6 + 2,
    }
    counts |= {"places_name": 4, "answers_name": 2, "verdict": 2, "asked": 5, "chosen": 1, "numbers": 1, "copies": 3}
    questions = ["What is right of (10, 990), the red chair?", "How many are there?"]
    values: dict[str, list[float]] = {name: [] for name in counts}
    for _ in range(50):
        given = batch(model, questions, ["the red chair", "2"], cells=0, chosen=3, numbers=3, copies=3)
        known = counts_of(model, {"looks": given["looks"]}, guide.options)
        looks = given.pop("looks")
        with guide.watching() as seen:
            model(**given, heads=False)
        losses = guide.losses(seen, given["attention_mask"], looks)
        assert (
            {name: int(count) for name, (_, count) in losses.items()}
            == counts
            == {name: int(count) for name, count in known.items()}
        )
        optimizer.zero_grad()
        sum(total / count for total, count in losses.values()).backward()
        optimizer.step()
        for name, (total, _) in losses.items():
            values[name].append(float(total.detach()))
    fell = {name: each[-1] / each[0] for name, each in values.items()}
    assert max(fell.values()) < 0.3, fell


def test_a_chat_template_that_melts_with_the_question_is_left_out():
    tokenizer = tiny_model().processor.tokenizer
    assert tokens_of(tokenizer, "yes", tokenizer("no").input_ids, [2]) == []


@pytest.mark.parametrize(
    "options",
    [
        {"layers": [4]},
        {"layers": [-1, 2]},
        {"layers": [1], "head": 4},
        {"layers": [1], "places": 4},
        {"layers": [1], "cells": 4},
        {"layers": [1], "answers": 4},
        {"layers": [1], "answers": 2, "head": 1},
        {"layers": [1], "verdict": 4},
        {"layers": [1], "chosen": 4},
        {"layers": [1], "numbers": 4},
        {"layers": [1], "copies": 4},
    ],
)
def test_layers_and_heads_that_are_not_there_are_told(options):
    with pytest.raises(InputError, match=r"allowed: 0 to [03]$"):
        Guide(GuideOptions(**options), tiny_model().backbone)


def test_the_command_teaches_it_and_logs_it(tmp_path, monkeypatch):
    told, watching = [], Guide.watching
    monkeypatch.setattr(Guide, "watching", lambda self, looks=None: told.append(looks) or watching(self, looks))
    records = tiny_records(tmp_path / "data")
    start = tmp_path / "start"
    tiny_model().save_pretrained(start)
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text(
        f"start: {start}\nrecords: [{records}]\nsteps: 2\nbatch: 4\naccumulate: 2\nlog_every: 1\nworkers: 0\n"
        f"held_out: [{records}]\n"
        "losses: {text: 1.0, guide: 0.5, places: 0.5, places_name: 0.5, cells: 0.5, cells_name: 0.5,\n"
        "  answers_look: 0.5, answers_hold: 0.5, answers_name: 0.5, verdict: 0.5, asked: 0.5, chosen: 0.5,\n"
        "  numbers: 0.5, copies: 0.5}\n"
        "guide: {layers: [1], places: 1, cells: 0, answers: 1, verdict: 2, chosen: 3, numbers: 3, copies: 3, told: 2}\n"
    )
    result = CliRunner().invoke(app, ["train", "--recipe", str(recipe), "--out", str(tmp_path / "run")])
    assert result.exit_code == 0, result.output
    state = json.loads((tmp_path / "run" / "checkpoint-2" / "trainer_state.json").read_text())
    values = [row["loss_guide"] for row in state["log_history"] if "loss_guide" in row]
    heard = [looks is not None for looks in told]  # never while it is measured
    assert heard[:4] == [True] * 4 and heard[4:] and not any(heard[4:])
    assert "guide" in (tmp_path / "run" / "final" / "README.md").read_text()
    assert len(values) == 2 and all(0.5 < value < 5 for value in values)  # log(16 tokens) is 2.8
    known = {name for names in LOSSES.values() for name in names} - {
        "verdict",
        "asked",
        "chosen",
        "copies",
    }  # no question has two things
    assert {f"loss_{name}" for name in known} <= set().union(*state["log_history"])


BEFORE, CHOSEN = {"answers": 2, "verdict": 3}, {"verdict": 0.5, "asked": 0.5, "chosen": 0.5}
ANSWERS = {"guide": 0.5, "answers_look": 0.5, "answers_hold": 0.5, "answers_name": 0.5}


def test_a_weight_without_layers_and_layers_out_of_order_are_told():
    for told in (
        {"losses": {"guide": 0.5}},
        {"losses": {"places": 0.5}},
        {"guide": GuideOptions(places=1)},
        {"guide": GuideOptions(cells=1)},
        {"guide": GuideOptions(layers=[1], verdict=3), "losses": {"guide": 0.5, "verdict": 0.5}},
        {"guide": GuideOptions(layers=[1], answers=3, verdict=2), "losses": ANSWERS | {"verdict": 0.5}},
        {"guide": GuideOptions(layers=[1], answers=3, copies=1), "losses": ANSWERS | {"copies": 0.5}},
        {"guide": GuideOptions(layers=[1], answers=2), "losses": {"guide": 0.5, "answers_look": 0.5}},
        {"guide": GuideOptions(layers=[1], answers=2, chosen=3), "losses": ANSWERS | {"asked": 0.5, "chosen": 0.5}},
        {"guide": GuideOptions(layers=[1], **BEFORE, chosen=2), "losses": ANSWERS | CHOSEN},
        {"guide": GuideOptions(layers=[1], answers=2, numbers=1), "losses": ANSWERS | {"numbers": 0.5}},
        {"guide": GuideOptions(layers=[1], told=2), "losses": {"guide": 0.5}},
        {"guide": GuideOptions(layers=[1], answers=2, told=9), "losses": ANSWERS},
        {"guide": GuideOptions(layers=[1], answers=2, told=2), "losses": ANSWERS, "gradient_checkpointing": True},
        {"guide": GuideOptions(layers=[1], answers=2, verdict=2, told=2), "losses": ANSWERS | {"verdict": 0.5}},
    ):
        with pytest.raises(InputError, match="guide"):
            Recipe(**told, records=["x.jsonl"])
    with pytest.raises(InputError, match="guide: of a backbone that does not train"):
        Recipe(
            start="x", records=["x.jsonl"], losses={"guide": 0.5}, guide=GuideOptions(layers=[1]),
            trains=Trains(adapter=True, backbone=False, vision=False),
        )  # fmt: skip
