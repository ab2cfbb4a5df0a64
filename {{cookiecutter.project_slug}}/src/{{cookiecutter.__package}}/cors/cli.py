"""The commands `flask cors` and `flask cors check`: see the policies, and ask what a page sees."""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, NamedTuple

import click
from flask import current_app
from flask.cli import AppGroup, with_appcontext

from .browser import Blocked, Browser, send_to
from .diagnosis import examine
from .middleware import CORSMiddleware
from .policy import Policy
from .prefixes import PrefixMap, routed_path
from .problems import Problem
from .refusals import Refusal

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment


class CORS(NamedTuple):
    """What `init_app` keeps of an application: its policies by prefix, and the warnings."""

    prefixes: PrefixMap
    warnings: list[Problem]


@click.group("cors", cls=AppGroup, invoke_without_command=True)
@with_appcontext
@click.pass_context
def cors_commands(context: click.Context) -> None:
    """Show the CORS policy of each blueprint, and the variable that decided each option."""
    if context.invoked_subcommand is not None:
        return
    cors: CORS = current_app.extensions["cors"]
    for prefix, policy in cors.prefixes.policies.items():
        click.echo(f"{policy.blueprint}  {prefix}")
        for row in _rows(policy):
            click.echo(f"  {row}")
    for warning in cors.warnings:
        click.echo(f"Warning: {warning}")


@cors_commands.command("check")
@click.argument("origin")
@click.argument("method")
@click.argument("path")
@click.option("-H", "--header", "headers", multiple=True, help="A request header's name.")
@click.option("--credentials", is_flag=True, help="The page sends cookies.")
def check(origin: str, method: str, path: str, headers: tuple[str, ...], credentials: bool) -> None:
    """Tell whether a page of ORIGIN may send METHOD to PATH and read the answer.

    PATH is a path of this project; no view runs and no server is needed. Exits with 1 for a no.
    """
    problems = examine("ORIGIN", [origin])[1]
    if problems:
        raise click.UsageError(str(problems[0]))
    prefixes: PrefixMap = current_app.extensions["cors"].prefixes
    policy = prefixes.policy_for(routed_path(path))
    if policy is None:
        click.echo(f"No: {path} is under no blueprint of the registry, so no page may read it.")
        raise SystemExit(1)

    refusals: list[Refusal] = []
    middleware = CORSMiddleware(
        current_app, prefixes, lambda: None, wsgi_app=_answer_nothing, on_refusal=refusals.append
    )
    browser = Browser(send_to(middleware), base_url="http://api.example")
    names = dict.fromkeys(headers, "value")
    try:
        browser.fetch(path, origin=origin, method=method, headers=names, credentials=credentials)
    except Blocked as blocked:
        click.echo(f"No: {refusals[0] if refusals else blocked}.")
        raise SystemExit(1) from None
    click.echo(f"Yes: {policy.variable('origins')} lists {origin} for {policy.blueprint}.")


def _rows(policy: Policy) -> Iterator[str]:
    described: dict[str, Iterable[str]] = {
        "origins": policy.origins or ["nobody"],
        "supports_credentials": ["yes" if policy.supports_credentials else "no"],
        "methods": [", ".join(policy.methods)],
        "allow_headers": [", ".join(policy.allow_headers) or "none"],
        "expose_headers": [", ".join(policy.expose_headers) or "none"],
        "max_age": [f"{policy.max_age} s"],
        "enforce": ["yes" if policy.enforce else "no"],
    }
    for option, values in described.items():
        label, decided = option, policy.variables.get(option, "default")
        for value in values:
            yield f"{label:<22}{value:<40}  {decided}".rstrip()
            label = decided = ""


def _answer_nothing(environ: "WSGIEnvironment", start_response: "StartResponse") -> list[bytes]:
    start_response("200 OK", [])
    return []
