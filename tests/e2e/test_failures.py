"""What a failure becomes, as a client sees it: retries that show, parts that fail alone, what retry and refresh do."""

import asyncio
import io
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from urllib.parse import urlsplit

import msgspec
import pytest
from msgspec.structs import replace
from PIL import Image

from contracts.events import ErrorKind, Part
from deploy.standin import Rule
from tests.support import cli
from tests.support.feed import subscribed
from tests.support.stack import Stack
from tests.support.waiting import eventually

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.fixture
def stack(installation: Stack) -> Stack:
    """The installation, with a catalogue that behaves."""
    installation.standin.controls.clear()
    return installation


async def test_retries_are_seen_while_they_are_waited_for(stack: Stack) -> None:
    """Twice no answer, then one: status, feed, history and log tell each retry, and the series completes."""
    stack.standin.misbehave(Rule(behaviour="fail", status=500, kind="logo", title="Third Time Lucky", times=2))
    key = "third-time-lucky"
    async with subscribed(stack.url, stack.headers, key=key) as feed:
        await stack.add("Third Time Lucky")
        assert await stack.settled(key) == {key: "completed"}
        await eventually(lambda: feed.latest().get(key) == "completed")

    history = await stack.history(key)
    retries = [one for one in history if one["type"] == "part-retrying.v1"]
    assert [(one["event"]["part"], one["event"]["attempt"], one["event"]["retries"]) for one in retries] == [
        ("logo", 1, 1),
        ("logo", 2, 2),
    ]
    (loaded,) = [one for one in history if one["type"] == "logo-loaded.v1"]
    assert loaded["event"]["attempt"] == 3
    for number, one in enumerate(retries, start=1):
        delay = datetime.fromisoformat(one["event"]["retry_at"]) - datetime.fromisoformat(one["time"])
        assert 2**number - 0.5 <= delay.total_seconds() <= 2**number * 1.25
        (update,) = [update for update in feed.updates if update["position"] == one["position"]]
        async with stack.client() as client:
            path = f"/api/anime/{key}/loading-status"
            status = (await client.get(path, params={"at_position": one["position"]})).json()
        for told in (update, status):
            logo = told["parts"]["logo"]
            assert (logo["status"], logo["attempt"], logo["retry_at"]) == (
                "retrying",
                1 + number,
                one["event"]["retry_at"],
            )
            assert (logo["error"]["kind"], told["error"]) == ("network", f"logo: {logo['error']['message']}")
            assert told["loading_status"].startswith("loading_")
    assert "Retrying loading logo in" in " ".join(update["message"] for update in feed.updates)
    assert "(2 of 3)" in " ".join(update["message"] for update in feed.updates)
    logged = [line for line in service_log(stack, "images") if "attempt_failed" in line and key in line]
    assert len(logged) == 2
    assert all(host_of(stack) in line and "HTTP 500" in line for line in logged)


def service_log(stack: Stack, service: str) -> list[str]:
    return (stack.data_dir / "logs" / f"{service}.log").read_text().splitlines()


def host_of(stack: Stack) -> str:
    return str(urlsplit(stack.standin.url).netloc)


class Spoilt(msgspec.Struct, frozen=True):
    """A series whose part fails, by a rule or by a folder in a file's place; how, and what a person reads."""

    title: str
    part: Part
    kind: ErrorKind
    says: str
    rule: Rule | None = None
    in_the_way: str = ""
    attempts: int = 1

    @property
    def key(self) -> str:
        return self.title.lower().replace(" ", "-")

    def folder_in_the_way(self, library: Path) -> Path | None:
        return library / f"{self.title} (2013)" / self.in_the_way if self.in_the_way else None


DOWN = Rule(behaviour="fail", kind="logo", status=503)
LOST = Rule(behaviour="missing", kind="logo")
TEXT = Rule(behaviour="text", kind="poster")
CUT = Rule(behaviour="truncated", kind="poster")
BOMB = Rule(behaviour="bomb", kind="poster")
STRANGE = Rule(behaviour="wrong_shape", kind="details")
PAGE = Rule(behaviour="html", kind="details")
SPOILT = (
    Spoilt("Always Down", Part.LOGO, "network", r"trouble of its own \(HTTP 503\)", DOWN, attempts=4),
    Spoilt("Logo Lost", Part.LOGO, "not_found", r"nothing under this address", LOST),
    Spoilt("Text Poster", Part.IMAGES, "invalid", r"^poster: .* none that is known", TEXT),
    Spoilt("Cut Poster", Part.IMAGES, "invalid", r"^poster: .* breaks off", CUT),
    Spoilt("Bomb Poster", Part.IMAGES, "invalid", r"^poster: .* more than 20,480 KiB", BOMB),
    Spoilt("Strange Answer", Part.IDENTITY, "invalid", r"unknown shape", STRANGE),
    Spoilt("Web Page", Part.IDENTITY, "invalid", r"not JSON", PAGE),
    Spoilt("Unheard Of", Part.IDENTITY, "not_found", r"no catalogue knows 'Unheard Of'", Rule(behaviour="missing")),
    Spoilt("In The Way", Part.NFO, "filesystem", r"In The Way \(2013\)/tvshow\.nfo.*EISDIR", in_the_way="tvshow.nfo"),
)


async def test_a_part_fails_alone_and_retry_loads_it_alone(stack: Stack, tmp_path: Path) -> None:
    """Each kind of failure says what was wrong and leaves the other parts; a retry loads what failed, and only that."""
    for one in SPOILT:
        if one.rule:
            stack.standin.misbehave(replace(one.rule, title=one.title))
        if folder := one.folder_in_the_way(stack.library):
            folder.mkdir(parents=True)
    await asyncio.gather(*(stack.add(one.title) for one in SPOILT))
    keys = [one.key for one in SPOILT]
    assert set((await stack.settled(*keys, within=120)).values()) == {"failed"}

    for one in SPOILT:
        status = await stack.status(one.key)
        failed = {name for name, part in status["parts"].items() if part["status"] == "failed"}
        error = status["parts"][one.part]["error"]
        assert (failed, error["kind"], status["parts"][one.part]["attempt"]) == ({one.part}, one.kind, one.attempts)
        assert re.search(one.says, error["message"]), error["message"]
        assert status["error"] == f"{one.part}: {error['message']}"
        assert status["message"].startswith(f"Failed: {status['error']}")
        assert ("by itself later" in status["message"]) == (one.kind == "network")
        loaded = {name for name, done in status["progress"].items() if done}
        assert loaded == (set() if one.part is Part.IDENTITY else {"episodes", "nfo", "logo", "images"} - {one.part})

    before = {one.key: (await stack.history(one.key))[-1]["position"] for one in SPOILT}
    asked = {one.key: calls(stack, one.title) for one in SPOILT}
    await mend(stack)
    done = await asyncio.to_thread(
        cli.run, tmp_path, "retry", keys[0], "--watch", f"--data-dir={stack.data_dir}", timeout=120
    )
    assert done.returncode == 0, done.stdout + done.stderr
    async with stack.client() as client:
        answers = [await client.post(f"/api/anime/{key}/retry") for key in keys[1:]]
        assert {answer.status_code for answer in answers} == {202}
        assert set((await stack.settled(*keys, within=60)).values()) == {"completed"}
        refused = [await client.post(f"/api/anime/{key}/retry") for key in keys]
    assert {(answer.status_code, answer.json()["detail"][:19]) for answer in refused} == {(409, "Nothing has failed:")}
    for one in SPOILT:
        if one.part is Part.IDENTITY:
            continue  # its parts load for the first time
        later = [item for item in await stack.history(one.key) if item["position"] > before[one.key]]
        assert {item["event"].get("part", one.part) for item in later} == {one.part}
        new = calls(stack, one.title) - asked[one.key]
        assert new == (0 if one.part is Part.NFO else 1 if one.part is Part.LOGO else new), one
        await stack.check_files(one.key)


def calls(stack: Stack, title: str) -> int:
    """How often anything of that series was asked for."""
    return stack.standin.controls.count(title=title)


async def mend(stack: Stack) -> None:
    """The upstreams answer again, and nothing is in the way."""
    stack.standin.controls.clear()
    for one in SPOILT:
        if folder := one.folder_in_the_way(stack.library):
            folder.rmdir()


async def test_a_refresh_that_fails_keeps_the_last_good_result(stack: Stack) -> None:
    """The error is shown, what was loaded stays and counts; then one that overwrites replaces the file as a whole."""
    await stack.add("Kept Well")
    await stack.settled("kept-well")
    poster = stack.library / "Kept Well (2013)" / "poster.jpg"
    loaded = poster.read_bytes()
    mine = a_picture()
    poster.write_bytes(mine)

    stack.standin.misbehave(Rule(behaviour="missing", kind="poster", title="Kept Well"))
    async with subscribed(stack.url, stack.headers, key="kept-well") as feed, stack.client() as client:
        accepted = await client.post("/api/anime/kept-well/refresh", json={"parts": ["images"], "overwrite": True})
        await stack.settled("kept-well", after=accepted.json()["position"])
        failed = await stack.status("kept-well")
        assert poster.read_bytes() == mine

        stack.standin.controls.clear()
        async with reading(poster) as seen:
            accepted = await client.post("/api/anime/kept-well/refresh", json={"parts": ["images"], "overwrite": True})
            await stack.settled("kept-well", after=accepted.json()["position"])
        renewed = await stack.status("kept-well")
        await eventually(lambda: feed.positions[-1] >= renewed["position"])

    assert (failed["loading_status"], failed["parts"]["images"]["status"]) == ("completed", "loaded")
    assert failed["error"].startswith("images: ")
    assert failed["message"].startswith("Loaded; the last try to load again failed: images: ")
    assert (renewed["loading_status"], renewed["error"]) == ("completed", None)
    assert seen == {mine, loaded}
    assert all(update["progress"]["images"] for update in feed.updates)


def a_picture() -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (680, 1000), "green").save(out, "JPEG")
    return out.getvalue()


@asynccontextmanager
async def reading(path: Path) -> AsyncIterator[set[bytes]]:
    """Every content of the file that a media server would have seen until the end of the block."""
    seen: set[bytes] = set()
    is_over = False

    def read() -> None:
        while not is_over:
            seen.add(path.read_bytes())
        seen.add(path.read_bytes())

    reader = asyncio.ensure_future(asyncio.to_thread(read))
    await eventually(lambda: seen)
    try:
        yield seen
    finally:
        is_over = True
        await reader


async def test_an_add_whose_client_gave_up_is_there(stack: Stack) -> None:
    """20 clients hang up before they are answered, and ask again: one series, and all are told of it."""
    body = b'{"link": "https://aniworld.to/anime/stream/hung-up", "name": "Hung Up", "year": 2013}'
    stack.standin.catalogue.add("Hung Up", 2013)

    await asyncio.gather(*(ask_and_hang_up(stack, body) for _ in range(20)))
    assert await stack.settled("hung-up") == {"hung-up": "completed"}
    answers = await asyncio.gather(*(stack.add("Hung Up") for _ in range(20)))

    (added,) = [one for one in await stack.history("hung-up") if one["type"] == "series-added.v1"]
    assert {(answer.status_code, answer.json()["status"]) for answer in answers} == {(200, "exists")}
    assert {answer.json()["db_id"] for answer in answers} == {added["position"]}


async def ask_and_hang_up(stack: Stack, body: bytes) -> None:
    """POST /api/anime/add, and close the connection without waiting for the answer."""
    url = urlsplit(stack.url)
    assert url.hostname
    _, writer = await asyncio.open_connection(url.hostname, url.port)
    head = (
        f"POST /api/anime/add HTTP/1.1\r\nHost: {url.netloc}\r\nX-Api-Key: {stack.headers['X-Api-Key']}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    writer.write(head.encode() + body)
    await writer.drain()
    writer.close()
    await writer.wait_closed()
