"""One training sample: pictures with what is measured in them, and conversations about them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import numpy as np

from heads.camera import Camera
from heads.distortion import Brown
from heads.errors import InputError
from train.data.augment import varied
from train.data.conversations import Message, check
from train.data.index import images_told
from train.data.sources import Source
from train.data.windows import Window
from vlm.images import load_image
from vlm.records import Record

PROMPT = "Estimate the metric depth of this image."
"""What a fixed reply answers where neither the source nor the record says."""


@dataclass(frozen=True)
class View:
    """One picture of a sample. Depth and labels keep the pixels of their files; `window` says which part is seen.

    image (H, W, 3) uint8; camera: of that image, None where unknown; depth_z (h, w) metres, inf = sky, nan = unknown;
    labels: name -> (h, w) uint8; things: what the instances in them are. distortion: the lens's, beside the camera; it
    is of slopes, so that no cutting, resizing or mirroring changes it.
    """

    image: np.ndarray
    camera: Camera | None = None
    depth_z: np.ndarray | None = None
    labels: dict[str, np.ndarray] = field(default_factory=dict)
    window: Window = field(default_factory=Window)
    things: list[dict[str, Any]] = field(default_factory=list)
    distortion: Brown = (0.0, 0.0)


@dataclass(frozen=True)
class Sample:
    """views: in the order in which the conversations show them (every one shows them all, or there is one only)."""

    views: list[View]
    conversations: list[list[Message]]
    where: str = ""


def sample_of(
    records: list[Record],
    source: Source,
    questions: int,
    rng: np.random.Generator,
    favour: Mapping[str, float] = MappingProxyType({}),
) -> Sample:
    """records: one, or the views of a scene, first the one that was drawn. Raises InputError where one is bad.

    questions: how many of the record's own at most; favour: type -> how many times as likely one of it is drawn.
    """
    first = records[0]
    if len(records) > 1:
        views = [view_of(record, source.depth) for record in records]
        return Sample([varied(view, source.augment, rng, "same world")[0] for view in views], [], first.where)
    conversations = _conversations(first, source, questions, rng, favour) if source.text else []
    for conversation in conversations:
        check(conversation, first.where)
    if first.image is None:
        if not conversations:
            raise InputError("image", f"{first.where} is text alone in a source with text: false", "text: true")
        return Sample([], conversations, first.where)
    view = view_of(first, source.depth)
    about = bool(conversations) and source.reply is None  # text that says something of this very picture
    view, true = varied(view, source.augment, rng, "text" if about and not source.augment.over_text else "nothing")
    if about and not true:
        conversations = []
    if conversations and conversations[0] is first.messages:
        others = [View(load_image(path).rgb) if path is not None else view for path in images_told(first)]
        return Sample(others or [view], [_shown(conversations[0], bool(others))], first.where)
    return Sample([view], conversations, first.where)


def view_of(record: Record, measured: bool = True) -> View:
    """A record's photograph, upright, and where `measured` its truth. InputError where they do not belong together."""
    photo = load_image(record.image, f"image: {record.where}")
    if record.size not in ((0, 0), photo.size):
        wrong = (
            f"{record.where} says {record.size[0]}x{record.size[1]}, the photograph is {photo.size[0]}x{photo.size[1]}"
        )
        raise InputError("original_rgb_size", wrong, "[width, height] of the photograph, upright")
    if not measured:
        return View(photo.rgb)
    depth_z = None
    if record.depth_path is not None:
        depth_z = record.depth_z()
        if np.isnan(depth_z).all():
            raise InputError("depth_path", f"{record.where} has no valid depth at all", "at least one pixel with depth")
    labels = record.labels() if record.labels_path is not None else {}
    return View(photo.rgb, record.camera, depth_z, labels, things=record.things, distortion=record.distortion)


def _conversations(
    record: Record, source: Source, questions: int, rng: np.random.Generator, favour: Mapping[str, float]
) -> list[list[Message]]:
    """One with its fixed reply; else the record's messages, or some of its questions, one conversation each."""
    if source.reply is not None:
        return [] if record.image is None else [_pair(source.prompt or record.prompt or PROMPT, source.reply, True)]
    asked = [pair for pair in record.questions if "answer" in pair]
    if record.messages and (not asked or rng.random() < 0.5):
        return [record.messages]
    chosen = _drawn([favour.get(str(pair.get("type", "")), 1.0) for pair in asked], questions, rng)
    return [_pair(asked[k]["question"], str(asked[k]["answer"]), record.image is not None) for k in chosen]


def _drawn(weights: list[float], most: int, rng: np.random.Generator) -> np.ndarray:
    """Indices of `most` of them in random order, none twice, each as likely to come next as its weight says."""
    if len(set(weights)) < 2:
        return rng.permutation(len(weights))[:most]
    # The largest of u^(1/w), u uniform (Efraimidis and Spirakis 2006), which are the smallest of -log(u) / w.
    return np.argsort(rng.exponential(size=len(weights)) / np.array(weights))[:most]


def _pair(question: str, answer: str, pictured: bool) -> list[Message]:
    image = [{"type": "image"}] if pictured else []
    return [
        {"role": "user", "content": [*image, {"type": "text", "text": question}]},
        {"role": "assistant", "content": [{"type": "text", "text": answer}]},
    ]


def _shown(conversation: list[Message], has_slot: bool) -> list[Message]:
    """With the image in front of the first turn of the user, where the conversation names no place for it."""
    if has_slot:
        return conversation
    number = next((i for i, turn in enumerate(conversation) if turn["role"] == "user"), 0)
    turn = conversation[number]
    content = turn["content"]
    parts = [{"type": "text", "text": content}] if isinstance(content, str) else content
    shown = {**turn, "content": [{"type": "image"}, *parts]}
    return [*conversation[:number], shown, *conversation[number + 1 :]]
