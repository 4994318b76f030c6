"""Who may ask, from where, and what a stranger learns; health, metrics and the pages about the API."""

import json
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from jsonschema import Draft202012Validator

from deploy.local.nats_server import NatsServer
from services.platform.login_tokens import mint_login_token
from services.platform.streams import UPSTREAMS_BUCKET
from services.platform.upstream_shared import SharedState
from services.platform.upstream_state import after_failure
from tests.support.gateway import API_KEY, LINK, Gateway, running_gateway
from tests.support.histories import added


@pytest.fixture
async def gateway(servers: dict[str, Any], tmp_path: Path) -> AsyncIterator[Gateway]:
    (tmp_path / ".coldopen").touch()
    async with running_gateway(**servers) as gateway:
        yield gateway


@pytest.fixture
async def stranger(gateway: Gateway) -> AsyncIterator[httpx2.AsyncClient]:
    """A client without the key; it keeps cookies, as a browser does."""
    async with httpx2.AsyncClient(base_url=gateway.url, trust_env=False) as client:
        yield client


async def test_everything_but_health_and_the_empty_board_wants_the_key(
    gateway: Gateway, stranger: httpx2.AsyncClient
) -> None:
    """401 as problem+json says where the key is; nothing is recorded."""
    for method, path in (
        ("GET", "/api/anime"),
        ("POST", "/api/anime/add"),
        ("DELETE", "/api/anime/one-piece"),
        ("GET", "/api/events"),
        ("GET", "/api/loading-status/stream"),
        ("POST", "/api/session"),
        ("GET", "/api/session"),
        ("GET", "/metrics"),
        ("GET", "/schema"),
        ("GET", "/schema/openapi.json"),
        ("GET", "/asyncapi"),
        ("GET", "/asyncapi/asyncapi.json"),
        ("GET", "/nothing/here"),
    ):
        for name, value in (
            (b"x-other", b""),
            (b"x-api-key", b"wrong"),
            (b"authorization", b"Bearer wrong"),
            (b"x-api-key", b"\xfc\xff"),
        ):
            response = await stranger.request(method, path, headers=[(name, value)])

            assert response.status_code == 401, path
            assert response.headers["content-type"] == "application/problem+json"
            assert "coldopen api-key show" in response.json()["detail"]
    assert (await stranger.get("/health/live")).status_code == 200
    assert (await gateway.store.info()).last_position == 0


async def test_the_key_is_taken_in_both_headers(stranger: httpx2.AsyncClient) -> None:
    """X-Api-Key, and Authorization: Bearer."""
    for headers in ({"x-api-key": API_KEY}, {"authorization": f"Bearer {API_KEY}"}):
        assert (await stranger.get("/api/anime", headers=headers)).status_code == 200


async def test_the_key_buys_a_session(stranger: httpx2.AsyncClient) -> None:
    """A cookie that no script sees and no other site sends opens everything until it is forgotten."""
    opened = await stranger.post("/api/session", headers={"x-api-key": API_KEY})
    inside = await stranger.get("/api/anime")
    told = await stranger.get("/api/session")
    await stranger.delete("/api/session")
    outside = await stranger.get("/api/anime")

    cookie = opened.headers["set-cookie"]
    assert all(word in cookie for word in ("HttpOnly", "SameSite=Strict", "Max-Age=2592000", "Path=/"))
    assert API_KEY not in cookie
    assert (inside.status_code, outside.status_code) == (200, 401)
    assert (told.status_code, told.json()) == (200, {"key_needed": True})


@pytest.mark.parametrize(("proto", "secure"), [("https", True), ("http", False), ("", False)])
async def test_behind_a_proxy_with_tls_the_cookie_is_secure(
    stranger: httpx2.AsyncClient, proto: str, secure: bool
) -> None:
    """The proxy says so, wherever it runs; plain HTTP must keep working without."""
    opened = await stranger.post("/api/session", headers={"x-api-key": API_KEY, "x-forwarded-proto": proto})

    assert ("Secure" in opened.headers["set-cookie"].split("; ")) is secure


async def test_a_login_link_opens_one_session(gateway: Gateway, stranger: httpx2.AsyncClient) -> None:
    """It works once, and only with the gateway's own key behind it."""
    token = mint_login_token(API_KEY)

    forged = await stranger.get("/login", params={"token": mint_login_token("another key of 16 letters")})
    first = await stranger.get("/login", params={"token": token})
    inside = await stranger.get("/api/anime")
    async with httpx2.AsyncClient(base_url=gateway.url, trust_env=False) as other:
        second = await other.get("/login", params={"token": token})

    assert (forged.status_code, first.status_code, inside.status_code, second.status_code) == (400, 303, 200, 400)
    assert first.headers["location"] == "/"
    assert "used already" in second.json()["detail"]


async def test_a_session_of_another_key_is_none(stranger: httpx2.AsyncClient) -> None:
    """Rotating the key ends every session."""
    from services.gateway.sessions import COOKIE, Sessions

    stranger.cookies.set(COOKIE, Sessions("the former key, long enough").open())

    assert (await stranger.get("/api/anime")).status_code == 401


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "", "[::1", "localhost.evil.example:8787"])
async def test_a_foreign_host_is_refused(gateway: Gateway, host: str) -> None:
    """DNS rebinding comes under a name of its own, and does not get in even with the key."""
    response = await gateway.http.get("/api/anime", headers={"host": host})

    assert response.status_code in {400, 421}
    assert (await gateway.http.get("/api/anime", headers={"host": "media.example:443"})).status_code == 200


@pytest.mark.parametrize(
    ("origin", "status"),
    [
        ("https://evil.example", 403),
        ("http://localhost:3000", 403),
        ("null", 403),
        ("https://media.example", 202),
        ("{own}", 202),
    ],
)
async def test_another_sites_page_cannot_change_anything(gateway: Gateway, origin: str, status: int) -> None:
    """Whatever it carries; a page of ours can."""
    response = await gateway.http.post(
        "/api/anime/add",
        json={"link": LINK, "name": "One Piece", "year": 1999},
        headers={"origin": origin.format(own=gateway.url)},
    )

    assert response.status_code == status
    assert (await gateway.store.info()).last_position == (1 if status == 202 else 0)


async def test_without_auth_nobody_needs_a_key(
    nats_server: NatsServer, reader_url: str, database_url: str, tmp_path: Path
) -> None:
    """COLDOPEN_AUTH=none; hosts and origins are checked all the same."""
    async with (
        running_gateway(
            gateway_nats=nats_server.url("gateway"),
            operator_nats=nats_server.url(),
            reader_url=reader_url,
            owner_url=database_url,
            library=tmp_path,
            auth=False,
        ) as gateway,
        httpx2.AsyncClient(base_url=gateway.url, trust_env=False) as client,
    ):
        assert (await client.get("/api/anime")).status_code == 200
        assert (await client.get("/api/session")).json() == {"key_needed": False}
        assert (await client.get("/api/anime", headers={"host": "evil.example"})).status_code == 421
        assert (await client.post("/api/anime/add", headers={"origin": "https://evil.example"})).status_code == 403


async def test_readiness_tells_each_thing_and_how_far_the_rows_are(gateway: Gateway) -> None:
    """The lag is what the log holds and the rows don't."""
    await gateway.record(added("a"), added("b"))
    await gateway.project()
    await gateway.record(added("c"))

    health = await gateway.get("/health/ready")

    assert health["status"] == "ready"
    assert {name: check["ok"] for name, check in health["checks"].items()} == {
        "event_log": True,
        "read_model": True,
        "library": True,
        "upstreams": True,
    }
    assert health["checks"]["read_model"]["lag"] == 1
    assert health["checks"]["upstreams"] == {"ok": True, "detail": "none was asked yet"}


async def test_an_upstream_that_is_down_is_told_and_is_no_reason_to_fail(gateway: Gateway) -> None:
    """The gateway takes adds without it: who watches readiness must not restart it for that."""
    bucket = await gateway.store.js.key_value(UPSTREAMS_BUCKET)
    now = time.time()
    for number in range(5):
        await SharedState("TVmaze", bucket).change(
            lambda state, _: (after_failure(state, now, "TVmaze did not answer within 20 s", jitter=0.0), None)
        )
        if number == 0:
            once = (await gateway.get("/health/ready"))["checks"]["upstreams"]
    await SharedState("TMDB", bucket).look()

    health = await gateway.get("/health/ready")

    assert once == {"ok": True, "detail": "TVmaze failed once (TVmaze did not answer within 20 s)"}
    assert health["status"] == "ready"
    told = health["checks"]["upstreams"]
    assert told["degraded"] is True
    assert told["detail"].startswith("TMDB answers; TVmaze is not asked for another ")
    assert told["detail"].endswith("after 5 failures in a row (TVmaze did not answer within 20 s)")


async def test_readiness_fails_without_the_library(gateway: Gateway, tmp_path: Path) -> None:
    """An unmounted disk is an empty folder."""
    (tmp_path / ".coldopen").unlink()

    health = await gateway.get("/health/ready", expected=503)

    assert health["checks"]["library"]["ok"] is False


async def test_metrics_count_and_name_nobody(gateway: Gateway) -> None:
    """Prometheus' text format, without keys or names."""
    await gateway.add()
    await gateway.add(expected=200)

    text = (await gateway.http.get("/metrics")).text

    assert 'coldopen_adds_total{outcome="success"} 1.0' in text
    assert 'coldopen_adds_total{outcome="exists"} 1.0' in text
    assert 'coldopen_requests_total{method="POST",status="202"} 1.0' in text
    assert "one-piece" not in text
    assert API_KEY not in text


async def test_the_api_describes_itself_from_bundled_files(gateway: Gateway) -> None:
    """OpenAPI with every route and body; the page loads nothing from elsewhere."""
    schema = (await gateway.http.get("/schema/openapi.json")).json()
    page = (await gateway.http.get("/schema")).text
    script = await gateway.http.get("/schema/assets/swagger-ui-bundle.js")

    assert schema["paths"]["/api/anime/add"]["post"]["requestBody"]["content"]["application/json"]["schema"] == {
        "$ref": "#/components/schemas/AddRequest"
    }
    assert "link" in schema["components"]["schemas"]["AddRequest"]["properties"]
    for path in ("/api/anime", "/api/anime/{key}/loading-status", "/api/loading-status/stream", "/api/events"):
        assert path in schema["paths"]
    references = {part.split('"')[0] for part in json.dumps(schema).split('"$ref": "#/components/schemas/')[1:]}
    assert references <= schema["components"]["schemas"].keys()
    assert "cdn" not in page.lower()
    assert "https://" not in page.split("<body>")[0]
    assert script.status_code == 200


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", "/api/anime?limit=none", None, 400),
        ("POST", "/api/anime/add", {"link": 3}, 400),
        ("POST", "/api/anime/add", {"link": "https://example.com/x"}, 422),
        ("POST", "/api/anime/{key}/retry", None, 404),
        ("GET", "/api/anime/{key}/loading-status", None, 404),
        ("DELETE", "/api/anime/{key}", None, 404),
        ("GET", "/api/events?key=No", None, 404),
        ("GET", "/login?token=none", None, 400),
    ],
)
async def test_errors_are_as_the_api_describes_them(
    gateway: Gateway, method: str, path: str, body: Any, status: int
) -> None:
    """Each with its status and problem+json; none has the shape that Litestar's own would have."""
    schema = (await gateway.http.get("/schema/openapi.json")).json()
    operation = schema["paths"][path.partition("?")[0]][method.lower()]
    response = await gateway.http.request(method, path.replace("{key}", "nobody"), json=body)
    described = operation["responses"][str(status)]["content"]["application/problem+json"]["schema"]

    assert response.status_code == status
    assert response.headers["content-type"] == "application/problem+json"
    Draft202012Validator(described | {"components": schema["components"]}).validate(response.json())
    assert ("401" in operation["responses"]) == (not path.startswith("/login"))


async def test_no_route_claims_to_answer_errors_in_another_shape(gateway: Gateway) -> None:
    """Litestar would describe its own; what is no problem is not valid."""
    schema = (await gateway.http.get("/schema/openapi.json")).json()
    operations = [operation for path in schema["paths"].values() for operation in path.values()]
    errors = [answer for one in operations for status, answer in one["responses"].items() if status >= "400"]
    problem = Draft202012Validator(schema["components"]["schemas"]["Problem"])

    assert [one["operationId"] for one in operations if "default" not in one["responses"]] == []
    assert {tuple(answer["content"]) for answer in errors} == {("application/problem+json",)}
    assert not problem.is_valid({"status_code": 400, "detail": "no"})


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/nothing/here", 404), ("PUT", "/api/anime", 405), ("GET", "/api/anime/add", 405)],
)
async def test_what_is_no_route_says_where_the_routes_are(
    gateway: Gateway, method: str, path: str, status: int
) -> None:
    """problem+json here too."""
    response = await gateway.http.request(method, path)

    assert response.status_code == status
    assert response.headers["content-type"] == "application/problem+json"
    assert "/schema" in response.json()["detail"]
