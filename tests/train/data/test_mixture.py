"""Samples of a run: from several sources, the same in every session and worker, bad records replaced and counted."""

import json
import warnings
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from torch.utils.data import DataLoader

from heads.errors import InputError
from tests.tiny import tiny_records
from train.data.build import held_out_data, mixture_of
from train.data.index import RecordFile, Scan
from train.data.mixture import HeldOut, Mixture
from train.data.samples import Sample
from train.data.sources import Augment, Source
from train.recipe import Recipe


def changed(path: Path, change) -> Path:
    """The records with change(number, row) applied to each."""
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    for number, row in enumerate(rows):
        change(number, row)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def sources(tmp_path, count: int = 6, **options) -> list[Source]:
    return [Source(str(tiny_records(tmp_path, count)), **options)]


def same(a: Sample, b: Sample) -> bool:
    return (
        a.where == b.where
        and a.conversations == b.conversations
        and len(a.views) == len(b.views)
        and all(
            np.array_equal(v.image, w.image) and v.window == w.window and np.array_equal(v.depth_z, w.depth_z, True)
            for v, w in zip(a.views, b.views, strict=True)
        )
    )


def text_records(folder: Path, count: int = 5) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    turns = lambda i: [{"role": "user", "content": f"What is {i} + 1?"}, {"role": "assistant", "content": f"{i + 1}"}]  # noqa: E731
    path = folder / "text.jsonl"
    path.write_text("".join(json.dumps({"dataset": "sums", "messages": turns(i)}) + "\n" for i in range(count)))
    return path


# ---- the same samples, however they are come by --------------------------------------------------------------


def test_a_sample_is_a_function_of_seed_and_number(tmp_path):
    augment = Augment(crop=0.3, flip=0.5, focal=1.5, blur=0.5, jpeg=0.5, over_text=True)
    made = sources(tmp_path, augment=augment)
    first = [Mixture(made, seed=3)[k] for k in range(20)]
    again = Mixture(made, seed=3)
    assert all(same(again[k], first[k]) for k in reversed(range(20)))
    assert len({one.views[0].window for one in first}) > 10  # they do vary
    other = Mixture(made, seed=4)
    assert not all(same(other[k], first[k]) for k in range(20))


def test_worker_processes_load_the_same_samples(tmp_path):
    mixture = Mixture(sources(tmp_path), length=24)
    loaded = list(DataLoader(mixture, batch_size=None, num_workers=2))
    assert len(loaded) == 24 and all(same(one, mixture[k]) for k, one in enumerate(loaded))
    assert mixture.drawn == 48 and mixture.skipped == 0


def test_one_pass_shows_every_record_once(tmp_path):
    mixture = Mixture(sources(tmp_path, 7))
    seen = [mixture[k].where for k in range(14)]
    assert sorted(seen[:7]) == sorted(seen[7:]) == [f"records.jsonl:{n}" for n in range(1, 8)] and seen[:7] != seen[7:]


def test_a_further_pass_draws_other_questions_and_colours(tmp_path):
    pairs = [{"question": f"q{i}", "answer": f"a{i}"} for i in range(20)]
    made = Source(str(changed(tiny_records(tmp_path, 1), lambda _, row: row.update(questions=pairs))))
    data = Mixture([made], questions=4)
    first, later = data[0], data[1]
    asked = [[turn["content"][-1]["text"] for turn in conversation] for conversation in first.conversations]
    assert len(asked) == 4 and all(question[1:] == answer[1:] for question, answer in asked)
    assert later.conversations != first.conversations
    assert not np.array_equal(later.views[0].image, first.views[0].image)
    assert np.array_equal(later.views[0].depth_z, first.views[0].depth_z, equal_nan=True)


def test_favoured_types_are_asked_as_often_as_their_weight_says(tmp_path):
    pairs = [{"type": "where" if i < 10 else "count", "question": f"q{i}", "answer": "1"} for i in range(20)]
    made = Source(str(changed(tiny_records(tmp_path, 1), lambda _, row: row.update(questions=pairs))))

    def told(favour: dict[str, float]) -> tuple[int, int]:
        asked = [
            int(conversation[0]["content"][-1]["text"][1:])
            for k in range(400)
            for conversation in Mixture([made], seed=k, questions=1, favour=favour)[0].conversations
        ]
        return sum(number < 10 for number in asked), len(set(asked))

    with pytest.warns(UserWarning, match=r"favour: no question is of type 'wher', did you mean 'where'\?"):
        told({"wher": 2.0})
    assert told({}) == (pytest.approx(200, abs=40), 20)
    assert told({"where": 4.0}) == (pytest.approx(320, abs=35), 20)


def test_a_table_gives_what_its_lines_would_give(tmp_path):
    """The same records as JSONL, as parquet with the pictures inside, and as a folder that `datasets` has saved."""
    datasets = pytest.importorskip("datasets")
    lines = tiny_records(tmp_path, 4)
    rows = [json.loads(line) for line in lines.read_text().splitlines()]
    for row in rows:
        for key in ("image", "depth_path", "labels_path"):
            row[key] = {"bytes": (tmp_path / row[key]).read_bytes(), "path": None}
    table = datasets.Dataset.from_list(rows).cast_column("image", datasets.Image())
    table = table.cast_column("depth_path", datasets.Image())
    table.to_parquet(tmp_path / "rows.parquet")
    table.save_to_disk(tmp_path / "saved")
    expected = Mixture([Source(str(lines))])
    for path in ("rows.parquet", "saved"):
        mixture = Mixture([Source(str(tmp_path / path))])
        for k in range(8):
            mine, theirs = mixture[k], expected[k]
            assert mine.where.split(":")[1] == theirs.where.split(":")[1] and mine.conversations == theirs.conversations
            assert np.array_equal(mine.views[0].image, theirs.views[0].image)
            assert np.array_equal(mine.views[0].depth_z, theirs.views[0].depth_z, equal_nan=True)
            assert all(np.array_equal(mine.views[0].labels[n], a) for n, a in theirs.views[0].labels.items())


def test_a_table_is_looked_through_without_reading_its_pictures(tmp_path):
    """Pictures as bytes, as the structure of an Image column, and as paths; text alone beside them."""
    datasets = pytest.importorskip("datasets")
    row = {"dataset": "x", "domain": "indoor", "original_rgb_size": [4, 4], "sky_path": None}
    heavy = bytes(1000)
    rows = [
        {**row, "image": {"bytes": heavy, "path": None}, "depth_path": heavy, "messages": None},
        {**row, "image": {"bytes": None, "path": "none.png"}, "depth_path": None, "messages": None},
        {**row, "image": None, "depth_path": None, "original_rgb_size": None,
         "messages": json.dumps([{"role": "user", "content": "?"}, {"role": "assistant", "content": "!"}])},
        {**row, "image": None, "depth_path": None, "messages": None},
    ]  # fmt: skip
    datasets.Dataset.from_list(rows).save_to_disk(tmp_path / "saved")
    file = RecordFile(tmp_path / "saved")
    light, whole = list(file.light()), list(file)
    assert len(light[0].image) < 20 and len(light[0].depth_path) < 20 and whole[0].image == heavy
    assert light[1].image == whole[1].image == tmp_path / "none.png"
    assert light[2].image is None and light[2].messages == whole[2].messages
    assert isinstance(light[3], InputError) and str(light[3]) == str(whole[3]) and "saved:4" in str(light[3])
    assert Scan(file, files_exist=True).problems == [
        f"saved:2: image: no file {tmp_path / 'none.png'}", str(whole[3]),
    ]  # fmt: skip


# ---- the mixture ---------------------------------------------------------------------------------------------


def test_weights_and_the_balance_of_indoors_and_outdoors(tmp_path):
    """Three times as many of the first source; and whatever the sources hold, 80 % indoors where that is asked."""
    flip = lambda number, row: row.update(domain="indoor" if number < 2 else "outdoor")  # noqa: E731
    pictures = changed(tiny_records(tmp_path / "a", 10), flip)
    made = [Source(str(pictures), weight=3), Source(str(text_records(tmp_path / "b")), weight=1)]
    plain, balanced = Mixture(made), Mixture(made, indoor=0.8)

    def told(mixture: Mixture) -> Counter:
        return Counter(mixture.streams[mixture.order.stream_at(k)[0]][:2] for k in range(2048))

    assert told(plain) == pytest.approx({(0, "indoor"): 307, (0, "outdoor"): 1229, (1, "none"): 512}, abs=2)
    assert told(balanced) == pytest.approx({(0, "indoor"): 1229, (0, "outdoor"): 307, (1, "none"): 512}, abs=2)
    with pytest.raises(InputError, match=r"indoor: 0\.8, but there is no indoor record; allowed: "):
        Mixture(made[1:], indoor=0.8)


def test_text_alone_stands_beside_pictures(tmp_path):
    made = [Source(str(tiny_records(tmp_path / "a", 3))), Source(str(text_records(tmp_path / "b")))]
    mixture = Mixture(made)
    kinds = Counter(len(mixture[k].views) for k in range(40))
    assert set(kinds) == {0, 1}
    text = next(sample for sample in map(mixture.__getitem__, range(40)) if not sample.views)
    assert text.conversations[0][0]["content"].startswith("What is")
    assert any("What is 4 + 1?" in said for said in mixture.texts())


def test_a_source_gives_only_what_it_is_asked_for(tmp_path):
    path = str(changed(tiny_records(tmp_path, 4), lambda n, row: row.update(split="ab"[n % 2], prompt="Depth?")))
    depth_only = Mixture([Source(path, text=False)])[0]
    assert not depth_only.conversations and depth_only.views[0].depth_z is not None
    text_only = Mixture([Source(path, depth=False)])[0]
    assert text_only.conversations and text_only.views[0].depth_z is None and text_only.views[0].camera is None
    reply = Mixture([Source(path, reply="Here it is.")])[0].conversations
    assert len(reply) == 1 and reply[0][0]["content"][-1]["text"] == "Depth?"
    assert reply[0][1]["content"][0]["text"] == "Here it is."
    half = Mixture([Source(path, split="b")])
    assert {half[k].where for k in range(6)} == {"records.jsonl:2", "records.jsonl:4"}
    with pytest.raises(InputError, match=r"split: no record .* is of 'c'"):
        Mixture([Source(path, split="c")])


def test_views_of_one_scene_come_together(tmp_path):
    def grouped(number, row):
        pose = np.eye(4)
        pose[0, 3] = number
        row.update(view_group=f"room {number % 2}" if number < 6 else None, camera_to_world=pose.tolist())

    mixture = Mixture([Source(str(changed(tiny_records(tmp_path, 7), grouped)), views=2)])
    sizes = Counter()
    for k in range(14):
        sample = mixture[k]
        sizes[len(sample.views)] += 1
        if len(sample.views) == 2:
            x = [int(view.camera.camera_to_world[0, 3]) for view in sample.views]
            assert x[0] != x[1] and x[0] % 2 == x[1] % 2 and sample.conversations == []
    assert sizes == {2: 12, 1: 2}


def test_a_conversation_shows_its_pictures_in_their_order(tmp_path):
    path = tiny_records(tmp_path, 2)
    turns = [
        {"role": "user", "content": [{"type": "image", "image": "images/1.png"}, {"type": "text", "text": "and"},
                                     {"type": "image"}, {"type": "text", "text": "?"}]},
        {"role": "assistant", "content": "two"},
    ]  # fmt: skip
    changed(path, lambda number, row: row.update(messages=turns, questions=[]) if number == 0 else None)
    sample = HeldOut([str(path)])[0]
    pictures = [np.asarray(Image.open(tmp_path / "images" / name).convert("RGB")) for name in ("1.png", "0.png")]
    assert [np.array_equal(view.image, picture) for view, picture in zip(sample.views, pictures, strict=True)] == [1, 1]
    assert sample.views[0].depth_z is None and sample.views[1].depth_z is not None
    changed(path, lambda number, row: row.update(messages=[{"role": "user", "content": "?"}, turns[1]]))
    sample = HeldOut([str(path)])[0]  # no slot: the picture comes first
    assert sample.conversations[0][0]["content"][0] == {"type": "image"} and len(sample.views) == 1


# ---- what is in memory ---------------------------------------------------------------------------------------


def test_the_index_has_twelve_bytes_a_record(tmp_path):
    row = {"dataset": "sums", "messages": [{"role": "user", "content": "?"}, {"role": "assistant", "content": "!"}]}
    (tmp_path / "many.jsonl").write_text((json.dumps(row) + "\n") * 5000)
    mixture = Mixture([Source(str(tmp_path / "many.jsonl"))])
    assert mixture.nbytes == 12 * 5000
    small = [value for value in vars(mixture.files[0]).values() if isinstance(value, list | dict | tuple)]
    assert small == []


def test_lines_are_counted_as_an_editor_counts_them(tmp_path):
    path = tiny_records(tmp_path, 3)
    lines = path.read_text().splitlines()
    path.write_text("\n" + lines[0] + "\n\n\n" + lines[1] + "\n" + lines[2])  # the last without its end
    file = RecordFile(path)
    assert [record.where for record in file] == [f"records.jsonl:{n}" for n in (2, 5, 6)]


def test_a_line_still_being_written_is_no_record_yet(tmp_path):
    path = tiny_records(tmp_path, 3)
    path.write_bytes(path.read_bytes()[:-20])
    assert len(RecordFile(path)) == 2


# ---- bad records ---------------------------------------------------------------------------------------------


def broken(tmp_path, number: int, count: int = 6) -> list[Source]:
    made = sources(tmp_path, count)
    (tmp_path / "depth" / f"{number}.png").write_bytes(b"no picture")
    return made


def test_a_bad_sample_is_replaced_counted_and_reported(tmp_path):
    made, report = broken(tmp_path, 2), tmp_path / "skipped.jsonl"
    mixture = Mixture(made, length=12, report=report)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        loaded = list(DataLoader(mixture, batch_size=None, num_workers=2))
        again = [Mixture(made)[k] for k in range(12)]
    assert (mixture.drawn, mixture.skipped) == (12, 2)
    assert all(same(one, other) for one, other in zip(loaded, again, strict=True))
    assert not any(sample.where == "records.jsonl:3" for sample in loaded)
    told = [json.loads(line) for line in report.read_text().splitlines()]
    assert len(told) == 2 and all(line["record"] == "records.jsonl:3" and "2.png" in line["problem"] for line in told)
    assert sorted(line["sample"] for line in told) == [k for k in range(12) if mixture.where(k) == "records.jsonl:3"]
    mixture.restore(100, 7)
    assert (mixture.drawn, mixture.skipped) == (100, 7)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("workers", [0, 1])
def test_a_source_of_nothing_but_bad_records_is_one_clear_error(tmp_path, workers):
    made = sources(tmp_path, 3)
    for file in (tmp_path / "images").iterdir():
        file.write_bytes(b"")
    with pytest.raises(InputError) as problem:
        list(DataLoader(Mixture(made, length=3), batch_size=None, num_workers=workers))
    assert str(problem.value).startswith("records: no good record among") and "Traceback" not in str(problem.value)


def test_missing_or_empty_records_are_one_clear_error(tmp_path):
    (tmp_path / "empty.jsonl").write_text("")
    for name in ("none.jsonl", "empty.jsonl"):
        with pytest.raises(InputError, match=r"records: .*allowed: "):
            Mixture([Source(str(tmp_path / name))])
    with pytest.raises(InputError, match=r"records: .*allowed: "):
        Mixture([])


def test_what_is_wrong_with_a_set_is_said_before_training_with_file_and_line(tmp_path):
    def recipe(path: Path, **changes) -> Recipe:
        return Recipe(records=[str(path)], **{"model": {"text": {"a": 1}, "vision": {"a": 1}}, **changes})

    path = changed(tiny_records(tmp_path, 30), lambda n, row: row.update(depth_type="other") if n == 27 else None)
    with pytest.raises(InputError, match=r"records: records\.jsonl:28: .*'other'.*allowed: .*fathom data check"):
        mixture_of(recipe(path))
    changed(path, lambda n, row: row.update(depth_type="z_depth", image="none.png" if n == 25 else row["image"]))
    with pytest.raises(InputError, match=r"records\.jsonl:26: image: no file .*none\.png"):
        mixture_of(recipe(path))
    changed(path, lambda n, row: row.update(image=f"images/{n}.png", original_cx=5000 if n == 1 else 48))
    with pytest.raises(InputError, match=r"records\.jsonl:2: the principal point .* outside the 96x64"):
        mixture_of(recipe(path))
    changed(path, lambda n, row: row.update(original_cx=48, depth_scale=500_000 if n == 0 else 500))
    with pytest.warns(UserWarning, match=r"records\.jsonl:1: depth with a median of 0\.0.* depth_scale 1000 too large"):
        mixture_of(recipe(path))


def test_held_out_records_come_as_they_are(tmp_path):
    path = tiny_records(tmp_path, 5)
    data = held_out_data(Recipe(records=[str(path)], held_out=[str(path)], eval_samples=3, start="nano"))
    assert data is not None and len(data) == 3
    assert [data[k].where for k in range(3)] == [f"records.jsonl:{n}" for n in (1, 2, 3)]
    raw = np.asarray(Image.open(tmp_path / "images" / "1.png").convert("RGB"))
    assert np.array_equal(data[1].views[0].image, raw) and same(data[1], data[1])
    assert held_out_data(Recipe(records=[str(path)], start="nano")) is None


# ---- files that grow -----------------------------------------------------------------------------------------


def test_a_file_that_grows_is_drawn_from_as_it_grows(tmp_path, monkeypatch):
    path = tiny_records(tmp_path, 6)
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join(lines[:2]) + lines[2][:40])  # the third is still being written
    whole, growing = (Mixture([Source(str(path), grows=grows)]) for grows in (False, True))
    later = growing.next_look[0]
    monkeypatch.setattr("train.data.mixture.time.monotonic", lambda: later)

    def places(data: Mixture) -> set[str]:
        return {data[k].where for k in range(60)}

    assert places(growing) == places(whole) == {"records.jsonl:1", "records.jsonl:2"}
    path.write_text("".join([*lines[:4], "no record\n", *lines[4:]]))
    assert places(growing) == {"records.jsonl:1", "records.jsonl:2"}  # not looked at again yet
    later += 60
    with pytest.warns(UserWarning, match=r"left out: .*records.jsonl:5"):
        assert places(growing) == {f"records.jsonl:{n}" for n in (1, 2, 3, 4, 6, 7)}
    assert len(places(whole)) == 2
    assert growing.counts()[0]["count"] == 6
    with pytest.raises(InputError, match="holds 7 records, too few to make a tokenizer from"):
        growing.texts()


def test_a_line_that_grows_counts_once_it_has_its_end(tmp_path):
    path = tiny_records(tmp_path, 3)
    lines = path.read_text().splitlines(keepends=True)
    path.write_text(lines[0] + lines[1].rstrip("\n"))
    file = RecordFile(path, grows=True)
    assert len(file) == 1
    path.write_text("".join(lines))
    assert file.grow() == range(1, 3) and file.where(2) == "records.jsonl:3"


def test_only_lines_of_single_pictures_may_grow(tmp_path):
    with pytest.raises(InputError, match="grows, with 2 views"):
        sources(tmp_path, grows=True, views=2)
    with pytest.raises(InputError, match="is a table that grows"):
        Mixture([Source(str(tmp_path / "rows.parquet"), grows=True)])
