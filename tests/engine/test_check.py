"""`flask cors check` of an address: what a page would see of any server, and the classic faults."""

import json
import re
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest
from flask import Flask
from my_api.cors import cli

from .conftest import LISTED, MakeApp

PAGE = "https://page.test"
ALLOW = ("Access-Control-Allow-Origin", PAGE)
VARY = ("Vary", "Accept, Origin")
METHODS = ("Access-Control-Allow-Methods", "PUT")
PLAIN = "✓ no preflight is needed for a plain GET"

Answer = tuple[int, list[tuple[str, str]]]
Requests = list[tuple[str, dict[str, str]]]


@pytest.fixture(autouse=True)
def wide_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wrap no line."""
    monkeypatch.setenv("COLUMNS", "300")


@contextmanager
def server(
    answer: Answer,
    preflight: Answer = (204, []),
    requests: Requests | None = None,
    to_others: Answer | None = None,
    page: str = PAGE,
) -> Iterator[str]:
    """Serve one answer, and one to preflights, on this machine; keep the requests of the page.

    Pages of other origins get the answer without what allows this one, or `to_others`.
    """
    allow = ("Access-Control-Allow-Origin", page)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.headers["Origin"] == page:
                self._send(*answer)
            elif to_others:
                self._send(*to_others)
            else:
                self._send(answer[0], [header for header in answer[1] if header != allow])

        def do_PUT(self) -> None:
            self._send(*answer)

        def do_OPTIONS(self) -> None:
            self._send(*preflight)

        def _send(self, status: int, headers: list[tuple[str, str]]) -> None:
            if requests is not None and self.headers["Origin"] == page:
                requests.append((self.requestline, dict(self.headers)))
            self.send_response(status)
            for name, value in [*headers, ("Content-Length", "0")]:
                self.send_header(name, value)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            pass

    with listening(Handler) as url:
        yield url


@contextmanager
def listening(handler: type[BaseHTTPRequestHandler]) -> Iterator[str]:
    """Serve what a handler answers."""
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as running:
        Thread(target=running.serve_forever, args=(0.01,)).start()
        try:
            yield f"http://127.0.0.1:{running.server_port}/x?y=1"
        finally:
            running.shutdown()


@contextmanager
def raw_server(speak: Callable[[socket.socket], object]) -> Iterator[str]:
    """Serve what a function sends, byte by byte."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()

        def serve() -> None:
            with suppress(OSError):  # whoever asked is gone, or this server
                while True:
                    connection, _ = listening.accept()
                    with connection, suppress(OSError):
                        connection.recv(65536)
                        speak(connection)

        thread = Thread(target=serve)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}/"
        finally:
            listening.shutdown(socket.SHUT_RDWR)
            thread.join()


def run(
    app: Flask, method: str, url: str, *options: str, page: str = PAGE
) -> tuple[int, list[str]]:
    result = app.test_cli_runner().invoke(args=["cors", "check", page, method, url, *options])
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


NO_STATUS = "No: a preflight needs a status from 200 to 299, not {}"


@pytest.mark.parametrize(
    ("answer", "preflight", "lines"),
    [
        (
            (200, [ALLOW, ALLOW, VARY]),
            (204, [ALLOW, VARY, METHODS]),
            [
                "✓ preflight: OPTIONS /x is answered 204",
                "✓ PUT /x is answered 200",
                f"No: the answer allows {PAGE}, {PAGE}, and browsers take one value alone; "
                "let no proxy add its own",
            ],
        ),
        *(
            (
                (200, []),
                (status, [("Location", "https://x/"), ALLOW, VARY]),
                [
                    f"✗ preflight: OPTIONS /x is answered {status}; "
                    "browsers follow no redirect here: call https://x/",
                    NO_STATUS.format(status),
                ],
            )
            for status in (301, 302, 303, 307, 308)
        ),
        (
            (200, []),
            (401, [ALLOW, VARY]),
            [
                "✗ preflight: OPTIONS /x is answered 401; "
                "it carries no token: answer it before a login",
                NO_STATUS.format(401),
            ],
        ),
        (
            (200, []),
            (404, []),
            [
                "✗ preflight: OPTIONS /x is answered 404",
                "No: the answer to the preflight has no Access-Control-Allow-Origin",
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
    assert printed[1:] == lines


def test_credentials_that_two_allow_are_allowed_by_none(app: Flask) -> None:
    trust = ("Access-Control-Allow-Credentials", "true")
    with (
        server((200, [ALLOW, VARY, trust])) as url,
        server((200, [ALLOW, VARY, trust, trust])) as two,
    ):
        assert run(app, "GET", url, "--credentials")[0] == 0
        code, lines = run(app, "GET", two, "--credentials")

    assert (code, lines[-1]) == (1, "No: the answer does not allow credentials")


@pytest.mark.parametrize(
    ("answer", "end"),
    [
        (
            (401, [ALLOW, VARY]),
            ["✗ GET /x is answered 401", "✓ the page reads the answer", "Yes."],
        ),
        (
            (302, [("Location", "https://x/")]),
            [
                "✓ GET /x is answered 302",
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
    assert re.fullmatch(rf"No: {address} gives no answer: .*refused", lines[-1])


@pytest.mark.parametrize(
    "sent",
    [
        [],
        [b"x"] * 6,
        [b"H", b"T", b"T", b"P", b"/"],
        [b"HTTP/1.1 200 OK\r\n", *[b"A: b\r\n"] * 6],
    ],
)
def test_a_server_has_one_deadline_for_all_it_says(
    app: Flask, monkeypatch: pytest.MonkeyPatch, sent: list[bytes]
) -> None:
    monkeypatch.setattr(cli, "TIMEOUT", 0.3)

    def speak(connection: socket.socket) -> None:
        for part in sent:
            connection.sendall(part)
            time.sleep(0.1)
        time.sleep(1)

    with raw_server(speak) as url:
        start = time.monotonic()
        code, lines = run(app, "GET", url)
        seconds = time.monotonic() - start

    assert (code, lines) == (1, [PLAIN, "No: the answer is not complete after 0.3 seconds"])
    assert seconds < 1


def test_several_answers_have_the_deadline_together(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cli, "TIMEOUT", 0.5)

    def speak(connection: socket.socket) -> None:
        time.sleep(0.2)
        connection.sendall(
            b"HTTP/1.1 302 Found\r\nLocation: /\r\nAccess-Control-Allow-Origin: *\r\n\r\n"
        )

    with raw_server(speak) as url:
        code, lines = run(app, "GET", url)

    assert (code, lines[-1]) == (1, "No: the answer is not complete after 0.5 seconds")


@pytest.mark.parametrize(
    ("head", "why"),
    [
        (b"A: b\r\n" * 1000, "got more than 100 headers"),
        (b"A: " + b"b" * 100_000 + b"\r\n", "got more than 65536 bytes when reading header line"),
    ],
)
def test_an_answer_without_end_is_no_answer(app: Flask, head: bytes, why: str) -> None:
    with raw_server(lambda c: c.sendall(b"HTTP/1.1 200 OK\r\n" + head)) as url:
        code, lines = run(app, "GET", url)

    assert (code, lines[-1]) == (1, f"No: {url.split('/')[2]} gives no answer: {why}")


def test_a_server_without_tls(app: Flask) -> None:
    with server((200, [])) as url:
        code, lines = run(app, "GET", url.replace("http://", "https://"))

    assert (code, lines[:-1]) == (1, [PLAIN])
    assert " gives no answer: [SSL" in lines[-1]


@pytest.mark.parametrize(
    "url",
    [
        *("http://no such host/", "http://[::ffff:0:1%25no]/", "http://127.0.0.1:99999/"),
        *("http://a..b/", f"http://{'a' * 70}.example/", "http://[::zz]/"),
    ],
)
def test_an_address_that_is_none(app: Flask, url: str) -> None:
    code, lines = run(app, "GET", url, page="http://page.test")

    assert code == 1
    assert " gives no answer: " in lines[-1]


@pytest.mark.parametrize("header", ["X-A: a\nb", "Accept: \N{EURO SIGN}"])
def test_a_header_that_cannot_be_sent(app: Flask, header: str) -> None:
    with server((200, [ALLOW, VARY])) as url:
        code, lines = run(app, "GET", url, "-H", header)

    assert code == 1
    assert lines[-1].startswith("No: ")


# What a server sends never reaches the terminal raw.

TITLE = b"\x1b]0;title\x07\x1b[2J\x9b31m\x08\x7f\xe2\x80\xae\xe2\x81\xa6"
LONG = b"x" * 60_000


def steers(text: str) -> list[str]:
    """Return what a terminal could take for more than text."""
    return [c for c in text if not c.isprintable() and c != "\n"]


@pytest.mark.parametrize("evil", [TITLE, TITLE + LONG, b"\x1b" * 60_000])
@pytest.mark.parametrize("options", [[], ["-H", "X-A"], ["--json"]])
@pytest.mark.parametrize(
    "head",
    [
        b"%b",
        b"HTTP/1.1 %b",
        b"HTTP/1.1 200 %b\r\n",
        b"HTTP/1.1 200 OK\r\n%b: x\r\n",
        b"HTTP/1.1 200 OK\r\nAccess-Control-Allow-Origin: %b\r\n",
        b"HTTP/1.1 200 OK\r\nAccess-Control-Allow-Origin: *\r\nAccess-Control-Max-Age: %b\r\n",
        b"HTTP/1.1 200 OK\r\nAccess-Control-Allow-Origin: *\r\nVary: %b\r\n",
        b"HTTP/1.1 302 Found\r\nAccess-Control-Allow-Origin: *\r\nLocation: /%b\r\n",
        b"HTTP/1.1 302 Found\r\nAccess-Control-Allow-Origin: *\r\nLocation: http://%b/\r\n",
        b"HTTP/1.1 302 Found\r\nAccess-Control-Allow-Origin: *\r\nLocation: http://[%b\r\n",
        b"HTTP/1.1 401 No\r\nAccess-Control-Allow-Origin: %b\r\nLocation: /%b\r\n",
    ],
)
def test_nothing_that_a_server_sends_steers_the_terminal_or_fills_it(
    app: Flask, head: bytes, evil: bytes, options: list[str]
) -> None:
    with raw_server(lambda c: c.sendall(head.replace(b"%b", evil) + b"\r\n\r\n")) as url:
        _, lines = run(app, "GET", url, *options)

    assert not steers("\n".join(lines))
    assert max(map(len, lines)) <= 400
    if "--json" in options:
        said = json.loads("\n".join(lines))
        texts = [said["reason"] or "", *(step["text"] for step in said["steps"])]
        assert max(map(len, texts)) < 400


def test_what_is_printed_fits_the_terminal(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    allow = ("Access-Control-Allow-Origin", "https://" + "a" * 500 + ".example " * 10)
    with server((200, [allow])) as url:
        _, lines = run(app, "GET", url.replace("/x", "/" + "long" * 50))

    assert max(map(len, lines)) == 60


# What looks like CORS, and is not.

ASKED = "! Chromium (from 142 on) keeps pages of the internet from loopback and private addresses"


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_a_page_of_the_internet_that_calls_this_machine_needs_its_visitor(
    app: Flask, host: str
) -> None:
    page = "https://page.example"
    allow = ("Access-Control-Allow-Origin", page)
    with server((200, [allow, VARY]), page=page) as url:
        code, lines = run(app, "GET", url.replace("127.0.0.1", host), page=page)

    assert code == 0
    assert lines[1].startswith(ASKED)
    assert '"blocked by CORS policy: Permission was denied"' in lines[1]


@pytest.mark.parametrize("url", ["http://127.0.0.1:8000/", "http://192.168.1.9/", "http://[::1]/"])
def test_over_http_it_cannot_even_ask_him(app: Flask, url: str) -> None:
    code, lines = run(app, "GET", url, page="http://page.example")

    assert code == 1
    assert lines[1].startswith(f"No: {ASKED[2:]}, whatever you send: serve the page over https")


@pytest.mark.parametrize(
    "page",
    [
        "http://localhost:3000",
        "http://192.168.1.9",
        "https://page.test",
        f"chrome-extension://{'a' * 32}",
    ],
)
def test_a_page_of_the_same_network_needs_nobody(app: Flask, page: str) -> None:
    with server((200, [])) as url:
        assert "Chromium" not in "".join(run(app, "GET", url, page=page)[1])


def test_mixed_content_is_none_of_cors(app: Flask) -> None:
    code, lines = run(app, "GET", "http://api.example/", page="https://page.example")

    assert (code, lines) == (
        1,
        [PLAIN, "No: mixed content: pages of https:// call no http:// address"],
    )


def test_a_redirect_to_another_origin_is_told(app: Flask) -> None:
    with server((302, [ALLOW, VARY, ("Location", "https://api.example/x")])) as url:
        code, lines = run(app, "GET", url)

    assert code == 1
    assert lines[-1] == (
        "No: the answer is a redirect to https://api.example, "
        "not followed here; let the page call that address"
    )


@pytest.mark.parametrize(("page", "told"), [(PAGE, True), ("http://127.0.0.1:3000", False)])
def test_cookies_of_another_site_need_more_than_headers(app: Flask, page: str, told: bool) -> None:
    with server((200, [])) as url:
        lines = run(app, "GET", url, "--credentials", page=page)[1]
        assert (
            any("SameSite=None and Secure" in line and "Partitioned" in line for line in lines)
            is told
        )
        assert not any("SameSite" in line for line in run(app, "GET", url, page=page)[1])


# What stands in between.


@pytest.mark.parametrize(
    ("to_others", "fault"),
    [
        (
            (200, [ALLOW, VARY]),
            "✗ another page gets the same copy: a cache in between ignores Vary: Origin",
        ),
        ((200, []), "✗ where another page asks, Vary: Origin is missing: a cache may mix them up"),
        ((200, [VARY]), None),
        ((200, [("Vary", "*")]), None),
    ],
)
def test_a_cache_that_mixes_up_pages_is_noticed(
    app: Flask, to_others: Answer, fault: str | None
) -> None:
    with server((200, [ALLOW, VARY]), to_others=to_others) as url:
        code, lines = run(app, "GET", url)

    assert code == 0
    assert [line for line in lines if line.startswith("✗")] == ([fault] if fault else [])


def test_what_all_pages_get_may_be_kept(app: Flask) -> None:
    everyone = (200, [("Access-Control-Allow-Origin", "*")])
    with server(everyone, to_others=everyone) as url:
        assert run(app, "GET", url)[1] == [
            PLAIN,
            "✓ GET /x is answered 200",
            "✓ the page reads the answer",
            "Yes.",
        ]


def test_a_missing_vary_is_told_once(app: Flask) -> None:
    with server((200, [ALLOW])) as url:
        assert sum("Vary" in line for line in run(app, "GET", url)[1]) == 1


@pytest.mark.parametrize(
    ("location", "said"),
    [
        ("/a/.%2e/%2E/b", "✓ GET /b is answered 200"),
        ("\\\\api.example\\x", "No: the answer is a redirect to http://api.example, not followed"),
    ],
)
def test_redirects_are_read_as_browsers_read_them(app: Flask, location: str, said: str) -> None:
    allow = ("Access-Control-Allow-Origin", "*")

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200 if self.path == "/b" else 302)
            for name, value in (allow, ("Location", location), ("Content-Length", "0")):
                self.send_header(name, value)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            pass

    with listening(Handler) as url:
        lines = run(app, "GET", url)[1]

    assert [line for line in lines if line.startswith(said)]


@pytest.mark.parametrize("method", ["POST", "PUT"])
def test_what_may_change_something_is_sent_once(app: Flask, method: str) -> None:
    asked: list[bytes] = []

    def speak(connection: socket.socket) -> None:
        asked.append(method.encode())
        head = f"Access-Control-Allow-Origin: {PAGE}\r\nAccess-Control-Allow-Methods: PUT\r\n"
        connection.sendall(f"HTTP/1.1 204 No\r\n{head}\r\n".encode())

    with raw_server(speak) as url:
        assert run(app, method, url)[0] == 0
    assert len(asked) == (2 if method == "PUT" else 1)  # with its preflight


@pytest.mark.parametrize(
    ("age", "told"),
    [("7200", False), ("7201", True), ("864000", True), ("x", False), ("9" * 5000, False)],
)
def test_a_preflight_that_is_kept_for_long_is_told(app: Flask, age: str, told: bool) -> None:
    preflight = [ALLOW, VARY, METHODS, ("Access-Control-Max-Age", age)]
    with server((200, [ALLOW, VARY]), (204, preflight)) as url:
        _, lines = run(app, "PUT", url)

    kept = f"! browsers keep this for up to {age} seconds, and see no change before"
    assert (kept in lines) is told
    assert any("browsers keep" in line for line in lines) is told


@pytest.mark.parametrize(
    ("preflight", "differs"),
    [
        ([ALLOW, METHODS], ["Methods", "Headers", "Max-Age"]),  # a gateway's own
        ([], ["Origin", "Methods", "Headers", "Max-Age"]),  # without them
    ],
)
def test_what_is_not_as_the_settings_have_it_is_told(
    make_app: MakeApp, preflight: list[tuple[str, str]], differs: list[str]
) -> None:
    def told(app: Flask, path: str) -> list[str]:
        with server((200, [ALLOW, VARY]), (204, [*preflight, VARY])) as url:
            lines = run(app, "PUT", url.replace("/x", path))[1]
        start = "! not as the settings here have it: "
        return [n.removeprefix(start).partition(";")[0] for n in lines if n.startswith(start)]

    mine, *others = told(make_app(CORS_ORIGINS=PAGE), "/api/public/x")
    names = ["Access-Control-" + ("Max-Age" if n == "Max-Age" else f"Allow-{n}") for n in differs]
    assert (sorted(mine.split(", ")), others) == (sorted(names), [])

    assert told(make_app(CORS_ORIGINS=PAGE), "/x") == []  # of no blueprint
    assert told(make_app(), "/api/public/x") == []  # settings here do not let the page in


def test_a_header_of_answers_is_told_to_be_left_out(make_app: MakeApp) -> None:
    app = make_app(CORS_ALLOW_HEADERS="Content-Type, Access-Control-Allow-Origin")
    options = ("-H", "Access-Control-Allow-Origin: *")
    code, lines = run(app, "GET", "/api/public/ok", *options, page=LISTED)

    assert code == 0
    words = "a header of answers, not of requests: the page should stop sending it"
    assert f"! Access-Control-Allow-Origin: {words}" in lines


def test_a_proxy_that_reflects_every_origin_is_named(app: Flask) -> None:
    reflected = (200, [("Access-Control-Allow-Origin", "https://another-page.example"), VARY])
    with server((200, [ALLOW, VARY]), to_others=reflected) as url:
        _, lines = run(app, "GET", url)

    words = "a page of any other origin is allowed, too: something reflects its Origin"
    assert f"✗ {words}" in lines
