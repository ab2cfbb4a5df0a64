"""flask-cors agrees: a page may do what `flask_cors.CORS` would let it do under the same policy.

The exceptions, each with a test of its own below:

- `Vary` is sent on every answer that depends on the origin;
- a preflight is answered with 204, or with 403 and nothing to read;
- an unsafe request from an origin that is not listed never reaches the view;
- GET, HEAD and POST are always allowed, also together with the listed headers;
- an origin in upper case, which no browser sends, is not listed;
- without `Origin` there is nothing to allow.
"""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Callable
from typing import Any, NamedTuple

import pytest
from flask import Blueprint, Flask, request
from flask_cors import CORS
from hypothesis import given, settings
from hypothesis import strategies as st
from my_api import cors
from my_api.cors.browser import Blocked, Browser, send_to

POLICIES = 140
VISITS_PER_POLICY = 40

LABEL = "[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
ENTRIES = [
    "https://app.example",
    "https://app.example:8443",
    "https://*.wild.example",
    "https://*.wild.example:8443",
    "https://pr-*-team.example.dev",
    "http://*.localhost:3000",
    "http://localhost:3000",
    "http://127.0.0.1:3000",
    "http://[::1]:3000",
    "https://xn--bcher-kva.example",
    "capacitor://localhost",
]
ORIGINS = [
    *(entry.replace("*", "a") for entry in ENTRIES),
    "http://app.example",
    "https://app.example:8444",
    "https://app.example.evil.example",
    "https://evilapp.example",
    "https://app.example.",
    "https://wild.example",
    "https://a.b.wild.example",
    "https://-a.wild.example",
    "https://a-.wild.example",
    "https://evilwild.example",
    "https://a.wild.example.evil.example",
    f"https://{'a' * 63}.wild.example",
    f"https://{'a' * 64}.wild.example",
    "https://pr--team.example.dev",
    "https://pr-a.b-team.example.dev",
    f"https://pr-{'a' * 55}-team.example.dev",
    f"https://pr-{'a' * 56}-team.example.dev",
    "http://1:3000",
    "null",
]
METHODS = ["GET", "HEAD", "POST", "OPTIONS", "PUT", "PATCH", "DELETE", "PROPFIND", "M-SEARCH"]
SENT_METHODS = [*METHODS, "patch", "put", "PU", "E", "m-search", "REPORT"]
REQUEST_HEADERS = ["Authorization", "Content-Type", "X-Token", "X-Tok", "x-lower", "If-Match"]
SENT_HEADERS = [*REQUEST_HEADERS, "X-Toke", "X", "x-token", "Accept", "X-Lower", "Range"]
RESPONSE_HEADERS = ["X-Total", "ETag", "link", "X-Request-Id"]
SAFELISTED_METHODS = {"GET", "HEAD", "POST"}

LISTED = "https://app.example"
STRANGER = "https://stranger.example"


class Policy(NamedTuple):
    """The options of one blueprint, by the names that flask-cors gives them."""

    origins: list[str]
    methods: list[str]
    allow_headers: list[str]
    expose_headers: list[str]
    supports_credentials: bool
    max_age: int


ONE_ORIGIN = Policy([LISTED], ["PUT"], ["X-Token"], ["X-Total"], False, 600)


class Exchange(NamedTuple):
    """The header names that a request asked for, and its answer with the values as sets."""

    asked: set[str]
    status: int
    cors_headers: dict[str, set[str]]


class Visit(NamedTuple):
    """What a page saw (None where it was blocked), and what went over the wire."""

    seen: tuple[int, dict[str, str], bytes] | None
    exchanges: list[Exchange]


def some(pool: list[str], least: int = 0) -> st.SearchStrategy[list[str]]:
    """Return lists of different names out of a pool."""
    return st.lists(st.sampled_from(pool), min_size=least, unique=True)


policies = st.builds(
    Policy,
    origins=some(ENTRIES) | st.just(["*"]),
    methods=some(METHODS, least=1),
    allow_headers=some(REQUEST_HEADERS) | st.just(["*"]),
    expose_headers=some(RESPONSE_HEADERS),
    supports_credentials=st.booleans(),
    max_age=st.sampled_from([0, 1, 600, 7200]),
).map(lambda policy: policy._replace(supports_credentials=False) if "*" in policy[0] else policy)


def build(put_under_cors: Callable[[Flask, Blueprint], object]) -> tuple[Flask, list[str]]:
    """Return an application, and a list of the methods that its view has run for."""
    app, ran = Flask("app", static_folder=None), list[str]()
    api = Blueprint("api", __name__, url_prefix="/api")

    def view() -> tuple[str, dict[str, str]]:
        ran.append(request.method)
        return "answer", dict.fromkeys(RESPONSE_HEADERS, "value")

    api.add_url_rule("/", "view", view, methods=[*METHODS[:3], *METHODS[4:], "REPORT"])
    app.register_blueprint(api)
    put_under_cors(app, api)
    return app, ran


def ours(policy: Policy) -> tuple[Flask, list[str]]:
    """Return the application under the policy, by the generated project's own package."""

    def init_app(app: Flask, api: Blueprint) -> None:
        app.config.update({f"CORS_{option.upper()}": v for option, v in policy._asdict().items()})
        cors.init_app(app, [api])

    return build(init_app)


def theirs(policy: Policy) -> tuple[Flask, list[str]]:
    """Return the application under the policy, by flask-cors alone."""
    options = policy._asdict() | {
        "origins": [as_flask_cors_has_it(entry) for entry in policy.origins],
        "max_age": str(policy.max_age),
        "send_wildcard": "*" in policy.origins,
    }
    return build(lambda app, api: CORS(app, **options))


def as_flask_cors_has_it(entry: str) -> str | re.Pattern[str]:
    """Return an entry, or the regular expression for one with ``*`` or with brackets."""
    if entry == "*" or not {*"*["}.intersection(entry):
        return entry
    if "*" in entry and "://*." not in entry:
        piece = re.escape(entry).replace(r"\*", "[a-z0-9-]+")
        return re.compile(rf"\A(?=https://[^.]{{1,63}}\.){piece}\Z")
    return re.compile(rf"\A{re.escape(entry)}\Z".replace(r"\*", rf"{LABEL}(?:\.{LABEL})*"))


def visit(app: Flask, origin: str, **fetch: Any) -> Visit:
    """Let a page of an origin fetch from the application."""
    send, exchanges = send_to(app), []

    def send_and_note(request: Any) -> Any:
        response = send(request)
        noted = {
            name: {listed.strip() for listed in value.split(",")}
            for name, value in response.headers
            if name.startswith("Access-Control-")
        }
        asked = request.headers.get("Access-Control-Request-Headers", "").split(",")
        exchanges.append(Exchange({*filter(None, asked)}, response.status, noted))
        return response

    browser = Browser(send_and_note, base_url="https://api.example")
    try:
        response = browser.fetch("/api/", origin=origin, **fetch)
    except Blocked:
        return Visit(None, exchanges)
    return Visit((response.status, dict(response.headers), response.body), exchanges)


def header_names(policy: Policy, dice: random.Random) -> list[str]:
    """Return the names of no headers, of listed ones, or of any."""
    listed = SENT_HEADERS if policy.allow_headers == ["*"] else policy.allow_headers
    pool = dice.choice([[], listed, SENT_HEADERS])
    return dice.sample(pool, dice.randint(0, min(3, len(pool))))


def assert_agreement(mine: Visit, other: Visit, policy: Policy) -> None:
    """Fail where a page could tell one answer from the other."""
    assert mine.seen == other.seen
    for our, their in zip(mine.exchanges, other.exchanges, strict=True):
        if our.status == 403:
            assert not our.cors_headers
        elif our.status == 204:
            allowed = [
                {name.lower() for name in headers.pop("Access-Control-Allow-Headers", ())}
                for headers in (our.cors_headers, their.cors_headers)
            ]
            assert allowed[0] >= allowed[1] == our.asked
            assert policy.allow_headers != ["*"] or allowed[0] == allowed[1]
            unlisted = SAFELISTED_METHODS.difference(policy.methods)
            their.cors_headers["Access-Control-Allow-Methods"] -= unlisted
            assert our.cors_headers == their.cors_headers
        else:
            assert our.cors_headers == their.cors_headers


def test_a_page_may_do_what_flask_cors_lets_it_do() -> None:
    tally: Counter[str] = Counter()

    @settings(max_examples=POLICIES, deadline=None, database=None, derandomize=True)
    @given(policy=policies, seed=st.integers(0, 2**32))
    def explore(policy: Policy, seed: int) -> None:
        dice = random.Random(seed)
        safelisted_too = policy._replace(methods=[*policy.methods, *SAFELISTED_METHODS])
        (mine, _), (other, _) = ours(policy), theirs(safelisted_too)
        listed = [
            entry.replace("*.", "a.b.").replace("*", "a")
            for entry in policy.origins
            if entry != "*"
        ]
        for _ in range(VISITS_PER_POLICY):
            page: dict[str, Any] = {
                "origin": dice.choice(dice.choice([listed or ORIGINS, ORIGINS])),
                "method": dice.choice(dice.choice([policy.methods, SENT_METHODS])),
                "headers": dict.fromkeys(header_names(policy, dice), "value"),
                "credentials": dice.random() < 0.3,
            }
            answer = visit(mine, **page)
            assert_agreement(answer, visit(other, **page), policy)
            tally["visits"] += 1
            tally["read" if answer.seen else "blocked"] += 1

    explore()
    print(dict(tally))
    assert tally["visits"] >= 5_000
    assert min(tally["read"], tally["blocked"]) >= 1_000


def test_all_headers_are_reflected_in_the_words_of_flask_cors() -> None:
    policy = ONE_ORIGIN._replace(allow_headers=["*"], supports_credentials=True)
    (mine, _), (other, _) = ours(policy), theirs(policy)
    for names in ("x-b,x-a", "X-B, Authorization,x-a", "authorization", "x-!#$%&'*+.^_`|~9", ""):
        headers = {
            "Origin": LISTED,
            "Access-Control-Request-Method": "PUT",
            **({"Access-Control-Request-Headers": names} if names else {}),
        }
        reflected = [
            app.test_client()
            .options("/api/", headers=headers)
            .headers.get("Access-Control-Allow-Headers")
            for app in (mine, other)
        ]
        assert reflected[0] == reflected[1]
        assert bool(names) is bool(reflected[0])


def test_vary_is_on_every_answer_that_depends_on_the_origin() -> None:
    for origin in (LISTED, STRANGER):
        headers = {"Origin": origin}
        (mine, _), (other, _) = ours(ONE_ORIGIN), theirs(ONE_ORIGIN)
        assert mine.test_client().get("/api/", headers=headers).headers["Vary"] == "Origin"
        assert "Vary" not in other.test_client().get("/api/", headers=headers).headers


@pytest.mark.parametrize(
    ("origin", "method", "headers", "status"),
    [
        (LISTED, "PUT", {"X-Token": "value"}, 204),
        (LISTED, "PUT", {"X-Other": "value"}, 403),
        (LISTED, "DELETE", {}, 403),
        (STRANGER, "PUT", {}, 403),
    ],
)
def test_a_preflight_is_answered_with_204_or_403(
    origin: str, method: str, headers: dict[str, str], status: int
) -> None:
    page: dict[str, Any] = {"origin": origin, "method": method, "headers": headers}
    (mine, _), (other, _) = ours(ONE_ORIGIN), theirs(ONE_ORIGIN)
    assert visit(mine, **page).exchanges[0].status == status
    assert visit(other, **page).exchanges[0].status == 200


def test_an_unsafe_request_of_a_stranger_never_reaches_the_view() -> None:
    (mine, ran_mine), (other, ran_other) = ours(ONE_ORIGIN), theirs(ONE_ORIGIN)
    assert visit(mine, STRANGER, method="POST").seen is None
    assert visit(other, STRANGER, method="POST").seen is None
    assert (ran_mine, ran_other) == ([], ["POST"])


@pytest.mark.parametrize("method", sorted(SAFELISTED_METHODS))
def test_get_head_and_post_are_always_allowed_with_the_listed_headers(
    method: str,
) -> None:
    (mine, _), (other, _) = ours(ONE_ORIGIN), theirs(ONE_ORIGIN)
    page: dict[str, Any] = {"method": method, "headers": {"X-Token": "value"}}
    assert visit(mine, LISTED, **page).seen is not None
    assert visit(other, LISTED, **page).seen is None


def test_an_origin_in_upper_case_is_not_listed() -> None:
    (mine, _), (other, _) = ours(ONE_ORIGIN), theirs(ONE_ORIGIN)
    assert visit(mine, LISTED.upper()).seen is None
    assert visit(other, LISTED.upper()).seen is not None


def test_without_an_origin_there_is_nothing_to_allow() -> None:
    (mine, _), (other, _) = ours(ONE_ORIGIN), theirs(ONE_ORIGIN)
    allowed = "Access-Control-Allow-Origin"
    assert allowed not in mine.test_client().get("/api/").headers
    assert other.test_client().get("/api/").headers[allowed] == LISTED
