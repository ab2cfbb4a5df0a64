"""Method and header names that a policy may list, as tables of rules.

The Fetch standard decides what a page can send and read at all:
https://fetch.spec.whatwg.org/#methods and https://fetch.spec.whatwg.org/#headers-class.
"""

import re
from collections.abc import Callable
from typing import NamedTuple

# Of the characters that RFC 9110 (section 5.6.2) allows, those that names are made of: others come
# from quotes, separators and placeholders.
_is_name = re.compile(r"[0-9A-Za-z._-]+").fullmatch
_SEPARATOR = re.compile(r"[\s;|]+")
_WORDS = frozenset("all any false nil none null true undefined".split())


class Rule(NamedTuple):
    """A stable word for the rule, whether a name breaks it, what is wrong, what to write."""

    code: str
    breaks: Callable[[str], object]
    wrong: str
    write: Callable[[str], str | None] = lambda name: None


class Vocabulary(NamedTuple):
    """Names of one kind: the rules that refuse a name, and those that only warn of it."""

    refusals: tuple[Rule, ...]
    warnings: tuple[Rule, ...]

    def judge(self, name: str) -> tuple[Rule | None, Rule | None]:
        """Return the first rule that refuses a name and the first that warns of it."""
        refusal = next((rule for rule in self.refusals if rule.breaks(name)), None)
        warning = next((rule for rule in self.warnings if rule.breaks(name)), None)
        return refusal, warning


def _one_of(names: str) -> Callable[[str], object]:
    listed = frozenset(names.lower().split())
    return lambda name: name.lower() in listed


def _separated(name: str) -> str | None:
    """Return names that something else than commas separates, with commas, or None."""
    names = _SEPARATOR.split(name)
    return ", ".join(names) if all(map(_is_name, names)) else None


_SPELLING = (
    Rule("name-empty", lambda name: not name, "nothing stands between two commas; delete one"),
    Rule(
        "separator",
        lambda name: _SEPARATOR.search(name),
        "names hold no blanks, and commas separate them",
        _separated,
    ),
    Rule("name-any", lambda name: name == "*", "* is not taken here; list the names"),
    Rule(
        "name-pattern",
        lambda name: set("*$^").intersection(name),
        "a pattern is not taken here; list the names",
    ),
    Rule("name-malformed", lambda name: not _is_name(name), "not a valid HTTP name"),
    Rule("name-word", lambda name: name.lower() in _WORDS, "a word, not a name; list the names"),
)

_FORBIDDEN_PREFIXES = ("access-control-", "proxy-", "sec-")
_is_forbidden = _one_of(
    "Accept-Charset Accept-Encoding Connection Content-Length Cookie Cookie2 Date DNT Expect Host "
    "Keep-Alive Origin Referer Set-Cookie TE Trailer Transfer-Encoding Upgrade Via"
)

METHODS = Vocabulary(
    refusals=(
        *_SPELLING,
        Rule("method-forbidden", _one_of("CONNECT TRACE TRACK"), "no page can send this method"),
        Rule("method-case", lambda name: name != name.upper(), "methods are upper case", str.upper),
    ),
    warnings=(
        Rule(
            "method-options",
            _one_of("OPTIONS"),
            "needed only where a page sends OPTIONS itself, not for preflights",
        ),
    ),
)
REQUEST_HEADERS = Vocabulary(
    refusals=(
        *_SPELLING,
        Rule(
            "header-forbidden",
            lambda name: name.lower().startswith(_FORBIDDEN_PREFIXES) or _is_forbidden(name),
            "no page sets this header; delete it",
        ),
    ),
    warnings=(
        Rule(
            "header-safelisted",
            _one_of("Accept Accept-Language Content-Language"),
            "every page may send it; delete it",
        ),
    ),
)
RESPONSE_HEADERS = Vocabulary(
    refusals=(
        *_SPELLING,
        Rule(
            "header-unreadable",
            _one_of("Set-Cookie Set-Cookie2"),
            "no page can read this header; delete it",
        ),
    ),
    warnings=(
        Rule(
            "header-safelisted",
            _one_of(
                "Cache-Control Content-Language Content-Length Content-Type Expires "
                "Last-Modified Pragma"
            ),
            "every page may read it; delete it",
        ),
    ),
)
