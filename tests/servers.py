"""Serve a baked project with a real WSGI server on a free port of this machine, then stop it."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from scripts.running import (
    HOST,
    Answer,
    NoAnswerError,
    Server,
    clean_environment,
    free_port,
    started,
)

from .conftest import Project

__all__ = ["COMMANDS", "HOST", "SECONDS_TO_WAIT", "Answer", "NoAnswerError", "Server"]
__all__ += ["free_port", "serve", "started", "wait_until"]

SECONDS_TO_WAIT = 30

# The commands of a user, with an address and options of ours.
COMMANDS = {
    "gunicorn-sync": "gunicorn -b {address} --no-control-socket {options} wsgi:app",
    "gunicorn-gthread": "gunicorn -b {address} --no-control-socket --threads=4 {options} wsgi:app",
    "granian": "granian --interface=wsgi --host={host} --port={port} {options} wsgi:app",
    "waitress": "waitress-serve --listen={address} {options} wsgi:app",
    "flask": "flask run --host={host} --port={port} {options}",
}


@contextmanager
def serve(
    project: Project,
    server: str,
    *options: str,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
) -> Iterator[Server]:
    """Serve a project with one of COMMANDS, as ``serve(project, "granian", "--workers=2")``.

    It runs in the folder of the project, or in `cwd`, without settings of the developer's, and
    writes no bytecode. Its workers end with it.
    """
    port = free_port()
    address = f"{HOST}:{port}"
    given = {"address": address, "host": HOST, "port": port, "options": " ".join(options)}
    command = COMMANDS[server].format(**given)
    name, *arguments = command.split()
    program = Path(sys.executable).with_name(name)
    variables: dict[str, str] = {
        "PYTHONPATH": str(project.path / "src"),
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONUNBUFFERED": "1",
        **(env or {}),
    }
    with started(
        [str(program), *arguments], port, cwd or project.path, clean_environment(**variables)
    ) as running:
        yield running


def wait_until(happened: Callable[[], bool]) -> None:
    """Return once something has happened, and fail where it takes too long."""
    deadline = time.monotonic() + SECONDS_TO_WAIT
    while not happened():
        assert time.monotonic() < deadline, "it never happened"
        time.sleep(0.01)
