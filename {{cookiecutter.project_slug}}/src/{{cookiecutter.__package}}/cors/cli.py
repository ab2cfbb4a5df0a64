"""`flask cors` shows the policies; `flask cors check` tells what a page sees and what to change."""

import json
import os
import re
import shutil
import sys
import textwrap
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import asdict, dataclass, field
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from importlib.metadata import version
from itertools import groupby
from operator import itemgetter
from threading import Thread
from typing import Any
from urllib.parse import quote, unquote_to_bytes, urlsplit

import click
from flask import Flask, current_app
from flask.cli import AppGroup, with_appcontext
from werkzeug.datastructures import Headers

from . import browser, env_file
from .browser import Request, Response
from .diagnosis import USELESS, fault_of_name, fault_of_origin, first_broken
from .middleware import CORSMiddleware
from .origins import public_suffixes
from .policy import SAFELISTED_METHODS, Policy, variable_name
from .problems import ConfigurationError, Problem
from .settings import LONGEST_MAX_AGE_OF_CHROMIUM, READERS, network_of

TIMEOUT = 10  # seconds, for all that a check asks
LONGEST = 300  # characters of a line in which a server has a say
SAFE = "%/?:@!$&'()*+,;=-._~"  # what a browser leaves as it is in a path and a query
OPTIONS = [option.lower() for option in READERS]
URL = re.compile(
    r"(?s)(?!.*[\ud800-\udfff])"  # which stand for bytes that are no text
    r"(?:/.*|https?://(\[[^][/?#@]+\]|[^][/?#@:]+)(:[1-9][0-9]{0,4})?([/?#].*)?)"
)
KEPT = "Chromium (from 142 on) keeps pages of the internet from loopback and private addresses"

Step = tuple[bool | None, str]  # whether it went well (None: it may yet end there), in words


@click.group("cors", cls=AppGroup, invoke_without_command=True)
@click.option("--json", "as_json", is_flag=True, help="For scripts.")
@with_appcontext
@click.pass_context
def cors_commands(context: click.Context, as_json: bool) -> None:
    """Show the CORS policy of each blueprint, and the variable that decided each option."""
    from . import __version__  # the package, which imports this module

    if os.environ.get("NO_COLOR"):  # https://no-color.org
        context.color = False
    if context.invoked_subcommand:
        return
    cors: CORSMiddleware = current_app.extensions["cors"]
    warnings = [*cors.warnings, *cors.check_routes()]
    rules = {rule.rule for rule in current_app.url_map.iter_rules()}
    shown: dict[str, Any] = {
        "version": __version__,
        "env_files": [*map(str, env_file.files)],
        "public_suffix_list": None,  # unless it judged an entry
        "blueprints": [_as_data(prefix, policy) for prefix, policy in cors.policies],
        "without_policy": sorted(r for r in rules if not cors.policy_for(as_path_info(r))),
        "warnings": [asdict(warning) for warning in warnings],
    }
    if public_suffixes.cache_info().currsize:
        shown["public_suffix_list"] = f"publicsuffixlist {version('publicsuffixlist')}"
    if as_json:
        click.echo(json.dumps(shown, indent=2))
        return
    say(f"flask-cors-api {__version__}")
    for file in shown["env_files"]:
        say(f"Settings: {file}")
    if shown["public_suffix_list"]:
        say(f"Public suffix list: {shown['public_suffix_list']}")
    for blueprint in shown["blueprints"]:
        _show(blueprint)
    if shown["without_policy"]:
        say("No policy (the application's own answer goes out, and nothing is refused):")
        say(", ".join(shown["without_policy"]), "  ")
    for warning in warnings:
        say(str(warning), "Warning: ", fg="yellow")


def say(text: str, lead: str = "", indent: int = 2, whole: bool = True, **style: Any) -> None:
    """Print a text behind a lead; words stay `whole`, to be copied, unless a server sent them."""
    width = max(shutil.get_terminal_size().columns, indent + 20)
    wrapper = textwrap.TextWrapper(width, lead, " " * indent, break_on_hyphens=False)
    wrapper.break_long_words = not whole
    click.echo(click.style(lead, **style) + wrapper.fill(printable(text))[len(lead) :])


def printable(text: str) -> str:
    """Return a text with escape sequences in place of all that stdout or its reader cannot show."""
    text = "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)
    encoding = sys.stdout.encoding or "ascii"
    return text.encode(encoding, "backslashreplace").decode(encoding)


def _as_data(prefix: str, policy: Policy) -> dict[str, Any]:
    sources = {option: _source(variable) for option, variable in policy.variables.items()}
    if policy.allowlist.file:
        sources["origins"] += f", {policy.allowlist.file}"
    return (
        {"name": policy.blueprint, "prefix": prefix}
        | {option: getattr(policy, option) for option in OPTIONS}
        | {"variables": policy.variables, "sources": sources}
        | ({"allows": str(policy.function)} if policy.function else {})
    )


def _show(blueprint: dict[str, Any]) -> None:
    say(blueprint["prefix"], f"{blueprint['name']}  ", bold=True)
    for option in OPTIONS:
        value = blueprint[option]
        if isinstance(value, bool):
            value = "yes" if value else "no"
        elif isinstance(value, tuple):
            value = ", ".join(value) or ("nobody" if option == "origins" else "none")
        say(str(value), f"  {option}".ljust(24), 24)
        if variable := blueprint["variables"].get(option):
            say(f"from {variable} ({blueprint['sources'][option]})", " " * 24, 24)
    if function := blueprint.get("allows"):
        say(f"what {function} says of any other origin", "  allows".ljust(24), 24)


def _source(variable: str) -> str:
    """Return where a variable is set: create_app, a line of a file, environment; or nothing."""
    if variable in current_app.config:
        return "create_app"
    return env_file.places().get(variable, "environment") if variable in os.environ else ""


def as_path_info(path: str) -> str:
    """Return the path of an address as WSGI has it (PEP 3333)."""
    return unquote_to_bytes(path).decode("latin-1")


@cors_commands.command("check")
@click.argument("origin")
@click.argument("method")
@click.argument("url")
@click.option("-H", "--header", "headers", multiple=True, help="A header that the page sets.")
@click.option("--credentials", is_flag=True, help="The page sends cookies.")
@click.option("--json", "as_json", is_flag=True, help="For scripts.")
def check(
    origin: str, method: str, url: str, headers: tuple[str, ...], credentials: bool, as_json: bool
) -> None:
    """Tell what a page of ORIGIN sees when it sends METHOD to URL.

    URL is a path of this project, decided without a server and without running a view, or an
    http(s):// address, which is asked for real: its view runs. Exits with 1 where the page sees
    nothing.
    """
    read = Headers()  # as curl has them, `Name: value`; the last one of a name counts
    for name, _, value in (header.partition(":") for header in headers):
        read[name.strip()] = " ".join(value.split()) or "x"
    _refuse_nonsense(origin, method, url, read.keys())
    is_own = url.startswith("/")
    if is_own:
        host = "localhost" if urlsplit(origin).hostname == "localhost" else "127.0.0.1"
        port = os.environ.get("FLASK_RUN_PORT", "5000")
        url = browser.resolve(f"http://{host}:{port}{url}")
    decided = Check(origin, method, url, dict(read), credentials, is_own)
    decided.decide(current_app.extensions["cors"])
    if as_json:
        click.echo(json.dumps(asdict(decided), indent=2))
    else:
        decided.print()
    raise SystemExit(int(not decided.allowed))


def _refuse_nonsense(origin: str, method: str, url: str, names: Iterable[str]) -> None:
    """Say of wrong arguments what is said of wrong settings."""
    several = ("any", "not one origin; write that of a page", None)
    no_url = "neither a path of this project, which begins with /, nor an http(s):// address"
    faults = [
        ("ORIGIN", several if "*" in origin else fault_of_origin(origin), origin),
        ("METHOD", fault_of_name("METHODS", method), method),
        *(("-H", fault_of_name("ALLOW_HEADERS", name), name) for name in names),
        ("URL", None if URL.fullmatch(url) else ("url", no_url, None), url),
    ]
    faults = faults[origin == "null" :]  # which no list holds, and pages in a sandbox send
    if problems := [Problem(argument, *fault, text) for argument, fault, text in faults if fault]:
        raise click.UsageError("\n".join(map(str, problems)))


@dataclass
class Check:
    """A page sends a request, to this project (`is_own`) or to a server: what comes of it.

    ``--json`` prints these fields.
    """

    origin: str
    method: str
    url: str
    headers: dict[str, str]
    credentials: bool
    is_own: bool
    allowed: bool = False
    reason: str | None = None
    steps: list[dict[str, Any]] = field(default_factory=list)
    write: list[dict[str, Any]] = field(default_factory=list)
    warnings: list[Problem] = field(default_factory=list)

    def decide(self, cors: CORSMiddleware) -> None:
        """Find out, in `TIMEOUT` seconds at most, and what to write where the answer is no."""
        path = urlsplit(self.url).path if self.is_own else ""
        policy = cors.policy_for(as_path_info(path)) if self.is_own else None
        if self.is_own and not policy:
            own = "a page reads it only where the application sends CORS headers itself"
            self.reason = shortened(f"{path} is under no blueprint that has a list; {own}")
            self.warnings = cors.check_routes()
            return
        # The decisions of the project, with no view behind them and without a log.
        nothing = Flask("flask cors check")
        nothing.url_map.merge_slashes = current_app.url_map.merge_slashes
        nothing.wsgi_app = nothing.response_class()  # type: ignore[method-assign]
        nothing.logger.disabled = True
        decide = browser.send_to(CORSMiddleware(nothing, cors.policies, list))
        visit = Thread(target=self._visit, args=(decide,), daemon=True)
        visit.start()
        visit.join(TIMEOUT)  # the timeout of a socket begins anew with each byte
        if visit.is_alive():
            self.reason = f"the answer is not complete after {TIMEOUT} seconds"
        if policy and not self.allowed:
            self._advise(cors, policy)

    def print(self) -> None:
        """Print it for people."""
        marks = "✓✗!" if str(sys.stdout.encoding).lower().startswith("utf") else "+-!"
        for step in self.steps:
            kind = (True, False, None).index(step["ok"])
            colour = ("green", "red", "yellow")[kind]
            say(step["text"], f"{marks[kind]} ", whole=False, fg=colour)
        say("Yes." if self.allowed else f"No: {self.reason}", whole=False)
        for way in self.write:
            start = "To allow it" if way is self.write[0] else "Or"
            leaves = way["leaves"] and f", which no longer follows {', '.join(way['leaves'])} then"
            say(f"{start} for {', '.join(way['opens'])}{leaves or ''}:")
            for where, lines in groupby(way["lines"], itemgetter("where")):
                say("the environment of the process" if where == "environment" else where, "  # ")
                default = "{value}" if where.startswith("/") else "{variable}={value}"
                form = '"{variable}": "{value}",' if where == "create_app" else default
                click.echo("\n".join(f"  {form.format_map(line)}" for line in lines))
        for warning in self.warnings:
            say(str(warning), "Warning: ", fg="yellow")

    def _tell(self, steps: Iterable[Step]) -> None:
        for ok, text in steps:
            self.steps.append({"ok": ok, "text": shortened(text)})

    def _visit(self, decide: browser.Send) -> None:
        def send(request: Request) -> Response:
            expected = decide(request)
            answer = expected if self.is_own else send_over_http(request)
            self._tell(self._judge(request, answer, expected, decide))
            return answer

        asked: dict[str, Any] = {"method": self.method, "headers": self.headers}
        try:
            self._tell(self._begin())
            page = browser.Browser(send)
            page.fetch(self.url, origin=self.origin, credentials=self.credentials, **asked)
            self._tell([(True, "the page reads the answer")])
            self.allowed = True
        except browser.Blocked as blocked:
            self.reason = shortened(str(blocked))
        except (OSError, HTTPException, ValueError) as error:  # of the network, HTTP, the address
            self.reason = shortened(f"{self.url.split('/')[2]} gives no answer: {error}")

    def _begin(self) -> Iterator[Step]:
        """Yield what the page needs; then what browsers take for CORS, whatever the headers say."""
        origin, server = self.origin, browser.origin_of(self.url)
        if server == origin:
            yield True, "the page is of the same origin: CORS has no say"
        elif self.method not in SAFELISTED_METHODS:
            yield True, f"a preflight is needed: {self.method} is none of GET, HEAD, POST"
        elif names := browser.unsafe_headers(self.headers):
            yield True, f"a preflight is needed: the page sets {', '.join(names)}"
        else:
            yield True, f"no preflight is needed for a plain {self.method}"
        for name in self.headers:
            if useless := first_broken(USELESS, ("ALLOW_HEADERS", name)):
                yield None, f"{name}: {useless[1]}"
        if origin == "null":
            yield None, "a sandbox (which allow-same-origin ends) and a local file send null"
        elif self.credentials and browser.site_of(server) != browser.site_of(origin):
            cookies = "cookies go to another site only with SameSite=None and Secure"
            yield None, f"{cookies}; where the browser blocks those of others, with Partitioned too"
        if self.is_own or not origin.startswith("http"):
            return
        page, api = (network_of(re.sub("^.*//|:[0-9]*$", "", at)) for at in (origin, server))
        if page == "public" != api:
            if not browser.is_trustworthy(origin):
                way = "over https://, where the visitor is asked, or from the same network"
                raise browser.Blocked(f"{KEPT}, whatever you send: serve the page {way}")
            words = '"blocked by CORS policy: Permission was denied", whatever you send'
            yield None, f"{KEPT} until the visitor allows it; else it says {words}"
        elif origin.startswith("https:") and not browser.is_trustworthy(server):
            raise browser.Blocked("mixed content: pages of https:// call no http:// address")

    def _judge(
        self, request: Request, answer: Response, expected: Response, decide: browser.Send
    ) -> Iterator[Step]:
        """Yield what a request came to, and the classic faults of servers, proxies and caches."""
        step, status = f"{request.method} {urlsplit(request.url).path}", answer.status
        if is_preflight := "Access-Control-Request-Method" in request.headers:
            hint = ""
            if status in browser.REDIRECTS:
                hint = f"; browsers follow no redirect here: call {answer.headers.get('Location')}"
            elif status == 401:
                hint = "; it carries no token: answer it before a login"
            yield 200 <= status <= 299, f"preflight: {step} is answered {status}{hint}"
        elif not self.is_own:
            yield status < 400, f"{step} is answered {status}"
        elif status == 403:
            yield False, f"{step} is answered 403 before it reaches the application"
        else:
            yield True, f"{step} reaches the application"
        is_kept = request.method in ("GET", "HEAD")  # by caches (RFC 9110, section 9.2.3)
        fixed = answer.listed("Access-Control-Allow-Origin") - {"*"}
        if is_kept and fixed and not _varies(answer):
            yield False, "Vary: Origin is missing: a cache may give this answer to other pages"
        age = answer.headers.get("Access-Control-Max-Age", "") if is_preflight else ""
        if re.fullmatch("[0-9]{4,15}", age) and int(age) > LONGEST_MAX_AGE_OF_CHROMIUM:
            yield None, f"browsers keep this for up to {int(age)} seconds, and see no change before"
        names = {name.title() for a in (expected, answer) for name, _ in a.headers}
        names = {name for name in names if name.startswith("Access-Control-")}
        if not expected.listed("Access-Control-Allow-Origin"):
            names = set()  # no page of these settings: the server may have others
        if others := sorted(n for n in names if answer.listed(n) != expected.listed(n)):
            where = "something in between answers, adds or removes, or other settings run there"
            yield None, f"not as the settings here have it: {', '.join(others)}; {where}"
        if self.is_own or not is_kept or "Origin" not in request.headers:
            return
        another = "https://another-page.example"
        request = request._replace(headers={**request.headers, "Origin": another})
        other, meant = send_over_http(request), decide(request)
        allowed, again = (a.listed("Access-Control-Allow-Origin") for a in (answer, other))
        if another in again and not meant.listed("Access-Control-Allow-Origin"):
            yield False, "a page of any other origin is allowed, too: something reflects its Origin"
        elif again == {self.origin} and _varies(other):
            yield False, "another page gets the same copy: a cache in between ignores Vary: Origin"
        elif allowed != again and _varies(answer) and not _varies(other):
            yield False, "where another page asks, Vary: Origin is missing: a cache may mix them up"

    def _advise(self, cors: CORSMiddleware, policy: Policy) -> None:
        """Find the lines that make it a yes: those of the shared variables, those of its own."""
        method, names = self.method, ",".join(browser.unsafe_headers(self.headers))
        if refusal := policy.refusal(self.origin, method, names):
            self._tell([(False, f"{self.reason}")])
            self.reason = str(refusal)
        lacks_trust = self.credentials and not policy.supports_credentials
        lacks_list = lacks_trust and policy.allowlist.any
        if lacks_list:
            self._tell([(None, "* goes without cookies: list each origin that is to keep access")])
        file, missing = None, {}
        if lacks_list or not policy.allows(self.origin):
            file = policy.allowlist.file
            listed = () if policy.allowlist.any else policy.origins
            missing["origins"] = ",".join([*listed, self.origin])
        if method not in SAFELISTED_METHODS.union(policy.methods):
            missing["methods"] = ",".join([*policy.methods, method])
        if refused_names := policy.headers_refused(names):
            missing["allow_headers"] = ",".join([*policy.allow_headers, *refused_names])
        if lacks_trust:
            missing["supports_credentials"] = "true"

        def reads(policy: Policy) -> bool:
            trusted = policy.supports_credentials or not self.credentials
            return trusted and not policy.refusal(self.origin, method, names)

        before = {p.blueprint for _, p in cors.policies if reads(p)}
        refused = ""
        for blueprint in [None] if file else [None, policy.blueprint]:
            new, lines, leaves = {}, [], []
            for option, value in missing.items():
                decided = policy.variables.get(option, variable_name(option, blueprint))
                name = variable_name(option, blueprint) if blueprint else decided
                where = _source(name) or _source(decided).partition(" line ")[0] or ".env"
                line = {"variable": name, "value": value, "where": where}
                new[name] = value
                if file and option == "origins":
                    line |= {"value": self.origin, "where": file}
                    new |= {p.variable(option): value for _, p in cors.policies if _has(file, p)}
                lines.append(line)
                leaves += [decided] if decided != name else []
            try:
                policies = cors.read({**os.environ, **current_app.config, **new}).policies
            except ConfigurationError as error:
                refused = "; it cannot be allowed: " + "; ".join(map(str, error.problems))
                continue
            opens = [name for name, p in policies.items() if name not in before and reads(p)]
            if policy.blueprint in opens:
                self.write.append({"opens": opens, "leaves": leaves, "lines": lines})
            if opens == [policy.blueprint]:
                break
        if not self.write:
            self.reason = f"{self.reason}{refused}"


def _has(file: str, policy: Policy) -> bool:
    """Tell whether a policy has its list from a file, under this name or another one."""
    path = policy.allowlist.file
    return path is not None and os.path.realpath(path) == os.path.realpath(file)


def _varies(answer: Response) -> bool:
    return not {name.lower() for name in answer.listed("Vary")}.isdisjoint({"origin", "*"})


def send_over_http(request: Request) -> Response:
    """Send a request and return the head of its answer. Raises OSError or HTTPException."""
    parts = urlsplit(request.url)
    connect = HTTPSConnection if parts.scheme == "https" else HTTPConnection
    target = quote(parts.path + (f"?{parts.query}" if parts.query else ""), safe=SAFE)
    with closing(connect(str(parts.hostname), parts.port)) as connection:
        connection.request(request.method, target, request.body, dict(request.headers))
        answer = connection.getresponse()  # a hundred headers of 64 KiB at most
        return Response(answer.status, Headers(answer.getheaders()), b"")


def shortened(text: str) -> str:
    """Return what a server had a say in as `printable`, and without its middle if it is long."""
    text, half = printable(text), LONGEST // 2
    return text if len(text) <= LONGEST else f"{text[:half]} ... {text[-half:]}"
