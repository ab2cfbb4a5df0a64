"""What flask-cors does by itself: the README cites it, and a release that changes it shows here."""

import sys

import pytest
from flask import Blueprint, Flask, Response, abort
from flask.testing import FlaskClient
from flask_cors import CORS, cross_origin
from werkzeug.test import TestResponse

A = "https://a.example.com"
B = "https://b.example.com"
EVIL = "https://evil.com"


def blueprint(name: str = "api", url_prefix: str = "/api") -> Blueprint:
    bp = Blueprint(name, __name__, url_prefix=url_prefix)
    bp.add_url_rule("/ok", view_func=lambda: "ok", methods=["GET", "POST"])
    bp.add_url_rule("/slash/", view_func=lambda: "ok", endpoint="slash")
    return bp


def client(*blueprints: Blueprint, **config: object) -> FlaskClient:
    app = Flask(__name__)
    app.config.update(config)
    for bp in blueprints:
        app.register_blueprint(bp)
    return app.test_client()


def allowed(answer: TestResponse) -> str | None:
    return answer.headers.get("Access-Control-Allow-Origin")


def ask(to: FlaskClient, origin: str, path: str = "/api/ok", method: str = "GET") -> TestResponse:
    return to.open(path, method=method, headers={"Origin": origin})


def preflight(to: FlaskClient, path: str) -> TestResponse:
    headers = {"Origin": A, "Access-Control-Request-Method": "GET"}
    return to.options(path, headers=headers)


def test_a_blueprint_ignores_the_configured_origins_and_answers_everyone() -> None:
    bp = blueprint()
    CORS(bp)

    assert allowed(ask(client(bp, CORS_ORIGINS=[A]), EVIL)) == EVIL


def test_cors_in_a_factory_raises_at_the_second_application() -> None:
    bp = blueprint()

    def create_app() -> None:
        CORS(bp, origins=[A])
        Flask(__name__).register_blueprint(bp)

    create_app()
    with pytest.raises(AssertionError, match="can no longer be called"):
        create_app()


def test_the_lists_of_application_and_blueprint_are_joined() -> None:
    app, bp = Flask(__name__), blueprint()
    CORS(app, origins=[A])
    CORS(bp, origins=[B])
    app.register_blueprint(bp)

    assert allowed(ask(app.test_client(), A)) == A
    assert allowed(ask(app.test_client(), B)) == B


def test_a_nested_blueprint_is_overruled_by_its_parent() -> None:
    parent, child = Blueprint("p", __name__, url_prefix="/p"), blueprint()
    CORS(parent, origins=[A])
    CORS(child, origins=[B])
    parent.register_blueprint(child)

    assert allowed(ask(client(parent), A, "/p/api/ok")) == A


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/api/nope", 404), ("PUT", "/api/ok", 405), ("GET", "/api/slash", 308)],
)
def test_errors_of_routing_have_no_headers(method: str, path: str, status: int) -> None:
    bp = blueprint()
    CORS(bp, origins=[A])
    answer = ask(client(bp), A, path, method)

    assert (answer.status_code, allowed(answer)) == (status, None)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/api/nope", 404), ("PUT", "/api/ok", 405), ("GET", "/api/slash", 308)],
)
def test_those_of_an_application_have_them(method: str, path: str, status: int) -> None:
    app = Flask(__name__)
    CORS(app, origins=[A])
    app.register_blueprint(blueprint())
    answer = ask(app.test_client(), A, path, method)

    assert (answer.status_code, allowed(answer)) == (status, A)


@pytest.mark.parametrize(("path", "status"), [("/api/nope", 404), ("/api/slash", 308)])
def test_their_preflights_fail_too(path: str, status: int) -> None:
    bp = blueprint()
    CORS(bp, origins=[A])

    assert preflight(client(bp), path).status_code == status


@pytest.mark.parametrize("of_the_application", [True, False])
def test_a_login_hook_answers_the_preflight_with_401(of_the_application: bool) -> None:
    app, bp = Flask(__name__), blueprint()
    bp.before_request(lambda: abort(401))
    CORS(app if of_the_application else bp, origins=[A])
    app.register_blueprint(bp)

    assert preflight(app.test_client(), "/api/ok").status_code == 401


@pytest.mark.parametrize(
    ("entry", "origin", "is_allowed"),
    [
        ("https://*.example.com", "https://app.example.com", False),
        ("https://*.example.com", "https://aexample.com.evil.com", True),
        (f'["{A}", "{B}"]', EVIL, True),
        (f"{A},{B}", A, False),
        (f"{A}, {B}", B, False),
        (f"{A}/", A, False),
    ],
)
def test_entries_do_not_mean_what_they_seem_to(entry: str, origin: str, is_allowed: bool) -> None:
    bp = blueprint()
    CORS(bp, origins=entry)

    assert (allowed(ask(client(bp), origin)) == origin) is is_allowed


def test_credentials_with_an_asterisk_reflect_every_origin() -> None:
    bp = blueprint()
    CORS(bp, origins="*", supports_credentials=True)
    answer = ask(client(bp), EVIL)

    assert allowed(answer) == EVIL
    assert answer.headers["Access-Control-Allow-Credentials"] == "true"


def test_the_text_false_is_true() -> None:
    app = Flask(__name__)
    app.config["CORS_SUPPORTS_CREDENTIALS"] = "false"
    CORS(app)
    app.register_blueprint(blueprint())

    answer = ask(app.test_client(), A)
    assert answer.headers["Access-Control-Allow-Credentials"] == "true"


@pytest.mark.parametrize(("max_age", "sent"), [(0, None), ("0", "0")])
def test_a_max_age_of_zero_is_dropped_unless_it_is_text(
    max_age: int | str, sent: str | None
) -> None:
    bp = blueprint()
    CORS(bp, origins=[A], max_age=max_age)

    assert preflight(client(bp), "/api/ok").headers.get("Access-Control-Max-Age") == sent


@pytest.mark.parametrize(("origins", "origin"), [([A, B], EVIL), ([A], A), ([A], EVIL)])
def test_refused_answers_and_those_of_a_single_origin_do_not_vary(
    origins: list[str], origin: str
) -> None:
    bp = blueprint()
    CORS(bp, origins=origins)

    assert "Vary" not in ask(client(bp), origin).headers


def test_a_refused_post_runs_its_view() -> None:
    ran: list[bool] = []
    bp = Blueprint("api", __name__, url_prefix="/api")

    @bp.post("/order")
    def order() -> str:
        ran.append(True)
        return "ordered"

    CORS(bp, origins=[A])

    assert allowed(ask(client(bp), EVIL, "/api/order", "POST")) is None
    assert ran == [True]


def test_every_origin_of_the_list_is_looked_at() -> None:
    def calls(count: int) -> int:
        """Count the Python functions that one request calls."""
        bp = blueprint()
        CORS(bp, origins=[f"https://{number}.example.com" for number in range(count)])
        to = client(bp)
        ask(to, EVIL)
        events: list[str] = []
        sys.setprofile(lambda frame, event, argument: events.append(event))
        try:
            ask(to, EVIL)
        finally:
            sys.setprofile(None)
        return events.count("call")

    assert calls(1010) - calls(10) >= 1000


def test_the_decorator_writes_what_the_extension_writes() -> None:
    """The public way that the generated project takes to ask what is to be sent."""
    bp = blueprint()
    CORS(bp, origins=[A, B], methods=["GET"], max_age="5", expose_headers=["X-A"])

    @cross_origin(origins=[A, B], methods=["GET"], max_age="5", expose_headers=["X-A"])
    def view() -> Response:
        return Response("ok")

    by_extension = ask(client(bp), A).headers
    with Flask(__name__).test_request_context(headers={"Origin": A}):
        by_decorator = view().headers
    names = {name for name, _ in by_extension if name.startswith("Access-Control-")}
    assert names == {"Access-Control-Allow-Origin", "Access-Control-Expose-Headers"}
    assert {name: by_decorator[name] for name in names} == {n: by_extension[n] for n in names}
