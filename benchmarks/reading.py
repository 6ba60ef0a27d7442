"""What an answer in words says: a length, an angle, a place, a letter, yes or no, a region, an hour of the clock.

    metres("about 5'3\\"")     # 1.6002
    letter("(B) the sofa", ("the chair", "the sofa"))     # "B"

Every function returns None where the answer does not say it.
"""

import re

METRES = {
    **dict.fromkeys(("m", "metre", "metres", "meter", "meters"), 1.0),
    **dict.fromkeys(("cm", "centimetre", "centimetres", "centimeter", "centimeters"), 0.01),
    **dict.fromkeys(("mm", "millimetre", "millimetres", "millimeter", "millimeters"), 0.001),
    **dict.fromkeys(("km", "kilometre", "kilometres", "kilometer", "kilometers"), 1000.0),
    **dict.fromkeys(("ft", "foot", "feet", "'", "′"), 0.3048),
    **dict.fromkeys(("in", "inch", "inches", '"', "″"), 0.0254),
    **dict.fromkeys(("yd", "yard", "yards"), 0.9144),
    **dict.fromkeys(("mi", "mile", "miles"), 1609.344),
}
"""Metres in one unit of length."""

_UNSIGNED = r"(?:\d{1,3}(?:,\d{3})+(?!\d)|\d+|(?=\.\d))(?:\.\d+)?"
_NUMBER = rf"[-+]?{_UNSIGNED}"
_SPELLED = "|".join(sorted((re.escape(unit) for unit in METRES if unit.isalpha() and unit != "in"), key=len)[::-1])
_THE = "the|a|an|this|that|these|it|its|my|your|fact|total|all|front|between|order|relation"
_UNIT = rf"(?:(?:{_SPELLED}|in(?!\s+(?:{_THE})\b))(?![a-z])|['\"′″])"
_LENGTH = re.compile(
    rf"(?P<low>{_UNSIGNED})\s*(?:-|–|—|to)\s*(?P<high>{_UNSIGNED})\s*-?(?P<of_both>{_UNIT})"
    rf"|(?P<one>{_NUMBER})\s*-?(?P<of_one>{_UNIT})",
    re.IGNORECASE,
)
_FINER = {0.3048: 0.0254, 1.0: 0.01}  # what may follow at once: 5 feet 3 inches, 1 m 20 cm
_BETWEEN = re.compile(r"[\s,]*(?:and\s+)?$", re.IGNORECASE)
_PLAIN = r"[-+]?\d+(?:\.\d+)?"
_POINT = re.compile(rf"({_PLAIN})\s*[,;]\s*({_PLAIN})")
_YES = {"yes", "yeah", "yep", "indeed", "correct", "true", "right", "certainly", "absolutely"}
_NO = {"no", "nope", "not", "incorrect", "false", "wrong", "actually"}
_REGION = re.compile(r"region\s*\[?\s*(\d+)\s*\]?|\[\s*(\d+)\s*\]|^\s*(\d+)\s*\.?\s*$", re.IGNORECASE)
_NAMED = re.compile(r"region\s*\[?\s*\d+\s*\]?", re.IGNORECASE)  # its number is a name
_BESIDE = re.compile(r"(?:than|compared (?:to|with)|between|next to|relative to|unlike)\W*$", re.IGNORECASE)


def metres(answer: str, last: bool = False, unit: str = "m") -> float | None:
    """A length in metres: "2.4 m", "about 35 cm", "5 feet 3 inches", "1,200 metres"; "2.4" alone is in `unit`.

    The first number with a unit of length behind it (with `last` the last one), else the first number.
    "2 to 3 m" is the middle. None without a number above 0.
    """
    found = _lengths(answer)
    if found:
        return _above_zero(found[-1 if last else 0])
    alone = _above_zero(number(_NAMED.sub(" ", answer)))
    return None if alone is None else alone * METRES[unit]


def _lengths(answer: str) -> list[float]:
    lengths: list[float] = []
    end, unit = -1, 0.0  # of the length before
    for match in _LENGTH.finditer(answer):
        one = match["one"]
        of_this = METRES[(match["of_one"] or match["of_both"]).casefold()]
        value = _float(one) if one else (_float(match["low"]) + _float(match["high"])) / 2
        if lengths and of_this == _FINER.get(unit) and _BETWEEN.match(answer[end : match.start()]):
            lengths[-1] += value * of_this
            unit = 0.0
        else:
            lengths.append(value * of_this)
            unit = of_this
        end = match.end()
    return lengths


def number(answer: str) -> float | None:
    """The first number, whatever its unit."""
    found = re.search(_NUMBER, answer)
    return _float(found.group()) if found else None


def degrees(answer: str) -> float | None:
    """The first number, if above 0: "55 degrees", "55°"."""
    return _above_zero(number(answer))


def ratio(answer: str) -> float | None:
    """The first number, if above 0: "2.1 times", "2.1"."""
    return _above_zero(number(answer))


def tilt(answer: str) -> float | None:
    """Degrees up (above 0) or down: "12 degrees down", "-12", "5° up"; "level" without a number is 0."""
    found, text = number(answer), answer.casefold()
    if found is None:
        return 0.0 if re.search(r"\b(level|horizontal)\b", text) else None
    return -abs(found) if re.search(r"\b(down|downwards?|below)\b", text) else found


def box(answer: str) -> tuple[float, float, float, float] | None:
    """The first four numbers as left, top, right, bottom, where they are a box: "(120, 300, 410, 880)"."""
    found = [_float(text) for text in re.findall(_PLAIN, answer)][:4]
    if len(found) < 4 or found[0] >= found[2] or found[1] >= found[3]:
        return None
    return found[0], found[1], found[2], found[3]


def refuses(answer: str) -> bool:
    """Whether it says that something is not there: "There is no red chair.", "I cannot see one", "none"."""
    text = answer.casefold().replace("n't", " not")
    return bool(re.search(r"\b(no|not|none|cannot|absent|without|nowhere)\b", text))


def position(answer: str) -> tuple[float, float] | None:
    """The first "x, y", in thousandths of the image's width and height."""
    found = _POINT.search(answer)
    return (float(found[1]), float(found[2])) if found else None


def words(answer: str) -> str:
    """Casefolded, one space between words, without a final dot and without a leading a, an or the."""
    plain = " ".join(answer.casefold().split()).rstrip(". ")
    return re.sub(r"^(a|an|the) ", "", plain)


def letter(answer: str, choices: tuple[str, ...]) -> str | None:
    """Which of "A", "B", ... of `choices` an answer picks.

    In this order: a letter alone or before ")", ".", ":" or ","; the one letter in brackets; "answer is B" or
    "option B"; the one choice whose words are in the answer.
    """
    letters = "ABCDEFGHIJ"[: len(choices)]
    if not letters:
        return None
    text = answer.strip().strip("*")
    if alone := re.fullmatch(rf"\(?([{letters}])\)?\.?", text, re.IGNORECASE):
        return alone[1].upper()
    bracketed = set(re.findall(rf"\(([{letters}])\)", text))
    if len(bracketed) <= 1 and (first := re.match(rf"\(?([{letters}])[).:,]", text)):
        return first[1]
    if len(bracketed) == 1:
        return bracketed.pop()
    if named := re.search(rf"\b(?:answer|option|choice)\b(?:\s+is)?\s*:?\s*\(?([{letters}])\b(?!\s+[a-z])", text, re.I):
        return named[1].upper()
    said = f" {re.sub(r'[^a-z0-9.]+', ' ', text.casefold()).strip(' .')} "
    named_choices = [
        letters[i]
        for i, choice in enumerate(choices)
        if (plain := re.sub(r"[^a-z0-9.]+", " ", words(choice)).strip(" .")) and f" {plain} " in said
    ]
    return named_choices[0] if len(named_choices) == 1 else None


def yes_or_no(answer: str) -> str | None:
    """ "yes" or "no": the first such word ("indeed", "incorrect", "in fact" count as what they mean), else a "not"."""
    text = answer.casefold().replace("in fact", "actually").replace("n't", " not")
    for word in re.findall(r"[a-z]+", text):
        if word in _YES:
            return "yes"
        if word in _NO:
            return "no"
    return None


def region(answer: str) -> str | None:
    """The number i of the "Region [i]" that is spoken of; of several the first that nothing is compared with."""
    found = [(next(group for group in match.groups() if group), match.start()) for match in _REGION.finditer(answer)]
    if len({name for name, _ in found}) == 1:
        return found[0][0]
    subjects = [name for name, start in found if not _BESIDE.search(answer[:start])]
    return subjects[0] if subjects else None


def hour(answer: str) -> int | None:
    """The direction on a clock's face, 1 to 12: "around the 10 o'clock direction"."""
    found = re.search(r"(\d{1,2})\s*o['’]?\s*clock", answer, re.IGNORECASE) or re.search(
        r"\b(\d{1,2})\b", _NAMED.sub(" ", answer)
    )
    value = int(found[1]) if found else 0
    return value if 1 <= value <= 12 else None


def first_word(answer: str) -> str:
    """Up to the first space, without a dot at its end."""
    return answer.strip().split(" ")[0].rstrip(".").strip()


def _float(text: str) -> float:
    return float(text.replace(",", ""))


def _above_zero(value: float | None) -> float | None:
    return value if value is not None and 0 < value < float("inf") else None
