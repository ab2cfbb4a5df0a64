"""`flask cors check` of an address: what a page would see of any server, and the classic faults."""

import re
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest
from flask import Flask
from my_api.cors import cli

PAGE = "https://page.example"
ALLOW = ("Access-Control-Allow-Origin", PAGE)
VARY = ("Vary", "Accept, Origin")
METHODS = ("Access-Control-Allow-Methods", "PUT")
PLAIN = "✓ no preflight is needed for a plain GET"

Answer = tuple[int, list[tuple[str, str]]]
Requests = list[tuple[str, dict[str, str]]]


@contextmanager
def server(
    answer: Answer, preflight: Answer = (204, []), requests: Requests | None = None
) -> Iterator[str]:
    """Serve one answer, and one to preflights, on this machine; keep the requests."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._send(*answer)

        def do_PUT(self) -> None:
            self._send(*answer)

        def do_OPTIONS(self) -> None:
            self._send(*preflight)

        def _send(self, status: int, headers: list[tuple[str, str]]) -> None:
            if requests is not None:
                requests.append((self.requestline, dict(self.headers)))
            self.send_response(status)
            for name, value in [*headers, ("Content-Length", "0")]:
                self.send_header(name, value)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        Thread(target=running.serve_forever, args=(0.01,)).start()
        try:
            yield f"http://127.0.0.1:{running.server_port}/x?y=1"
        finally:
            running.shutdown()


def run(app: Flask, method: str, url: str, *options: str) -> tuple[int, list[str]]:
    result = app.test_cli_runner().invoke(args=["cors", "check", PAGE, method, url, *options])
    assert isinstance(result.exception, SystemExit | None)
    return result.exit_code, result.output.splitlines()


def test_an_answer_that_a_page_may_read(app: Flask) -> None:
    with server((200, [ALLOW, VARY]), (200, [ALLOW, VARY, METHODS])) as url:
        code, lines = run(app, "PUT", url)

    assert code == 0
    assert lines[1:] == [
        "✓ preflight: OPTIONS /x is answered 200",
        "✓ PUT /x is answered 200",
        "✓ the page reads the answer",
        "Yes.",
    ]


REDIRECTED = "✗ the preflight is redirected; browsers do not follow: call https://x/"


@pytest.mark.parametrize(
    ("answer", "preflight", "lines"),
    [
        (
            (200, [ALLOW, ALLOW, VARY]),
            (204, [ALLOW, VARY, METHODS]),
            [
                "✓ preflight: OPTIONS /x is answered 204",
                "✓ PUT /x is answered 200",
                "✗ two Access-Control-Allow-Origin headers: a proxy adds its own (add_header)",
                f"✗ the answer allows {PAGE}, {PAGE}, and browsers take one value alone",
            ],
        ),
        *(
            (
                (200, []),
                (status, [("Location", "https://x/"), ALLOW, VARY]),
                [
                    f"✗ preflight: OPTIONS /x is answered {status}",
                    REDIRECTED,
                    f"✗ the preflight was answered with status {status}",
                ],
            )
            for status in (301, 302, 303, 307, 308)
        ),
        (
            (200, []),
            (401, [ALLOW, VARY]),
            [
                "✗ preflight: OPTIONS /x is answered 401",
                "✗ the preflight is asked to log in, but has no token: answer it before a login",
                "✗ the preflight was answered with status 401",
            ],
        ),
        (
            (200, []),
            (404, []),
            [
                "✗ preflight: OPTIONS /x is answered 404",
                "✗ the answer to the preflight has no Access-Control-Allow-Origin",
            ],
        ),
    ],
)
def test_a_page_sees_nothing_and_the_fault_is_named(
    app: Flask, answer: Answer, preflight: Answer, lines: list[str]
) -> None:
    with server(answer, preflight) as url:
        code, printed = run(app, "PUT", url)

    assert code == 1
    assert printed[1:-1] == lines
    assert printed[-1] == lines[-1].replace("✗", "No:")


@pytest.mark.parametrize(
    ("answer", "end"),
    [
        (
            (401, [ALLOW, VARY]),
            ["✓ GET /x is answered 401", "✓ the page reads the answer", "Yes."],
        ),
        (
            (302, [("Location", "https://x/")]),
            [
                "✓ GET /x is answered 302",
                "✗ the answer has no Access-Control-Allow-Origin",
                "No: the answer has no Access-Control-Allow-Origin",
            ],
        ),
    ],
)
def test_what_is_a_fault_of_a_preflight_is_none_of_an_answer(
    app: Flask, answer: Answer, end: list[str]
) -> None:
    with server(answer) as url:
        _, lines = run(app, "GET", url)

    assert lines == [PLAIN, *end]


def test_the_request_is_that_of_the_page(app: Flask) -> None:
    requests: Requests = []
    allow = [ALLOW, VARY, ("Access-Control-Allow-Headers", "X-A")]
    with server((200, allow), (204, allow), requests) as url:
        address = url.removesuffix("/x?y=1")
        code, lines = run(app, "GET", f"{address}/%20;é?a=b&c=[1]", "-H", "X-A: 1")
        assert (code, lines[2]) == (0, "✓ GET /%20;é is answered 200")
        assert run(app, "GET", address) == (
            0,
            [
                PLAIN,
                "✓ GET / is answered 200",
                "✓ the page reads the answer",
                "Yes.",
            ],
        )

    preflight, (line, headers), (root, _) = requests
    assert preflight[0] == "OPTIONS /%20;%C3%A9?a=b&c=%5B1%5D HTTP/1.1"
    assert line == "GET /%20;%C3%A9?a=b&c=%5B1%5D HTTP/1.1"
    assert (headers["X-A"], headers["Origin"]) == ("1", PAGE)
    assert root == "GET / HTTP/1.1"


@pytest.mark.parametrize(
    ("headers", "named"),
    [
        ([ALLOW], True),
        ([ALLOW, ("Vary", "Accept")], True),
        ([ALLOW, ("Vary", "*")], False),
        ([ALLOW, ("Vary", "Accept"), ("Vary", "origin")], False),
        ([ALLOW, VARY], False),
        ([("Access-Control-Allow-Origin", "*")], False),
    ],
)
def test_a_missing_vary_is_named_though_the_page_reads(
    app: Flask, headers: list[tuple[str, str]], named: bool
) -> None:
    with server((200, headers)) as url:
        code, lines = run(app, "GET", url)

    assert code == 0
    assert any("Vary: Origin is missing" in line for line in lines) is named


def test_a_server_that_is_not_there(app: Flask) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{unused.getsockname()[1]}"
        code, lines = run(app, "GET", f"http://{address}/")

    assert code == 1
    assert lines[:-1] == [PLAIN]
    assert re.fullmatch(rf"No: {address} cannot be reached: .*refused\.", lines[-1])


def test_a_server_that_says_nothing(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cli, "TIMEOUT", 0.1)
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        address = f"127.0.0.1:{silent.getsockname()[1]}"
        code, lines = run(app, "GET", f"http://{address}/")

    assert (code, lines) == (1, [PLAIN, f"No: {address} cannot be reached: timed out."])


def test_a_server_without_tls(app: Flask) -> None:
    with server((200, [])) as url:
        code, lines = run(app, "GET", url.replace("http://", "https://"))

    assert (code, lines[:-1]) == (1, [PLAIN])
    assert " cannot be reached: [SSL" in lines[-1]


@pytest.mark.parametrize(
    "url",
    [
        *("http://no such host/", "http://[::ffff:0:1%25no]/", "http://127.0.0.1:99999/"),
        *("http://a..b/", f"http://{'a' * 70}.example/", "http://[::zz]/"),
    ],
)
def test_an_address_that_is_none(app: Flask, url: str) -> None:
    code, lines = run(app, "GET", url)

    assert code == 1
    assert " cannot be reached: " in lines[-1]


@pytest.mark.parametrize("header", ["X-A: a\nb", "Accept: \N{EURO SIGN}"])
def test_a_header_that_cannot_be_sent(app: Flask, header: str) -> None:
    with server((200, [ALLOW, VARY])) as url:
        code, lines = run(app, "GET", url, "-H", header)

    assert code == 1
    assert lines[-1].startswith("No: ")
