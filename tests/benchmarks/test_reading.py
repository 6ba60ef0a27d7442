"""What is read from an answer in words, and what is not."""

import pytest

from benchmarks.answers import boxed_metres
from benchmarks.reading import degrees, first_word, hour, letter, metres, position, region, yes_or_no


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ("2.4 m", 2.4),
        ("about 35 cm.", 0.35),
        ("It is 3 metres away", 3.0),
        ("3 meters", 3.0),
        ("120 millimeters", 0.12),
        ("1,200 m", 1200.0),
        ("2.4", 2.4),
        (".5m", 0.5),
        ("Of the 2 chairs, the red one is 3.5 m away", 3.5),
        ("5 feet", 1.524),
        ("9.27 ft.", 2.825496),
        ("25.0 inches", 0.635),
        ("10-inch", 0.254),
        ('36"', 0.9144),
        ("5'3\"", 1.6002),
        ("5 feet 3 inches", 1.6002),
        ("6 ft and 2 in", 1.8796),
        ("1 m 20 cm", 1.2),
        ("it is 12 in wide", 0.3048),
        ("12 in", 0.3048),
        ("2 yards", 1.8288),
        ("12 km", 12000.0),
        ("1 mile", 1609.344),
        ("2-3 m", 2.5),
        ("2 to 3 metres", 2.5),
        ("There are 2 in the picture, 4 m apart", 4.0),
        ("Region [0] is 2 m from Region [1]", 2.0),
        ("Region [1]: 2.5", 2.5),
        ("-2 m", None),
        ("0 m", None),
        ("far away", None),
        ("Region [0]", None),
        ("", None),
    ],
)
def test_lengths(answer, expected):
    assert metres(answer) == (None if expected is None else pytest.approx(expected, rel=1e-9))


def test_the_last_length_where_reasons_come_first():
    assert metres("The sofa is 2 m wide, so the door is 90 cm wide.", last=True) == pytest.approx(0.9)


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (r"... approximately: \scalar{1} \distance_unit{meter}", 1.0),
        (r"\scalar{20} \distance_unit{inches}", 0.508),
        (r"\scalar{2} \distance_unit{m} no, \scalar{80-100} \distance_unit{Centimeters}", 0.9),
        (r"\scalar{2 m} \distance_unit{cubits}", None),
        ("a chair is 50 cm, so it is 1.5 feet", 0.4572),
        ("no idea", None),
    ],
)
def test_lengths_in_boxes(answer, expected):
    assert boxed_metres(answer) == (None if expected is None else pytest.approx(expected))


def test_positions_and_degrees():
    assert position("(512, 304)") == position("at x: 512,304") == (512, 304)
    assert position("in the middle") is None and position("(512)") is None
    assert degrees("55 degrees") == degrees("about 55°") == 55 and degrees("wide") is None


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ("B", "B"),
        ("b", "B"),
        ("(B)", "B"),
        ("(b).", "B"),
        ("**B**", "B"),
        ("B. sofa", "B"),
        ("B) the sofa", "B"),
        ("(B) the sofa", "B"),
        ("The answer is B", "B"),
        ("Answer: (C)", "C"),
        ("I would choose option A.", "A"),
        ("I see a lamp, but (B) is nearer", "B"),
        ("the sofa", "B"),
        ("The sofa is closer.", "B"),
        ("A chair is closer", "A"),
        ("A sofa is closer", "B"),  # an article, not a letter
        ("(A) or (B)", None),
        ("the chair or the sofa", None),
        ("sofabed", None),
        ("D", None),
        ("", None),
    ],
)
def test_letters(answer, expected):
    assert letter(answer, ("the chair", "sofa", "lamp")) == expected


def test_letters_of_numbers():
    assert letter("3", ("2", "3", "13")) == "B" and letter("13", ("2", "3", "13")) == "C"
    assert letter("(B) B is closer", ("A is closer", "B is closer")) == "B"


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ("Yes.", "yes"),
        ("Yes, it is behind Region [1].", "yes"),
        ("Indeed, Region [0] has a smaller size", "yes"),
        ("That is True.", "yes"),
        ("Correct, it occupies less space", "yes"),
        ("No, it is in front", "no"),
        ("That is False.", "no"),
        ("Incorrect, Region [0] is not smaller", "no"),
        ("Actually, it might be larger", "no"),
        ("In fact, it might be wider", "no"),
        ("It isn't.", "no"),
        ("Region [0] is not behind", "no"),
        ("Region [0] is behind", None),
        ("Nothing is known", None),
    ],
)
def test_yes_and_no(answer, expected):
    assert yes_or_no(answer) == expected


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ("Region [1] is taller.", "1"),
        ("With more height is Region [0].", "0"),
        ("Region [1] is taller than Region [0].", "1"),
        ("Compared to Region [0], Region [1] is taller", "1"),
        ("region 1", "1"),
        ("[1]", "1"),
        ("1", "1"),
        ("the left one", None),
    ],
)
def test_regions(answer, expected):
    assert region(answer) == expected


def test_hours_and_first_words():
    assert hour("around the 10 o'clock direction") == 10 and hour("Region [1] is at 7") == 7 and hour("12") == 12
    assert hour("23 o'clock") is None and hour("north") is None
    assert first_word("B. left") == "B" and first_word(" 3.7 meters") == "3.7" and first_word("") == ""
