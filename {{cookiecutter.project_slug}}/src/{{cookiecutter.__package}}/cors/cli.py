"""`flask cors` shows the policies; `flask cors check` tells what a page sees and what to change."""

import json
import os
import re
import shutil
import sys
import textwrap
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import asdict
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from importlib.metadata import version
from typing import Any
from urllib.parse import quote, unquote_to_bytes, urlsplit

import click
from flask import Flask, current_app
from flask.cli import AppGroup, with_appcontext
from werkzeug.datastructures import Headers
from werkzeug.wrappers import Response as Empty

from . import browser, env_file
from .browser import Request, Response
from .diagnosis import fault_of_name, fault_of_origin
from .middleware import CORSMiddleware
from .origins import public_suffixes
from .policy import SAFELISTED_METHODS, Policy, variable_name
from .problems import ConfigurationError, Problem
from .settings import READERS, read_settings

TIMEOUT = 10  # seconds
SAFE = "%/?:@!$&'()*+,;=-._~"  # what a browser leaves as it is in a path and a query
OPTIONS = [option.lower() for option in READERS]
ADDRESS = re.compile(r"https?://(\[[^][/?#@]+\]|[^][/?#@:]+)(:[1-9][0-9]{0,4})?([/?#].*)?")


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
    uncovered = sorted(r for r in rules if not cors.policy_for(r.encode().decode("latin-1")))
    if as_json:
        data = {
            "version": __version__,
            "blueprints": [
                {"name": policy.blueprint, "prefix": prefix}
                | {option: getattr(policy, option) for option in OPTIONS}
                | {"variables": policy.variables, "sources": _sources(policy)}
                for prefix, policy in cors.policies
            ],
            "without_policy": uncovered,
            "warnings": [asdict(warning) for warning in warnings],
            "env_files": [*map(str, env_file.files)],
            "public_suffix_list": _release_of_suffixes(),
        }
        click.echo(json.dumps(data, indent=2))
        return
    click.echo(f"flask-cors-api {__version__}")
    for file in env_file.files:
        click.echo(f"Settings: {file}")
    if release := _release_of_suffixes():
        click.echo(f"Public suffix list: {release}")
    for prefix, policy in cors.policies:
        click.echo(f"{click.style(policy.blueprint, bold=True)}  {prefix}")
        click.echo("\n".join(_rows(policy)))
    if uncovered:
        click.echo("No policy (the application's own answer goes out, and nothing is refused):")
        click.echo(f"  {', '.join(uncovered)}")
    _warn(warnings)


def _release_of_suffixes() -> str | None:
    """Return the release of the list that judged an entry, if any did."""
    if public_suffixes.cache_info().currsize:
        return f"publicsuffixlist {version('publicsuffixlist')}"
    return None


def _warn(warnings: Iterable[Problem]) -> None:
    for warning in warnings:
        click.echo(click.style("Warning: ", fg="yellow") + str(warning))


def _sources(policy: Policy) -> dict[str, str]:
    """Return where the value of each option comes from that is not the default."""
    places = env_file.places() | dict.fromkeys(current_app.config, "create_app")
    return {o: places.get(variable, "environment") for o, variable in policy.variables.items()}


def _rows(policy: Policy) -> Iterator[str]:
    indent, sources = 24, _sources(policy)
    width = max(shutil.get_terminal_size().columns - indent, 20)
    for option in OPTIONS:
        value = getattr(policy, option)
        if isinstance(value, bool):
            value = "yes" if value else "no"
        elif isinstance(value, tuple):
            value = ", ".join(value) or ("nobody" if option == "origins" else "none")
        lines = textwrap.wrap(str(value), width, break_long_words=False, break_on_hyphens=False)
        if option in sources:
            lines.append(f"from {policy.variables[option]} ({sources[option]})")
        yield f"  {option.ljust(indent - 2)}" + ("\n" + " " * indent).join(lines)


@cors_commands.command("check")
@click.argument("origin")
@click.argument("method")
@click.argument("url")
@click.option("-H", "--header", "headers", multiple=True, help="A header that the page sets.")
@click.option("--credentials", is_flag=True, help="The page sends cookies.")
def check(origin: str, method: str, url: str, headers: tuple[str, ...], credentials: bool) -> None:
    """Tell what a page of ORIGIN sees when it sends METHOD to URL.

    URL is a path of this project, decided without a server and without running a view, or an
    http(s):// address, which is asked. Exits with 1 where the page sees nothing.
    """
    read = Headers()  # as curl has them, `Name: value`; the last one of a name counts
    for name, _, value in (header.partition(":") for header in headers):
        read[name.strip()] = " ".join(value.split()) or "x"
    _refuse_nonsense(origin, method, url, read.keys())
    policy: Policy | None = None
    send: browser.Send = send_over_http
    if url.startswith("/"):
        cors: CORSMiddleware = current_app.extensions["cors"]
        path = unquote_to_bytes(re.split("[?#]", url)[0])
        policy = cors.policy_for(path.decode("latin-1"))  # as WSGI has it (PEP 3333)
        if policy is None:
            click.echo(f"No: {url} is under no blueprint, so no list lets a page read it.")
            _warn(cors.check_routes())
            raise SystemExit(1)
        # The same decisions, with no view behind them and without a log.
        nothing = Flask("flask cors check")
        nothing.wsgi_app = Empty()  # type: ignore[method-assign]
        nothing.logger.disabled = True
        send = browser.send_to(CORSMiddleware(nothing, cors.policies, list))
        host = "localhost" if urlsplit(origin).hostname == "localhost" else "127.0.0.1"
        url = f"http://{host}:{os.environ.get('FLASK_RUN_PORT', '5000')}/{url.lstrip('/')}"

    def send_and_tell(request: Request) -> Response:
        answer = send(request)
        _tell(_steps(request, answer, is_own=policy is not None))
        return answer

    request = Request(method, url, dict(read))
    page: dict[str, Any] = {"origin": origin, "headers": dict(read), "credentials": credentials}
    try:
        _tell([(True, _first_step(request, origin))])
        browser.Browser(send_and_tell).fetch(url, method=method, **page)
    except browser.Blocked as reason:
        _tell([(False, str(reason))])
        said = _advice(request, origin, credentials, policy, str(reason))
        click.echo("No: " + "\n  ".join(said))
        raise SystemExit(1) from None
    except (OSError, HTTPException, ValueError) as error:  # of the network, HTTP, the address
        click.echo(f"No: {url.split('/')[2]} cannot be reached: {error}.")
        raise SystemExit(1) from None
    _tell([(True, "the page reads the answer")])
    click.echo("Yes.")


def _tell(steps: Iterable[tuple[bool, str]]) -> None:
    marks = "✗✓" if str(sys.stdout.encoding).lower().startswith("utf") else "-+"
    for fine, step in steps:
        click.echo(f"{click.style(marks[fine], fg='green' if fine else 'red')} {step}")


def _refuse_nonsense(origin: str, method: str, url: str, names: Iterable[str]) -> None:
    """Say of wrong arguments what is said of wrong settings."""
    faults = [
        ("ORIGIN", None if origin == "null" else fault_of_origin(origin), origin),
        ("METHOD", fault_of_name("METHODS", method), method),
        *(("-H", fault_of_name("ALLOW_HEADERS", name), name) for name in names),
    ]
    problems = [Problem(argument, *fault, text) for argument, fault, text in faults if fault]
    if "*" in origin and not faults[0][1]:
        problems.append(
            Problem("ORIGIN", "any", "not one origin; write that of a page", None, origin)
        )
    if not url.startswith("/") and not ADDRESS.fullmatch(url):
        wrong = "neither a path of this project, which begins with /, nor an http(s):// address"
        problems.append(Problem("URL", "url", wrong, entry=url))
    if problems:
        raise click.UsageError("\n".join(map(str, problems)))


def send_over_http(request: Request) -> Response:
    """Send a request and return the head of its answer. Raises OSError or HTTPException."""
    parts = urlsplit(request.url)
    connect = HTTPSConnection if parts.scheme == "https" else HTTPConnection
    target = quote((parts.path or "/") + (f"?{parts.query}" if parts.query else ""), safe=SAFE)
    with closing(connect(str(parts.hostname), parts.port, timeout=TIMEOUT)) as connection:
        connection.request(request.method, target, request.body, dict(request.headers))
        answer = connection.getresponse()
        return Response(answer.status, Headers(answer.getheaders()), b"")


def _first_step(request: Request, origin: str) -> str:
    if browser.origin_of(request.url) == origin:
        return "the page is of the same origin: CORS has no say"
    if request.method not in SAFELISTED_METHODS:
        return f"a preflight is needed: {request.method} is none of GET, HEAD, POST"
    if names := browser.unsafe_headers(request.headers):
        return f"a preflight is needed: the page sets {', '.join(names)}"
    return f"no preflight is needed for a plain {request.method}"


def _steps(request: Request, answer: Response, is_own: bool) -> Iterator[tuple[bool, str]]:
    """Yield what a request came to in words, and whether it went well."""
    step = f"{request.method} {urlsplit(request.url).path or '/'}"
    is_preflight = "Access-Control-Request-Method" in request.headers
    if is_preflight:
        yield 200 <= answer.status <= 299, f"preflight: {step} is answered {answer.status}"
    elif not is_own:
        yield True, f"{step} is answered {answer.status}"
    elif answer.status == 403:
        yield False, f"{step} is answered 403 before it reaches the application"
    else:
        yield True, f"{step} reaches the application"
    # The classic faults of servers and proxies
    allowed = answer.headers.getlist("Access-Control-Allow-Origin")
    if len(allowed) > 1:
        yield False, "two Access-Control-Allow-Origin headers: a proxy adds its own (add_header)"
    varies_on = {name.lower() for name in answer.listed("Vary")}
    if allowed and "*" not in allowed and varies_on.isdisjoint({"origin", "*"}):
        yield False, "Vary: Origin is missing: a cache may give this answer to other pages"
    if is_preflight and answer.status in browser.REDIRECTS:
        target = answer.headers.get("Location")
        yield False, f"the preflight is redirected; browsers do not follow: call {target}"
    if is_preflight and answer.status == 401:
        yield False, "the preflight is asked to log in, but has no token: answer it before a login"


def _advice(
    request: Request, origin: str, credentials: bool, policy: Policy | None, blocked: str
) -> list[str]:
    # Lines for .env name the blueprint's own variables: nothing changes for the others.
    if policy is None:
        return [blocked]
    method, names = request.method, ",".join(browser.unsafe_headers(request.headers))
    listed = () if policy.allowlist.any else policy.origins
    lacks_names = policy.headers_refused(names)
    lacks_trust = credentials and not policy.supports_credentials
    lacks_origin = not policy.allowlist.allows(origin) or (lacks_trust and policy.allowlist.any)
    known_methods = SAFELISTED_METHODS.union(policy.methods)
    lists = {
        "origins": (*listed, origin) if lacks_origin else (),
        "methods": () if method in known_methods else (*policy.methods, method),
        "allow_headers": (*policy.allow_headers, *lacks_names) if lacks_names else (),
        "supports_credentials": ("true",) if lacks_trust else (),
    }
    written = {option: ",".join(entries) for option, entries in lists.items() if entries}
    kept = {"origins": policy.origins, "supports_credentials": policy.supports_credentials}
    why = policy.refusal(origin, method, names) or blocked
    try:
        variables = {policy.variable(name): value for name, value in {**kept, **written}.items()}
        read_settings([policy.blueprint], variables)
    except ConfigurationError as error:
        return [str(why), *(f"It cannot be allowed: {problem}" for problem in error.problems)]
    lines = [f"{why}. To allow it, write into .env:"]
    if policy.allowlist.any and lacks_origin:
        lines.append("# * cannot go with cookies: list every origin that is to keep access")
    own = {variable_name(option, policy.blueprint): text for option, text in written.items()}
    return lines + [f"{variable}={text}" for variable, text in own.items()]
