"""What is measured: applications, the requests put to them, what must come back, the budgets."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import NamedTuple

from .figures import AGAIN, FEWEST_PROCESSES, Budget

BARE, GENERATED = "bare Flask", "generated project"
CORS_APP, CORS_BP = "flask-cors CORS(app)", "flask-cors CORS(bp)"
RESOURCES, CROSS_ORIGIN = "flask-cors resources=", "flask-cors @cross_origin"
FLASK_CORS = (CORS_APP, CORS_BP, RESOURCES, CROSS_ORIGIN)
STARLETTE, STARLETTE_CORS = "bare Starlette", "Starlette CORSMiddleware"
DJANGO, DJANGO_CORS = "bare Django", "django-cors-headers"
WITH_CORS = (GENERATED, *FLASK_CORS, STARLETTE_CORS, DJANGO_CORS)
BARE_FORMS = {STARLETTE_CORS: STARLETTE, DJANGO_CORS: DJANGO, STARLETTE: STARLETTE, DJANGO: DJANGO}

EXACT, WILDCARD, LABEL, PORT = "exact", "wildcard", "label", "port"
FILE, FUNCTION = "file", "function"
# For each kind of list: its entries, a page that each of them allows, what they are called.
LISTS = {
    EXACT: ("https://t{:05}.example.com", "https://t{:05}.example.com", "exact origins"),
    WILDCARD: ("https://*.t{:05}.example.com", "https://app.t{:05}.example.com", "wildcards"),
    LABEL: ("https://x-*-t{:05}.example.dev", "https://x-1-t{:05}.example.dev", "label wildcards"),
}
LISTS[PORT] = (*LISTS[EXACT][:2], "origins, the last of any port")
LISTS[FILE] = (*LISTS[EXACT][:2], "origins in a file")
LISTS[FUNCTION] = (*LISTS[EXACT][:2], "origins, and a function that knows the last page")
# Where the last entry is of another kind: it, and a page that it allows.
LAST = {PORT: ("http://localhost:*", "http://localhost:3000")}
LAST[FUNCTION] = ("https://listed.example", "https://asked.example")

NO_ORIGIN, LISTED, ROTATING = "GET, no Origin", "GET, listed", "GET, listed, rotating"
UNLISTED, UNLISTED_ROTATING = "GET, unlisted", "GET, unlisted, rotating"
NEAR_MISS, LOOKALIKE, LONG = "GET, near miss", "GET, lookalike", "GET, 8 KiB Origin"
PREFLIGHT, REFUSED = "preflight", "preflight, refused"
PREFLIGHT_ROTATING = "preflight, rotating"
LOGGED = [UNLISTED, UNLISTED_ROTATING, NEAR_MISS, LOOKALIKE, LONG]  # by the log of refusals
GETS = [NO_ORIGIN, LISTED, ROTATING, *LOGGED]
PREFLIGHTS = [PREFLIGHT, PREFLIGHT_ROTATING, REFUSED]
KINDS = [*GETS, *PREFLIGHTS]
FIVE = [NO_ORIGIN, LISTED, UNLISTED, PREFLIGHT, REFUSED]  # put to every peer
TABLES = {"GET": ("µs", GETS), "Preflights": ("µs", PREFLIGHTS)}  # units and columns

FEW_ORIGINS, FEW_BLUEPRINTS = 3, 4
ROTATED = 200  # requests that take turns, for few origins and for many: they share the caches

# What a browser sends with every call of fetch() to another site, and with a preflight.
HEADERS = {
    "User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
    "Accept": "application/json",
    "Accept-Encoding": "gzip, deflate, br, zstd",
    "Sec-Fetch-Dest": "empty",
    "Sec-Fetch-Mode": "cors",
    "Sec-Fetch-Site": "cross-site",
}
ASKING = {"Access-Control-Request-Method": "PUT", "Access-Control-Request-Headers": "content-type"}
# Where a preflight is not answered with 200: passed, refused.
PREFLIGHT_STATUS = {GENERATED: (204, 403), STARLETTE: (405, 405), STARLETTE_CORS: (200, 400)}


@dataclass(frozen=True)
class Subject:
    """An application to measure; `again` is a second one, equal to the first."""

    variant: str
    origins: int = FEW_ORIGINS
    kind: str = EXACT
    blueprints: int = FEW_BLUEPRINTS
    again: bool = False

    def __str__(self) -> str:
        listed = "" if self.is_bare else f", {self.origins:,} {LISTS[self.kind][2]}"
        crowd = "" if self.blueprints == FEW_BLUEPRINTS else f", {self.blueprints} blueprints"
        return f"{self.variant}{listed}{crowd}{AGAIN if self.again else ''}"

    @property
    def is_bare(self) -> bool:
        """Whether nothing decides about CORS."""
        return self.variant in (BARE, STARLETTE, DJANGO)

    @property
    def bare(self) -> "Subject":
        """The same application without CORS."""
        return Subject(BARE_FORMS.get(self.variant, BARE), blueprints=self.blueprints)

    def compared(self, kind: str) -> tuple[str, str, str]:
        """Return the row, the column and the base whose ratio says what CORS costs a request."""
        return str(self), kind, str(self.bare)

    @property
    def entries(self) -> list[str]:
        """The entries of its allowlist."""
        return self._filled_in(0)

    @property
    def pages(self) -> list[str]:
        """An origin for each entry, which it allows."""
        return self._filled_in(1)

    def _filled_in(self, part: int) -> list[str]:
        filled = [LISTS[self.kind][part].format(number) for number in range(self.origins)]
        return [*filled[:-1], LAST[self.kind][part]] if self.kind in LAST else filled


class Asked(NamedTuple):
    """A request, and what must come back; `allowed` is of Access-Control-Allow-Origin."""

    method: str
    path: str
    headers: dict[str, str]
    status: int
    allowed: str | None


def blueprint_names(count: int) -> list[str]:
    """Return names for blueprints, all as long as one another."""
    return [f"part{number:03}" for number in range(count)]


def requests_of(subject: Subject, kind: str) -> list[Asked]:
    """Return the requests of a kind, to be sent in turn, for the index of the last blueprint."""
    path = f"/api/{blueprint_names(subject.blueprints)[-1]}/"
    method, status, headers = "GET", 200, HEADERS
    passes = kind not in (NO_ORIGIN, REFUSED, *LOGGED)
    if kind in PREFLIGHTS:
        passed, refused = PREFLIGHT_STATUS.get(subject.variant, (200, 200))
        method, status, headers = "OPTIONS", passed if passes else refused, HEADERS | ASKING
    requests = []
    for origin in origins_of(subject, kind):
        allowed = origin if passes and not subject.is_bare else None
        given = {"Origin": origin} if origin else {}
        requests.append(Asked(method, path, headers | given, status, allowed))
    return requests


def origins_of(subject: Subject, kind: str) -> Sequence[str | None]:
    """Return the origins from which requests of a kind come."""
    if kind in (ROTATING, PREFLIGHT_ROTATING):
        return random.Random(0).choices(subject.pages, k=ROTATED)
    if kind == UNLISTED_ROTATING:
        return [f"https://stranger-{number:05}.example" for number in range(ROTATED)]
    page = subject.pages[-1]
    swapped = page.replace("https://", "http://") if "https" in page else f"https{page[4:]}"
    long = f"https://{'a' * (8192 - len('https://.example'))}.example"
    others = {NO_ORIGIN: None, NEAR_MISS: swapped, LOOKALIKE: f"{page}.evil.example", LONG: long}
    others |= dict.fromkeys((UNLISTED, REFUSED), "https://stranger.example")
    return [others.get(kind, page)]


def judged(origins: int, blueprints: int) -> list[Subject]:
    """Return the generated applications whose every kind of request has budgets."""
    few = [Subject(GENERATED, kind=kind) for kind in LISTS]
    long = [replace(subject, origins=origins) for subject in few]
    return [*few, *long, *(replace(subject, blueprints=blueprints) for subject in few)]


def cases_of(sizes: Sequence[int], blueprints: int) -> list[tuple[Subject, str]]:
    """Return each subject with each kind of request put to it; `sizes` are numbers of origins."""
    bare, many, counts = Subject(BARE), sizes[-1], (FEW_BLUEPRINTS, blueprints)
    lists = [bare, replace(bare, again=True), replace(bare, blueprints=blueprints)]
    lists += judged(many, blueprints)
    lists += [Subject(GENERATED, kind=kind, again=True) for kind in (EXACT, WILDCARD)]
    peers = [Subject(variant, size) for variant in WITH_CORS for size in sizes]
    peers += [Subject(variant, blueprints=n) for variant in (CORS_BP, RESOURCES) for n in counts]
    peers += [Subject(STARLETTE), Subject(DJANGO)]
    attacked = [Subject(CORS_APP), Subject(CORS_APP, many)]
    cases = [*product(lists, KINDS), *product(peers, FIVE), *product(attacked, KINDS)]
    return list(dict.fromkeys(cases))


def budgets_of_requests(origins: int, blueprints: int) -> Iterator[Budget]:
    """Yield the budgets of every kind of request to every generated application."""
    for subject, kind in product(judged(origins, blueprints), KINDS):
        limit = 0.05 if kind in PREFLIGHTS else 1.10 if kind in LOGGED else 1.05
        bases = {
            f"{kind}: of bare Flask": (limit, subject.bare),
            f"{kind}: {origins:,} origins": (1.05, replace(subject, origins=FEW_ORIGINS)),
            f"{kind}: {blueprints} blueprints": (1.05, replace(subject, blueprints=FEW_BLUEPRINTS)),
        }
        for rule, (at_most, base) in bases.items():
            if base != subject:
                cells = (str(subject), kind, str(base))
                yield Budget(rule, at_most, *cells, fewest=FEWEST_PROCESSES)
