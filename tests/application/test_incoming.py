"""What is believed of a request: proxies, the size of a body, the depth of JSON."""

from io import BytesIO

import pytest
from flask import Flask, Request, request
from flask.json.provider import DefaultJSONProvider
from my_api import create_app, incoming
from my_api.cors import ConfigurationError
from my_api.cors.browser import Browser, send_to
from werkzeug.test import TestResponse

from .conftest import LISTED, MakeApp

PATH = "/api/public/incoming"
FORWARDED = {
    "X-Forwarded-For": "203.0.113.9",
    "X-Forwarded-Proto": "https",
    "X-Forwarded-Host": "api.example.com",
}


def told(app: Flask, **headers: str) -> tuple[str | None, str]:
    """Return the client's address and the site's own, as a view sees them."""

    @app.get("/told")
    def view() -> dict[str, str | None]:
        return {"client": request.remote_addr, "site": request.host_url}

    answer = app.test_client().get("/told", headers=headers).get_json()
    return answer["client"], answer["site"]


@pytest.mark.parametrize("hops", [{}, {"TRUSTED_PROXY_HOPS": 0}, {"TRUSTED_PROXY_HOPS": ""}])
def test_nobody_is_believed_unless_told_so(make_app: MakeApp, hops: dict[str, object]) -> None:
    assert told(make_app(**hops), **FORWARDED) == ("127.0.0.1", "http://localhost/")


def test_a_trusted_proxy_tells_client_scheme_and_host(make_app: MakeApp) -> None:
    app = make_app(TRUSTED_PROXY_HOPS=1)

    assert told(app, **FORWARDED) == ("203.0.113.9", "https://api.example.com/")


def test_of_more_hops_the_last_ones_count(make_app: MakeApp) -> None:
    app = make_app(TRUSTED_PROXY_HOPS=2)
    chain = {name: f"forged, {value}, proxy" for name, value in FORWARDED.items()}

    assert told(app, **chain) == ("203.0.113.9", "https://api.example.com/")


def test_same_origin_is_decided_by_the_host_that_a_trusted_proxy_tells(make_app: MakeApp) -> None:
    """Old browsers send no Sec-Fetch-Site: there the Origin must name the Host."""
    own = {"Origin": "https://api.example.com", **FORWARDED}

    def status(hops: int) -> int:
        client = make_app(TRUSTED_PROXY_HOPS=hops).test_client()
        return client.post(PATH, headers=own).status_code

    assert (status(0), status(1)) == (403, 404)


@pytest.mark.parametrize("name", ["TRUSTED_PROXY_HOPS", "MAX_CONTENT_LENGTH"])
@pytest.mark.parametrize("value", ["one", "1 MB", "-1", "1.5", "true", "[1]"])
def test_anything_but_a_whole_number_stops_the_start(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(f"FLASK_{name}", value)

    with pytest.raises(ConfigurationError, match="Configuration has 1 problem:\n") as raised:
        create_app()

    (problem,) = raised.value.problems
    assert (problem.variable, problem.code) == (f"FLASK_{name}", "number")
    assert problem.wrong == "not a whole number of 0 or more, such as 1"
    assert str(problem.entry).lower() == value.lower()


@pytest.mark.parametrize(
    ("hosts", "write"),
    [
        ("api.example.com,127.0.0.1", '["api.example.com", "127.0.0.1"]'),
        ("['api.example.com', '127.0.0.1']", '["api.example.com", "127.0.0.1"]'),
        ("['api.example.com']", '["api.example.com"]'),
        ("8000", None),
        ("[1]", None),
    ],
)
def test_hosts_that_are_no_list_stop_the_start(
    monkeypatch: pytest.MonkeyPatch, hosts: str, write: str | None
) -> None:
    monkeypatch.setenv("FLASK_TRUSTED_HOSTS", hosts)

    with pytest.raises(ConfigurationError, match="Configuration has 1 problem:\n") as raised:
        create_app()

    (problem,) = raised.value.problems
    assert (problem.variable, problem.wrong) == (
        "FLASK_TRUSTED_HOSTS",
        "not a list of names in JSON",
    )
    assert problem.write == write


@pytest.mark.parametrize(
    ("hosts", "status"),
    [
        ("", 200),
        ("localhost", 200),
        ("api.example.com", 400),
        ('["api.example.com"]', 400),
        ('["api.example.com", "localhost"]', 200),
    ],
)
def test_a_host_that_is_not_trusted_is_answered_with_400(
    monkeypatch: pytest.MonkeyPatch, hosts: str, status: int
) -> None:
    monkeypatch.setenv("FLASK_TRUSTED_HOSTS", hosts)

    assert create_app().test_client().get("/health").status_code == status


def test_the_options_of_the_reader_of_json_are_kept(app: Flask) -> None:
    assert app.json.loads("[1.50]", parse_float=str) == ["1.50"]


@pytest.fixture
def page(make_app: MakeApp) -> Browser:
    """A browser whose pages may send JSON to a view that returns the names in it."""
    app = make_app()
    app.add_url_rule(PATH, view_func=lambda: {"names": [*request.get_json()]}, methods=["POST"])
    return Browser(send_to(app))


@pytest.mark.parametrize("debug", [False, True])
@pytest.mark.parametrize(("begin", "end"), [('{"a":', "}"), ('{"[":[1,', "]}")])
def test_what_is_read_of_json_can_be_written_too(
    make_app: MakeApp, debug: bool, begin: str, end: str
) -> None:
    """Python's limits for both differ, most of all where debug mode indents what it writes."""
    client = make_app(DEBUG=debug, PROPAGATE_EXCEPTIONS=False).test_client()

    def status(levels: int) -> int:
        times = levels // len(end)
        body = begin * times + "1" + end * times
        answer = client.post("/api/public/echo", data=body, content_type="application/json")
        return answer.status_code

    assert [status(levels) for levels in (2, 500, 502, 982, 990, 5_000)] == [200] * 2 + [400] * 4


@pytest.mark.parametrize("late", [False, True])
def test_classes_of_the_application_stay_in_force(late: bool) -> None:
    class OwnRequest(Request):
        pass

    class OwnProvider(DefaultJSONProvider):
        sort_keys = False

    def own(app: Flask) -> None:
        app.request_class = OwnRequest
        app.json = OwnProvider(app)

    app = Flask("own")
    for step in (incoming.init_app, own) if late else (own, incoming.init_app):
        step(app)

    @app.post("/")
    def view() -> list[object]:
        return [request.__class__.__name__, request.get_json()]

    def post(body: str) -> TestResponse:
        return app.test_client().post("/", data=body, content_type="application/json")

    assert post('{"b": 1, "a": 2}').text == '["OwnRequest",{"b":1,"a":2}]\n'
    assert post("[" * 501 + "]" * 501).status_code == 400
    assert type(app.json) is OwnProvider
    assert app.json.loads(s="[1]") == [1]


def test_a_view_may_set_a_limit_of_its_own(make_app: MakeApp) -> None:
    app = make_app(MAX_CONTENT_LENGTH=1)

    @app.post("/large")
    def large() -> str:
        request.max_content_length = 10
        return request.get_data(as_text=True)

    def post(body: bytes) -> TestResponse:
        chunks = {"wsgi.input_terminated": True}
        return app.test_client().post(
            "/large", input_stream=BytesIO(body), environ_overrides=chunks
        )

    assert post(b"a" * 10).text == "a" * 10
    assert post(b"a" * 11).status_code == 413


MEBIBYTE = 1024 * 1024


@pytest.mark.parametrize(
    ("body", "content_type", "status"),
    [
        (b'{"a": 1}', "application/json", 200),
        (b"{}" + b" " * (MEBIBYTE - 2), "application/json", 200),
        (b"{}" + b" " * (MEBIBYTE - 1), "application/json", 413),
        (b"{", "application/json", 400),
        (b"[" * 200_000, "application/json", 400),
        (b"\xff", "application/json", 400),
        (b"{}", "text/plain", 415),
    ],
)
def test_a_listed_page_reads_why_its_body_is_refused(
    page: Browser, body: bytes, content_type: str, status: int
) -> None:
    answer = page.fetch(
        PATH, origin=LISTED, method="POST", body=body, headers={"Content-Type": content_type}
    )

    assert answer.status == status
    if status != 200:
        assert answer.headers["Content-Type"] == "application/problem+json"
        assert answer.json["status"] == status


@pytest.mark.parametrize(("blanks", "status"), [(8, 200), (9, 413)])
def test_a_body_in_chunks_is_refused_and_not_cut_off(
    make_app: MakeApp, blanks: int, status: int
) -> None:
    app = make_app(MAX_CONTENT_LENGTH=10)
    app.add_url_rule(PATH, view_func=lambda: {"names": [*request.get_json()]}, methods=["POST"])
    answer = app.test_client().post(
        PATH,
        input_stream=BytesIO(b"{}" + b" " * blanks),
        headers={"Content-Type": "application/json", "Transfer-Encoding": "chunked"},
        environ_overrides={"wsgi.input_terminated": True},
    )

    assert answer.status_code == status


@pytest.mark.parametrize(("length", "read", "status"), [("2", 2, 200), ("", 0, 400)])
def test_nothing_is_read_behind_the_end_of_a_body(
    make_app: MakeApp, length: str, read: int, status: int
) -> None:
    """The connection may hold the next request; without a length there is no body at all."""
    app = make_app(MAX_CONTENT_LENGTH=10)
    app.add_url_rule(PATH, view_func=lambda: {"names": [*request.get_json()]}, methods=["POST"])
    connection = BytesIO(b"{}" + b"POST / HTTP/1.1")
    answer = app.test_client().post(
        PATH,
        input_stream=connection,
        headers={"Content-Type": "application/json"},
        environ_overrides={"CONTENT_LENGTH": length},
    )

    assert (answer.status_code, connection.tell()) == (status, read)
