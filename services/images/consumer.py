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
from services.platform.failures import LoadFailure
from services.platform.job import Job
from services.platform.library import Library
from services.platform.outcomes import unavailable, with_files
from services.platform.part_loader import DEADLINE

log = structlog.get_logger()

PATIENCE = 30.0  # seconds for all optional pictures of one load; what is missing then comes with the next refresh
_LONGEST_WAIT = 600.0  # seconds that they may keep a load waiting for a server that is away
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
    `patience` seconds. Where these come from may be away for a while: then the attempt is made again, as long as there
    are tries. Whatever else is wrong with them is logged and never makes the part fail; alone they don't make it
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
        filing = Filing(job, self._pictures, self._library)
        plans = await _required(filing, [wanted("poster", offered.artwork), wanted("fanart", offered.artwork)])
        if not any(plan.leaves_files for plan in plans):
            await filing.carry_out(plans)
            if job.reload:
                for one in extra:  # what is another entry's goes
                    await _carry_out_optional(filing, await _plan_without_fetching(filing, one))
            return unavailable(job, "the catalogue has neither poster nor fanart of this series")
        until = min(_now() + self._patience, latest)
        more = await self._optional(filing, extra, until=until, is_patient=_may_try_again(job))
        files = [*await filing.carry_out(plans)]
        for plan in more:
            files += await _carry_out_optional(filing, plan)
        return with_files(ImagesLoaded, job, tuple(files))

    async def _optional(
        self, filing: Filing, pictures: Sequence[Wanted], until: float, *, is_patient: bool
    ) -> list[Plan]:
        """Of those that could be had until that time of the loop their new pictures; the others stay as they are.

        Raises LoadFailure if it `is_patient` and something is in the way that passes.
        """
        plans: list[Plan] = []
        room = self._room
        for start in range(0, len(pictures), _AT_ONCE):
            if room <= 0:
                until = _now()
            batch = pictures[start : start + _AT_ONCE]
            planned: list[Plan] = []
            for each in await asyncio.gather(
                *[_plan_optional(filing, one, until, is_patient=is_patient) for one in batch],
                return_exceptions=True,  # else the others of the batch would go on behind its back
            ):
                if isinstance(each, BaseException):
                    raise each
                planned.append(each)
            room -= sum(len(plan.picture.data) for plan in planned if plan.picture)
            plans += planned
        return plans


async def _required(filing: Filing, pictures: Sequence[Wanted]) -> list[Plan]:
    """The plans of all of them, or LoadFailure.

    If the attempt will be made again, nothing is written. If the failure is final, what there is is better than
    nothing: it is written, and the failure tells of it. What is another entry's stays until a load succeeds.
    """
    plans: list[Plan] = []
    lasting: LoadFailure | None = None
    for one in pictures:
        try:
            plans.append(await filing.plan(one))
        except LoadFailure as failure:
            if failure.error.kind not in OF_THE_PICTURE:
                raise
            lasting = lasting or _named(one, failure)
    if lasting:
        lasting.files = await filing.carry_out(plans, take_away=False)
        raise lasting
    return plans


def _named(one: Wanted, failure: LoadFailure) -> LoadFailure:
    """The failure of a part that is two pictures, which says of which one it is."""
    return LoadFailure(failure.error.kind, failure.error.code, f"{one.kind}: {failure.error.message}")


def _may_try_again(job: Job) -> bool:
    """Whether optional pictures may still make the attempt fail, since another one would follow soon."""
    return job.one.retries < MAX_RETRIES and job.one.waited < _LONGEST_WAIT


async def _plan_optional(filing: Filing, one: Wanted, until: float, *, is_patient: bool) -> Plan:
    try:
        async with asyncio.timeout_at(until):
            return await filing.plan(one)
    except LoadFailure as failure:
        if is_patient and failure.error.kind in _PASSING:
            raise
        _leave_out(one.names, failure)
    except TimeoutError as late:
        _leave_out(one.names, late)
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
