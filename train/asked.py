"""What an answer says that can be held before it is put into words: which side of a comparison, or which number.

"Is the table left of the red chair?", "Which is nearer, the table or the red chair? (A) ... (B) ...", "Relative to the
table, is the red chair above or below?": the answer is one sign (how the two compare in one value) turned by the
question's words. Which value, and which side the answer takes, is read off the words that `fathom worlds` uses.
"""

import re

from train.shown import VALUES, Mention, first_word

DIRECTIONS = {
    "x": r"left|right",
    "y": r"above|below|higher|lower",
    "log_depth_z": r"(?:closer|nearer)(?! to (?!the (?:camera|viewer)\b))|front|behind|farther|distant",
}
"""Value -> the words that ask for it. "Closer to the sofa" asks for no depth."""
SIDES = {"yes": 1, "true": 1, "a": 1, "no": -1, "false": -1, "b": -1}
SIDES |= dict.fromkeys(("right", "below", "behind"), 1) | dict.fromkeys(("left", "above", "in front"), -1)
"""Answer -> its side: 1 of those that say yes, choose the first, or name the greater of a value; -1 of the others."""
NUMBER = re.compile(r"\d+(?:\.\d+)?")
_WORDS = {VALUES.index(name): re.compile(rf"\b(?:{words})\b") for name, words in DIRECTIONS.items()}


def compared(question: str, answer: str, mentions: list[Mention]) -> tuple[int, int] | None:
    """(number in VALUES, side of the answer: 1 or -1) of a question that compares two things in one value, else None.

    mentions: of the question, in any order. Whether side and comparison agree is not looked at.
    """
    names = [question[m.first : m.last + 1].lower() for m in sorted(mentions, key=lambda mention: mention.first)]
    values = [number for number, words in _WORDS.items() if words.search(question.lower())]
    different = list(dict.fromkeys(names))
    if len(values) != 1 or len(different) != 2:
        return None
    said = answer[first_word(answer) :].strip().rstrip(".").lower()
    side = (SIDES | {different[0]: 1, different[1]: -1}).get(said)
    return None if side is None else (values[0], side)


def number_of(answer: str) -> float | None:
    """The number that an answer begins with, None where it begins with anything else."""
    match = NUMBER.match(answer)
    return float(match[0]) if match else None
