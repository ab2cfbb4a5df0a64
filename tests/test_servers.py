"""`wsgi:app` under every server: its settings, its input, its log, and a start that fails."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, suppress
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

import pytest

from .conftest import ROOT, Project, must_run
from .servers import (
    COMMANDS,
    HOST,
    SECONDS_TO_WAIT,
    Answer,
    NoAnswerError,
    Server,
    serve,
    wait_until,
)

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


@bp.get("/own")
def own() -> tuple[str, dict[str, str]]:
    """Set a header of a name that it is told."""
    return "own", {request.args["name"]: "*"}


@bp.record_once
def outside(state: Any) -> None:
    """Add the view outside of every policy, too."""
    state.app.add_url_rule("/own", "own", own)


@bp.get("/told")
def told() -> str:
    """Log a line of each level."""
    from flask import current_app

    for level in ("debug", "info", "warning"):
        getattr(current_app.logger, level)("told")
    return ""
'''


SLOW = '''

@bp.get("/slow")
def slow() -> str:
    """Take two seconds."""
    import time

    print("slow", flush=True)
    time.sleep(2)
    return "slow"
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
        "[time] WARNING in problems: CORS: blueprint 'public' refused 'GET /api/public/': "
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


@pytest.mark.parametrize("server", SERVERS)
@pytest.mark.parametrize(
    ("level", "levels"), [("info", {"INFO", "WARNING"}), ("", {"WARNING"}), ("DEBUG", None)]
)
def test_the_application_logs_from_a_level_on(
    project: Project, tmp_path: Path, server: str, level: str, levels: set[str] | None
) -> None:
    if not level and "--debug" in server:
        levels = None
    with serve_from(tmp_path, project, server, FLASK_LOG_LEVEL=level) as running:
        running.ask("/api/public/told")
        found = set(re.findall(r"\] (\w+) in public: told\n", running.stderr))

    assert found == (levels or {"DEBUG", "INFO", "WARNING"})


WRONG = {
    "FLASK_LOG_LEVEL=verbose": "Configuration has 1 problem:\n"
    "  FLASK_LOG_LEVEL 'VERBOSE': no level of a log; write INFO\n",
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
    told = str(raised.value)
    assert lines in told
    assert "Traceback" not in told


@pytest.mark.parametrize("server", ["gunicorn-gthread", "gunicorn-sync"])
def test_gunicorn_tells_it_once_and_ends(project: Project, tmp_path: Path, server: str) -> None:
    with (
        pytest.raises(NoAnswerError) as raised,
        serve_from(tmp_path, project, f"{server} --workers=4", CORS_MAX_AGE="x"),
    ):
        pytest.fail("it answers")
    told = re.sub(r".* \[INFO\] .*\n", "", str(raised.value))

    assert told.count("Error: CORS configuration has 1 problem:\n  CORS_MAX_AGE 'x': ") == 1
    assert len(told.splitlines()) <= 1 + 2 + 4 + 2  # ours, one of each worker, two of gunicorn


def test_a_hangup_takes_what_env_says_now_and_ends_gunicorn_if_that_is_wrong(
    project: Project, tmp_path: Path
) -> None:
    project = project.copy(tmp_path)
    env = project.path / ".env"
    new = "https://new.example"
    with serve(project, "gunicorn-gthread", "--workers=2") as running:
        env.write_text(f"CORS_ORIGINS={new}\n")
        running.process.send_signal(signal.SIGHUP)
        wait_until(lambda: allows(running, new) and not allows(running, FILE))
        env.write_text("CORS_ORIGINS=nonsense\n")
        running.process.send_signal(signal.SIGHUP)
        assert running.process.wait(SECONDS_TO_WAIT) != 0
        assert "CORS_ORIGINS, entry 1 'nonsense': no scheme" in running.stderr


def allows(running: Server, origin: str) -> bool:
    """Tell what several workers answer to a page of an origin."""
    with suppress(OSError, HTTPException):
        answers = [running.ask("/api/public/", headers={"Origin": origin}) for _ in range(8)]
        return all(answer.headers["Access-Control-Allow-Origin"] == origin for answer in answers)
    return False


@pytest.mark.parametrize(
    ("number", "is_answered"), [(signal.SIGTERM, False), (signal.SIGINT, True)]
)
def test_waitress_answers_what_is_under_way_after_an_interrupt_and_not_after_a_termination(
    project: Project, tmp_path: Path, number: signal.Signals, is_answered: bool
) -> None:
    project = project.copy(tmp_path)
    project.append("src/my_api/blueprints/public.py", SLOW)
    with serve(project, "waitress") as running, ThreadPoolExecutor(1) as pool:
        asked = pool.submit(running.ask, "/api/public/slow")
        wait_until(lambda: "slow" in running.stdout)
        running.process.send_signal(number)
        if is_answered:
            assert asked.result().status == 200
        else:
            with pytest.raises((OSError, HTTPException)):
                asked.result()


class Row(NamedTuple):
    """What each server's client gets: the status, and a + where a page of FILE may read it."""

    request: str
    gunicorn: str
    granian: str
    waitress: str
    flask: str


def row(request: str, *answers: str) -> Row:
    """Return a row: one answer is that of all servers, two are gunicorn's and the others'."""
    first, *others = answers
    return Row(request, first, *(others if len(others) == 3 else 3 * (others or [first])))


LISTED = f"Origin: {FILE}\r\n"
UNLISTED = f"Origin: {STRANGER}\r\n"
OWN, CROSS = (f"Sec-Fetch-Site: {site}\r\n" for site in ("same-origin", "cross-site"))
HEAD = "POST {target} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
HANDSHAKE = (
    "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
)
ECHO = "/api/public/echo"


def echo(headers: str, target: str = ECHO) -> str:
    """Return a POST of two bytes."""
    return f"{HEAD.format(target=target)}Content-Length: 2\r\n{headers}\r\n{{}}"


def chunks(chunked: str) -> str:
    """Return a POST of a listed page in chunks."""
    return f"{HEAD.format(target=ECHO)}{LISTED}Transfer-Encoding: chunked\r\n\r\n{chunked}"


def get(headers: str, target: str = "/api/public/", method: str = "GET") -> str:
    """Return a request without a body."""
    return f"{method} {target} HTTP/1.1\r\nHost: localhost\r\n{headers}\r\n"


PUT = f"{LISTED}Access-Control-Request-Method: PUT\r\n"
MUCH = f"{MEBIBYTE + 1:x}\r\n{' ' * (MEBIBYTE + 1)}\r\n0\r\n\r\n"
RAW = {
    "a listed page": row(echo(LISTED), "200+"),
    "another one": row(echo(UNLISTED), "403"),
    # Doubled headers: servers join them, and what was joined is no origin, and no site.
    "Origin twice, listed": row(echo(LISTED + LISTED), "403"),
    "Origin twice, the first listed": row(echo(LISTED + UNLISTED), "403"),
    "Origin twice, the second listed": row(echo(UNLISTED + LISTED), "403"),
    "Origin on two lines": row(
        echo(f"{UNLISTED[:-2]}\r\n ,{FILE}\r\n"), "400", "400", "403", "403"
    ),
    "Origin without a value": row(echo("Origin: \r\n"), "403"),
    "a blank behind the name": row(echo(f"Origin : {STRANGER}\r\n"), "400", "400", "400", "200"),
    "Sec-Fetch-Site twice, own": row(echo(UNLISTED + OWN + OWN), "403"),
    "Sec-Fetch-Site twice, own first": row(echo(UNLISTED + OWN + CROSS), "403"),
    "Sec-Fetch-Site twice, own last": row(echo(UNLISTED + CROSS + OWN), "403"),
    "no Origin, of another site": row(echo(CROSS), "403"),
    "no Origin, of another site twice": row(echo(CROSS + CROSS), "403"),
    "no Origin, own first": row(echo(OWN + CROSS), "403"),
    "no Origin, own": row(echo(OWN), "200"),
    # No page can send this: a header of its own needs a preflight. A proxy must drop the name.
    "Sec_Fetch_Site": row(
        echo(UNLISTED + OWN.replace("-F", "_F").replace("-S", "_S")), "403", "200", "403", "403"
    ),
    # Bodies
    "chunks": row(chunks("2\r\n{}\r\n0\r\n\r\n"), "200+"),
    "chunks over the limit": row(chunks(MUCH), "413+"),
    "a chunk size that is none": row(
        chunks("zz\r\n{}\r\n0\r\n\r\n"), "400+", "400+", "400", "400+"
    ),
    "a chunk that is too short": row(chunks("2\r\n{}XX0\r\n\r\n"), "400+", "200+", "400", "400+"),
    "chunks and a length": row(
        chunks("2\r\n{}\r\n0\r\n\r\n").replace("Transfer", "Content-Length: 2\r\nTransfer"),
        *("400", "200+"),
    ),
    # Targets
    "an absolute target": row(echo(LISTED, f"http://localhost{ECHO}"), "200+"),
    "an absolute target, another page": row(echo(UNLISTED, f"http://localhost{ECHO}"), "403"),
    "an absolute target of another host": row(
        echo("Origin: http://other.example\r\n", f"http://other.example{ECHO}"),
        *("403", "403", "403", "200"),  # RFC 9112, section 3.2.2: the target counts, and no Host
    ),
    "two slashes inside": row(get(LISTED, "/api//public/"), "308+"),
    "OPTIONS *": row(get(LISTED, "*", "OPTIONS"), "404"),
    "a preflight for *": row(get(PUT, "*", "OPTIONS"), "404"),
    "a preflight": row(get(PUT, ECHO, "OPTIONS"), "204+"),
    "CONNECT": row(get(LISTED, "localhost:80", "CONNECT"), "404"),
    "a method in lower case": row(
        echo(UNLISTED).replace("POST", "post"), "400", "403", "400", "403"
    ),
    "X-HTTP-Method-Override": row(echo(f"{UNLISTED}X-HTTP-Method-Override: GET\r\n"), "403"),
    # WebSockets, which no view of this project opens
    "a handshake": row(get(HANDSHAKE + LISTED), "400+"),
    "a handshake of another page": row(get(HANDSHAKE + UNLISTED), "403"),
    "a handshake without Origin": row(get(HANDSHAKE + CROSS), "403"),
    "a handshake in capitals": row(
        get(HANDSHAKE.replace("websocket", "WebSocket") + UNLISTED), "403"
    ),
    "a handshake among others": row(
        get(HANDSHAKE.replace("websocket", "h2c, websocket") + UNLISTED), "403"
    ),
    "a handshake on two lines": row(get(f"Upgrade: h2c\r\n{HANDSHAKE}{UNLISTED}"), "403"),
    "a handshake without Connection": row(get(f"Upgrade: websocket\r\n{UNLISTED}"), "403"),
    "a handshake by POST": row(echo(HANDSHAKE + UNLISTED), "403"),
    "a handshake of HTTP/1.0": row(
        get(HANDSHAKE + UNLISTED).replace("HTTP/1.1", "HTTP/1.0"), "403"
    ),
    # Names of WSGI as headers. gunicorn takes the first from this machine, where proxies are.
    "SCRIPT_NAME": row(echo(f"{UNLISTED}SCRIPT_NAME: /api\r\n"), "404", "403"),
    "SCRIPT_NAME, listed": row(echo(f"{LISTED}SCRIPT_NAME: /api\r\n"), "404", "200+"),
    "SCRIPT_NAME of elsewhere": row(echo(f"{LISTED}SCRIPT_NAME: /x\r\n"), "500", "200+"),
    "PATH_INFO": row(echo(f"{UNLISTED}PATH_INFO: /health\r\n"), "403"),
    "REQUEST_METHOD": row(echo(f"{UNLISTED}REQUEST_METHOD: GET\r\n"), "403"),
    # No Host is nobody's own.
    "HTTP/1.0 without Host": row(
        echo(LISTED).replace("HTTP/1.1", "HTTP/1.0").replace("Host: localhost\r\n", ""), "200+"
    ),
    "HTTP/1.0 without Host, of a page without one": row(
        echo("Origin: https://:443\r\n")
        .replace("HTTP/1.1", "HTTP/1.0")
        .replace("Host: localhost\r\n", ""),
        "403",
    ),
    "two hosts": row(echo("Host: b.example\r\nOrigin: http://b.example\r\n"), "400", "403"),
}


def ask_raw(running: Server, request: str) -> str:
    """Send a request as it is written; return its status, with a + where FILE may read it."""
    with socket.create_connection((HOST, running.port), timeout=10) as connection:
        connection.sendall(request.encode("latin-1"))
        answer = HTTPResponse(connection)
        answer.begin()
        allowed = answer.headers.get_all("Access-Control-Allow-Origin", [])
    assert allowed in ([], [FILE])
    return f"{answer.status}{'+' * len(allowed)}"


@pytest.mark.parametrize("name", RAW)
def test_a_raw_request_gets_the_answer_of_the_table(running: Server, name: str) -> None:
    server = Path(running.process.args[0]).name.removesuffix("-serve")  # type: ignore[index, arg-type]
    errors = running.stderr.count("Traceback")

    assert ask_raw(running, RAW[name].request) == getattr(RAW[name], server)
    assert running.stderr.count("Traceback") == errors


# What becomes of a name with blanks, outside of every policy: refused with 500, left out, or sent.
ALLOW_ORIGIN = "Access-Control-Allow-Origin"
NAMES: dict[str, dict[str, str]] = {
    ALLOW_ORIGIN: {},
    f" {ALLOW_ORIGIN}": {"gunicorn": "500", "granian": "left out"},
    f"\t{ALLOW_ORIGIN}": {"gunicorn": "500", "granian": "left out"},
    f"{ALLOW_ORIGIN} ": {"gunicorn": "500", "granian": "left out"},
    f"X: 1\r\n{ALLOW_ORIGIN}": {"gunicorn": "500", "granian": "left out", "waitress": "500"},
}


@pytest.mark.parametrize("name", NAMES, ids=repr)
def test_a_name_with_blanks_passes_some_servers_and_no_policy(running: Server, name: str) -> None:
    server = Path(running.process.args[0]).name.removesuffix("-serve")  # type: ignore[index, arg-type]

    def become_of(path: str) -> str:
        with socket.create_connection((HOST, running.port), timeout=10) as connection:
            connection.sendall(get(UNLISTED, f"{path}?name={quote(name)}").encode())
            head = connection.recv(65_536).partition(b"\r\n\r\n")[0]
        if head.split()[1] == b"500":
            return "500"
        return "sent" if ALLOW_ORIGIN.lower() in head.decode().lower() else "left out"

    assert become_of("/own") == NAMES[name].get(server, "sent")
    assert become_of("/api/public/own") == "left out"


def trusted_hosts_shown() -> Iterator[str]:
    """Yield the settings of docs/production.md by which a server of 127.0.0.1 is asked for."""
    text = (ROOT / "docs/production.md").read_text(encoding="utf-8")
    (of_kubernetes,) = re.findall(r"value: '(.*\$\(POD_IP\).*)'", text)
    yield of_kubernetes.replace("$(POD_IP)", "127.0.0.1")
    (of_shells,) = re.findall(r"^export FLASK_TRUSTED_HOSTS=.*", text, re.MULTILINE)
    script = f'hostname() {{ echo 127.0.0.1; }}\n{of_shells}\necho "$FLASK_TRUSTED_HOSTS"'
    yield must_run("sh", "-c", script, cwd=ROOT).strip()


@pytest.mark.parametrize("hosts", [*trusted_hosts_shown()])
@pytest.mark.parametrize("server", COMMANDS)
def test_a_health_check_by_address_is_answered(
    project: Project, tmp_path: Path, server: str, hosts: str
) -> None:
    with serve_from(tmp_path, project, server, FLASK_TRUSTED_HOSTS=hosts) as running:
        statuses = {
            host: running.ask("/health", headers={"Host": host}).status
            for host in (f"127.0.0.1:{running.port}", "127.0.0.1", "api.example.com", "10.0.0.9")
        }

    assert statuses.pop("10.0.0.9") == 400
    assert set(statuses.values()) == {200}
