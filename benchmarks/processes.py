"""Whole processes: generation, the first green test, start-up, and the memory of a worker."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

from scripts.running import must_run

from .budgets import Verdict, judge
from .cases import FEW_BLUEPRINTS, GENERATED, HEADERS_OF_A_BROWSER, Subject, blueprint_names
from .figures import Figure, noise, paired_ratios
from .projects import Workshop, environment
from .report import Cell, Table
from .servers import gunicorn, serving

ONE_FILE, ONE_FILE_AGAIN = "a template of one file", "a template of one file (again)"
THIS_TEMPLATE = "this template"
FIRST_TEST, FIRST_TEST_AGAIN = "the first of its tests", "the first of its tests (again)"
ALL_TESTS = "all its tests"
BARE_START, BARE_START_AGAIN = "bare Flask", "bare Flask (again)"
NO_ORIGINS, NO_ORIGINS_AGAIN = "generated, no origins", "generated, no origins (again)"

PATH = f"/api/{blueprint_names(FEW_BLUEPRINTS)[-1]}/"
SMAPS = "/proc/{}/smaps_rollup"

# What was timed, round by round.
Seconds = Mapping[str, Sequence[float]]
# A command that is timed; it gets a new folder to write into.
Command = Callable[[Path], object]

# Starts as a WSGI server does, sends one request, prints what a browser looks at of the answer,
# and whether anything has imported flask-cors.
FIRST_ANSWER = """
import sys
from io import BytesIO
from wsgi import app
environ = {
    "REQUEST_METHOD": "GET", "SCRIPT_NAME": "", "PATH_INFO": sys.argv[1], "QUERY_STRING": "",
    "SERVER_NAME": "localhost", "SERVER_PORT": "80", "SERVER_PROTOCOL": "HTTP/1.1",
    "HTTP_ORIGIN": sys.argv[2], "HTTP_SEC_FETCH_SITE": "cross-site",
    "wsgi.url_scheme": "http", "wsgi.input": BytesIO(), "wsgi.errors": sys.stderr,
}
seen = []
b"".join(app(environ, lambda status, headers, exc_info=None: seen.extend([status, dict(headers)])))
print(seen[0], seen[1].get("Access-Control-Allow-Origin"), "flask_cors" in sys.modules)
"""


def many_origins(count: int) -> str:
    """Name what is generated with a list."""
    return f"generated, {count:,} origins"


def time_interleaved(
    commands: Mapping[str, Command], rounds: int, folder: Path
) -> dict[str, list[float]]:
    """Return the seconds of each command, round by round; a round before them warms caches up."""
    seconds: dict[str, list[float]] = {name: [] for name in commands}
    for number in range(rounds + 1):
        for name in Random(number).sample(list(commands), len(commands)):
            with TemporaryDirectory(dir=folder) as new:
                start = time.perf_counter()
                commands[name](Path(new))
                if number:
                    seconds[name].append(time.perf_counter() - start)
    return seconds


def generation(workshop: Workshop, rounds: int) -> dict[str, list[float]]:
    """Time the `cookiecutter` command."""

    def generate(template: Path) -> Command:
        return lambda new: workshop.cookiecutter(template, new)

    commands = {
        ONE_FILE: generate(workshop.one_file),
        ONE_FILE_AGAIN: generate(workshop.one_file),
        THIS_TEMPLATE: generate(workshop.template),
    }
    return time_interleaved(commands, rounds, workshop.folder)


def green_tests(workshop: Workshop, uv: str, rounds: int) -> dict[str, list[float]]:
    """Time the way from nothing to green tests: `cookiecutter`, then `uv run pytest`."""
    env = environment(UV_PYTHON=sys.executable, PYTHONUNBUFFERED="1")
    pytest = [uv, "run", "--quiet", "pytest", "-v"]

    def to_the_first(new: Path) -> None:
        workshop.cookiecutter(workshop.template, new)
        with subprocess.Popen(
            pytest,
            env=env,
            cwd=next(new.iterdir()),
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        ) as tests:
            if not any("PASSED" in line for line in tests.stdout or ()):
                raise RuntimeError("no test is green")
            os.killpg(tests.pid, signal.SIGKILL)

    def to_the_last(new: Path) -> None:
        workshop.cookiecutter(workshop.template, new)
        must_run(*pytest, env=env, cwd=next(new.iterdir()))

    commands = {FIRST_TEST: to_the_first, FIRST_TEST_AGAIN: to_the_first, ALL_TESTS: to_the_last}
    return time_interleaved(commands, rounds, workshop.folder)


def find_uv() -> str | None:
    """Return the path of uv, the one beside this Python before others."""
    beside = shutil.which("uv", path=str(Path(sys.executable).parent))
    return beside or shutil.which("uv")


def projects_to_start(workshop: Workshop, project: Path, origins: int) -> dict[str, Path]:
    """Return copies of a project by what they are called: without CORS, and with two lists."""
    subject = Subject(GENERATED, origins)
    bare = workshop.without_cors(project, "bare")
    nobody = workshop.with_origins(project, "nobody", [])
    return {
        BARE_START: bare,
        BARE_START_AGAIN: bare,
        NO_ORIGINS: nobody,
        NO_ORIGINS_AGAIN: nobody,
        many_origins(origins): workshop.with_origins(project, "many", subject.allowlist()),
    }


def start(
    workshop: Workshop, projects: Mapping[str, Path], origins: int, rounds: int
) -> dict[str, list[float]]:
    """Time a process from its start to its first answer, without a server around it."""
    listed = Subject(GENERATED, origins).listed_origins()[-1]

    def command(name: str, project: Path) -> Command:
        script = [sys.executable, "-c", FIRST_ANSWER, PATH, listed]
        env = environment(PYTHONPATH=str(project / "src"))
        allowed = listed if name == many_origins(origins) else None
        expected = f"200 OK {allowed} {name not in (BARE_START, BARE_START_AGAIN)}"

        def start_once(new: Path) -> None:
            answer = must_run(*script, env=env, cwd=project).strip()
            if answer != expected:
                raise RuntimeError(f"{name}: expected {expected}, got {answer}")

        return start_once

    commands = {name: command(name, project) for name, project in projects.items()}
    return time_interleaved(commands, rounds, workshop.folder)


def memory(
    projects: Mapping[str, Path], origins: int, rounds: int
) -> dict[str, dict[str, list[float]]]:
    """Return the MiB of a gunicorn worker after its first answer, by name: RSS and PSS."""
    listed = Subject(GENERATED, origins).listed_origins()[-1]
    headers = {**HEADERS_OF_A_BROWSER, "Origin": listed}
    sizes: dict[str, dict[str, list[float]]] = {}
    for _ in range(rounds):
        for name in (BARE_START, NO_ORIGINS, many_origins(origins)):
            project = projects[name]
            env = environment(PYTHONPATH=str(project / "src"))
            with serving(gunicorn("wsgi:app", workers=1), env, project) as server:
                answer = server.ask(PATH, headers=headers)
                allowed = listed if name == many_origins(origins) else None
                if answer.headers["Access-Control-Allow-Origin"] != allowed:
                    raise RuntimeError(f"{name}: expected {allowed}, got {answer.headers}")
                of_worker = memory_of(first_worker(server.process.pid))
            for kind, mebibytes in of_worker.items():
                sizes.setdefault(name, {}).setdefault(kind, []).append(mebibytes)
    return sizes


def first_worker(process: int) -> int:
    """Return the first of the processes that a process has started."""
    return int(Path(f"/proc/{process}/task/{process}/children").read_text().split()[0])


def can_measure_memory() -> bool:
    """Tell whether the system says how much memory a process has."""
    return Path(SMAPS.format("self")).exists()


def memory_of(process: int) -> dict[str, float]:
    """Return the resident and the proportional set size of a process in MiB."""
    text = Path(SMAPS.format(process)).read_text()
    found = dict(re.findall(r"^(Rss|Pss):\s+([0-9]+) kB", text, re.MULTILINE))
    return {name.upper(): int(found[name]) / 1024 for name in ("Rss", "Pss")}


def generation_verdict(seconds: Seconds) -> Verdict:
    """Judge what this template adds to the least that cookiecutter takes."""
    ratios = paired_ratios(seconds[THIS_TEMPLATE], seconds[ONE_FILE])
    control = noise([paired_ratios(seconds[ONE_FILE_AGAIN], seconds[ONE_FILE])])
    return judge("generation, of a template of one file", 1.25, "x", ratios, control)


def green_tests_verdict(seconds: Seconds) -> Verdict:
    """Judge the way from nothing to the first green test; no seconds are none measured."""
    name, limit, unit = "generation to the first green test, uv warm", 2.0, " s"
    if not seconds:
        return judge(name, limit, unit, [])
    control = noise([paired_ratios(seconds[FIRST_TEST_AGAIN], seconds[FIRST_TEST])])
    return judge(name, limit, unit, seconds[FIRST_TEST], control)


def start_verdict(seconds: Seconds, origins: int) -> Verdict:
    """Judge what one origin of a long list adds to the start."""

    def microseconds_each(name: str) -> list[float]:
        pairs = zip(seconds[name], seconds[NO_ORIGINS], strict=True)
        return [(taken - without) / origins * 1e6 for taken, without in pairs]

    limit = 10.0
    noise_of_start = noise([[1 + each / limit for each in microseconds_each(NO_ORIGINS_AGAIN)]])
    name = "start-up, for one origin of many"
    return judge(name, limit, " µs", microseconds_each(many_origins(origins)), noise_of_start)


def table(title: str, seconds: Seconds, base: str | None = None) -> Table:
    """Return a table of milliseconds, with the ratios to one of the rows."""
    return Table(
        title,
        {
            name: {
                "time": Cell(
                    Figure.of([second * 1e3 for second in taken]),
                    "ms",
                    Figure.of(paired_ratios(taken, seconds[base]))
                    if base and base != name
                    else None,
                )
            }
            for name, taken in seconds.items()
        },
    )


def memory_table(sizes: Mapping[str, Mapping[str, Sequence[float]]]) -> Table:
    """Return a table of MiB."""
    return Table(
        "Memory of a gunicorn worker after its first answer",
        {
            name: {kind: Cell(Figure.of(values), "MiB") for kind, values in kinds.items()}
            for name, kinds in sizes.items()
        },
    )
