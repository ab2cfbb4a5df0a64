"""The model browser keeps to the Fetch standard: what each kind of answer lets a page see."""

from collections.abc import Mapping
from typing import Any

import pytest
from werkzeug.datastructures import Headers

from my_api.cors.browser import (
    Blocked,
    Browser,
    Request,
    Response,
    is_safelisted,
    origin_of,
)

PAGE = "https://page.example"
ALLOWED = {"Access-Control-Allow-Origin": PAGE}


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
        ({**ALLOWED, "Access-Control-Allow-Credentials": "true"}, True),
    ],
)
def test_an_asterisk_or_credentials_are_read(headers: dict[str, str], credentials: bool) -> None:
    answer = Browser(Server(headers)).fetch("/", origin=PAGE, credentials=credentials)

    assert answer.status == 200


def test_two_allow_origin_headers_are_blocked() -> None:
    twice = Headers([("Access-Control-Allow-Origin", PAGE)] * 2)

    with pytest.raises(Blocked, match=f"allows {PAGE}, {PAGE}"):
        Browser(lambda request: Response(200, twice, b"")).fetch("/", origin=PAGE)


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "get", "post"])
def test_simple_requests_need_no_preflight(method: str) -> None:
    server = Server(ALLOWED)
    Browser(server).fetch("/", origin=PAGE, method=method, headers={"Content-Type": "text/plain"})

    assert server.methods == [method.upper()]


@pytest.mark.parametrize(
    ("method", "headers", "asked"),
    [
        ("put", {}, ("PUT", None)),
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
    assert preflight.headers["Origin"] == PAGE
    assert (
        preflight.headers["Access-Control-Request-Method"],
        preflight.headers.get("Access-Control-Request-Headers"),
    ) == asked


@pytest.mark.parametrize(
    ("preflight", "status", "credentials", "reason"),
    [
        (ALLOWED, 204, False, "method PUT"),
        ({**ALLOWED, "Access-Control-Allow-Methods": "put, POST"}, 204, False, "method PUT"),
        ({**ALLOWED, "Access-Control-Allow-Methods": "PUT"}, 204, False, "header x-a"),
        ({**ALLOWED, "Access-Control-Allow-Methods": "PUT"}, 404, False, "status 404"),
        ({**ALLOWED, "Access-Control-Allow-Methods": "PUT"}, 308, False, "status 308"),
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


@pytest.mark.parametrize(
    ("name", "credentials", "passes"),
    [("X-A", False, True), ("Authorization", False, False), ("X-A", True, False)],
)
def test_an_asterisk_stands_for_names_but_not_with_credentials(
    name: str, credentials: bool, passes: bool
) -> None:
    trusted = {**ALLOWED, "Access-Control-Allow-Credentials": "true"}
    any_name = {"Access-Control-Allow-Methods": "*", "Access-Control-Allow-Headers": "*"}
    browser = Browser(Server(trusted, preflight={**trusted, **any_name}))

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
        ("Accept", "a" * 129, False),
        ("Accept-Language", "de-AT,de;q=0.9", True),
        ("Content-Language", "de_AT", False),
        ("Content-Type", "text/plain;charset=utf-8", True),
        ("Content-Type", "multipart/form-data; boundary=x", True),
        ("Content-Type", "application/json", False),
        ("Range", "bytes=0-255", True),
        ("Range", "bytes=-255", False),
        ("X-Token", "1", False),
    ],
)
def test_safelisted_request_headers(name: str, value: str, safelisted: bool) -> None:
    assert is_safelisted(name, value) is safelisted


def test_a_page_reads_safelisted_and_exposed_headers() -> None:
    sent = {"Content-Type": "text/plain", "X-A": "1", "X-B": "2"}
    browser = Browser(Server({**ALLOWED, **sent, "Access-Control-Expose-Headers": "x-a"}))

    assert dict(browser.fetch("/", origin=PAGE).headers) == {
        "Content-Type": "text/plain",
        "X-A": "1",
    }


def test_an_asterisk_exposes_every_header() -> None:
    browser = Browser(Server({**ALLOWED, "X-A": "1", "Access-Control-Expose-Headers": "*"}))

    assert browser.fetch("/", origin=PAGE).headers["X-A"] == "1"


def test_a_page_of_the_same_origin_needs_no_leave() -> None:
    server = Server({"X-A": "1"})
    browser = Browser(server, base_url="https://page.example:443")

    assert browser.fetch("/", origin=PAGE, method="PUT").headers["X-A"] == "1"
    assert browser.fetch("/", origin=PAGE).status == 200
    put, get = server.requests
    assert (put.headers["Origin"], put.headers["Sec-Fetch-Site"]) == (PAGE, "same-origin")
    assert "Origin" not in get.headers


@pytest.mark.parametrize(
    ("status", "method", "then"),
    [
        (301, "POST", "GET"),
        (302, "POST", "GET"),
        (303, "PUT", "GET"),
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

    Browser(send).fetch("/old", origin=PAGE, method=method, body=b"x")

    (last,) = (r for r in sent if r.method != "OPTIONS" and r.url.endswith("/new"))
    assert last.method == then
    assert last.body == (b"x" if then == method else None)


@pytest.mark.parametrize(
    ("location", "reason"),
    [
        ("/", "more than 20 redirects"),
        ("https://elsewhere.example/", "to https://elsewhere.example, which is not followed"),
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
    ],
)
def test_the_origin_of_an_address(url: str, origin: str) -> None:
    assert origin_of(url) == origin
