"""What one blueprint allows, and the headers that flask-cors writes for it."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache, cached_property
from typing import NamedTuple

from flask import Flask, Response
from flask_cors import cross_origin

from .origins import ANY, Allowlist

Headers = list[tuple[str, str]]

# A page may always use these, whatever a preflight says (Fetch standard, "CORS-safelisted method").
SAFELISTED_METHODS = frozenset({"GET", "HEAD", "POST"})

_ALLOW_ORIGIN = "Access-Control-Allow-Origin"
_VARY_ON_PREFLIGHTS = (
    "Vary",
    "Origin, Access-Control-Request-Method, Access-Control-Request-Headers",
)


def variable_name(option: str, blueprint: str | None = None) -> str:
    """Return the name of a variable: the shared one of an option, or that of one blueprint.

    Letters and digits of the blueprint's name are kept, in upper case; others become ``_``.
    """
    suffix = "" if blueprint is None else "_" + re.sub(r"[^A-Z0-9]", "_", blueprint.upper())
    return f"CORS_{option.upper()}{suffix}"


@dataclass(frozen=True)
class Policy:
    """What one blueprint allows. The options have the names that flask-cors gives them.

    Two policies are equal when their options are; `variables` tells which ``CORS_*`` variable
    decided an option (those at their default are missing). `answers` holds what `answer_headers`
    returns, ready for the requests that are most frequent: those of origins listed by name.
    """

    blueprint: str = field(compare=False)
    variables: Mapping[str, str] = field(default_factory=dict, compare=False)
    origins: tuple[str, ...] = ()
    methods: tuple[str, ...] = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
    allow_headers: tuple[str, ...] = ("Authorization", "Content-Type")
    expose_headers: tuple[str, ...] = ()
    supports_credentials: bool = False
    max_age: int = 600
    enforce: bool = True
    answers: Mapping[str, Headers] = field(init=False, repr=False, compare=False)
    _written: "WrittenHeaders" = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Let flask-cors write the headers now: no request waits for it or fails because of it."""
        written = ask_flask_cors(
            self.allows_any,
            self.methods,
            self.allow_headers,
            self.expose_headers,
            self.supports_credentials,
            self.max_age,
        )
        object.__setattr__(self, "_written", written)
        answers = answers_by_origin(self.origins, tuple(self._rest_of_answer))
        object.__setattr__(self, "answers", answers)

    def variable(self, option: str) -> str:
        """Return the variable to edit for an option: the one that decided, or the blueprint's."""
        return self.variables.get(option) or variable_name(option, self.blueprint)

    @cached_property
    def allows(self) -> Callable[[str], bool]:
        """What tells whether pages of an origin, the value of an ``Origin`` header, are allowed."""
        return allowlist(self.origins).allows

    def allows_method(self, method: str) -> bool:
        """Tell whether a page may send this method; methods are compared byte by byte."""
        return method in SAFELISTED_METHODS or method in self.methods

    def headers_refused(self, requested: str) -> list[str]:
        """Return the names of an ``Access-Control-Request-Headers`` value that are not allowed."""
        names = [name.strip() for name in requested.lower().split(",")]
        return [name for name in names if name and name not in self._allow_headers]

    def answer_headers(self, origin: str) -> Headers:
        """Return the headers of an answer that a page of an allowed origin may read."""
        return [(_ALLOW_ORIGIN, ANY if self.allows_any else origin), *self._rest_of_answer]

    def preflight_headers(self, origin: str) -> Headers:
        """Return the headers of a preflight that an allowed origin passes."""
        return [(_ALLOW_ORIGIN, ANY if self.allows_any else origin), *self._rest_of_preflight]

    @cached_property
    def headers_without_origin(self) -> Headers:
        """The headers of an answer to a request without Origin, which caches may keep for pages."""
        return self.answer_headers(ANY) if self.allows_any else self.vary

    @cached_property
    def vary(self) -> Headers:
        """What tells caches that the answer depends on the origin; under ``*`` it does not."""
        return [] if self.allows_any else [("Vary", "Origin")]

    @cached_property
    def vary_of_preflights(self) -> Headers:
        """The same for preflights, which depend on what the page asks for besides."""
        return [] if self.allows_any else [_VARY_ON_PREFLIGHTS]

    @cached_property
    def allows_any(self) -> bool:
        """Whether every origin is allowed (``*``)."""
        return ANY in self.origins

    @cached_property
    def _rest_of_answer(self) -> Headers:
        return [*self._written.answer, *self.vary]

    @cached_property
    def _rest_of_preflight(self) -> Headers:
        return [*self._written.preflight, *self.vary_of_preflights]

    @cached_property
    def _allow_headers(self) -> frozenset[str]:
        return frozenset(name.lower() for name in self.allow_headers)


# Blueprints that share a list of origins share what is made of it.
allowlist = cache(Allowlist)


@cache
def answers_by_origin(
    origins: tuple[str, ...], rest: tuple[tuple[str, str], ...]
) -> Mapping[str, Headers]:
    """Return the headers of an answer for each origin that is listed by name, not by a pattern.

    `rest` is what follows ``Access-Control-Allow-Origin``.
    """
    return {origin: [(_ALLOW_ORIGIN, origin), *rest] for origin in origins if ANY not in origin}


class WrittenHeaders(NamedTuple):
    """What flask-cors wrote for a listed origin: on its answer, and on its preflight."""

    answer: Headers
    preflight: Headers


@cache
def ask_flask_cors(
    allows_any: bool,
    methods: tuple[str, ...],
    allow_headers: tuple[str, ...],
    expose_headers: tuple[str, ...],
    supports_credentials: bool,
    max_age: int,
) -> WrittenHeaders:
    """Ask flask-cors what it answers under these options: to a listed origin, to its preflight.

    Returns their ``Access-Control-*`` headers but for ``Allow-Origin``, which changes with each
    request. Every option is passed, so that no setting or default of flask-cors has a say;
    `max_age` as text, since flask-cors drops the number 0. Raises RuntimeError where flask-cors
    does not name exactly these methods and headers.
    """
    origin = "https://listed.example"

    @cross_origin(
        origins=ANY if allows_any else [origin],
        methods=list(methods),
        allow_headers=list(allow_headers),
        expose_headers=list(expose_headers),
        supports_credentials=supports_credentials,
        max_age=str(max_age),
        send_wildcard=allows_any,
        vary_header=False,
        automatic_options=True,
        always_send=False,
        allow_private_network=False,
    )
    def view() -> Response:
        return Response()

    preflight = {
        "Access-Control-Request-Method": methods[0],
        "Access-Control-Request-Headers": ", ".join(allow_headers),
    }
    app = Flask("flask_cors")
    with app.test_request_context(headers={"Origin": origin}):
        answer = view().headers
    with app.test_request_context(method="OPTIONS", headers={"Origin": origin, **preflight}):
        preflight_answer = view().headers

    allowed_origin = ANY if allows_any else origin
    expected = {
        _ALLOW_ORIGIN: {allowed_origin},
        "Access-Control-Allow-Methods": set(methods),
        "Access-Control-Allow-Headers": set(allow_headers),
        "Access-Control-Expose-Headers": set(expose_headers),
        "Access-Control-Max-Age": {str(max_age)},
    }
    for name, values in expected.items():
        if values != {v.strip() for v in preflight_answer.get(name, "").split(",") if v.strip()}:
            raise RuntimeError(
                f"flask-cors answered {name}: {preflight_answer.get(name)} "
                f"where the policy has {', '.join(sorted(values)) or 'none'}"
            )
    return WrittenHeaders(_cors_headers(answer), _cors_headers(preflight_answer))


def _cors_headers(headers: Iterable[tuple[str, str]]) -> Headers:
    return [
        (name, value)
        for name, value in headers
        if name.startswith("Access-Control-") and name != _ALLOW_ORIGIN
    ]
