"""`make demo`: generate the default project, run it, and show over real HTTP what pages get."""

from __future__ import annotations

import http.client
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from pathlib import Path

ROOT = Path(__file__).parent.parent
BUILD = ROOT / "build"
PROJECT = BUILD / "my-api"

LISTED = "http://localhost:3000"
PUBLIC_ONLY = "http://localhost:5173"
UNLISTED = "https://stranger.example"
PREFLIGHT = {
    "Access-Control-Request-Method": "PUT",
    "Access-Control-Request-Headers": "content-type",
}

# What is shown: a sentence, then method, path and headers of the request.
SCENES: list[tuple[str, str, str, dict[str, str]]] = [
    ("A listed origin: its pages may read the answer", "GET", "/api/public/", {"Origin": LISTED}),
    ("An unlisted one: no Access-Control-*", "GET", "/api/public/", {"Origin": UNLISTED}),
    (
        "A preflight: 204 at once, before any login",
        "OPTIONS",
        "/api/public/echo",
        {"Origin": LISTED, **PREFLIGHT},
    ),
    (
        f"{PUBLIC_ONLY} is listed for public ...",
        "GET",
        "/api/public/",
        {"Origin": PUBLIC_ONLY},
    ),
    (
        "... but admin has a list of its own: refused before the view runs",
        "POST",
        "/api/admin/echo",
        {"Origin": PUBLIC_ONLY},
    ),
]
SHOWN_HEADERS = ("Content-Type", "Access-Control-", "Vary", "Allow")


def main() -> None:
    """Generate, install, serve, show."""
    keep_earlier()
    say("cookiecutter . --no-input -o build")
    cookiecutter = Path(sys.executable).with_name("cookiecutter")
    run(str(cookiecutter), str(ROOT), "--no-input", "-o", str(BUILD), quiet=True)
    install()

    port = free_port()
    say(f"CORS_ORIGINS_ADMIN={LISTED} flask run --port {port}")
    with server(port):
        for sentence, method, path, headers in SCENES:
            print(f"\n# {sentence}")
            show(port, method, path, headers)
    say("The project is yours to try:")
    print(f"cd {os.path.relpath(PROJECT)}")
    print(".venv/bin/python -m pytest")
    print(".venv/bin/flask cors")
    print(".venv/bin/flask run")


def keep_earlier() -> None:
    """Move the project of an earlier run out of the way: someone may have worked in it."""
    if PROJECT.exists():
        earlier = PROJECT.with_name(time.strftime("my-api-until-%Y%m%d-%H%M%S"))
        PROJECT.rename(earlier)
        shutil.rmtree(earlier / ".venv", ignore_errors=True)
        say(f"The earlier project is now {os.path.relpath(earlier)}")


def install() -> None:
    """Install the project and its tools into a virtual environment of its own."""
    python = str(PROJECT / ".venv/bin/python")
    if shutil.which("uv"):
        say("uv venv && uv pip install --group dev -e .")
        run("uv", "venv", "--quiet", "--python", sys.executable, ".venv")
        run("uv", "pip", "install", "--quiet", "--python", python, "--group", "dev", "-e", ".")
    else:
        say("python3 -m venv .venv && pip install --group dev -e .")
        run(sys.executable, "-m", "venv", ".venv")
        run(python, "-m", "pip", "install", "--quiet", "--upgrade", "pip")
        run(python, "-m", "pip", "install", "--quiet", "--group", "dev", "-e", ".")


@contextmanager
def server(port: int) -> Iterator[None]:
    """Run the project's server until the block ends; its log goes to build/demo.log."""
    log_path = BUILD / "demo.log"
    environment = {**environment_of_a_newcomer(), "CORS_ORIGINS_ADMIN": LISTED}
    with log_path.open("w", encoding="utf-8") as log:
        process = subprocess.Popen(
            [str(PROJECT / ".venv/bin/flask"), "run", "--port", str(port)],
            cwd=PROJECT,
            env=environment,
            stdout=log,
            stderr=log,
        )
        try:
            wait_for(port, process)
            yield
        except ConnectionError:
            sys.exit(f"The server did not answer. Its log:\n{log_path.read_text(encoding='utf-8')}")
        finally:
            process.terminate()
            process.wait(timeout=10)


def wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    """Return when the server answers; raise ConnectionError when it ended or takes too long."""
    deadline = time.monotonic() + 30
    while process.poll() is None and time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise ConnectionError


def show(port: int, method: str, path: str, headers: dict[str, str]) -> None:
    """Send one request and print it with its answer."""
    print(f"> {method} {path}")
    for name, value in headers.items():
        print(f"> {name}: {value}")
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request(method, path, headers=headers)
    answer = connection.getresponse()
    body = answer.read().decode().strip()
    connection.close()
    print(f"< {answer.status} {HTTPStatus(answer.status).phrase}")
    for name, value in answer.getheaders():
        if name.startswith(SHOWN_HEADERS):
            print(f"< {name}: {value}")
    if body:
        print(f"< {body}")


def free_port() -> int:
    """Return a port of this machine that nobody listens on."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        port: int = listening.getsockname()[1]
        return port


def environment_of_a_newcomer() -> dict[str, str]:
    """Return the environment without settings that would reach the project."""
    return {k: v for k, v in os.environ.items() if not k.startswith(("CORS_", "FLASK_"))}


def run(*command: str, quiet: bool = False) -> None:
    """Run a command, in the project once there is one; exit with its output where it fails."""
    done = subprocess.run(
        command,
        cwd=PROJECT if PROJECT.exists() else ROOT,
        env=environment_of_a_newcomer(),
        stdout=subprocess.PIPE if quiet else None,
        text=True,
    )
    if done.returncode:
        sys.exit(f"{done.stdout or ''}failed: {' '.join(command)}")


def say(line: str) -> None:
    """Print a step."""
    print(f"\n== {line}", flush=True)


if __name__ == "__main__":
    main()
