"""One fresh process: build every application, check its answers, time them interleaved."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import json
import os
import random
import sys
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from io import BytesIO
from itertools import cycle, islice
from pathlib import Path
from time import perf_counter
from typing import Any, NamedTuple, Protocol

from .apps import django_app, django_settings, flask_app, is_installed, starlette_app
from .cases import (
    DJANGO,
    DJANGO_CORS,
    STARLETTE,
    STARLETTE_CORS,
    Case,
    Expected,
    Request,
    Rows,
    Subject,
    all_cases,
    all_tables,
    requests_of,
)

BATCH_SECONDS = 0.002
LARGEST_BATCH = 200  # so that prepared requests stay in the processor's cache


class Answer(NamedTuple):
    """What came back."""

    status: int
    headers: dict[str, str]


class Target(Protocol):
    """An application that can be asked and timed."""

    def prepare(self, request: Request) -> dict[str, Any]:
        """Return a request as this kind of application takes it; copies of it are sent."""

    def answer(self, request: dict[str, Any]) -> Answer:
        """Send one request and return its answer."""

    def seconds(self, requests: Sequence[dict[str, Any]]) -> float:
        """Send requests one after the other and return how long it took."""


class WSGITarget:
    """A WSGI application, called directly."""

    def __init__(self, app: Any, get_ready: Callable[[], None] = lambda: None) -> None:
        self._app = app
        self._get_ready = get_ready

    def prepare(self, request: Request) -> dict[str, Any]:
        headers = {"Host": "localhost", **request.headers}
        return {
            "REQUEST_METHOD": request.method,
            "SCRIPT_NAME": "",
            "PATH_INFO": request.path,
            "QUERY_STRING": "",
            "SERVER_NAME": "localhost",
            "SERVER_PORT": "80",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "REMOTE_ADDR": "127.0.0.1",
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": "http",
            "wsgi.input": BytesIO(),
            "wsgi.errors": sys.stderr,
            "wsgi.multithread": False,
            "wsgi.multiprocess": True,
            "wsgi.run_once": False,
            **{f"HTTP_{n.upper().replace('-', '_')}": v for n, v in headers.items()},
        }

    def answer(self, request: dict[str, Any]) -> Answer:
        self._get_ready()
        seen: list[Any] = []
        consume(self._app(request, lambda *answer: seen.extend(answer)))
        return Answer(int(seen[0][:3]), {name.lower(): value for name, value in seen[1]})

    def seconds(self, requests: Sequence[dict[str, Any]]) -> float:
        self._get_ready()
        app = self._app
        start = perf_counter()
        for request in requests:
            consume(app(request, ignore))
        return perf_counter() - start


def consume(body: Iterable[bytes]) -> None:
    """Read and close a body, as a server does."""
    for _ in body:
        pass
    close = getattr(body, "close", None)
    if close:
        close()


def ignore(status: str, headers: Any, exc_info: Any = None) -> None:
    """Take the start of a response and do nothing with it."""


class ASGITarget:
    """An ASGI application, called directly in one running loop."""

    def __init__(self, app: Any) -> None:
        self._app = app
        self._loop = asyncio.new_event_loop()

    def prepare(self, request: Request) -> dict[str, Any]:
        headers = {"host": "localhost", **request.headers}
        return {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": request.method,
            "scheme": "http",
            "path": request.path,
            "raw_path": request.path.encode(),
            "root_path": "",
            "query_string": b"",
            "headers": [(n.lower().encode(), v.encode()) for n, v in headers.items()],
            "server": ("localhost", 80),
            "client": ("127.0.0.1", 50000),
        }

    def answer(self, request: dict[str, Any]) -> Answer:
        seen: list[Any] = []

        async def send(message: Any) -> None:
            seen.append(message)

        self._loop.run_until_complete(self._app(request, receive, send))
        headers = {name.decode().lower(): value.decode() for name, value in seen[0]["headers"]}
        return Answer(seen[0]["status"], headers)

    def seconds(self, requests: Sequence[dict[str, Any]]) -> float:
        return self._loop.run_until_complete(self._seconds(requests))

    async def _seconds(self, requests: Sequence[dict[str, Any]]) -> float:
        app: Callable[..., Awaitable[None]] = self._app
        start = perf_counter()
        for request in requests:
            await app(request, receive, ignore_message)
        return perf_counter() - start


async def receive() -> dict[str, Any]:
    """Return the empty body of a request."""
    return {"type": "http.request", "body": b"", "more_body": False}


async def ignore_message(message: Any) -> None:
    """Take a part of a response and do nothing with it."""


def build(subject: Subject, projects: Mapping[int, Path]) -> Target:
    """Build the application of a subject; `projects` are baked ones by their blueprints."""
    if subject.variant in (STARLETTE, STARLETTE_CORS):
        return ASGITarget(starlette_app(subject))
    if subject.variant in (DJANGO, DJANGO_CORS):
        return WSGITarget(django_app(subject), django_settings(subject))
    return WSGITarget(flask_app(projects[subject.blueprints], subject))


def check(case: Case, answer: Answer, expected: Expected) -> None:
    """Raise RuntimeError where an answer is not what it must be: it would be timed for nothing."""
    headers = answer.headers
    right = (
        answer.status == expected.status
        and headers.get("access-control-allow-origin") == expected.origin
    )
    if right and expected.preflight and expected.origin:
        right = (
            "PUT" in headers["access-control-allow-methods"]
            and "content-type" in headers["access-control-allow-headers"].lower()
        )
    if not right:
        raise RuntimeError(f"{case}: expected {expected}, got {answer}")


class Timed:
    """A case that was checked, and can be timed once all the others were checked too."""

    def __init__(self, case: Case, target: Target) -> None:
        self._target = target
        asked = requests_of(*case)
        for request, expected in asked[:2]:
            for _ in range(2):
                check(case, target.answer(target.prepare(request)), expected)
        self._requests = cycle([target.prepare(request) for request, _ in asked])
        self._batch = 0

    def time(self) -> float:
        """Return the seconds that one request takes."""
        if not self._batch:
            once = min(self._time(1) for _ in range(3))
            self._batch = max(1, min(LARGEST_BATCH, round(BATCH_SECONDS / once)))
        return self._time(self._batch)

    def _time(self, count: int) -> float:
        batch = [request.copy() for request in islice(self._requests, count + 1)]
        self._target.seconds(batch[:1])  # fetches the code of this case into the caches
        return self._target.seconds(batch[1:]) / count


def measure(
    tables: Sequence[Rows], projects: Mapping[int, Path], rounds: int, seed: int
) -> dict[str, list[float]]:
    """Return, for each case, the seconds of a request in each round.

    Within a round the cases of one kind of request are timed one after the other, in an order of
    its own, so that a disturbance of the machine meets all of them.
    """
    shuffled = random.Random(seed).sample
    cases = [case for case in all_cases(tables) if is_installed(case.subject.variant)]
    subjects = list(dict.fromkeys(case.subject for case in cases))
    targets = {s: build(s, projects) for s in shuffled(subjects, len(subjects))}
    timed = {case: Timed(case, targets[case.subject]) for case in shuffled(cases, len(cases))}
    kinds = list(dict.fromkeys(case.kind for case in cases))
    seconds: dict[str, list[float]] = {str(case): [] for case in cases}
    gc.collect()
    gc.freeze()
    for _ in range(rounds):
        for kind in shuffled(kinds, len(kinds)):
            of_kind = [case for case in cases if case.kind == kind]
            for case in shuffled(of_kind, len(of_kind)):
                seconds[str(case)].append(timed[case].time())
    return seconds


def main() -> None:
    """Measure what the first argument says, and print it as JSON."""
    job = json.loads(sys.argv[1])
    with contextlib.suppress(AttributeError):  # not on every system
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    projects = {int(count): Path(folder) for count, folder in job["projects"].items()}
    tables = all_tables(job["sizes"], max(projects))
    print(json.dumps(measure(tables, projects, job["rounds"], job["seed"])))


if __name__ == "__main__":
    main()
