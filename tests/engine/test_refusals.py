"""A refusal is one line in the log: who, why, which variable to edit."""

import logging

import pytest
from flask import Flask
from flask.testing import FlaskClient

from .conftest import LISTED, STRANGER, MakeApp
from .reading import policies

PATH = "/api/public/missing"
LINES = 100


def test_a_refusal_is_logged_once_with_the_variable_to_edit(
    client: FlaskClient, caplog: pytest.LogCaptureFixture
) -> None:
    for method in ("GET", "POST", "GET"):
        client.open(PATH, method=method, headers={"Origin": STRANGER})

    assert [(record.levelno, record.message) for record in caplog.records] == [
        (
            logging.WARNING,
            f"CORS: blueprint 'public' refused: '{STRANGER}' is not in CORS_ORIGINS",
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
    assert record.message == f"CORS: blueprint 'public' refused: {words}"


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


def test_an_attackers_origin_stays_on_one_short_line(
    client: FlaskClient, caplog: pytest.LogCaptureFixture
) -> None:
    client.get(PATH, headers={"Origin": "https://a\x0b\x85\u2028" + "b" * 5000})

    (record,) = caplog.records
    assert len(record.message) < 300
    assert len(record.message.splitlines()) == 1


def test_a_flood_of_origins_leaves_a_fixed_number_of_lines(
    app: Flask, caplog: pytest.LogCaptureFixture
) -> None:
    client = app.test_client()
    for number in range(LINES + 50):
        client.post(PATH, headers={"Origin": f"https://{number}.example"})

    assert len(caplog.records) == LINES
    assert caplog.records[-1].message.endswith(
        "; more of this kind are not logged until the next start"
    )

    client.options(PATH, headers={"Origin": LISTED, "Access-Control-Request-Method": "PURGE"})
    assert caplog.records[-1].message.startswith("CORS: blueprint 'public' refused: 'PURGE'")
