"""The wordings of every question type; `{...}` is filled by questions.py. Things come without an article."""

from __future__ import annotations

_LETTER = " A. the {first} B. the {second} Answer with the letter."
_SIDES = " A. {one} B. {two} Answer with the letter."

PHRASES: dict[str, tuple[str, ...]] = {
    "distance": (
        "How far away is the {thing}?",
        "How far is the {thing} from the camera?",
        "What is the distance to the {thing}?",
        "At what distance is the {thing}, in metres?",
        "Estimate the distance to the {thing}.",
        "How many metres away is the {thing}?",
    ),
    "depth_at": (
        "What is the depth at ({x}, {y})?",
        "How far away is the point ({x}, {y})?",
        "How far is the surface at ({x}, {y})?",
        "Depth at ({x}, {y}) in metres?",
        "Estimate the distance at pixel ({x}, {y}).",
    ),
    "closer": (
        "Which is closer, the {first} or the {second}?",
        "Which is closer to the camera: the {first} or the {second}?",
        "What is nearer, the {first} or the {second}?",
        "Is the {first} or the {second} closer?",
        "Of the {first} and the {second}, which one is nearer to the camera?",
    ),
    "closer_choice": (
        "Which is closer to the camera?" + _LETTER,
        "Which is nearer?" + _LETTER,
        "Which of these is closer?" + _LETTER,
        "What is the closest to the camera?" + _LETTER,
    ),
    "left_right": (
        "Is the {first} left or right of the {second}?",
        "Is the {first} to the left or to the right of the {second}?",
        "On which side of the {second} is the {first}, left or right?",
        "Seen from the camera, is the {first} left or right of the {second}?",
        "Relative to the {second}, is the {first} on the left or on the right?",
    ),
    "left_right_choice": (
        "Where is the {first} relative to the {second}?" + _SIDES,
        "On which side of the {second} is the {first}?" + _SIDES,
        "The {first} is on which side of the {second}?" + _SIDES,
        "Seen from the camera, where is the {first} compared with the {second}?" + _SIDES,
    ),
    "colour": (
        "What colour is the {kind}?",
        "What is the colour of the {kind}?",
        "Which colour does the {kind} have?",
        "Tell me the colour of the {kind}.",
        "What color is the {kind}?",
    ),
    "what_at": (
        "What is at ({x}, {y})?",
        "What can be seen at ({x}, {y})?",
        "What is shown at the point ({x}, {y})?",
        "Name the object at ({x}, {y}).",
        "Which thing is at pixel ({x}, {y})?",
    ),
    "where": (
        "Where is the {thing}?",
        "Point to the {thing}.",
        "Give the position of the {thing}.",
        "Where in the picture is the {thing}?",
        "Locate the {thing}.",
    ),
    "count": (
        "How many {kinds} are there?",
        "How many {kinds} can you see?",
        "Count the {kinds}.",
        "What is the number of {kinds} in the picture?",
        "How many {kinds} are in the image?",
    ),
    "exists": (
        "Is there {thing} in the picture?",
        "Can you see {thing}?",
        "Does the image show {thing}?",
        "Is {thing} visible?",
        "Is there {thing}?",
    ),
    "indoor_outdoor": (
        "Is this indoors or outdoors?",
        "Was this picture taken indoor or outdoor?",
        "Is the scene indoor or outdoor?",
        "Indoor or outdoor?",
    ),
    "fov": (
        "What is the horizontal field of view?",
        "How wide is the horizontal field of view, in degrees?",
        "Estimate the camera's horizontal field of view.",
        "What is the camera's field of view from left to right?",
    ),
    "caption": (
        "Describe the picture.",
        "Describe the image.",
        "What does the picture show?",
        "What do you see?",
        "Give a short caption with distances.",
    ),
}

_IRREGULAR = {"person": "people", "shelf": "shelves", "box": "boxes", "bench": "benches", "bush": "bushes"}


def plural(kind: str) -> str:
    return _IRREGULAR.get(kind, kind + "s")


PRESENCE: dict[str, dict[str, float]] = {
    "outdoor": {
        "person": 0.573, "car": 0.572, "van": 0.24, "tree": 0.803, "street lamp": 0.245, "traffic cone": 0.036,
        "bin": 0.164, "bench": 0.128, "fence": 0.092, "bush": 0.198, "sign": 0.047, "ball": 0.039, "box": 0.105,
    },
    "indoor": {
        "door": 0.637, "window": 0.351, "table": 0.367, "chair": 0.426, "sofa": 0.26, "bed": 0.152,
        "cabinet": 0.269, "shelf": 0.155, "lamp": 0.31, "box": 0.324, "ball": 0.252, "bottle": 0.075,
        "plant": 0.322, "picture": 0.543, "person": 0.34, "tv": 0.05, "rug": 0.264, "mug": 0.014, "bin": 0.2,
        "stool": 0.183, "curtain": 0.237,
    },
}  # fmt: skip
"""How often a kind is clearly visible rather than absent (measured over 1,120 scenes): keeps `exists` fair."""
