"""What the demo adds: a dozen series that nobody has seen, with the mishaps that a real library meets."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec

from deploy.standin.controls import Rule

if TYPE_CHECKING:
    from deploy.standin.server import StandIn


class DemoSeries(msgspec.Struct, frozen=True):
    """A series to add: its name, year and link."""

    title: str
    year: int
    slug: str

    @property
    def link(self) -> str:
        return f"https://aniworld.to/anime/stream/{self.slug}"


NO_LOGO = DemoSeries("Postcards with No Logo", 2019, "postcards-with-no-logo")
POSTER_FAILS_TWICE = DemoSeries("The Stubborn Umbrella", 2021, "the-stubborn-umbrella")
NEVER_FOUND = DemoSeries("Station Unknown", 2016, "station-unknown")

SERIES: Sequence[DemoSeries] = (
    DemoSeries("Lighthouse Keepers", 2018, "lighthouse-keepers"),
    DemoSeries("The Cartographer's Cat", 2022, "the-cartographers-cat"),
    DemoSeries("Midnight Tram to Osaka", 2014, "midnight-tram-to-osaka"),
    POSTER_FAILS_TWICE,
    DemoSeries("Salt & Starlight", 2020, "salt-and-starlight"),
    DemoSeries("Nine Tailors of Hoshi Street", 2011, "nine-tailors-of-hoshi-street"),
    NO_LOGO,
    DemoSeries("Clockwork Orchard", 2023, "clockwork-orchard"),
    DemoSeries("The Glass Whale", 2009, "the-glass-whale"),
    NEVER_FOUND,
    DemoSeries("Tea at the Edge of Space", 2017, "tea-at-the-edge-of-space"),
    DemoSeries("Ember and the Paper City", 2024, "ember-and-the-paper-city"),
)


def arrange(standin: "StandIn") -> None:
    """Make the series exist, and one poster fail twice. The one that is never found needs nothing."""
    for one in SERIES:
        if one is not NEVER_FOUND:
            standin.catalogue.add(one.title, one.year)
    standin.misbehave(Rule(kind="poster", title=POSTER_FAILS_TWICE.title, behaviour="fail", status=503, times=2))
