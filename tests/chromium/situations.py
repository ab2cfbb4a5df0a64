"""Which page calls which API with what, and the status that it must read."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import product
from typing import Any, NamedTuple
from urllib.parse import quote

FORM = {"Content-Type": "application/x-www-form-urlencoded"}
JSON = {"Content-Type": "application/json"}
TOKEN = {"Authorization": "Bearer secret"}

TEMPLATE = "template"
CREDENTIALS = "template, credentials"
EVERYONE = "template, everyone"
PLAIN = "plain flask-cors"

# The variables of each API of the template, besides its lists.
VARIANTS: dict[str, dict[str, str]] = {
    TEMPLATE: {"CORS_EXPOSE_HEADERS": "X-Request-Id"},
    CREDENTIALS: {"CORS_SUPPORTS_CREDENTIALS": "true"},
    EVERYONE: {"CORS_ORIGINS": "*"},
    "template, debug": {"FLASK_DEBUG": "1"},
}


class Page(NamedTuple):
    """A page of a site, which calls the APIs of this machine under the name `host`."""

    name: str
    site: str
    host: str = "api.test"
    sandboxed: bool = False

    def origin(self, ports: Mapping[str, int]) -> str:
        """Return what its browser puts into ``Origin``."""
        return "null" if self.sandboxed else self.site.format(**ports)

    def address(self, ports: Mapping[str, int]) -> str:
        """Return where it is."""
        return self.site.format(**ports) + ("/sandboxed" if self.sandboxed else "/")


PAGES = [
    Page("public site", "http://app.test:{pages}"),
    Page("admin site", "http://admin.test:{pages}"),
    Page("developer", "http://localhost:{pages}", "localhost"),
    Page("stranger", "http://evil.test:{pages}"),
    Page("stranger, local", "http://evil.test:{pages}", "localhost"),
    Page("look-alike", "http://app.test.evil.test:{pages}"),
    Page("sandboxed", "http://app.test:{pages}", sandboxed=True),
    Page("own page", "http://api.test:{template}"),
    Page("own page, local", "http://localhost:{template}", "localhost"),
]
OWN = {"own page", "own page, local"}
# Those that log in: some call this machine, which browsers trust as they trust https.
LOGIN_PAGES = [
    *(page for page in PAGES if page.name in {"public site", "developer", "stranger, local", *OWN}),
    Page("public site, local", "http://app.test:{pages}", "localhost"),
    Page("neighbour", "http://web.api.test:{pages}"),
    Page("developer by address", "http://127.0.0.1:{pages}", "127.0.0.1"),
    Page("developer by name", "http://app.localhost:{pages}", "api.localhost"),
    Page("sandboxed, local", "http://localhost:{pages}", "localhost", sandboxed=True),
]
DEVELOPERS = {"developer", "developer by address", "developer by name"}
LISTED = {
    "public": {"public site", "public site, local", "neighbour", *DEVELOPERS},
    "admin": {"admin site"},
}


def lists(ports: Mapping[str, int]) -> dict[str, str]:
    """Return the two lists as variables."""
    variables = {"public": "CORS_ORIGINS", "admin": "CORS_ORIGINS_ADMIN"}
    pages = [*PAGES, *LOGIN_PAGES]
    origins = {
        blueprint: {page.origin(ports) for page in pages if page.name in names}
        for blueprint, names in LISTED.items()
    }
    return {variables[blueprint]: ",".join(listed) for blueprint, listed in origins.items()}


@dataclass(frozen=True, eq=False)
class Situation:
    """What a page sends, and the status that a listed one reads (None where it is blocked).

    `cached` is one whose answer the browser has in its cache, from a use that was not CORS.
    """

    name: str
    path: str
    status: int | None
    method: str = "GET"
    headers: dict[str, str] = field(default_factory=dict)
    body: str | None = None
    credentials: bool = False
    cached: bool = False


@dataclass(frozen=True, eq=False)
class Login(Situation):
    """A page logs in, which sets a cookie, then asks for its account.

    `cookie` is what the cookie's attributes are; whether it arrives depends on the page.
    """

    cookie: str = ""
    login_credentials: bool = False


# The first ones are those of the README's comparison.
SITUATIONS = [
    Situation("GET", "ok", 200),
    Situation("PUT", "slash/", 200, "PUT", JSON, "{}"),
    Situation("POST of a form", "form", 200, "POST", FORM, "a=1"),
    Situation("GET without the final slash", "slash", 200),
    Situation("PUT without the final slash", "slash", 200, "PUT", JSON, "{}"),
    Situation("GET of a missing path", "missing", 404),
    Situation("PUT to a missing path", "missing", 404, "PUT", JSON, "{}"),
    Situation("POST where only GET is allowed", "ok", 405, "POST", FORM, "a=1"),
    Situation("GET behind a login, without a token", "login", 401),
    Situation("GET behind a login, with a token", "login", 200, headers=TOKEN),
    Situation("GET, the view raises", "view-raises", 500),
    Situation("GET, a hook raises", "hook-raises", 500),
    Situation("POST of JSON to a missing path", "missing", 404, "POST", JSON, "{}"),
    Situation("GET of a stream", "stream", 200),
    Situation("GET of a cached answer", "cached", 200, cached=True),
    Situation("GET with credentials", "ok", 200, credentials=True),
    Situation("PUT with credentials", "slash/", 200, "PUT", JSON, "{}", credentials=True),
    Situation("GET with a header that is not listed", "ok", None, headers={"X-Odd": "1"}),
    Situation("DELETE in lower case", "ok", 405, "delete"),
    Situation("a method that is not listed", "ok", None, "PROPFIND"),
]

# Attributes of cookies: for pages of the same site, of every site, of a domain, and for none.
LAX = ["", "SameSite=Lax", "SameSite=Strict", "SameSite=odd"]
NONE = ["SameSite=None; Secure", "samesite=NONE; secure", "SameSite=Lax; SameSite=None; Secure"]
OWN_DOMAIN = "Domain=api.test"
LOST = ["SameSite=None", "Path=/elsewhere", "Domain=test", "Domain=evil.test", "Max-Age=0"]


def login(cookie: str, login_credentials: bool, credentials: bool) -> Login:
    """Return the situation: the login and what follows are with or without credentials."""
    words = ("without", "with")
    return Login(
        f"{cookie or 'no attribute'}: {words[login_credentials]}, {words[credentials]}",
        "account",
        None,
        credentials=credentials,
        cookie=cookie,
        login_credentials=login_credentials,
    )


LOGINS = [
    *(login(cookie, True, True) for cookie in [*LAX, *NONE, "Secure", OWN_DOMAIN, *LOST]),
    *(login(cookie, False, False) for cookie in [*LAX[:3], NONE[0]]),
    *(login(cookie, False, True) for cookie in ["", NONE[0]]),
    *(login(cookie, True, False) for cookie in ["", NONE[0]]),
]


class Row(NamedTuple):
    """One call: of a page, to a blueprint of an API, in a situation."""

    page: Page
    api: str
    blueprint: str
    situation: Situation

    @property
    def name(self) -> str:
        """The row in words."""
        return f"{self.api}, {self.blueprint}, {self.page.name}: {self.situation.name}"

    @property
    def cookie(self) -> str:
        """The name of the cookie that a login sets, of this row alone."""
        return re.sub("[^A-Za-z0-9]+", "-", f"{self.page.name} {self.situation.name}")

    @property
    def is_own(self) -> bool:
        """Whether the page is of the API that it calls."""
        return self.api == TEMPLATE and self.page.name in OWN

    @property
    def is_listed(self) -> bool:
        """Whether the list of the blueprint has the page's origin."""
        everyone = self.api == EVERYONE and self.blueprint == "public"
        return everyone or self.page.name in LISTED[self.blueprint]

    @property
    def status(self) -> int | None:
        """The status that a page of another origin must read of an API of the template."""
        if not self.is_listed or (self.situation.credentials and self.api != CREDENTIALS):
            return None
        return self.situation.status

    def call(self, ports: Mapping[str, int]) -> dict[str, Any]:
        """Return it as the page gets it: the address, and the options of ``fetch``.

        `before` is what the page fetches before, whatever comes of it.
        """
        folder = f"http://{self.page.host}:{ports[self.api]}/api/{self.blueprint}"
        url = f"{folder}/{self.situation.path}"
        before = {"url": url, "mode": "no-cors"} if self.situation.cached else None
        if isinstance(self.situation, Login):
            url += f"?{self.cookie}"
            cookie = quote(f"{self.cookie}=1; {self.situation.cookie}")
            before = {
                "url": f"{folder}/log-in?{cookie}",
                "credentials": mode(self.situation.login_credentials),
            }
        return {
            "before": before,
            "url": url,
            "method": self.situation.method,
            "headers": self.situation.headers,
            "body": self.situation.body,
            "credentials": mode(self.situation.credentials),
        }


def mode(credentials: bool) -> str:
    """Return the "credentials mode" of the Fetch standard."""
    return "include" if credentials else "same-origin"


ROWS = [Row(*row) for row in product(PAGES, [*VARIANTS, PLAIN], LISTED, SITUATIONS)]
LOGIN_ROWS = [
    Row(page, TEMPLATE if page.name in OWN else CREDENTIALS, "public", situation)
    for page, situation in product(LOGIN_PAGES, LOGINS)
]
CALLS = [*ROWS, *LOGIN_ROWS]

# The model browser has no cache, which tells where flask-cors leaves out Vary.
CALLS_OF_THE_MODEL = [row for row in CALLS if row.api != PLAIN or not row.situation.cached]
