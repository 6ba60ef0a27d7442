"""Records on disk -> batches with truth for every head, many questions packed behind one image.

The questions of a picture share its tokens and do not see each other: each continues the image's prefix at
the same rotary position, under a block mask. That is how `Scene.ask` will put them later, and a picture is
encoded once for all of them.
"""

from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.utils.data import Dataset

from heads.errors import InputError
from vlm.processor import FathomProcessor
from vlm.records import Record, parse_record

Sample = dict[str, Any]


class RecordSet(Dataset):
    """The records of several JSONL files, read line by line from disk when asked for.

    Item i is a dictionary: image (H, W, 3) uint8, depth_z, labels, camera, and `questions` pairs drawn with
    (seed, i, pass): a sample index beyond the length is a further pass with other questions and colours.
    """

    def __init__(self, files: list[str | Path], questions: int = 8, seed: int = 0, augment: bool = True):
        self.files, self.questions, self.seed, self.augment = (
            [Path(f) for f in files],
            questions,
            seed,
            augment,
        )
        self.lines: list[tuple[int, int]] = []
        for number, file in enumerate(self.files):
            if not file.is_file():
                raise InputError("records", f"no file {file}", "JSONL files, one record a line")
            with file.open("rb") as lines:
                offset = 0
                for line in lines:
                    if line.endswith(b"\n"):  # a line still being written has no end
                        self.lines.append((number, offset))
                    offset += len(line)
        if not self.lines:
            raise InputError("records", f"no record in {', '.join(map(str, files)) or 'no file'}", "at least one")

    def __len__(self) -> int:
        return len(self.lines)

    def record(self, index: int) -> Record:
        number, offset = self.lines[index % len(self)]
        with self.files[number].open("rb") as lines:
            lines.seek(offset)
            return parse_record(lines.readline(), self.files[number].parent, f"{self.files[number].name}@{offset}")

    def __getitem__(self, index: int) -> Sample:
        record = self.record(index)
        rng = np.random.default_rng((self.seed, index))
        image = np.asarray(Image.open(record.image).convert("RGB"))
        chosen = rng.permutation(len(record.questions))[: self.questions]
        return {
            "image": colour_jitter(image, rng) if self.augment else image,
            "depth_z": record.depth_z(),
            "labels": record.labels() if record.labels_path else {},
            "camera": record.camera,
            "questions": [(record.questions[k]["question"], record.questions[k]["answer"]) for k in chosen],
        }


def colour_jitter(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Exposure, contrast, white balance and noise; mild enough that a named colour keeps its name."""
    x = image.astype(np.float32) / 255
    x = x ** np.exp(rng.normal(0, 0.2)) * np.exp(rng.normal(0, 0.08, 3)).astype(np.float32)
    x = (x - x.mean()) * np.exp(rng.normal(0, 0.12)) + x.mean()
    if rng.random() < 0.2:  # saturation towards grey, but never all the way
        x = x + (x.mean(-1, keepdims=True) - x) * rng.uniform(0, 0.5)
    x = x + rng.normal(0, abs(rng.normal(0, 0.015)), x.shape)
    return (x.clip(0, 1) * 255 + 0.5).astype(np.uint8)


class Collator:
    """Samples -> keyword arguments of `Fathom.forward`. One image a sample; sides multiples of the token stride."""

    def __init__(self, processor: FathomProcessor, heads: list[str]):
        self.processor, self.heads = processor, heads

    def __call__(self, samples: list[Sample]) -> dict[str, Any]:
        pixel_values, grid_thw = self.processor.pixels([s["image"] for s in samples])
        tokens = self.processor.tokens_per_image(grid_thw)
        merge = self.processor.image_processor.merge_size
        grids = [(h // merge, w // merge) for _, h, w in grid_thw.tolist()]
        rows = [self._pack(s["questions"], n, grid) for s, n, grid in zip(samples, tokens, grids, strict=True)]
        return {
            **_stack(rows, fill=self.processor.end_id),
            "pixel_values": pixel_values,
            "image_grid_thw": grid_thw,
            "truth": self._truth(samples, grids),
        }

    def _pack(self, questions: list[tuple[str, str]], tokens: int, grid: tuple[int, int]) -> dict[str, Tensor]:
        """ids, labels (L,), block (L,) number of the question (0 = image prefix), position (3, L)."""
        prefix, _ = self.processor.split_prompt("?", [tokens])
        start = len(prefix) - tokens
        after = start + max(grid)  # Qwen's rotary position goes on behind the image's longer side
        y, x = np.divmod(np.arange(tokens), grid[1])
        image = start + np.stack([np.zeros(tokens, dtype=int), y, x])
        positions = [np.tile(np.arange(start), (3, 1)), image]
        ids, labels, block = list(prefix), [-100] * len(prefix), [0] * len(prefix)
        for number, (question, answer) in enumerate(questions, 1):
            asked = self.processor.split_prompt(question, [tokens])[1]
            told = [
                *self.processor.tokenizer(answer, add_special_tokens=False).input_ids,
                self.processor.end_id,
            ]
            ids += asked + told
            labels += [-100] * len(asked) + told
            block += [number] * len(asked + told)
            positions.append(np.tile(after + np.arange(len(asked + told)), (3, 1)))
        return {
            "ids": torch.tensor(ids),
            "labels": torch.tensor(labels),
            "block": torch.tensor(block),
            "position": torch.from_numpy(np.concatenate(positions, 1)),
        }

    def _truth(self, samples: list[Sample], grids: list[tuple[int, int]]) -> dict[str, Any]:
        truth: dict[str, Any] = {}
        if "depth" in self.heads:
            truth["depth"] = [_depth_truth(s) for s in samples]
        if "labels" in self.heads:
            truth["labels"] = [
                {name: torch.from_numpy(s["labels"][name].astype(np.int64)) for name in ("kind", "colour")}
                for s in samples
            ]
        if "rays" in self.heads:
            truth["rays"] = _ray_truth(samples, grids)
        return truth


def _depth_truth(sample: Sample) -> dict[str, Tensor]:
    camera = sample["camera"]
    pixels = torch.from_numpy(camera.pixel_grid())
    rays = torch.ones(3, camera.height, camera.width)
    rays[0] = (pixels[..., 0] - camera.cx) / camera.fx
    rays[1] = (pixels[..., 1] - camera.cy) / camera.fy
    return {
        "depth_z": torch.from_numpy(sample["depth_z"]),
        "focal_px": torch.tensor(camera.focal, dtype=torch.float32),
        "rays": rays,
    }


def _ray_truth(samples: list[Sample], grids: list[tuple[int, int]]) -> dict[str, Tensor]:
    """One view a sample: origin zero, rotation the identity; padded to the longest row."""
    length = max(h * w for h, w in grids)
    count = len(samples)
    pixels, direction = torch.zeros(count, length, 2), torch.zeros(count, length, 3)
    mask = torch.zeros(count, length, dtype=torch.bool)
    for b, (sample, (h, w)) in enumerate(zip(samples, grids, strict=True)):
        camera = sample["camera"]
        y, x = torch.meshgrid(torch.arange(h) + 0.5, torch.arange(w) + 0.5, indexing="ij")
        centres = torch.stack([x * camera.width / w, y * camera.height / h], -1).reshape(-1, 2)
        pixels[b, : h * w] = centres
        direction[b, : h * w, 0] = (centres[:, 0] - camera.cx) / camera.fx
        direction[b, : h * w, 1] = (centres[:, 1] - camera.cy) / camera.fy
        direction[b, : h * w, 2] = 1
        mask[b, : h * w] = True
    return {
        "pixels": pixels,
        "direction": direction,
        "origin": torch.zeros_like(direction),
        "mask": mask,
        "view": torch.zeros(count, length, dtype=torch.long),
        "focal_px": torch.tensor([[s["camera"].focal] for s in samples], dtype=torch.float32),
        "rotation": torch.eye(3).expand(count, 1, 3, 3),
    }


def _stack(rows: list[dict[str, Tensor]], fill: int) -> dict[str, Tensor]:
    """Packed rows -> input_ids, labels (B, L), position_ids (3, B, L), attention_mask (B, 1, L, L) bool."""
    length, count = max(len(row["ids"]) for row in rows), len(rows)
    ids, labels = torch.full((count, length), fill), torch.full((count, length), -100)
    block = torch.full((count, length), -1)
    positions = torch.zeros(3, count, length, dtype=torch.long)
    for b, row in enumerate(rows):
        n = len(row["ids"])
        ids[b, :n], labels[b, :n], block[b, :n], positions[:, b, :n] = (
            row[k] for k in ("ids", "labels", "block", "position")
        )
    query, key = block[:, :, None], block[:, None, :]
    causal = torch.ones(length, length, dtype=torch.bool).tril()
    mask = causal & ((key == query) | (key == 0))
    return {"input_ids": ids, "labels": labels, "position_ids": positions, "attention_mask": mask[:, None]}
