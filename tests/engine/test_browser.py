"""The model browser keeps to the Fetch standard: what each kind of answer lets a page see."""

from collections.abc import Mapping
from typing import Any

import pytest
from my_api.cors.browser import (
    Blocked,
    Browser,
    Request,
    Response,
    is_safelisted,
    is_trustworthy,
    origin_of,
    send_to,
    site_of,
)
from werkzeug.datastructures import Headers
from werkzeug.wrappers import Request as WerkzeugRequest
from werkzeug.wrappers import Response as WerkzeugResponse

PAGE = "https://page.example"
ALLOWED = {"Access-Control-Allow-Origin": PAGE}
TRUSTED = {**ALLOWED, "Access-Control-Allow-Credentials": "true"}


class Server:
    """Answers a preflight and any other request as it was told, and remembers the requests."""

    def __init__(
        self,
        headers: Mapping[str, Any],
        status: int = 200,
        preflight: Mapping[str, str] | None = None,
        preflight_status: int = 204,
    ) -> None:
        self.requests: list[Request] = []
        self._answer = Response(status, Headers(list(headers.items())), b"{}")
        self._preflight = Response(preflight_status, Headers(list((preflight or {}).items())), b"")

    def __call__(self, request: Request) -> Response:
        self.requests.append(request)
        return self._preflight if request.method == "OPTIONS" else self._answer

    @property
    def methods(self) -> list[str]:
        return [request.method for request in self.requests]


def test_an_application_gets_what_the_page_sends() -> None:
    @WerkzeugRequest.application
    def app(request: WerkzeugRequest) -> WerkzeugResponse:
        told = f"{request.method} {request.url} {request.headers['X-A']} {request.data!r}"
        return WerkzeugResponse(told, 418, {"X-B": "2"})

    send = send_to(app)
    sent = Request("PUT", "https://api.example:8443/a%20b?x=1", {"X-A": "1"}, b"body")
    answer = send(sent)

    assert (answer.status, answer.headers["X-B"]) == (418, "2")
    assert answer.body == b"PUT https://api.example:8443/a%20b?x=1 1 b'body'"
    assert b"https://api.example/ " in send(sent._replace(url="https://api.example")).body


def test_an_answer_that_names_the_page_is_read() -> None:
    assert Browser(Server(ALLOWED)).fetch("/", origin=PAGE).json == {}


@pytest.mark.parametrize(
    ("headers", "credentials", "reason"),
    [
        ({}, False, "has no Access-Control-Allow-Origin"),
        ({"Access-Control-Allow-Origin": "https://other.example"}, False, "allows https://other"),
        (
            {"Access-Control-Allow-Origin": f"{PAGE}, {PAGE}"},
            False,
            "allows https://page.example, ",
        ),
        ({"Access-Control-Allow-Origin": "*"}, True, "does not count"),
        (ALLOWED, True, "does not allow credentials"),
        ({**ALLOWED, "Access-Control-Allow-Credentials": "True"}, True, "does not allow cred"),
    ],
)
def test_any_other_answer_is_blocked(
    headers: dict[str, str], credentials: bool, reason: str
) -> None:
    with pytest.raises(Blocked, match=reason.replace("*", r"\*")):
        Browser(Server(headers)).fetch("/", origin=PAGE, credentials=credentials)


@pytest.mark.parametrize(
    ("headers", "credentials"),
    [
        ({"Access-Control-Allow-Origin": "*"}, False),
        (TRUSTED, True),
    ],
)
def test_an_asterisk_or_credentials_are_read(headers: dict[str, str], credentials: bool) -> None:
    answer = Browser(Server(headers)).fetch("/", origin=PAGE, credentials=credentials)

    assert answer.status == 200


def test_two_allow_origin_headers_are_blocked() -> None:
    twice = Headers([("Access-Control-Allow-Origin", PAGE)] * 2)

    with pytest.raises(Blocked, match=f"allows {PAGE}, {PAGE}"):
        Browser(lambda request: Response(200, twice, b"")).fetch("/", origin=PAGE)


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "get", "head", "post"])
def test_simple_requests_need_no_preflight(method: str) -> None:
    server = Server(ALLOWED)
    Browser(server).fetch("/", origin=PAGE, method=method, headers={"Content-Type": "text/plain"})

    assert server.methods == [method.upper()]
    assert server.requests[0].headers == {
        "Content-Type": "text/plain",
        "Origin": PAGE,
        "Sec-Fetch-Site": "cross-site",
    }


@pytest.mark.parametrize(
    ("method", "headers", "asked"),
    [
        ("put", {}, ("PUT", None)),
        ("delete", {}, ("DELETE", None)),
        ("options", {}, ("OPTIONS", None)),
        ("patch", {}, ("patch", None)),
        ("GET", {"X-B": "1", "X-A": "1", "Accept": "*/*"}, ("GET", "x-a,x-b")),
        ("POST", {"Content-Type": "application/json"}, ("POST", "content-type")),
    ],
)
def test_other_requests_ask_first(
    method: str, headers: dict[str, str], asked: tuple[str, str | None]
) -> None:
    server = Server(ALLOWED, preflight={})
    with pytest.raises(Blocked, match="the answer to the preflight has no"):
        Browser(server).fetch("/", origin=PAGE, method=method, headers=headers)

    (preflight,) = server.requests
    assert preflight.method == "OPTIONS"
    assert (preflight.headers["Origin"], preflight.headers["Sec-Fetch-Site"]) == (
        PAGE,
        "cross-site",
    )
    assert (
        preflight.headers["Access-Control-Request-Method"],
        preflight.headers.get("Access-Control-Request-Headers"),
    ) == asked


@pytest.mark.parametrize("media_type", ["application/json", "application/vnd.api+json"])
def test_json_is_sent_as_such_unless_the_page_says_what_it_is(media_type: str) -> None:
    server = Server(ALLOWED, preflight={**ALLOWED, "Access-Control-Allow-Headers": "content-type"})
    headers = {} if media_type == "application/json" else {"Content-Type": media_type}
    Browser(server).fetch("/", origin=PAGE, method="POST", json={"a": [1]}, headers=headers)

    assert server.methods == ["OPTIONS", "POST"]
    assert server.requests[1].body == b'{"a": [1]}'
    assert server.requests[1].headers["Content-Type"] == media_type


@pytest.mark.parametrize(
    ("preflight", "status", "credentials", "reason"),
    [
        (ALLOWED, 204, False, "method PUT"),
        ({**ALLOWED, "Access-Control-Allow-Methods": "put, POST"}, 204, False, "method PUT"),
        ({**ALLOWED, "Access-Control-Allow-Methods": "PUT"}, 204, False, "header x-a"),
        ({**ALLOWED, "Access-Control-Allow-Methods": "PUT"}, 404, False, "to 299, not 404"),
        ({**ALLOWED, "Access-Control-Allow-Methods": "PUT"}, 308, False, "to 299, not 308"),
        ({**ALLOWED, "Access-Control-Allow-Methods": "PUT"}, 300, False, "to 299, not 300"),
        ({**ALLOWED, "Access-Control-Allow-Methods": "PUT"}, 199, False, "to 299, not 199"),
        ({**TRUSTED, "Access-Control-Allow-Methods": "*"}, 204, True, "method PUT"),
        ({**ALLOWED, "Access-Control-Allow-Methods": "*"}, 204, False, "header x-a"),
    ],
)
def test_a_preflight_must_allow_everything(
    preflight: dict[str, str], status: int, credentials: bool, reason: str
) -> None:
    server = Server(ALLOWED, preflight=preflight, preflight_status=status)

    with pytest.raises(Blocked, match=reason):
        Browser(server).fetch(
            "/", origin=PAGE, method="PUT", headers={"X-A": "1"}, credentials=credentials
        )
    assert server.methods == ["OPTIONS"]


@pytest.mark.parametrize("status", [200, 299])
def test_a_preflight_may_list_on_several_lines(status: int) -> None:
    names = [("Access-Control-Allow-Methods", name) for name in ("POST", "PUT, PATCH")]

    def send(request: Request) -> Response:
        return Response(status, Headers([*ALLOWED.items(), *names]), b"")

    for method in ("PUT", "PATCH"):
        assert Browser(send).fetch("/", origin=PAGE, method=method).status == status


@pytest.mark.parametrize(
    ("name", "credentials", "passes"),
    [("X-A", False, True), ("Authorization", False, False), ("X-A", True, False)],
)
def test_an_asterisk_stands_for_names_but_not_with_credentials(
    name: str, credentials: bool, passes: bool
) -> None:
    any_name = {"Access-Control-Allow-Methods": "*", "Access-Control-Allow-Headers": "*"}
    browser = Browser(Server(TRUSTED, preflight={**TRUSTED, **any_name}))

    def fetch() -> Response:
        return browser.fetch("/", origin=PAGE, headers={name: "1"}, credentials=credentials)

    if passes:
        assert fetch().status == 200
    else:
        with pytest.raises(Blocked, match=f"header {name.lower()}"):
            fetch()


@pytest.mark.parametrize(
    ("name", "value", "safelisted"),
    [
        ("Accept", "application/json", True),
        ("Accept", 'a"b', False),
        ("Accept", "a" * 128, True),
        ("Accept", "a" * 129, False),
        ("Accept", "a\tb", True),
        *(("Accept", f"a{letter}b", False) for letter in '\0\x01\b\n\v\x1f"():<>?@[\\]{}\x7f'),
        ("Accept-Language", "de-AT, de;q=0.9, *;q=0.1", True),
        ("Accept-Language", "de=5", True),
        ("Content-Language", "de-AT", True),
        ("Content-Language", "de_AT", False),
        ("Content-Type", "text/plain;charset=utf-8", True),
        ("Content-Type", "multipart/form-data; boundary=x", True),
        ("Content-Type", "Application/x-www-form-urlencoded", True),
        ("Content-Type", "application/json", False),
        ("Range", "bytes=0-255", True),
        ("Range", "bytes=128-", True),
        ("Range", "bytes=-255", False),
        ("X-Token", "1", False),
        ("X-Token", "text/plain", False),
    ],
)
def test_safelisted_request_headers(name: str, value: str, safelisted: bool) -> None:
    assert is_safelisted(name, value) is safelisted


def test_a_page_reads_safelisted_and_exposed_headers() -> None:
    safelisted = {
        "Cache-Control": "no-store",
        "Content-Language": "de",
        "Content-Length": "2",
        "Content-Type": "text/plain",
        "Expires": "0",
        "Last-Modified": "Sun, 22 Nov 2026 20:00:00 GMT",
        "Pragma": "no-cache",
        "X-A": "1",
    }
    sent = {**ALLOWED, **safelisted, "X-B": "2"}

    for name in ("x-a", "X-A"):
        server = Server({**sent, "Access-Control-Expose-Headers": name})
        assert dict(Browser(server).fetch("/", origin=PAGE).headers) == safelisted


@pytest.mark.parametrize(("credentials", "value"), [(False, "1"), (True, None)])
def test_an_asterisk_exposes_every_header_but_not_with_credentials(
    credentials: bool, value: str | None
) -> None:
    browser = Browser(Server({**TRUSTED, "X-A": "1", "Access-Control-Expose-Headers": "*"}))
    answer = browser.fetch("/", origin=PAGE, credentials=credentials)

    assert answer.headers.get("X-A") == value


def test_a_page_of_the_same_origin_needs_no_leave() -> None:
    server = Server({"X-A": "1"})
    browser = Browser(server, base_url="https://page.example:443")

    assert browser.fetch("/", origin=PAGE, method="PUT").headers["X-A"] == "1"
    assert browser.fetch("/", origin=PAGE).status == 200
    assert browser.fetch("/", origin=PAGE, method="HEAD").status == 200
    put, *others = server.requests
    assert put.headers == {"Origin": PAGE, "Sec-Fetch-Site": "same-origin"}
    assert [other.headers for other in others] == [{"Sec-Fetch-Site": "same-origin"}] * 2


@pytest.mark.parametrize(
    ("page", "base_url", "site"),
    [
        ("https://api.example.com", "https://api.example.com", "same-origin"),
        ("https://app.example.com", "https://api.example.com", "same-site"),
        ("http://app.example.com", "https://api.example.com", "cross-site"),
        ("null", "https://api.example.com", "cross-site"),
        ("http://localhost:3000", "http://localhost:8000", "same-site"),
        ("http://localhost:3000", "http://127.0.0.1:8000", "cross-site"),
        ("http://app.example.com", "http://api.example.com", None),
        ("http://api.example.com", "http://api.example.com", None),
    ],
)
def test_a_server_is_told_the_site_of_the_page_but_not_over_plain_http(
    page: str, base_url: str, site: str | None
) -> None:
    server = Server({"Access-Control-Allow-Origin": page})
    Browser(server, base_url).fetch("/", origin=page)

    assert server.requests[0].headers.get("Sec-Fetch-Site") == site


API = "https://api.example.com"
NEIGHBOUR = "https://app.example.com"


class Accounts:
    """Sets the cookie that an address asks for, for every page, and remembers what it gets."""

    def __init__(self) -> None:
        self.cookies: list[str | None] = []

    def __call__(self, request: Request) -> Response:
        self.cookies.append(request.headers.get("Cookie"))
        path, _, cookie = request.url.partition("?")
        origin = request.headers.get("Origin", "")
        headers = Headers({"Access-Control-Allow-Origin": origin, "Set-Cookie": cookie})
        if not path.endswith("/blocked"):
            headers["Access-Control-Allow-Credentials"] = "true"
        headers["Access-Control-Allow-Headers"] = "x-a"
        return Response(200, headers, b"")


def sent_after(
    cookie: str, page: str = API, base_url: str = API, then: str = "/", later: str | None = None
) -> str | None:
    """Return what a page sends to an address after a login, both times with credentials.

    `later` is the page that sends it, if it is another one.
    """
    accounts = Accounts()
    browser = Browser(accounts, base_url)
    browser.fetch(f"/?{cookie}", origin=page, credentials=True)
    browser.fetch(then, origin=later or page, credentials=True)
    return accounts.cookies[1]


@pytest.mark.parametrize(
    ("page", "login", "account", "sent"),
    [
        (NEIGHBOUR, True, True, "id=1"),
        (NEIGHBOUR, False, True, None),
        (NEIGHBOUR, True, False, None),
        (NEIGHBOUR, False, False, None),
        (API, False, False, "id=1"),
    ],
)
def test_a_page_of_another_origin_has_cookies_with_credentials_only(
    page: str, login: bool, account: bool, sent: str | None
) -> None:
    accounts = Accounts()
    browser = Browser(accounts, API)
    browser.fetch("/?id=1", origin=page, credentials=login)
    browser.fetch("/", origin=page, credentials=account)

    assert accounts.cookies == [None, sent]


def test_every_browser_has_cookies_of_its_own() -> None:
    @WerkzeugRequest.application
    def app(request: WerkzeugRequest) -> WerkzeugResponse:
        return WerkzeugResponse(str(dict(request.cookies)), headers={"Set-Cookie": "id=1"})

    send = send_to(app)
    first, second = Browser(send, API), Browser(send, API)

    assert [b.fetch("/", origin=API).body for b in (first, first, second)] == [
        b"{}",
        b"{'id': '1'}",
        b"{}",
    ]


@pytest.mark.parametrize(
    ("attributes", "same_site", "cross_site"),
    [
        ("", True, False),
        ("; SameSite=Lax", True, False),
        ("; SameSite=Strict", True, False),
        ("; SameSite=Nonesuch; Secure", True, False),
        ("; SameSite; Secure", True, False),
        ("; Secure", True, False),
        ("; SameSite=None", False, False),
        ("; SameSite=None; Secure", True, True),
        (";secure;samesite = NONE", True, True),
        (";SAMESITE=none", False, False),
        ("; SameSite=Lax; samesite=None; Secure", True, True),
        ("; SameSite=None; samesite=Lax; Secure", True, False),
    ],
)
def test_cookies_of_another_site_say_so_and_are_secure(
    attributes: str, same_site: bool, cross_site: bool
) -> None:
    cookie = f"id=1{attributes}"

    assert sent_after(cookie) == ("id=1" if same_site else None)
    assert sent_after(cookie, NEIGHBOUR) == ("id=1" if same_site else None)
    assert sent_after(cookie, PAGE) == ("id=1" if cross_site else None)
    assert sent_after(cookie, API, later=PAGE) == ("id=1" if cross_site else None)
    assert sent_after(cookie, PAGE, later=API) == ("id=1" if cross_site else None)
    assert sent_after(cookie, "null") == ("id=1" if cross_site else None)


@pytest.mark.parametrize(
    ("base_url", "sent"),
    [
        ("http://localhost:8000", "id=1"),
        ("http://api.localhost", "id=1"),
        ("http://127.0.0.1:8000", "id=1"),
        ("http://[::1]:8000", "id=1"),
        ("http://api.example.com", None),
    ],
)
def test_secure_cookies_need_https_or_this_machine(base_url: str, sent: str | None) -> None:
    assert sent_after("id=1; Secure", base_url, base_url) == sent
    assert sent_after("id=1; Secure; SameSite=None", PAGE, base_url) == sent
    assert sent_after("id=1", base_url, base_url) == "id=1"


def test_a_secure_cookie_is_not_sent_over_plain_http() -> None:
    page = "http://api.example.com"

    assert sent_after("id=1; Secure", then=page, later=page) is None
    assert sent_after("id=1", then=page, later=page) == "id=1"


@pytest.mark.parametrize(
    ("cookie", "address", "sent"),
    [
        ("id=1", "https://api.example.com:8443/", "id=1"),
        ("id=1", "https://v2.api.example.com/", None),
        ("id=1; Domain=api.example.com", "https://v2.api.example.com/", "id=1"),
        ("id=1; Domain=example.com", "https://app.example.com/", "id=1"),
        ("id=1; Domain=.example.com", "https://app.example.com/", "id=1"),
        ("id=1; Domain=v2.api.example.com", "https://v2.api.example.com/", None),
        ("id=1; Domain=com", "/", None),
        ("id=1; Path=/a", "/a/b", "id=1"),
        ("id=1; Path=/a", "/ab", None),
        ("id=1; Max-Age=0", "/", None),
        ("id=1; Expires=Thu, 01 Jan 1970 00:00:00 GMT", "/", None),
        ("id=1; HttpOnly", "/", "id=1"),
    ],
)
def test_a_cookie_is_for_its_domain_path_and_time(
    cookie: str, address: str, sent: str | None
) -> None:
    assert sent_after(cookie, NEIGHBOUR, then=address, later="https://example.com") == sent


def test_no_cookie_is_for_all_names_under_a_suffix_of_strangers() -> None:
    page = "https://ada.github.io"

    assert sent_after("id=1", page, page) == "id=1"
    assert sent_after("id=1; Domain=ada.github.io", page, page) == "id=1"
    assert sent_after("id=1; Domain=github.io", page, page) is None


def test_a_later_cookie_replaces_or_ends_an_earlier_one() -> None:
    accounts = Accounts()
    browser = Browser(accounts, API)
    for cookie in ("id=1", "id=2", "id=; Max-Age=0", ""):
        browser.fetch(f"/?{cookie}", origin=API)

    assert accounts.cookies == [None, "id=1", "id=2", None]


def test_a_blocked_answer_sets_its_cookies_all_the_same() -> None:
    accounts = Accounts()
    browser = Browser(accounts, API)
    with pytest.raises(Blocked, match="does not allow credentials"):
        browser.fetch("/blocked?id=1", origin=NEIGHBOUR, credentials=True)
    browser.fetch("/", origin=API)

    assert accounts.cookies == [None, "id=1"]


def test_a_preflight_has_no_cookies_and_sets_none() -> None:
    accounts = Accounts()
    browser = Browser(accounts, API)
    browser.fetch("/?id=1", origin=NEIGHBOUR, credentials=True, headers={"X-A": "1"})
    browser.fetch("/", origin=NEIGHBOUR, credentials=True, headers={"X-A": "1"})

    assert accounts.cookies == [None, None, None, "id=1"]


def test_a_redirect_takes_along_the_cookies_that_it_sets() -> None:
    cookies: list[str | None] = []

    def send(request: Request) -> Response:
        cookies.append(request.headers.get("Cookie"))
        headers = {} if len(cookies) == 2 else {"Location": "/new", "Set-Cookie": "id=1"}
        return Response(303 if headers else 200, Headers(headers), b"")

    Browser(send, API).fetch("/old", origin=API, method="POST")
    assert cookies == [None, "id=1"]


def test_several_cookies_are_set_and_sent() -> None:
    sent: list[Request] = []

    def send(request: Request) -> Response:
        sent.append(request)
        return Response(200, Headers([("Set-Cookie", "a=samesite=1"), ("Set-Cookie", "b=2")]), b"")

    browser = Browser(send, API)
    browser.fetch("/", origin=API)
    browser.fetch("/", origin=API)
    assert sent[1].headers["Cookie"] == "a=samesite=1; b=2"


@pytest.mark.parametrize("page", [PAGE, "https://api.example"])
@pytest.mark.parametrize("exposed", ["*", "Set-Cookie"])
def test_a_page_neither_reads_nor_writes_cookies(page: str, exposed: str) -> None:
    server = Server({**ALLOWED, "Access-Control-Expose-Headers": exposed, "Set-Cookie": "id=1"})
    answer = Browser(server, "https://api.example").fetch("/", origin=page, headers={"cookie": "a"})

    assert "Set-Cookie" not in answer.headers
    assert server.methods == ["GET"]
    assert "cookie" not in map(str.lower, server.requests[0].headers)


@pytest.mark.parametrize(
    ("status", "method", "then"),
    [
        (301, "POST", "GET"),
        (302, "POST", "GET"),
        (301, "PUT", "PUT"),
        (303, "PUT", "GET"),
        (303, "GET", "GET"),
        (303, "HEAD", "HEAD"),
        (307, "POST", "POST"),
        (308, "PUT", "PUT"),
    ],
)
def test_redirects_are_followed(status: int, method: str, then: str) -> None:
    sent: list[Request] = []

    def send(request: Request) -> Response:
        sent.append(request)
        headers = Headers({**ALLOWED, "Access-Control-Allow-Methods": "PUT"})
        if request.method != "OPTIONS" and request.url.endswith("/old"):
            headers["Location"] = "/new"
            return Response(status, headers, b"")
        return Response(200, headers, b"")

    plain = {"Content-Type": "text/plain"}
    Browser(send).fetch("/old", origin=PAGE, method=method, headers=plain, body=b"x")

    (last,) = (r for r in sent if r.method != "OPTIONS" and r.url.endswith("/new"))
    assert last.method == then
    assert last.body == (b"x" if then == method else None)
    assert ("Content-Type" in last.headers) is (then == method)


@pytest.mark.parametrize(("status", "location"), [(201, "/new"), (304, "/new"), (302, None)])
def test_what_is_no_redirect_is_read(status: int, location: str | None) -> None:
    headers = {**ALLOWED, "Location": location} if location else ALLOWED

    assert Browser(Server(headers, status=status)).fetch("/", origin=PAGE).status == status


@pytest.mark.parametrize("count", [20, 21])
def test_twenty_redirects_are_followed(count: int) -> None:
    def send(request: Request) -> Response:
        number = int(request.url.rpartition("/")[2])
        headers = Headers({**ALLOWED, "Location": f"/{number - 1}"})
        return Response(302 if number else 200, headers, b"")

    if count == 20:
        assert Browser(send).fetch(f"/{count}", origin=PAGE).status == 200
    else:
        with pytest.raises(Blocked, match="more than 20 redirects"):
            Browser(send).fetch(f"/{count}", origin=PAGE)


@pytest.mark.parametrize(
    ("location", "reason"),
    [
        ("https://elsewhere.example/", "to https://elsewhere.example, not followed"),
        ("app://elsewhere", "to app://elsewhere, not followed"),
        ("http://[x", "a redirect to no address"),
    ],
)
def test_redirects_that_do_not_end_here_are_blocked(location: str, reason: str) -> None:
    with pytest.raises(Blocked, match=reason):
        Browser(Server({**ALLOWED, "Location": location}, status=302)).fetch("/", origin=PAGE)


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("http://API.example:80/x?y", "http://api.example"),
        ("https://api.example:443", "https://api.example"),
        ("https://ada@api.example:8443/", "https://api.example:8443"),
        ("http://[::1]:3000/", "http://[::1]:3000"),
        ("capacitor://localhost/x", "capacitor://localhost"),
    ],
)
def test_the_origin_of_an_address(url: str, origin: str) -> None:
    assert origin_of(url) == origin


@pytest.mark.parametrize(
    ("origin", "site"),
    [
        ("https://example.com", "https://example.com"),
        ("https://a.b.example.com:8443", "https://example.com"),
        ("http://example.com", "http://example.com"),
        ("https://ada.github.io", "https://ada.github.io"),
        ("https://www.ada.github.io", "https://ada.github.io"),
        ("https://github.io", "https://github.io"),
        ("https://api.shop.co.uk", "https://shop.co.uk"),
        ("https://one.web.core.windows.net", "https://one.web.core.windows.net"),
        ("http://localhost:3000", "http://localhost"),
        ("http://app.localhost", "http://app.localhost"),
        ("http://api.test", "http://api.test"),
        ("http://127.0.0.1:3000", "http://127.0.0.1"),
        ("http://[::1]:3000", "http://[::1]"),
        ("capacitor://localhost", "capacitor://localhost"),
    ],
)
def test_the_site_of_an_origin(origin: str, site: str) -> None:
    assert site_of(origin) == site


@pytest.mark.parametrize(
    ("url", "trustworthy"),
    [
        ("https://api.example/x", True),
        ("http://localhost", True),
        ("http://LOCALHOST:8000/x", True),
        ("http://api.localhost:8000", True),
        ("http://127.1.2.3", True),
        ("http://[::1]:8000/x", True),
        ("http://api.example", False),
        ("http://localhost.example", False),
        ("http://127.example", False),
        ("http://mylocalhost", False),
        ("http://128.0.0.1", False),
    ],
)
def test_https_and_this_machine_are_trustworthy(url: str, trustworthy: bool) -> None:
    assert is_trustworthy(url) is trustworthy
