"""Serve a baked project with a real WSGI server on a free port of this machine, then stop it."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException, HTTPMessage
from pathlib import Path
from typing import NamedTuple

from .conftest import Project, clean_environment

HOST = "127.0.0.1"
SECONDS_TO_START = 30
SECONDS_TO_STOP = 15

# The commands of a user, with an address and options of ours.
COMMANDS = {
    "gunicorn-sync": "gunicorn -b {address} --no-control-socket {options} wsgi:app",
    "gunicorn-gthread": "gunicorn -b {address} --no-control-socket --threads=4 {options} wsgi:app",
    "granian": "granian --interface=wsgi --host={host} --port={port} {options} wsgi:app",
    "waitress": "waitress-serve --listen={address} {options} wsgi:app",
    "flask": "flask run --host={host} --port={port} {options}",
}


class NoAnswerError(RuntimeError):
    """A server does not answer; `code` is what it ended with, None where it still runs."""

    def __init__(self, code: int | None, output: str) -> None:
        super().__init__(f"the server does not answer:\n{output}")
        self.code = code


class Answer(NamedTuple):
    """What came back."""

    status: int
    headers: HTTPMessage
    body: bytes


@dataclass(frozen=True)
class Server:
    """A server that answers."""

    port: int
    process: subprocess.Popen[bytes]
    output: Path

    @property
    def stdout(self) -> str:
        """What it and its workers wrote to stdout so far."""
        return (self.output / "stdout").read_text(encoding="utf-8")

    @property
    def stderr(self) -> str:
        """What it and its workers wrote to stderr so far."""
        return (self.output / "stderr").read_text(encoding="utf-8")

    def ask(
        self,
        path: str,
        method: str = "GET",
        headers: Mapping[str, str] | None = None,
        body: bytes | list[bytes] | None = None,
    ) -> Answer:
        """Send one request over a connection of its own; a list is sent as chunks.

        As in Chromium, an answer is read even where the server takes no more of the body.
        """
        connection = HTTPConnection(HOST, self.port, timeout=10)
        try:
            with suppress(BrokenPipeError, ConnectionResetError):
                connection.request(method, path, body, dict(headers or {}))
            answer = connection.getresponse()
            return Answer(answer.status, answer.headers, answer.read())
        finally:
            connection.close()

    def wait(self) -> None:
        """Return once it answers. Raises NoAnswerError."""
        deadline = time.monotonic() + SECONDS_TO_START
        while self.process.poll() is None and time.monotonic() < deadline:
            with suppress(OSError, HTTPException):
                if self.ask("/health").status == 200:
                    return
            time.sleep(0.05)
        raise NoAnswerError(self.process.poll(), self.stdout + self.stderr)

    def stop(self) -> None:
        """End it gracefully, then whatever is left of its workers."""
        self.process.terminate()
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(SECONDS_TO_STOP)
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


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


@contextmanager
def started(
    command: Sequence[str], port: int, cwd: Path, env: Mapping[str, str] | None = None
) -> Iterator[Server]:
    """Run a command that listens on a port, and end it and all it started. Raises NoAnswerError."""
    with (
        tempfile.TemporaryDirectory() as output,
        Path(output, "stdout").open("wb") as stdout,
        Path(output, "stderr").open("wb") as stderr,
    ):
        process = subprocess.Popen(
            command,
            cwd=cwd,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=stderr,
            start_new_session=True,
        )
        running = Server(port, process, Path(output))
        try:
            running.wait()
            yield running
        finally:
            running.stop()


def free_port() -> int:
    """Return a port that nothing listens on."""
    with socket.socket() as found:
        found.bind((HOST, 0))
        port: int = found.getsockname()[1]
        return port
