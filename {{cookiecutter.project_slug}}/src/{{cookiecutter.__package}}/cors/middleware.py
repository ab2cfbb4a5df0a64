"""CORSMiddleware decides every request before Flask routes it, and what a page may read of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from flask import Flask

from ..errors import PROBLEM_JSON, problem_body
from .origins import DEFAULT_PORTS
from .policy import Headers, Policy
from .prefixes import PrefixMap
from .refusals import Refusal, RefusalLog

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

# What a page may send without changing anything (RFC 9110, section 9.2.1).
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


class CORSMiddleware:
    """A WSGI middleware that puts each request under the policy of its path.

    It stands directly around Flask, so that it sees every request and every answer: routed, 404,
    405, redirected, failed in a hook. Middleware that changes paths, methods, scheme or host (such
    as Werkzeug's ProxyFix) goes around it. `check_routes` is called before Flask has its first
    request, and raises ConfigurationError where a path would select another policy than its
    blueprint's. What answers is the application, what hears of refusals is its log, unless others
    are given.
    """

    def __init__(
        self,
        app: Flask,
        prefixes: PrefixMap,
        check_routes: Callable[[], None],
        wsgi_app: WSGIApplication | None = None,
        on_refusal: Callable[[Refusal], None] | None = None,
    ) -> None:
        self._app = app
        self._application = wsgi_app or app.wsgi_app
        self._pass_on: WSGIApplication = self._check_and_pass_on
        self._check_routes = check_routes
        self._prefixes = prefixes
        self._on_refusal = on_refusal or RefusalLog(app).log
        self._overruled: set[str] = set()

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request (PEP 3333)."""
        policy = self._prefixes.policy_for(environ.get("PATH_INFO", ""))
        if policy is None:
            return self._pass_on(environ, start_response)

        origin = environ.get("HTTP_ORIGIN")
        if origin is None:
            cors_headers = policy.headers_without_origin
        elif environ["REQUEST_METHOD"] == "OPTIONS" and is_preflight(environ):
            refusal = preflight_refusal(policy, origin, environ)
            if refusal:
                return self._refuse(start_response, refusal, policy.vary_of_preflights)
            start_response("204 No Content", policy.preflight_headers(origin))
            return []
        elif answer := policy.answers.get(origin):
            cors_headers = answer
        elif policy.allows(origin):
            cors_headers = policy.answer_headers(origin)
        else:
            cors_headers = policy.vary
            if not is_same_origin(environ, origin):
                refusal = Refusal(policy, origin, "origins")
                if policy.enforce and is_unsafe(environ):
                    return self._refuse(start_response, refusal, policy.vary)
                self._on_refusal(refusal)

        def start(status: str, headers: Headers, exc_info: Any = None) -> Callable[[bytes], object]:
            for name, _ in headers:
                if name[:1] in "aA" and is_cors_header(name):
                    self._log_overruled(policy)
                    headers = [header for header in headers if not is_cors_header(header[0])]
                    break
            return start_response(status, headers + cors_headers, exc_info)

        return self._pass_on(environ, start)

    def _check_and_pass_on(
        self, environ: WSGIEnvironment, start_response: StartResponse
    ) -> Iterable[bytes]:
        self._check_routes()
        self._pass_on = self._application  # from its first request on, Flask takes no more routes
        return self._application(environ, start_response)

    def _refuse(
        self, start_response: StartResponse, refusal: Refusal, vary: Headers
    ) -> Iterable[bytes]:
        self._on_refusal(refusal)
        body = problem_body(403, str(refusal) if self._app.debug else None)
        start_response(
            "403 Forbidden",
            [("Content-Type", PROBLEM_JSON), ("Content-Length", str(len(body))), *vary],
        )
        return [body]

    def _log_overruled(self, policy: Policy) -> None:
        if policy.blueprint not in self._overruled:
            self._overruled.add(policy.blueprint)
            self._app.logger.warning(
                "CORS: a view or hook of blueprint %r set Access-Control-* headers; they were "
                "removed, since the CORS_* variables alone decide. Delete that code.",
                policy.blueprint,
            )


def is_cors_header(name: str) -> bool:
    """Tell whether a response header is one of CORS, which only the policy may send."""
    return name.lower().startswith("access-control-")


def is_preflight(environ: WSGIEnvironment) -> bool:
    """Tell whether an OPTIONS with an Origin is a "CORS-preflight request" (Fetch standard)."""
    return "HTTP_ACCESS_CONTROL_REQUEST_METHOD" in environ


def preflight_refusal(policy: Policy, origin: str, environ: WSGIEnvironment) -> Refusal | None:
    """Return why a preflight is refused, or None where the page may go on."""
    if not policy.allows(origin):
        return Refusal(policy, origin, "origins")
    method = environ["HTTP_ACCESS_CONTROL_REQUEST_METHOD"]
    if not policy.allows_method(method):
        return Refusal(policy, origin, "methods", (method,))
    requested = environ.get("HTTP_ACCESS_CONTROL_REQUEST_HEADERS", "")
    if refused := policy.headers_refused(requested):
        return Refusal(policy, origin, "allow_headers", tuple(refused))
    return None


def is_unsafe(environ: WSGIEnvironment) -> bool:
    """Tell whether a request may change something, or opens a WebSocket (which CORS leaves be)."""
    method = environ["REQUEST_METHOD"]
    if method == "GET":
        return "websocket" in environ.get("HTTP_UPGRADE", "").lower()
    return method not in SAFE_METHODS


def is_same_origin(environ: WSGIEnvironment, origin: str) -> bool:
    """Tell whether the page belongs to the site that it calls.

    Browsers say so in ``Sec-Fetch-Site``, which no page can set. Old ones, and all of them over
    plain http to anything but loopback, leave it out: there the Origin must name the Host.
    """
    site = environ.get("HTTP_SEC_FETCH_SITE")
    if site is not None:
        return site in ("same-origin", "none")
    scheme, _, address = origin.partition("://")
    if scheme not in DEFAULT_PORTS or not address:
        return False
    default_port = ":" + DEFAULT_PORTS[scheme]
    host: str = environ.get("HTTP_HOST", "").lower()
    return address.removesuffix(default_port) == host.removesuffix(default_port)
