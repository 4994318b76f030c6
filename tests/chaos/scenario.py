"""What goes wrong, and what people do meanwhile: all of it drawn from a seed, so that the seed alone repeats it.

Times are in seconds since the first series was added.
"""

import random
from typing import Literal, TypeAlias

import msgspec

from deploy.standin import Rule
from services.platform.streams import ACK_WAIT
from tests.support.faults import Unruly

SERIES = 50
LOADERS = ("nfo", "episodes", "images")
TARGETS = ("gateway", "projector", "caretaker", *LOADERS, "nats", "postgres")
FREEZABLE = ("gateway", "projector", *LOADERS, "nats")

_ADDING = 12.0  # the last series is added by then
_STRIKING = 15.0  # the last strike falls by then
_MORE_KILLS = 4  # besides one of each
_CHANGED = 15  # series that somebody changes while they load
_LOADING = 3.0  # about how long one loads

Act: TypeAlias = Literal["add", "refresh", "retry", "remove", "remove_with_files"]
_ACTS: tuple[tuple[Act, ...], ...] = (
    ("refresh",),
    ("retry", "refresh"),
    ("remove",),
    ("remove_with_files",),
    ("remove", "add"),
    ("remove_with_files", "add"),
)


class Strike(msgspec.Struct, frozen=True, kw_only=True):
    """What befalls a process: kill -9, SIGTERM, SIGSTOP for some seconds, or a second one of its kind beside it.

    The second process of `target` is `double_of(target)` for other strikes, and told to stop at the end.
    """

    at: float
    how: Literal["kill", "stop", "freeze", "double"]
    target: str
    seconds: float = 0.0


class Trouble(msgspec.Struct, frozen=True, kw_only=True):
    """From when on the catalogue misbehaves, and how; as often as the rule says."""

    at: float
    rule: Rule


class Visit(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody asks for something; `again` asks for it twice at the same moment."""

    at: float
    act: Act
    again: bool = False


class Scenario(msgspec.Struct, frozen=True, kw_only=True):
    """All of it: `visits` are each series' own, in order, the first of which adds it."""

    seed: int
    strikes: tuple[Strike, ...]
    troubles: tuple[Trouble, ...]
    unruly: tuple[Unruly, ...]
    visits: tuple[tuple[Visit, ...], ...]

    def __str__(self) -> str:
        lines = [f"seed {self.seed}"]
        for strike in self.strikes:
            lasting = f" for {strike.seconds:.1f} s" if strike.seconds else ""
            lines.append(f"{strike.at:5.1f} s  {strike.how} {strike.target}{lasting}")
        for trouble in self.troubles:
            rule = trouble.rule
            status = f" {rule.status}" if rule.behaviour == "fail" else ""
            lines.append(f"{trouble.at:5.1f} s  catalogue: {rule.behaviour}{status}, {rule.kind}, {rule.times} times")
        lines += [
            f"always   {one.service}: {one.twice:.2f} twice, {one.refused:.2f} refused, {one.deaf:.2f} deaf"
            for one in self.unruly
        ]
        for number, visits in enumerate(self.visits):
            if len(visits) > 1:
                lines.append(f"series {number}: " + ", ".join(f"{one.act} at {one.at:.1f} s" for one in visits))
        return "\n".join(lines)

    def count(self, how: str) -> int:
        """How many strikes of a kind there are."""
        return sum(one.how == how for one in self.strikes)


def double_of(target: str) -> str:
    """What the second process of a loader is called."""
    return f"{target}-2"


def draw(seed: int) -> Scenario:
    """The scenario of a seed."""
    chance = random.Random(seed)
    return Scenario(
        seed=seed,
        strikes=_strikes(chance),
        troubles=_troubles(chance),
        unruly=tuple(
            Unruly(service=service, twice=0.1, refused=0.1, deaf=0.1, seed=seed)
            for service in chance.sample(LOADERS, 2)
        ),
        visits=_visits(chance),
    )


def _strikes(chance: random.Random) -> tuple[Strike, ...]:
    def at() -> float:
        return chance.uniform(0.3, _STRIKING)

    killed = (*TARGETS, *chance.sample(TARGETS, _MORE_KILLS))
    stopped = chance.sample([one for one in TARGETS if one not in {"nats", "postgres"}], 2)
    # Frozen for so long it loses its deliveries to the first one, and wakes up with them in its hands.
    doubled = chance.choice(LOADERS)
    lost = chance.uniform(ACK_WAIT + 0.5, ACK_WAIT + 3)
    strikes = [
        *(Strike(at=at(), how="kill", target=one) for one in killed),
        *(Strike(at=at(), how="stop", target=one) for one in stopped),
        Strike(at=chance.uniform(0.3, 1.5), how="double", target=doubled),
        Strike(at=chance.uniform(4, 7), how="freeze", target=double_of(doubled), seconds=lost),
        Strike(at=at(), how="freeze", target=chance.choice(FREEZABLE), seconds=chance.uniform(1, 5)),
    ]
    return tuple(sorted(strikes, key=lambda one: one.at))


def _troubles(chance: random.Random) -> tuple[Trouble, ...]:
    rules = (
        Rule(behaviour="fail", status=429, retry_after="2", times=chance.randint(3, 10)),
        Rule(behaviour="fail", status=500, times=chance.randint(3, 20)),
        Rule(behaviour="drop", times=chance.randint(3, 20)),
        Rule(behaviour="slow", seconds=chance.uniform(1, 4), times=chance.randint(3, 20)),
        Rule(behaviour="truncated", kind=chance.choice(("poster", "fanart", "logo")), times=chance.randint(1, 5)),
        Rule(behaviour="trickle", kind="details", seconds=0.5, times=2),
    )
    troubles = [Trouble(at=chance.uniform(0, _STRIKING), rule=rule) for rule in rules]
    return tuple(sorted(troubles, key=lambda one: one.at))


def _visits(chance: random.Random) -> tuple[tuple[Visit, ...], ...]:
    changed = set(chance.sample(range(SERIES), _CHANGED))
    found = []
    for number in range(SERIES):
        added = chance.uniform(0, _ADDING)
        acts = chance.choice(_ACTS) if number in changed else ()
        visits = [Visit(at=added, act="add", again=chance.random() < 0.2)]
        for act in acts:
            visits.append(Visit(at=visits[-1].at + chance.uniform(0.2, _LOADING), act=act))
        found.append(tuple(visits))
    return tuple(found)
