"""A refusal is one line in the log: who, why, which variable to edit."""

import logging
import tracemalloc
from collections.abc import Iterator

import pytest
from flask import Flask
from flask.testing import FlaskClient
from my_api import cors
from my_api.cors.policy import Refusal
from werkzeug.test import create_environ, run_wsgi_app

from .conftest import LISTED, STRANGER, Clock, MakeApp
from .reading import policies

PATH = "/api/public/missing"
LINES = 100
NEAR_MISSES = 3


def test_a_refusal_is_logged_once_with_the_variable_to_edit(
    client: FlaskClient, caplog: pytest.LogCaptureFixture
) -> None:
    for method in ("GET", "POST", "GET"):
        client.open(PATH, method=method, headers={"Origin": STRANGER})

    assert [(record.levelno, record.message) for record in caplog.records] == [
        (
            logging.WARNING,
            f"CORS: blueprint 'public' refused 'GET {PATH}': '{STRANGER}' is not in CORS_ORIGINS",
        )
    ]


@pytest.mark.parametrize(
    ("origin", "method", "headers", "words"),
    [
        (STRANGER, "PURGE", "x-a", f"'{STRANGER}' is not in CORS_ORIGINS"),
        (LISTED, "PURGE", "x-a", f"'PURGE', which '{LISTED}' asks for, is not in CORS_METHODS"),
        (
            LISTED,
            "PUT",
            "x-b,range,x-a",
            f"'x-b, x-a', which '{LISTED}' asks for, is not in CORS_ALLOW_HEADERS",
        ),
    ],
)
def test_a_refused_preflight_names_what_is_missing(
    make_app: MakeApp,
    caplog: pytest.LogCaptureFixture,
    origin: str,
    method: str,
    headers: str,
    words: str,
) -> None:
    app = make_app(CORS_METHODS="PUT", CORS_ALLOW_HEADERS="Content-Type, Range")
    asked = {"Access-Control-Request-Method": method, "Access-Control-Request-Headers": headers}
    app.test_client().options(PATH, headers={"Origin": origin, **asked})

    (record,) = caplog.records
    assert record.message == f"CORS: blueprint 'public' refused 'OPTIONS {PATH}': {words}"


@pytest.mark.parametrize(
    ("method", "headers", "words"),
    [
        ("PUT", "x-a", "'x-a', which {} asks for, is not in CORS_ALLOW_HEADERS_PUBLIC"),
        ("PURGE", "", "'PURGE', which {} asks for, is not in CORS_METHODS_PUBLIC"),
        (
            "patch",
            "",
            "'patch', which {} asks for, is not in CORS_METHODS_PUBLIC "
            "(a page must write PATCH in capitals)",
        ),
    ],
)
def test_without_a_variable_that_decided_the_blueprints_own_is_named(
    method: str, headers: str, words: str
) -> None:
    policy = policies(CORS_ORIGINS=LISTED)["public"]

    assert str(policy.refusal(LISTED, method, headers)) == words.format(f"'{LISTED}'")


def test_no_line_for_what_is_not_refused(
    client: FlaskClient, caplog: pytest.LogCaptureFixture
) -> None:
    client.get(PATH)
    client.post(PATH, headers={"Origin": LISTED})
    client.post(PATH, headers={"Origin": "http://api.example", "Host": "api.example"})

    assert caplog.records == []


@pytest.mark.parametrize(
    ("origin", "near"),
    [
        ("http://localhost:5173", "http://localhost:3000"),
        ("http://127.0.0.1:3000", "http://localhost:3000"),
        ("http://[::1]:8080", "http://localhost:8080"),
        ("https://localhost:3000", "http://localhost:3000"),
        ("http://app.example.com", "https://app.example.com"),
        ("https://app.example.com:8443", "https://app.example.com"),
        ("https://www.app.example.com", "https://app.example.com"),
        ("https://example.org", "https://www.example.org"),
        ("https://example.net", "https://*.example.net"),
        ("http://shop.example.net", "https://*.example.net"),
        ("http://api.example.com", "https://api.example.com"),
        ("http://api.example.com:8443", "https://api.example.com:8443"),
        ("https://stranger.example", None),
        ("https://app.example.com/", None),
        ("null", None),
    ],
)
def test_a_near_miss_is_named(origin: str, near: str | None) -> None:
    listed = (
        "http://localhost:3000",
        "http://localhost:8080",
        "https://app.example.com",
        "https://www.example.org",
        "https://*.example.net",
        "https://api.example.com:8443",
        "https://api.example.com",
    )
    hint = f" (you list {near}, among others)" if near else ""

    refusal = policies(CORS_ORIGINS=listed)["public"].refusal(origin, "GET", "")
    assert str(refusal) == f"{origin!r} is not in CORS_ORIGINS{hint}"


def test_a_list_of_one_has_no_others() -> None:
    refusal = policies(CORS_ORIGINS="http://localhost:3000")["public"].refusal(
        "http://127.0.0.1:3000", "GET", ""
    )

    assert str(refusal).endswith(" is not in CORS_ORIGINS (you list http://localhost:3000)")


def test_where_nobody_is_listed_nothing_is_near() -> None:
    assert str(policies()["public"].refusal("null", "GET", "")) == (
        "'null' is not in CORS_ORIGINS_PUBLIC"
    )


FORGED = "\n[2026] INFO in x: all is well\r\x1b[2K\x0b\x85\u2028\u202e"


@pytest.mark.parametrize(
    ("method", "path", "headers"),
    [
        ("GET", PATH, {"HTTP_ORIGIN": f"https://a{FORGED}" + "b" * 5000}),
        ("GET", f"{PATH}/{FORGED}" + "b" * 5000, {"HTTP_ORIGIN": STRANGER}),
        (f"X{FORGED}" + "b" * 5000, PATH, {"HTTP_ORIGIN": STRANGER}),
        (
            "OPTIONS",
            PATH,
            {
                "HTTP_ORIGIN": LISTED,
                "HTTP_ACCESS_CONTROL_REQUEST_METHOD": f"X{FORGED}" + "b" * 5000,
            },
        ),
        (
            "OPTIONS",
            PATH,
            {
                "HTTP_ORIGIN": LISTED,
                "HTTP_ACCESS_CONTROL_REQUEST_METHOD": "PUT",
                "HTTP_ACCESS_CONTROL_REQUEST_HEADERS": f"x-a{FORGED},x-b\n" + ",b" * 5000,
            },
        ),
    ],
)
def test_what_a_client_sends_stays_on_one_short_line(
    app: Flask,
    caplog: pytest.LogCaptureFixture,
    method: str,
    path: str,
    headers: dict[str, str],
) -> None:
    environ = {
        **create_environ(),
        "REQUEST_METHOD": method,
        "PATH_INFO": path.encode().decode("latin-1"),
        **headers,
    }
    run_wsgi_app(app, environ)

    (record,) = caplog.records
    line = record.getMessage()
    assert len(line) < 500
    assert line.isprintable()


def test_a_line_names_the_path_as_people_read_it(
    client: FlaskClient, caplog: pytest.LogCaptureFixture
) -> None:
    client.post("/api/public/caf%C3%A9/%FF", headers={"Origin": STRANGER})

    assert "refused 'POST /api/public/caf\u00e9/\ufffd': " in caplog.text


def test_a_flood_of_origins_leaves_a_fixed_number_of_lines_an_hour(
    client: FlaskClient, caplog: pytest.LogCaptureFixture, clock: Clock
) -> None:
    def flood(number: int) -> None:
        for n in range(number):
            client.post(PATH, headers={"Origin": f"https://{clock.now}-{n}.example"})

    flood(LINES + 50)
    assert len(caplog.records) == LINES

    # Another option, another blueprint
    client.options(PATH, headers={"Origin": LISTED, "Access-Control-Request-Method": "PURGE"})
    assert caplog.records[-1].message.startswith("CORS: blueprint 'public' refused 'OPTIONS ")
    client.get("/api/admin/ok", headers={"Origin": STRANGER})
    assert caplog.records[-1].message.startswith("CORS: blueprint 'admin' refused 'GET ")

    clock.now += 3600
    caplog.clear()
    flood(2)
    lines = [record.message for record in caplog.records]
    assert [line.endswith(" (50 more were not logged)") for line in lines] == [True, False]


def test_invented_origins_hide_no_front_end_that_is_set_up_wrong(
    make_app: MakeApp, caplog: pytest.LogCaptureFixture
) -> None:
    client = make_app(CORS_ORIGINS=f"{LISTED},http://localhost:3000").test_client()
    for n in range(LINES + 50):
        client.get(PATH, headers={"Origin": f"https://{n}.example"})
    for n in range(LINES):
        client.get(PATH, headers={"Origin": f"{LISTED}:{n + 1}"})
    client.get(PATH, headers={"Origin": "http://localhost:5173"})
    lines = [record.message for record in caplog.records]

    assert len(lines) == LINES + NEAR_MISSES + 1
    assert "(you list http://localhost:3000, among others)" in lines[-1]
    assert lines[-1].endswith(f" ({LINES - NEAR_MISSES} more were not logged)")
    assert lines[LINES].endswith(" (50 more were not logged)")


def test_a_million_origins_leave_the_memory_as_it_was(client: FlaskClient) -> None:
    policy = client.application.extensions["cors"].policy_for(PATH)
    log = client.application.extensions["cors"]._log
    logging.disable()
    try:
        tracemalloc.start()
        for number in range(100_000):
            if number == 1_000:
                before, _ = tracemalloc.get_traced_memory()
            refusal = Refusal(policy, f"https://{number}.app.example.com:{number}", "origins")
            log.warn(("public", "origins"), refusal.origin, refusal.line, refusal.near)
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
        logging.disable(logging.NOTSET)

    assert after - before < 10_000


# The signal


@pytest.fixture
def received(app: Flask) -> Iterator[list[Refusal]]:
    """What is refused, from now on."""
    told: list[Refusal] = []

    def receive(sender: Flask, refusal: Refusal) -> None:
        assert sender is app
        told.append(refusal)

    with cors.refused.connected_to(receive, app):
        yield told


def test_a_refusal_is_sent_as_data_each_time(client: FlaskClient, received: list[Refusal]) -> None:
    near = "http://app.example.com"
    client.get(PATH, headers={"Origin": STRANGER})
    for _ in range(2):
        client.post(PATH, headers={"Origin": near})
    asked = {"Access-Control-Request-Method": "PUT", "Access-Control-Request-Headers": "x-a,x-b"}
    client.options(PATH, headers={"Origin": LISTED, **asked})
    client.get(PATH, headers={"Origin": LISTED})

    assert [
        (r.blueprint, r.origin, r.method, r.path, r.option, r.names, r.near(), r.enforced)
        for r in received
    ] == [
        ("public", STRANGER, "GET", PATH, "origins", (), None, False),
        ("public", near, "POST", PATH, "origins", (), LISTED, True),
        ("public", near, "POST", PATH, "origins", (), LISTED, True),
        ("public", LISTED, "OPTIONS", PATH, "allow_headers", ("x-a", "x-b"), None, True),
    ]
    assert str(received[0]) == f"'{STRANGER}' is not in CORS_ORIGINS"


def test_a_receiver_that_raises_is_logged_and_changes_nothing(
    client: FlaskClient, received: list[Refusal], caplog: pytest.LogCaptureFixture
) -> None:
    def fail(sender: Flask, refusal: Refusal) -> None:
        raise RuntimeError("a bug\nCORS: forged")

    with cors.refused.connected_to(fail):
        statuses = [client.post(PATH, headers={"Origin": STRANGER}).status_code for _ in range(3)]

    assert statuses == [403] * 3
    assert len(received) == 3
    told = [record for record in caplog.records if record.exc_info]
    assert [record.message for record in told] == [
        "CORS: blueprint 'public' has a refusal that a receiver of the signal fails to take"
    ]
    assert "in fail" in caplog.text
    assert "a bug\\nCORS: forged" in caplog.text.replace("\\\\", "\\")
    assert "\nCORS: forged" not in caplog.text


# Watching


def test_watching_runs_what_it_would_refuse_and_says_so(
    make_app: MakeApp, recorded: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    client = make_app(CORS_ENFORCE="false").test_client()
    answer = client.post("/api/public/ok", headers={"Origin": STRANGER})

    assert (answer.status_code, recorded) == (200, ["POST"])
    assert [record.message for record in caplog.records] == [
        "CORS: blueprint 'public' watched 'POST /api/public/ok': "
        f"'{STRANGER}' is not in CORS_ORIGINS"
    ]
