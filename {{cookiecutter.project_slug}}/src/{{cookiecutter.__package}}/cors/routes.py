"""The proof that the path of a request selects the policy of the blueprint that serves it."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import takewhile

from flask import Blueprint, Flask
from werkzeug.routing import FloatConverter, IntegerConverter, Rule, UnicodeConverter, UUIDConverter

from .policy import Policy
from .problems import ConfigurationError, Problem

# Converters that match within one segment of a path, unless an application has put others there.
_WITHIN_A_SEGMENT = (FloatConverter, IntegerConverter, UnicodeConverter, UUIDConverter)
_VARIABLE = re.compile(r"<(?:(float|int|string|uuid):)?\w+>")

Policies = Mapping[str, tuple[str, Policy]]  # the prefix and the policy of each blueprint, by name


def check_routes(app: Flask, blueprints: Sequence[Blueprint], policies: Policies) -> None:
    """Raise ConfigurationError where a path could select another policy than its blueprint's."""
    problems = []
    for blueprint in blueprints:
        names = {name for name, known in app.blueprints.items() if known is blueprint}
        # Those of blueprints nested in it, whose endpoints begin with its name, are its own.
        owned = tuple(f"{name}." for name in names)
        rules = [rule for rule in app.url_map.iter_rules() if rule.endpoint.startswith(owned)]
        faults = [*_faults(blueprint.name, rules, policies)]
        if faults and any("." in name for name in names):
            faults = [("nested", "has the policy of its parent; remove it from BLUEPRINTS")]
        subject = f"Blueprint {blueprint.name!r}"
        problems += [Problem(subject, code, wrong) for code, wrong in faults]
    if problems:
        raise ConfigurationError(problems)


def _faults(name: str, rules: Iterable[Rule], policies: Policies) -> Iterator[tuple[str, str]]:
    prefix, policy = policies[name]
    if not prefix:
        yield "prefix-missing", 'give it a path of its own: Blueprint(..., url_prefix="/api/...")'
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
    for rule in rules:
        where = f"rule {rule.rule!r}"
        if not f"{rule.rule}/".startswith(f"{prefix}/"):
            yield "rule-outside", f"{where} must lie under its url_prefix {prefix!r}"
            continue
        for other, taken in others.items():
            if taken.startswith(f"{prefix}/") and _reaches(rule, taken):
                words = f"{where} can match paths under {taken!r} of {other!r}, {equal}"
                yield "rule-reaches", words


def _reaches(rule: Rule, prefix: str) -> bool:
    # Whether a rule may match a prefix or a path under it, segment by segment. Where that cannot be
    # told simply, the answer is yes, and such a layout is refused.
    path = re.sub("/{2,}", "/", rule.rule) if rule.merge_slashes else rule.rule
    patterns, segments = path.split("/"), prefix.split("/")
    for pattern, segment in zip(patterns, segments, strict=False):
        if variable := _VARIABLE.fullmatch(pattern):
            converter = rule.map.converters[variable[1] or "default"]
            if converter not in _WITHIN_A_SEGMENT:
                return True
            if not re.fullmatch(converter.regex, segment):
                return False
        elif "<" in pattern:
            return True
        elif pattern != segment:
            return False
    return len(patterns) >= len(segments)
