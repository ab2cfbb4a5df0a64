"""What one blueprint allows, why it refuses a page, and the headers, which flask-cors writes."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, NamedTuple

from blinker import Namespace
from flask import Flask, Response
from flask_cors import cross_origin
from werkzeug.test import create_environ

from .origins import ANY, Allowlist
from .problems import quoted

# A page may always use these, whatever a preflight says (Fetch standard, "CORS-safelisted method").
SAFELISTED_METHODS = frozenset({"GET", "HEAD", "POST"})

LONGEST_REQUESTED = 8192  # characters in the names of headers, where all of them are allowed
_is_token = re.compile(r"[0-9A-Za-z!#$%&'*+.^_`|~-]+").fullmatch  # RFC 9110, section 5.6.2

# Calls its receivers for each refusal, as `receiver(app, refusal=refusal)`: the application and a
# `Refusal`. No context of Flask's is there, and one that raises changes nothing.
refused = Namespace().signal("cors.refused")

Headers = list[tuple[str, str]]
_ALLOW_ORIGIN = "Access-Control-Allow-Origin"
NO_ORIGIN = "a page of another site (Sec-Fetch-Site) without an Origin; a proxy that drops Origin "
NO_ORIGIN += "must forward it, or drop Sec-Fetch-* too"


def variable_name(option: str, blueprint: str | None = None) -> str:
    """Return the name of a variable: the shared one of an option, or that of one blueprint."""
    suffix = "" if blueprint is None else "_" + re.sub(r"[^A-Z0-9]", "_", blueprint.upper())
    return f"CORS_{option.upper()}{suffix}"


class Written(NamedTuple):
    """The headers of a policy, those of pages but for ``Access-Control-Allow-Origin``."""

    answer: Headers
    preflight: Headers
    vary: Headers
    vary_of_preflights: Headers
    without_origin: Headers  # under `*` those of pages: a cache may keep the answer for them
    names: frozenset[str]  # of request headers that may be asked for, in lower case


@dataclass(frozen=True)
class Policy:
    """What one blueprint allows, by options that have the names of flask-cors's own.

    Two policies are equal when their options are. `variables` tells which variable decided one,
    `function` is asked for an origin that is on no list.
    """

    blueprint: str = field(compare=False)
    variables: Mapping[str, str] = field(default_factory=dict, compare=False)
    allowlist: Allowlist = field(default_factory=Allowlist)
    methods: tuple[str, ...] = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
    allow_headers: tuple[str, ...] = ("Authorization", "Content-Type")
    expose_headers: tuple[str, ...] = ()
    supports_credentials: bool = False
    max_age: int = 600
    enforce: bool = True
    function: "Callable[[Policy, str], bool] | None" = None
    written: Written = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Let flask-cors write the headers now: no request waits for it or fails because of it."""
        written = ask_flask_cors(
            self.allowlist.any,
            methods=self.methods,
            allow_headers=self.allow_headers,
            expose_headers=self.expose_headers,
            supports_credentials=self.supports_credentials,
            max_age=str(self.max_age),  # as text: flask-cors drops the number 0
        )
        object.__setattr__(self, "written", written)

    @property
    def origins(self) -> tuple[str, ...]:
        """The entries of the allowlist, as written."""
        return self.allowlist.entries

    def variable(self, option: str) -> str:
        """Return the variable to edit for an option: the one that decided, or the blueprint's."""
        return self.variables.get(option) or variable_name(option, self.blueprint)

    def allows(self, origin: str) -> bool:
        """Tell whether the list lets pages of an origin in, or else the application's function."""
        return self.allowlist.allows(origin) or self.asks(origin)

    def asks(self, origin: str) -> bool:
        """Tell what the application's function says of an origin that is not on the list."""
        return self.function is not None and self.function(self, origin)

    def refusal(self, origin: str, method: str, headers: str) -> "Refusal | None":
        """Return why a page may not send a method and headers, which a preflight names, or None."""
        if not self.allows(origin):
            return Refusal(self, origin, "origins")
        if method not in SAFELISTED_METHODS and method not in self.methods:
            return Refusal(self, origin, "methods", (method,))
        refused = self.headers_refused(headers)
        return Refusal(self, origin, "allow_headers", refused) if refused else None

    def headers_refused(self, requested: str) -> tuple[str, ...]:
        """Return the names of an ``Access-Control-Request-Headers`` value that are not allowed."""
        names = requested.lower().split(",")
        if ANY not in self.allow_headers:
            return tuple([n.strip() for n in names if n.strip() not in self.written.names])
        if len(requested) > LONGEST_REQUESTED:
            return (f"more than {LONGEST_REQUESTED} characters",)
        return tuple([name for name in map(str.strip, names) if name and not _is_token(name)])

    def answer(self, origin: str) -> Headers | None:
        """Return the headers that a page of this origin gets with any answer, or None if none."""
        if not self.allowlist.allows(origin):
            return None
        return [(_ALLOW_ORIGIN, ANY if self.allowlist.any else origin), *self.written.answer]

    def answer_asked(self, origin: str) -> Headers | None:
        """Return the same for an origin that is not on the list, where the function allows it."""
        return [(_ALLOW_ORIGIN, origin), *self.written.answer] if self.asks(origin) else None

    def preflight(self, origin: str, requested: str) -> Headers:
        """Return the headers of the answer to a preflight of an allowed origin.

        `requested` are the names of headers that it asks for; under `*` they come back, sorted as
        flask-cors does it.
        """
        headers = [(_ALLOW_ORIGIN, ANY if self.allowlist.any else origin), *self.written.preflight]
        if ANY in self.allow_headers:
            names = sorted(filter(None, map(str.strip, requested.split(","))))
            headers += [("Access-Control-Allow-Headers", ", ".join(names))] if names else []
        return headers


class Refusal(NamedTuple):
    """What a policy refuses: a page's origin, the `names` of its method or headers, its site.

    `option` is ``origins``, ``methods``, ``allow_headers`` or ``sec_fetch_site``; `method` and
    `path` are those of the request, and `enforced` tells that it was answered with 403. What came
    from a client is as it came: of any length, with any characters; `str()` makes one line of it.
    """

    policy: Policy
    origin: str
    option: str
    names: tuple[str, ...] = ()
    method: str = ""
    path: str = ""
    enforced: bool = False

    @property
    def blueprint(self) -> str:
        """The name of the blueprint whose policy it is."""
        return self.policy.blueprint

    def near(self) -> str | None:
        """Return the listed entry that was probably meant, if there is one."""
        return self.policy.allowlist.nearest(self.origin) if self.option == "origins" else None

    def line(self) -> str:
        """Return what the log says: the request, and why it is refused, or would be."""
        done = "refused" if self.enforced or self.policy.enforce else "watched"
        return f"{done} {quoted(f'{self.method} {self.path}')}: {self}"

    def __str__(self) -> str:
        if self.option == "sec_fetch_site":
            return NO_ORIGIN
        what, hint = quoted(self.origin), ""
        if self.names:
            what = f"{quoted(', '.join(self.names))}, which {what} asks for,"
            if self.option == "methods" and self.names[0].upper() in self.policy.methods:
                hint = f" (a page must write {self.names[0].upper()} in capitals)"
        elif near := self.near():
            others = ", among others" if len(self.policy.origins) > 1 else ""
            hint = f" (you list {near}{others})"
        return f"{what} is not in {self.policy.variable(self.option)}{hint}"


@lru_cache(maxsize=128)  # lists of origins have no part in it: an application has few of these
def ask_flask_cors(allows_any: bool, **options: Any) -> Written:
    """Ask flask-cors what it answers under these options: to a listed origin, to its preflight.

    Every option of `cross_origin` is given, so that no setting or default of flask-cors has a say.
    """
    origin = "https://listed.example"
    app = Flask("flask_cors", static_folder=None)
    app.create_url_adapter = lambda request: None  # type: ignore  # it has no routes to look up

    @cross_origin(
        origins=ANY if allows_any else [origin],
        send_wildcard=allows_any,
        vary_header=False,
        automatic_options=False,
        always_send=False,
        allow_private_network=False,
        **options,
    )
    def view() -> Response:
        return Response()

    def written(method: str, **asked: str) -> Headers:
        environ = create_environ(method=method, headers={"Origin": origin, **asked})
        with app.request_context(environ):  # `test_request_context` imports a debugger
            answer = view().headers
        return [h for h in answer if h[0].startswith("Access-Control-") and h[0] != _ALLOW_ORIGIN]

    asked = {
        "Access-Control-Request-Method": options["methods"][0],
        "Access-Control-Request-Headers": ", ".join(
            name for name in options["allow_headers"] if name != ANY
        ),
    }
    answer, preflight = written("GET"), written("OPTIONS", **asked)
    vary = [] if allows_any else [("Vary", "Origin")]
    of_preflights = [(name, ", ".join([value, *asked])) for name, value in vary]
    without_origin = [(_ALLOW_ORIGIN, ANY), *answer] if allows_any else vary
    names = frozenset(["", *map(str.lower, options["allow_headers"])])
    return Written(
        answer + vary, preflight + of_preflights, vary, of_preflights, without_origin, names
    )
