"""`flask cors check`: what a page sees, step by step, and what to change where it sees nothing."""

import http.client
import ssl
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

from flask import Flask
from werkzeug.datastructures import Headers

from .browser import Blocked, Browser, Request, Response, Send, origin_of, send_to, unsafe_headers
from .middleware import CORSMiddleware
from .policy import SAFELISTED_METHODS, Policy, variable_name
from .prefixes import PrefixMap
from .problems import Problem
from .refusals import Refusal
from .settings import ConfigurationError, read_settings

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

TIMEOUT = 10  # seconds
SAFE = "%/?:@!$&'()*+,;=-._~"  # what a browser leaves as it is in a path and a query


class Unreachable(Exception):
    """A server did not answer; the message is a sentence."""


@dataclass
class Visit:
    """What happened when a page sent a request: every exchange, and why the page sees nothing.

    `refusals` are those of the application's own middleware, None where another server was asked.
    """

    request: Request
    origin: str
    credentials: bool
    refusals: list[Refusal] | None
    exchanges: list[tuple[Request, Response]] = field(default_factory=list)
    blocked: str | None = None

    def steps(self) -> Iterator[tuple[bool, str]]:
        """Yield the browser's steps in words, each with whether it went well."""
        if origin_of(self.request.url) == self.origin:
            yield True, "the page is of the same origin: CORS has no say"
        else:
            yield True, _why_preflight(self.request)
        last = len(self.exchanges)
        for number, (request, response) in enumerate(self.exchanges, start=1):
            step = f"{request.method} {urlsplit(request.url).path or '/'}"
            if _is_preflight(request):
                fine = not (self.blocked and number == last)
                yield fine, f"preflight: {step} is answered {response.status}"
            elif self.refusals is None:
                yield True, f"{step} is answered {response.status}"
            elif response.status == 403:
                yield False, f"{step} is answered 403 before it reaches the application"
            else:
                yield True, f"{step} reaches the application"
            yield from ((False, fault) for fault in _faults(request, response))
        yield self.blocked is None, self.blocked or "the page reads the answer"


def visit(
    send: Send,
    url: str,
    *,
    origin: str,
    method: str,
    headers: Mapping[str, str],
    credentials: bool,
    refusals: list[Refusal] | None = None,
) -> Visit:
    """Let a page of an origin send a request, and keep what happens.

    `send` carries the requests; `refusals` is where the application's own middleware leaves them.
    Raises Unreachable where there is no answer.
    """
    seen = Visit(Request(method, url, headers), origin, credentials, refusals)

    def send_and_keep(request: Request) -> Response:
        response = send(request)
        seen.exchanges.append((request, response))
        return response

    try:
        Browser(send_and_keep).fetch(
            url, origin=origin, method=method, headers=headers, credentials=credentials
        )
    except Blocked as blocked:
        seen.blocked = str(blocked)
    return seen


def send_to_policies(app: Flask, prefixes: PrefixMap, refusals: list[Refusal]) -> Send:
    """Return what the application's own middleware answers, with no view behind it."""
    middleware = CORSMiddleware(
        app, prefixes, lambda: None, wsgi_app=_answer_nothing, on_refusal=refusals.append
    )
    return send_to(middleware)


def send_over_http(request: Request) -> Response:
    """Send a request to its address and read the head of its answer. Raises Unreachable."""
    parts = urlsplit(request.url)
    make: Callable[..., http.client.HTTPConnection] = (
        http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    )
    target = quote((parts.path or "/") + (f"?{parts.query}" if parts.query else ""), safe=SAFE)
    try:
        connection = make(parts.hostname, parts.port, timeout=TIMEOUT)
        try:
            connection.request(request.method, target, request.body, dict(request.headers))
            answer = connection.getresponse()
            return Response(answer.status, Headers(answer.getheaders()), b"")
        finally:
            connection.close()
    except Exception as error:
        raise Unreachable(f"{parts.netloc} {_why_unreachable(error)}") from error


def remedy(visit: Visit, policy: Policy) -> tuple[list[str], list[Problem]]:
    """Return the lines for .env that let the page through, or the problems that they would be.

    They name the blueprint's own variables: nothing is opened or narrowed for the others.
    """
    changed: dict[str, object] = {}
    if not policy.allows(visit.origin):
        changed["origins"] = (*policy.origins, visit.origin)
    if not policy.allows_method(visit.request.method):
        changed["methods"] = (*policy.methods, visit.request.method)
    if names := policy.headers_refused(",".join(unsafe_headers(visit.request.headers))):
        changed["allow_headers"] = (*policy.allow_headers, *names)
    if visit.credentials and not policy.supports_credentials:
        changed["supports_credentials"] = True
        if policy.allows_any:
            changed["origins"] = (visit.origin,)
    options = {"origins": policy.origins, "supports_credentials": policy.supports_credentials}
    try:
        read_settings(
            [policy.blueprint],
            {policy.variable(option): value for option, value in {**options, **changed}.items()},
        )
    except ConfigurationError as error:
        return [], list(error.problems)
    lines = [
        f"{variable_name(option, policy.blueprint)}={_in_env(value)}"
        for option, value in changed.items()
    ]
    if policy.allows_any and "origins" in changed:
        lines.insert(0, "# * cannot go with cookies: list every origin that is to keep access")
    return lines, []


def _in_env(value: object) -> str:
    return ",".join(value) if isinstance(value, tuple) else str(value).lower()


def _why_preflight(request: Request) -> str:
    names = unsafe_headers(request.headers)
    if request.method not in SAFELISTED_METHODS:
        return f"a preflight is needed: {request.method} is none of GET, HEAD, POST"
    if names:
        return f"a preflight is needed: the page sets {', '.join(names)}"
    return f"no preflight is needed for a plain {request.method}"


def _is_preflight(request: Request) -> bool:
    return "Access-Control-Request-Method" in request.headers


def _faults(request: Request, response: Response) -> Iterator[str]:
    """Yield the classic faults of servers and proxies that an answer shows."""
    allowed = response.headers.getlist("Access-Control-Allow-Origin")
    if len(allowed) > 1:
        yield (
            "two Access-Control-Allow-Origin headers: what stands in front of the application adds "
            "its own; delete it there (in nginx, an add_header)"
        )
    if allowed and "*" not in allowed and not _varies_on_origin(response):
        yield "Vary: Origin is missing: a cache may give this answer to pages of other origins"
    if _is_preflight(request) and response.status in (301, 302, 303, 307, 308):
        yield (
            f"the preflight is redirected to {response.headers.get('Location')}; browsers do not "
            "follow: call that address (https? a slash at the end?)"
        )
    if _is_preflight(request) and response.status == 401:
        yield "the preflight is asked to log in, but carries no token: answer it before the login"


def _varies_on_origin(response: Response) -> bool:
    names = ",".join(response.headers.getlist("Vary")).lower().split(",")
    return not {"origin", "*"}.isdisjoint(name.strip() for name in names)


def _why_unreachable(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return f"did not answer within {TIMEOUT} seconds"
    if isinstance(error, ConnectionRefusedError):
        return "refused the connection (does the server run, on this port?)"
    if isinstance(error, ssl.SSLError):
        return f"failed at TLS: {error.reason or error}"
    return f"cannot be reached: {error}"


def _answer_nothing(environ: "WSGIEnvironment", start_response: "StartResponse") -> list[bytes]:
    start_response("200 OK", [])
    return []
