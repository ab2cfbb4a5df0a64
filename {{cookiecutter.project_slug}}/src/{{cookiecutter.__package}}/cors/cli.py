"""The commands `flask cors` and `flask cors check`: see the policies, and ask what a page sees."""

import json
import os
import re
import shutil
import sys
import textwrap
from collections.abc import Iterable, Iterator
from dataclasses import asdict, replace
from typing import Any, NamedTuple
from urllib.parse import unquote_to_bytes, urlsplit

import click
from flask import Flask, current_app
from flask.cli import AppGroup, with_appcontext

from .browser import Send
from .check import (
    Unreachable,
    Visit,
    remedy,
    send_over_http,
    send_to_policies,
    visit,
)
from .diagnosis import examine
from .names import METHODS, REQUEST_HEADERS, Vocabulary
from .origins import DEFAULT_PORTS
from .policy import Policy
from .prefixes import PrefixMap
from .problems import Problem
from .refusals import Refusal

LABELS = {
    "origins": "origins",
    "supports_credentials": "credentials",
    "methods": "methods",
    "allow_headers": "allow headers",
    "expose_headers": "expose headers",
    "max_age": "max age",
    "enforce": "enforce",
}


class CORSState(NamedTuple):
    """What `init_app` keeps of an application, in ``app.extensions["cors"]``."""

    policies: list[tuple[str, Policy]]
    """The prefix and the policy of each blueprint, in the order of the registry."""
    prefixes: PrefixMap
    warnings: list[Problem]


@click.group("cors", cls=AppGroup, invoke_without_command=True)
@click.option("--json", "as_json", is_flag=True, help="For scripts.")
@with_appcontext
@click.pass_context
def cors_commands(context: click.Context, as_json: bool) -> None:
    """Show the CORS policy of each blueprint, and the variable that decided each option."""
    if context.invoked_subcommand is not None:
        return
    cors: CORSState = current_app.extensions["cors"]
    uncovered = _rules_without_policy(current_app, cors.prefixes)
    if as_json:
        echo(json.dumps(_as_data(cors, uncovered), indent=2))
        return
    for prefix, policy in cors.policies:
        echo(f"{click.style(policy.blueprint, bold=True)}  {prefix}")
        for line in _table(policy, shutil.get_terminal_size().columns):
            echo(f"  {line}")
    if uncovered:
        echo("No policy (the application's own answer goes out, and nothing is refused):")
        echo(f"  {', '.join(uncovered)}")
    for warning in cors.warnings:
        echo(click.style("Warning: ", fg="yellow") + str(warning))


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
    page_headers = _page_headers(headers)
    _refuse_nonsense(origin, method, url, page_headers)
    send: Send = send_over_http
    policy: Policy | None = None
    refusals: list[Refusal] | None = None
    if url.startswith("/"):
        prefixes: PrefixMap = current_app.extensions["cors"].prefixes
        policy = prefixes.policy_for(_as_wsgi(unquote_to_bytes(re.split("[?#]", url)[0])))
        if policy is None:
            echo(f"No: {url} is under no blueprint, so no page of another origin reads it.")
            raise SystemExit(1)
        refusals = []
        send = send_to_policies(current_app, prefixes, refusals)
        host = "localhost" if urlsplit(origin).hostname == "localhost" else "127.0.0.1"
        url = f"http://{host}:{os.environ.get('FLASK_RUN_PORT', '5000')}/{url.lstrip('/')}"
    try:
        seen = visit(
            send,
            url,
            origin=origin,
            method=method,
            headers=page_headers,
            credentials=credentials,
            refusals=refusals,
        )
    except Unreachable as unreachable:
        echo(f"No: {unreachable}.")
        raise SystemExit(1) from None
    _print_visit(seen, policy)
    raise SystemExit(1 if seen.blocked else 0)


def echo(text: str) -> None:
    """Print a line, in colour on a terminal unless NO_COLOR is set (https://no-color.org)."""
    click.echo(text, color=False if os.environ.get("NO_COLOR") else None)


def _page_headers(headers: Iterable[str]) -> dict[str, str]:
    """Read ``Name`` or, as curl has it, ``Name: value``; the last one of a name counts."""
    read: dict[str, tuple[str, str]] = {}
    for header in headers:
        name, _, value = header.partition(":")
        read[name.strip().lower()] = name.strip(), value.strip() or "x"
    return dict(read.values())


def _refuse_nonsense(origin: str, method: str, url: str, headers: Iterable[str]) -> None:
    """Say of wrong arguments what is said of wrong settings."""
    problems = [] if origin == "null" else examine("ORIGIN", [origin])[1]
    problems = [replace(problem, position=None) for problem in problems]
    if "*" in origin and not problems:
        problems.append(
            Problem("ORIGIN", "any", "not one origin; write that of a page", None, origin)
        )
    problems += _problems("METHOD", [method], METHODS) + _problems("-H", headers, REQUEST_HEADERS)
    if not url.startswith("/") and not _is_address(url):
        wrong = "neither a path of this project, which begins with /, nor an http(s):// address"
        problems.append(Problem("URL", "url", wrong, entry=url))
    if problems:
        raise click.UsageError("\n".join(map(str, problems)))


def _is_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return (
            parts.scheme in DEFAULT_PORTS
            and bool(parts.hostname)
            and parts.username is None
            and parts.port != 0
        )
    except ValueError:
        return False


def _problems(argument: str, names: Iterable[str], vocabulary: Vocabulary) -> list[Problem]:
    return [
        Problem(argument, refused.code, refused.wrong, refused.write(name), name)
        for name in names
        if (refused := vocabulary.judge(name)[0])
    ]


def _print_visit(seen: Visit, policy: Policy | None) -> None:
    good, bad = _marks()
    for fine, step in seen.steps():
        echo(f"{good if fine else bad} {step}")
    if not seen.blocked:
        echo("Yes.")
        return
    why: object = seen.refusals[0] if seen.refusals else seen.blocked
    lines, problems = remedy(seen, policy) if policy else ([], [])
    echo(f"No: {why}" + (". To allow it, write into .env:" if lines else ""))
    for problem in problems:
        echo(f"  It cannot be allowed: {problem}")
    for line in lines:
        echo(f"  {line}")


def _marks() -> tuple[str, str]:
    """Return a tick and a cross, or what stands for them where the output cannot show them."""
    good, bad = "✓", "✗"
    try:
        f"{good}{bad}".encode(sys.stdout.encoding or "ascii")
    except UnicodeEncodeError:
        good, bad = "+", "-"
    return click.style(good, fg="green"), click.style(bad, fg="red")


def _rules_without_policy(app: Flask, prefixes: PrefixMap) -> list[str]:
    rules = {rule.rule for rule in app.url_map.iter_rules()}
    return sorted(rule for rule in rules if prefixes.policy_for(_as_wsgi(rule.encode())) is None)


def _as_wsgi(path: bytes) -> str:
    """Return a path as WSGI carries it (PEP 3333)."""
    return path.decode("latin-1")


def _options(policy: Policy) -> dict[str, Any]:
    return {option: value for option, value in asdict(policy).items() if option in LABELS}


def _as_data(cors: CORSState, uncovered: list[str]) -> dict[str, Any]:
    return {
        "blueprints": [
            {
                "name": policy.blueprint,
                "prefix": prefix,
                **_options(policy),
                "variables": dict(policy.variables),
            }
            for prefix, policy in cors.policies
        ],
        "without_policy": uncovered,
        "warnings": [asdict(warning) for warning in cors.warnings],
    }


def _table(policy: Policy, columns: int) -> Iterator[str]:
    """Yield rows of label, value and variable, with long values on lines of their own."""
    decided = {option: policy.variables.get(option, "default") for option in LABELS}
    label_width = max(map(len, LABELS.values()))
    decided_width = max(map(len, decided.values()))
    width = max(20, columns - label_width - decided_width - len("  " * 3))
    for option, label in LABELS.items():
        lines = textwrap.wrap(
            _in_words(getattr(policy, option)) or ("nobody" if option == "origins" else "none"),
            width,
            break_long_words=False,
            break_on_hyphens=False,
        )
        first, *others = lines
        yield f"{label.ljust(label_width)}  {first.ljust(width)}  {decided[option]}"
        yield from (" " * (label_width + 2) + line for line in others)


def _in_words(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return ", ".join(value) if isinstance(value, tuple) else f"{value} s"
