"""What batching gives the published DepthVLM head: our pass against the same pass with the head run plainly.

Plainly: sample by sample and layer by layer in the published order. The backbone, the weights and the inputs are the
same, and so are the depths (`largest_difference_m`).
"""

import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from benchmarks.protocol import protocol
from heads.base import Features
from heads.dpt import PublishedDptHead
from heads.errors import InputError
from vlm.processor import pad_rows

MIXED = (0.5, 0.625, 0.75, 0.875, 1.0, 1.125, 1.25, 1.5)  # widths of eight photographs, of the given one


def measure_published_speed(model: Any, height: int = 256, width: int = 320, repeats: int = 3) -> list[dict[str, Any]]:
    """One row for a photograph alone, eight of equal size and eight of different widths; medians over `repeats`.

    seconds, plain_seconds: the whole pass, in turns; ratio: ours over plain. peak_mib, plain_peak_mib: the process's
    highest resident memory above that before the pass (on a GPU what torch allocated; None where unknown).
    """
    if not isinstance(model.heads["depth"], PublishedDptHead):
        raise InputError("model", "it has another depth head", "published DepthVLM weights with the dpt head")
    widths = [max(32, 32 * round(width * factor / 32)) for factor in MIXED]
    rows = []
    cases = {"alone": [width], "8 of equal size": [width] * 8, "8 of mixed sizes": widths}
    for name, sides in cases.items():
        inputs = made_up_inputs(model, [(max(32, 32 * round(height / 32)), side) for side in sides])
        ours, plain = [], []
        with torch.no_grad():
            found, _, peak = _measured(model, lambda inputs=inputs: model(**inputs))
            with plainly(model):
                expected, _, plain_peak = _measured(model, lambda inputs=inputs: model(**inputs))
            for _ in range(repeats):
                ours.append(_measured(model, lambda inputs=inputs: model(**inputs))[1])
                with plainly(model):
                    plain.append(_measured(model, lambda inputs=inputs: model(**inputs))[1])
        pairs = zip(found.dense["depth"], expected.dense["depth"], strict=True)
        rows.append(
            {
                "case": name,
                "sizes": [[side, height] for side in sides],
                "seconds": statistics.median(ours),
                "plain_seconds": statistics.median(plain),
                "ratio": statistics.median(a / b for a, b in zip(ours, plain, strict=True)),
                "peak_mib": peak,
                "plain_peak_mib": plain_peak,
                "largest_difference_m": max(
                    float((a["canonical_depth"] - b["canonical_depth"]).abs().max()) for a, b in pairs
                ),
                "protocol": protocol(model, benchmark="published-speed", repeats=repeats),
            }
        )
    return rows


def made_up_inputs(model: Any, sizes: list[tuple[int, int]]) -> dict[str, Tensor]:
    """Inputs of `forward` for one image a row, sizes (height, width) in multiples of 32 px; noise for pixels."""
    config = model.config.backbone_config
    patch = config.vision_config.patch_size
    grid = torch.tensor([(1, height // patch, width // patch) for height, width in sizes])
    tokens = grid.prod(-1) // config.vision_config.spatial_merge_size**2
    start, image, end = config.vision_start_token_id, config.image_token_id, config.vision_end_token_id
    ids, mask = pad_rows([[start, *[image] * int(count), end] for count in tokens], end)
    channels = config.vision_config.in_channels * config.vision_config.temporal_patch_size * patch**2
    pixels = torch.randn(int(grid.prod(-1).sum()), channels, generator=torch.Generator().manual_seed(0))
    inputs = {"input_ids": ids, "attention_mask": mask, "pixel_values": pixels, "image_grid_thw": grid}
    return {name: value.to(model.device) for name, value in inputs.items()}


@contextmanager
def plainly(model: Any) -> Iterator[None]:
    """While it lasts, the depth head runs on one sample after the other, in the published order of layers."""
    head = model.heads["depth"]

    def forward(features: Features) -> dict[str, Tensor]:
        count = len(features.image)
        return {"canonical_depth": torch.cat([_plain(head, features.select([row])) for row in range(count)])}

    head.forward = forward
    try:
        yield
    finally:
        del head.forward


def _plain(head: PublishedDptHead, features: Features) -> Tensor:
    levels = []
    for tap, project, resize in zip(head.taps, head.projects, head.resize_layers, strict=True):
        tokens = head.norm(features.taps[tap.name].float().flatten(2).transpose(1, 2))
        levels.append(resize(project(tokens.transpose(1, 2).reshape(features.taps[tap.name].shape))))
    scratch: Any = head.scratch
    levels = [getattr(scratch, f"layer{number}_rn")(level) for number, level in enumerate(levels, 1)]
    x = None
    for number in (4, 3, 2, 1):
        block, level = getattr(scratch, f"refinenet{number}"), levels[number - 1]
        x = level if x is None else x + block.resConfUnit1(level)
        size = levels[number - 2].shape[-2:] if number > 1 else (2 * level.shape[-2], 2 * level.shape[-1])
        x = block.out_conv(_up(block.resConfUnit2(x), size))
    height, width = features.taps[head.taps[0].name].shape[-2:]
    assert x is not None
    x = _up(scratch.output_conv1(x), (height * head.stride, width * head.stride))
    return functional.softplus(scratch.output_conv2(x))[:, 0]


def _up(x: Tensor, size: tuple[int, ...]) -> Tensor:
    return functional.interpolate(x, size=size, mode="bilinear", align_corners=True)


def _measured(model: Any, run: Callable[[], Any]) -> tuple[Any, float, float | None]:
    """What it gives, seconds, and the MiB it needed above what was held before."""
    cuda = model.device.type == "cuda"
    wait = torch.cuda.synchronize if cuda else lambda: None
    if cuda:
        torch.cuda.reset_peak_memory_stats()
    before = torch.cuda.memory_allocated() / 2**20 if cuda else _reset_peak()
    wait()
    started = time.perf_counter()
    result = run()
    wait()
    seconds = time.perf_counter() - started
    peak = torch.cuda.max_memory_allocated() / 2**20 if cuda else _resident("VmHWM")
    return result, seconds, None if before is None or peak is None else peak - before


def _reset_peak() -> float | None:
    """Lets Linux forget the process's highest resident memory so far; MiB held now, None elsewhere."""
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        return None
    return _resident("VmRSS")


def _resident(key: str) -> float | None:
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
    except OSError:
        return None
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith(key)), None)
