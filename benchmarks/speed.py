"""Seconds and memory of a look and of a further question, and what the heads add to the backbone's pass.

    measure_speed(model, size=(640, 480))["look_seconds"]

Everything is timed in one process, in the order it says; `benchmarks.flops` counts the arithmetic.
"""

import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch

from benchmarks.protocol import peak_memory_mib, protocol
from heads.errors import InputError

QUESTION = "What is at (500, 500)?"


def measure_speed(
    model: Any, size: tuple[int, int] = (640, 480), repeats: int = 5, image: np.ndarray | None = None
) -> dict[str, Any]:
    """Medians over `repeats`, after one warm-up, on one `size` = (width, height) photograph.

    image: (H, W, 3) uint8 instead of a made-up one of that size. The result, seconds and MiB:
    look_seconds: `model.look`, from pixels to a scene. read_seconds: depth_z and its interval at the
        photograph's size. question_seconds: a further `ask` of at most 32 tokens; `question_tokens` came back.
    backbone_seconds, with_heads_seconds: the same inputs through `forward` without and with the heads, turn
        by turn; heads_ratio: median of (with - without) / without.
    vision_calls: runs of the vision tower for one look, its depth and two questions: 1.
    peak_memory_before_mib, peak_memory_mib: resident memory of the whole process, Python and torch included,
        at its highest, before the first look and at the end.
    """
    if repeats < 1 or min(size) < 1:
        raise InputError("repeats, size", f"{repeats}, {size}", "1 or more each")
    picture = made_up_picture(*size) if image is None else image
    before = peak_memory_mib()
    inputs = forward_inputs(model, picture)

    looks, reads, questions = [], [], []
    tokens = 0
    for _ in range(repeats):
        scene, seconds = timed(model, lambda: model.look(picture))
        looks.append(seconds)
        reads.append(timed(model, lambda scene=scene: scene.depth_interval(0.9))[1])
        answer, seconds = timed(model, lambda scene=scene: scene.ask(QUESTION, max_new_tokens=32))
        questions.append(seconds)
        tokens = len(answer.tokens)

    without, both = [], []
    with torch.no_grad():
        for _ in range(repeats):
            without.append(timed(model, lambda: model(**{**inputs, "heads": False}))[1])
            both.append(timed(model, lambda: model(**inputs))[1])
    with vision_calls(model) as calls:
        scene = model.look(picture)
        scene.depth_interval(0.9)
        scene.ask(QUESTION, max_new_tokens=4)
        scene.ask(QUESTION, max_new_tokens=4)

    return {
        "size": [picture.shape[1], picture.shape[0]],
        "repeats": repeats,
        "look_seconds": statistics.median(looks),
        "read_seconds": statistics.median(reads),
        "question_seconds": statistics.median(questions),
        "question_tokens": tokens,
        "backbone_seconds": statistics.median(without),
        "with_heads_seconds": statistics.median(both),
        "heads_ratio": statistics.median((b - a) / a for a, b in zip(without, both, strict=True)),
        "heads": list(model.heads),
        "vision_calls": calls[0],
        "peak_memory_before_mib": before,
        "peak_memory_mib": peak_memory_mib(),
        "protocol": protocol(model, benchmark="speed", input="pixels in memory"),
    }


def made_up_picture(width: int, height: int) -> np.ndarray:
    """(height, width, 3) uint8: smooth colours with some grain; the same every time."""
    y, x = np.mgrid[:height, :width].astype(np.float32)
    waves = np.stack([np.sin(x / 37), np.cos(y / 23), np.sin((x + y) / 51)], -1) * 80 + 128
    grain = np.random.default_rng(0).normal(0, 8, waves.shape)
    return np.clip(waves + grain, 0, 255).astype(np.uint8)


@contextmanager
def vision_calls(model: Any) -> Iterator[list[int]]:
    """A list whose one number counts the vision tower's runs while the block lasts."""
    calls = [0]

    def count(*_: Any) -> None:
        calls[0] += 1

    hook = model.vision_tower.register_forward_hook(count)
    try:
        yield calls
    finally:
        hook.remove()


def forward_inputs(model: Any, picture: Any, camera: Any = None) -> dict[str, Any]:
    """The very inputs that `look` gives to `forward`, taken from one look (which also warms up)."""
    taken: dict[str, Any] = {}

    def take(_module: Any, positional: tuple, named: dict[str, Any]) -> None:
        taken.update(named, **({"input_ids": positional[0]} if positional else {}))

    hook = model.register_forward_pre_hook(take, with_kwargs=True)
    try:
        model.look(picture, camera)
    finally:
        hook.remove()
    return taken


def timed(model: Any, run: Callable[[], Any]) -> tuple[Any, float]:
    """What `run` returns, and its seconds; the device has finished before and after."""
    wait = torch.cuda.synchronize if model.device.type == "cuda" else lambda: None
    wait()
    started = time.perf_counter()
    result = run()
    wait()
    return result, time.perf_counter() - started
