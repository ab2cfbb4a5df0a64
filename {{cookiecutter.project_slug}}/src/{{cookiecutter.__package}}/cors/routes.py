"""The proof that the path of a request selects the policy of the blueprint that serves it."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import takewhile
from posixpath import commonpath, dirname

from flask import Blueprint, Flask
from werkzeug.routing import FloatConverter, IntegerConverter, Rule, UnicodeConverter, UUIDConverter

from .policy import Policy
from .problems import ConfigurationError, Problem

# Converters that match within one segment of a path, unless an application has put others there.
_WITHIN_A_SEGMENT = (FloatConverter, IntegerConverter, UnicodeConverter, UUIDConverter)
UNLISTED = "is registered, but not in BLUEPRINTS; add it there, or it has no policy of its own"
_VARIABLE = re.compile(r"<(?:(float|int|string|uuid):)?\w+>")

Policies = Mapping[str, tuple[str, Policy]]  # the prefix and the policy of each blueprint, by name


def check_routes(app: Flask, blueprints: Sequence[Blueprint], policies: Policies) -> list[Problem]:
    """Raise ConfigurationError where a path could select another policy than its blueprint's.

    Returns what is to be warned of: blueprints that were registered past the registry, and CORS
    headers that go out where no policy is.
    """
    problems = []
    for blueprint in blueprints:
        names = {name for name, known in app.blueprints.items() if known is blueprint}
        faults = [*_faults(blueprint.name, _rules_of(app, names), policies)]
        if faults and any("." in name for name in names):
            faults = [("nested", "has the policy of its parent; remove it from BLUEPRINTS")]
        subject = f"Blueprint {blueprint.name!r}"
        problems += [Problem(subject, code, wrong) for code, wrong in faults]
    if problems:
        raise ConfigurationError(problems)
    return [*_warnings(app, blueprints, policies)]


def unlisted_blueprints(app: Flask, blueprints: Sequence[Blueprint]) -> list[str]:
    """Return the names of those that are registered on the application itself, but not listed."""
    return [name for name, b in app.blueprints.items() if "." not in name and b not in blueprints]


def _rules_of(app: Flask, names: Iterable[str]) -> list[Rule]:
    # Those of blueprints nested in one, whose endpoints begin with its name, are its own.
    owned = tuple(f"{name}." for name in names)
    return [rule for rule in app.url_map.iter_rules() if rule.endpoint.startswith(owned)]


def _warnings(app: Flask, blueprints: Sequence[Blueprint], policies: Policies) -> Iterator[Problem]:
    package = app.import_name.partition(".")[0]
    prefixes = tuple(f"{prefix}/" for prefix, _ in policies.values())
    for name in unlisted_blueprints(app, blueprints):
        # Those of extensions may lie under the prefix, and so the policy, of another one.
        is_own = app.blueprints[name].import_name.partition(".")[0] == package
        rules = _rules_of(app, [name])
        if any(is_own or not f"{rule.rule}/".startswith(prefixes) for rule in rules):
            yield Problem(f"Blueprint {name!r}", "unlisted", UNLISTED)
    hooks = app.after_request_funcs.get(None, [])
    if any(hook.__module__.startswith("flask_cors") for hook in hooks):
        wrong = "is on the application: its headers go out on every route without a policy"
        yield Problem("flask_cors.CORS", "flask-cors", wrong + "; delete it")


def _faults(name: str, rules: Sequence[Rule], policies: Policies) -> Iterator[tuple[str, str]]:
    prefix, policy = policies[name]
    # Where its rules lie: under a prefix that was given at registration, if it is not its own.
    found = commonpath([dirname(rule.rule) for rule in rules] or ["/"])
    path = f"/api/{name}" if found == "/" or "<" in found else found
    write = f'write Blueprint("{name}", __name__, url_prefix="{path}"), and none at registration'
    if not prefix:
        yield "prefix-missing", f"has no url_prefix of its own; {write}"
    elif not prefix.startswith("/"):
        yield "prefix-slash", f"url_prefix {prefix!r} must begin with a slash"
    elif "<" in prefix:
        yield "prefix-variable", f"url_prefix {prefix!r} must not hold a variable"
    elif "//" in prefix:
        yield "prefix-slashes", f"url_prefix {prefix!r} must not hold two slashes in a row"
    elif "\ufffd" in prefix:  # what Werkzeug reads for each byte of a path that is not UTF-8
        yield "prefix-unreadable", f"url_prefix {prefix!r} must not hold '\ufffd'"
    others = {other: taken for other, (taken, its) in policies.items() if its != policy}
    equal = "so their CORS settings must be the same"
    for earlier in takewhile(lambda other: other != name, policies):
        if others.get(earlier) == prefix:
            yield "prefix-shared", f"shares url_prefix {prefix!r} with {earlier!r}, {equal}"
    outside = [rule for rule in rules if not f"{rule.rule}/".startswith(f"{prefix}/")]
    if found != "/" and outside == rules:
        yield "prefix-changed", f"url_prefix {prefix!r} was changed to {found!r}; {write}"
        return
    for rule in rules:
        where = f"rule {rule.rule!r}"
        if rule in outside:
            yield "rule-outside", f"{where} must lie under its url_prefix {prefix!r}"
            continue
        for other, taken in others.items():
            if taken.startswith(f"{prefix}/") and _reaches(rule, taken):
                words = f"{where} can match paths under {taken!r} of {other!r}, {equal}"
                yield "rule-reaches", words


def _reaches(rule: Rule, prefix: str) -> bool:
    # Whether a rule may match a prefix or a path under it, segment by segment. Where that cannot be
    # told simply, the answer is yes, and such a layout is refused.
    merges = rule.merge_slashes or rule.map.merge_slashes  # those of the rule, or those of a path
    path = re.sub("/{2,}", "/", rule.rule) if merges else rule.rule
    patterns, segments = path.split("/"), prefix.split("/")
    for pattern, segment in zip(patterns, segments, strict=False):
        variable = _VARIABLE.fullmatch(pattern)
        converter = rule.map.converters[variable[1] or "default"] if variable else None
        if "<" in pattern and converter not in _WITHIN_A_SEGMENT:
            return True
        if not re.fullmatch(converter.regex if converter else re.escape(pattern), segment):
            return False
    return len(patterns) >= len(segments)
