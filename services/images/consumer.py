"""The logo and images parts: the best pictures that the catalogue offers, checked, converted, written whole."""

import asyncio
from collections.abc import Sequence
from typing import NamedTuple

import structlog

from contracts.events import (
    ArtworkCandidate,
    ErrorKind,
    FileRecord,
    FinalEvent,
    ImagesLoaded,
    LogoLoaded,
    SeriesIdentified,
)
from contracts.presentation import MAX_RETRIES
from services.images.best import OF_THE_PICTURE, Pictures
from services.images.filing import Filing, Plan
from services.images.wanted import Wanted, optional, wanted
from services.platform.domain import on_failure
from services.platform.failures import LoadFailure
from services.platform.job import Job
from services.platform.library import Library
from services.platform.outcomes import unavailable, with_files
from services.platform.part_loader import DEADLINE

log = structlog.get_logger()

PATIENCE = 30.0  # seconds for all optional pictures of one load; what is missing then comes with the next refresh
_LONGEST_DELAY = 60.0  # seconds that they may hold back poster and fanart, which are there, for another attempt
_LONGEST_WAIT = 600.0  # seconds that a load may have waited in all for servers that are away, and still wait for them
_PASSING: frozenset[ErrorKind] = frozenset({"network", "busy"})
_AT_ONCE = 3  # of them: a series of 50 seasons neither takes minutes nor besieges the picture server
_ROOM = 64 * 1024**2  # bytes of them that may wait in memory to be written; what there is no room for comes likewise


class LoadLogo:
    """`clearlogo.png` and `logo.png`, the same bytes: Kodi reads the first, Jellyfin either."""

    def __init__(self, pictures: Pictures, library: Library) -> None:
        self._pictures = pictures
        self._library = library

    async def __call__(self, job: Job) -> FinalEvent:
        filing = Filing(job, self._pictures, self._library)
        files = await filing.carry_out([await filing.plan(wanted("logo", _offered(job).artwork))])
        if not files:
            return unavailable(job, "the catalogue has no logo of this series")
        return with_files(LogoLoaded, job, files)


class LoadImages:
    """`poster.jpg` and `fanart.jpg`; loaded if one of them is and the catalogue has no other.

    With them come, as far as the catalogue has them, the banner, the landscape and the seasons' posters, within
    `patience` seconds. Where these come from may be away for a short while: then the attempt is made again, as long as
    there are tries. Whatever else is wrong with them is logged and never makes the part fail; alone they don't make it
    loaded either.

    Nothing is written before all is fetched, and then in one go: only what an outcome tells of is known for ours, and
    the less time there is between the two, the less a shutdown can come between them.
    """

    def __init__(self, pictures: Pictures, library: Library, *, patience: float = PATIENCE, room: int = _ROOM) -> None:
        self._pictures = pictures
        self._library = library
        self._patience = patience
        self._room = room

    async def __call__(self, job: Job) -> FinalEvent:
        # However long poster and fanart took: the optional ones must not make the attempt miss its deadline.
        latest = _now() + DEADLINE / 2
        offered = _offered(job)
        extra = optional(offered.artwork, offered.season_artwork, job.known_files)
        extra.sort(key=lambda one: not one.candidates)  # of the few that are fetched at once none is to be in vain
        filing = Filing(job, self._pictures, self._library)
        plans = await _required(filing, [wanted("poster", offered.artwork), wanted("fanart", offered.artwork)])
        if not any(plan.leaves_files for plan in plans):
            await filing.carry_out(plans)
            if job.reload:
                for one in extra:  # what is another entry's goes
                    await _carry_out_optional(filing, await _plan_without_fetching(filing, one))
            return unavailable(job, "the catalogue has neither poster nor fanart of this series")
        until = min(_now() + self._patience, latest)
        more = await self._optional(job, filing, extra, until)
        files = [*await filing.carry_out(plans)]
        for plan in more:
            files += await _carry_out_optional(filing, plan)
        return with_files(ImagesLoaded, job, tuple(files))

    async def _optional(self, job: Job, filing: Filing, pictures: Sequence[Wanted], until: float) -> list[Plan]:
        """Of those that could be had until that time of the loop their new pictures; the others stay as they are.

        Raises LoadFailure if another attempt soon may get more of them.
        """
        plans: list[Plan] = []
        failures: list[LoadFailure] = []
        room = self._room
        for start in range(0, len(pictures), _AT_ONCE):
            if room <= 0:
                until = _now()
            batch = pictures[start : start + _AT_ONCE]
            found = await asyncio.gather(
                *[_plan_until(until, filing, one) for one in batch],
                return_exceptions=True,  # else the others of the batch would go on behind its back
            )
            failures += [each for each in found if isinstance(each, LoadFailure)]
            if passing := _passing_soon(job, failures):
                raise passing
            planned = [await _or_left_out(filing, one, each) for one, each in zip(batch, found, strict=True)]
            room -= sum(len(plan.picture.data) for plan in planned if plan.picture)
            plans += planned
        return plans


async def _required(filing: Filing, pictures: Sequence[Wanted]) -> list[Plan]:
    """The plans of all of them, or LoadFailure.

    If the attempt will be made again, nothing is written. If the failure is final, what there is is better than
    nothing: it is written, and the failure tells of it. What is another entry's stays until a load succeeds.
    """
    # Side by side: they may come from different servers, and one series is waited for no longer than its slowest one.
    found = await asyncio.gather(*map(filing.plan, pictures), return_exceptions=True)
    plans: list[Plan] = []
    lasting: LoadFailure | None = None
    for one, each in zip(pictures, found, strict=True):
        if isinstance(each, Plan):
            plans.append(each)
        elif isinstance(each, LoadFailure) and each.error.kind in OF_THE_PICTURE:
            lasting = lasting or _named(one, each)
        else:
            raise each
    if lasting:
        lasting.files = await filing.carry_out(plans, take_away=False)
        raise lasting
    return plans


def _named(one: Wanted, failure: LoadFailure) -> LoadFailure:
    """The failure of a part that is two pictures, which says of which one it is."""
    return LoadFailure(failure.error.kind, failure.error.code, f"{one.kind}: {failure.error.message}")


def _passing_soon(job: Job, failures: Sequence[LoadFailure]) -> LoadFailure | None:
    """The first of those for which another attempt is worth making: what is in the way passes soon.

    There is none if any server is away for longer: the poster, which is fetched anew then, may come from it too.
    """
    if job.one.retries >= MAX_RETRIES:
        return None  # any failure of the poster's would be the last
    passing = [failure for failure in failures if failure.error.kind in _PASSING]
    return passing[0] if passing and all(_is_over_soon(job, failure) for failure in passing) else None


def _is_over_soon(job: Job, failure: LoadFailure) -> bool:
    """Whether the attempt that would follow it comes soon, however the jitter falls."""
    again = on_failure(job.one, failure.error, failure.retry_after, jitter=1.0, held_back=failure.held_back)
    return again is not None and again.delay <= _LONGEST_DELAY and again.waited < _LONGEST_WAIT


async def _plan_until(until: float, filing: Filing, one: Wanted) -> Plan:
    async with asyncio.timeout_at(until):
        return await filing.plan(one)


async def _or_left_out(filing: Filing, one: Wanted, found: Plan | BaseException) -> Plan:
    if isinstance(found, Plan):
        return found
    if not isinstance(found, LoadFailure | TimeoutError):
        raise found
    _leave_out(one.names, found)
    return await _plan_without_fetching(filing, one)


async def _plan_without_fetching(filing: Filing, one: Wanted) -> Plan:
    try:
        return await filing.without_fetching(one)
    except LoadFailure as why:
        _leave_out(one.names, why)
        return Plan(one.names, there={})


async def _carry_out_optional(filing: Filing, plan: Plan) -> tuple[FileRecord, ...]:
    try:
        return await filing.carry_out([plan])
    except LoadFailure as why:
        _leave_out(plan.names, why)
        return tuple(plan.there.values())  # a write that fails leaves what was there, and it is still ours


def _leave_out(names: Sequence[str], why: LoadFailure | TimeoutError) -> None:
    log.warning("optional_picture_left_out", files=names, why=str(why) or "there was no time or room left for it")


class _Offered(NamedTuple):
    """What the catalogue has: pictures of the series as a whole, and of its seasons."""

    artwork: tuple[ArtworkCandidate, ...] = ()
    season_artwork: tuple[ArtworkCandidate, ...] = ()


def _offered(job: Job) -> _Offered:
    identified = job.last(SeriesIdentified)
    return _Offered(identified.artwork, identified.season_artwork) if identified else _Offered()


def _now() -> float:
    return asyncio.get_running_loop().time()
