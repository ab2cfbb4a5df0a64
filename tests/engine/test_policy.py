"""flask-cors names exactly what a policy allows; nothing of a policy outlives it."""

from __future__ import annotations

import gc
import tracemalloc
from functools import lru_cache
from importlib import import_module
from pkgutil import iter_modules
from typing import Any
from weakref import ref

from flask import Blueprint, Flask
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from my_api import cors
from my_api.cors.settings import read_settings
from werkzeug.test import TestResponse

from .conftest import LISTED, STRANGER
from .reading import refused

LISTS = 5_000
NAME = st.from_regex(r"[0-9A-Za-z._-]{1,12}", fullmatch=True)
OPTIONS: dict[str, st.SearchStrategy[Any]] = {
    "METHODS": st.lists(NAME.map(str.upper), min_size=1, max_size=6),
    "ALLOW_HEADERS": st.lists(NAME, max_size=6),
    "EXPOSE_HEADERS": st.lists(NAME, max_size=6),
    "SUPPORTS_CREDENTIALS": st.booleans(),
    "MAX_AGE": st.integers(0, 86_400),
}


def app_under(**options: Any) -> Flask:
    """Return an application of one blueprint, without a route."""
    app = Flask("bare", static_folder=None)
    app.config.update({f"CORS_{option}": value for option, value in options.items()})
    cors.init_app(app, [Blueprint("api", __name__, url_prefix="/api")])
    return app


@settings(max_examples=200, deadline=None, database=None, derandomize=True)
@given(st.fixed_dictionaries(OPTIONS), st.booleans())
def test_flask_cors_names_the_methods_and_headers_of_the_policy_and_no_others(
    options: dict[str, Any], for_everyone: bool
) -> None:
    assume(not refused(**{f"CORS_{name}": value for name, value in options.items()}))
    if for_everyone:
        options |= {"ORIGINS": "*", "SUPPORTS_CREDENTIALS": False}
    client = app_under(**{"ORIGINS": LISTED, **options}).test_client()
    asked = {"Access-Control-Request-Method": options["METHODS"][0]}
    if options["ALLOW_HEADERS"]:
        asked["Access-Control-Request-Headers"] = ",".join(options["ALLOW_HEADERS"]).lower()
    preflight = client.options("/api/", headers={"Origin": LISTED, **asked})
    answer = client.get("/api/", headers={"Origin": LISTED})

    expected = {"Allow-Origin": {"*" if for_everyone else LISTED}}
    expected["Expose-Headers"] = names(options["EXPOSE_HEADERS"])
    expected["Allow-Credentials"] = {"true"} if options["SUPPORTS_CREDENTIALS"] else set()
    assert said_by(answer) == {name: values for name, values in expected.items() if values}
    expected["Allow-Methods"] = names(options["METHODS"])
    expected["Allow-Headers"] = names(options["ALLOW_HEADERS"])
    expected["Max-Age"] = {str(options["MAX_AGE"])}
    assert said_by(preflight) == {name: values for name, values in expected.items() if values}
    assert (preflight.status_code, answer.status_code) == (204, 404)


def names(listed: list[str]) -> set[str]:
    """Return the names of a list; of two that differ in letter case, the first counts."""
    return set({name.lower(): name for name in reversed(listed)}.values())


def said_by(answer: TestResponse) -> dict[str, set[str]]:
    """Return what each header of CORS lists, by its name without the front that all share."""
    said: dict[str, set[str]] = {}
    for name, value in answer.headers:
        if name.startswith("Access-Control-"):
            values = value.split(", ")
            said[name.removeprefix("Access-Control-")] = set(values)
            assert len(values) == len(set(values))
    return said


def test_zero_seconds_are_sent_too() -> None:
    preflight = {"Origin": LISTED, "Access-Control-Request-Method": "PUT"}
    client = app_under(ORIGINS=LISTED, MAX_AGE=0).test_client()

    assert client.options("/api/", headers=preflight).headers["Access-Control-Max-Age"] == "0"


def test_an_application_is_forgotten_with_its_lists() -> None:
    watched: list[ref[Any]] = []
    for number in range(200):
        app = app_under(ORIGINS=f"https://app{number}.example", METHODS=f"PUT, M{number}")
        app.test_client().post("/api/", headers={"Origin": STRANGER})
        watched.extend(ref(part) for part in (app, app.extensions["cors"]))
    del app
    gc.collect()

    assert [watch() for watch in watched if watch() is not None] == []


def test_five_thousand_lists_leave_nothing_behind() -> None:
    watched: list[ref[Any]] = []

    def serve(number: int) -> None:
        """Use a policy with a list of its own, and one of a hundred sets of options."""
        variables = {
            "CORS_ORIGINS": [f"https://app{number}.example", f"https://*.{number}.example"],
            "CORS_METHODS": f"PUT, M{number % 100}",
            "CORS_ALLOW_HEADERS": f"X-{number % 100}",
        }
        (policy,) = read_settings(["api"], variables).policies.values()
        for origin in (f"https://app{number}.example", f"http://{number}.example", STRANGER):
            str(policy.refusal(origin, "GET", "x-other"))
        watched.extend([ref(policy), ref(policy.allowlist)])

    for number in range(LISTS // 5):
        serve(number)
    tracemalloc.start()
    try:
        for number in range(LISTS // 5, LISTS):
            serve(number)
        living = sum(watch() is not None for watch in watched)
        watched.clear()
        gc.collect()
        grown, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert living <= 2  # of the last one
    assert grown < 20_000


def test_every_cache_of_the_package_is_bounded() -> None:
    found = [import_module(f"my_api.cors.{name}") for _, name, _ in iter_modules(cors.__path__)]
    members = [member for module in found for member in vars(module).values()]
    caches = [member for member in members if isinstance(member, type(lru_cache(lambda: None)))]

    assert caches
    assert all(0 < (cache.cache_info().maxsize or 0) <= 128 for cache in caches)
