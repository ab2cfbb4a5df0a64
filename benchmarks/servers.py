"""Over HTTP on loopback: servers with wrk in front of them."""

from __future__ import annotations

import re
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import asdict
from importlib.util import find_spec
from pathlib import Path
from random import Random
from typing import NamedTuple

from scripts.running import Answer, Server, free_port, run, started

from .apps import names_of_served
from .cases import (
    BARE,
    CORS_APP,
    GENERATED,
    Expected,
    Request,
    Subject,
    requests_of,
)
from .figures import Figure, paired_ratios
from .plan import Plan
from .projects import ROOT, environment
from .report import Cell, Table

OVER_HTTP = "Over HTTP on loopback: requests a second"
GRANIAN = "granian, 2 workers"
SECONDS, CONNECTIONS = 1, 16
APP = "benchmarks.apps:served"
UNITS = {"us": 1e-3, "ms": 1.0, "s": 1e3}

# A command that serves an application on a port.
ServerCommand = Callable[[int], list[str]]


class Load(NamedTuple):
    """What wrk saw: requests a second, and the milliseconds in which 99 of 100 were answered."""

    per_second: float
    p99: float


def gunicorn(app: str, workers: int) -> ServerCommand:
    """Serve with gunicorn's processes, each of which has one request at a time."""
    options = ["--workers", str(workers), "--no-control-socket", "--log-level", "error"]
    return lambda port: ["gunicorn", "--bind", f"127.0.0.1:{port}", *options, app]


def waitress(port: int) -> list[str]:
    """Serve with waitress: one process with four threads."""
    return ["waitress", f"--listen=127.0.0.1:{port}", "--threads=4", "--call", APP]


def granian(port: int) -> list[str]:
    """Serve with two processes of granian."""
    options = ["--interface", "wsgi", "--workers", "2", "--no-log", "--factory"]
    return ["granian", "--host", "127.0.0.1", "--port", str(port), *options, APP]


SERVERS: dict[str, tuple[str, ServerCommand]] = {
    "gunicorn, 2 sync workers": ("gunicorn", gunicorn(f"{APP}()", workers=2)),
    "waitress, 4 threads": ("waitress", waitress),
    GRANIAN: ("granian", granian),
}


def subjects(plan: Plan) -> list[Subject]:
    """Return what is served: without CORS, by flask-cors and by the generated project."""
    variants = (CORS_APP, GENERATED)
    return [Subject(BARE), *(Subject(v, origins=n) for v in variants for n in plan.http_sizes)]


def measure(project: Path, name: str, plan: Plan, folder: Path) -> dict[str, list[Load]]:
    """Return what wrk saw of a server in each round, by subject and kind of request."""
    seen: dict[str, list[Load]] = {}
    _, command = SERVERS[name]
    with ExitStack() as stack:
        running = {
            subject: stack.enter_context(serve(command, project, subject, plan, folder))
            for subject in subjects(plan)
        }
        for number in range(plan.http_rounds):
            for subject in Random(number).sample(list(running), len(running)):
                for kind in plan.http_kinds:
                    request, _ = requests_of(subject, kind)[0]
                    load = wrk(running[subject].port, request, folder)
                    seen.setdefault(key(name, subject, kind), []).append(load)
    return seen


def key(server: str, subject: Subject, kind: str) -> str:
    """Name what was measured."""
    return f"{server} | {subject} | {kind}"


@contextmanager
def serve(
    command: ServerCommand, project: Path, subject: Subject, plan: Plan, folder: Path
) -> Iterator[Server]:
    """Serve a subject, whose answers have been checked."""
    names = names_of_served(project, asdict(subject))
    env = environment(PYTHONPYCACHEPREFIX=str(folder / "bytecode"), **names)
    with serving(command, env, ROOT) as server:
        for kind in plan.http_kinds:
            (method, path, headers), expected = requests_of(subject, kind)[0]
            check(subject, server.ask(path, method, headers), expected)
        yield server


def check(subject: Subject, answer: Answer, expected: Expected) -> None:
    """Raise RuntimeError where an answer is not what it must be."""
    allowed = answer.headers["Access-Control-Allow-Origin"]
    if (answer.status, allowed) != (expected.status, expected.origin):
        raise RuntimeError(f"{subject}: expected {expected}, got {answer.status} for {allowed}")


def serving(
    command: ServerCommand, env: Mapping[str, str], cwd: Path
) -> AbstractContextManager[Server]:
    """Run a server until the block ends."""
    port = free_port()
    return started([sys.executable, "-m", *command(port)], port, cwd, env)


def wrk(port: int, request: Request, folder: Path) -> Load:
    """Send a request again and again, over sixteen connections at a time."""
    script = folder / "method.lua"
    script.write_text(f'wrk.method = "{request.method}"\n')
    headers = [f"-H{name}: {value}" for name, value in request.headers.items()]
    command = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{SECONDS}s", "--latency", "-s", str(script)]
    url = f"http://127.0.0.1:{port}{request.path}"
    return read_load(run(*command, *headers, url, cwd=folder).stdout)


def read_load(text: str) -> Load:
    """Return what a report of wrk says; raise RuntimeError where answers were lost or wrong."""
    latency = re.search(r"\b99%\s+([0-9.]+)(us|ms|s)\b", text)
    per_second = re.search(r"Requests/sec:\s+([0-9.]+)", text)
    if not (latency and per_second) or "Non-2xx" in text or "Socket errors" in text:
        raise RuntimeError(f"wrk did not measure what it was told to:\n{text}")
    return Load(float(per_second[1]), float(latency[1]) * UNITS[latency[2]])


def why_left_out() -> dict[str, str]:
    """Return the servers that cannot be measured here, each with what is missing."""
    if not shutil.which("wrk"):
        return dict.fromkeys(SERVERS, "wrk is not installed")
    return {
        name: f"{module} is not installed"
        for name, (module, _) in SERVERS.items()
        if not find_spec(module)
    }


def requests_table(seen: Mapping[str, Sequence[Load]], plan: Plan) -> Table:
    """Return requests a second, with their ratio to the same server without CORS, and p99."""
    cells: dict[str, dict[str, Cell]] = {}
    for name in SERVERS:
        for subject in subjects(plan):
            for kind in plan.http_kinds:
                loads = seen.get(key(name, subject, kind))
                if loads:
                    row = cells.setdefault(f"{name}: {subject}", {})
                    bare = [load.per_second for load in seen[key(name, Subject(BARE), kind)]]
                    rates = [load.per_second for load in loads]
                    ratio = None if subject.is_bare else Figure.of(paired_ratios(rates, bare))
                    row[kind] = Cell(Figure.of(rates), "/s", ratio)
                    row[f"{kind}, p99"] = Cell(Figure.of([load.p99 for load in loads]), "ms")
    return Table(OVER_HTTP, cells)
