"""The wordings of every question type; `{...}` is filled by the askers. Things come without an article.

`*_choice` is followed by the options, as CHOICES lays them out. STATEMENTS are what yes/no and true/false are about.
"""

from __future__ import annotations

PHRASES: dict[str, tuple[str, ...]] = {
    "distance": (
        "How far away is the {thing}?",
        "How far is the {thing} from the camera?",
        "What is the distance to the {thing}?",
        "At what distance is the {thing}, in metres?",
        "Estimate the distance to the {thing}.",
        "How many metres away is the {thing}?",
        "What is the distance between the camera and the {thing}?",
        "How far is the {thing}?",
    ),
    "depth_at": (
        "What is the depth at ({x}, {y})?",
        "How far away is the point ({x}, {y})?",
        "How far is the surface at ({x}, {y})?",
        "Depth at ({x}, {y}) in metres?",
        "Estimate the distance at pixel ({x}, {y}).",
        "How far from the camera is what lies at ({x}, {y})?",
        "What is the distance to the surface at ({x}, {y})?",
    ),
    "closer": (
        "Which is closer, the {first} or the {second}?",
        "Which is closer to the camera: the {first} or the {second}?",
        "What is nearer, the {first} or the {second}?",
        "Is the {first} or the {second} closer?",
        "Of the {first} and the {second}, which one is nearer to the camera?",
        "Which object is closer to the camera, the {first} or the {second}?",
        "Is it the {first} or the {second} that is nearer?",
    ),
    "closer_choice": (
        "Which is closer to the camera?",
        "Which is nearer?",
        "Which of these is closer?",
        "Which object is closer to the camera taking this photo, the {first} or the {second}?",
        "Which one is nearer to the camera?",
        "Between the {first} and the {second}, which is closer?",
    ),
    "behind": (
        "Which is behind the other, the {first} or the {second}?",
        "Which is farther away, the {first} or the {second}?",
        "Which is farther from the camera: the {first} or the {second}?",
        "Of the {first} and the {second}, which one is farther back?",
        "What is more distant, the {first} or the {second}?",
        "Is the {first} or the {second} farther away?",
        "Which of the two is behind, the {first} or the {second}?",
    ),
    "behind_choice": (
        "Which is farther from the camera?",
        "Which is farther away?",
        "Which of these is behind the other?",
        "Which object is farther from the camera taking this photo, the {first} or the {second}?",
        "Which one is more distant?",
        "Between the {first} and the {second}, which is farther back?",
    ),
    "front_behind": (
        "Is the {first} in front of or behind the {second}?",
        "Is the {first} behind or in front of the {second}?",
        "Seen from the camera, is the {first} in front of the {second} or behind it?",
        "In depth, is the {first} in front of or behind the {second}?",
        "Relative to the {second}, is the {first} in front or behind?",
        "Where is the {first}: in front of the {second}, or behind it?",
    ),
    "left_right": (
        "Is the {first} left or right of the {second}?",
        "Is the {first} to the left or to the right of the {second}?",
        "On which side of the {second} is the {first}, left or right?",
        "Seen from the camera, is the {first} left or right of the {second}?",
        "Relative to the {second}, is the {first} on the left or on the right?",
        "Does the {first} appear left or right of the {second}?",
    ),
    "left_right_choice": (
        "Where is the {first} relative to the {second}?",
        "On which side of the {second} is the {first}?",
        "The {first} is on which side of the {second}?",
        "Seen from the camera, where is the {first} compared with the {second}?",
        "Considering the relative positions of the {first} and the {second} in the image provided, where is the "
        "{first} located with respect to the {second}?",
        "Is the {first} on the left or the right side of the {second}?",
    ),
    "above_below": (
        "In the picture, is the {first} above or below the {second}?",
        "Is the {first} above or below the {second} in the image?",
        "Does the {first} appear above or below the {second}?",
        "Is the {first} higher or lower in the picture than the {second}? Say above or below.",
        "Relative to the {second}, is the {first} above or below in the picture?",
        "Seen in the picture, is the {first} below or above the {second}?",
    ),
    "above_below_choice": (
        "Where is the {first} relative to the {second} in the picture?",
        "In the image, where does the {first} appear compared with the {second}?",
        "Considering the relative positions of the {first} and the {second} in the image provided, where is the "
        "{first} located with respect to the {second}?",
        "The {first} is where in the picture, seen from the {second}?",
        "Is the {first} above or below the {second} in this image?",
        "In the picture, where is the {first} located with respect to the {second}?",
    ),
    "distance_between": (
        "How far apart are the {first} and the {second}?",
        "What is the distance between the {first} and the {second}?",
        "How far is the {first} from the {second}?",
        "Estimate the distance between the {first} and the {second}.",
        "How many metres are between the {first} and the {second}?",
        "Measured in space, how far is it from the {first} to the {second}?",
        "How much space is between the middle of the {first} and the middle of the {second}?",
    ),
    "closer_to_choice": (
        "Which is closer to the {thing}?",
        "Which of these is nearest to the {thing}?",
        "Estimate the real-world distances between objects in this image. Which object is closer to the {thing}?",
        "Which object is the least distance away from the {thing}?",
        "Which one stands nearest to the {thing}?",
        "Among these objects, which is the closest to the {thing}?",
    ),
    "ratio": (
        "How many times farther away is the {first} than the {second}?",
        "By what factor is the {first} farther away than the {second}?",
        "Compared with the {second}, how many times as far is the {first}?",
        "What is the distance of the {first} divided by that of the {second}?",
        "The {first} is how many times as far from the camera as the {second}?",
        "How many times the distance to the {second} is the distance to the {first}?",
    ),
    "closest": (
        "Which is the closest: {list}?",
        "Which of these is nearest to the camera: {list}?",
        "Of {list}, which one is the closest?",
        "What is nearest, {list}?",
        "Among {list}, which is closest to the camera?",
        "Name the closest of these: {list}.",
    ),
    "closest_choice": (
        "Which is the closest?",
        "Which of these is nearest to the camera?",
        "Which object, in relation to your current position, holds the closest placement?",
        "What is the closest to the camera?",
        "Which of these objects is the least far away?",
        "Among the listed objects, which one is the closest to you?",
    ),
    "farthest": (
        "Which is the farthest: {list}?",
        "Which of these is farthest from the camera: {list}?",
        "Of {list}, which one is the farthest?",
        "What is the most distant, {list}?",
        "Among {list}, which is farthest from the camera?",
        "Name the farthest of these: {list}.",
    ),
    "farthest_choice": (
        "Which is the farthest?",
        "Which of these is farthest from the camera?",
        "Which object, in relation to your current position, holds the farthest placement?",
        "What is the most distant from the camera?",
        "Which of these objects is the farthest away?",
        "Among the listed objects, which one is the farthest from you?",
    ),
    "closer_point_choice": (
        "Which point is closer to the camera?",
        "Which of these points is nearer?",
        "At which of these points is the surface closer to the camera?",
        "Which point lies nearer to the camera?",
        "Which of the two points is closer?",
        "Two points of the picture are given. Which point is closer to the camera?",
    ),
    "height": (
        "How tall is the {thing}?",
        "How high is the {thing}?",
        "What is the height of the {thing}?",
        "Estimate the height of the {thing}.",
        "What height does the {thing} have?",
        "How much does the {thing} measure from bottom to top?",
        "What is the vertical size of the {thing}?",
    ),
    "width": (
        "How wide is the {thing}, seen from here?",
        "What is the width of the {thing} as seen from the camera?",
        "How wide is the {thing} from its left to its right edge?",
        "Estimate the width of the {thing} across the view.",
        "What is the extent of the {thing} from left to right?",
        "How much does the {thing} measure across, seen from here?",
    ),
    "count": (
        "How many {kinds} are there?",
        "How many {kinds} can you see?",
        "Count the {kinds}.",
        "What is the number of {kinds} in the picture?",
        "How many {kinds} are in the image?",
        "How many {kinds} does the picture show?",
    ),
    "exists": (
        "Is there {thing} in the picture?",
        "Can you see {thing}?",
        "Does the image show {thing}?",
        "Is {thing} visible?",
        "Is there {thing}?",
        "Does {thing} appear in this picture?",
    ),
    "colour": (
        "What colour is the {kind}?",
        "What is the colour of the {kind}?",
        "Which colour does the {kind} have?",
        "Tell me the colour of the {kind}.",
        "What color is the {kind}?",
        "Name the color of the {kind}.",
    ),
    "what_at": (
        "What is at ({x}, {y})?",
        "What can be seen at ({x}, {y})?",
        "What is shown at the point ({x}, {y})?",
        "Name the object at ({x}, {y}).",
        "Which thing is at pixel ({x}, {y})?",
        "What does the picture show at ({x}, {y})?",
    ),
    "where": (
        "Where is the {thing}?",
        "Point to the {thing}.",
        "Give the position of the {thing}.",
        "Where in the picture is the {thing}?",
        "Locate the {thing}.",
        "At which point is the {thing}?",
    ),
    "box": (
        "Give the bounding box of the {thing}.",
        "What is the bounding box of the {thing}?",
        "Draw a box around the {thing}.",
        "Box the {thing}.",
        "Find the box that holds the {thing}.",
        "From where to where does the {thing} reach in the picture, as a box?",
    ),
    "free_space": (
        "How far can one walk straight ahead?",
        "How much free space is there straight ahead?",
        "How far is the first obstacle straight ahead?",
        "How many metres ahead is the way free?",
        "At what distance would one bump into something, going straight ahead?",
        "How long is the free way in front of the camera?",
        "What is the distance to the nearest obstacle ahead?",
    ),
    "room_height": (
        "How high is the room?",
        "What is the ceiling height?",
        "How high is the ceiling above the floor?",
        "Estimate the height of the room.",
        "What is the distance from the floor to the ceiling?",
        "At what height is the ceiling?",
    ),
    "room_width": (
        "How wide is the room, from the left wall to the right wall?",
        "What is the distance between the left and the right wall?",
        "How far apart are the walls on the left and on the right?",
        "Estimate the width of the room from wall to wall.",
        "What is the width of the room?",
        "How much space is between the left and the right wall?",
    ),
    "camera_height": (
        "How high above the ground is the camera?",
        "At what height is the camera?",
        "What is the height of the camera above the ground?",
        "From what height was the picture taken?",
        "Estimate the camera's height.",
        "How far above the floor was this picture taken?",
    ),
    "tilt": (
        "By how many degrees is the camera tilted up or down?",
        "What is the pitch of the camera in degrees?",
        "How many degrees up or down does the camera look?",
        "Estimate the tilt of the camera in degrees, up or down.",
        "At what angle to the horizon does the camera point?",
        "How far is the camera tilted, in degrees up or down?",
    ),
    "tilt_word": (
        "Does the camera look up, down or level?",
        "Is the camera tilted up, tilted down or level?",
        "Is the view up, down or level?",
        "How is the camera tilted: up, down or level?",
        "In which direction is the camera pitched: up, down or level?",
        "Does the camera point up, point down or stay level?",
    ),
    "indoor_outdoor": (
        "Is this indoors or outdoors?",
        "Was this picture taken indoor or outdoor?",
        "Is the scene indoor or outdoor?",
        "Indoor or outdoor?",
        "Does the picture show an indoor or an outdoor scene?",
        "Was the camera inside or outside? Say indoor or outdoor.",
    ),
    "fov": (
        "What is the horizontal field of view?",
        "How wide is the horizontal field of view, in degrees?",
        "Estimate the camera's horizontal field of view.",
        "What is the camera's field of view from left to right?",
        "How many degrees does the picture span from left to right?",
        "What is the camera's horizontal angle of view?",
    ),
    "caption": (
        "Describe the picture.",
        "Describe the image.",
        "What does the picture show?",
        "What do you see?",
        "Give a short caption with distances.",
        "Caption this picture.",
    ),
}

LENGTHS = (
    "distance", "depth_at", "distance_between", "height", "width", "free_space", "room_height", "room_width",
    "camera_height",
)  # fmt: skip
"""Types that may ask for a unit."""
REFUSED = ("distance", "where", "height", "width", "box")
"""Types whose wordings are also asked of a thing that is not there."""

CHOICES = (
    (" ", "{letter}. {option}", " ", " Answer with the letter."),
    (" ", "({letter}) {option}", " ", " Answer with the letter."),
    ("\n", "{letter}. {option}", "\n", "\nAnswer with the option's letter from the given choices directly."),
    ("\nSelect from the following choices.\n", "({letter}) {option}", "\n", ""),
    ("\nSelect from the following options.\n", "({letter}) {option}", "\n", "\nAnswer with the letter."),
    ("\nOptions:\n", "{letter}. {option}", "\n", "\nAnswer with the option's letter from the given choices directly."),
)
"""How options are laid out: what leads, one option, what parts them, what ends."""

STATEMENTS: dict[str, tuple[str, str]] = {
    "closer": ("closer to the camera than", "nearer than"),
    "farther": ("farther from the camera than", "farther away than"),
    "left": ("to the left of", "left of"),
    "right": ("to the right of", "right of"),
    "above": ("above", "higher in the picture than"),
    "below": ("below", "lower in the picture than"),
    "front": ("in front of", "nearer to the viewer than"),
    "behind": ("behind", "farther back than"),
}
"""What can be said of the first of two things."""
YES_NO = (
    "Is the {first} {relation} the {second}?",
    "Is it true that the {first} is {relation} the {second}?",
    "Would you say that the {first} is {relation} the {second}?",
    "Is the {first} {relation} the {second}? Answer yes or no.",
    "Yes or no: is the {first} {relation} the {second}?",
    "Can you confirm that the {first} is {relation} the {second}?",
)
TRUE_FALSE = (
    "True or false: the {first} is {relation} the {second}.",
    "The {first} is {relation} the {second}. True or false?",
    "The {first} is {relation} the {second}. Is this true or false?",
    "Is this statement true or false? The {first} is {relation} the {second}.",
    "Decide whether this is true or false: the {first} is {relation} the {second}.",
    "Statement: the {first} is {relation} the {second}. Is it true or false?",
)

_IRREGULAR = {
    "person": "people", "shelf": "shelves", "box": "boxes", "bench": "benches", "bush": "bushes", "bus": "buses",
    "light switch": "light switches", "mailbox": "mailboxes", "stairs": "flights of stairs",
}  # fmt: skip


def plural(kind: str) -> str:
    return _IRREGULAR.get(kind, kind + "s")
