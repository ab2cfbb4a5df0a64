"""`flask cors check` of an address: what a page would see of any server, and the classic faults."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest
from flask import Flask

from my_api.cors import check

PAGE = "https://page.example"
ALLOW = ("Access-Control-Allow-Origin", PAGE)
VARY = ("Vary", "Accept, Origin")
METHODS = ("Access-Control-Allow-Methods", "PUT")

Answer = tuple[int, list[tuple[str, str]]]


@contextmanager
def server(answer: Answer, preflight: Answer = (204, [])) -> Iterator[str]:
    """Serve one answer, and one to preflights, on this machine."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._send(*answer)

        def do_PUT(self) -> None:
            self._send(*answer)

        def do_OPTIONS(self) -> None:
            self._send(*preflight)

        def _send(self, status: int, headers: list[tuple[str, str]]) -> None:
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


def run(app: Flask, method: str, url: str) -> tuple[int, list[str]]:
    result = app.test_cli_runner().invoke(args=["cors", "check", PAGE, method, url])
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


@pytest.mark.parametrize(
    ("answer", "preflight", "words"),
    [
        (
            (200, [ALLOW, ALLOW, VARY]),
            (204, [ALLOW, VARY, METHODS]),
            "two Access-Control-Allow-Origin headers: a proxy adds its own",
        ),
        ((200, []), (302, [("Location", "https://x/")]), "redirected to https://x/; browsers do"),
        ((200, []), (401, [ALLOW, VARY]), "asked to log in, but carries no token"),
        ((200, []), (404, []), "the answer to the preflight has no Access-Control-Allow-Origin"),
    ],
)
def test_a_page_sees_nothing_and_the_fault_is_named(
    app: Flask, answer: Answer, preflight: Answer, words: str
) -> None:
    with server(answer, preflight) as url:
        code, lines = run(app, "PUT", url)

    assert code == 1
    assert any(line.startswith("✗") and words in line for line in lines)
    assert lines[-1].startswith("No: ")


@pytest.mark.parametrize(
    ("headers", "named"),
    [
        ([ALLOW], True),
        ([ALLOW, ("Vary", "Accept")], True),
        ([ALLOW, ("Vary", "*")], False),
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
    assert lines == [f"No: {address} refused the connection (does the server run, on this port?)."]


def test_a_server_that_says_nothing(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(check, "TIMEOUT", 0.1)
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        code, lines = run(app, "GET", f"http://127.0.0.1:{silent.getsockname()[1]}/")

    assert (code, len(lines)) == (1, 1)
    assert lines[0].endswith("did not answer within 0.1 seconds.")


def test_a_server_without_tls(app: Flask) -> None:
    with server((200, [])) as url:
        code, lines = run(app, "GET", url.replace("http://", "https://"))

    assert (code, len(lines)) == (1, 1)
    assert "failed at TLS: " in lines[0]


@pytest.mark.parametrize("url", ["http://no such host/", "http://[::ffff:0:1%25no]/"])
def test_an_address_that_is_none(app: Flask, url: str) -> None:
    code, lines = run(app, "GET", url)

    assert (code, len(lines)) == (1, 1)
    assert "cannot be reached: " in lines[0]
