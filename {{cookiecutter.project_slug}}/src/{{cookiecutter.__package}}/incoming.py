"""What is believed of a request: proxies in front, its host, the size and depth of a body."""

import json
import re
from collections.abc import Mapping
from io import BytesIO
from typing import IO, Any

from flask import Flask
from flask import Request as FlaskRequest
from flask.json.provider import DefaultJSONProvider
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.middleware.proxy_fix import ProxyFix
from werkzeug.utils import cached_property

from .cors import ConfigurationError, Problem

NUMBERS = ("TRUSTED_PROXY_HOPS", "MAX_CONTENT_LENGTH")
DEFAULTS = {"TRUSTED_PROXY_HOPS": 0, "MAX_CONTENT_LENGTH": 1024 * 1024, "TRUSTED_HOSTS": None}


def init_app(app: Flask) -> None:
    """Limit what a client can claim and send; call it last, so that ProxyFix is outermost.

    ``TRUSTED_PROXY_HOPS`` proxies in front are believed what they say in ``X-Forwarded-For``,
    ``-Proto`` and ``-Host``. A body of more than ``MAX_CONTENT_LENGTH`` bytes is answered with
    413, JSON that is nested too deeply with 400, a host that is none of ``TRUSTED_HOSTS`` with 400.
    Raises ConfigurationError for anything but whole numbers and names of hosts. See
    https://werkzeug.palletsprojects.com/middleware/proxy_fix/.
    """
    for name, default in DEFAULTS.items():
        if app.config.get(name) in (None, ""):
            app.config[name] = default
    problems = [*problems_of_numbers(app.config), *problems_of_hosts(app.config)]
    if problems:
        raise ConfigurationError(problems, subject="Configuration")
    app.json = JSONProvider(app)
    app.request_class = Request
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


class Request(FlaskRequest):
    """Flask's own, but a body in chunks that is too long is refused; Werkzeug cuts it off."""

    @cached_property
    def stream(self) -> IO[bytes]:
        """Return the body; raise RequestEntityTooLarge where it is over the limit."""
        stream = super().stream
        in_chunks = self.content_length is None and "wsgi.input_terminated" in self.environ
        if not in_chunks or self.max_content_length is None:
            return stream
        body = BytesIO(stream.read())
        if self.input_stream.read(1):
            raise RequestEntityTooLarge
        return body


class JSONProvider(DefaultJSONProvider):
    """Flask's own, but JSON that is nested too deeply is invalid and no RecursionError."""

    def loads(self, s: str | bytes, **kwargs: Any) -> Any:
        """Return the value of a JSON text; raise ValueError for what cannot be read."""
        try:
            return super().loads(s, **kwargs)
        except RecursionError:
            raise ValueError("nested too deeply") from None
