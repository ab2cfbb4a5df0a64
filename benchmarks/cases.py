"""What is measured: subjects, the requests put to them, what they must answer, and the tables."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

BARE, GENERATED = "bare Flask", "generated project"
CORS_APP, CORS_BP = "flask-cors CORS(app)", "flask-cors CORS(bp)"
RESOURCES, CROSS_ORIGIN = "flask-cors resources=", "flask-cors @cross_origin"
FLASK_CORS = (CORS_APP, CORS_BP, RESOURCES, CROSS_ORIGIN)
STARLETTE, STARLETTE_CORS = "bare Starlette", "Starlette CORSMiddleware"
DJANGO, DJANGO_CORS = "bare Django", "django-cors-headers"
BARE_FORMS = {STARLETTE_CORS: STARLETTE, DJANGO_CORS: DJANGO, STARLETTE: STARLETTE, DJANGO: DJANGO}

NO_ORIGIN, LISTED, UNLISTED = "GET, no Origin", "GET, listed", "GET, unlisted"
PREFLIGHT, REFUSED = "preflight", "preflight, refused"
NEAR_MISS, LONG, ROTATING = "GET, near-miss", "GET, 8 KiB Origin", "GET, listed, rotating"
PREFLIGHT_ROTATING = "preflight, rotating"
FIVE = (NO_ORIGIN, LISTED, UNLISTED, PREFLIGHT, REFUSED)
HOSTILE = (NEAR_MISS, LONG, ROTATING, PREFLIGHT_ROTATING)

SIZES = (3, 100, 1_000, 10_000)
FEW_BLUEPRINTS, MANY_BLUEPRINTS = 4, 100

THE_NUMBER_OF_ORIGINS = "The number of origins"
OTHER_FRAMEWORKS = "Other frameworks, each against itself without CORS"

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
ALLOW_HEADERS = ("Authorization", "Content-Type")
MAX_AGE = 600

# What a browser sends with every call of fetch() to another site.
HEADERS_OF_A_BROWSER = {
    "User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
    "Accept": "application/json",
    "Accept-Language": "en-GB,en;q=0.5",
    "Accept-Encoding": "gzip, deflate, br, zstd",
    "Referer": "https://somewhere.example.com/",
    "Connection": "keep-alive",
    "Sec-Fetch-Dest": "empty",
    "Sec-Fetch-Mode": "cors",
    "Sec-Fetch-Site": "cross-site",
}
PREFLIGHT_HEADERS = {
    "Access-Control-Request-Method": "PUT",
    "Access-Control-Request-Headers": "content-type",
}
# Where a preflight is not answered with 200: (passed, refused).
PREFLIGHT_STATUS = {GENERATED: (204, 403), STARLETTE: (405, 405), STARLETTE_CORS: (200, 400)}


class Request(NamedTuple):
    """A request for the index of a blueprint."""

    method: str
    path: str
    headers: Mapping[str, str]


class Expected(NamedTuple):
    """What must come back; `origin` is what Access-Control-Allow-Origin must be."""

    status: int
    origin: str | None
    preflight: bool


@dataclass(frozen=True)
class Subject:
    """An application to measure; `again` is a second one, equal to the first (A/A control)."""

    variant: str
    origins: int = SIZES[0]
    wildcard: bool = False
    blueprints: int = FEW_BLUEPRINTS
    again: bool = False

    def __str__(self) -> str:
        parts = [self.variant]
        if not self.is_bare:
            kind = "wildcard" if self.wildcard else "exact"
            parts.append(f"{self.origins:,} {kind} origins")
        if self.blueprints != FEW_BLUEPRINTS:
            parts.append(f"{self.blueprints} blueprints")
        return ", ".join(parts) + (" (again)" if self.again else "")

    @property
    def is_bare(self) -> bool:
        """Whether nothing decides about CORS."""
        return self.variant in (BARE, STARLETTE, DJANGO)

    @property
    def bare(self) -> Subject:
        """The same application without CORS."""
        return Subject(BARE_FORMS.get(self.variant, BARE), blueprints=self.blueprints)

    def allowlist(self) -> list[str]:
        """The entries of its allowlist."""
        label = "*." if self.wildcard else ""
        return [f"https://{label}{host}" for host in hosts(self.origins)]

    def listed_origins(self) -> list[str]:
        """An origin for each entry."""
        return [entry.replace("*", "app") for entry in self.allowlist()]


def hosts(count: int) -> list[str]:
    """Return names that are all as long as one another."""
    return [f"tenant-{number:05}.example.com" for number in range(count)]


def blueprint_names(count: int) -> list[str]:
    """Return names for blueprints, all as long as one another."""
    return [f"part{number:03}" for number in range(count)]


def requests_of(subject: Subject, kind: str) -> list[tuple[Request, Expected]]:
    """Return the requests of a kind, to be sent in turn, with what must come back.

    They go to the last blueprint, and name the last entry of the list.
    """
    path = f"/api/{blueprint_names(subject.blueprints)[-1]}/"
    preflight = kind in (PREFLIGHT, REFUSED, PREFLIGHT_ROTATING)
    headers = {**HEADERS_OF_A_BROWSER, **(PREFLIGHT_HEADERS if preflight else {})}
    allowed = kind in (LISTED, PREFLIGHT, ROTATING, PREFLIGHT_ROTATING)
    status = 200
    if preflight:
        status = PREFLIGHT_STATUS.get(subject.variant, (200, 200))[0 if allowed else 1]
    return [
        (
            Request(
                "OPTIONS" if preflight else "GET",
                path,
                headers if origin is None else {**headers, "Origin": origin},
            ),
            Expected(status, origin if allowed and not subject.is_bare else None, preflight),
        )
        for origin in origins_of(subject, kind)
    ]


def origins_of(subject: Subject, kind: str) -> Sequence[str | None]:
    """Return the origins from which requests of a kind come."""
    listed = subject.listed_origins()
    if kind in (ROTATING, PREFLIGHT_ROTATING):
        return random.Random(0).sample(listed, len(listed))
    others = {
        NO_ORIGIN: None,
        UNLISTED: "https://stranger.example",
        REFUSED: "https://stranger.example",
        NEAR_MISS: f"{listed[-1]}.evil.example",
        LONG: f"https://{'a' * (8192 - len('https://.example'))}.example",
    }
    return [others.get(kind, listed[-1])]


class Case(NamedTuple):
    """One kind of request put to one subject."""

    subject: Subject
    kind: str

    def __str__(self) -> str:
        return f"{self.subject} | {self.kind}"


class Rows(NamedTuple):
    """A table to fill: its subjects (the bare ones first) and the requests put to each of them."""

    title: str
    subjects: list[Subject]
    kinds: Sequence[str]

    def cases(self) -> list[Case]:
        """The cells."""
        return [Case(subject, kind) for subject in self.subjects for kind in self.kinds]


def all_tables(sizes: Sequence[int] = SIZES, blueprints: int = MANY_BLUEPRINTS) -> list[Rows]:
    """Return every table of what a request costs, for these numbers of origins and blueprints."""
    bare, generated = Subject(BARE), Subject(GENERATED)
    wildcard = replace(generated, wildcard=True)
    return [
        Rows(
            "One request: three origins, four blueprints",
            [
                bare,
                replace(bare, again=True),
                generated,
                replace(generated, again=True),
                *map(Subject, FLASK_CORS),
            ],
            FIVE,
        ),
        Rows(
            THE_NUMBER_OF_ORIGINS,
            [
                bare,
                *(replace(generated, origins=size) for size in sizes),
                *(replace(wildcard, origins=size) for size in (sizes[0], sizes[-1])),
                replace(wildcard, again=True),
                *(Subject(v, origins=size) for v in FLASK_CORS for size in sizes),
            ],
            FIVE,
        ),
        Rows(
            "Hostile and rotating origins",
            [
                bare,
                *(
                    replace(subject, origins=size)
                    for subject in (generated, wildcard, Subject(CORS_APP))
                    for size in (sizes[0], sizes[-1])
                ),
                *(
                    replace(subject, blueprints=blueprints)
                    for subject in (bare, generated, wildcard)
                ),
                *(replace(subject, again=True) for subject in (bare, generated, wildcard)),
            ],
            HOSTILE,
        ),
        Rows(
            "The number of blueprints",
            [
                replace(subject, blueprints=count)
                for subject in (bare, generated, wildcard, Subject(CORS_BP), Subject(RESOURCES))
                for count in (FEW_BLUEPRINTS, blueprints)
            ],
            FIVE,
        ),
        Rows(
            OTHER_FRAMEWORKS,
            [
                subject
                for without, with_cors in ((STARLETTE, STARLETTE_CORS), (DJANGO, DJANGO_CORS))
                for subject in (
                    Subject(without),
                    *(Subject(with_cors, origins=size) for size in sizes),
                )
            ],
            FIVE,
        ),
    ]


def all_cases(tables: Sequence[Rows]) -> list[Case]:
    """Return every case of some tables, each once."""
    return list(dict.fromkeys(case for table in tables for case in table.cases()))
