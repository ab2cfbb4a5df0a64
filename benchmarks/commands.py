"""Whole processes: generation, green tests, and the start of a worker with its memory."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from random import Random
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

from scripts.running import clean_environment, must_run

from .figures import AGAIN, Budget, Figures
from .subjects import BARE, CORS_APP, GENERATED, Subject

ROOT = Path(__file__).parent.parent
SLUG, PACKAGE = "bench-api", "bench_api"

# What stands in the place of the CORS package where there is none.
NO_CORS = """
from dotenv import load_dotenv as load_env
class ConfigurationError(Exception): ...
def init_app(app, blueprints): {}
"""

ONE_FILE, THIS_TEMPLATE = "a template of one file", "this template"
FIRST_TEST, ALL_TESTS = "the first of its tests", "all its tests"
DEFAULT, IN_ENV = "generated, default answers", "generated, {:,} origins"
IN_FILE, MANY_IN_FILE = "generated, {:,} origins in a file", 100_000
GENERATION, GREEN = "cookiecutter", "cookiecutter, uv run pytest"
TO_ANSWER, CREATE_APP = "process to first answer", "create_app"
OF_AN_ORIGIN = "of the start for each origin"
TABLES = {
    "Generation": ("s", [GENERATION, GREEN]),
    "Start of a worker": ("ms", [TO_ANSWER, CREATE_APP]),
    "What an origin adds to it": ("µs", [OF_AN_ORIGIN]),
    "Memory of a worker after its first answer": ("MiB", ["Rss", "Pss"]),
}
ORIGIN = "http://localhost:3000"

# Starts as a WSGI server does, and answers one request.
WORKER = """
import json, os, re, sys
from time import perf_counter
import bench_api
create_app, took = bench_api.create_app, []
def timed():
    start = perf_counter()
    app = create_app()
    took.append(perf_counter() - start)
    return app
bench_api.create_app = timed
from wsgi import app
from werkzeug.test import create_environ
environ = create_environ("/api/public/", headers={"Origin": sys.argv[1]})
seen = []
b"".join(app(environ, lambda *answer: seen.extend(answer)))
rollup = "/proc/self/smaps_rollup"  # not on every system
memory = open(rollup).read() if os.path.exists(rollup) else ""
print(json.dumps({
    "answer": [seen[0], dict(seen[1]).get("Access-Control-Allow-Origin")],
    "create_app": took[0],
    "kB": dict(re.findall(r"^(Rss|Pss): +([0-9]+) kB", memory, re.MULTILINE)),
}))
"""


def environment(**more: str) -> dict[str, str]:
    """Return an environment for what is timed: no settings of the developer's, bytecode written."""
    kept = clean_environment().items()
    unwanted = ("PYTHON", "VIRTUAL_ENV")
    return {name: text for name, text in kept if not name.startswith(unwanted)} | more


class Workshop:
    """A folder with a clone of the template and one of a single file; nothing is left elsewhere."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        template, one_file = folder / "template", folder / "one-file/{{cookiecutter.name}}"
        ignored = shutil.ignore_patterns(".git", ".venv*", ".*_cache", "__pycache__", "build")
        shutil.copytree(ROOT, template, ignore=ignored)
        one_file.mkdir(parents=True)
        (one_file.parent / "cookiecutter.json").write_text('{"name": "one"}')
        (one_file / "README.md").write_text("{{cookiecutter.name}}\n")
        git = ("git", "-c", "user.name=Ada", "-c", "user.email=ada@example.com")
        for command in ("init -q", "add -A", "commit -qm Import"):
            must_run(*git, *command.split(), cwd=template)
        self._config = folder / "config.yaml"
        self._config.write_text(f"cookiecutters_dir: {folder}/c\nreplay_dir: {folder}/replay\n")

    def cookiecutter(self, template: str, into: Path, *answers: str) -> None:
        """Run the `cookiecutter` command in a folder."""
        into.mkdir(parents=True, exist_ok=True)
        command = (sys.executable, "-m", "cookiecutter", "--no-input", self.folder / template)
        env = environment(COOKIECUTTER_CONFIG=str(self._config))
        must_run(*command, *answers, env=env, cwd=into)

    def bake(self, name: str, *answers: str) -> Path:
        """Bake a project and return its folder."""
        into = self.folder / "baked" / name
        self.cookiecutter("template", into, f"project_slug={SLUG}", *answers)
        return into / SLUG

    def with_origins(self, project: Path, name: str, origins: Sequence[str]) -> Path:
        """Return a copy of a project whose .env lists these origins."""
        copy = shutil.copytree(project, self.folder / "baked" / name / SLUG)
        (copy / ".env").write_text(f"CORS_ORIGINS={','.join(origins)}\n", encoding="utf-8")
        return copy

    def without_cors(self, project: Path, name: str, instead: str = "...") -> Path:
        """Return a copy of a project in which a statement takes the place of the CORS package."""
        copy = shutil.copytree(project, self.folder / "baked" / name / SLUG)
        package = copy / "src" / PACKAGE
        shutil.rmtree(package / "cors")
        (package / "cors.py").write_text(NO_CORS.format(instead))
        (package / "incoming.py").write_text("def init_app(app): ...\n")
        return copy


Command = Callable[[Path], Any]  # it gets a new folder to write into


def interleaved(
    commands: Mapping[str, Command], rounds: int, folder: Path
) -> dict[str, list[tuple[float, Any]]]:
    """Return the seconds and results of commands by round; one before them warms caches up."""
    found: dict[str, list[tuple[float, Any]]] = {name: [] for name in commands}
    for number in range(rounds + 1 if rounds else 0):
        for name in Random(number).sample(list(commands), len(commands)):
            with TemporaryDirectory(dir=folder) as new:
                start = time.perf_counter()
                result = commands[name](Path(new))
                seconds = time.perf_counter() - start
            if number:
                found[name].append((seconds, result))
    return found if rounds else {}


def green_tests(workshop: Workshop) -> dict[str, Command]:
    """Return the ways from nothing to green tests: `cookiecutter`, then `uv run pytest`."""
    env = environment(UV_PYTHON=sys.executable, PYTHONUNBUFFERED="1")
    pytest = [sys.executable, "-m", "uv", "run", "--quiet", "pytest", "-v"]

    def to_the_first(new: Path) -> None:
        workshop.cookiecutter("template", new)
        options: Any = {"stdout": subprocess.PIPE, "text": True, "start_new_session": True}
        with subprocess.Popen(pytest, env=env, cwd=next(new.iterdir()), **options) as tests:
            if not any("PASSED" in line for line in tests.stdout or ()):
                raise RuntimeError("no test is green")
            os.killpg(tests.pid, signal.SIGKILL)

    def to_the_last(new: Path) -> None:
        workshop.cookiecutter("template", new)
        must_run(*pytest, env=env, cwd=next(new.iterdir()))

    commands: dict[str, Command] = {FIRST_TEST: to_the_first, ALL_TESTS: to_the_last}
    return commands | {name + AGAIN: command for name, command in commands.items()}


class Worker(NamedTuple):
    """A project to start, the origin that it allows, how many its list holds."""

    project: Path
    allowed: str | None
    listed: int = 0

    def start(self, _: Path) -> Any:
        """Start it, without a server around it; return what it tells."""
        env = environment(PYTHONPATH=str(self.project / "src"))
        command = (sys.executable, "-c", WORKER, self.allowed or ORIGIN)
        told = json.loads(must_run(*command, env=env, cwd=self.project))
        if told["answer"] != ["200 OK", self.allowed]:
            raise RuntimeError(f"{self}: expected 200 for {self.allowed}, got {told}")
        return told


def workers(workshop: Workshop, origins: int) -> dict[str, Worker]:
    """Return what is started, by row: projects of the default answers, with and without CORS."""
    default, long = workshop.bake("default"), Subject(GENERATED, origins)
    cors_app = f"from flask_cors import CORS; CORS(app, origins='{ORIGIN}')"
    in_env = workshop.with_origins(default, "long", long.entries)
    longest, file = Subject(GENERATED, MANY_IN_FILE), workshop.folder / "allowed.origins"
    file.write_text("\n".join([*longest.entries, ""]))
    in_file = workshop.with_origins(default, "file", [f"@{file}"])
    rows = {
        BARE: Worker(workshop.without_cors(default, "bare"), None),
        CORS_APP: Worker(workshop.without_cors(default, "cors-app", cors_app), ORIGIN),
        DEFAULT: Worker(default, ORIGIN),
        IN_ENV.format(origins): Worker(in_env, long.pages[-1], origins),
        IN_FILE.format(MANY_IN_FILE): Worker(in_file, longest.pages[-1], MANY_IN_FILE),
    }
    return rows | {row + AGAIN: worker for row, worker in rows.items()}


def measure(
    figures: Figures, workshop: Workshop, rows: Mapping[str, Worker], rounds: int, tests: int
) -> None:
    """Time all of them, tests and workers too: one whole run."""
    folder = workshop.folder
    one_file = partial(workshop.cookiecutter, "one-file")
    this_template = partial(workshop.cookiecutter, "template")
    generation = {ONE_FILE: one_file, ONE_FILE + AGAIN: one_file, THIS_TEMPLATE: this_template}
    for name, runs in interleaved(generation, rounds, folder).items():
        figures.add(name, GENERATION, median(seconds for seconds, _ in runs), ONE_FILE)
    for name, runs in interleaved(green_tests(workshop), tests, folder).items():
        figures.add(name, GREEN, median(seconds for seconds, _ in runs))
    found = interleaved({row: worker.start for row, worker in rows.items()}, rounds, folder)
    to_answer = {row: median(seconds for seconds, _ in runs) for row, runs in found.items()}
    for row, runs in found.items():
        figures.add(row, TO_ANSWER, to_answer[row] * 1e3, BARE)
        figures.add(row, CREATE_APP, median(told[CREATE_APP] for _, told in runs) * 1e3)
        for size in runs[0][1]["kB"]:  # where the system tells
            figures.add(row, size, median(int(told["kB"][size]) for _, told in runs) / 1024)
        if count := rows[row].listed:
            figures.add(row, OF_AN_ORIGIN, (to_answer[row] - to_answer[DEFAULT]) / count * 1e6)


def budgets(origins: int) -> list[Budget]:
    """Return the budgets of whole processes, `origins` in a list."""
    many, in_file = IN_ENV.format(origins), IN_FILE.format(MANY_IN_FILE)
    return [
        Budget("generation, of a template of one file", 1.35, THIS_TEMPLATE, GENERATION, ONE_FILE),
        Budget("seconds to the first green test", 2.0, FIRST_TEST, GREEN),
        Budget("seconds to the whole suite green", 3.0, ALL_TESTS, GREEN),
        Budget("milliseconds of create_app, default answers", 5.0, DEFAULT, CREATE_APP),
        Budget("microseconds of the start for each origin", 10.0, many, OF_AN_ORIGIN),
        Budget("microseconds of the start for each origin", 10.0, in_file, OF_AN_ORIGIN),
    ]
