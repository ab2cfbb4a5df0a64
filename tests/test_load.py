"""Two workers under load: every answer has the right status and the CORS headers of its origin."""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import count, islice
from typing import NamedTuple

import pytest

from .conftest import Bake
from .servers import HOST, serve

CONNECTIONS = 16
SECONDS_TO_ANSWER = 20

# Threads of a worker take turns in the middle of a request, as they seldom would by themselves.
HURRY = "import sys; sys.setswitchinterval(1e-5)"

CORS_HEADERS = ("access-control-", "vary")
VARY = {"vary": "Origin"}
VARY_OF_PREFLIGHT = {
    "vary": "Origin, Access-Control-Request-Method, Access-Control-Request-Headers"
}


@dataclass(frozen=True)
class Rules:
    """What a blueprint allows: to which origins, and with which headers besides."""

    origins: Sequence[str]
    exposing: Mapping[str, str] = field(default_factory=dict)
    max_age: str = "600"

    def allowing(self, origin: str | None) -> dict[str, str]:
        """Return the headers that let a page of an origin read an answer; none for a stranger."""
        if self.origins == ["*"]:
            return {"access-control-allow-origin": "*", **self.exposing}
        if origin is None or origin not in self.origins:
            return {}
        return {"access-control-allow-origin": origin, **self.exposing}


Site = Mapping[str, Rules]

# Four blueprints: the variables that a user sets, and what the README says they mean.
TENANTS = [f"https://tenant-{number}.example.com" for number in range(50)]
PARTNERS = [f"https://{name}.partner.example:8443" for name in ("a", "b.c", "_x-1")]
VARIABLES = {
    "CORS_ORIGINS": ",".join(TENANTS),
    "CORS_ORIGINS_ADMIN": TENANTS[0],
    "CORS_SUPPORTS_CREDENTIALS_ADMIN": "true",
    "CORS_EXPOSE_HEADERS_ADMIN": "ETag",
    "CORS_MAX_AGE_ADMIN": "0",
    "CORS_ORIGINS_PARTNERS": "https://*.partner.example:8443",
    "CORS_ORIGINS_CATALOG": "*",
}
CREDENTIALS = {"access-control-allow-credentials": "true", "access-control-expose-headers": "ETag"}
SITE = {
    "public": Rules(TENANTS),
    "admin": Rules(TENANTS[:1], CREDENTIALS, "0"),
    "partners": Rules(PARTNERS),
    "catalog": Rules(["*"]),
}
BLUEPRINTS = ", ".join(SITE)


class Page(NamedTuple):
    """Where a request comes from: an origin, what the browser says of it, whether it is ours."""

    origin: str | None
    fetch_site: str | None = None
    is_own: bool = False


STRANGERS = [
    Page("https://stranger.example"),
    Page("https://tenant-0.example.com.stranger.example"),
    Page("https://partner.example:8443"),
    Page("http://tenant-0.example.com", "cross-site"),
    Page("null"),
]


class Kind(NamedTuple):
    """A kind of request, the status for a listed page, and a mark that the answer's body bears."""

    method: str
    path: str
    status: int
    mark: str
    headers: Mapping[str, str]


# {name} is the blueprint and {serial} the number of the request, which POST requests send.
JSON = {"Content-Type": "application/json"}
PUT = {"Access-Control-Request-Method": "PUT"}
KINDS = [
    Kind("GET", "/api/{name}/", 200, '"{name}"', {}),
    Kind("HEAD", "/api/{name}/", 200, "", {}),
    Kind("GET", "/api/{name}/missing-{serial}", 404, '"status": 404', {}),
    Kind("GET", "/api/{name}", 308, "/api/{name}/", {}),
    Kind("DELETE", "/api/{name}/", 405, '"status": 405', {}),
    Kind("POST", "/api/{name}/echo", 200, '"serial":{serial}', JSON),
    Kind("POST", "/api/{name}/echo", 415, '"status": 415', {"Content-Type": "text/plain"}),
    Kind("POST", "/api/{name}/missing-{serial}", 404, '"status": 404', JSON),
    Kind("OPTIONS", "/api/{name}/", 204, "", PUT),
    Kind(
        "OPTIONS",
        "/api/{name}/",
        204,
        "",
        {**PUT, "Access-Control-Request-Headers": "content-type"},
    ),
    Kind("OPTIONS", "/api/{name}/", 403, "", {**PUT, "Access-Control-Request-Headers": "x-secret"}),
    Kind("OPTIONS", "/api/{name}/", 403, "", {"Access-Control-Request-Method": "PURGE"}),
]


class Answer(NamedTuple):
    """What is checked of an answer: its status, its CORS headers, its body or a part of it."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes


class Exchange(NamedTuple):
    """A request and the answers that are right for it."""

    request: bytes
    right: Sequence[Answer]


def right_answer(rules: Rules, kind: Kind, page: Page, mark: str) -> Answer:
    """Tell the answer in the words of the README, knowing nothing of the code."""
    allowing = rules.allowing(page.origin)
    status, vary = kind.status, VARY
    if kind.method == "OPTIONS" and page.origin is None:
        status, mark = 200, ""
    elif kind.method == "OPTIONS":
        vary = VARY_OF_PREFLIGHT
        status = status if allowing else 403
        allowing = {} if status == 403 else {**allowing, **preflight_headers(rules)}
    elif page.origin is not None and not allowing and kind.method in ("POST", "DELETE"):
        status = status if page.is_own else 403
    headers = {**allowing, **({} if rules.origins == ["*"] else vary)}
    mark = '"status": 403' if status == 403 else mark
    return Answer(status, tuple(sorted(headers.items())), mark.encode())


def preflight_headers(rules: Rules) -> dict[str, str]:
    """Return what a preflight that is allowed says besides."""
    return {
        "access-control-allow-headers": "Authorization, Content-Type",
        "access-control-allow-methods": "DELETE, GET, HEAD, PATCH, POST, PUT",
        "access-control-max-age": rules.max_age,
    }


def exchanges(
    port: int,
    sites: Sequence[Site] = (SITE,),
    seed: int = 0,
    strangers: Sequence[Page] = STRANGERS,
) -> Iterator[Exchange]:
    """Yield requests of every kind from every page, without end; any site's answer is right."""
    choose = random.Random(seed)
    host = f"{HOST}:{port}"
    listed = {origin for site in sites for rules in site.values() for origin in rules.origins}
    pages = [
        *strangers,
        Page(None),
        Page(f"http://{host}", is_own=True),
        Page(f"http://{host}", "cross-site"),
        Page("https://behind-a-proxy.example", "same-origin", is_own=True),
    ]
    listed_pages = [Page(origin) for origin in sorted(listed - {"*"})]
    for serial in count():
        name, kind = choose.choice(list(sites[0])), choose.choice(KINDS)
        page = choose.choice(choose.choice([pages, listed_pages]))
        body = json.dumps({"serial": serial}) if kind.method == "POST" else ""
        headers = {
            "Host": host,
            "Origin": page.origin,
            "Sec-Fetch-Site": page.fetch_site,
            **kind.headers,
            "Content-Length": str(len(body)),
        }
        lines = [
            f"{kind.method} {kind.path} HTTP/1.1".format(name=name, serial=serial),
            *(f"{header}: {value}" for header, value in headers.items() if value is not None),
        ]
        mark = kind.mark.format(name=name, serial=serial)
        yield Exchange(
            "\r\n".join([*lines, "", body]).encode(),
            [right_answer(site[name], kind, page, mark) for site in sites],
        )


@dataclass
class Tally:
    """What came of a load."""

    right: int = 0
    wrong: list[str] = field(default_factory=list)
    dropped: int = 0

    def count(self, exchange: Exchange, got: Answer) -> None:
        """Compare an answer to those that are right."""
        status, headers, body = got
        if any(right[:2] == (status, headers) and right.body in body for right in exchange.right):
            self.right += 1
        else:
            self.wrong.append(f"{exchange.request!r}\n  got {got}\n  not {exchange.right}")


class Connection:
    """A connection that is opened when it is needed, and again when the server closed it."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(self, request: bytes) -> Answer:
        """Send a request and read the answer to it."""
        if self._streams is None:
            self._streams = await asyncio.open_connection(HOST, self._port)
        reader, writer = self._streams
        writer.write(request)
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        status_line, *lines = head[:-4].split("\r\n")
        fields = [
            (key.lower(), value) for key, _, value in (line.partition(": ") for line in lines)
        ]
        status, named = int(status_line.split()[1]), dict(fields)
        body = b""
        if status != 204 and not request.startswith(b"HEAD "):
            body = await reader.readexactly(int(named["content-length"]))
        if named.get("connection") == "close":
            await self.close()
        headers = tuple(sorted(field for field in fields if field[0].startswith(CORS_HEADERS)))
        return Answer(status, headers, body)

    async def close(self) -> None:
        """Close it, if it is open."""
        if self._streams:
            _, writer = self._streams
            self._streams = None
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()


async def converse(port: int, todo: Iterator[Exchange], tally: Tally) -> None:
    """Send requests one after the other over one connection."""
    connection = Connection(port)
    for exchange in todo:
        try:
            async with asyncio.timeout(SECONDS_TO_ANSWER):
                tally.count(exchange, await connection.ask(exchange.request))
        except (ConnectionError, asyncio.IncompleteReadError):
            tally.dropped += 1
            await connection.close()
            await asyncio.sleep(0.01)
    await connection.close()


async def drive(port: int, todo: Iterator[Exchange], tally: Tally) -> None:
    """Send requests over several connections at a time."""
    async with asyncio.TaskGroup() as group:
        for _ in range(CONNECTIONS):
            group.create_task(converse(port, todo, tally))


@pytest.mark.parametrize(
    ("server", "requests"),
    [
        ("gunicorn-sync", 2_000),
        ("gunicorn-gthread", 2_000),
        ("granian", 2_000),
        pytest.param("gunicorn-gthread", 200_000, marks=pytest.mark.slow),
        pytest.param("granian", 200_000, marks=pytest.mark.slow),
    ],
)
def test_every_answer_is_right_for_its_own_origin(
    bake: Bake, server: str, requests: int, capsys: pytest.CaptureFixture[str]
) -> None:
    project = bake(blueprints=BLUEPRINTS)
    (project.path / "src/sitecustomize.py").write_text(HURRY, encoding="utf-8")
    tally = Tally()
    with serve(project, server, "--workers=2", env=VARIABLES) as running:
        start = time.monotonic()
        asyncio.run(drive(running.port, islice(exchanges(running.port), requests), tally))
        rate = requests / (time.monotonic() - start)
        errors = running.stderr

    with capsys.disabled():
        print(f"\n{server}, two workers: {requests:,} requests, {rate:,.0f} a second")
    assert tally.wrong[:5] == []
    assert (tally.right, tally.dropped) == (requests, 0)
    assert "Traceback" not in errors
