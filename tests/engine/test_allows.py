"""A function of the application that is asked for an origin which is on no list."""

import json
import time
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest
from flask import Flask, current_app, g, has_request_context
from flask.testing import FlaskClient
from my_api.cors import ConfigurationError
from werkzeug.test import run_wsgi_app

from .conftest import LISTED, STRANGER, MakeApp

PATH = "/api/public/ok"
PARTNER = "https://partner.example"
PREFLIGHT = {"Access-Control-Request-Method": "PUT"}


class Asked(list[str]):
    """A function, and for which origins it was asked."""

    answer: Any = True

    def __call__(self, origin: str) -> Any:
        self.append(origin)
        return self.answer


@pytest.fixture
def asked() -> Asked:
    return Asked()


@pytest.fixture
def client(make_app: MakeApp, asked: Asked) -> FlaskClient:
    return make_app(allows={"public": asked}, CORS_ORIGINS_ADMIN=LISTED).test_client()


def is_allowed(
    client: FlaskClient, origin: str = PARTNER, method: str = "GET", **more: str
) -> bool:
    headers = {"Origin": origin, **more}
    answer = client.open(PATH, method=method, headers=headers)
    allowed = answer.headers.get("Access-Control-Allow-Origin")
    assert allowed in (None, origin)
    assert answer.status_code == (
        403
        if not allowed and method in ("POST", "OPTIONS")
        else 204
        if method == "OPTIONS"
        else 200
    )
    assert "Origin" in answer.headers["Vary"]
    return allowed is not None


@pytest.mark.parametrize(("method", "more"), [("GET", {}), ("POST", {}), ("OPTIONS", PREFLIGHT)])
def test_what_it_allows_is_as_if_it_were_listed(
    client: FlaskClient, asked: Asked, method: str, more: dict[str, str]
) -> None:
    assert is_allowed(client, PARTNER, method, **more)
    asked.answer = False  # nothing is remembered
    assert not is_allowed(client, PARTNER, method, **more)
    assert asked == [PARTNER] * 2


def test_the_other_blueprint_does_not_ask(client: FlaskClient, asked: Asked) -> None:
    client.get("/api/admin/ok", headers={"Origin": PARTNER})

    assert asked == []


@pytest.mark.parametrize(
    "origin",
    [
        LISTED,
        "null",
        "",
        "*",
        "https://*.partner.example",
        "https://partner.example/",
        "https://PARTNER.example",
        "partner.example",
        "https://partner.example:443",
        "file://",
        "https://a\nb",
        "https://" + "a" * 8192,
        "https://" + "a." * 4096 + "example",
    ],
)
def test_it_is_asked_for_nothing_but_well_formed_origins_that_are_on_no_list(
    make_app: MakeApp, asked: Asked, origin: str
) -> None:
    app = make_app(allows={"public": asked})
    for method in ("GET", "POST", "OPTIONS"):
        environ = app.test_request_context(PATH, method=method, headers=PREFLIGHT).request.environ
        run_wsgi_app(app, {**environ, "HTTP_ORIGIN": origin})

    assert asked == []


@pytest.mark.parametrize(
    "headers",
    [{"Origin": "http://localhost"}, {"Origin": STRANGER, "Sec-Fetch-Site": "same-origin"}],
)
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_pages_of_the_api_never_ask_it(
    client: FlaskClient, asked: Asked, headers: dict[str, str], method: str
) -> None:
    assert client.open(PATH, method=method, headers=headers).status_code == 200
    assert asked == []


def test_it_is_not_asked_for_what_the_rule_of_credentials_refuses(
    make_app: MakeApp, asked: Asked
) -> None:
    client = make_app(
        allows={"public": asked}, CORS_SUPPORTS_CREDENTIALS="true", CORS_ORIGINS=""
    ).test_client()

    assert not is_allowed(client, "http://partner.example")
    assert asked == []
    assert is_allowed(client, "https://partner.example")
    assert is_allowed(client, "http://localhost:3000")


async def coroutine(_: str) -> bool:
    return True


class Coroutine:
    """What can be called, but must be awaited."""

    async def __call__(self, _: str) -> bool:
        return True


class Unprintable:
    """What fails when it is shown."""

    def __repr__(self) -> str:
        raise RuntimeError("no words")


@pytest.mark.filterwarnings("ignore:coroutine")
@pytest.mark.parametrize(
    ("answer", "shown"),
    [
        (1, "'1'"),
        ("yes", "\"'yes'\""),
        (None, "'None'"),
        ([1], "'[1]'"),
        (coroutine(""), "'<coroutine"),
        (Unprintable(), "a Unprintable"),
    ],
)
def test_nothing_but_true_means_yes(
    client: FlaskClient, asked: Asked, caplog: pytest.LogCaptureFixture, answer: Any, shown: str
) -> None:
    asked.answer = answer

    assert not is_allowed(client)
    assert f" for '{PARTNER}': {shown}" in caplog.records[0].message
    assert "counts as no" in caplog.records[0].message


def test_a_plain_no_is_no_mistake(
    client: FlaskClient, asked: Asked, caplog: pytest.LogCaptureFixture
) -> None:
    asked.answer = False

    assert not is_allowed(client)
    assert [record.message for record in caplog.records] == [
        f"CORS: blueprint 'public' refused 'GET {PATH}': '{PARTNER}' is not in CORS_ORIGINS"
    ]


def test_an_exception_means_no_and_is_logged_with_its_place(
    make_app: MakeApp, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(origin: str) -> bool:
        raise LookupError(f"no table for {origin}")

    client = make_app(allows={"public": broken}).test_client()
    for number in range(300):
        assert not is_allowed(client, f"https://{number}.example")

    told = [record for record in caplog.records if record.exc_info]
    assert "counts as no" in told[0].message
    assert "no table for https://0.example" in caplog.text
    assert len(told) == 100


def test_it_has_an_application_context_of_its_own(make_app: MakeApp) -> None:
    ended: list[object] = []

    def look(origin: str) -> bool:
        assert not hasattr(g, "seen")
        g.seen = True
        return current_app.name == "bare" and not has_request_context()

    app = make_app(allows={"public": look})
    app.teardown_appcontext(lambda error: ended.append(error))
    assert is_allowed(app.test_client())
    assert is_allowed(app.test_client())
    assert len(ended) == 4


def test_a_context_that_fails_to_end_means_no(make_app: MakeApp) -> None:
    app = make_app(allows={"public": lambda _: True})

    ends = iter([RuntimeError("the database is gone")])

    @app.teardown_appcontext
    def fail(_: object) -> None:
        for error in ends:
            raise error

    assert not is_allowed(app.test_client())


def test_a_slow_one_slows_that_request_alone(make_app: MakeApp) -> None:
    from threading import Event, Thread

    goes_on = Event()
    client = make_app(allows={"public": lambda _: goes_on.wait(10)}).test_client
    answers: list[bool] = []
    slow = Thread(target=lambda: answers.append(is_allowed(client())))
    slow.start()
    start = time.monotonic()
    assert is_allowed(client(), LISTED)
    assert time.monotonic() - start < 5
    assert answers == []
    goes_on.set()
    slow.join()
    assert answers == [True]


@pytest.mark.parametrize(
    ("allows", "wrong"),
    [
        ({"publik": bool}, "allows 'publik': names no blueprint of BLUEPRINTS (admin, public)"),
        ({"public": None}, "allows 'public': None is no function"),
        ({"public": ["https://a.example"]}, "is no function"),
        ({"public": coroutine}, "which nothing awaits; write def"),
        ({"public": partial(coroutine)}, "is a coroutine function"),
        ({"public": Coroutine()}, "is a coroutine function"),
    ],
)  # fmt: skip
def test_what_can_never_work_stops_the_start(
    make_app: MakeApp, allows: dict[str, Any], wrong: str
) -> None:
    with pytest.raises(ConfigurationError) as raised:
        make_app(allows=allows, CORS_MAX_AGE="x")

    *_, problem = map(str, sorted(raised.value.problems, key=lambda p: p.variable))
    assert wrong in problem
    assert len(raised.value.problems) == 2


def test_two_blueprints_are_equal_where_they_ask_the_same_one(make_app: MakeApp) -> None:
    def ask(_: str) -> bool:
        return True

    def policies(**allows: Any) -> Iterator[Any]:
        return (p for _, p in make_app(allows=allows).extensions["cors"].policies)

    one, other = policies(public=ask, admin=ask)
    assert one == other
    one, other = policies(public=ask, admin=lambda _: True)
    assert one != other
    one, other = policies(public=ask)
    assert one != other


def test_check_asks_it(make_app: MakeApp) -> None:
    app: Flask = make_app(allows={"public": lambda origin: current_app.name == "bare"})

    def check(*arguments: str) -> tuple[int, str]:
        result = app.test_cli_runner().invoke(args=["cors", "check", *arguments])
        return result.exit_code, result.output

    assert check(PARTNER, "PUT", PATH)[0] == 0
    code, output = check(PARTNER, "PURGE", PATH)
    assert code == 1
    assert "CORS_ORIGINS" not in output


def test_flask_cors_names_it(make_app: MakeApp) -> None:
    app = make_app(allows={"public": is_partner})

    def run(*arguments: str) -> str:
        return app.test_cli_runner().invoke(args=["cors", *arguments]).output

    assert run().count("  allows                what is_partner says of any other origin\n") == 1
    public, admin = json.loads(run("--json"))["blueprints"]
    assert (public["allows"], admin.get("allows")) == ("is_partner", None)


def is_partner(_: str) -> bool:
    return True
