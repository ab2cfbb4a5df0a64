"""What a request costs: fresh processes build every application, check it, and time it."""

import gc
import json
import os
import random
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from itertools import cycle, islice
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

from werkzeug.test import create_environ

from scripts.running import must_run

from .apps import SCOPE, build
from .commands import ROOT, environment
from .figures import Figures
from .subjects import FEW_BLUEPRINTS, Asked, Subject, cases_of, requests_of

MICROSECONDS_OF_A_BATCH = 2_000
LARGEST_BATCH = 200  # so that copies of requests stay in the processor's cache


def measure(
    figures: Figures, projects: Mapping[int, Path], sizes: Sequence[int], rounds: int, seed: int
) -> None:
    """Measure in a fresh process with its own hash seed and its own order of building."""
    job = {"projects": projects, "sizes": sizes, "rounds": rounds, "seed": seed}
    cache = projects[FEW_BLUEPRINTS].with_name("bytecode")
    env = environment(PYTHONHASHSEED=str(seed), PYTHONPYCACHEPREFIX=str(cache))
    this_module = (sys.executable, "-m", "benchmarks.inprocess", json.dumps(job, default=str))
    for found in json.loads(must_run(*this_module, cwd=ROOT, env=env)):
        figures.add(*found)


def prepare(asked: Asked) -> dict[str, Any]:
    """Return a request as WSGI has it, and with it as ASGI has it; copies of it are sent."""
    headers = [(n.lower().encode(), v.encode()) for n, v in asked.headers.items()]
    scope = {"type": "http", "method": asked.method, "path": asked.path, "query_string": b""}
    environ = create_environ(asked.path, method=asked.method, headers=asked.headers)
    return {**environ, SCOPE: {**scope, "headers": headers}}


def send(app: Any, environ: Any, start_response: Any) -> None:
    """Send a request; read and close the body, as a server does."""
    body = app(environ, start_response)
    b"".join(body)
    close = getattr(body, "close", None)
    if close:
        close()


def ignore(status: str, headers: Any, exc_info: Any = None) -> None:
    """Take the start of a response and do nothing with it."""


def check(name: str, asked: Asked, status: int, headers: Iterable[tuple[str, str]]) -> None:
    """Raise RuntimeError where an answer is not what it must be: it would be timed for nothing."""
    cors = {n.lower().removeprefix("access-control-allow-"): value for n, value in headers}
    right = status == asked.status and cors.get("origin") == asked.allowed
    if right and asked.method == "OPTIONS" and asked.allowed:
        right = "PUT" in cors["methods"] and "content-type" in cors["headers"].lower()
    if not right:
        raise RuntimeError(f"{name}: expected {asked}, got {status} with {cors}")


def timer(subject: Subject, kind: str, app: Any) -> Callable[[], float]:
    """Check the answers to a kind of request; return what times a batch, in µs for each."""
    requests = requests_of(subject, kind)
    for asked in requests[:2] * 2:
        seen: list[Any] = []
        send(app, prepare(asked), lambda *answer, seen=seen: seen.extend(answer))
        # What WSGI has as text, ASGI has as bytes.
        headers = [(n, v) if isinstance(n, str) else (n.decode(), v.decode()) for n, v in seen[1]]
        check(f"{subject} | {kind}", asked, int(seen[0][:3]), headers)
    environs = cycle([prepare(asked) for asked in requests])
    for environ in islice(environs, len(requests)):  # the log of refusals gets full
        send(app, environ.copy(), ignore)

    def time(batch: int) -> float:
        first, *copies = [environ.copy() for environ in islice(environs, batch + 1)]
        send(app, first, ignore)  # fetches the code of this case into the caches
        start = perf_counter()
        for environ in copies:
            send(app, environ, ignore)
        return (perf_counter() - start) * 1e6 / batch

    once = min(time(1) for _ in range(3))
    return partial(time, max(1, min(LARGEST_BATCH, round(MICROSECONDS_OF_A_BATCH / once))))


def main() -> None:
    """Measure what the first argument says; print what `Figures.add` takes for each case.

    Within a round the cases of one kind of request are timed one after the other, in an order of
    its own, so that a disturbance of the machine meets all of them.
    """
    job = json.loads(sys.argv[1])
    chance = random.Random(job["seed"])

    def shuffled(things: Iterable[Any]) -> list[Any]:
        return sorted(things, key=lambda _: chance.random())

    with suppress(AttributeError):  # not on every system
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    projects = {int(count): Path(folder) for count, folder in job["projects"].items()}
    cases = cases_of(job["sizes"], max(projects))
    apps = {s: build(s, projects) for s in shuffled({s for s, _ in cases})}
    timers = {(s, kind): timer(s, kind, apps[s]) for s, kind in shuffled(cases)}
    kinds = dict.fromkeys(kind for _, kind in timers)
    found: dict[tuple[Subject, str], list[float]] = {case: [] for case in timers}
    gc.collect()
    gc.freeze()
    for _ in range(job["rounds"]):
        for kind in shuffled(kinds):
            for case in shuffled(case for case in timers if case[1] == kind):
                found[case].append(timers[case]())
    told = [(str(s), kind, median(found[s, kind]), str(s.bare)) for s, kind in cases]
    print(json.dumps(told))


if __name__ == "__main__":
    main()
