"""A model browser: what a *page* sees of an answer, by the rules of the Fetch standard.

It follows https://fetch.spec.whatwg.org/ for a request in mode "cors": preflight, CORS check,
redirects, cookies, the headers that a page may read; with no cache and no other server to go to.
"""

import json as json_module
import re
from collections.abc import Callable, Mapping
from email.message import Message
from functools import lru_cache
from http.cookiejar import Cookie, CookieJar, DefaultCookiePolicy
from types import SimpleNamespace
from typing import Any, NamedTuple
from urllib.parse import urljoin, urlsplit
from urllib.request import Request as LibraryRequest
from wsgiref.types import WSGIApplication

from werkzeug.datastructures import Headers
from werkzeug.test import Client

from .origins import DEFAULT_PORTS, is_ip
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
    client = Client(app, use_cookies=False)

    def send(request: Request) -> Response:
        parts = urlsplit(request.url)
        base_url = f"{parts.scheme}://{parts.netloc}"
        sent: dict[str, Any] = {"headers": dict(request.headers), "data": request.body}
        path = "/" + parts.path.lstrip("/")  # as servers route it; `//name` would be a host
        answer = client.open(path, base_url, parts.query, request.method, **sent)
        return Response(answer.status_code, answer.headers, answer.data)

    return send


class Browser:
    """A browser whose pages call one server, and share cookies; `base_url` is where that server is.

    Cookies of other sites are taken, as Chromium does. Safari and private windows take none.
    """

    def __init__(self, send: Send, base_url: str = "http://localhost:8000") -> None:
        self._send = send
        self._base_url = base_url
        exact, protocols = DefaultCookiePolicy.DomainStrictNonDomain, ("http", "https")
        policy = _CookiePolicy(strict_ns_domain=exact, secure_protocols=protocols)
        self._cookies = CookieJar(policy)

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

        With `credentials` it has ``credentials: "include"``; otherwise a page of another origin
        neither sends cookies nor gets any. Returns the answer with the headers that the page may
        read. Raises Blocked where the page gets a network error instead.
        """
        page_headers = Headers(dict(headers or {}))
        page_headers.remove("Cookie")  # no page may set it
        if json is not None:
            body = json_module.dumps(json).encode()
            page_headers.setdefault("Content-Type", "application/json")
        if method.upper() in NORMALIZED_METHODS:
            method = method.upper()
        url = resolve(url, self._base_url)
        here = origin_of(url)
        relation = "same-site" if site_of(here) == site_of(origin) else "cross-site"
        page = _Page(origin, credentials, "same-origin" if here == origin else relation)
        for _ in range(MOST_REDIRECTS + 1):
            response = self._fetch_once(page, Request(method, url, dict(page_headers), body))
            location, status = response.headers.get("Location"), response.status
            if status not in REDIRECTS or location is None:
                return page.readable(response)
            try:
                url = resolve(location, url)
                elsewhere = origin_of(url)
            except ValueError:
                raise Blocked(f"the answer is a redirect to no address, {location}") from None
            if elsewhere != here:
                then = "not followed here; let the page call that address"
                raise Blocked(f"the answer is a redirect to {elsewhere}, {then}")
            moved = status in (301, 302) and method == "POST"
            if moved or (status == 303 and method not in ("GET", "HEAD")):
                method, body = "GET", None
                page_headers.remove("Content-Type")
        raise Blocked(f"more than {MOST_REDIRECTS} redirects")

    def _fetch_once(self, page: "_Page", request: Request) -> Response:
        is_own = page.relation == "same-origin"
        is_simple = request.method in SAFELISTED_METHODS and not unsafe_headers(request.headers)
        if not is_own and not is_simple:
            page.check_preflight(request, self._send(page.preflight(request)))
        jar = self._cookies if is_own or page.credentials else CookieJar()
        is_foreign = page.relation == "cross-site"
        carrier = LibraryRequest(request.url, unverifiable=is_foreign)  # noqa: S310
        jar.add_cookie_header(carrier)
        headers = {**request.headers, **dict(carrier.header_items())}
        response = self._send(page.sent(request._replace(headers=headers)))
        lines = Message()
        for line in response.headers.getlist("Set-Cookie"):
            lines["Set-Cookie"] = re.sub(r"(?i);\s*samesite\s*=", ";SameSite=", line)
        answer: Any = SimpleNamespace(info=lambda: lines)
        jar.extract_cookies(answer, carrier)
        if not is_own:
            page.check(response, "the answer")
        return response


class _CookiePolicy(DefaultCookiePolicy):
    """What browsers ask of a cookie besides (RFC 6265bis), when it is set and when it is sent.

    "Unverifiable" is the library's word for a request of a page of another site. ``Partitioned``
    and prefixes of names (``__Host-``) are not looked at.
    """

    def set_ok_verifiability(self, cookie: Cookie, request: LibraryRequest) -> bool:
        any_site = (cookie.get_nonstandard_attr("SameSite") or "Lax").lower() == "none"
        is_safe = is_trustworthy(request.full_url) if cookie.secure else not any_site
        is_own = not cookie.domain_specified or domain_of(cookie.domain.strip(".")) is not None
        return is_safe and is_own and (any_site or not request.unverifiable)

    return_ok_verifiability = set_ok_verifiability


class _Page(NamedTuple):
    """The rules of the standard, as they are for a page; its relation is that to the server."""

    origin: str
    credentials: bool
    relation: str  # "same-origin", "same-site" or "cross-site"

    def sent(self, request: Request) -> Request:
        headers = dict(request.headers)
        if self.relation != "same-origin" or request.method not in ("GET", "HEAD"):
            headers["Origin"] = self.origin
        if is_trustworthy(request.url):
            headers["Sec-Fetch-Site"] = self.relation
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
            one = "browsers take one value alone; let no proxy add its own"
            raise Blocked(f"{what} allows {allowed}, and {one}")
        if allowed == "*" and self.credentials:
            raise Blocked(f"{what} allows *, which does not count for requests with credentials")
        if allowed not in ("*", self.origin):
            raise Blocked(f"{what} allows {allowed}, not {self.origin}")
        trust = response.headers.getlist("Access-Control-Allow-Credentials")
        if self.credentials and trust != ["true"]:
            raise Blocked(f"{what} does not allow credentials")

    def check_preflight(self, request: Request, response: Response) -> None:
        """Do what a "CORS-preflight fetch" does once its answer has come."""
        self.check(response, "the answer to the preflight")
        if not 200 <= response.status <= 299:
            raise Blocked(f"a preflight needs a status from 200 to 299, not {response.status}")
        methods = response.listed("Access-Control-Allow-Methods")
        any_method = "*" in methods and not self.credentials
        if request.method not in SAFELISTED_METHODS.union(methods) and not any_method:
            raise Blocked(f"the preflight does not allow the method {request.method}")
        allowed = {name.lower() for name in response.listed("Access-Control-Allow-Headers")}
        any_header = "*" in allowed and not self.credentials
        for name in unsafe_headers(request.headers):
            if name not in allowed and not (any_header and name != "authorization"):
                raise Blocked(f"the preflight does not allow the header {name}")

    def readable(self, response: Response) -> Response:
        """Return the "CORS filtered response": the headers that are safelisted or exposed."""
        exposed = {name.lower() for name in response.listed("Access-Control-Expose-Headers")}
        if ("*" in exposed and not self.credentials) or self.relation == "same-origin":
            exposed = {name.lower() for name, _ in response.headers}
        names = (SAFELISTED_RESPONSE_HEADERS | exposed) - {"set-cookie"}
        kept = [(name, value) for name, value in response.headers if name.lower() in names]
        return Response(response.status, Headers(kept), response.body)


def resolve(url: str, base: str = "") -> str:
    """Return an address as browsers read it (https://url.spec.whatwg.org/), without its fragment.

    To them a backslash is a slash, and in the path ``%2e`` is a dot.
    """
    url = url.rstrip("".join(map(chr, range(33))))  # the rest of what they drop, urlsplit drops too
    url = re.sub("^[^?#]*", lambda address: address[0].replace("\\", "/"), url)
    parts = urlsplit(urljoin(base, url))
    segments: list[str] = []
    # What ends with a dot segment ends with a slash.
    for segment in re.sub(r"(?i)/(\.|%2e){1,2}$", r"\g<0>/", parts.path).split("/")[1:]:
        dots = segment.lower().replace("%2e", ".")
        if dots == "..":
            del segments[-1:]
        elif dots != ".":
            segments.append(segment)
    return parts._replace(path="/" + "/".join(segments), fragment="").geturl()


def origin_of(url: str) -> str:
    """Return the origin of an http(s) URL, serialized as browsers do."""
    parts = urlsplit(url)
    address = parts.netloc.rpartition("@")[2].lower()
    return f"{parts.scheme}://{address.removesuffix(':' + DEFAULT_PORTS.get(parts.scheme, ''))}"


def site_of(origin: str) -> str:
    """Return the site of an origin: its scheme and the domain that one party owns, without port."""
    scheme, _, address = origin.partition("://")
    host = re.sub(":[0-9]*$", "", address)
    return f"{scheme}://{domain_of(host) or host}"


def domain_of(host: str) -> str | None:
    """Return the domain that one party owns, by the public suffix list; None for what is none."""
    return None if is_ip(host) else _public_suffixes().privatesuffix(host)


@lru_cache(maxsize=1)
def _public_suffixes() -> Any:
    from publicsuffixlist import PublicSuffixList  # not needed by an application that serves

    return PublicSuffixList()


def is_trustworthy(url: str) -> bool:
    """Tell whether an address is "potentially trustworthy": of https, or on this machine."""
    local = r"http://((.*\.)?localhost|127\.[0-9.]+|\[::1\])(:[0-9]+)?"
    return url.startswith("https:") or re.fullmatch(local, origin_of(url)) is not None


def unsafe_headers(headers: Mapping[str, str]) -> list[str]:
    """Return the names that are no "CORS-safelisted request-header", sorted, in lower case."""
    return sorted(name.lower() for name, value in headers.items() if not is_safelisted(name, value))


def is_safelisted(name: str, value: str) -> bool:
    """Tell whether a page may send a request header without asking."""
    pattern = SAFELISTED_REQUEST_HEADERS.get(name.lower())
    return bool(pattern and len(value.encode()) <= 128 and re.fullmatch(pattern, value))
