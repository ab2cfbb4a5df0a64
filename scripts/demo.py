"""`make demo`: generate the default project, run it, and show over real HTTP what pages get."""

from __future__ import annotations

import os
import shutil
import sys
import time
from http import HTTPStatus
from pathlib import Path

from .running import Server, clean_environment, free_port, must_run, started

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
NEEDED = "Packages come from PyPI: this needs a network, or a mirror that uv or pip is told of."
SHOWN_HEADERS = ("Content-Type", "Access-Control-", "Vary", "Allow")


def main() -> None:
    """Generate, install, serve, show."""
    keep_earlier()
    say("cookiecutter . --no-input -o build")
    cookiecutter = (sys.executable, "-m", "cookiecutter", ROOT)
    must_run(*cookiecutter, "--no-input", "-o", BUILD, cwd=ROOT)
    install()

    port = free_port()
    say(f"CORS_ORIGINS_ADMIN={LISTED} flask run --port {port}")
    flask = [str(PROJECT / ".venv/bin/flask"), "run", "--port", str(port)]
    with started(flask, port, PROJECT, clean_environment(CORS_ORIGINS_ADMIN=LISTED)) as server:
        for sentence, method, path, headers in SCENES:
            print(f"\n# {sentence}")
            show(server, method, path, headers)
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
    python = PROJECT / ".venv/bin/python"
    steps: list[tuple[object, ...]]
    pip: tuple[object, ...] = (python, "-m", "pip", "install", "--quiet")
    if shutil.which("uv"):
        say("uv venv && uv pip install --group dev -e .")
        pip = ("uv", "pip", "install", "--quiet", "--python", python)
        steps = [("uv", "venv", "--quiet", "--python", sys.executable, ".venv")]
    else:
        say("python3 -m venv .venv && pip install --group dev -e .")
        steps = [(sys.executable, "-m", "venv", ".venv"), (*pip, "--upgrade", "pip")]
    try:
        for step in [*steps, (*pip, "--group", "dev", "-e", ".")]:
            must_run(*step, cwd=PROJECT, timeout=None)
    except RuntimeError as error:
        raise RuntimeError(f"{error}\n{NEEDED}") from error


def show(server: Server, method: str, path: str, headers: dict[str, str]) -> None:
    """Send one request and print it with its answer."""
    print(f"> {method} {path}")
    for name, value in headers.items():
        print(f"> {name}: {value}")
    answer = server.ask(path, method, headers)
    print(f"< {answer.status} {HTTPStatus(answer.status).phrase}")
    for name, value in answer.headers.items():
        if name.startswith(SHOWN_HEADERS):
            print(f"< {name}: {value}")
    if body := answer.body.decode().strip():
        print(f"< {body}")


def say(line: str) -> None:
    """Print a step."""
    print(f"\n== {line}", flush=True)


if __name__ == "__main__":
    try:
        main()
    except RuntimeError as error:
        sys.exit(str(error))
