"""A model browser: what a *page* sees of an answer, by the rules of the Fetch standard.

It follows the steps of https://fetch.spec.whatwg.org/ for a request in mode "cors": the preflight
where one is needed, the CORS check, redirects, the headers that a page may read. There is no cache
of preflights, no cookie jar and no other site to be redirected to.
"""

import json as json_module
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urljoin, urlsplit

from werkzeug.datastructures import Headers
from werkzeug.test import Client

from .origins import DEFAULT_PORTS
from .policy import SAFELISTED_METHODS

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

MOST_REDIRECTS = 20
REDIRECTS = frozenset({301, 302, 303, 307, 308})
NORMALIZED_METHODS = frozenset({"DELETE", "GET", "HEAD", "OPTIONS", "POST", "PUT"})
SAFELISTED_CONTENT_TYPES = frozenset(
    {"application/x-www-form-urlencoded", "multipart/form-data", "text/plain"}
)
SAFELISTED_REQUEST_HEADERS = frozenset(
    {"accept", "accept-language", "content-language", "content-type", "range"}
)
SAFELISTED_RESPONSE_HEADERS = frozenset(
    {
        "cache-control",
        "content-language",
        "content-length",
        "content-type",
        "expires",
        "last-modified",
        "pragma",
    }
)


class Blocked(Exception):
    """The page gets nothing but a network error; the message is the reason."""


@dataclass(frozen=True)
class Response:
    """An answer: its status, its headers, its body."""

    status: int
    headers: Headers
    body: bytes

    @property
    def json(self) -> Any:
        """The body, read as JSON."""
        return json_module.loads(self.body)


class Request(NamedTuple):
    """What goes over the wire."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes | None = None


Send = Callable[[Request], Response]


def send_to(app: "WSGIApplication") -> Send:
    """Return what sends requests to a WSGI application in this process."""
    client = Client(app)

    def send(request: Request) -> Response:
        parts = urlsplit(request.url)
        answer = client.open(
            path=parts.path or "/",
            query_string=parts.query,
            base_url=f"{parts.scheme}://{parts.netloc}",
            method=request.method,
            headers=dict(request.headers),
            data=request.body,
            buffered=True,
        )
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
        page_headers = Headers(list((headers or {}).items()))
        if json is not None:
            body = json_module.dumps(json).encode()
            page_headers.setdefault("Content-Type", "application/json")
        if method.upper() in NORMALIZED_METHODS:
            method = method.upper()
        page = _Page(origin, credentials)
        url = urljoin(self._base_url, url)
        for _ in range(MOST_REDIRECTS + 1):
            response = self._fetch_once(page, Request(method, url, dict(page_headers), body))
            location = response.headers.get("Location")
            if response.status not in REDIRECTS or location is None:
                return page.readable(url, response)
            try:
                target = urljoin(url, location)
                elsewhere = origin_of(target)
            except ValueError:
                raise Blocked(f"the answer is a redirect to no address, {location}") from None
            if elsewhere != origin_of(url):
                raise Blocked(
                    f"the answer is a redirect to {elsewhere}, which is not followed here"
                )
            url = target
            if (response.status in (301, 302) and method == "POST") or (
                response.status == 303 and method not in ("GET", "HEAD")
            ):
                method, body = "GET", None
                page_headers.remove("Content-Type")
        raise Blocked(f"more than {MOST_REDIRECTS} redirects")

    def _fetch_once(self, page: "_Page", request: Request) -> Response:
        if page.is_same_origin(request.url):
            return self._send(page.sent_same_origin(request))
        if page.needs_preflight(request):
            preflight = page.preflight(request)
            page.check_preflight(request, self._send(preflight))
        response = self._send(page.sent_cross_origin(request))
        page.check(response, "the answer")
        return response


class _Page(NamedTuple):
    """The rules of the standard, as they are for a page of one origin."""

    origin: str
    credentials: bool

    def is_same_origin(self, url: str) -> bool:
        return origin_of(url) == self.origin

    def sent_same_origin(self, request: Request) -> Request:
        headers = {**request.headers, "Sec-Fetch-Site": "same-origin"}
        if request.method not in ("GET", "HEAD"):
            headers["Origin"] = self.origin
        return request._replace(headers=headers)

    def sent_cross_origin(self, request: Request) -> Request:
        headers = {**request.headers, "Origin": self.origin, "Sec-Fetch-Site": "cross-site"}
        return request._replace(headers=headers)

    def needs_preflight(self, request: Request) -> bool:
        return request.method not in SAFELISTED_METHODS or bool(unsafe_headers(request.headers))

    def preflight(self, request: Request) -> Request:
        headers = {"Access-Control-Request-Method": request.method}
        if names := unsafe_headers(request.headers):
            headers["Access-Control-Request-Headers"] = ",".join(names)
        return self.sent_cross_origin(Request("OPTIONS", request.url, headers))

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
        sent = response.headers.get("Access-Control-Allow-Credentials")
        if self.credentials and sent != "true":
            raise Blocked(f"{what} does not allow credentials")

    def check_preflight(self, request: Request, response: Response) -> None:
        """Do what a "CORS-preflight fetch" does once its answer has come."""
        self.check(response, "the answer to the preflight")
        if not 200 <= response.status <= 299:
            raise Blocked(f"the preflight was answered with status {response.status}")
        methods = listed(response, "Access-Control-Allow-Methods")
        any_method = "*" in methods and not self.credentials
        if request.method not in SAFELISTED_METHODS.union(methods) and not any_method:
            raise Blocked(f"the preflight does not allow the method {request.method}")
        allowed = {name.lower() for name in listed(response, "Access-Control-Allow-Headers")}
        any_header = "*" in allowed and not self.credentials
        for name in unsafe_headers(request.headers):
            if name not in allowed and not (any_header and name != "authorization"):
                raise Blocked(f"the preflight does not allow the header {name}")

    def readable(self, url: str, response: Response) -> Response:
        """Return the "CORS filtered response": the headers that are safelisted or exposed."""
        if self.is_same_origin(url):
            return response
        exposed = {name.lower() for name in listed(response, "Access-Control-Expose-Headers")}
        any_header = "*" in exposed and not self.credentials
        readable = [
            (name, value)
            for name, value in response.headers
            if any_header or name.lower() in SAFELISTED_RESPONSE_HEADERS | exposed
        ]
        return Response(response.status, Headers(readable), response.body)


def origin_of(url: str) -> str:
    """Return the origin of an http(s) URL, serialized as browsers do."""
    parts = urlsplit(url)
    address = (parts.netloc.rpartition("@")[2]).lower()
    return f"{parts.scheme}://{address.removesuffix(':' + DEFAULT_PORTS.get(parts.scheme, ''))}"


def unsafe_headers(headers: Mapping[str, str]) -> list[str]:
    """Return the names that are no "CORS-safelisted request-header", sorted, in lower case."""
    return sorted(name.lower() for name, value in headers.items() if not is_safelisted(name, value))


def is_safelisted(name: str, value: str) -> bool:
    """Tell whether a page may send a request header without asking."""
    name = name.lower()
    if name not in SAFELISTED_REQUEST_HEADERS or len(value.encode()) > 128:
        return False
    if name == "range":
        return re.fullmatch("bytes=[0-9]+-[0-9]*", value) is not None
    if name in ("accept-language", "content-language"):
        return re.fullmatch(r"[0-9A-Za-z *,\-.;=]*", value) is not None
    if re.search(r"[\x00-\x08\x0a-\x1f\"():<>?@\[\\\]{}\x7f]", value):
        return False
    media_type = value.partition(";")[0].strip().lower()
    return name == "accept" or media_type in SAFELISTED_CONTENT_TYPES


def listed(response: Response, header: str) -> set[str]:
    """Return what a header lists, whether on one line or on several."""
    names = ",".join(response.headers.getlist(header)).split(",")
    return {name.strip() for name in names if name.strip()}
