"""What is believed of a request: proxies, the size of a body, the depth of JSON."""

from io import BytesIO
from time import process_time

import pytest
from flask import Flask, Request, request
from flask.json.provider import DefaultJSONProvider
from hypothesis import given, settings
from hypothesis import strategies as st
from my_api import create_app, incoming
from my_api.cors import ConfigurationError
from my_api.cors.browser import Browser, send_to
from werkzeug.sansio.utils import host_is_trusted
from werkzeug.test import TestResponse, create_environ, run_wsgi_app

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


NO_HOSTS = ["[1:2:3]", "[:::]", "[1::2::3]", "[::1.2.3]", "[ffff:::]:80", "[]x", "a..b", ".."]


@pytest.mark.parametrize("host", NO_HOSTS)
def test_a_host_that_can_be_none_is_answered_with_400(make_app: MakeApp, host: str) -> None:
    app = make_app()

    for path in ("/api/public", "/api/public/", "/health"):
        _, status, _ = run_wsgi_app(app, create_environ(path) | {"HTTP_HOST": host})
        assert status.startswith("400 ")


@pytest.mark.parametrize("host", [*NO_HOSTS, ".a", "a" * 64])
def test_a_host_of_a_proxy_that_can_be_none_counts_as_not_sent(
    make_app: MakeApp, host: str
) -> None:
    app = make_app(TRUSTED_PROXY_HOPS=1)

    assert told(app, **{"X-Forwarded-Host": host})[1] == "http://localhost/"


def test_a_request_without_a_body_is_passed_on_at_once(make_app: MakeApp) -> None:
    app = make_app()
    environ = {"wsgi.input_terminated": True, "wsgi.input": BytesIO()}
    began = process_time()
    for _ in range(20):
        assert app.test_client().get("/health", environ_overrides=environ).status_code == 200

    assert process_time() - began < 3  # of a hundredth of a second each, at most


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


# Two proxies in a row, of which each header says something else, and what is believed of it.
CHAIN = {
    "X-Forwarded-For": "203.0.113.9, 198.51.100.1",
    "X-Forwarded-Proto": "https",
    "X-Forwarded-Host": "api.example.com",
    "X-Forwarded-Prefix": "/app",
}


@pytest.mark.parametrize(
    ("hops", "client", "site", "prefix"),
    [
        (2, "203.0.113.9", "http://localhost/", ""),
        ({"x_for": 2, "x_proto": 1, "x_host": 1}, "203.0.113.9", "https://api.example.com/", ""),
        ({"x_for": 1}, "198.51.100.1", "http://localhost/", ""),
        ({"x_proto": 1}, "127.0.0.1", "https://localhost/", ""),
        ({"x_host": 1}, "127.0.0.1", "http://api.example.com/", ""),
        ({"x_prefix": 1}, "127.0.0.1", "http://localhost/", "/app"),
        (1, "198.51.100.1", "https://api.example.com/", ""),
        ({}, "127.0.0.1", "http://localhost/", ""),
        ({"x_for": 0, "x_proto": 0}, "127.0.0.1", "http://localhost/", ""),
    ],
)
def test_of_each_header_as_many_proxies_are_believed_as_write_it(
    make_app: MakeApp, hops: object, client: str, site: str, prefix: str
) -> None:
    redirect = make_app(TRUSTED_PROXY_HOPS=hops).test_client().get("/api/public", headers=CHAIN)

    assert redirect.headers["Location"] == site.removesuffix("/") + prefix + "/api/public/"
    assert told(make_app(TRUSTED_PROXY_HOPS=hops), **CHAIN) == (client, site)


def test_the_numbers_are_read_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLASK_TRUSTED_PROXY_HOPS", '{"x_for": 2, "x_proto": 1, "x_host": 1}')

    assert told(create_app(), **CHAIN) == ("203.0.113.9", "https://api.example.com/")


EVERY_ONE = {"x_for": 1, "x_proto": 1, "x_host": 1, "x_prefix": 1}
AS_IF_NOT_SENT = {
    "X-Forwarded-Proto": [
        *(
            "http://a:b",
            "javascript",
            "HTTPS",
            "ws",
            "ftp",
            "https:",
            "a b",
            "\xe9",
            '"https, http"',
        ),
    ],
    "X-Forwarded-Host": [
        *("a b", "a@b", "a/b", "a?b", "a_b", "a:", "a:0", "a:99999", "a:b", "[::1", "[:]", "[zz]"),
        *("::1", "\xe9.example", "https://a", "a\\b", "a#b"),
    ],
    "X-Forwarded-Prefix": [
        *("app", "//a", "//a.example/b", "/a//b", "/a b", "/a?b", "/a#b", "/../a", "/a/..", "/./a"),
        *("https://a.example", "/a\\b", "/%2f", "/\xe9", "/", "\\a"),
    ],
}


@pytest.mark.parametrize(
    ("name", "value"),
    [(name, value) for name, values in AS_IF_NOT_SENT.items() for value in values],
)
def test_what_can_be_no_scheme_host_or_prefix_counts_as_not_sent(
    make_app: MakeApp, name: str, value: str
) -> None:
    app = make_app(TRUSTED_PROXY_HOPS=EVERY_ONE, PROPAGATE_EXCEPTIONS=True)
    without, answer = (
        app.test_client().get("/api/public", headers={**CHAIN, name: told}) for told in ("", value)
    )

    assert answer.status_code == 308
    assert answer.headers["Location"] == without.headers["Location"]


@pytest.mark.parametrize(
    ("name", "value", "location"),
    [
        ("X-Forwarded-Proto", "http", "http://api.example.com/app/api/public/"),
        ("X-Forwarded-Proto", "javascript, https", "https://api.example.com/app/api/public/"),
        ("X-Forwarded-Host", "[2001:db8::1]:8443", "https://[2001:db8::1]:8443/app/api/public/"),
        ("X-Forwarded-Host", "203.0.113.1:8000", "https://203.0.113.1:8000/app/api/public/"),
        (
            "X-Forwarded-Host",
            "a b, xn--bcher-kva.example",
            "https://xn--bcher-kva.example/app/api/public/",
        ),
        ("X-Forwarded-Prefix", "/app/", "https://api.example.com/app/api/public/"),
        (
            "X-Forwarded-Prefix",
            "/v1.2/my-app_~",
            "https://api.example.com/v1.2/my-app_~/api/public/",
        ),
    ],
)
def test_what_can_be_one_is_taken(make_app: MakeApp, name: str, value: str, location: str) -> None:
    client = make_app(TRUSTED_PROXY_HOPS=EVERY_ONE).test_client()

    assert client.get("/api/public", headers={**CHAIN, name: value}).headers["Location"] == location


@pytest.mark.parametrize(
    "hops",
    [
        {"x_for": -1},
        {"x_for": True},
        {"x_for": "1"},
        {"for": 1},
        {"x_for": 1, "x_port": 1},
        {"x_for": None},
    ],
)
def test_names_and_numbers_that_proxy_fix_does_not_have_stop_the_start(hops: object) -> None:
    with pytest.raises(ConfigurationError) as raised:
        create_app({"TRUSTED_PROXY_HOPS": hops})

    (problem,) = raised.value.problems
    assert (problem.variable, problem.wrong) == (
        "FLASK_TRUSTED_PROXY_HOPS",
        'not whole numbers such as {"x_for": 0, "x_proto": 0, "x_host": 0, "x_prefix": 0}',
    )


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
        ("true", None),
        ("{}", None),
        ("[]", None),
        ('[""]', None),
        ('["."]', None),
        ("*", None),
        ('["*"]', None),
        ('["*.example.com"]', '[".example.com"]'),
        ("https://api.example.com", '["api.example.com"]'),
        ('["https://api.example.com/v1", "b.example"]', '["api.example.com", "b.example"]'),
        ('["//api.example.com"]', '["api.example.com"]'),
        ('["a b"]', '["a", "b"]'),
        ('[" api.example.com "]', '["api.example.com"]'),
        ('["API.example.com"]', '["api.example.com"]'),
        ("API.example.com", '["api.example.com"]'),
        ('["api.example.com."]', None),
        ('["a..b"]', None),
        ('["..example.com"]', None),
        ('["[::1]"]', None),
        ('["::1"]', None),
        ('["[::1]:8000"]', None),
        ('["a_b.example"]', None),
        ('["b\xfccher.example"]', None),
        ('["api.example.com:"]', None),
        ('["api.example.com/v1"]', '["api.example.com"]'),
        (f'["{"a" * 64}.example"]', None),
        ('["user@api.example.com"]', None),
    ],
)
def test_hosts_that_no_browser_sends_stop_the_start(
    monkeypatch: pytest.MonkeyPatch, hosts: str, write: str | None
) -> None:
    monkeypatch.setenv("FLASK_TRUSTED_HOSTS", hosts)

    with pytest.raises(ConfigurationError, match="Configuration has 1 problem:\n") as raised:
        create_app()

    (problem,) = raised.value.problems
    assert (problem.variable, problem.wrong) == (
        "FLASK_TRUSTED_HOSTS",
        'not a list of names such as ["api.example.com"]: lower case, no scheme, path, * or IPv6',
    )
    assert problem.write == write


PIECES = [
    "a",
    "A",
    "-",
    ".",
    "..",
    ":",
    ":8000",
    "[::1]",
    "*",
    " ",
    "_",
    "\xfc",
    "xn--a",
    "7",
    "//",
]


@settings(max_examples=2000, deadline=None, database=None, derandomize=True)
@given(entry=st.lists(st.sampled_from(PIECES), max_size=6).map("".join))
def test_an_entry_is_taken_where_werkzeug_finds_a_host_for_it(entry: str) -> None:
    """The Host of a browser: in lower case, without a dot at its end, names in punycode."""
    host = entry.removeprefix(".").lower().partition(":")[0]
    try:
        found = host_is_trusted(host, [entry]) and not host.endswith(".")
    except UnicodeError:  # which Werkzeug lets through: a 500 for everybody
        found = False

    taken = incoming.problems_of_hosts({"TRUSTED_HOSTS": [entry]}) == []

    assert taken <= found
    if ":" not in entry:  # Werkzeug knows ports, but no IPv6
        assert taken == found


@pytest.mark.parametrize(
    ("hosts", "status"),
    [
        ("", 200),
        ('["localhost:8000"]', 200),  # which stands for every port
        ('[".localhost"]', 200),
        ('[".api.localhost"]', 400),
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


@pytest.mark.parametrize("body", ["1e999", "-1e999", "NaN", "Infinity", "-Infinity"])
@pytest.mark.parametrize("around", ["{}", "[{}]", '{{"a": [1.5, {{"b": {}}}]}}'])
def test_numbers_that_json_does_not_have_are_refused(
    make_app: MakeApp, body: str, around: str
) -> None:
    client = make_app().test_client()

    answer = client.post(
        "/api/public/echo", data=around.format(body), content_type="application/json"
    )

    assert answer.status_code == 400


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


class Broken(BytesIO):
    """A body that its server finds to be none, in an error of its own."""

    def read(self, size: int | None = -1) -> bytes:
        raise RuntimeError("no chunk size")


@pytest.mark.parametrize("method", ["POST", "GET"])
def test_chunks_that_are_none_are_answered_with_400(make_app: MakeApp, method: str) -> None:
    app = make_app(PROPAGATE_EXCEPTIONS=True)
    app.add_url_rule(PATH, view_func=lambda: request.get_data(), methods=["GET", "POST"])
    answer = app.test_client().open(
        PATH,
        method=method,
        input_stream=Broken(),
        headers={"Transfer-Encoding": "chunked"},
        environ_overrides={"wsgi.input_terminated": True},
    )

    assert answer.status_code == 400


@pytest.mark.parametrize(
    ("size", "headers", "read"),
    [
        (4 * MEBIBYTE, {}, 4 * MEBIBYTE),
        (4 * MEBIBYTE, {"Transfer-Encoding": "chunked"}, 4 * MEBIBYTE),
        (20 * MEBIBYTE, {"Transfer-Encoding": "chunked"}, 16 * MEBIBYTE),
        (20 * MEBIBYTE, {}, 0),
    ],
)
@pytest.mark.parametrize("path", ["/api/public/echo", "/api/public/nowhere", "/nowhere"])
def test_a_body_that_nobody_wants_is_read_within_bounds(
    make_app: MakeApp, size: int, headers: dict[str, str], read: int, path: str
) -> None:
    """A proxy that is still sending it would answer 502 if the connection were closed."""
    body = BytesIO(b" " * size)
    length = {} if headers else {"CONTENT_LENGTH": str(size)}
    answer = (
        make_app()
        .test_client()
        .post(
            path,
            input_stream=body,
            headers={"Origin": LISTED, "Content-Type": "application/json", **headers},
            environ_overrides={"wsgi.input_terminated": True, **length},
        )
    )
    answer.close()

    assert answer.status_code in (404, 413)
    assert read <= body.tell() <= read + MEBIBYTE + 1  # what a view may read before it refuses
