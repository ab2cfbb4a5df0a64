"""Hostile requests, as raw WSGI environs through the whole application: no exception, no leak."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Mapping, Sequence
from random import Random
from typing import Any, NamedTuple
from wsgiref.validate import validator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from my_api import create_app

# What the two blueprints list, and what an allowlist means, written down once more and plainly.
APP = "https://app.example.com"
LISTED = {
    "public": {APP, "http://localhost:3000", "https://[2001:db8::1]:8443"},
    "admin": {"https://admin.example.com", "chrome-extension://abcdefghijklmnopabcdefghijklmnop"},
}
TENANT = re.compile(r"https://((?!-)[a-z0-9_-]{1,63}(?<!-)\.)+tenants\.example")
TENANT_HOST = 253
SAFE = {"GET", "HEAD", "OPTIONS"}
SETTINGS = {
    "CORS_ORIGINS": ["https://*.tenants.example", *LISTED["public"]],
    "CORS_ORIGINS_ADMIN": list(LISTED["admin"]),
    "CORS_SUPPORTS_CREDENTIALS_ADMIN": True,
    "PROPAGATE_EXCEPTIONS": True,
}


def is_listed(blueprint: str | None, origin: str | None) -> bool:
    """Tell whether a blueprint lists an origin."""
    if blueprint is None or origin is None:
        return False
    if origin in LISTED[blueprint]:
        return True
    host = origin.removeprefix("https://")
    return blueprint == "public" and bool(TENANT.fullmatch(origin)) and len(host) <= TENANT_HOST


def blueprint_of(path: str) -> str | None:
    """Return the blueprint of a path that was carried as latin-1."""
    text = path.encode("latin-1").decode("utf-8", "replace")
    first, *others = re.sub("/+", "/", text).removeprefix("/").split("/")
    return others[0] if first == "api" and others and others[0] in LISTED else None


# What servers pass on: any text of latin-1, in a key that may also be missing (None).
LONG = "a" * 8192
SPOILERS: list[str] = [*'\0\t\x7f\xff "#*,./:;<?@X\\x', "%00", "%2f", "..", "//"]
SPOILERS += ["", "\xc0\xaf", "\xc3\xa9", "\xed\xa0\x80", "\r\n", LONG]

METHODS = ["GET", "HEAD", "POST", "POST", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "OPTIONS"]
METHODS += ["OPTIONS", "options", "TRACE", "CONNECT", "M-SEARCH", "X" * 99]
PATHS = [f"/api/{name}{end}" for name in LISTED for end in ("", "/", "/", "/echo", "/echo", "/x")]
PATHS += ["/", "/health", "/api", "/API/public/", "/api/Public/echo", "//api/admin/", "api/public/"]
PATHS += ["/api//admin/echo", "/static/x"]
ORIGINS = 6 * [origin for origins in LISTED.values() for origin in sorted(origins)]
ORIGINS += [f"{APP}{end}" for end in (".", "/", ":443", ".b.example", f", {APP}", " https://b.cd")]
ORIGINS += ["http://app.example.com", "https://b-app.example.com", "http://localhost", APP.upper()]
ORIGINS += ["", "null", "https://", "https://stranger.example", f" {APP}", LONG]
ORIGINS += [f"https://{sub}.tenants.example" for sub in ("a", "a.b_c", "-a", "a..b", "A", "")]
ORIGINS += [f"https://{'a' * size}.tenants.example" for size in (63, 64)]
ORIGINS += [f"https://{'a.' * size}tenants.example" for size in (119, 120)]
HOSTS = ["", "localhost:8000", "app.example.com", "a b", "a@b", "[::1", "[::1]:80", "x:99999", "x:"]
JSON = "application/json"
TYPES = [JSON, JSON, JSON, f"{JSON}; charset=utf-16", f"{JSON}; charset=none", "text/plain", ""]
TYPES += ["multipart/form-data", "multipart/form-data; boundary=x", ";;=;", "a/b", "a/b+json", LONG]
LENGTHS = [None, "", "0", "-1", "5", "abc", "1e3", "99999999", "9" * 30, "9" * 5000]
VALUES: dict[str, Sequence[str | None]] = {
    "REQUEST_METHOD": METHODS,
    "SCRIPT_NAME": [None, "", "", "", "/app", "/api", "/api/public"],
    "PATH_INFO": [None, *PATHS],
    "QUERY_STRING": [None, "", "", "", "a=1", "a=%ff&=&&;", "\xff", LONG],
    "HTTP_ORIGIN": [None, None, *ORIGINS],
    "HTTP_HOST": [None, *HOSTS, "\xe9", LONG],
    "HTTP_ACCESS_CONTROL_REQUEST_METHOD": [None, "PUT", "DELETE", "POST", "put", "", "*", LONG],
    "HTTP_ACCESS_CONTROL_REQUEST_HEADERS": [None, None, "Content-Type", "", "x", ",,", "a," * 4000],
    "HTTP_SEC_FETCH_SITE": [None, None, "same-origin", "none", "cross-site", "", "none, none"],
    "HTTP_UPGRADE": [None, None, None, "websocket", "h2c, WebSocket", ""],
    "HTTP_CONNECTION": [None, "Upgrade", "close"],
    "HTTP_TRANSFER_ENCODING": [None, None, None, "chunked", "gzip"],
    "HTTP_COOKIE": [None, None, "session=x.y.z; a", "=;=;", LONG],
    "HTTP_AUTHORIZATION": [None, None, "Basic \xff", "Bearer"],
    "HTTP_RANGE": [None, None, "bytes=9-1,,"],
    "HTTP_IF_NONE_MATCH": [None, None, '"', "*"],
    "CONTENT_TYPE": [None, *TYPES],
    "CONTENT_LENGTH": LENGTHS,
}
TEXTS = st.text(st.characters(max_codepoint=0xFF), min_size=1)
BODIES = [b"", b"{}", b'{"a": 1}', b"[]", b"null", b"1", b'"a"', b"{", b"NaN", b"\0", b"\xff"]
BODIES += [b"9" * 5000, b"[" * 200_000, b'{"a":' * 200_000, b'{"\\ud800": "\\udfff"}', b"a=1&b=%ff"]
BODIES += [b"\xff\xfe{\0}\0", b" " * 9999, b"--x\r\n\r\n"]

# ValueErrors of Werkzeug's redirects, of what no server passes on or no browser sends.
WERKZEUGS = [
    ("newline", "SCRIPT_NAME", "[\r\n]"),
    ("newline", "QUERY_STRING", "[\r\n]"),
    ("IPv", "HTTP_HOST", r"\["),
]
# What the standard library's validator knows.
KNOWN_METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"}
ALWAYS_THERE = {"SCRIPT_NAME", "PATH_INFO", "QUERY_STRING"}


def environ_of(draw: Random) -> dict[str, Any]:
    """Return an environ as a server may give it (PEP 3333)."""
    body = draw.choice(BODIES)
    drawn = {name: spoiled(draw, draw.choice(values)) for name, values in VALUES.items()}
    if draw.random() < 0.7:
        drawn["CONTENT_LENGTH"] = str(len(body))
    if draw.random() < 0.2:
        drawn["wsgi.input_terminated"] = "yes"
    return {
        **{name: value for name, value in drawn.items() if value is not None},
        "REQUEST_METHOD": drawn["REQUEST_METHOD"] or "GET",
        "SERVER_NAME": "localhost",
        "SERVER_PORT": draw.choice(["80", "443", "8000"]),
        "SERVER_PROTOCOL": "HTTP/1.1",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": draw.choice(["http", "https"]),
        "wsgi.input": io.BytesIO(body),
        "wsgi.errors": io.StringIO(),
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }


def spoiled(draw: Random, value: str | None) -> str | None:
    """Return a value, now and then with a part of it replaced by something worse."""
    if value is None or draw.random() < 0.9:
        return value
    start = draw.randint(0, len(value))
    end = start + draw.randint(0, 2)
    return value[:start] + draw.choice(SPOILERS) + value[end:]


class Answer(NamedTuple):
    """A complete answer."""

    status: str
    headers: list[tuple[str, str]]
    body: bytes

    def values(self, name: str) -> list[str]:
        """Return the values of a header."""
        return [value for key, value in self.headers if key.lower() == name]


def ask(app: Any, environ: dict[str, Any]) -> Answer:
    """Send a request, through the standard library's validator where that takes the environ."""
    started: list[Any] = []
    application: Any = validator(app) if is_ordinary(environ) else app
    result = application(
        environ, lambda status, headers, exc_info=None: started.extend([status, headers])
    )
    try:
        body = b"".join(result)
    finally:
        getattr(result, "close", int)()
    status, headers = started
    return Answer(status, headers, body)


def is_ordinary(environ: dict[str, Any]) -> bool:
    """Tell whether the validator has nothing against an environ itself."""
    return (
        environ["REQUEST_METHOD"] in KNOWN_METHODS
        and environ.keys() >= ALWAYS_THERE
        and environ["SCRIPT_NAME"] != "/"
        and (environ["SCRIPT_NAME"] + "/").startswith("/")
        and (environ["PATH_INFO"] + "/").startswith("/")
        and re.fullmatch("[0-9]{0,30}", environ.get("CONTENT_LENGTH", "")) is not None
        and "wsgi.input_terminated" not in environ
    )


def examine(app: Any, seed: int, texts: Mapping[str, str] = {}) -> None:
    """Send the request of a seed, some values replaced; look at the answer from every side."""
    environ = {**environ_of(Random(seed)), **texts}
    try:
        answer = ask(app, environ)
        follows_wsgi(environ, answer)
        keeps_the_allowlist(environ, answer)
    except Exception as error:
        if is_werkzeugs(error, environ):
            return
        error.add_note(
            f"seed {seed}: { {name: str(value)[:80] for name, value in environ.items()} }"
        )
        raise


def is_werkzeugs(error: Exception, environ: dict[str, Any]) -> bool:
    """Tell whether an exception is one that Werkzeug is known for."""
    return isinstance(error, ValueError) and any(
        words in str(error) and re.search(cause, environ.get(name, ""))
        for words, name, cause in WERKZEUGS
    )


def follows_wsgi(environ: dict[str, Any], answer: Answer) -> None:
    """Check what a server may rely on."""
    assert re.fullmatch(r"[1-4][0-9]{2} [ -~]+", answer.status)
    for name, value in answer.headers:
        assert re.fullmatch(r"[A-Za-z0-9-]+", name)
        assert re.fullmatch(r"[ -~\x80-\xff]*", value)
    if environ["REQUEST_METHOD"] == "HEAD" or answer.status[:3] == "204":
        assert answer.body == b""
    else:
        assert answer.values("content-length") == [str(len(answer.body))]


def keeps_the_allowlist(environ: dict[str, Any], answer: Answer) -> None:
    """Check the answer against what is listed for its blueprint and for its origin."""
    origin, method = environ.get("HTTP_ORIGIN"), environ["REQUEST_METHOD"]
    blueprint = blueprint_of(environ.get("PATH_INFO", ""))
    listed = is_listed(blueprint, origin)
    preflight = method == "OPTIONS" and "HTTP_ACCESS_CONTROL_REQUEST_METHOD" in environ
    if listed and not (preflight and answer.status[:3] == "403"):
        assert answer.values("access-control-allow-origin") == [origin]
    else:
        assert not any(name.lower().startswith("access-control-") for name, _ in answer.headers)
    if blueprint:
        (vary,) = answer.values("vary")
        assert "Origin" in vary.split(", ")
    if answer.status[:3] == "200" and answer.body.startswith(b'{"blueprint"'):
        assert json.loads(answer.body) == {"blueprint": blueprint}
    unsafe = method not in SAFE or (
        method == "GET" and "websocket" in environ.get("HTTP_UPGRADE", "").lower()
    )
    foreign = environ.get("HTTP_SEC_FETCH_SITE", "none") not in ("same-origin", "none")
    if blueprint and not listed and unsafe and foreign:
        assert answer.status[:3] == "403"


@pytest.fixture(scope="module")
def app() -> Any:
    """The default project's application, with exceptions let through."""
    return create_app(SETTINGS)


@pytest.mark.parametrize("count", [20_000, pytest.param(200_000, marks=pytest.mark.slow)])
def test_hostile_requests_get_no_more_than_they_should(app: Any, count: int) -> None:
    for seed in range(count):
        examine(app, seed)


@settings(max_examples=500, deadline=None, database=None, derandomize=True)
@given(seed=st.integers(0, 2**32), texts=st.dictionaries(st.sampled_from(sorted(VALUES)), TEXTS))
def test_nor_do_requests_with_any_text_anywhere(app: Any, seed: int, texts: dict[str, str]) -> None:
    examine(app, seed, texts)
