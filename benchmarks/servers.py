"""Over HTTP on loopback: servers as the docs recommend them, with wrk in front of them."""

import json
import re
import sys
from contextlib import ExitStack
from dataclasses import asdict
from itertools import product
from pathlib import Path
from random import Random

from scripts.running import free_port, must_run, started

from . import apps
from .commands import ROOT, environment
from .figures import Figures
from .inprocess import check
from .subjects import BARE, CORS_APP, GENERATED, LISTED, PREFLIGHT, Asked, Subject, requests_of

GRANIAN, GUNICORN = "granian, 2 workers of 4 threads", "gunicorn, 2 workers of 4 threads"
APP = "benchmarks.apps:served"
SERVERS = {
    GRANIAN: "granian --host 127.0.0.1 --port {port} --interface wsgi --no-ws --no-log --factory"
    f" --workers 2 --blocking-threads 4 {APP}",
    GUNICORN: "gunicorn --bind 127.0.0.1:{port} --no-control-socket --log-level error"
    f" --workers 2 --threads 4 {APP}()",
}
SERVED = [Subject(BARE), Subject(BARE, again=True)]
SERVED += [Subject(variant, size) for variant in (CORS_APP, GENERATED) for size in (3, 1_000)]
KINDS = (LISTED, PREFLIGHT)
RATE = "{}, over HTTP"
TABLES = {"Requests a second": ("/s", [RATE.format(kind) for kind in KINDS])}


def row(server: str, subject: Subject) -> str:
    """Name a subject behind a server."""
    return f"{server}: {subject}"


def compared(server: str, variant: str) -> tuple[str, str, str]:
    """Return the row, the column and the base whose ratio says what is left with 1,000 origins."""
    return row(server, Subject(variant, 1_000)), RATE.format(LISTED), row(server, SERVED[0])


def measure(figures: Figures, project: Path, server: str, turn: int) -> None:
    """Add what wrk sees of each subject behind a server, in an order of this turn's own."""
    cache = str(project.with_name("bytecode"))
    asked = {(s, kind): requests_of(s, kind)[0] for s, kind in product(SERVED, KINDS)}
    ports = {subject: free_port() for subject in SERVED}
    with ExitStack() as stack:
        for subject, port in ports.items():
            served = {apps.SERVED: json.dumps([str(project), asdict(subject)])}
            env = environment(PYTHONPYCACHEPREFIX=cache, **served)
            command = [sys.executable, "-m", *SERVERS[server].format(port=port).split()]
            running = stack.enter_context(started(command, port, ROOT, env))
            for kind in KINDS:
                method, path, headers, *_ = asked[subject, kind]
                answer = running.ask(path, method, headers)
                name = row(server, subject)
                check(name, asked[subject, kind], answer.status, answer.headers.items())
        cases = Random(turn).sample(list(asked), len(asked))
        loads = {case: wrk(ports[case[0]], asked[case], project.parent) for case in cases}
    for subject, kind in asked:
        rows = row(server, subject), row(server, SERVED[0])
        figures.add(rows[0], RATE.format(kind), loads[subject, kind], rows[1])


def wrk(port: int, asked: Asked, folder: Path) -> float:
    """Send a request again and again, over sixteen connections; return how often in a second."""
    script = folder / "method.lua"
    script.write_text(f'wrk.method = "{asked.method}"\n')
    headers = [f"-H{name}: {value}" for name, value in asked.headers.items()]
    command = ["wrk", "-t1", "-c16", "-d1s", "-s", script, *headers]
    return read_rate(must_run(*command, f"http://127.0.0.1:{port}{asked.path}", cwd=folder))


def read_rate(text: str) -> float:
    """Return the rate of a report of wrk; raise RuntimeError where answers were lost or wrong."""
    per_second = re.search(r"Requests/sec:\s+([0-9.]+)", text)
    if not per_second or "Non-2xx" in text or "Socket errors" in text:
        raise RuntimeError(f"wrk did not measure what it was told to:\n{text}")
    return float(per_second[1])
