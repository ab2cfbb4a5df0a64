"""How the value of each option is read: a text from the environment, or a value from Python.

Every reader takes the variable's name, its value and the findings to add to. It returns the value
of the option, or None where the variable counts as unset.
"""

import re
from collections.abc import Callable
from typing import Any

from .diagnosis import examine, split
from .names import METHODS, REQUEST_HEADERS, RESPONSE_HEADERS, Vocabulary
from .origins import Allowlist
from .problems import Findings, Problem

LONGEST_MAX_AGE = 86_400
LONGEST_MAX_AGE_OF_CHROMIUM = 7_200
LISTS = (list, tuple, set, frozenset)
BOOLEANS = {
    **dict.fromkeys(["true", "1", "yes", "on"], True),
    **dict.fromkeys(["false", "0", "no", "off"], False),
}


def read_origins(variable: str, value: Any, found: Findings) -> tuple[str, ...] | None:
    """Read an allowlist. An empty value is one: nobody."""
    if _entries(variable, value, found) is None:
        return None
    entries, problems = examine(variable, value)
    found.problems += problems
    wildcards = Allowlist(entry for entry in entries if "://*." in entry)
    entries = _without_duplicates(variable, entries, found)
    for entry in entries:
        if wildcards.covers(entry.replace("*.", "", 1)):
            wrong = "a wider entry allows it already; delete it"
            found.warnings.append(Problem(variable, "redundant", wrong, entry=entry))
    return tuple(entries)


def read_methods(variable: str, value: Any, found: Findings) -> tuple[str, ...] | None:
    """Read the methods. An empty text counts as unset; a list must name one at least."""
    if isinstance(value, str) and not value.strip():
        return None
    written = _entries(variable, value, found)
    if written == []:
        wrong = "at least one method is needed"
        found.problems.append(Problem(variable, "methods-none", wrong))
    return _names_of(METHODS, variable, written, found) or None


def read_allow_headers(variable: str, value: Any, found: Findings) -> tuple[str, ...] | None:
    """Read the names of request headers. An empty value is a list of none."""
    return _names_of(REQUEST_HEADERS, variable, _entries(variable, value, found), found)


def read_expose_headers(variable: str, value: Any, found: Findings) -> tuple[str, ...] | None:
    """Read the names of response headers. An empty value is a list of none."""
    return _names_of(RESPONSE_HEADERS, variable, _entries(variable, value, found), found)


def read_boolean(variable: str, value: Any, found: Findings) -> bool | None:
    """Read true/false, 1/0, yes/no or on/off in any letter case; an empty text counts as unset."""
    text = str(value).strip().lower()
    if text not in BOOLEANS and text != "":
        wrong = "neither true nor false; write one of them"
        found.problems.append(Problem(variable, "boolean", wrong, entry=str(value)))
    return BOOLEANS.get(text)


def read_max_age(variable: str, value: Any, found: Findings) -> int | None:
    """Read a number of whole seconds; an empty text counts as unset."""
    text = str(value).strip()
    if text == "":
        return None
    if not re.fullmatch("[0-9]+", text):
        wrong = f"not a number of seconds; write a whole one from 0 to {LONGEST_MAX_AGE}"
        found.problems.append(Problem(variable, "max-age", wrong, entry=text))
        return None
    seconds = int(text.lstrip("0")[:10] or "0")
    if seconds > LONGEST_MAX_AGE:
        wrong, write = "more than a day", str(LONGEST_MAX_AGE)
        found.problems.append(Problem(variable, "max-age-range", wrong, write, entry=text))
    elif seconds > LONGEST_MAX_AGE_OF_CHROMIUM:
        wrong = f"Chromium remembers a preflight for {LONGEST_MAX_AGE_OF_CHROMIUM} seconds at most"
        found.warnings.append(Problem(variable, "max-age-long", wrong, entry=text))
    return seconds


READERS: dict[str, Callable[[str, Any, Findings], Any]] = {
    "ORIGINS": read_origins,
    "METHODS": read_methods,
    "ALLOW_HEADERS": read_allow_headers,
    "EXPOSE_HEADERS": read_expose_headers,
    "SUPPORTS_CREDENTIALS": read_boolean,
    "MAX_AGE": read_max_age,
    "ENFORCE": read_boolean,
}


def _entries(variable: str, value: Any, found: Findings) -> list[str] | None:
    """Return the entries of a text or a list, trimmed; anything else is a problem."""
    if isinstance(value, str):
        return split(value)
    if isinstance(value, LISTS) and all(isinstance(entry, str) for entry in value):
        return [entry.strip() for entry in value]
    wrong = "neither a comma-separated text nor a list of texts"
    found.problems.append(Problem(variable, "type", wrong, entry=str(value)))
    return None


def _names_of(
    vocabulary: Vocabulary, variable: str, written: list[str] | None, found: Findings
) -> tuple[str, ...] | None:
    if written is None:
        return None
    accepted = []
    for position, name in enumerate(written, start=1):
        refused, warned = vocabulary.judge(name)
        if refused:
            write = refused.write(name)
            found.problems.append(
                Problem(variable, refused.code, refused.wrong, write, name, position)
            )
            continue
        if warned:
            found.warnings.append(
                Problem(variable, warned.code, warned.wrong, None, name, position)
            )
        accepted.append(name)
    return tuple(_without_duplicates(variable, accepted, found))


def _without_duplicates(variable: str, entries: list[str], found: Findings) -> list[str]:
    kept: dict[str, str] = {}
    for entry in entries:
        if kept.setdefault(entry.lower(), entry) is not entry:
            wrong = "it is listed twice; delete one"
            found.warnings.append(Problem(variable, "duplicate", wrong, entry=entry))
    return list(kept.values())
