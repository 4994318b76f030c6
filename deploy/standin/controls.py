"""What the stand-in was told to do wrong, and what it was asked."""

import time
from collections import Counter, deque
from collections.abc import Mapping
from typing import Annotated, Any, Literal, TypeAlias

import msgspec
from msgspec import Meta

PictureKind: TypeAlias = Literal["poster", "fanart", "logo", "banner", "landscape", "season_poster"]
Kind: TypeAlias = (
    Literal[
        "search", "lookup", "show", "details",  # TVmaze's
        "tmdb_authentication", "tmdb_search", "tmdb_find", "tmdb_details", "tmdb_seasons",
        "page", "season_page",  # aniworld's
    ]
    | PictureKind  # anyone's
)  # fmt: skip
Behaviour: TypeAlias = Literal[
    "slow",  # answer after `seconds`
    "fail",  # answer with `status`, and `Retry-After: retry_after` if given
    "missing",  # answer as if the series did not exist
    "drop",  # close the connection without an answer
    "trickle",  # one byte every `seconds`
    "endless",  # never stop sending
    "bomb",  # a gzip body that is small on the wire and huge when read
    "redirect",  # send on to `location`
    "html",  # an HTML page that calls itself what was asked for
    "new_layout",  # a page of aniworld's that says the same in markup of another kind
    "wrong_shape",  # JSON of another shape
    "text",  # text that calls itself a picture
    "truncated",  # half of the body, which calls itself whole
]


_NONE: Mapping[str, str] = {}


class Rule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Misbehave when asked for `kind` (of `title`, if given), `times` times or, without it, until cleared."""

    behaviour: Behaviour
    kind: Kind | Literal["any"] = "any"
    title: str | None = None
    times: Annotated[int, Meta(ge=1)] | None = None
    seconds: Annotated[float, Meta(ge=0)] = 1.0
    status: Annotated[int, Meta(ge=400, le=599)] = 500
    retry_after: str | None = None
    location: str = ""


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """A request that came: `at` in seconds since 1970."""

    at: float
    kind: Kind
    title: str | None
    behaviour: Behaviour | None
    target: str
    agent: str = ""
    cookie: str = ""


class Controls:
    """The rules in force, the newest first, and the calls so far."""

    def __init__(self) -> None:
        self._rules: list[tuple[Rule, int | None]] = []
        self.recent: deque[Call] = deque(maxlen=1000)
        self.behaviours: Counter[Behaviour] = Counter()  # how many calls met each
        self._counts: Counter[tuple[str, str | None]] = Counter()

    def add(self, rule: Rule) -> None:
        self._rules.insert(0, (rule, rule.times))

    def clear(self) -> None:
        """Behave again. The counts stay."""
        self._rules.clear()

    def forget_calls(self) -> None:
        """Count from zero again."""
        self.recent.clear()
        self.behaviours.clear()
        self._counts.clear()

    def take(self, kind: Kind, title: str | None, target: str, headers: Mapping[str, str] = _NONE) -> Rule | None:
        """Note a call; the rule that it meets, one of whose times is used up."""
        rule = self._use(kind, title)
        folded = title.casefold() if title else None
        self._counts[kind, folded] += 1
        if rule:
            self.behaviours[rule.behaviour] += 1
        call = Call(
            at=time.time(),
            kind=kind,
            title=title,
            behaviour=rule.behaviour if rule else None,
            target=target,
            agent=headers.get("user-agent", ""),
            cookie=headers.get("cookie", ""),
        )
        self.recent.append(call)
        return rule

    def count(self, kind: Kind | None = None, title: str | None = None) -> int:
        """How many calls came, of all kinds or one, for all titles or one."""
        folded = title.casefold() if title else None
        return sum(
            count
            for (one, of), count in self._counts.items()
            if (kind is None or one == kind) and (title is None or of == folded)
        )

    def report(self) -> dict[str, Any]:
        """The counts by kind and by title, and the last thousand calls, oldest first."""
        kinds: Counter[str] = Counter()
        titles: dict[str, Counter[str]] = {}
        for (kind, title), count in self._counts.items():
            kinds[kind] += count
            titles.setdefault(title or "", Counter())[kind] += count
        return {"total": kinds.total(), "kinds": kinds, "titles": titles, "recent": list(self.recent)}

    def _use(self, kind: Kind, title: str | None) -> Rule | None:
        for place, (rule, left) in enumerate(self._rules):
            if rule.kind not in {"any", kind} or (rule.title and rule.title.casefold() != (title or "").casefold()):
                continue
            if left == 1:
                del self._rules[place]
            elif left is not None:
                self._rules[place] = (rule, left - 1)
            return rule
        return None
