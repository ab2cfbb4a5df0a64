"""Run commands, and servers on free ports of this machine."""

from __future__ import annotations

import os
import random
import shlex
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException, HTTPMessage
from pathlib import Path
from typing import NamedTuple

HOST = "127.0.0.1"
SECONDS = 300
SECONDS_TO_START = 30
SECONDS_TO_STOP = 15
# Below those that a system gives to connections: none of them takes one before its server does.
PORTS = range(20_000, 32_768)


def clean_environment(**more: str) -> dict[str, str]:
    """Return the environment without settings of the developer's for Flask and CORS."""
    mine = {k: v for k, v in os.environ.items() if not k.startswith(("CORS_", "FLASK_"))}
    return {**mine, **more}


def run(
    *command: object,
    cwd: Path,
    env: Mapping[str, str] | None = None,
    typed: str = "",
    timeout: float | None = SECONDS,
) -> subprocess.CompletedProcess[str]:
    """Run a command in a folder, as from a shell, without settings of the developer's.

    What it asks for is read from `typed`.
    """
    return subprocess.run(
        [str(word) for word in command],
        cwd=cwd,
        env={**(clean_environment() if env is None else env), "PWD": str(cwd)},
        input=typed,
        capture_output=True,
        text=True,
        timeout=timeout,
    )


def must_run(
    *command: object,
    cwd: Path,
    env: Mapping[str, str] | None = None,
    timeout: float | None = SECONDS,
) -> str:
    """Run a command as `run` does; return its stdout. Raises RuntimeError where it fails."""
    done = run(*command, cwd=cwd, env=env, timeout=timeout)
    if done.returncode:
        raise RuntimeError(f"{shlex.join(done.args)} failed:\n{done.stdout}{done.stderr}")
    return done.stdout


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
    """Return a port that nothing listens on, by chance, whatever a test has sown."""
    for port in random.SystemRandom().sample(PORTS, len(PORTS)):
        with suppress(OSError), socket.socket() as found:
            found.bind((HOST, port))
            return port
    raise OSError(f"every port from {PORTS.start} to {PORTS.stop - 1} is taken")
