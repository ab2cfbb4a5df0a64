"""What is believed of a request: proxies in front, its host, the size and depth of a body."""

import json
import re
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from functools import partial
from io import RawIOBase
from typing import Any, BinaryIO
from wsgiref.types import StartResponse, WSGIEnvironment

from flask import Flask, request
from flask.json.provider import JSONProvider
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.middleware.proxy_fix import ProxyFix
from werkzeug.wsgi import get_content_length

from .cors import ConfigurationError, Problem

NUMBERS = ("TRUSTED_PROXY_HOPS", "MAX_CONTENT_LENGTH")
DEFAULTS = {"TRUSTED_PROXY_HOPS": 0, "MAX_CONTENT_LENGTH": 1024 * 1024, "TRUSTED_HOSTS": None}
DEEPEST = 500  # Python's own limit differs between its versions, and between reading and writing


def init_app(app: Flask) -> None:
    """Limit what a client can claim and send; call it last, so that ProxyFix is outermost.

    ``TRUSTED_PROXY_HOPS`` proxies in front are believed what they say in ``X-Forwarded-For``,
    ``-Proto`` and ``-Host``. A body of more than ``MAX_CONTENT_LENGTH`` bytes is answered with
    413, JSON that is nested more than `DEEPEST` levels deep with 400, a host that is none of
    ``TRUSTED_HOSTS`` with 400. Raises ConfigurationError for anything but whole numbers and names
    of hosts. See https://werkzeug.palletsprojects.com/middleware/proxy_fix/.
    """
    for name, default in DEFAULTS.items():
        if app.config.get(name) in (None, ""):
            app.config[name] = default
    problems = [*problems_of_numbers(app.config), *problems_of_hosts(app.config)]
    if problems:
        raise ConfigurationError(problems, subject="Configuration")
    app.wsgi_app = BodyLimits(app)  # type: ignore[method-assign]
    hops = app.config["TRUSTED_PROXY_HOPS"]
    if hops:
        app.wsgi_app = ProxyFix(  # type: ignore[method-assign]
            app.wsgi_app, x_for=hops, x_proto=hops, x_host=hops
        )


def problems_of_numbers(config: Mapping[str, Any]) -> list[Problem]:
    """Return a problem for each setting that is none of 0, 1, 2, ...; True and False are not."""
    wrong = "not a whole number of 0 or more, such as 1"
    return [
        Problem(f"FLASK_{name}", "number", wrong, entry=str(config[name]))
        for name in NUMBERS
        if not (type(config[name]) is int and config[name] >= 0)
    ]


def problems_of_hosts(config: Mapping[str, Any]) -> list[Problem]:
    """Return a problem for hosts that are neither a list of names nor a text, which is one name."""
    hosts = config["TRUSTED_HOSTS"]
    if hosts is None or (isinstance(hosts, list) and all(isinstance(host, str) for host in hosts)):
        return []
    names = re.findall(r"[^][\s,;'\"]+", hosts) if isinstance(hosts, str) else []
    if names == [hosts]:
        return []
    write = json.dumps(names) if names else None
    wrong = "not a list of names in JSON"
    return [Problem("FLASK_TRUSTED_HOSTS", "hosts", wrong, write, entry=str(hosts))]


class BodyLimits:
    """A WSGI middleware (PEP 3333) that lets bodies be read as far as they keep the limits."""

    def __init__(self, app: Flask) -> None:
        self._app = app
        self._wsgi_app = app.wsgi_app
        self._json: JSONProvider | None = None

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Pass a request on."""
        if self._app.json is not self._json:  # the provider of the application, whenever it was set
            self._json = self._app.json
            self._json.loads = partial(shallow, self._json.loads)  # type: ignore[method-assign]
        if "wsgi.input_terminated" in environ and get_content_length(environ) is None:
            environ["wsgi.input"] = Chunks(environ["wsgi.input"])
        return self._wsgi_app(environ, start_response)


class Chunks(RawIOBase):
    """A body in chunks. One that is too long is refused; Werkzeug alone cuts it off."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._length = 0

    def readinto(self, buffer: Any) -> int:
        """Read what comes next; raise RequestEntityTooLarge where it goes on after the limit."""
        data = self._stream.read(len(buffer))
        buffer[: len(data)] = data
        self._length += len(data)
        if self._length == request.max_content_length and self._stream.read(1):
            raise RequestEntityTooLarge
        return len(data)


def shallow(loads: Callable[..., Any], s: str | bytes, **kwargs: Any) -> Any:
    """Return what `loads` reads from JSON; raise ValueError where that is nested too deeply."""
    with suppress(RecursionError):
        value = loads(s, **kwargs)
        if depth_of(value) <= DEEPEST:
            return value
    raise ValueError(f"nested more than {DEEPEST} levels deep")


def depth_of(value: Any) -> int:
    """Return how many lists and dicts stand in each other where they are most."""
    depth, level = 0, [value]
    while level := [inner for inner in level if isinstance(inner, (dict, list))]:
        depth += 1
        parts = (inner.values() if isinstance(inner, dict) else inner for inner in level)
        level = [inner for part in parts for inner in part]
    return depth
