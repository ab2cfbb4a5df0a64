"""`CORS_*` variables become one `Policy` for each blueprint; every problem is reported at once.

`CORS_<OPTION>` is shared and `CORS_<OPTION>_<BLUEPRINT>` replaces it for one blueprint. Each option
is resolved on its own: the blueprint's variable, then the shared one, then the default of `Policy`.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from difflib import get_close_matches
from ipaddress import ip_address
from typing import Any, NamedTuple

import click

from .options import READERS
from .origins import ANY, is_ip, parse
from .policy import Policy, variable_name
from .problems import Findings, Problem

PREFIX = "CORS_"
PROBLEMS_PRINTED = 20

_SHARED = [variable_name(option) for option in READERS]
# What Kubernetes sets in every container for services whose names begin with `cors`.
_KUBERNETES = re.compile(
    r"CORS_(\w+_)?(SERVICE_HOST|SERVICE_PORT\w*|PORT|PORT_[0-9]+_\w+)"
    r"=((tcp|udp|sctp)(://.*)?|[0-9a-f.:]+)"
)


class ConfigurationError(ValueError, click.ClickException):
    """The configuration cannot work: `problems` holds every reason as data.

    The message begins with the `subject` and has a line for each problem. `flask run`,
    `flask routes` and `flask cors` print it without a traceback and exit with 1, as for every
    `click.ClickException`.
    """

    def __init__(self, problems: Sequence[Problem], subject: str = "CORS configuration") -> None:
        self.problems = tuple(problems)
        count = len(self.problems)
        lines = [f"{subject} has {count} problem{'s' if count > 1 else ''}:"]
        lines += [f"  {problem}" for problem in self.problems[:PROBLEMS_PRINTED]]
        if count > PROBLEMS_PRINTED:
            lines.append(f"  and {count - PROBLEMS_PRINTED} more")
        click.ClickException.__init__(self, "\n".join(lines))


class Settings(NamedTuple):
    """The policy of each blueprint by its name, and what is worth a warning but no refusal."""

    policies: dict[str, Policy]
    warnings: list[Problem]


def read_settings(blueprints: Sequence[str], variables: Mapping[str, Any]) -> Settings:
    """Return the settings of the blueprints of these names.

    `variables` are the process environment with the values given to `create_app` laid over it;
    other names than ``CORS_*`` are passed over. Raises ConfigurationError with every problem.
    """
    found = Findings()
    known = {
        variable_name(option, blueprint): option
        for blueprint in [None, *blueprints]
        for option in READERS
    }
    _check_suffixes(blueprints, found)
    _check_names(blueprints, variables, known, found)
    values = {
        name: READERS[option](name, variables[name], found)
        for name, option in known.items()
        if name in variables
    }
    resolved = {name: _resolve(name, values) for name in blueprints}
    for options, deciding in resolved.values():
        _check_credentials(options, deciding, found)
    if found.problems:
        raise ConfigurationError(_once_each(found.problems))
    policies = {
        name: Policy(name, deciding, **options) for name, (options, deciding) in resolved.items()
    }
    return Settings(policies, _once_each(found.warnings))


def _resolve(blueprint: str, values: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
    """Return the options of a blueprint that are set, and the variable that decided each."""
    options, deciding = {}, {}
    for option in READERS:
        for name in (variable_name(option, blueprint), variable_name(option)):
            if values.get(name) is not None:
                options[option.lower()], deciding[option.lower()] = values[name], name
                break
    return options, deciding


def _once_each(problems: list[Problem]) -> list[Problem]:
    return list(dict.fromkeys(problems))


def _check_suffixes(blueprints: Sequence[str], found: Findings) -> None:
    owners: dict[str, str] = {}
    for name in blueprints:
        variable = variable_name("ORIGINS", name)
        owner = owners.setdefault(variable, name)
        if owner != name:
            wrong = f"belongs to two blueprints, {owner!r} and {name!r}; rename one"
            found.problems.append(Problem(variable, "suffix-clash", wrong))


def _check_names(
    blueprints: Sequence[str],
    variables: Mapping[str, Any],
    known: Mapping[str, str],
    found: Findings,
) -> None:
    for name, value in variables.items():
        bare = name.upper().removeprefix("FLASK_")
        if not bare.startswith(PREFIX) or name in known or _KUBERNETES.fullmatch(f"{name}={value}"):
            continue
        wrong = "is not a setting"
        if name.startswith("FLASK_"):
            wrong = "CORS settings have no FLASK_ in front"
        elif any(bare.startswith(f"{shared}_") for shared in _SHARED):
            wrong = f"names no blueprint ({', '.join(sorted(blueprints))})"
        near = _nearest(bare, blueprints)
        wrong += f"; did you mean {near}?" if near else "; delete it"
        found.problems.append(Problem(name, "unknown", wrong))


def _nearest(name: str, blueprints: Sequence[str]) -> str | None:
    """Return the name that was probably meant; never the shared one for that of a blueprint."""
    endings = [variable_name("", blueprint).removeprefix(PREFIX) for blueprint in blueprints]
    for shared in _SHARED:
        if name.startswith(f"{shared}_"):
            near = get_close_matches(name.removeprefix(shared), endings, n=1, cutoff=0.75)
            return shared + near[0] if near else None
    ending = next((ending for ending in endings if f"{ending}_" in f"{name}_"), "")
    option = name.replace(ending, "", 1).removeprefix(PREFIX)
    near = get_close_matches(option, READERS, n=1, cutoff=0.63)
    return variable_name(near[0]) + ending if near else None


def _check_credentials(
    options: Mapping[str, Any], deciding: Mapping[str, str], found: Findings
) -> None:
    """Refuse what would hand a user's cookies to strangers, on the way or at the other end."""
    if not options.get("supports_credentials"):
        return
    variable, credentials = deciding.get("origins", ""), deciding["supports_credentials"]
    for entry in options.get("origins", ()):
        if entry == ANY:
            wrong = f"* cannot go together with {credentials}; list the origins"
            found.problems.append(Problem(variable, "any-with-credentials", wrong, entry=entry))
        elif entry.startswith("http://") and (origin := parse(entry)):
            wrong = f"over http:// anyone on the way can use what {credentials} lets a page send"
            problem = Problem(variable, "http-with-credentials", wrong, entry=entry)
            if _is_private(origin.host):
                found.warnings.append(problem)
            elif not _is_loopback(origin.host):
                found.problems.append(replace(problem, wrong=f"{wrong}; write https://"))


def _is_loopback(host: str) -> bool:
    if is_ip(host):
        return ip_address(host.strip("[]")).is_loopback
    return host == "localhost" or host.endswith(".localhost")


def _is_private(host: str) -> bool:
    if is_ip(host):
        return ip_address(host.strip("[]")).is_private and not _is_loopback(host)
    return host.rpartition(".")[2] in {"test", "local", "internal"}
