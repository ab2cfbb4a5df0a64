"""What is believed of a request: proxies in front, its host, the size and depth of a body."""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from functools import partial
from io import RawIOBase
from ipaddress import IPv6Address
from math import isfinite
from typing import Any, BinaryIO
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from flask import Flask, request
from werkzeug.exceptions import BadRequest, RequestEntityTooLarge
from werkzeug.http import parse_list_header
from werkzeug.middleware.proxy_fix import ProxyFix
from werkzeug.sansio.utils import host_is_trusted
from werkzeug.wsgi import ClosingIterator, get_content_length

from .cors import ConfigurationError, Problem

DEFAULTS = {"TRUSTED_PROXY_HOPS": 0, "MAX_CONTENT_LENGTH": 1024 * 1024, "TRUSTED_HOSTS": None}
NOBODY = {"x_for": 0, "x_proto": 0, "x_host": 0, "x_prefix": 0}  # the arguments of ProxyFix
HOSTS = 'not a list of names such as ["api.example.com"]: lower case, no scheme, path, * or IPv6'
NAME = r"([a-z0-9-]{1,63}\.)*[a-z0-9-]{1,63}(:[0-9]+)?"  # of a host; Werkzeug finds no other
is_name = re.compile(NAME).fullmatch
is_name_or_all_below = re.compile(rf"\.?{NAME}").fullmatch
is_scheme = re.compile("https?").fullmatch
is_prefix = re.compile(r"(/(?!\.)[\w.~-]+)+/?", re.ASCII).fullmatch
DEEPEST = 500  # Python's own limit differs between its versions, and between reading and writing
DRAINED = 16 * 1024 * 1024


def init_app(app: Flask) -> None:
    """Limit what a client can claim and send; call it last, so that ProxyFix is outermost.

    ``TRUSTED_PROXY_HOPS`` proxies in front are believed their ``X-Forwarded-For``, ``-Proto`` and
    ``-Host``, or as many as it names for each argument of ProxyFix. A body longer than
    ``MAX_CONTENT_LENGTH`` is answered with 413; JSON of more than `DEEPEST` levels, and a host that
    is none of ``TRUSTED_HOSTS``, with 400. Raises ConfigurationError for what cannot work.
    """
    for name, default in DEFAULTS.items():
        if app.config.get(name) in (None, ""):
            app.config[name] = default
    if problems := [*problems_of_numbers(app.config), *problems_of_hosts(app.config)]:
        raise ConfigurationError(problems, subject="Configuration")
    app.wsgi_app = partial(limit_body, app, app.wsgi_app)  # type: ignore[method-assign]
    hops = app.config["TRUSTED_PROXY_HOPS"]
    told = hops if isinstance(hops, dict) else {"x_for": hops, "x_proto": hops, "x_host": hops}
    if any(told.values()):
        proxy_fix = ProxyFix(app.wsgi_app, **NOBODY | told)
        app.wsgi_app = partial(believe, proxy_fix)  # type: ignore[method-assign]


def problems_of_numbers(config: Mapping[str, Any]) -> Iterator[Problem]:
    """Yield a problem for each setting that is none of 0, 1, 2, ...; True and False are not."""
    for name in ("MAX_CONTENT_LENGTH", "TRUSTED_PROXY_HOPS"):
        value, wrong = config[name], "not a whole number of 0 or more, such as 1"
        numbers = {"x_for": value}
        if isinstance(value, dict) and name == "TRUSTED_PROXY_HOPS":
            numbers, wrong = value, f"not whole numbers such as {json.dumps(NOBODY)}"
        if not all(n in NOBODY and type(v) is int and v >= 0 for n, v in numbers.items()):
            yield Problem(f"FLASK_{name}", "number", wrong, entry=str(value))


def problems_of_hosts(config: Mapping[str, Any]) -> list[Problem]:
    """Return a problem for hosts that are neither a list of names nor a text, which is one name."""
    hosts = config["TRUSTED_HOSTS"]
    names = hosts if isinstance(hosts, list) else [hosts]
    texts = [name for name in names if isinstance(name, str)]
    if hosts is None or (names == texts != [] and all(map(is_name_or_all_below, texts))):
        return []
    found = re.findall(r"(?:\w+://)?\*?([^][\s,;'\"/]+)[^][\s,;'\"]*", " ".join(texts).lower())
    write = json.dumps(found) if found and all(map(is_name_or_all_below, found)) else None
    return [Problem("FLASK_TRUSTED_HOSTS", "hosts", HOSTS, write, entry=str(hosts))]


def is_host(host: str) -> bool:
    """Tell whether browsers send such a ``Host``; at some that begin with [ Werkzeug fails."""
    address = re.fullmatch(r"\[(.+)\](:[0-9]+)?", host)
    try:
        name = IPv6Address(address[1]) if address else is_name(host.lower())
    except ValueError:
        return False
    return bool(name) and host_is_trusted(host)  # which looks at the port


def believe(fix: ProxyFix, environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
    """Pass a request on; a scheme, host or prefix that can be none counts as not sent."""
    can_be: dict[str, Callable[[str], object]]
    can_be = {"PROTO": is_scheme, "HOST": is_host, "PREFIX": is_prefix}
    for name, is_one in can_be.items():
        values = parse_list_header(environ.get(f"HTTP_X_FORWARDED_{name}", ""))
        believed = values[-getattr(fix, f"x_{name.lower()}") :][:1]
        if not all(map(is_one, believed)):
            del environ[f"HTTP_X_FORWARDED_{name}"]
    return fix(environ, start)


def limit_body(
    app: Flask, wsgi_app: WSGIApplication, environ: WSGIEnvironment, start: StartResponse
) -> Iterable[bytes]:
    """Pass a request on; what is left of its body is read, or a proxy might miss the answer."""
    if getattr(app.json.loads, "func", None) is not shallow:  # whenever its provider was set
        app.json.loads = partial(shallow, app.json.loads)  # type: ignore[method-assign]
    if (host := environ.get("HTTP_HOST", "")).startswith("[") and not is_host(host):
        environ["HTTP_HOST"] = ".."  # which is answered with 400
    if "wsgi.input_terminated" not in environ:
        return wsgi_app(environ, start)
    body, length = environ["wsgi.input"], get_content_length(environ)
    if length is None:
        environ["wsgi.input"] = Chunks(body)
    answer = wsgi_app(environ, start)
    if "HTTP_TRANSFER_ENCODING" in environ or 0 < (length or 0) < DRAINED:
        return ClosingIterator(answer, partial(drain, body))
    return answer


def drain(body: BinaryIO, size: int = 65_536) -> None:
    """Read `DRAINED` bytes of a body, or what it has."""
    with suppress(Exception):  # each server has its own
        all(body.read(size) for _ in range(DRAINED // size))


class Chunks(RawIOBase):
    """A body in chunks. One that is too long is refused; Werkzeug alone cuts it off."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._length = 0

    def readinto(self, buffer: Any) -> int:
        """Read what comes next; raise RequestEntityTooLarge where it goes on after the limit."""
        try:
            data = self._stream.read(len(buffer))
            self._length += len(data)
            goes_on = self._length == request.max_content_length and self._stream.read(1)
        except Exception as error:  # each server has its own
            raise BadRequest("The body is no chunks.") from error
        if goes_on:
            raise RequestEntityTooLarge
        buffer[: len(data)] = data
        return len(data)


def shallow(loads: Callable[..., Any], s: str | bytes, **kwargs: Any) -> Any:
    """Return what `loads` reads from JSON; raise ValueError where JSON could not be written."""
    with suppress(RecursionError):
        level = [value := loads(s, **kwargs)]
        for _ in range(DEEPEST + 1):
            if not all(isfinite(inner) for inner in level if isinstance(inner, float)):
                raise ValueError("NaN and Infinity are no JSON")  # RFC 8259, section 6
            if not (nested := [inner for inner in level if isinstance(inner, (dict, list))]):
                return value
            parts = (inner.values() if isinstance(inner, dict) else inner for inner in nested)
            level = [inner for part in parts for inner in part]
    raise ValueError(f"nested more than {DEEPEST} levels deep")
