"""Reading and changing series over real HTTP."""

from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from contracts.api import HistoryItem
from contracts.events import (
    FileRecord,
    ImagesLoaded,
    LoadError,
    Part,
    PartFailed,
    PartRequested,
    PartStarted,
    RecordedEvent,
)
from deploy.local.nats_server import NatsServer
from deploy.local.postgres import Postgres
from services.gateway.domain import AfterName, encode_cursor
from tests.support.gateway import API_KEY, Gateway, running_gateway
from tests.support.histories import added, loaded_after
from tests.support.waiting import eventually

ERROR = LoadError(kind="network", code="timeout", message="TVmaze did not answer")


async def load(gateway: Gateway, key: str) -> int:
    """A series that is loaded but for its logo, which does not exist; the position of its add."""
    position = await gateway.record(added(key))
    await gateway.record(*loaded_after(key, position))
    return position


async def names_by_pages(gateway: Gateway, *, total: int, **params: Any) -> list[str]:
    """All names, two at a time."""
    found: list[str] = []
    while True:
        page = await gateway.get("/api/anime", limit=2, **params)
        assert page["total"] == total
        found += [one["name"] for one in page["items"]]
        if page["next_cursor"] is None:
            return found
        params["cursor"] = page["next_cursor"]


async def requests_of(gateway: Gateway, key: str) -> list[PartRequested]:
    found = await gateway.store.events_of(key)
    return [one.event for one in found if isinstance(one, RecordedEvent) and isinstance(one.event, PartRequested)]


async def test_the_list_goes_by_name_a_page_at_a_time(gateway: Gateway) -> None:
    """Every series once, in any letter case, the removed ones not."""
    names = ["beta", "Alpha", "alpha", "Émile", "gamma"]
    await gateway.record(*(added(f"k{number}", name=name) for number, name in enumerate(names)), added("gone"))
    await gateway.http.delete("/api/anime/gone")
    await gateway.project()

    found = await names_by_pages(gateway, total=5)

    assert found == ["Alpha", "alpha", "beta", "gamma", "Émile"]


async def test_the_list_can_begin_with_the_latest_added(gateway: Gateway) -> None:
    """Also a series that was added anew; what is added while one pages is of no page, and moves none."""
    await gateway.record(*(added(f"k{number}", name=f"Name {9 - number}") for number in range(5)), added("gone"))
    for key in ("gone", "k1"):
        await gateway.http.delete(f"/api/anime/{key}")
    await gateway.record(added("k1", name="Again"))
    await gateway.project()

    first = await gateway.get("/api/anime", order="newest", limit=2)
    await gateway.record(added("later"))
    await gateway.project()
    rest = await names_by_pages(gateway, total=first["total"], order="newest", cursor=first["next_cursor"])

    assert first["total"] == 5
    assert [one["name"] for one in first["items"]] == ["Again", "Name 5"]
    assert rest == ["Name 6", "Name 7", "Name 9"]
    assert (await gateway.get("/api/anime", order="newest"))["items"][0]["key"] == "later"


async def test_a_list_is_counted_for_its_first_page(gateway: Gateway) -> None:
    """Each page behind it tells that number, in either order; a cursor of an older release, which has none, another."""
    await gateway.record(*(added(f"k{number}") for number in range(3)))
    await gateway.project()
    firsts = {order: await gateway.get("/api/anime", order=order, limit=1) for order in ("name", "newest")}

    await gateway.record(added("later"))
    await gateway.project()

    for order, first in firsts.items():
        second = await gateway.get("/api/anime", order=order, limit=1, cursor=first["next_cursor"])
        third = await gateway.get("/api/anime", order=order, limit=1, cursor=second["next_cursor"])
        assert [page["total"] for page in (first, second, third)] == [3, 3, 3]
    older = encode_cursor(AfterName("k0", "k0"))
    assert (await gateway.get("/api/anime", limit=1, cursor=older))["total"] == 4


async def test_a_cursor_goes_with_its_order(gateway: Gateway) -> None:
    """The other one's is refused, and says which it was."""
    await gateway.record(added("a"), added("b"))
    await gateway.project()

    for order, other in (("name", "newest"), ("newest", "name")):
        cursor = (await gateway.get("/api/anime", order=order, limit=1))["next_cursor"]
        problem = await gateway.get("/api/anime", expected=400, order=other, cursor=cursor)
        assert f"order={order}" in problem["detail"]


async def test_the_list_is_narrowed_by_words_and_status(gateway: Gateway) -> None:
    """What a search takes for itself is a plain character in `q`."""
    await gateway.record(added("a", name="100% Wolf"), added("b", name="1000 Wolves"), added("c_d".replace("_", "-")))
    await load(gateway, "done")
    await gateway.project()

    assert [one["key"] for one in (await gateway.get("/api/anime", q="0% WO"))["items"]] == ["a"]
    assert [one["key"] for one in (await gateway.get("/api/anime", q="c-d"))["items"]] == ["c-d"]
    assert [one["key"] for one in (await gateway.get("/api/anime", loading_status="completed"))["items"]] == ["done"]
    assert (await gateway.get("/api/anime", q="_"))["total"] == 0


@pytest.mark.parametrize(
    ("params", "said"),
    [
        ({"loading_status": "done"}, "completed"),
        ({"status": "completed"}, "loading_status"),
        ({"order": "oldest"}, "name, newest"),
        ({"limit": 0}, "limit"),
        ({"limit": 501}, "limit"),
        ({"limit": "many"}, "limit"),
        ({"q": "x" * 201}, "200"),
        ({"q": "a\0"}, "NUL"),
        ({"cursor": "nonsense!"}, "cursor"),
        ({"cursor": "WyJuYW1lIiwiYVx1MDAwMCIsImIiXQ"}, "cursor"),
    ],
)
async def test_a_bad_query_is_refused(gateway: Gateway, params: dict[str, Any], said: str) -> None:
    """400 that names the value, or lists what is known."""
    problem = await gateway.get("/api/anime", expected=400, **params)

    assert said in problem["detail"]


async def test_a_series_is_shown_with_all_that_is_known(gateway: Gateway) -> None:
    """Ids, files, seasons and episodes."""
    position = await load(gateway, "dark")
    await gateway.project()

    series = await gateway.get("/api/anime/dark")

    assert (series["db_id"], series["loading_status"], series["year"]) == (position, "completed", 2013)
    assert series["ids"]["imdb"] == "tt0000001"
    assert series["seasons"][0]["episodes"]
    assert series["files"]
    assert series["parts"]["logo"]["status"] == "unavailable"


@pytest.mark.parametrize("key", ["unknown", "Not-A-Key", "%00", "a%2Fb", "add"])
async def test_an_unknown_series_is_404_everywhere(gateway: Gateway, key: str) -> None:
    """With a hint, as problem+json."""
    for method, path in (
        ("GET", ""),
        ("GET", "/loading-status"),
        ("GET", "/loading-status?at_position=1"),
        ("GET", "/history"),
        ("GET", "/artwork/poster"),
        ("POST", "/retry"),
        ("POST", "/refresh"),
        ("DELETE", ""),
    ):
        response = await gateway.http.request(method, f"/api/anime/{key}{path}")

        allowed = {404, 405} if key == "add" else {404}
        assert response.status_code in allowed, (method, path)
        assert response.headers["content-type"] == "application/problem+json"


async def test_the_status_is_known_right_after_the_add(gateway: Gateway) -> None:
    """No row yet: the events are folded; with a row: what came since is folded onto it."""
    await gateway.add()
    fresh = await gateway.get("/api/anime/one-piece/loading-status")
    await gateway.project()
    await gateway.record(PartStarted(key="one-piece", part=Part.IDENTITY, cause=1, attempt=1, delivery=1))

    later = await gateway.get("/api/anime/one-piece/loading-status")

    assert (fresh["loading_status"], fresh["position"], fresh["message"]) == ("pending", 1, "Queued for loading")
    assert (later["position"], later["message"]) == (2, "Identifying series…")


async def test_the_status_of_any_moment_can_be_asked_for(gateway: Gateway) -> None:
    """By position and by time; before the add there was none."""
    await gateway.record(added("other"))
    position = await load(gateway, "dark")
    history = await gateway.get("/api/anime/dark/history")
    path = "/api/anime/dark/loading-status"

    at_add = await gateway.get(path, at_position=position)
    at_identified = await gateway.get(path, at_time=history["items"][2]["time"])
    now = await gateway.get(path, at_time=datetime.now(UTC).isoformat())

    assert (at_add["loading_status"], at_add["position"]) == ("pending", position)
    assert at_identified["position"] >= position + 2
    assert now["loading_status"] == "completed"
    await gateway.get(path, expected=400, at_time="yesterday")
    await gateway.get(path, expected=400, at_time="2026-01-01", at_position=1)


async def test_a_moment_that_never_was_is_refused_with_the_range(gateway: Gateway) -> None:
    """Before the series' first event, or after the log's end; up to both ends there is an answer."""
    await gateway.record(added("other"))
    first = await load(gateway, "dark")
    last = await gateway.record(added("another"))
    path = "/api/anime/dark/loading-status"
    begin = datetime.fromisoformat((await gateway.get("/api/anime/dark/history"))["items"][0]["time"])
    soon = datetime.now(UTC) + timedelta(minutes=5)

    outside = [await gateway.get(path, expected=400, at_position=one) for one in (first - 1, last + 1)]
    never = [
        await gateway.get(path, expected=400, at_time=one.isoformat())
        for one in (begin - timedelta(microseconds=1), soon)
    ]

    for problem in outside:
        assert (problem["type"], problem["first"], problem["last"]) == ("urn:coldopen:out-of-range", first, last)
        assert f"begins at {first}, and the log ends at {last}" in problem["detail"]
    for problem in never:
        assert problem["type"] == "urn:coldopen:out-of-range"
        assert datetime.fromisoformat(problem["first"]) == begin
        assert begin < datetime.fromisoformat(problem["last"]) < soon
    assert (await gateway.get(path, at_position=first))["position"] == first
    assert (await gateway.get(path, at_position=last))["loading_status"] == "completed"
    assert (await gateway.get(path, at_time=begin.isoformat()))["loading_status"] == "pending"


async def test_a_removed_series_is_gone_but_its_status_and_history_stay(gateway: Gateway) -> None:
    """404 in lists and pages; a second removal is 404; nothing more can be asked of it."""
    await gateway.add()
    accepted = await gateway.http.delete("/api/anime/one-piece", params={"delete_files": "true"})
    await gateway.project()

    assert accepted.status_code == 202
    assert accepted.json()["position"] == 2
    assert (await gateway.http.delete("/api/anime/one-piece")).status_code == 404
    assert (await gateway.http.post("/api/anime/one-piece/refresh")).status_code == 404
    await gateway.get("/api/anime/one-piece", expected=404)
    assert (await gateway.get("/api/anime/one-piece/loading-status"))["loading_status"] == "removed"
    history = await gateway.get("/api/anime/one-piece/history")
    assert [one["type"] for one in history["items"]] == ["series-added.v1", "series-removed.v1"]
    assert history["items"][1]["event"]["delete_files"] is True


async def test_the_history_is_paged_and_shows_what_cannot_be_read(gateway: Gateway) -> None:
    """An event of a newer program is no error: it says so."""
    await gateway.record(added("dark"))
    body = b'{"type": "series-starred.v1", "key": "dark"}'
    await gateway.store.js.publish("series.dark.starred", body, headers={"ce-id": "x", "ce-type": "series-starred.v1"})
    await gateway.record(PartStarted(key="dark", part=Part.IDENTITY, cause=1, attempt=1, delivery=1))

    first = await gateway.get("/api/anime/dark/history", limit=2)
    second = await gateway.get("/api/anime/dark/history", after_position=first["next_after"])

    assert [one["type"] for one in first["items"]] == ["series-added.v1", "unreadable"]
    assert "series-starred.v1" in first["items"][1]["event"]["body"]
    assert [one["type"] for one in second["items"]] == ["part-started.v1"]
    assert second["next_after"] is None
    words = first["items"][1]
    assert (words["what"], words["mood"]) == ("event that can't be read", "bad")
    assert words["detail"].startswith("unknown event type")


async def test_a_page_of_the_history_has_the_words_of_the_whole(gateway: Gateway) -> None:
    """How long an attempt took that began on the page before."""
    requested = await gateway.record(added("dark"))
    await gateway.record(PartStarted(key="dark", part=Part.IDENTITY, cause=requested, attempt=1, delivery=1))
    failed = await gateway.record(PartFailed(key="dark", part=Part.IDENTITY, cause=requested, attempt=1, error=ERROR))

    whole = (await gateway.get("/api/anime/dark/history"))["items"]
    (last,) = (await gateway.get("/api/anime/dark/history", after_position=failed - 1))["items"]
    bare = (await gateway.http.get("/api/events", params={"after_position": failed - 1})).json()

    assert last == whole[-1]
    assert (last["what"], last["detail"], last["mood"], last["attempt"]) == ("identity failed", ERROR.message, "bad", 1)
    assert last["seconds"] is not None
    assert (whole[0]["what"], whole[0]["attempt"], whole[0]["seconds"]) == ("added", None, None)
    assert bare == {name: last[name] for name in HistoryItem.__struct_fields__}


async def test_the_log_is_read_as_lines(gateway: Gateway) -> None:
    """All of it, or what is asked for."""
    await load(gateway, "dark")
    await gateway.record(added("other"))

    async def lines(**params: Any) -> list[str]:
        return (await gateway.http.get("/api/events", params=params)).text.splitlines()

    assert len(await lines()) == (await gateway.store.info()).last_position
    assert len(await lines(limit=3)) == 3
    assert len(await lines(type="series-added.v1")) == 2
    assert len(await lines(key="other")) == 1
    assert await lines(after_position=(await gateway.store.info()).last_position) == []
    problem = await gateway.get("/api/events", expected=400, type="series-starred.v1")
    assert "series-added.v1" in problem["known"]


async def test_the_log_can_be_followed(gateway: Gateway) -> None:
    """What is recorded later comes by itself, and a stop ends it."""
    await gateway.record(added("a"))
    found: list[str] = []

    async with gateway.http.stream("GET", "/api/events", params={"follow": "true"}) as response:
        async for line in response.aiter_lines():
            found.append(line)
            if len(found) == 1:
                await gateway.record(added("b"))
            else:
                gateway.server.stop()

    assert [f'"key":"{key}"' in line for key, line in zip("ab", found, strict=True)] == [True, True]


async def test_failed_parts_are_retried(gateway: Gateway) -> None:
    """The failed one by default; a good one is no retry."""
    position = await gateway.record(added("dark"))
    events = loaded_after("dark", position)
    failure = PartFailed(key="dark", part=Part.IMAGES, cause=position + 2, attempt=1, error=ERROR)
    await gateway.record(*(failure if isinstance(event, ImagesLoaded) else event for event in events))

    accepted = await gateway.http.post("/api/anime/dark/retry")
    refused = await gateway.http.post("/api/anime/dark/retry", json={"parts": ["episodes"]})

    assert accepted.status_code == 202
    assert accepted.json()["message"].endswith("images")
    [request] = await requests_of(gateway, "dark")
    assert (request.part, request.reason) == (Part.IMAGES, "retry")
    assert refused.status_code == 409
    assert "episodes is loaded" in refused.json()["detail"]
    assert (await gateway.http.post("/api/anime/dark/retry")).status_code == 409  # it is queued by now


async def test_while_identity_has_failed_any_part_asks_for_it(gateway: Gateway) -> None:
    """Nothing can load before it is known which series this is; ids settle it."""
    await gateway.record(added("dark"))
    await gateway.record(PartFailed(key="dark", part=Part.IDENTITY, cause=1, attempt=1, error=ERROR))

    retried = await gateway.http.post("/api/anime/dark/retry", json={"parts": ["logo"]})
    await gateway.record(PartFailed(key="dark", part=Part.IDENTITY, cause=3, attempt=1, error=ERROR))
    settled = await gateway.http.post("/api/anime/dark/refresh", json={"parts": ["identity"], "tvmaze_id": 17861})

    assert (retried.status_code, settled.status_code) == (202, 202)
    first, second = await requests_of(gateway, "dark")
    assert first.part is second.part is Part.IDENTITY
    assert second.ids is not None
    assert second.ids.tvmaze == 17861


async def test_loaded_parts_are_refreshed(gateway: Gateway) -> None:
    """All by default, and with overwrite if asked; not while they load."""
    await load(gateway, "dark")

    accepted = await gateway.http.post("/api/anime/dark/refresh", json={"overwrite": True})
    refused = await gateway.http.post("/api/anime/dark/refresh")

    assert accepted.status_code == 202
    found = await requests_of(gateway, "dark")
    assert {one.part for one in found} == {Part.EPISODES, Part.NFO, Part.LOGO, Part.IMAGES}
    assert all(one.overwrite for one in found)
    assert refused.status_code == 409
    assert "Loading already" in refused.json()["detail"]


@pytest.mark.parametrize(
    ("what", "body", "status"),
    [
        ("retry", {"parts": ["posters"]}, 400),
        ("retry", {"part": "logo"}, 400),
        ("retry", {"parts": []}, 422),
        ("refresh", {"overwrite": "yes"}, 400),
        ("refresh", {"parts": ["logo"], "tmdb_id": 7}, 422),
        ("refresh", {"imdb_id": "7"}, 422),
    ],
)
async def test_a_bad_request_for_parts_is_refused(
    gateway: Gateway, what: str, body: dict[str, Any], status: int
) -> None:
    """Before anything is recorded."""
    await load(gateway, "dark")

    response = await gateway.http.post(f"/api/anime/dark/{what}", json=body)

    assert response.status_code == status, response.text
    assert await requests_of(gateway, "dark") == []


async def test_artwork_comes_from_the_library(gateway: Gateway, tmp_path: Path) -> None:
    """With its hash as the tag; what is not there says why."""
    picture = b"\xff\xd8\xff rather small"
    (tmp_path / "Dark (2013)").mkdir()
    (tmp_path / "Dark (2013)" / "poster.jpg").write_bytes(picture)
    (tmp_path / ".coldopen").touch()
    position = await gateway.record(added("dark"))
    files = tuple(
        FileRecord(path=f"Dark (2013)/{name}.jpg", sha256=sha256(picture).hexdigest(), bytes=20, state="written")
        for name in ("poster", "fanart")
    )
    events = loaded_after("dark", position)
    loaded = ImagesLoaded(key="dark", cause=position + 2, attempt=1, files=files)
    await gateway.record(*(loaded if isinstance(event, ImagesLoaded) else event for event in events))
    path = "/api/anime/dark/artwork"

    poster = await gateway.http.get(f"{path}/poster")
    again = await gateway.http.get(f"{path}/poster", headers={"if-none-match": poster.headers["etag"]})

    assert (poster.status_code, poster.content) == (200, picture)
    assert poster.headers["content-type"] == "image/jpeg"
    assert poster.headers["cache-control"].startswith("private")
    assert poster.headers["etag"] == f'"{files[0].sha256}"'
    assert (again.status_code, again.content) == (304, b"")
    assert "can't be read" in (await gateway.get(f"{path}/fanart", expected=404))["detail"]
    assert "the catalogue has none" in (await gateway.get(f"{path}/logo", expected=404))["detail"]
    assert "poster, fanart, logo" in (await gateway.get(f"{path}/disc", expected=400))["detail"]


async def test_adds_and_statuses_go_on_without_postgres(
    nats_server: NatsServer, data_dir: Path, tmp_path: Path
) -> None:
    """Rows are away: lists say when to come back, the log answers for a single series."""
    own = Postgres(data_dir / "own", fsync=False)
    await own.start()
    try:
        from services.platform import migrate

        await migrate.upgrade(own.url())
        async with running_gateway(
            gateway_nats=nats_server.url("gateway"),
            operator_nats=nats_server.url(),
            reader_url=own.url(),
            owner_url=own.url(),
            library=tmp_path,
        ) as gateway:
            await own.stop()

            added_now = await gateway.add()
            status = await gateway.get("/api/anime/one-piece/loading-status")
            listed = await gateway.http.get("/api/anime")
            shown = await gateway.http.get("/api/anime/one-piece")
            stream = await gateway.http.get("/api/loading-status/stream")
            ready = await gateway.http.get("/health/ready")

            assert added_now["db_id"] == status["position"] == 1
            for response in (listed, shown, stream):
                assert response.status_code == 503
                assert int(response.headers["retry-after"]) > 0
            assert ready.status_code == 503
            assert [name for name, check in ready.json()["checks"].items() if not check["ok"]] == [
                "read_model",
                "library",
            ]
            await own.start()
            await eventually(lambda: back(gateway))
    finally:
        await own.stop()


async def back(gateway: Gateway) -> bool:
    return (await gateway.http.get("/api/anime", headers={"x-api-key": API_KEY})).status_code == 200
