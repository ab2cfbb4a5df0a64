"""`wsgi:app` under every server: its settings, its input, its log, and a start that fails."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from .conftest import Project
from .servers import COMMANDS, Answer, NoAnswerError, Server, serve

SERVERS = [*COMMANDS, "flask --debug"]
FILE = "https://file.example"
ENVIRONMENT = "https://environment.example"
STRANGER = "https://stranger.example"
MEBIBYTE = 1024 * 1024

Body = bytes | list[bytes]  # in one piece, or in chunks without a Content-Length

VIEW = '''

@bp.get("/broken")
def broken() -> None:
    """Fail."""
    raise RuntimeError("the view failed")
'''


@pytest.fixture(scope="module")
def project(default_project: Project, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project with origins of its own in .env, and a view that fails."""
    project = default_project.copy(tmp_path_factory.mktemp("served"))
    (project.path / ".env").write_text(f"CORS_ORIGINS={FILE}\nCORS_ORIGINS_ADMIN={FILE}\n")
    project.append("src/my_api/blueprints/public.py", VIEW)
    return project


def serve_from(
    folder: Path, project: Project, server: str, **env: str
) -> AbstractContextManager[Server]:
    """Serve a project from another folder than its own."""
    command, _, options = server.partition(" ")
    found = {
        "PYTHONPATH": os.pathsep.join([str(project.path), str(project.path / "src")]),
        "FLASK_APP": str(project.path / "wsgi.py"),
    }
    return serve(project, command, *options.split(), env={**found, **env}, cwd=folder)


@pytest.fixture(scope="module", params=SERVERS)
def running(
    project: Project, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[Server]:
    """Each server in turn, with a list for admin in its environment."""
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    with serve_from(elsewhere, project, request.param, CORS_ORIGINS_ADMIN=ENVIRONMENT) as running:
        yield running


@pytest.mark.parametrize(("blueprint", "listed"), [("public", FILE), ("admin", ENVIRONMENT)])
def test_the_environment_beats_the_env_file_beside_wsgi_and_that_is_read_from_any_folder(
    running: Server, blueprint: str, listed: str
) -> None:
    allowed = {
        origin: running.ask(f"/api/{blueprint}/", headers={"Origin": origin}).headers[
            "Access-Control-Allow-Origin"
        ]
        for origin in (FILE, ENVIRONMENT, STRANGER)
    }

    assert allowed == {FILE: None, ENVIRONMENT: None, STRANGER: None, listed: listed}


def post(running: Server, body: Body, content_type: str) -> Answer:
    """Let a listed page send a body."""
    headers = {"Origin": FILE, "Content-Type": content_type}
    return running.ask("/api/public/echo", "POST", headers, body)


BODIES: dict[str, tuple[Body, str, int]] = {
    "an object": (b'{"a": 1}', "application/json", 200),
    "an object in chunks": ([b'{"a"', b": 1}"], "application/json", 200),
    "a mebibyte": (b"{}" + b" " * (MEBIBYTE - 2), "application/json", 200),
    "a mebibyte in chunks": ([b"{}", b" " * (MEBIBYTE - 2)], "application/json", 200),
    "a byte more": (b"{}" + b" " * (MEBIBYTE - 1), "application/json", 413),
    "a byte more in chunks": ([b"{}", b" " * (MEBIBYTE - 1)], "application/json", 413),
    "much more": (b"{}" + b" " * 3 * MEBIBYTE, "application/json", 413),
    "much more in chunks": ([b"{}", *[b" " * MEBIBYTE] * 3], "application/json", 413),
    "half an object": (b"{", "application/json", 400),
    "half an object in chunks": ([b"{", b'"a"'], "application/json", 400),
    "nothing": (b"", "application/json", 400),
    "an array": (b"[1]", "application/json", 400),
    "another type": (b"{}", "text/plain", 415),
}


@pytest.mark.parametrize(("body", "content_type", "status"), BODIES.values(), ids=BODIES)
def test_a_listed_page_reads_what_became_of_its_body(
    running: Server, body: Body, content_type: str, status: int
) -> None:
    answer = post(running, body, content_type)

    assert answer.status == status
    assert answer.headers.get_all("Access-Control-Allow-Origin") == [FILE]
    if status != 200:
        assert answer.headers["Content-Type"] == "application/problem+json"
        assert json.loads(answer.body)["status"] == status


@pytest.mark.parametrize("server", SERVERS)
def test_the_limit_of_a_body_comes_from_the_environment(
    project: Project, tmp_path: Path, server: str
) -> None:
    with serve_from(tmp_path, project, server, FLASK_MAX_CONTENT_LENGTH="10") as running:
        bodies: list[Body] = [
            b'{"abc": 1}',
            b'{"abcd": 1}',
            [b'{"abc"', b": 1}"],
            [b'{"abcd"', b": 1}"],
        ]
        statuses = [post(running, body, "application/json").status for body in bodies]

    assert statuses == [200, 413, 200, 413]


ACCESS = re.compile(r"127\.0\.0\.1 - - ")
TIME = re.compile(r"^\[\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3}\]")


def logged(running: Server, path: str, origin: str) -> tuple[list[str], Answer]:
    """Return what two equal requests add to stderr, without times and access lines; the answer.

    Nothing may go to stdout.
    """
    stdout, stderr = running.stdout, running.stderr
    answer, _ = (running.ask(path, headers={"Origin": origin}) for _ in range(2))
    assert running.stdout == stdout
    added = running.stderr.removeprefix(stderr).splitlines()
    return [TIME.sub("[time]", line) for line in added if not ACCESS.match(line)], answer


def test_a_refusal_is_logged_once(running: Server) -> None:
    lines, _ = logged(running, "/api/public/", "https://refused.example")

    assert lines == [
        "[time] WARNING in middleware: CORS: blueprint 'public' refused: "
        "'https://refused.example' is not in CORS_ORIGINS"
    ]


def test_an_exception_is_logged_with_its_traceback_each_time(running: Server) -> None:
    lines, answer = logged(running, "/api/public/broken", FILE)
    once = lines[: len(lines) // 2]

    assert lines == once * 2
    assert once[:2] == [
        "[time] ERROR in app: Exception on /api/public/broken [GET]",
        "Traceback (most recent call last):",
    ]
    assert all(line.startswith("  ") for line in once[2:-1])
    assert once[-2:] == [
        '    raise RuntimeError("the view failed")',
        "RuntimeError: the view failed",
    ]
    assert answer.status == 500
    assert answer.headers["Access-Control-Allow-Origin"] == FILE


WRONG = {
    "CORS_MAX_AGE=x": "CORS configuration has 1 problem:\n"
    "  CORS_MAX_AGE 'x': not a number of seconds; write a whole one from 0 to 86400\n",
    "FLASK_TRUSTED_PROXY_HOPS=one": "Configuration has 1 problem:\n"
    "  FLASK_TRUSTED_PROXY_HOPS 'one': not a whole number of 0 or more, such as 1\n",
}


@pytest.mark.parametrize(("setting", "lines"), WRONG.items(), ids=WRONG)
@pytest.mark.parametrize("server", SERVERS)
def test_a_setting_that_cannot_work_ends_the_server_with_a_sentence(
    project: Project, tmp_path: Path, server: str, setting: str, lines: str
) -> None:
    variable, _, value = setting.partition("=")
    with (
        pytest.raises(NoAnswerError) as raised,
        serve_from(tmp_path, project, server, **{variable: value}),
    ):
        pytest.fail("it answers")

    assert raised.value.code
    assert lines in str(raised.value)
