"""What lies about in rooms: makers of small things by where these lie, some named more often than others."""

from __future__ import annotations

from ..pots import plant, small_plant, vase
from ..small_things import (
    backpack,
    bag,
    ball,
    basket,
    book,
    bottle,
    bowl,
    box,
    clothes,
    flat_cushion,
    mug,
    papers,
    power_strip,
    small_box,
    suitcase,
    waste_bin,
)
from .lamps import table_lamp
from .screens import laptop, monitor, tv

DESK = (laptop, monitor, monitor, mug, book, papers, papers, table_lamp, small_plant, bottle, book)
KITCHEN = (bottle, bowl, mug, vase, small_plant, small_box, bowl, bottle, mug, small_box, book)
TABLE = (mug, bottle, bowl, vase, book, papers, laptop, small_plant, small_box, mug)
SHELF = (book, book, book, vase, small_box, bowl, small_plant, bottle, mug)
SIDEBOARD = (vase, table_lamp, book, small_plant, bowl, small_box, book, tv)
FLOOR = (backpack, bag, box, ball, suitcase, waste_bin, clothes, book, plant, basket, flat_cushion, box, small_box,
         bottle, power_strip, papers)  # fmt: skip
