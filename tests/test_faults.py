"""Faults under load: what is answered is right, before, meanwhile and afterwards."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import struct
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from http.client import HTTPException
from itertools import islice, takewhile
from threading import Event

import pytest

from .conftest import Bake, Project
from .servers import HOST, SECONDS_TO_WAIT, Server, serve, wait_until
from .test_load import (
    BLUEPRINTS,
    CONNECTIONS,
    CREDENTIALS,
    SITE,
    TENANTS,
    VARIABLES,
    Rules,
    Site,
    Tally,
    drive,
    exchanges,
)

TWO_WORKERS = {
    "gunicorn-sync": ["--workers=2"],
    "gunicorn-gthread": ["--workers=2"],
    "granian": ["--workers=2", "--respawn-failed-workers"],
}
# As many clients as leave a thread free to whom it is handed over before it is complete.
HELD = {"gunicorn-sync": 1, "gunicorn-gthread": 3, "granian": 100}
SERVERS = [
    "gunicorn-sync",
    pytest.param("gunicorn-gthread", marks=pytest.mark.slow),
    pytest.param("granian", marks=pytest.mark.slow),
]

# Added to a blueprint: who answers, an answer that takes its time, and one that is long.
VIEWS = '''

@bp.get("/worker")
def worker() -> dict[str, int]:
    """Tell which process answers."""
    import os

    return {"pid": os.getpid()}


@bp.get("/slow")
def slow() -> dict[str, bool]:
    """Take half a second, and say so on the way."""
    import time

    print("slow", flush=True)
    time.sleep(0.5)
    return {"slow": True}


@bp.get("/long")
def long() -> str:
    """Send more than any buffer holds."""
    return "x" * 20_000_000
'''

PAGE = {"Origin": TENANTS[0]}


@pytest.fixture
def project(bake: Bake) -> Project:
    """A project with the variables of the load in its .env, and views for these tests."""
    project = bake(blueprints=BLUEPRINTS)
    write_settings(project, VARIABLES)
    project.append("src/my_api/blueprints/public.py", VIEWS)
    return project


def write_settings(project: Project, variables: dict[str, str]) -> None:
    """Replace the .env of a project."""
    lines = [f"{name}={value}\n" for name, value in variables.items()]
    (project.path / ".env").write_text("".join(lines), encoding="utf-8")


@contextmanager
def load(port: int, *sites: Site) -> Iterator[Tally]:
    """Send requests in the background for as long as the block takes."""
    tally, stop = Tally(), Event()
    unstopped = takewhile(lambda _: not stop.is_set(), exchanges(port, sites or [SITE]))
    with ThreadPoolExecutor(1) as pool:
        sending = pool.submit(lambda: asyncio.run(drive(port, unstopped, tally)))
        try:
            wait_until(lambda: tally.right > 100)
            yield tally
        finally:
            stop.set()
            sending.result()


def goes_on(running: Server, site: Site = SITE) -> None:
    """See that a server answers rightly, without losing anything."""
    tally = Tally()
    asyncio.run(drive(running.port, islice(exchanges(running.port, [site]), 500), tally))
    assert tally == Tally(right=500)


def workers(running: Server) -> set[int]:
    """Return the processes that happen to answer; an answer may break off where one ended."""
    pids = set()
    for _ in range(30):
        with suppress(OSError, HTTPException):
            pids.add(json.loads(running.ask("/api/public/worker").body)["pid"])
    return pids


def both_workers(running: Server) -> set[int]:
    """Wait until both workers answer: one that has yet to start may miss a signal."""
    pids: set[int] = set()

    def are_up() -> bool:
        pids.update(workers(running))
        return len(pids) == 2

    wait_until(are_up)
    return pids


@pytest.mark.parametrize("server", SERVERS)
def test_a_killed_worker_is_replaced_and_nothing_wrong_is_sent(
    project: Project, server: str
) -> None:
    with serve(project, server, *TWO_WORKERS[server]) as running:
        with load(running.port) as tally:
            known = both_workers(running)
            os.kill(min(known), signal.SIGKILL)
            wait_until(lambda: bool(workers(running) - known))
            answered = tally.right
            wait_until(lambda: tally.right > answered + 500)
        goes_on(running)
    assert tally.wrong[:5] == []
    assert tally.dropped <= CONNECTIONS


# Old and new differ in each header, so that a mixture of the two is neither.
NEW_ORIGINS = ["https://new.example", TENANTS[0]]
NEW_SITE = {
    **SITE,
    "public": Rules(NEW_ORIGINS, CREDENTIALS, "60"),
    "admin": Rules(["*"]),
    "catalog": Rules(NEW_ORIGINS),
}
NEW_VARIABLES = {
    "CORS_ORIGINS": ",".join(NEW_ORIGINS),
    "CORS_SUPPORTS_CREDENTIALS_PUBLIC": "true",
    "CORS_EXPOSE_HEADERS_PUBLIC": "ETag",
    "CORS_MAX_AGE_PUBLIC": "60",
    "CORS_ORIGINS_ADMIN": "*",
    "CORS_ORIGINS_PARTNERS": VARIABLES["CORS_ORIGINS_PARTNERS"],
}


@pytest.mark.parametrize("server", SERVERS)
def test_a_reload_changes_the_policy_at_one_blow(project: Project, server: str) -> None:
    with serve(project, server, *TWO_WORKERS[server]) as running:
        goes_on(running)
        with load(running.port, SITE, NEW_SITE) as tally:
            known = both_workers(running)
            write_settings(project, NEW_VARIABLES)
            running.process.send_signal(signal.SIGHUP)
            wait_until(lambda: known.isdisjoint(workers(running)))
            answered = tally.right
            wait_until(lambda: tally.right > answered + 500)
        goes_on(running, NEW_SITE)
    assert tally.wrong[:5] == []
    assert tally.dropped <= 2 * CONNECTIONS


@pytest.mark.parametrize("server", SERVERS)
def test_requests_in_flight_are_answered_after_sigterm(project: Project, server: str) -> None:
    with (
        serve(project, server, *TWO_WORKERS[server]) as running,
        load(running.port) as tally,
        ThreadPoolExecutor(2) as pool,
    ):
        both_workers(running)
        asked = [pool.submit(running.ask, "/api/public/slow", headers=PAGE) for _ in range(2)]
        wait_until(lambda: running.stdout.count("slow") == 2)
        running.process.terminate()
        answers = [asking.result() for asking in asked]
        code = running.process.wait(SECONDS_TO_WAIT)

        assert [(a.status, a.body) for a in answers] == 2 * [(200, b'{"slow":true}\n')]
        assert [a.headers["Access-Control-Allow-Origin"] for a in answers] == 2 * [TENANTS[0]]
        assert code == 0
        with pytest.raises(ConnectionRefusedError):
            running.ask("/health")
    assert tally.wrong[:5] == []


def connect(port: int, sent: bytes) -> socket.socket:
    """Open a connection and send something."""
    connection = socket.create_connection((HOST, port), timeout=SECONDS_TO_WAIT)
    connection.sendall(sent)
    return connection


def reset(connection: socket.socket) -> None:
    """Break a connection off, whatever is under way."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


HEAD = b"POST /api/public/echo HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
BODY = b'{"sent": "byte by byte"}'
REQUEST = b"%bContent-Length: %d\r\n\r\n%b" % (HEAD, len(BODY), BODY)
HALF_SENT = [b"", REQUEST[:12], HEAD, HEAD + b"X-Endless: " + b"x" * 4000, REQUEST[:-5]]


@pytest.mark.parametrize("server", SERVERS)
def test_half_a_request_disturbs_nobody(project: Project, server: str) -> None:
    with serve(project, server, *TWO_WORKERS[server]) as running:
        for sent in HALF_SENT:
            held = [connect(running.port, sent) for _ in range(HELD[server])]
            goes_on(running)
            for connection in held:
                connection.close()
            for _ in range(20):
                reset(connect(running.port, sent))
        goes_on(running)
        assert "Traceback" not in running.stderr


@pytest.mark.parametrize("server", SERVERS)
def test_an_answer_that_is_not_read_to_its_end_disturbs_nobody(
    project: Project, server: str
) -> None:
    request = b"GET /api/public/long HTTP/1.1\r\nHost: localhost\r\n\r\n"
    with serve(project, server, *TWO_WORKERS[server]) as running:
        for _ in range(10):
            reading = connect(running.port, request)
            assert reading.recv(12) == b"HTTP/1.1 200"
            reset(reading)
        goes_on(running)
        assert "Traceback" not in running.stderr


@pytest.mark.parametrize("server", SERVERS)
def test_a_request_that_comes_byte_by_byte_is_answered(project: Project, server: str) -> None:
    with (
        serve(project, server, *TWO_WORKERS[server]) as running,
        load(running.port) as tally,
        connect(running.port, b"") as slow,
    ):
        for byte in REQUEST:
            slow.sendall(bytes([byte]))
            time.sleep(0.002)
        assert slow.recv(12) == b"HTTP/1.1 200"
    assert tally.wrong[:5] == []
    assert tally.dropped == 0
