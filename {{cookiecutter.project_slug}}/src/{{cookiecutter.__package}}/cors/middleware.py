"""CORSMiddleware decides every request before Flask routes it, and what a page may read of it.

Watch sees to it that the files of origins are those of now.
"""

from __future__ import annotations  # those of the function in __call__ cost each request 1 %

import json
import os
import re
from collections.abc import Callable, Collection, Iterable, Sequence
from threading import Lock, Thread
from time import monotonic, sleep
from typing import Any
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from flask import Flask

from .origins import DEFAULT_PORTS
from .policy import Headers, Policy, Refusal, refused
from .problems import PROBLEMS_PRINTED, ConfigurationError, Log, Problem
from .settings import Files, OriginsFile, Settings, stamp_of

# Some servers pass names on that begin with blanks, or hold the end of a line.
OURS = re.compile(r"^\s*(access-control-|vary$)", re.IGNORECASE | re.MULTILINE)
OWN_SITES = ("same-origin", "none")  # values of Sec-Fetch-Site: the API's own page, or no page
FORBIDDEN = b'{"type": "about:blank", "title": "Forbidden", "status": 403}'  # RFC 9457
OVERRULED = "sets CORS headers; removed, since the CORS_* variables alone decide. Delete that code."
FAILED = "has a refusal that a receiver of the signal fails to take"


class CORSMiddleware:
    """A WSGI middleware that puts each request under the policy of its path (PEP 3333).

    It stands directly around Flask, so that it sees every request and every answer: routed, 404,
    405, redirected, failed in a hook. Middleware that changes paths, methods, scheme or host (such
    as Werkzeug's ProxyFix) goes around it. `policies` are those of the blueprints behind their
    prefixes, `check_routes` the proof of `routes`.
    """

    read: Callable[..., Settings]  # of variables: these, and others for `flask cors check`

    def __init__(
        self,
        app: Flask,
        policies: Sequence[tuple[str, Policy]],
        check_routes: Callable[[], list[Problem]],
        warnings: Sequence[Problem] = (),
        log: Log | None = None,
    ) -> None:
        self._app = app
        self._log = log or Log(app)
        self._flask = app.wsgi_app
        self._pass_on: WSGIApplication = self._check_first
        self.check_routes = check_routes
        self.take(policies, warnings)

    def take(self, policies: Sequence[tuple[str, Policy]], warnings: Sequence[Problem]) -> None:
        """Put policies into force, all at once; a request keeps the one that it has."""
        self.policies, self.warnings = policies, warnings
        # As WSGI carries paths: their bytes, which are UTF-8, as latin-1.
        self._policies = {prefix[1:].encode().decode("latin-1"): p for prefix, p in policies}
        # How many segments prefixes have, the longest first: seldom more than one number.
        self._depths = sorted({prefix.count("/") for prefix, _ in policies}, reverse=True)
        self._longest = max(self._depths, default=0)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        policy = self.policy_for(environ.get("PATH_INFO", ""))
        if policy is None:
            return self._pass_on(environ, start_response)

        origin = environ.get("HTTP_ORIGIN")
        method = environ["REQUEST_METHOD"]
        refusal = None
        if origin is None:
            cors_headers = policy.written.without_origin
            foreign = environ.get("HTTP_SEC_FETCH_SITE", "none") not in OWN_SITES
            if foreign and is_unsafe(method, environ) and not policy.allowlist.any:
                refusal = Refusal(policy, "", "sec_fetch_site")
        elif method == "OPTIONS" and "HTTP_ACCESS_CONTROL_REQUEST_METHOD" in environ:
            # A "CORS-preflight request" of the Fetch standard.
            asked = environ["HTTP_ACCESS_CONTROL_REQUEST_METHOD"]
            names = environ.get("HTTP_ACCESS_CONTROL_REQUEST_HEADERS", "")
            if refusal := policy.refusal(origin, asked, names):
                if not self._app.debug or refusal.option == "origins":
                    vary = policy.written.vary_of_preflights
                    return self._refuse(environ, start_response, refusal, vary)
                # With these headers the browser refuses it, and its message names what is missing.
                self._tell(environ, refusal._replace(enforced=True))
                names = ""
            start_response("204 No Content", policy.preflight(origin, names))
            return []
        elif answer := policy.answer(origin):
            cors_headers = answer
        elif is_same_origin(environ, origin):
            cors_headers = policy.written.vary
        elif answer := policy.answer_asked(origin):
            cors_headers = answer
        else:
            cors_headers = policy.written.vary
            refusal = Refusal(policy, origin, "origins")
        if refusal:
            if policy.enforce and is_unsafe(method, environ):
                return self._refuse(environ, start_response, refusal, cors_headers)
            self._tell(environ, refusal)

        def start(status: str, headers: Headers, exc_info: Any = None) -> Callable[[bytes], object]:
            names = "\n".join([name for name, _ in headers]).lower()
            if "access-control-" in names or "vary" in names:
                headers = self._merge(policy, headers, cors_headers)
            else:
                headers = headers + cors_headers
            return start_response(status, headers, exc_info)

        return self._pass_on(environ, start)

    def policy_for(self, path_info: str) -> Policy | None:
        """Return the policy with the longest prefix in front of a ``PATH_INFO``, or None."""
        # As Werkzeug routes it, `//api` like `/api`; at one cost for few prefixes and for many.
        path = path_info.lstrip("/")
        if "//" in path and self._app.url_map.merge_slashes:
            path = re.sub("/{2,}", "/", path)
        segments = path.split("/", self._longest)
        for depth in self._depths:
            if policy := self._policies.get("/".join(segments[:depth])):
                return policy
        return None

    def _merge(self, policy: Policy, headers: Headers, cors_headers: Headers) -> Headers:
        """Return both, with one line of Vary, and no CORS headers of the application's own."""
        ours = [h for h in headers if OURS.search(h[0])]
        merged = dict(cors_headers)
        varies = [value for name, value in ours if name.lower() == "vary"]
        if len(varies) < len(ours):
            self._log.warn((policy.blueprint, "headers"), "", lambda: OVERRULED)
        named = ",".join([*varies, merged.get("Vary", "")])
        if names := {name.lower(): name for name in re.findall(r"[^\s,]+", named)}:
            merged["Vary"] = "*" if "*" in names else ", ".join(names.values())
        return [*(h for h in headers if h not in ours), *merged.items()]

    def _check_first(self, environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        for warning in self.check_routes():
            self._app.logger.warning("CORS: %s", warning)
        self._pass_on = self._flask  # from its first request on, Flask takes no more routes
        return self._flask(environ, start)

    def _refuse(
        self, environ: WSGIEnvironment, start: StartResponse, refusal: Refusal, vary: Headers
    ) -> Iterable[bytes]:
        self._tell(environ, refusal._replace(enforced=True))
        body = FORBIDDEN
        if self._app.debug:
            body = json.dumps({**json.loads(FORBIDDEN), "detail": str(refusal)}).encode()
        headers = [("Content-Type", "application/problem+json"), ("Content-Length", str(len(body)))]
        start("403 Forbidden", headers + vary)
        return [body]

    def _tell(self, environ: WSGIEnvironment, refusal: Refusal) -> None:
        """Log a refusal, and hand it to the receivers of the signal, if there are any."""
        kind = refusal.policy.blueprint, refusal.option
        key = f"{refusal.origin[:100]} {' '.join(refusal.names)}"[:200]

        def whole() -> Refusal:  # seldom needed
            sent = environ.get("PATH_INFO", "").encode("latin-1", "replace")
            path = sent.decode(errors="replace")
            return refusal._replace(method=environ["REQUEST_METHOD"], path=path)

        self._log.warn(kind, key, lambda: whole().line(), refusal.near)
        for receiver in refused.receivers_for(self._app) if refused.receivers else ():
            try:
                receiver(self._app, refusal=whole())
            except Exception as error:
                name = type(error).__name__
                self._log.warn((kind[0], "signal"), name, lambda: FAILED, error=error)


def is_unsafe(method: str, environ: WSGIEnvironment) -> bool:
    """Tell whether a request may change something, or opens a WebSocket (which CORS leaves be)."""
    if method == "GET":
        return "websocket" in environ.get("HTTP_UPGRADE", "").lower()
    return method not in ("HEAD", "OPTIONS")  # the other safe methods of RFC 9110, section 9.2.1


def is_same_origin(environ: WSGIEnvironment, origin: str) -> bool:
    """Tell whether the page belongs to the site that it calls."""
    # Browsers say so in a header that no page can set. Old ones, and all of them over plain http to
    # anything but loopback, leave it out: there the Origin must name the Host, by https if it is.
    site = environ.get("HTTP_SEC_FETCH_SITE")
    if site is not None:
        return site in OWN_SITES
    scheme, _, address = origin.partition("://")
    if scheme not in DEFAULT_PORTS or (scheme, environ["wsgi.url_scheme"]) == ("http", "https"):
        return False
    default_port = ":" + DEFAULT_PORTS[scheme]
    host: str = environ.get("HTTP_HOST", "").lower().removesuffix(default_port)
    return host != "" and address.removesuffix(default_port) == host


class Watch:
    """Looks at the files of origins while an application serves, once a second.

    A thread of the process that serves looks. A request does so itself where nobody has for two
    seconds: in a process that is new or was paused, or has no threads. `take` puts files that it is
    given into force, and returns all; it raises ConfigurationError where one is wrong.
    """

    def __init__(self, app: Flask, files: Files, take: Callable[[Files], Files]) -> None:
        self._app, self._inside = app, app.wsgi_app
        self._files, self._take = files, take
        self._judged = {path: file.stamp for path, file in files.items()}
        self._seen = dict(self._judged)
        self._due = 0.0  # when a request looks itself
        self._locks: dict[int, Lock] = {}
        self._thread = Thread()

    def serve(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request under the lists that the files hold now."""
        if monotonic() > self._due:
            self.catch_up()
        return self._inside(environ, start_response)

    def catch_up(self) -> None:
        """Look at once, and see to it that somebody looks from now on."""
        # One that was held when this process was forked stays so.
        with self._locks.setdefault(os.getpid(), Lock()):
            if monotonic() < self._due:
                return
            self._look()
            if self._seen != self._judged:
                sleep(1)
                self._look()
            if not self._thread.is_alive():
                self._thread = Thread(target=self._keep_looking, daemon=True)
                self._thread.start()
            self._due = monotonic() + 2

    def _keep_looking(self) -> None:
        while True:
            sleep(1)
            with self._locks[os.getpid()]:
                self._look(self._give_way)
                self._due = monotonic() + 2

    def _give_way(self) -> None:
        sleep(0.0001)  # else a request waits 5 ms, each time that it has waited for anything else
        if (now := monotonic()) < self._due:  # after a pause, requests wait for the list of now
            self._due = now + 2

    def _look(self, pause: Callable[[], object] = lambda: None) -> None:
        """Judge each file that has changed, unless it may be half-written.

        Another file in its place is whole. One that was changed where it lies is, when two looks
        agree.
        """
        for path, judged in self._judged.items():
            stamp, seen = stamp_of(path), self._seen[path]
            self._seen[path] = stamp
            is_another = stamp and judged and stamp[:2] != judged[:2]
            if stamp != judged and (is_another or stamp == seen):
                file = OriginsFile(path, pause)
                if file.stamp == stamp:
                    self._judge(file)

    def _judge(self, file: OriginsFile) -> None:
        path, before = file.path, self._files[file.path]
        was_wrong = self._judged[path] != before.stamp
        self._judged[path] = file.stamp
        try:
            self._files = self._take({**self._files, path: file})
        except ConfigurationError as error:
            wrong = "CORS: %s has changed, but the list stays as it was: %s"
            self._app.logger.warning(wrong, path, error.message)
            return
        old, new = set(before.allowlist.entries), set(file.allowlist.entries)
        if old != new or was_wrong:
            told = path, _some(new - old), _some(old - new)
            self._app.logger.warning("CORS: %s has changed: %s added, %s removed", *told)


def _some(entries: Collection[str]) -> str:
    few = sorted(entries)[:PROBLEMS_PRINTED]
    more = ", ..." if len(entries) > len(few) else ""
    return f"{len(entries)} ({', '.join(few)}{more})" if few else "none"
