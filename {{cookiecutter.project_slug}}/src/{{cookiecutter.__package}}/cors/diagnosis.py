"""The words for what the grammar of `origins` refuses: what is wrong, and what to write instead.

Nothing here decides: an entry is refused because `origins.parse` refuses it, and a corrected value
is offered only where `origins.parse` accepts it. Standard library only, like `origins`.
"""

import re
from collections.abc import Callable, Iterable
from ipaddress import AddressValueError, IPv6Address
from typing import NamedTuple

from . import origins
from .problems import Problem


def examine(variable: str, value: str | Iterable[str]) -> tuple[list[str], list[Problem]]:
    """Read an allowlist: a text with commas between its entries, or the entries themselves.

    Returns the entries that the grammar accepts, in order, and a problem for each other one, and
    for a ``*`` that does not stand alone.
    """
    if isinstance(value, str):
        as_list = _written_as_list(variable, value)
        if as_list:
            return [], [as_list]
        value = split(value)
    written = [entry.strip() for entry in value]
    accepted, problems = [], []
    for position, entry in enumerate(written, start=1):
        if entry == origins.ANY:
            if len(written) > 1:
                problems.append(_problem(variable, position, entry, "any-and-others", _ANY_BESIDE))
            accepted.append(entry)
        elif origins.parse(entry):
            accepted.append(entry)
        else:
            problems.append(diagnose(variable, position, entry))
    return accepted, problems


def split(text: str) -> list[str]:
    """Return what stands between the commas, trimmed; one comma at the end is not an entry."""
    entries = [entry.strip() for entry in text.split(",")]
    if entries[-1] == "":
        entries.pop()
    return entries


def diagnose(variable: str, position: int, entry: str) -> Problem:
    """Return the problem of one entry that `origins.parse` refuses: the first rule it breaks."""
    parts = _take_apart(entry)
    rule = next(rule for rule in _RULES if rule.applies(parts))
    return _problem(variable, position, entry, rule.code, rule.wrong, _corrected(entry))


def _problem(
    variable: str, position: int, entry: str, code: str, wrong: str, write: str | None = None
) -> Problem:
    return Problem(variable, code, wrong, write, entry, position)


class _Parts(NamedTuple):
    """An entry taken apart without judging it; `colon` tells an empty port from none."""

    text: str
    scheme: str
    slashes: str
    user: str
    wildcard: str
    host: str
    colon: str
    port: str
    rest: str


class _Rule(NamedTuple):
    code: str
    applies: Callable[[_Parts], object]
    wrong: str


_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):([/\\]*)")
_KNOWN_SCHEMES = origins.SCHEMES_WITHOUT_PAGES.union(origins.DEFAULT_PORTS)
_QUOTES = "'\"`\u2018\u2019\u201c\u201d\u00ab\u00bb"
_SEPARATOR = r"\\n|[\s;|，、；]"  # noqa: RUF001 - commas of other scripts
_ALTERNATIVES = r"\([^()\s]*\|"
_REGULAR_EXPRESSION = (
    r"//\.\*|^\.\*|\.\+|[\^$(){}]|s\?:"
    r"|(?<!:)(?<!:\\)\\[.dwsb/]"  # but for the slashes of https:\docs.example.com
    r"|(?<!//)(?<!^)(?<!\*\.)\[|\[[^\[\]:]*-"  # but for the bracket of an IPv6 address
)
_COMMENT = r"(?:^|\s)(?:#|//\s)"
_WORDS = frozenset(
    "all any everybody everyone false nil no nobody none off on true undefined yes".split()
)
_LIST = "a list is not written in JSON or Python but with commas alone"
_ANY_BESIDE = "* allows every origin and stands alone; delete it or the other entries"


def _take_apart(text: str) -> _Parts:
    match = _SCHEME.match(text)
    scheme, slashes = match.groups() if match else ("", "")
    if not slashes and scheme.lower() not in _KNOWN_SCHEMES:
        scheme = ""  # what stands before the colon of `localhost:3000` is a host
    remainder = text[match.end() :] if match and scheme else text
    authority = re.split(r"[/\\?#]", remainder, maxsplit=1)[0]
    user, at, address = authority.rpartition("@")
    bracketed, bracket, address = address.rpartition("]")
    host, colon, port = address.partition(":")
    host = bracketed + bracket + host
    return _Parts(
        text=text,
        scheme=scheme,
        slashes=slashes,
        user=user + at,
        wildcard="*." if host.startswith("*.") else "",
        host=host.removeprefix("*."),
        colon=colon,
        port=port,
        rest=remainder[len(authority) :],
    )


def _matches(pattern: str) -> Callable[[_Parts], object]:
    search = re.compile(pattern).search
    return lambda parts: search(parts.text)


def _is_port(text: str) -> bool:
    return text.isascii() and text.isdigit()


def _is_number(parts: _Parts, low: int, high: int) -> bool:
    return _is_port(parts.port) and low <= int(parts.port[:9]) <= high


def _is_mapped(parts: _Parts) -> bool:
    try:
        return IPv6Address(parts.host.strip("[]")).ipv4_mapped is not None
    except AddressValueError:
        return False


def _name(parts: _Parts) -> str:
    return parts.host.lower().removesuffix(".")


def _labels(parts: _Parts) -> list[str]:
    return parts.host.split(".")


# The first rule that applies gives the words, so the order matters: how the list is spelled, then
# `*`, then the origin from left to right. The last one applies to everything.
_RULES = (
    # How the list is spelled
    _Rule("empty", lambda p: not p.text, "nothing stands between two commas; delete one"),
    _Rule(
        "variable",
        _matches("^[A-Z_]+="),
        "the name of a variable stands in its value; delete it",
    ),
    _Rule(
        "placeholder",
        _matches(r"\$\{|\$\(|\$[A-Za-z_]|\{\{|\{%|\{\w+\}|%[A-Za-z_]+%|%\("),
        "a placeholder that nothing has filled in; write the origin itself",
    ),
    _Rule(
        "invisible",
        lambda p: not p.text.isprintable(),
        "it holds a character that cannot be seen",
    ),
    _Rule(
        "null",
        lambda p: p.text.lower() == "null",
        "any sandboxed or local page sends null, so it would allow everyone",
    ),
    _Rule(
        "word",
        lambda p: p.text.lower() in _WORDS,
        "a word, not an origin; write * for everyone, or nothing for nobody",
    ),
    _Rule(
        "scheme-without-pages",
        lambda p: p.scheme in origins.SCHEMES_WITHOUT_PAGES,
        "no page has an origin of this scheme; write the https:// or http:// origin of the page",
    ),
    _Rule(
        "list",
        _matches(r"""^[\[({]\s*['"]|['"]\s*[\])}]$"""),
        _LIST,
    ),
    _Rule("quotes", lambda p: set(_QUOTES) & set(p.text), "quotes are not part of an origin"),
    _Rule("brackets", _matches(r"[<>]"), "angle brackets are not part of an origin"),
    _Rule("comment", _matches(_COMMENT), "a comment needs a line of its own"),
    _Rule(
        "separator",
        lambda p: re.search(_SEPARATOR, p.text) and not re.search(_ALTERNATIVES, p.text),
        "entries hold no blanks, and commas separate them",
    ),
    _Rule(
        "regex",
        _matches(_REGULAR_EXPRESSION),
        "a regular expression; write each origin, or https://*.example.com for all its subdomains",
    ),
    # `*`
    _Rule(
        "wildcard-port",
        lambda p: "*" in p.port,
        "* cannot stand for a port; write one entry for each port",
    ),
    _Rule(
        "wildcard-scheme",
        lambda p: p.wildcard and p.scheme.lower() not in origins.DEFAULT_PORTS,
        "* needs http:// or https:// in front",
    ),
    _Rule(
        "wildcard-place",
        lambda p: "*" in p.host,
        "* stands alone, or for the whole first label as in https://*.example.com",
    ),
    _Rule(
        "wildcard-ip",
        lambda p: p.wildcard and origins.is_ip(p.host),
        "* cannot stand before an IP address; write the whole address",
    ),
    _Rule(
        "wildcard-suffix",
        lambda p: p.wildcard and _name(p) in origins.SHARED_SUFFIXES,
        "* here would allow everyone who has a name there; write the name in full",
    ),
    _Rule(
        "wildcard-single-label",
        lambda p: p.wildcard and "." not in _name(p) and _name(p) not in origins.LOCAL_NAMES,
        "* needs two labels behind it, as in https://*.example.com",
    ),
    # From left to right
    _Rule(
        "non-ascii",
        lambda p: not p.text.isascii(),
        "browsers send such a name in punycode (xn--...); "
        "write what location.origin shows on that page",
    ),
    _Rule(
        "percent",
        lambda p: "[" not in p.text and re.search("%[0-9A-Fa-f]{2}", p.text),
        "an origin is not percent-encoded",
    ),
    _Rule("scheme-colon", _matches("^https?//"), "a colon is missing behind the scheme"),
    _Rule(
        "scheme-twice",
        lambda p: p.host.lower() in origins.DEFAULT_PORTS and p.rest.startswith("//"),
        "the scheme is written twice",
    ),
    _Rule(
        "scheme-missing",
        lambda p: not p.scheme,
        "an origin begins with its scheme; write https:// or http:// in front",
    ),
    _Rule("scheme-case", lambda p: p.scheme != p.scheme.lower(), "browsers send lower case"),
    _Rule(
        "scheme-unknown",
        lambda p: not origins.is_page_scheme(p.scheme),
        "the scheme looks like a slip of http or https; write one of these",
    ),
    _Rule(
        "scheme-slashes",
        lambda p: p.slashes != "//",
        "exactly two slashes stand between scheme and host",
    ),
    _Rule("user-info", lambda p: p.user, "an origin has no user or password"),
    _Rule(
        "ipv6-brackets",
        lambda p: ":" in p.port and re.fullmatch("[0-9A-Fa-f:]*", p.host + p.port),
        "an IPv6 address stands in brackets, as in http://[::1]:3000",
    ),
    _Rule("host-empty", lambda p: not p.host, "the host is missing"),
    _Rule("ipv6-zone", lambda p: "%" in p.host, "an origin has no zone id"),
    _Rule(
        "ipv4-mapped",
        _is_mapped,
        "an IPv4 address written as IPv6; write the four numbers",
    ),
    _Rule(
        "ipv6",
        lambda p: p.host.startswith("[") and origins.canonical_ipv6(p.host[1:-1]) != p.host[1:-1],
        "not an IPv6 address as browsers send it",
    ),
    _Rule("host-case", lambda p: p.host != p.host.lower(), "browsers send lower case"),
    _Rule("trailing-dot", lambda p: p.host.endswith("."), "the host ends in a dot"),
    _Rule(
        "host-length",
        lambda p: len(p.wildcard + p.host) > origins.MAX_HOST_LENGTH,
        "the host is over 253 characters",
    ),
    _Rule(
        "leading-dot",
        lambda p: p.host.startswith("."),
        "the host begins with a dot; *. in its place means every subdomain",
    ),
    _Rule("label-empty", lambda p: "" in _labels(p), "two dots with nothing between them"),
    _Rule(
        "label-length", lambda p: max(map(len, _labels(p))) > 63, "a label is over 63 characters"
    ),
    _Rule(
        "label-hyphen",
        lambda p: any(label[0] == "-" or label[-1] == "-" for label in _labels(p)),
        "a label neither begins nor ends with a hyphen",
    ),
    _Rule(
        "host-character",
        lambda p: not re.fullmatch(r"[a-z0-9_.-]+|\[.*\]", p.host),
        "a host is made of letters, digits, hyphens and dots",
    ),
    _Rule(
        "ipv4",
        lambda p: origins.ends_in_number(p.host) and not origins.is_ipv4(p.host),
        "not an IPv4 address as browsers send it: four numbers from 0 to 255",
    ),
    _Rule(
        "punycode",
        lambda p: not all(map(origins.is_punycode, _labels(p))),
        "a label that begins with xn-- is no name in punycode",
    ),
    _Rule("port-empty", lambda p: p.colon and not p.port, "the port is missing behind the colon"),
    _Rule(
        "port-default",
        lambda p: p.port == origins.DEFAULT_PORTS.get(p.scheme),
        "browsers leave the default port out",
    ),
    _Rule("port-number", lambda p: p.port and not _is_port(p.port), "the port is not a number"),
    _Rule("port-zero", lambda p: _is_number(p, 0, 0), "no page is served on port 0"),
    _Rule("port-range", lambda p: p.port and not _is_number(p, 1, 65535), "ports end at 65535"),
    _Rule("port-zeros", lambda p: p.port.startswith("0"), "a port has no leading zeros"),
    _Rule("query", lambda p: p.rest.lstrip("/")[:1] == "?", "an origin has no query"),
    _Rule("fragment", lambda p: p.rest.lstrip("/")[:1] == "#", "an origin has no fragment"),
    _Rule(
        "ip-range",
        lambda p: origins.is_ip(p.host) and re.fullmatch("/[0-9]+", p.rest),
        "a range of addresses is not taken; write one entry for each address",
    ),
    _Rule("path", lambda p: p.rest, "an origin has no path"),
    _Rule("scheme-length", lambda p: True, "the scheme is too long"),
)


def _corrected(entry: str) -> str | None:
    """Return what to write instead: the origins that were certainly meant, or None."""
    without_comment = re.split(_COMMENT, entry, maxsplit=1)[0]
    words = re.split(_SEPARATOR, "".join(filter(_is_visible_or_blank, without_comment)))
    return _joined([_corrected_origin(word) for word in words if word])


def _is_visible_or_blank(letter: str) -> bool:
    return letter.isprintable() or letter.isspace()


def _corrected_origin(entry: str) -> str | None:
    text = re.sub("^(https?)//", r"\1://", entry.strip(_QUOTES + "<>"))
    if text == origins.ANY:
        return text
    parts = _take_apart(text)
    scheme, host, port = parts.scheme.lower(), parts.host.lower(), parts.port
    if host.startswith("["):
        host = f"[{origins.canonical_ipv6(host[1:-1])}]"
    if port:
        port = port.lstrip("0") or "0"
    port = "" if port in ("", origins.DEFAULT_PORTS.get(scheme)) else f":{port}"
    origin = f"{scheme}://{parts.wildcard}{host.removesuffix('.')}{port}"
    return origin if _is_certain(parts) and origins.parse(origin) else None


def _is_certain(parts: _Parts) -> bool:
    """Tell whether what is left out of a correction says nothing of the host that was meant."""
    return (
        parts.text.isascii()
        and not parts.slashes.startswith("//\\")
        and "." not in parts.user
        and not parts.rest.startswith(("\\", "//"))
        and not (origins.is_ip(parts.host) and parts.rest[1:].isdigit())
    )


def _joined(entries: list[str | None]) -> str | None:
    known = [entry for entry in entries if entry]
    return ", ".join(known) if known and len(known) == len(entries) else None


def _written_as_list(variable: str, value: str) -> Problem | None:
    """Return the problem of a whole value that is a JSON or Python list, or None."""
    text = value.strip()
    inside = text[1:-1]
    if (text[:1], text[-1:]) not in {("[", "]"), ("(", ")"), ("{", "}")}:
        return None
    if inside.strip() and "//" not in inside and not set(_QUOTES).intersection(inside):
        return None
    write = _joined([_corrected_origin(entry) for entry in split(inside)])
    return Problem(variable, "list", _LIST, write, value)
