"""Outdoor places: which kind of street, square or green a seed shows."""

from __future__ import annotations

from ..places import Place
from .greens import beach, city_park, forest_edge, hills, playground
from .highways import country_road, motorway, suburb
from .roads import city_street
from .town import alley, building_site, courtyard, parking_lot, square

LAYOUTS = {
    city_street: 0.26, suburb: 0.11, motorway: 0.09, country_road: 0.08, parking_lot: 0.06, alley: 0.05, square: 0.08,
    courtyard: 0.04, building_site: 0.04, city_park: 0.08, playground: 0.03, forest_edge: 0.03, beach: 0.02,
    hills: 0.03,
}  # fmt: skip
"""How often each layout is drawn."""


def outdoor(rng) -> Place:
    """One place; the viewer is a walker, or a driver where `Place.style` says so."""
    makers, odds = list(LAYOUTS), list(LAYOUTS.values())
    return makers[int(rng.choice(len(makers), p=odds))](rng)
