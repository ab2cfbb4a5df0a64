"""Which page calls which API with what, and the status that it must read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import product
from typing import Any, NamedTuple

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
LISTED = {"public": {"public site", "developer"}, "admin": {"admin site"}}


def lists(ports: Mapping[str, int]) -> dict[str, str]:
    """Return the two lists as variables."""
    variables = {"public": "CORS_ORIGINS", "admin": "CORS_ORIGINS_ADMIN"}
    return {
        variables[blueprint]: ",".join(page.origin(ports) for page in PAGES if page.name in names)
        for blueprint, names in LISTED.items()
    }


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
        """Return it as the page gets it: the address, and the options of ``fetch``."""
        server = f"http://{self.page.host}:{ports[self.api]}"
        return {
            "url": f"{server}/api/{self.blueprint}/{self.situation.path}",
            "method": self.situation.method,
            "headers": self.situation.headers,
            "body": self.situation.body,
            "credentials": "include" if self.situation.credentials else "same-origin",
            "cached": self.situation.cached,
        }


ROWS = [Row(*row) for row in product(PAGES, [*VARIANTS, PLAIN], LISTED, SITUATIONS)]

# The model browser has no cache, which tells where flask-cors leaves out Vary.
ROWS_OF_THE_MODEL = [row for row in ROWS if row.api != PLAIN or not row.situation.cached]
