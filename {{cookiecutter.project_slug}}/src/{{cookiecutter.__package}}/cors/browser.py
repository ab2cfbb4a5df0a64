"""A model browser: what a *page* sees of an answer, by the rules of the Fetch standard.

It follows https://fetch.spec.whatwg.org/ for a request in mode "cors": preflight, CORS check,
redirects, the headers that a page may read; with no cache, cookie jar or other site to go to.
"""

import json as json_module
import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple
from urllib.parse import urljoin, urlsplit
from wsgiref.types import WSGIApplication

from werkzeug.datastructures import Headers
from werkzeug.test import Client

from .origins import DEFAULT_PORTS
from .policy import SAFELISTED_METHODS

MOST_REDIRECTS = 20
REDIRECTS = frozenset({301, 302, 303, 307, 308})
# Lists of the standard, under the names that they have there.
NORMALIZED_METHODS = frozenset("DELETE GET HEAD OPTIONS POST PUT".split())
SAFELISTED_RESPONSE_HEADERS = frozenset(
    "cache-control content-language content-length content-type expires last-modified "
    "pragma".split()
)
_SAFE = r"[^\x00-\x08\x0a-\x1f\"():<>?@\[\\\]{}\x7f]*"
SAFELISTED_REQUEST_HEADERS = {
    "accept": _SAFE,
    "accept-language": r"[0-9A-Za-z *,\-.;=]*",
    "content-language": r"[0-9A-Za-z *,\-.;=]*",
    "content-type": r"(?i:application/x-www-form-urlencoded|multipart/form-data|text/plain)"
    rf" *(;{_SAFE})?",
    "range": "bytes=[0-9]+-[0-9]*",
}


class Blocked(Exception):
    """The page gets nothing but a network error; the message is the reason."""


class Response(NamedTuple):
    """An answer: its status, its headers, its body."""

    status: int
    headers: Headers
    body: bytes

    @property
    def json(self) -> Any:
        """The body, read as JSON."""
        return json_module.loads(self.body)

    def listed(self, header: str) -> set[str]:
        """Return what a header lists, whether on one line or on several."""
        names = ",".join(self.headers.getlist(header)).split(",")
        return {name.strip() for name in names if name.strip()}


class Request(NamedTuple):
    """What goes over the wire."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes | None = None


Send = Callable[[Request], Response]


def send_to(app: WSGIApplication) -> Send:
    """Return what sends requests to a WSGI application in this process."""
    client = Client(app)

    def send(request: Request) -> Response:
        parts = urlsplit(request.url)
        base_url = f"{parts.scheme}://{parts.netloc}"
        sent: dict[str, Any] = {"headers": dict(request.headers), "data": request.body}
        answer = client.open(parts.path or "/", base_url, parts.query, request.method, **sent)
        return Response(answer.status_code, answer.headers, answer.data)

    return send


class Browser:
    """A browser whose pages call one server; `base_url` is where that server is."""

    def __init__(self, send: Send, base_url: str = "http://localhost:8000") -> None:
        self._send = send
        self._base_url = base_url

    def fetch(
        self,
        url: str,
        *,
        origin: str,
        method: str = "GET",
        headers: Mapping[str, str] | None = None,
        json: Any = None,
        body: bytes | None = None,
        credentials: bool = False,
    ) -> Response:
        """Do what ``fetch(url, {mode: "cors", ...})`` does on a page of this origin.

        Returns the answer with the headers that the page may read. Raises Blocked where the page
        gets a network error instead.
        """
        page = _Page(origin, credentials)
        page_headers = Headers(dict(headers or {}))
        if json is not None:
            body = json_module.dumps(json).encode()
            page_headers.setdefault("Content-Type", "application/json")
        if method.upper() in NORMALIZED_METHODS:
            method = method.upper()
        url = urljoin(self._base_url, url)
        for _ in range(MOST_REDIRECTS + 1):
            response = self._fetch_once(page, Request(method, url, dict(page_headers), body))
            location, status = response.headers.get("Location"), response.status
            if status not in REDIRECTS or location is None:
                return page.readable(url, response)
            try:
                here, url = origin_of(url), urljoin(url, location)
                elsewhere = origin_of(url)
            except ValueError:
                raise Blocked(f"the answer is a redirect to no address, {location}") from None
            if elsewhere != here:
                raise Blocked(f"the answer is a redirect to {elsewhere}, not followed here")
            moved = status in (301, 302) and method == "POST"
            if moved or (status == 303 and method not in ("GET", "HEAD")):
                method, body = "GET", None
                page_headers.remove("Content-Type")
        raise Blocked(f"more than {MOST_REDIRECTS} redirects")

    def _fetch_once(self, page: "_Page", request: Request) -> Response:
        if origin_of(request.url) == page.origin:
            headers = {"Sec-Fetch-Site": "same-origin"}
            if request.method not in ("GET", "HEAD"):
                headers["Origin"] = page.origin
            return self._send(request._replace(headers={**request.headers, **headers}))
        if request.method not in SAFELISTED_METHODS or unsafe_headers(request.headers):
            page.check_preflight(request, self._send(page.preflight(request)))
        response = self._send(page.sent(request))
        page.check(response, "the answer")
        return response


class _Page(NamedTuple):
    """The rules of the standard, as they are for a page of another origin."""

    origin: str
    credentials: bool

    def sent(self, request: Request) -> Request:
        headers = {**request.headers, "Origin": self.origin, "Sec-Fetch-Site": "cross-site"}
        return request._replace(headers=headers)

    def preflight(self, request: Request) -> Request:
        headers = {"Access-Control-Request-Method": request.method}
        if names := unsafe_headers(request.headers):
            headers["Access-Control-Request-Headers"] = ",".join(names)
        return self.sent(Request("OPTIONS", request.url, headers))

    def check(self, response: Response, what: str) -> None:
        """Do the "CORS check" of the standard; `what` is the answer in words."""
        values = response.headers.getlist("Access-Control-Allow-Origin")
        allowed = ", ".join(values)
        if not allowed:
            raise Blocked(f"{what} has no Access-Control-Allow-Origin")
        if len(values) > 1:
            raise Blocked(f"{what} allows {allowed}, and browsers take one value alone")
        if allowed == "*" and self.credentials:
            raise Blocked(f"{what} allows *, which does not count for requests with credentials")
        if allowed not in ("*", self.origin):
            raise Blocked(f"{what} allows {allowed}, not {self.origin}")
        if self.credentials and response.headers.get("Access-Control-Allow-Credentials") != "true":
            raise Blocked(f"{what} does not allow credentials")

    def check_preflight(self, request: Request, response: Response) -> None:
        """Do what a "CORS-preflight fetch" does once its answer has come."""
        self.check(response, "the answer to the preflight")
        if not 200 <= response.status <= 299:
            raise Blocked(f"the preflight was answered with status {response.status}")
        methods = response.listed("Access-Control-Allow-Methods")
        any_method = "*" in methods and not self.credentials
        if request.method not in SAFELISTED_METHODS.union(methods) and not any_method:
            raise Blocked(f"the preflight does not allow the method {request.method}")
        allowed = {name.lower() for name in response.listed("Access-Control-Allow-Headers")}
        any_header = "*" in allowed and not self.credentials
        for name in unsafe_headers(request.headers):
            if name not in allowed and not (any_header and name != "authorization"):
                raise Blocked(f"the preflight does not allow the header {name}")

    def readable(self, url: str, response: Response) -> Response:
        """Return the "CORS filtered response": the headers that are safelisted or exposed."""
        if origin_of(url) == self.origin:
            return response
        exposed = {name.lower() for name in response.listed("Access-Control-Expose-Headers")}
        any_header = "*" in exposed and not self.credentials
        names = SAFELISTED_RESPONSE_HEADERS | exposed
        kept = [(n, value) for n, value in response.headers if any_header or n.lower() in names]
        return Response(response.status, Headers(kept), response.body)


def origin_of(url: str) -> str:
    """Return the origin of an http(s) URL, serialized as browsers do."""
    parts = urlsplit(url)
    address = parts.netloc.rpartition("@")[2].lower()
    return f"{parts.scheme}://{address.removesuffix(':' + DEFAULT_PORTS.get(parts.scheme, ''))}"


def unsafe_headers(headers: Mapping[str, str]) -> list[str]:
    """Return the names that are no "CORS-safelisted request-header", sorted, in lower case."""
    return sorted(name.lower() for name, value in headers.items() if not is_safelisted(name, value))


def is_safelisted(name: str, value: str) -> bool:
    """Tell whether a page may send a request header without asking."""
    pattern = SAFELISTED_REQUEST_HEADERS.get(name.lower())
    return bool(pattern and len(value.encode()) <= 128 and re.fullmatch(pattern, value))
