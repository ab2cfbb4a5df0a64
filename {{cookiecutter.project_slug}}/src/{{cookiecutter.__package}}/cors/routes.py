"""The proof that the path of a request selects the policy of the blueprint that serves it."""

import re
from collections.abc import Iterator, Mapping, Sequence

from flask import Blueprint, Flask
from werkzeug.routing import (
    AnyConverter,
    FloatConverter,
    IntegerConverter,
    Rule,
    UnicodeConverter,
    UUIDConverter,
)
from werkzeug.routing.rules import parse_converter_args

from .policy import Policy
from .problems import Problem
from .settings import ConfigurationError

# Converters that match within one segment. A path reaches everything below it, and so may the
# converters of an application's own.
_WITHIN_A_SEGMENT = frozenset(
    {AnyConverter, FloatConverter, IntegerConverter, UnicodeConverter, UUIDConverter}
)
# What Werkzeug reads in place of every byte of a path that is not UTF-8.
_UNREADABLE = "\N{REPLACEMENT CHARACTER}"
_VARIABLE = re.compile(r"<(?:(?P<converter>\w+)(?:\((?P<arguments>[^<>]*)\))?:)?(?P<name>\w+)>")


def prefix_of(blueprint: Blueprint) -> str:
    """Return the `url_prefix` of a blueprint without a slash at its end; empty if it has none."""
    return (blueprint.url_prefix or "").rstrip("/")


def check_routes(
    app: Flask, blueprints: Sequence[Blueprint], policies: Mapping[str, Policy]
) -> None:
    """Raise ConfigurationError where a path could select another policy than its blueprint's.

    Routes of the application itself and of blueprints that are not in `blueprints` may lie
    anywhere: they are put under the policy of their path.
    """
    problems = []
    for blueprint in blueprints:
        faults = [
            *_faults_of_prefix(prefix_of(blueprint)),
            *_clashes(blueprint, blueprints, policies),
            *_strays(app, blueprint, blueprints, policies),
        ]
        if faults and _is_nested(app, blueprint):
            faults = [("nested", "has the policy of its parent; remove it from BLUEPRINTS")]
        subject = f"Blueprint {blueprint.name!r}"
        problems += [Problem(subject, code, wrong) for code, wrong in faults]
    if problems:
        raise ConfigurationError(problems)


def _faults_of_prefix(prefix: str) -> Iterator[tuple[str, str]]:
    if not prefix:
        yield "prefix-missing", 'give it a path of its own: Blueprint(..., url_prefix="/api/...")'
    elif not prefix.startswith("/"):
        yield "prefix-slash", f"url_prefix {prefix!r} must begin with a slash"
    elif "<" in prefix:
        yield "prefix-variable", f"url_prefix {prefix!r} must not hold a variable"
    elif "//" in prefix:
        yield "prefix-slashes", f"url_prefix {prefix!r} must not hold two slashes in a row"
    elif _UNREADABLE in prefix:
        yield "prefix-unreadable", f"url_prefix {prefix!r} must not hold {_UNREADABLE!r}"


def _clashes(
    blueprint: Blueprint, blueprints: Sequence[Blueprint], policies: Mapping[str, Policy]
) -> Iterator[tuple[str, str]]:
    for other in blueprints[: blueprints.index(blueprint)]:
        if prefix_of(other) == prefix_of(blueprint) and _differ(blueprint, other, policies):
            yield (
                "prefix-shared",
                f"shares url_prefix {prefix_of(other)!r} with {other.name!r}, so their CORS "
                "settings must be the same",
            )


def _strays(
    app: Flask,
    blueprint: Blueprint,
    blueprints: Sequence[Blueprint],
    policies: Mapping[str, Policy],
) -> Iterator[tuple[str, str]]:
    prefix = prefix_of(blueprint)
    inside = [
        other
        for other in blueprints
        if prefix_of(other).startswith(f"{prefix}/") and _differ(blueprint, other, policies)
    ]
    for rule in _rules_of(app, blueprint):
        if rule.rule != prefix and not rule.rule.startswith(f"{prefix}/"):
            yield "rule-outside", f"rule {rule.rule!r} must lie under its url_prefix {prefix!r}"
            continue
        for other in inside:
            if _reaches(rule, prefix_of(other)):
                yield (
                    "rule-reaches",
                    f"rule {rule.rule!r} can match paths under {prefix_of(other)!r} of "
                    f"{other.name!r}, so their CORS settings must be the same",
                )


def _differ(blueprint: Blueprint, other: Blueprint, policies: Mapping[str, Policy]) -> bool:
    return policies[blueprint.name] != policies[other.name]


def _registered_names(app: Flask, blueprint: Blueprint) -> set[str]:
    return {name for name, registered in app.blueprints.items() if registered is blueprint}


def _is_nested(app: Flask, blueprint: Blueprint) -> bool:
    return any("." in name for name in _registered_names(app, blueprint))


def _rules_of(app: Flask, blueprint: Blueprint) -> Iterator[Rule]:
    """Yield the rules of a blueprint and of those nested in it, whatever it was registered as."""
    names = _registered_names(app, blueprint)
    for rule in app.url_map.iter_rules():
        parts = rule.endpoint.split(".")
        if not names.isdisjoint(".".join(parts[:end]) for end in range(1, len(parts))):
            yield rule


def _reaches(rule: Rule, prefix: str) -> bool:
    """Tell whether a rule can match a prefix or a path under it, segment by segment."""
    text = re.sub("/{2,}", "/", rule.rule) if rule.merge_slashes else rule.rule
    patterns = text.split("/")
    segments = prefix.split("/")
    for pattern, segment in zip(patterns, segments, strict=False):
        matcher = _segment_matcher(rule, pattern)
        if matcher is None:
            return True
        if not re.fullmatch(matcher, segment):
            return False
    return len(patterns) >= len(segments)


def _segment_matcher(rule: Rule, pattern: str) -> str | None:
    """Return the regular expression of one segment of a rule, or None if it can match slashes."""
    matcher, end = "", 0
    for variable in _VARIABLE.finditer(pattern):
        arguments = parse_converter_args(variable["arguments"] or "")
        converter = rule.get_converter(
            variable["name"], variable["converter"] or "default", *arguments
        )
        before, end = pattern[end : variable.start()], variable.end()
        if type(converter) not in _WITHIN_A_SEGMENT or "<" in before:
            return None
        matcher += f"{re.escape(before)}(?:{converter.regex})"
    return None if "<" in pattern[end:] else matcher + re.escape(pattern[end:])
