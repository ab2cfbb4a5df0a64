"""What pages see: every blueprint, every kind of origin, every situation; then rule by rule."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any

import pytest
from flask import Blueprint, Flask, Response
from flask.testing import FlaskClient
from my_api import cors
from my_api.cors.browser import Blocked, Browser, send_to
from werkzeug.routing import Rule
from werkzeug.test import create_environ, run_wsgi_app

from .conftest import LISTED, STRANGER, MakeApp, Recorded

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

UNLISTED = {
    "stranger": STRANGER,
    "look-alike prefix": "https://evilapp.example.com",
    "look-alike suffix": "https://app.example.com.evil.example",
    "other scheme": "http://app.example.com",
    "other port": "https://app.example.com:8443",
    "upper case": "https://APP.example.com",
    "trailing dot": "https://app.example.com.",
    "null": "null",
}
# Method, path below the prefix, request headers, status.
SITUATIONS: dict[str, tuple[str, str, dict[str, str], int]] = {
    "200": ("GET", "/ok", {}, 200),
    "preflight": ("PUT", "/ok", {}, 200),
    "bearer token": ("GET", "/private", {"Authorization": "Bearer me"}, 200),
    "401 of a login hook": ("GET", "/private", {}, 401),
    "401 after a preflight": ("GET", "/private", {"Authorization": "no"}, 401),
    "404": ("GET", "/missing", {}, 404),
    "404 after a preflight": ("PUT", "/missing", {}, 404),
    "405": ("POST", "/read-only", {}, 405),
    "308": ("GET", "/slash", {}, 200),
    "308 after a preflight": ("PUT", "/slash", {}, 200),
    "500": ("GET", "/boom", {}, 500),
    "500 of a hook": ("GET", "/hook", {}, 500),
    "stream": ("GET", "/stream", {}, 200),
}
PREFIXES = ["/api/public", "/api/admin"]
PREFIX = PREFIXES[0]
PREFLIGHT = {"Origin": LISTED, "Access-Control-Request-Method": "PUT"}


def cors_headers(headers: Iterable[tuple[str, str]]) -> dict[str, str]:
    return {name: value for name, value in headers if name.startswith("Access-Control-")}


# Which policy


@pytest.fixture
def selected() -> Callable[[str], str | None]:
    """Return the prefix of the policy that a path selects among four."""
    prefixes = {"a": "/api", "b": "/api/admin", "c": "/api/admin/v2", "d": "/é"}
    app = Flask("bare")
    cors.init_app(app, [Blueprint(n, __name__, url_prefix=p) for n, p in prefixes.items()])

    def select(path_info: str) -> str | None:
        policy = app.extensions["cors"].policy_for(path_info)
        return prefixes[policy.blueprint] if policy else None

    return select


@pytest.mark.parametrize(
    ("path_info", "prefix"),
    [
        ("/api", "/api"),
        ("/api/", "/api"),
        ("/api/x/admin", "/api"),
        ("/api/admin", "/api/admin"),
        ("/api/admin/", "/api/admin"),
        ("/api/admin/v2", "/api/admin/v2"),
        ("/api/admin/v2/x/y/z", "/api/admin/v2"),
        ("/api/admin/v22", "/api/admin"),
        ("/api/administrator", "/api"),
        ("/api//admin", "/api/admin"),
        ("/api///admin//v2//x", "/api/admin/v2"),
        ("/apiary//api", None),
        ("/apiary", None),
        ("/API", None),
        ("/", None),
        ("/x/api", None),
        ("/X/api", None),
        # As Werkzeug routes it
        ("//api/x", "/api"),
        ("///api//x", "/api"),
        ("api", "/api"),
        ("", None),
        ("/\xc3\xa9/x", "/é"),
        ("/\xe9/x", None),
        ("/\xff", None),
    ],
)
def test_the_longest_prefix_selects(
    selected: Callable[[str], str | None], path_info: str, prefix: str | None
) -> None:
    assert selected(path_info) == prefix


def test_slashes_in_a_row_count_where_they_are_not_merged(app: Flask) -> None:
    policy_for = app.extensions["cors"].policy_for
    merged = policy_for("/api//public/ok")
    app.url_map.merge_slashes = False

    assert merged is policy_for("/api/public/ok") is not None
    assert policy_for("/api//public/ok") is None


def test_a_listed_page_follows_the_redirect_of_two_slashes(browser: Browser) -> None:
    for path in ("/api//public/ok", "/api///public//ok"):
        assert browser.fetch(path, origin=LISTED).json == {"ok": True}


def test_without_a_prefix_no_path_has_a_policy() -> None:
    app = Flask("bare")
    cors.init_app(app, [])

    assert app.extensions["cors"].policy_for("/api") is None


# The walk


@pytest.mark.parametrize("situation", SITUATIONS)
@pytest.mark.parametrize("prefix", PREFIXES)
def test_a_listed_page_reads_every_answer(browser: Browser, prefix: str, situation: str) -> None:
    method, path, headers, status = SITUATIONS[situation]

    answer = browser.fetch(prefix + path, origin=LISTED, method=method, headers=headers)

    assert answer.status == status


@pytest.mark.parametrize("situation", SITUATIONS)
@pytest.mark.parametrize("prefix", PREFIXES)
def test_another_page_reads_none(
    browser: Browser, recorded: Recorded, prefix: str, situation: str
) -> None:
    method, path, headers, _ = SITUATIONS[situation]

    for origin in UNLISTED.values():
        with pytest.raises(Blocked):
            browser.fetch(prefix + path, origin=origin, method=method, headers=headers)
    assert set(recorded) <= {"GET"}


@pytest.mark.parametrize("situation", SITUATIONS)
@pytest.mark.parametrize("prefix", PREFIXES)
def test_a_blueprint_is_stricter_than_the_rest(
    make_app: MakeApp, prefix: str, situation: str
) -> None:
    own = "https://own.example"
    variable = f"CORS_ORIGINS_{prefix.removeprefix('/api/').upper()}"
    browser = Browser(send_to(make_app(**{variable: own})))
    method, path, headers, status = SITUATIONS[situation]
    path = prefix + path

    assert browser.fetch(path, origin=own, method=method, headers=headers).status == status
    with pytest.raises(Blocked):
        browser.fetch(path, origin=LISTED, method=method, headers=headers)


# Answers


def test_nothing_set_means_nobody(make_app: MakeApp) -> None:
    browser = Browser(send_to(make_app(CORS_ORIGINS="")))

    with pytest.raises(Blocked):
        browser.fetch(f"{PREFIX}/ok", origin=LISTED)


def test_without_an_origin_the_answer_is_the_applications(client: FlaskClient) -> None:
    answer = client.get(f"{PREFIX}/ok")

    assert answer.json == {"ok": True}
    assert cors_headers(answer.headers) == {}
    assert answer.headers["Vary"] == "Origin"


def test_a_listed_origin_gets_the_headers_of_the_policy(make_app: MakeApp) -> None:
    app = make_app(CORS_EXPOSE_HEADERS="X-Request-Id", CORS_SUPPORTS_CREDENTIALS="true")
    answer = app.test_client().get(f"{PREFIX}/ok", headers={"Origin": LISTED})

    assert cors_headers(answer.headers) == {
        "Access-Control-Allow-Origin": LISTED,
        "Access-Control-Allow-Credentials": "true",
        "Access-Control-Expose-Headers": "X-Request-Id",
    }
    assert answer.headers["Vary"] == "Origin"


def test_an_unlisted_origin_gets_the_answer_of_a_get_without_them(client: FlaskClient) -> None:
    answer = client.get(f"{PREFIX}/ok", headers={"Origin": STRANGER})

    assert answer.json == {"ok": True}
    assert cors_headers(answer.headers) == {}
    assert answer.headers["Vary"] == "Origin"


def test_a_wildcard_allows_what_it_stands_for_and_not_itself(make_app: MakeApp) -> None:
    entry = "https://*.example.com"
    client = make_app(CORS_ORIGINS=entry).test_client()

    def allowed(origin: str) -> str | None:
        answer = client.get(f"{PREFIX}/ok", headers={"Origin": origin})
        return answer.headers.get("Access-Control-Allow-Origin")

    assert allowed("https://app.example.com") == "https://app.example.com"
    assert allowed(entry) is None


@pytest.mark.parametrize("path", ["/health", "/nowhere", f"{PREFIX}x/ok", "/"])
def test_outside_every_prefix_there_is_no_policy(client: FlaskClient, path: str) -> None:
    answer = client.post(path, headers={"Origin": LISTED})

    assert answer.status_code in (404, 405)
    assert cors_headers(answer.headers) == {}
    assert "Vary" not in answer.headers


@pytest.mark.parametrize("slashes", ["/", "//", "///"])
def test_leading_slashes_do_not_lead_around_the_policy(app: Flask, slashes: str) -> None:
    path = {"PATH_INFO": slashes + PREFIX[1:] + "/ok"}
    client = app.test_client()

    refused = client.post(environ_overrides=path, headers={"Origin": STRANGER})
    routed = client.post(environ_overrides=path, headers={"Origin": LISTED})

    assert (refused.status_code, routed.json) == (403, {"ok": True})


def test_other_headers_of_the_application_stay(
    app: Flask, caplog: pytest.LogCaptureFixture
) -> None:
    @app.get(f"{PREFIX}/varies")
    def varies() -> Response:
        return Response(headers={"Age": "1", "allow": "GET", "Vary": "Cookie"})

    answer = app.test_client().get(f"{PREFIX}/varies", headers={"Origin": LISTED})

    assert (answer.headers["Age"], answer.headers["Allow"]) == ("1", "GET")
    assert caplog.records == []


@pytest.mark.parametrize(
    ("own", "told"),
    [
        (["Cookie"], "Cookie, Origin"),
        (["Cookie", "Accept, Accept-Encoding"], "Cookie, Accept, Accept-Encoding, Origin"),
        (["Accept,Cookie", "cookie"], "Accept, cookie, Origin"),
        (["origin"], "Origin"),
        (["Cookie, Origin"], "Cookie, Origin"),
        ([""], "Origin"),
        (["*"], "*"),
        (["Cookie", "*"], "*"),
    ],
)
@pytest.mark.parametrize("name", ["Vary", "vary", "VARY"])
@pytest.mark.parametrize("headers", [{}, {"Origin": LISTED}, {"Origin": STRANGER}])
def test_what_an_answer_varies_on_is_one_line(
    app: Flask, own: list[str], told: str, name: str, headers: dict[str, str]
) -> None:
    @app.get(f"{PREFIX}/varies")
    def varies() -> Response:
        return Response(headers=[("X-Vary", "kept"), *((name, value) for value in own)])

    answer = app.test_client().get(f"{PREFIX}/varies", headers=headers)

    assert answer.headers.getlist("Vary") == [told]
    assert answer.headers["X-Vary"] == "kept"
    assert cors_headers(answer.headers) == (
        {"Access-Control-Allow-Origin": LISTED} if headers.get("Origin") == LISTED else {}
    )


BLANKS = ["", " ", "\t", "  ", "\x0b", "\r\n", "X: 1\r\n", "\N{NO-BREAK SPACE}"]


@pytest.mark.parametrize("blank", BLANKS)
@pytest.mark.parametrize("name", ["Access-Control-Allow-Origin", "access-control-allow-origin"])
def test_headers_that_a_view_sets_are_removed_and_logged_once(
    app: Flask, caplog: pytest.LogCaptureFixture, name: str, blank: str
) -> None:
    @app.get(f"{PREFIX}/own")
    def own() -> Response:
        sent = {f"{blank}{name}{blank}": "*", "X-Other": "kept", "X-Access-Control-Own": "kept"}
        return Response(headers=sent)

    client = app.test_client()
    answers = [client.get(f"{PREFIX}/own", headers={"Origin": LISTED}) for _ in range(2)]
    stranger = client.get(f"{PREFIX}/own")

    assert answers[1].headers.getlist("Access-Control-Allow-Origin") == [LISTED]
    assert answers[1].headers["X-Other"] == answers[1].headers["X-Access-Control-Own"] == "kept"
    assert [name for name, _ in stranger.headers if name.strip()[:1] in ("A", "a", "X")] == [
        *("X-Other", "X-Access-Control-Own")
    ]
    assert [record.message for record in caplog.records] == [
        "CORS: blueprint 'public' sets CORS headers; removed, since the CORS_* variables alone "
        "decide. Delete that code."
    ]


# Preflights


def test_a_preflight_is_answered_before_the_application(app: Flask) -> None:
    @app.before_request
    def forbid_everything() -> tuple[str, int]:
        return "no", 401

    answer = app.test_client().options(
        f"{PREFIX}/nowhere", headers={**PREFLIGHT, "Access-Control-Request-Headers": "content-type"}
    )

    assert (answer.status, answer.data) == ("204 No Content", b"")
    assert "Content-Length" not in answer.headers
    assert cors_headers(answer.headers) == {
        "Access-Control-Allow-Origin": LISTED,
        "Access-Control-Allow-Methods": "DELETE, GET, HEAD, PATCH, POST, PUT",
        "Access-Control-Allow-Headers": "Authorization, Content-Type",
        "Access-Control-Max-Age": "600",
    }
    assert answer.headers["Vary"] == (
        "Origin, Access-Control-Request-Method, Access-Control-Request-Headers"
    )


@pytest.mark.parametrize("names", ["", ",", " , ,", "CONTENT-TYPE", " content-type ,authorization"])
def test_header_names_are_compared_without_case_and_blanks(client: FlaskClient, names: str) -> None:
    headers = {**PREFLIGHT, "Access-Control-Request-Headers": names}

    assert client.options(f"{PREFIX}/ok", headers=headers).status_code == 204


@pytest.mark.parametrize(
    ("names", "reflected"),
    [
        ("x-b,authorization,x-a", "authorization, x-a, x-b"),
        (" X-B ,x-a", "X-B, x-a"),
        ("x-!#$%&'*+.^_`|~9", "x-!#$%&'*+.^_`|~9"),
        (",".join(["x-header"] * 910), ", ".join(["x-header"] * 910)),
        ("", None),
        (",", None),
        (" x-a , , ", "x-a"),
    ],
)
@pytest.mark.parametrize("credentials", ["true", "false"])
def test_all_headers_are_allowed_by_their_names(
    make_app: MakeApp, names: str, reflected: str | None, credentials: str
) -> None:
    app = make_app(CORS_ALLOW_HEADERS="*", CORS_SUPPORTS_CREDENTIALS=credentials)
    headers = {**PREFLIGHT, "Access-Control-Request-Headers": names}
    answer = app.test_client().options(f"{PREFIX}/ok", headers=headers)

    assert answer.status_code == 204
    assert answer.headers.get("Access-Control-Allow-Headers") == reflected
    without = app.test_client().options(f"{PREFIX}/ok", headers=PREFLIGHT)
    assert "Access-Control-Allow-Headers" not in without.headers


@pytest.mark.parametrize(
    "names", ["x a", "x-a,x:b", "x\xe9", 'x"', "x(a)", "a" * 8193, "a," * 4097]
)
def test_what_is_no_name_of_a_header_is_not_allowed(make_app: MakeApp, names: str) -> None:
    app = make_app(CORS_ALLOW_HEADERS="*")
    headers = {**PREFLIGHT, "Access-Control-Request-Headers": names}
    answer = app.test_client().options(f"{PREFIX}/ok", headers=headers)

    assert answer.status_code == 403
    assert cors_headers(answer.headers) == {}


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST"])
def test_a_page_may_always_send_get_head_and_post(make_app: MakeApp, method: str) -> None:
    app = make_app(CORS_METHODS="PUT")
    headers = {**PREFLIGHT, "Access-Control-Request-Method": method}

    assert app.test_client().options(f"{PREFIX}/ok", headers=headers).status_code == 204


@pytest.mark.parametrize(
    "changed",
    [
        {"Origin": STRANGER},
        {"Origin": ""},
        {"Origin": "null"},
        {"Origin": f"{LISTED}, {LISTED}"},
        {"Origin": f"{LISTED} x"},
        {"Origin": "https://" + "a" * 8192},
        {"Origin": "https://\xe9.example"},
        {"Access-Control-Request-Method": "PURGE"},
        {"Access-Control-Request-Method": "put"},
        {"Access-Control-Request-Method": "PU"},
        {"Access-Control-Request-Method": ""},
        {"Access-Control-Request-Headers": "x-other"},
        {"Access-Control-Request-Headers": "content-type,x-other"},
        {"Access-Control-Request-Headers": ",".join(f"x-{n}" for n in range(500))},
        {"Access-Control-Request-Headers": "content-type authorization"},
    ],
)
def test_a_preflight_for_anything_else_is_refused(
    client: FlaskClient, changed: dict[str, str]
) -> None:
    answer = client.options(f"{PREFIX}/ok", headers={**PREFLIGHT, **changed})

    assert (answer.status, answer.content_type) == ("403 Forbidden", "application/problem+json")
    assert answer.content_length == len(answer.data)
    assert answer.json == {"type": "about:blank", "title": "Forbidden", "status": 403}
    assert cors_headers(answer.headers) == {}
    assert answer.headers["Vary"].startswith("Origin, Access-Control-Request-Method")


@pytest.mark.parametrize(
    ("origin", "headers"),
    [(LISTED, {"Access-Control-Allow-Origin": LISTED}), (STRANGER, {})],
)
def test_options_without_a_request_method_is_the_applications(
    client: FlaskClient, origin: str, headers: dict[str, str]
) -> None:
    answer = client.options(f"{PREFIX}/ok", headers={"Origin": origin})

    assert "PATCH" in answer.headers["Allow"]
    assert cors_headers(answer.headers) == headers


def test_a_refusal_names_its_reason_in_debug_alone(make_app: MakeApp) -> None:
    app = make_app(DEBUG=True)

    answer = app.test_client().options(f"{PREFIX}/ok", headers={**PREFLIGHT, "Origin": STRANGER})

    assert (answer.status_code, cors_headers(answer.headers)) == (403, {})
    assert answer.json is not None
    assert answer.json["detail"] == f"{STRANGER!r} is not in CORS_ORIGINS"


@pytest.mark.parametrize("asked", [("Method", "PURGE"), ("Headers", "x-other")])
def test_in_debug_a_listed_page_is_told_what_it_may_send_and_the_log_that_it_may_not(
    make_app: MakeApp, caplog: pytest.LogCaptureFixture, asked: tuple[str, str]
) -> None:
    client = make_app(DEBUG=True).test_client()
    allowed = client.options(f"{PREFIX}/ok", headers=PREFLIGHT)
    assert caplog.records == []

    name, value = asked
    changed = {**PREFLIGHT, f"Access-Control-Request-{name}": value}
    answer = client.options(f"{PREFIX}/ok", headers=changed)

    assert (answer.status_code, answer.headers) == (204, allowed.headers)
    (record,) = caplog.records
    assert f"refused 'OPTIONS {PREFIX}/ok': {value!r}, which" in record.message


# Enforcement

UNSAFE = ["POST", "PUT", "PATCH", "DELETE", "PURGE", "get", "CONNECT"]


@pytest.mark.parametrize("method", UNSAFE)
@pytest.mark.parametrize("site", [{}, {"Sec-Fetch-Site": "cross-site"}])
def test_an_unsafe_request_of_an_unlisted_origin_never_reaches_the_view(
    client: FlaskClient, recorded: Recorded, method: str, site: dict[str, str]
) -> None:
    headers = {"Origin": STRANGER, **site}
    as_sent = {"REQUEST_METHOD": method}

    answer = client.open(f"{PREFIX}/ok", environ_overrides=as_sent, headers=headers)

    assert (answer.status_code, answer.content_type) == (403, "application/problem+json")
    assert cors_headers(answer.headers) == {}
    assert answer.headers["Vary"] == "Origin"
    assert recorded == []


def test_a_websocket_of_an_unlisted_origin_never_reaches_the_application(app: Flask) -> None:
    app.url_map.add(Rule(f"{PREFIX}/socket", endpoint="socket", websocket=True))
    app.view_functions["socket"] = lambda: "opened"
    client = app.test_client()
    handshake = {"Upgrade": "WebSocket", "Connection": "Upgrade"}

    refused, opened = (
        client.get(f"{PREFIX}/socket", headers={"Origin": origin, **handshake})
        for origin in (STRANGER, LISTED)
    )

    assert (refused.status_code, opened.text) == (403, "opened")


def test_only_a_get_opens_a_websocket(client: FlaskClient) -> None:
    """The answer to a HEAD must have no body, so it is the application's."""
    headers = {"Origin": STRANGER, "Upgrade": "websocket"}

    assert client.head(f"{PREFIX}/ok", headers=headers).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Origin": LISTED},
        {"Origin": LISTED, "Access-Control-Request-Method": "PUT"},
        {"Origin": "http://api.example", "Host": "api.example"},
        {"Origin": "http://api.example", "Host": "api.example:80"},
        {"Origin": "http://api.example:80", "Host": "api.example"},
        {"Origin": "https://api.example", "Host": "api.example:443"},
        {"Origin": "http://api.example:8000", "Host": "API.example:8000"},
        {"Origin": "https://unlisted.example", "Sec-Fetch-Site": "same-origin"},
        {"Origin": "https://unlisted.example", "Sec-Fetch-Site": "none"},
    ],
)
def test_a_request_of_the_same_site_or_of_no_page_reaches_the_view(
    client: FlaskClient, recorded: Recorded, headers: dict[str, str]
) -> None:
    assert client.post(f"{PREFIX}/ok", headers=headers).status_code == 200
    assert recorded == ["POST"]


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://api.example", "Host": "api.example:8000"},
        {"Origin": "http://api.example:443", "Host": "api.example"},
        {"Origin": "http://api.example", "Host": "api.example", "Sec-Fetch-Site": "cross-site"},
        {"Origin": "http://api.example", "Host": "api.example", "Sec-Fetch-Site": "same-site"},
        {"Origin": "http://api.example", "Host": "api.example", "Sec-Fetch-Site": ""},
        {"Origin": "app://api.example", "Host": "api.example"},
        {"Origin": "null", "Host": "null"},
        {"Origin": "http://", "Host": ""},
        {"Origin": "http://:80", "Host": ""},
        {"Origin": "https://:443", "Host": ""},
        {"Origin": "https://:443", "Host": ":443"},
        {"Origin": "https://", "Host": ":443"},
        {"Origin": "https://api.example", "Host": "api.example:80"},
        {"Origin": "http://api.example", "Host": "api.example:443"},
    ],
)
def test_what_only_looks_like_the_same_site_does_not(
    client: FlaskClient, recorded: Recorded, headers: dict[str, str]
) -> None:
    assert client.post(f"{PREFIX}/ok", headers=headers).status_code == 403
    assert recorded == []


@pytest.mark.parametrize(
    ("scheme", "origin", "status"),
    [
        ("http", "http://api.example", 200),
        ("http", "https://api.example", 200),  # a proxy may have ended TLS without a word
        ("https", "https://api.example", 200),
        ("https", "http://api.example", 403),
        ("https", "http://api.example:80", 403),
        ("https", "http://api.example:443", 403),
    ],
)
def test_a_page_over_http_is_none_of_a_site_over_https(
    client: FlaskClient, scheme: str, origin: str, status: int
) -> None:
    answer = client.post(
        f"{PREFIX}/ok", base_url=f"{scheme}://api.example", headers={"Origin": origin}
    )

    assert answer.status_code == status


@pytest.mark.parametrize("host", [{}, {"HTTP_HOST": ""}])
@pytest.mark.parametrize("origin", ["https://:443", "http://:80", "https://", "http://", ""])
def test_no_host_is_nobodys_own(app: Flask, host: dict[str, str], origin: str) -> None:
    environ = create_environ(f"{PREFIX}/ok", method="POST", headers={"Origin": origin})
    del environ["HTTP_HOST"]

    _, status, _ = run_wsgi_app(app, {**environ, **host})

    assert status == "403 Forbidden"


# Without an Origin

SITES = ["cross-site", "same-site", "", "cross-site,same-origin", "none, none", "Same-Origin"]
NO_ORIGIN = (
    "a page of another site (Sec-Fetch-Site) without an Origin; a proxy that drops Origin must "
    "forward it, or drop Sec-Fetch-* too"
)
HANDSHAKE = {"Upgrade": "websocket", "Connection": "Upgrade"}


@pytest.mark.parametrize("site", SITES)
@pytest.mark.parametrize("method", UNSAFE)
def test_another_sites_page_without_an_origin_never_reaches_the_view(
    client: FlaskClient, recorded: Recorded, method: str, site: str
) -> None:
    as_sent = {"REQUEST_METHOD": method}

    answer = client.open(
        f"{PREFIX}/ok", environ_overrides=as_sent, headers={"Sec-Fetch-Site": site}
    )

    assert (answer.status_code, answer.content_type) == (403, "application/problem+json")
    assert answer.headers.getlist("Vary") == ["Origin"]
    assert recorded == []


def test_a_websocket_without_an_origin_is_refused_too(client: FlaskClient) -> None:
    refused = client.get(f"{PREFIX}/ok", headers={"Sec-Fetch-Site": "same-site", **HANDSHAKE})

    assert refused.status_code == 403


@pytest.mark.parametrize(
    ("method", "headers"),
    [
        *(("POST", {"Sec-Fetch-Site": site}) for site in ("same-origin", "none")),
        ("POST", {}),
        *((method, {"Sec-Fetch-Site": "cross-site"}) for method in ("GET", "HEAD", "OPTIONS")),
        ("OPTIONS", {"Sec-Fetch-Site": "cross-site", "Access-Control-Request-Method": "PUT"}),
        ("GET", {**HANDSHAKE, "Sec-Fetch-Site": "none", "Upgrade": "h2c"}),
    ],
)
def test_what_no_page_of_another_site_sends_without_an_origin_passes(
    client: FlaskClient,
    caplog: pytest.LogCaptureFixture,
    method: str,
    headers: dict[str, str],
) -> None:
    assert client.open(f"{PREFIX}/ok", method=method, headers=headers).status_code == 200
    assert caplog.records == []


def test_the_refusal_has_words_of_its_own(
    make_app: MakeApp, caplog: pytest.LogCaptureFixture
) -> None:
    client = make_app(DEBUG=True).test_client()
    answers = [
        client.post(f"{PREFIX}/ok", headers={"Sec-Fetch-Site": "cross-site"}) for _ in range(2)
    ]

    assert answers[0].json is not None
    assert answers[0].json["detail"] == NO_ORIGIN
    lines = [record.message for record in caplog.records if record.levelname == "WARNING"]
    assert lines == [f"CORS: blueprint 'public' refused 'POST {PREFIX}/ok': {NO_ORIGIN}"]


@pytest.mark.parametrize(
    ("settings", "lines"), [({"CORS_ENFORCE": "false"}, 1), ({"CORS_ORIGINS": "*"}, 0)]
)
def test_it_is_refused_where_others_would_be(
    make_app: MakeApp,
    recorded: Recorded,
    caplog: pytest.LogCaptureFixture,
    settings: dict[str, str],
    lines: int,
) -> None:
    client = make_app(**settings).test_client()
    answer = client.post(f"{PREFIX}/ok", headers={"Sec-Fetch-Site": "cross-site"})

    assert (answer.status_code, recorded) == (200, ["POST"])
    assert [NO_ORIGIN in record.message for record in caplog.records] == [True] * lines


def test_without_enforcement_the_view_runs_and_the_page_reads_nothing(
    make_app: MakeApp, recorded: Recorded
) -> None:
    app = make_app(CORS_ENFORCE="false")

    with pytest.raises(Blocked):
        Browser(send_to(app)).fetch(f"{PREFIX}/ok", origin=STRANGER, method="POST")
    assert recorded == ["POST"]


# A public API


@pytest.fixture
def public(make_app: MakeApp) -> FlaskClient:
    return make_app(CORS_ORIGINS="*").test_client()


@pytest.mark.parametrize("headers", [{}, {"Origin": STRANGER}, {"Origin": "null"}])
@pytest.mark.parametrize("path", ["/ok", "/missing", "/boom", "/slash"])
def test_an_asterisk_is_on_every_answer_so_that_caches_may_share_it(
    public: FlaskClient, path: str, headers: dict[str, str]
) -> None:
    answer = public.get(PREFIX + path, headers=headers)

    assert cors_headers(answer.headers) == {"Access-Control-Allow-Origin": "*"}
    assert "Vary" not in answer.headers


@pytest.mark.parametrize(
    ("own", "vary"), [(["Cookie", "Accept"], ["Cookie, Accept"]), (["*"], ["*"]), ([], [])]
)
def test_under_an_asterisk_an_answer_varies_on_what_the_application_says(
    make_app: MakeApp, own: list[str], vary: list[str]
) -> None:
    app = make_app(CORS_ORIGINS="*")

    @app.get(f"{PREFIX}/own")
    def view() -> Response:
        allow = ("Access-Control-Allow-Origin", STRANGER)
        return Response(headers=[allow, *(("Vary", value) for value in own)])

    answer = app.test_client().get(f"{PREFIX}/own", headers={"Origin": LISTED})

    assert answer.headers.getlist("Vary") == vary
    assert cors_headers(answer.headers) == {"Access-Control-Allow-Origin": "*"}


def test_an_asterisk_refuses_nobody_for_the_origin(public: FlaskClient, recorded: Recorded) -> None:
    for method in UNSAFE[:4]:
        public.open(f"{PREFIX}/ok", method=method, headers={"Origin": "null"})

    assert recorded == UNSAFE[:4]


def test_an_asterisk_still_names_the_methods(public: FlaskClient) -> None:
    allowed = public.options(f"{PREFIX}/ok", headers=PREFLIGHT)
    refused = public.options(
        f"{PREFIX}/ok", headers={**PREFLIGHT, "Access-Control-Request-Method": "PURGE"}
    )

    assert (allowed.status_code, refused.status_code) == (204, 403)
    assert allowed.headers["Access-Control-Allow-Origin"] == "*"
    assert "Vary" not in allowed.headers


# WSGI


def test_the_middleware_keeps_to_wsgi() -> None:
    started: list[tuple[str, dict[str, str], Any]] = []
    written: list[bytes] = []
    closed: list[bool] = []

    class Body:
        def __iter__(self) -> Iterator[bytes]:
            return iter([b"a", b"b"])

        def close(self) -> None:
            closed.append(True)

    def wsgi_app(environ: WSGIEnvironment, start_response: StartResponse) -> Body:
        start_response("200 OK", [("X-First", "1")])
        try:
            raise RuntimeError("late")
        except RuntimeError:
            write = start_response("500 Oops", [], sys.exc_info())
        write(b"written")
        return Body()

    app, api = Flask("bare"), Blueprint("api", __name__, url_prefix="/api")
    app.config["CORS_ORIGINS"] = LISTED
    app.wsgi_app = wsgi_app  # type: ignore[method-assign]
    cors.init_app(app, [api])

    def server_start(status: str, headers: Any, exc_info: Any = None) -> Any:
        started.append((status, cors_headers(headers), exc_info and exc_info[0]))
        return written.append

    body: Any = app(create_environ("/api/", headers={"Origin": LISTED}), server_start)
    allowed = {"Access-Control-Allow-Origin": LISTED}
    assert started == [("200 OK", allowed, None), ("500 Oops", allowed, RuntimeError)]
    assert [*written, *body] == [b"written", b"a", b"b"]
    body.close()
    assert closed == [True]


@pytest.mark.parametrize(("missing", "status"), [("PATH_INFO", "404"), ("HTTP_HOST", "403")])
def test_what_a_server_may_leave_out_is_empty(app: Flask, missing: str, status: str) -> None:
    """PEP 3333 wants no PATH_INFO for the root; HTTP/1.0 has no Host."""
    environ = create_environ(f"{PREFIX}/", method="POST", headers={"Origin": STRANGER})
    del environ[missing]

    _, answered, _ = run_wsgi_app(app, environ)

    assert answered.startswith(status)


def test_values_of_the_configuration_beat_the_environment_name_by_name(
    make_app: MakeApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CORS_ORIGINS", STRANGER)
    monkeypatch.setenv("CORS_EXPOSE_HEADERS", "X-Request-Id")
    client = make_app(CORS_ORIGINS=LISTED).test_client()
    answers = [client.get(f"{PREFIX}/ok", headers={"Origin": o}) for o in (LISTED, STRANGER)]

    assert [cors_headers(answer.headers) for answer in answers] == [
        {
            "Access-Control-Allow-Origin": LISTED,
            "Access-Control-Expose-Headers": "X-Request-Id",
        },
        {},
    ]


def test_the_environment_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CORS_ORIGINS", LISTED)
    app, api = Flask("bare"), Blueprint("api", __name__, url_prefix="/api")
    cors.init_app(app, [api])

    (policy,) = (policy for _, policy in app.extensions["cors"].policies)
    assert policy.origins == (LISTED,)


def test_two_applications_have_lists_of_their_own(make_app: MakeApp) -> None:
    _, second = (make_app(CORS_ORIGINS=f"https://{n}.example") for n in "ab")
    browser = Browser(send_to(second))

    assert browser.fetch(f"{PREFIX}/ok", origin="https://b.example").status == 200
    with pytest.raises(Blocked):
        browser.fetch(f"{PREFIX}/ok", origin="https://a.example")


def test_an_application_takes_one_middleware(app: Flask) -> None:
    with pytest.raises(RuntimeError, match="already called"):
        cors.init_app(app, [])
