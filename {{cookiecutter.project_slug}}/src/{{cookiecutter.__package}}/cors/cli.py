"""The commands `flask cors` and `flask cors check`: see the policies, and ask what a page sees."""

import json
import os
import re
import shutil
import textwrap
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from typing import Any, NamedTuple

import click
from flask import Flask, current_app
from flask.cli import AppGroup, with_appcontext

from .browser import Send
from .check import (
    Unreachable,
    Visit,
    remedy,
    remedy_for_credentials,
    send_over_http,
    send_to_policies,
    visit,
)
from .diagnosis import examine
from .names import METHODS, REQUEST_HEADERS, Vocabulary
from .policy import Policy
from .prefixes import PrefixMap, routed_path
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


class CORS(NamedTuple):
    """What `init_app` keeps of an application: its policies by prefix, and the warnings."""

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
    cors: CORS = current_app.extensions["cors"]
    uncovered = _rules_without_policy(current_app, cors.prefixes)
    if as_json:
        echo(json.dumps(_as_data(cors, uncovered), indent=2))
        return
    for prefix, policy in cors.prefixes.policies.items():
        echo(f"{click.style(policy.blueprint, bold=True)}  {prefix}")
        for line in _table(policy, shutil.get_terminal_size().columns):
            echo(f"  {line}")
    if uncovered:
        echo(f"No policy, so no page of another origin reads them: {', '.join(uncovered)}")
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
    _refuse_nonsense(origin, method, url, headers)
    names = dict.fromkeys(headers, "x")
    refusals: list[Refusal] = []
    send: Send = send_over_http
    policy = None
    if not url.startswith(("http://", "https://")):
        prefixes: PrefixMap = current_app.extensions["cors"].prefixes
        policy = prefixes.policy_for(routed_path(url))
        if policy is None:
            echo(f"No: {url} is under no blueprint of BLUEPRINTS, so no page reads it.")
            raise SystemExit(1)
        send = send_to_policies(current_app, prefixes, refusals)
    try:
        seen = visit(
            send,
            url,
            origin=origin,
            method=method,
            headers=names,
            credentials=credentials,
            refusals=refusals,
        )
    except Unreachable as unreachable:
        echo(f"No: {unreachable}.")
        raise SystemExit(1) from None
    _print_visit(seen, policy, origin, credentials)
    raise SystemExit(1 if seen.blocked else 0)


def echo(text: str) -> None:
    """Print a line, in colour on a terminal unless NO_COLOR is set (https://no-color.org)."""
    click.echo(text, color=False if os.environ.get("NO_COLOR") else None)


def _refuse_nonsense(origin: str, method: str, url: str, headers: Iterable[str]) -> None:
    """Say of wrong arguments what is said of wrong settings."""
    problems = examine("ORIGIN", [origin])[1] if origin != "null" else []
    if "*" in origin and not problems:
        wrong = "not one origin; write one that a page has"
        problems.append(Problem("ORIGIN", "any", wrong, entry=origin))
    problems += _problems("METHOD", [method], METHODS) + _problems("-H", headers, REQUEST_HEADERS)
    if not re.match(r"/|https?://[^/?#]", url):
        wrong = "neither a path of this project, which begins with /, nor an http(s):// address"
        problems.append(Problem("URL", "url", wrong, entry=url))
    if problems:
        raise click.UsageError("\n".join(map(str, problems)))


def _problems(argument: str, names: Iterable[str], vocabulary: Vocabulary) -> list[Problem]:
    return [
        Problem(argument, refused.code, refused.wrong, refused.write(name), name)
        for name in names
        if (refused := vocabulary.judge(name)[0])
    ]


def _print_visit(seen: Visit, policy: Policy | None, origin: str, credentials: bool) -> None:
    for fine, step in seen.steps():
        echo(f"{click.style('✓', fg='green') if fine else click.style('✗', fg='red')} {step}")
    if not seen.blocked:
        echo("Yes.")
        return
    why: object = seen.blocked
    lines: list[str] = []
    if seen.refusals:
        why = seen.refusals[0]
        lines = [remedy(seen.refusals[0])]
    elif policy and credentials:
        lines, problems = remedy_for_credentials(policy, origin)
        why = problems[0] if problems else f"{policy.blueprint} takes no cookies of pages"
    echo(f"No: {why}" + (". To allow it, write into .env:" if lines else ""))
    for line in lines:
        echo(f"  {line}")


def _rules_without_policy(app: Flask, prefixes: PrefixMap) -> list[str]:
    rules = {rule.rule for rule in app.url_map.iter_rules()}
    return sorted(rule for rule in rules if prefixes.policy_for(rule) is None)


def _options(policy: Policy) -> dict[str, Any]:
    return {option: value for option, value in asdict(policy).items() if option in LABELS}


def _as_data(cors: CORS, uncovered: list[str]) -> dict[str, Any]:
    return {
        "blueprints": [
            {
                "name": policy.blueprint,
                "prefix": prefix,
                **_options(policy),
                "variables": dict(policy.variables),
            }
            for prefix, policy in cors.prefixes.policies.items()
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
