"""Scenes with their maps and questions for the tests: rendered ones, and made-up ones that cost nothing to draw."""

from dataclasses import replace
from functools import lru_cache

import numpy as np

from train.worlds.asking.questions import questions
from train.worlds.asking.seen import Shown
from train.worlds.drawing.light import look
from train.worlds.drawing.render import render
from train.worlds.layout import Primitives, Scene, Thing, sample_scene
from train.worlds.places import Place
from train.worlds.things import KINDS

FIRST, COUNT, SIZE = 100, 96, (64, 96)
LOOK = replace(look(np.random.default_rng(0), Place("outdoor", [], lambda rng: (0.0, 0.0, 0.0))), saturation=1.0)


@lru_cache
def asked():
    """[(scene, depth_z, instance, kind, questions)]"""
    found = []
    for start in range(FIRST, FIRST + COUNT, 16):
        scenes = [sample_scene(seed, SIZE) for seed in range(start, start + 16)]
        drawn = render(scenes)
        for i, scene in enumerate(scenes):
            maps = [getattr(drawn, key)[i].numpy() for key in ("depth_z", "instance", "kind")]
            found.append((scene, *maps, questions(scene, *maps)))
    return found


def pairs(*kinds):
    for scene, depth, instance, kind, several in asked():
        for question in several:
            if question["type"] in kinds:
                yield question, scene, depth, instance, kind


def name_of(scene, thing):
    """Colour and kind; the kind alone in a picture without colours."""
    return thing.kind if scene.look.saturation == 0 else f"{thing.colour} {thing.kind}"


def points(scene, depth):
    """(H, W, 3) in the camera frame, pixel by pixel as the lens says."""
    rows, columns = np.mgrid[: depth.shape[0], : depth.shape[1]] + 0.5
    slope = scene.slopes_at(np.stack([columns, rows], -1))
    return np.dstack([slope[..., 0] * depth, slope[..., 1] * depth, depth])


def level_scene(seed, things=(), size=(48, 64), domain="indoor", room=None, pitch=0.0, position=(0, 0, 1.5)):
    """A camera 1.5 m above the floor that looks along +y, tilted up by `pitch` degrees; focal length 40 pixels."""
    empty = {name: np.zeros((0, 3)) for name in ("centre", "half", "rgb", "rgb2")}
    plain = {name: np.zeros(0) for name in ("shape", "kind", "colour", "instance", "texture", "scale", "gloss", "glow",
                                            "round")}  # fmt: skip
    p = np.radians(pitch)
    forward, right = np.array([0, np.cos(p), np.sin(p)]), np.array([1.0, 0, 0])
    rotation = np.stack([right, np.cross(forward, right), forward], 1)
    return Scene(
        seed, domain, size, 40.0, (size[1] / 2, size[0] / 2), rotation, np.array(position, float),
        Primitives(turn=np.zeros((0, 3, 3)), **empty, **plain), list(things), LOOK, room,
    )  # fmt: skip


def made_up(seed):
    """Rectangles of things in a made-up picture: what is lower is usually nearer, and cars usually are than lamps."""
    rng = np.random.default_rng([seed, 77])
    height, width = 48, 64
    instance, kind = np.zeros((height, width), np.uint8), np.full((height, width), KINDS.index("floor"), np.uint8)
    depth, things = np.full((height, width), 30.0, np.float32), []
    kinds = rng.permutation(["car", "lamp", "chair", "box", "person", "dog"])[: rng.integers(3, 7)]
    for number, (name, slot) in enumerate(zip(kinds, rng.permutation(8), strict=False), 1):
        x, y = 16 * (slot % 4), 24 * (slot // 4) + int(rng.integers(10))
        wide, tall = int(rng.integers(5, 16)), int(rng.integers(5, 14))
        near = 0.8 * (y / 34) + {"car": 0.5, "lamp": -0.5}.get(name, 0.0) + rng.normal(0, 0.5)
        depth[y : y + tall, x : x + wide] = 6 * np.exp(-near)
        instance[y : y + tall, x : x + wide], kind[y : y + tall, x : x + wide] = number, KINDS.index(name)
        colour = str(rng.choice(["red", "red", "red", "blue"]))
        things.append(Thing(name, colour, number, np.array([0, 0, 6.0]), np.ones(3), np.eye(3)))
    return Shown(level_scene(seed, things, (height, width)), depth, instance, kind)
