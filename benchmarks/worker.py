"""One fresh process: build every application, check its answers, time them interleaved."""

from __future__ import annotations

import contextlib
import gc
import json
import os
import random
import sys
from collections.abc import Callable, Iterable, Mapping
from itertools import cycle, islice
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

from werkzeug.test import create_environ

from .apps import SCOPE, App, build
from .subjects import Asked, Subject, groups, requests_of

BATCH_SECONDS = 0.002
LARGEST_BATCH = 200  # so that prepared requests stay in the processor's cache


def prepare(asked: Asked) -> dict[str, Any]:
    """Return a request as WSGI has it, and with it as ASGI has it; copies of it are sent."""
    headers = [(n.lower().encode(), v.encode()) for n, v in asked.headers.items()]
    scope = {"type": "http", "method": asked.method, "path": asked.path, "query_string": b""}
    environ = create_environ(asked.path, method=asked.method, headers=asked.headers)
    return {**environ, SCOPE: {**scope, "headers": headers}}


def send(app: App, environ: Any, start_response: Any) -> None:
    """Send a request; read and close the body, as a server does."""
    body = app.wsgi(environ, start_response)
    for _ in body:
        pass
    close = getattr(body, "close", None)
    if close:
        close()


def ignore(status: str, headers: Any, exc_info: Any = None) -> None:
    """Take the start of a response and do nothing with it."""


def as_text(text: str | bytes) -> str:
    """Return what WSGI has as text, and ASGI as bytes."""
    return text.decode() if isinstance(text, bytes) else text


def check(name: str, asked: Asked, status: int, headers: Iterable[tuple[str, str]]) -> None:
    """Raise RuntimeError where an answer is not what it must be: it would be timed for nothing."""
    cors = {n.lower().removeprefix("access-control-allow-"): value for n, value in headers}
    right = status == asked.status and cors.get("origin") == asked.allowed
    if right and asked.method == "OPTIONS" and asked.allowed:
        right = "PUT" in cors["methods"] and "content-type" in cors["headers"].lower()
    if not right:
        raise RuntimeError(f"{name}: expected {asked}, got {status} with {cors}")


def timer(subject: Subject, kind: str, app: App) -> Callable[[], float]:
    """Check the answers to a kind of request; return what times a batch, in seconds for each."""
    app.get_ready()
    requests = requests_of(subject, kind)
    for asked in requests[:2] * 2:
        seen: list[Any] = []
        send(app, prepare(asked), lambda *answer, seen=seen: seen.extend(answer))
        headers = [(as_text(name), as_text(value)) for name, value in seen[1]]
        check(f"{subject} | {kind}", asked, int(seen[0][:3]), headers)
    environs = cycle([prepare(asked) for asked in requests])

    def seconds(batch: int) -> float:
        first, *copies = [environ.copy() for environ in islice(environs, batch + 1)]
        app.get_ready()
        send(app, first, ignore)  # fetches the code of this case into the caches
        start = perf_counter()
        for environ in copies:
            send(app, environ, ignore)
        return (perf_counter() - start) / batch

    once = min(seconds(1) for _ in range(3))
    batch = max(1, min(LARGEST_BATCH, round(BATCH_SECONDS / once)))
    return lambda: seconds(batch)


def measure(
    cases: Iterable[tuple[Subject, str]], projects: Mapping[int, Path], rounds: int, seed: int
) -> list[tuple[str, str, float]]:
    """Return, for each case, its row and column and the median of the microseconds of a request.

    Within a round the cases of one kind of request are timed one after the other, in an order of
    its own, so that a disturbance of the machine meets all of them.
    """
    chance = random.Random(seed)

    def shuffled(things: Iterable[Any]) -> list[Any]:
        return sorted(things, key=lambda _: chance.random())

    apps = {s: build(s, projects) for s in shuffled(dict.fromkeys(s for s, _ in cases))}
    timers = {(s, kind): timer(s, kind, apps[s]) for s, kind in shuffled(cases)}
    kinds = dict.fromkeys(kind for _, kind in timers)
    seconds: dict[tuple[Subject, str], list[float]] = {case: [] for case in timers}
    gc.collect()
    gc.freeze()
    for _ in range(rounds):
        for kind in shuffled(kinds):
            for case in shuffled(case for case in timers if case[1] == kind):
                seconds[case].append(timers[case]())
    return [(str(s), kind, median(found) * 1e6) for (s, kind), found in seconds.items()]


def main() -> None:
    """Measure what the first argument says, and print it as JSON."""
    job = json.loads(sys.argv[1])
    with contextlib.suppress(AttributeError):  # not on every system
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    projects = {int(count): Path(folder) for count, folder in job["projects"].items()}
    tables = groups(job["sizes"], max(projects)).values()
    cases = {(s, kind): None for subjects, kinds in tables for s in subjects for kind in kinds}
    print(json.dumps(measure(cases, projects, job["rounds"], job["seed"])))


if __name__ == "__main__":
    main()
