"""Several catalogues as one: who is asked when, what settles it, and what is rather left to a person."""

from typing import Any, TypeVar, cast

import msgspec
import pytest

from contracts.events import Canonical, CatalogueIds
from services.platform.catalogues.matching import normalise
from services.platform.catalogues.model import Candidate, Page, SeriesDetails, Wanted
from services.platform.catalogues.several import Catalogues
from services.platform.catalogues.tmdb import TMDB
from services.platform.catalogues.tvmaze import TVmaze
from services.platform.failures import LoadFailure
from services.platform.upstream_http import Params, Upstream

T = TypeVar("T")
DOWN = LoadFailure("network", "timeout", "it did not answer")
BROKEN = LoadFailure("invalid", "bad_token", "it does not take the token")
GONE = LoadFailure("not_found", "http_404", "it has no such page")
PAGE = Canonical(site="aniworld.to", id="trigun")


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """What a catalogue of these tests knows of a series."""

    number: int
    name: str = "Trigun"
    year: int | None = 1998
    aliases: tuple[str, ...] = ()
    imdb: str | None = None
    tvdb: int | None = None


class Shelf:
    """A catalogue in memory that writes down what it is asked, and fails if it is told to.

    Like the real ones it finds entries by any of their names, also by a part of it, and tells in its hits only one; all
    of them only of what its own id leads to. Like TVmaze's its hits tell ids, unless it is TMDB.
    """

    def __init__(self, name: str, *entries: Entry, failure: LoadFailure | None = None) -> None:
        self.name = name
        self.entries = entries
        self.failure = failure
        self.gone: set[int] = set()
        self.asked: list[str] = []

    async def search(self, title: str) -> list[Candidate]:
        self._ask(f"search {title}")
        wished = normalise(title)
        return [self._hit(one) for one in self.entries if any(wished in normalise(x) for x in (one.name, *one.aliases))]

    async def find(self, ids: CatalogueIds) -> Candidate | None:
        own = getattr(ids, self.name)
        self._ask("find" if own is None else f"find {own}")
        wished = {(name, getattr(ids, name)) for name in (self.name, "imdb", "tvdb")} - {("imdb", None), ("tvdb", None)}
        for one in self.entries:
            if one.number in self.gone:
                continue
            if wished & {(self.name, one.number), ("imdb", one.imdb), ("tvdb", one.tvdb)}:
                titles = (one.name, *one.aliases) if one.number == own else (one.name,)
                return msgspec.structs.replace(self._hit(one), titles=titles, ids=self._ids(one))
        return None

    async def details(self, catalogue_id: str) -> SeriesDetails:
        one = next(entry for entry in self.entries if str(entry.number) == catalogue_id)
        return SeriesDetails(
            catalogue=self.name, catalogue_id=catalogue_id, url="", ids=self._ids(one), name=one.name,
            aliases=one.aliases, year=one.year,
        )  # fmt: skip

    def _ask(self, what: str) -> None:
        self.asked.append(what)
        if self.failure:
            raise self.failure

    def _hit(self, one: Entry) -> Candidate:
        told = CatalogueIds() if self.name == "tmdb" else self._ids(one)
        return Candidate(
            catalogue=self.name, catalogue_id=str(one.number), url="", titles=(one.name,), year=one.year, ids=told
        )

    def _ids(self, one: Entry) -> CatalogueIds:
        return msgspec.structs.replace(CatalogueIds(imdb=one.imdb, tvdb=one.tvdb), **{self.name: one.number})


class Website(Shelf):
    """A site with one page."""

    def __init__(self, said: Page, *, failure: LoadFailure | None = None) -> None:
        super().__init__("aniworld", failure=failure)
        self._said = said

    async def page(self, slug: str) -> Page:
        self._ask("page")
        return self._said

    async def candidate(self, slug: str) -> Candidate:
        self._ask("candidate")
        return Candidate(catalogue="aniworld", catalogue_id=slug, url="", titles=self._said.titles)


def shelves(*first: Entry, second: tuple[Entry, ...] = (), down: LoadFailure | None = None) -> tuple[Shelf, Shelf]:
    """Two catalogues; the first one is `down` if that is a failure."""
    return Shelf("tmdb", *first, failure=down), Shelf("tvmaze", *second)


def wanted(*titles: str, year: int | None = 1998, page: Canonical | None = None, **ids: int | str) -> Wanted:
    return Wanted(ids=msgspec.convert(ids, CatalogueIds), titles=titles, year=year, page=page)


async def identify(wish: Wanted, *catalogues: Shelf, site: Website | None = None) -> tuple[str, str]:
    found = await Catalogues(catalogues, {"aniworld.to": site} if site else None).identify(wish)
    return found.catalogue, found.catalogue_id


async def refused(wish: Wanted, *catalogues: Shelf, site: Website | None = None) -> LoadFailure:
    with pytest.raises(LoadFailure) as raised:
        await identify(wish, *catalogues, site=site)
    return raised.value


async def test_the_first_that_knows_the_title_is_asked_last() -> None:
    """Those after it are not asked at all."""
    tmdb, tvmaze = shelves(Entry(number=1), second=(Entry(number=2),))

    assert await identify(wanted("Trigun"), tmdb, tvmaze) == ("tmdb", "1")
    assert (tmdb.asked, tvmaze.asked) == (["search Trigun"], [])


@pytest.mark.parametrize("down", [None, DOWN, BROKEN])
async def test_the_next_is_asked_if_the_first_does_not_know_or_is_down(down: LoadFailure | None) -> None:
    """Whatever is the matter with it."""
    tmdb, tvmaze = shelves(second=(Entry(number=2),), down=down)

    assert await identify(wanted("Trigun"), tmdb, tvmaze) == ("tvmaze", "2")


async def test_one_whose_turn_will_come_is_waited_for() -> None:
    """Coldopen itself kept the call back, to keep to the rate: that is no reason to settle for another catalogue."""
    held_back = LoadFailure("busy", "behind_others", "others go first", held_back=True)
    tmdb, tvmaze = shelves(second=(Entry(number=2),), down=held_back)

    assert await refused(wanted("Trigun"), tmdb, tvmaze) is held_back
    assert await refused(wanted("Trigun", tvdb=7), tmdb, tvmaze) is held_back
    assert tvmaze.asked == []


async def test_a_page_whose_turn_will_come_is_waited_for() -> None:
    """What it tells may be what settles it: a title that is one year off comes after it."""
    held_back = LoadFailure("busy", "queue", "it is asked at its rate", held_back=True)
    site = Website(Page(titles=("Trigun",)), failure=held_back)
    tvmaze = Shelf("tvmaze", Entry(number=2, year=1999))

    assert await refused(wanted("Trigun", page=PAGE), tvmaze, site=site) is held_back


async def test_while_no_catalogue_answers_no_page_is_read() -> None:
    """Whatever it says would be for them to answer; a site lets few of its pages be read, and many series wait."""
    tmdb, tvmaze, site = Shelf("tmdb", failure=DOWN), Shelf("tvmaze", failure=DOWN), Website(Page(titles=("Trigun",)))

    assert await refused(wanted("Trigun", page=PAGE), tmdb, tvmaze, site=site) is DOWN
    assert (tmdb.asked, tvmaze.asked, site.asked) == (["search Trigun"], ["search Trigun"], [])


async def test_one_that_is_down_leaves_the_answer_open() -> None:
    """Its failure comes out and not "not found", which would be for good."""
    tmdb, tvmaze = shelves(down=DOWN)

    assert await refused(wanted("Trigun"), tmdb, tvmaze) is DOWN
    assert await refused(wanted(tmdb=7), tmdb, tvmaze) is DOWN


async def test_what_passes_comes_out_before_what_does_not() -> None:
    """Trying again helps where one of them is only down."""
    broken, down = Shelf("tmdb", failure=BROKEN), Shelf("tvmaze", failure=DOWN)

    assert await refused(wanted("Trigun"), broken, down) is DOWN
    assert await refused(wanted("Trigun"), broken, Shelf("tvmaze")) is BROKEN


async def test_an_id_settles_it_whatever_the_title() -> None:
    """No search is made."""
    tmdb, tvmaze = shelves(Entry(number=7, name="Something Else", year=2020))

    assert await identify(wanted("Trigun", tmdb=7), tmdb, tvmaze) == ("tmdb", "7")
    assert tmdb.asked == ["find 7"]


async def test_what_a_later_one_has_under_an_id_is_looked_for_in_a_better_one() -> None:
    """A link of TVmaze leads to TMDB by the ids that both know, and all of them are kept."""
    tmdb, tvmaze = shelves(Entry(number=1, tvdb=30), second=(Entry(number=2, tvdb=30, imdb="tt0000001"),))

    found = await Catalogues([tmdb, tvmaze]).identify(wanted("Trigun", tvmaze=2))

    assert (found.catalogue, found.catalogue_id) == ("tmdb", "1")
    assert found.ids == CatalogueIds(tmdb=1, tvmaze=2, tvdb=30, imdb="tt0000001")


@pytest.mark.parametrize(
    "better",
    [
        Entry(number=1, tvdb=30, imdb="tt9999999"),
        Entry(number=1, tvdb=30, name="Dallas", year=1978),
        Entry(number=1, tvdb=31),
    ],
)
async def test_a_better_entry_that_is_another_series_is_passed_over(better: Entry) -> None:
    """It contradicts an id, or neither its title nor its year fits; or it has no id in common."""
    tmdb, tvmaze = shelves(better, second=(Entry(number=2, tvdb=30, imdb="tt0000001"),))

    assert await identify(wanted("Trigun", tvmaze=2), tmdb, tvmaze) == ("tvmaze", "2")


async def test_a_better_one_that_is_down_is_passed_over() -> None:
    """The entry found is good."""
    tmdb, tvmaze = shelves(second=(Entry(number=2, tvdb=30),), down=DOWN)

    assert await identify(wanted("Trigun", tvmaze=2), tmdb, tvmaze) == ("tvmaze", "2")


async def test_ids_alone_never_fall_back_to_titles() -> None:
    """A person gave them to settle it: a title could lead elsewhere, and so could the page."""
    tmdb, tvmaze = shelves(Entry(number=1))

    failure = await refused(wanted(tmdb=7), tmdb, tvmaze)

    assert (failure.error.kind, failure.error.code) == ("not_found", "no_match")
    assert failure.error.message.startswith("no catalogue knows tmdb 7.")
    assert tmdb.asked == ["find 7"]


async def test_an_id_that_its_own_catalogue_does_not_have_leads_nowhere() -> None:
    """A slip of whoever gave it: the title and the page may be those of the series that was not meant."""
    tmdb, tvmaze = shelves(Entry(number=1), second=(Entry(number=2),))
    site = Website(Page(titles=("Trigun",)))

    failure = await refused(wanted("Trigun", tvmaze=55555, page=PAGE), tmdb, tvmaze, site=site)

    assert failure.error.message.startswith("no catalogue knows tvmaze 55555.")


async def test_an_id_that_nobody_can_know_leaves_it_to_the_title() -> None:
    """Of a catalogue that is not set up, or of one that others need not have heard of."""
    tvmaze = Shelf("tvmaze", Entry(number=2))

    assert await identify(wanted("Trigun", tmdb=7, imdb="tt0000009"), tvmaze) == ("tvmaze", "2")


async def test_ids_of_two_series_are_refused() -> None:
    """One of them is mistyped, and nobody says which; what one of them led to is shown."""
    tmdb, tvmaze = shelves(Entry(number=7, imdb="tt0000001"))

    failure = await refused(wanted(tmdb=7, imdb="tt0000002"), tmdb, tvmaze)

    assert failure.candidates == ("Trigun (1998), tmdb 7",)


async def test_a_catalogues_own_id_outweighs_what_it_says_of_others() -> None:
    """Catalogues correct each other's ids: what was known before must not lock a series out."""
    tmdb, tvmaze = shelves(Entry(number=7, imdb="tt0000001"))

    assert await identify(wanted("Trigun", tmdb=7, imdb="tt0000002"), tmdb, tvmaze) == ("tmdb", "7")


async def test_other_ids_must_not_contradict() -> None:
    """What one of them led to has another one that is not the one known."""
    shelf = Shelf("tmdb", Entry(number=7, imdb="tt0000001", tvdb=2))

    failure = await refused(wanted("Trigun", imdb="tt0000001", tvdb=1), shelf)

    assert failure.candidates == ("Trigun (1998), tmdb 7",)


async def test_a_title_does_not_lead_to_an_entry_with_other_ids() -> None:
    """There is an id that no catalogue could find; an entry that has another one is another series."""
    tmdb, tvmaze = shelves(Entry(number=1, imdb="tt0000001"), second=(Entry(number=2),))

    assert await identify(wanted("Trigun", imdb="tt0000002"), tmdb, tvmaze) == ("tvmaze", "2")
    assert (await refused(wanted("Trigun", imdb="tt0000002"), tmdb)).candidates == ("Trigun (1998), tmdb 1",)


async def test_an_id_of_another_catalogue_is_believed_if_what_it_leads_to_resembles_the_series() -> None:
    """Neither title nor year of it fits: somebody mistyped it."""
    shelf = Shelf("tvmaze", Entry(number=7, name="Naruto", year=2002, imdb="tt0000007"))

    failure = await refused(wanted("Trigun", imdb="tt0000007"), shelf)

    assert failure.candidates == ("Naruto (2002), tvmaze 7",)
    assert await identify(wanted("Trigun", year=2003, imdb="tt0000007"), shelf) == ("tvmaze", "7")
    assert await identify(wanted("NARUTO", year=1980, imdb="tt0000007"), shelf) == ("tvmaze", "7")
    assert await identify(wanted(imdb="tt0000007"), shelf) == ("tvmaze", "7")


async def test_a_mistyped_id_is_found_out_by_the_other_one() -> None:
    """The catalogue's own, too: what it leads to has another id and does not resemble the series."""
    shelf = Shelf(
        "tvmaze", Entry(number=1, imdb="tt0000001"), Entry(number=7, name="Naruto", year=2002, imdb="tt0000007")
    )

    failure = await refused(wanted("Naruto", year=2002, tvmaze=1, imdb="tt0000007"), shelf)

    assert failure.candidates == ("Trigun (1998), tvmaze 1", "Naruto (2002), tvmaze 7")


async def test_a_title_of_several_is_left_to_the_year() -> None:
    """Without it another catalogue that has only one of them proves nothing."""
    both = (Entry(number=1), Entry(number=2, year=2023))

    ambiguous = await refused(wanted("Trigun", year=None), *shelves(*both, second=(Entry(number=3),)))

    assert ambiguous.candidates == ("Trigun (1998), tmdb 1", "Trigun (2023), tmdb 2")
    assert await identify(wanted("Trigun", year=2023), *shelves(*both)) == ("tmdb", "2")


async def test_two_entries_of_one_year_are_left_to_the_next_catalogue() -> None:
    """A catalogue may hold a series twice; who has it once, leads to the right one by its ids."""
    twice = (Entry(number=1), Entry(number=2, imdb="tt0000001"))

    assert await identify(wanted("Trigun"), *shelves(*twice, second=(Entry(number=3, imdb="tt0000001"),))) == (
        "tmdb",
        "2",
    )


async def test_a_second_title_does_not_hide_what_the_first_was_ambiguous_for() -> None:
    """Its search may find only one of the two."""
    both = (Entry(number=1, year=None, aliases=("Toraigan",)), Entry(number=2, year=None))

    failure = await refused(wanted("Trigun", "Toraigan", year=None), Shelf("tmdb", *both))

    assert len(failure.candidates) == 2


async def test_further_names_are_looked_into_only_in_doubt() -> None:
    """When a hit bears the title itself, there is none."""
    by_name, by_alias = Shelf("tmdb", Entry(number=1)), Shelf("tmdb", Entry(number=1, aliases=("Toraigan",)))

    assert await identify(wanted("Trigun"), by_name) == ("tmdb", "1")
    assert await identify(wanted("Toraigan"), by_alias) == ("tmdb", "1")
    assert by_name.asked == ["search Trigun"]
    assert by_alias.asked == ["search Toraigan", "find 1"]


async def test_at_most_three_are_looked_into() -> None:
    """Each costs a call; with the year known the first three may decide, without it nothing does."""
    entries = [
        Entry(number=number, name=f"Trigun {number}", aliases=("Toraigan",) * (number == 2)) for number in range(9)
    ]
    with_year, without, later = Shelf("tmdb", *entries), Shelf("tmdb", *entries), Shelf("tmdb", *entries[::-1])

    assert await identify(wanted("Trigun", "Toraigan"), with_year) == ("tmdb", "2")
    await refused(wanted("Trigun", "Toraigan", year=None), without)
    await refused(wanted("Trigun", "Toraigan"), later)
    assert [one.split()[0] for one in with_year.asked].count("find") == 3
    assert [one.split()[0] for one in without.asked].count("find") == 0
    assert [one.split()[0] for one in later.asked].count("find") == 3


async def test_an_unknown_year_of_many_hits_proves_nothing() -> None:
    """Only hits with a year are looked into where there are more than three."""
    entries = [Entry(number=number, name=f"Trigun {number}", year=None, aliases=("Toraigan",)) for number in range(4)]
    shelf = Shelf("tmdb", *entries)

    await refused(wanted("Toraigan"), shelf)

    assert shelf.asked == ["search Toraigan"]


async def test_an_entry_that_has_just_gone_is_no_failure() -> None:
    """The search still finds it."""
    shelf = Shelf("tmdb", Entry(number=1, aliases=("Toraigan",)))
    shelf.gone = {1}

    assert (await refused(wanted("Toraigan"), shelf)).error.code == "no_match"
    assert (await refused(wanted("Trigun", imdb="tt0000002"), shelf)).error.code == "no_match"


async def test_few_of_many_titles_are_searched_for() -> None:
    """A page may list dozens; all of them count as names."""
    shelf = Shelf("tmdb")

    await refused(wanted(*(f"Title {number}" for number in range(30))), shelf)

    assert len(shelf.asked) == 4


async def test_the_page_is_read_first_if_the_year_is_not_known() -> None:
    """Its id settles it without a search."""
    site = Website(Page(titles=("Trigun",), year=1998, ids=CatalogueIds(imdb="tt0000001")))
    shelf = Shelf("tmdb", Entry(number=1, imdb="tt0000001"), Entry(number=2))

    assert await identify(wanted("Trigun", year=None, page=PAGE), shelf, site=site) == ("tmdb", "1")
    assert (site.asked, shelf.asked) == (["page"], ["find"])


async def test_the_page_tells_the_year_that_tells_titles_apart() -> None:
    """And further titles."""
    site = Website(Page(titles=("Toraigan",), year=2023))
    shelf = Shelf("tmdb", Entry(number=1), Entry(number=2, year=2023))

    assert await identify(wanted("Trigun", year=None, page=PAGE), shelf, site=site) == ("tmdb", "2")


async def test_the_page_is_not_read_for_a_title_of_exactly_its_year() -> None:
    """Only a few pages can be read; else its titles are searched for too, and nothing is asked for again."""
    by_title, by_page = Shelf("tmdb", Entry(number=1)), Shelf("tmdb", Entry(number=1, name="Toraigan"))
    unread, read = Website(Page(titles=("Toraigan",))), Website(Page(titles=("Toraigan",)))

    assert await identify(wanted("Trigun", page=PAGE), by_title, site=unread) == ("tmdb", "1")
    assert await identify(wanted("Trigun", page=PAGE), by_page, site=read) == ("tmdb", "1")
    assert (unread.asked, read.asked) == ([], ["page"])
    assert by_page.asked == ["search Trigun", "search Toraigan"]


DEATH_NOTE = (
    Entry(number=1, name="Death Note", year=2015, imdb="tt0000001"),
    Entry(number=2, name="Desu Noto", year=2016, imdb="tt0000002", aliases=("Death Note",)),
)


async def test_an_id_of_the_page_outweighs_a_title_of_nearly_its_year() -> None:
    """A live action of the year before bears the very title; the page means the other one."""
    site = Website(Page(titles=("Death Note",), year=2016, ids=CatalogueIds(imdb="tt0000002")))
    shelf = Shelf("tvmaze", *DEATH_NOTE)

    assert await identify(wanted("Death Note", year=2016, page=PAGE), shelf, site=site) == ("tvmaze", "2")
    assert (shelf.asked, site.asked) == (["search Death Note", "find"], ["page"])


async def test_an_id_of_the_page_tells_two_of_a_title_apart() -> None:
    """No further catalogue is asked before."""
    site = Website(Page(titles=("Trigun",), ids=CatalogueIds(imdb="tt0000002")))
    tmdb, tvmaze = shelves(Entry(number=1), Entry(number=2, imdb="tt0000002"), second=(Entry(number=3),))

    assert await identify(wanted("Trigun", page=PAGE), tmdb, tvmaze, site=site) == ("tmdb", "2")
    assert tvmaze.asked == []


@pytest.mark.parametrize("said", [Page(titles=()), Page(titles=("Trigun",), year=1998)])
@pytest.mark.parametrize("failure", [None, DOWN, BROKEN, GONE])
async def test_a_year_that_is_one_off_is_good_enough_without_an_id(said: Page, failure: LoadFailure | None) -> None:
    """Whatever the page does not say; nothing is searched for again."""
    shelf = Shelf("tmdb", Entry(number=1, year=1999))

    found = await identify(wanted("Trigun", page=PAGE), shelf, site=Website(said, failure=failure))

    assert (found, shelf.asked) == (("tmdb", "1"), ["search Trigun"])


async def test_nothing_is_asked_twice_if_the_page_says_nothing_new() -> None:
    """Nor if it can't be read, or nobody reads that site."""
    same, unread, foreign = Shelf("tmdb"), Shelf("tmdb"), Shelf("tmdb")

    await identify(wanted("Trigun", page=PAGE), same, site=Website(Page(titles=("Trigun",), year=1998)))
    await refused(wanted("Trigun", page=PAGE), unread, site=Website(Page(titles=()), failure=GONE))
    await refused(wanted("Trigun", page=PAGE), foreign)

    assert same.asked == unread.asked == foreign.asked == ["search Trigun"]


async def test_a_page_with_the_id_of_another_series_leads_nowhere() -> None:
    """Neither title nor year of what its id leads to fits."""
    site = Website(Page(titles=("Trigun",), year=1998, ids=CatalogueIds(imdb="tt0000001")))
    shelf = Shelf("tmdb", Entry(number=1, name="Dallas", year=1978, imdb="tt0000001"))

    assert await identify(wanted("Trigun", year=None, page=PAGE), shelf, site=site) == ("aniworld", "trigun")


async def test_ids_that_are_known_outweigh_the_pages() -> None:
    """A person's word does; the page still tells titles."""
    site = Website(Page(titles=("Toraigan",), ids=CatalogueIds(imdb="tt0000001")))
    shelf = Shelf("tmdb", Entry(number=1, imdb="tt0000001"), Entry(number=2, name="Toraigan"))

    assert await identify(wanted("Trigger", imdb="tt0000002", page=PAGE), shelf, site=site) == ("tmdb", "2")


async def test_the_page_itself_is_the_last_resort() -> None:
    """When every catalogue was asked and none knows the series."""
    site = Website(Page(titles=("Trigun",), year=1998))

    assert await identify(wanted("Trigun", page=PAGE), *shelves(), site=site) == ("aniworld", "trigun")
    assert site.asked == ["page", "candidate"]


async def test_the_page_is_no_resort_while_the_answer_is_open() -> None:
    """A catalogue is down, several can't be told apart, or only ids count."""
    said = Page(titles=("Trigun",), year=1998)

    assert await refused(wanted("Trigun", page=PAGE), *shelves(down=DOWN), site=Website(said)) is DOWN
    twice = await refused(
        wanted("Trigun", page=PAGE), Shelf("tmdb", Entry(number=1), Entry(number=2)), site=Website(said)
    )
    assert len(twice.candidates) == 2
    assert (await refused(wanted(tmdb=7, page=PAGE), Shelf("tmdb"), site=Website(said))).error.code == "no_match"


async def test_a_page_that_is_down_leaves_the_answer_open() -> None:
    """Unless it stays so: then the failure tells why, and what there is to choose from."""
    shelf = Shelf("tmdb", Entry(number=1, year=2020))
    changed = LoadFailure("invalid", "layout_not_recognised", "the layout is unknown")

    open_yet = await refused(wanted("Trigun", page=PAGE), shelf, site=Website(Page(titles=()), failure=DOWN))
    closed = await refused(wanted("Trigun", page=PAGE), shelf, site=Website(Page(titles=()), failure=changed))

    assert open_yet is DOWN
    assert (closed.error.code, closed.candidates) == ("no_match", ("Trigun (2020), tmdb 1",))
    assert "Its page could not be read: the layout is unknown." in closed.error.message


async def test_a_page_that_is_down_is_no_obstacle_to_a_title() -> None:
    """Another catalogue knows."""
    site = Website(Page(titles=()), failure=DOWN)

    assert await identify(wanted("Trigun", year=None, page=PAGE), Shelf("tmdb", Entry(number=1)), site=site) == (
        "tmdb",
        "1",
    )
    assert site.asked == ["page"]


def again(catalogue: str, catalogue_id: str, **ids: int | str) -> Wanted:
    """Trigun, which was identified before."""
    known = msgspec.convert(ids, CatalogueIds)
    return Wanted(entry=(catalogue, catalogue_id), ids=known, titles=("Trigun",), year=1998)


async def test_a_series_stays_the_entry_that_it_is() -> None:
    """Nobody else is asked, whatever its name and the ids of others are by now."""
    tmdb, tvmaze = shelves(Entry(number=9, name="Renamed", year=2020, imdb="tt0000009"), second=(Entry(number=1),))

    assert await identify(again("tmdb", "9", tmdb=9, imdb="tt0000001"), tmdb, tvmaze) == ("tmdb", "9")
    assert (tmdb.asked, tvmaze.asked) == (["find 9"], [])


@pytest.mark.parametrize("down", [DOWN, BROKEN])
async def test_a_catalogue_that_fails_loses_no_series_to_another_one(down: LoadFailure) -> None:
    """Its failure comes out, even if the other one has it."""
    tmdb, tvmaze = shelves(second=(Entry(number=1, imdb="tt0000001"),), down=down)

    assert await refused(again("tmdb", "9", tmdb=9, imdb="tt0000001"), tmdb, tvmaze) is down
    assert tvmaze.asked == []


async def test_a_catalogue_that_is_set_up_later_takes_its_series_over() -> None:
    """By an id that it shares with the entry, also one that only the series was known to have."""
    tmdb, tvmaze = shelves(Entry(number=9, imdb="tt0000001"), second=(Entry(number=1, imdb="tt0000001"),))
    known = Shelf("tmdb", Entry(number=9))

    assert await identify(again("tvmaze", "1", tvmaze=1), tmdb, tvmaze) == ("tmdb", "9")
    assert await identify(again("tvmaze", "1", tvmaze=1, tmdb=9), known, tvmaze) == ("tmdb", "9")
    assert (tmdb.asked, known.asked) == (["find"], ["find 9"])


@pytest.mark.parametrize(
    "better",
    [
        Shelf("tmdb", Entry(number=9, imdb="tt0000001"), failure=DOWN),
        Shelf("tmdb", Entry(number=9)),
        Shelf("tmdb", Entry(number=9, name="Something Else", year=2020, imdb="tt0000001")),
        Shelf("tmdb", Entry(number=9, imdb="tt0000001", tvdb=6)),
    ],
)
async def test_a_catalogue_takes_over_no_series_that_it_does_not_surely_have(better: Shelf) -> None:
    """It is down, shares no id, or has another series under it."""
    tvmaze = Shelf("tvmaze", Entry(number=1, imdb="tt0000001", tvdb=5))

    assert await identify(again("tvmaze", "1", tvmaze=1, imdb="tt0000001"), better, tvmaze) == ("tvmaze", "1")


async def test_a_series_whose_entry_is_gone_is_searched_for_anew() -> None:
    """Its catalogue may have it under another id by now, or another one has it."""
    merged, tvmaze = shelves(Entry(number=10, imdb="tt0000001"), second=(Entry(number=1, imdb="tt0000001"),))

    assert await identify(again("tmdb", "9", tmdb=9, imdb="tt0000001"), merged, tvmaze) == ("tmdb", "10")
    assert await identify(again("tmdb", "9", tmdb=9, imdb="tt0000001"), Shelf("tmdb"), tvmaze) == ("tvmaze", "1")
    assert await identify(again("tmdb", "9", tmdb=9), Shelf("tmdb"), tvmaze) == ("tvmaze", "1")


async def test_a_series_whose_catalogue_is_not_set_up_any_more_is_searched_for_anew() -> None:
    """By its ids first; also one that was only a page until now."""
    site = Website(Page(titles=("Trigun",), year=1998))
    two, one = Shelf("tvmaze", Entry(number=1), Entry(number=2, imdb="tt0000001")), Shelf("tvmaze", Entry(number=1))
    of_page = msgspec.structs.replace(again("aniworld", "trigun"), page=PAGE)

    assert await identify(again("tmdb", "9", tmdb=9, imdb="tt0000001"), two) == ("tvmaze", "2")
    assert await identify(of_page, one, site=site) == ("tvmaze", "1")
    assert await identify(of_page, Shelf("tvmaze"), site=site) == ("aniworld", "trigun")
    assert await refused(of_page, Shelf("tvmaze", failure=DOWN), site=site) is DOWN


async def test_a_name_that_no_catalogue_has_is_found_by_the_id_of_its_page() -> None:
    """A link alone is enough: name and year are the page's own then, and so is the id."""
    site = Website(Page(titles=("Trigun",), year=1998, ids=CatalogueIds(imdb="tt0000001")))
    shelf = Shelf("tmdb", Entry(number=1, name="Toraigan", imdb="tt0000001"))

    assert await identify(wanted("Trigun", page=PAGE), shelf, site=site) == ("tmdb", "1")
    assert shelf.asked == ["search Trigun", "find"]


class Answers:
    """An upstream that answers by path and keeps each different question: what is asked again comes from the cache."""

    def __init__(self, answers: dict[str, Any]) -> None:
        self._answers = answers
        self.asked: set[tuple[str, Params]] = set()

    async def get_json(self, path: str, shape: type[T], params: Params = ()) -> T:
        self.asked.add((path, tuple(params)))
        return msgspec.convert(self._answers[path], type=shape)


def tvmaze_show(number: int, name: str, *akas: str) -> dict[str, Any]:
    show = {"id": number, "name": name, "premiered": "1998-04-01"}
    return show | {"_embedded": {"akas": [{"name": aka} for aka in akas]}} if akas else show


async def test_a_series_of_tvmaze_costs_a_search_and_its_details() -> None:
    """Also where its other names must be looked into, or its ids compared."""
    upstream = Answers(
        {
            "/search/shows": [{"show": tvmaze_show(1, "Toraigan")}],
            "/shows/1": tvmaze_show(1, "Toraigan", "Trigun"),
        }
    )
    catalogues = Catalogues([TVmaze(cast("Upstream", upstream))])

    found = await catalogues.identify(wanted("Trigun", tmdb=5))
    await catalogues.details(found.catalogue, found.catalogue_id)

    assert found.catalogue_id == "1"
    assert sorted(path for path, _ in upstream.asked) == ["/search/shows", "/shows/1"]


def tmdb_show(number: int, seasons: int) -> dict[str, Any]:
    """With all its seasons in any answer: who asks for more of them is seen by the questions."""
    numbers = range(1, seasons + 1)
    return {
        "id": number,
        "name": f"Trigun {number}",
        "first_air_date": "1998-04-01",
        "seasons": [{"season_number": one, "episode_count": 1} for one in numbers],
        "translations": {"translations": [{"iso_639_1": "en", "iso_3166_1": "US", "data": {"name": "Trigun"}}]},
    } | {f"season/{one}": {"episodes": [{"episode_number": 1, "name": f"Part {one}"}]} for one in numbers}


async def test_a_series_of_twenty_seasons_costs_three_calls_of_tmdb() -> None:
    """A search and two for its details, although its names are looked into."""
    hit = {"id": 7, "name": "Trigun 7", "first_air_date": "1998-04-01"}
    upstream = Answers({"/search/tv": {"results": [hit]}, "/tv/7": tmdb_show(7, 20)})
    catalogues = Catalogues([TMDB(cast("Upstream", upstream), languages=("en",), image_url="")])

    found = await catalogues.identify(wanted("Trigun"))
    details = await catalogues.details(found.catalogue, found.catalogue_id)

    assert (found.catalogue_id, len(details.seasons)) == ("7", 20)
    assert sorted(path for path, _ in upstream.asked) == ["/search/tv", "/tv/7", "/tv/7"]


async def test_what_is_only_looked_into_costs_one_call_each() -> None:
    """Its seasons are nobody's business."""
    hits = [{"id": number, "name": f"Trigun {number}", "first_air_date": "1998-04-01"} for number in (7, 8, 9)]
    shows = {f"/tv/{number}": tmdb_show(number, 30) | {"translations": None} for number in (7, 8, 9)}
    upstream = Answers({"/search/tv": {"results": hits}} | shows)
    catalogues = Catalogues([TMDB(cast("Upstream", upstream), languages=("de",), image_url="")])

    with pytest.raises(LoadFailure, match="no catalogue knows"):
        await catalogues.identify(wanted("Trigun"))

    assert sorted(path for path, _ in upstream.asked) == ["/search/tv", "/tv/7", "/tv/8", "/tv/9"]


async def test_nothing_found_says_what_there_is() -> None:
    """Each entry once, with what to do."""
    shelf = Shelf("tmdb", Entry(number=1, year=2023), Entry(number=2, name="Trigun Stampede", year=2023))

    failure = await refused(wanted("Trigun"), shelf, Shelf("tvmaze"))

    assert failure.error.kind == "not_found"
    assert failure.candidates == ("Trigun (2023), tmdb 1", "Trigun Stampede (2023), tmdb 2")
    assert "no catalogue knows 'Trigun' (1998); there is Trigun (2023), tmdb 1" in failure.error.message


async def test_a_lookup_asks_all_and_sorts() -> None:
    """What fits the year comes first, then what bears the title, then the order of the catalogues."""
    tmdb, tvmaze = shelves(
        Entry(number=1, name="Trigun Stampede", year=2023),
        Entry(number=2, name="Trigun Maximum"),
        Entry(number=3, year=2023),
        second=(Entry(number=4), Entry(number=5, year=None)),
    )

    found = await Catalogues([tmdb, tvmaze]).lookup("TRIGUN", 1998)

    assert [one.catalogue_id for one in found.candidates] == ["4", "5", "2", "3", "1"]
    assert found.failures == ()


async def test_a_lookup_tells_who_could_not_be_asked() -> None:
    """The others' answers are still worth something."""
    tmdb, tvmaze = shelves(second=(Entry(number=4),), down=DOWN)

    found = await Catalogues([tmdb, tvmaze]).lookup("Trigun", None)

    assert [one.catalogue for one in found.candidates] == ["tvmaze"]
    assert found.failures == (("tmdb", DOWN),)


async def test_details_come_from_the_catalogue_named() -> None:
    """A site is one too; one that is not set up here is named in the failure."""
    site = Website(Page(titles=("Trigun",), year=1998))
    catalogues = Catalogues([Shelf("tmdb", Entry(number=1))], {"aniworld.to": site})

    assert (await catalogues.details("tmdb", "1")).name == "Trigun"
    assert await catalogues.page("aniworld.to", "trigun") == Page(titles=("Trigun",), year=1998)
    assert await catalogues.page("s.to", "dark") is None
    with pytest.raises(LoadFailure, match="'tvmaze', which is not set up here"):
        await catalogues.details("tvmaze", "1")
