"""The words for what is refused: what is wrong with it, and what to write instead.

The grammar of `origins` judges origins, and the first table has words for what it refuses; the
other tables judge names. What is offered would be accepted. Standard library only, like `origins`.
"""

import re
from collections.abc import Callable, Collection, Iterable
from typing import Any

from . import origins

# The stable word for a rule, what tells whether a text breaks it, the words for people. The first
# rule of a table that is broken gives the words, so the order matters.
Rules = tuple[tuple[str, Callable[[Any], object], str], ...]
# The same word and words, and what to write instead, where that is certain.
Fault = tuple[str, str, str | None]
FaultOf = Callable[[str, int], Fault | None]


def split(text: str) -> list[str]:
    """Return what stands between the commas, trimmed; one comma at the end is not an entry."""
    entries = [entry.strip() for entry in text.split(",")]
    return entries[:-1] if entries[-1] == "" else entries


def fault_of_list(text: str, fault_of: FaultOf) -> Fault | None:
    """Return what is wrong with a whole value that is a JSON or Python list, or None."""
    text = text.strip()
    inside = text[1:-1]
    if text[:1] + text[-1:] not in ("[]", "()", "{}") or (
        inside.strip() and "//" not in inside and set(_QUOTES).isdisjoint(inside)
    ):
        return None
    faults = {entry: fault_of(entry, 1) for entry in split(inside)}
    return "list", _BRACKETS, _joined(f[2] if f else entry for entry, f in faults.items())


def fault_of_origin(entry: str, of: int = 1) -> Fault | None:
    """Return what is wrong with an entry of an allowlist `of` so many entries, or None."""
    if entry == origins.ANY and of > 1:
        return "any-and-others", _ANY_BESIDE, None
    if entry == origins.ANY or origins.parse(entry):
        return None
    code, words = first_broken(_ORIGIN, _take_apart(entry)) or _LAST
    without_comment = re.split(_COMMENT, entry, maxsplit=1)[0]
    visible = "".join(c for c in without_comment if c.isprintable() or c.isspace())
    return code, words, _joined(_corrected_origin(w) for w in _SEPARATOR.split(visible) if w)


def fault_of_name(option: str, name: str, of: int = 1) -> Fault | None:
    """Return what is wrong with a name of ``METHODS``, ``ALLOW_HEADERS`` or ``EXPOSE_HEADERS``."""
    broken = first_broken(_NAMES, (option, name))
    if broken is None:
        return None
    mend = str.upper if option == "METHODS" and name.isascii() else str
    words = [mend(word) for word in _SEPARATOR.split(name.strip(_QUOTES)) if word]
    return *broken, _joined(None if first_broken(_NAMES, (option, w)) else w for w in words)


def first_broken(rules: Rules, subject: object) -> tuple[str, str] | None:
    """Return the stable word and the words of the first rule that is broken, or None."""
    return next(((code, words) for code, breaks, words in rules if breaks(subject)), None)


def _joined(entries: Iterable[str | None]) -> str | None:
    known = [str(entry or "") for entry in entries]
    is_list = all(known) and (origins.ANY not in known or len(known) == 1)
    return (", ".join(known) or None) if is_list else None


_SEPARATOR = re.compile(r"\\n|[\s;|，、；]")  # noqa: RUF001 - commas of other scripts
_QUOTES = "'\"`\u2018\u2019\u201c\u201d\u00ab\u00bb"
_COMMENT = r"(?:^|\s)(?:#|//\s)"
_SCHEMES = "|".join(sorted(origins.SCHEMES_WITHOUT_PAGES.union(origins.DEFAULT_PORTS)))
# An entry taken apart without judging it. What stands before the colon of `localhost:3000` is a
# host: without slashes behind it, only a scheme that is known is one.
_PARTS = re.compile(
    rf"(?:(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*(?=:[/\\])|(?i:{_SCHEMES})(?=:)):(?P<slashes>[/\\]*))?"
    r"(?P<user>(?:[^/\\?#]*@)?)(?P<wildcard>(?:\*\.)?)(?P<host>(?:[^/\\?#]*\])?[^/\\?#:]*)"
    r"(?P<port>(?::[^/\\?#]*)?)(?P<rest>.*)",
    re.DOTALL,
)


def _take_apart(text: str) -> dict[str, str]:
    parts = next(_PARTS.finditer(text)).groupdict("")
    name, address = parts["host"].lower().removesuffix("."), parts["host"] + parts["port"]
    return {**parts, "text": text, "name": name, "address": address}


def _in(part: str, pattern: str) -> Callable[[dict[str, str]], object]:
    return lambda parts: re.search(pattern, parts[part])


_BRACKETS = "a list is not written in JSON or Python but with commas alone"
_ANY_BESIDE = "* allows every origin and stands alone; delete it or the other entries"
_REGEX = "a regular expression; write each origin, or https://*.example.com for all its subdomains"
_LAST = ("scheme-length", "the scheme is too long")

# How the list is spelled, then `*`, then the origin from left to right.
# fmt: off
_ORIGIN: Rules = (
    ("empty", _in("text", "^$"), "nothing stands between two commas; delete one"),
    ("variable", _in("text", "^[A-Z_]+="), "the name of a variable stands in its value; delete it"),
    ("placeholder", _in("text", r"\$[{(A-Za-z_]|\{\{|\{%|\{\w+\}|%[A-Za-z_]+%|%\("),
     "a placeholder that nothing has filled in; write the origin itself"),
    ("invisible", lambda p: not p["text"].isprintable(), "it holds an invisible character"),
    ("null", _in("text", "(?i)^null$"), "every sandboxed page sends null: it would allow everyone"),
    ("word", _in("text", "(?i)^(all|any|everybody|everyone|false|nil|no|nobody|none|off|on|true|"
                 "undefined|yes)$"),
     "a word, not an origin; write * for everyone, or nothing for nobody"),
    ("scheme-without-pages", lambda p: p["scheme"] in origins.SCHEMES_WITHOUT_PAGES,
     "no page has an origin of this scheme; write the https:// or http:// origin of the page"),
    ("quotes", _in("text", f"[{_QUOTES}]"), "quotes are not part of an origin"),
    ("brackets", _in("text", "[<>]"), "angle brackets are not part of an origin"),
    ("comment", _in("text", _COMMENT), "a comment needs a line of its own"),
    ("regex", _in("text", r"\([^()\s]*\|"), _REGEX),  # alternatives, not a separator
    ("separator", _in("text", _SEPARATOR.pattern), "commas separate entries, which hold no blanks"),
    ("regex", _in("text", r"//\.\*|^\.\*|\.\+|[\^$(){}]|s\?:"
                  r"|(?<!:)(?<!:\\)\\[.dwsb/]"  # but for the slashes of https:\docs.example.com
                  r"|(?<!//)(?<!^)(?<!\*\.)\[|\[[^\[\]:]*-"),  # but for the bracket of IPv6
     _REGEX),
    ("wildcard-port", _in("port", r"\*"), "* stands for no port; write one entry for each port"),
    ("wildcard-scheme", lambda p: p["wildcard"] and p["scheme"].lower() not in ("http", "https"),
     "* needs http:// or https:// in front"),
    ("wildcard-place", _in("host", r"\*"), "* stands alone, or in front: https://*.example.com"),
    ("host-length", lambda p: len(p["wildcard"] + p["host"]) > origins.MAX_HOST_LENGTH,
     "the host is over 253 characters"),
    ("wildcard-ip", lambda p: p["wildcard"] and origins.is_ip(p["host"]),
     "* cannot stand before an IP address; write the whole address"),
    ("wildcard-suffix", lambda p: p["wildcard"] and p["name"] in origins.SHARED_SUFFIXES,
     "* here would allow everyone who has a name there; write the name in full"),
    ("wildcard-single-label", lambda p: p["wildcard"] and not origins.is_own_domain(p["name"]),
     "* needs two labels behind it, as in https://*.example.com"),
    ("non-ascii", lambda p: not p["text"].isascii(),
     "browsers send punycode (xn--...); write what location.origin shows on that page"),
    ("percent", _in("text", r"^[^[]*%[0-9A-Fa-f]{2}"), "an origin is not percent-encoded"),
    ("scheme-colon", _in("text", "^https?//"), "a colon is missing behind the scheme"),
    ("scheme-twice", _in("text", "(?i)^[^.]+[/:@]https?:?//"), "the scheme is written twice"),
    ("scheme-missing", _in("scheme", "^$"), "no scheme; write https:// or http:// in front"),
    ("scheme-case", _in("scheme", "[A-Z]"), "browsers send lower case"),
    ("scheme-unknown", lambda p: not origins.is_page_scheme(p["scheme"]),
     "the scheme looks like a slip of http or https; write one of these"),
    ("scheme-slashes", lambda p: p["slashes"] != "//", "two slashes stand between scheme and host"),
    ("user-info", _in("user", "@"), "an origin has no user or password"),
    ("ipv6-brackets", _in("address", "^[0-9A-Fa-f]*:[0-9A-Fa-f]*:[0-9A-Fa-f:]*$"),
     "an IPv6 address stands in brackets, as in http://[::1]:3000"),
    ("host-empty", _in("host", "^$"), "the host is missing"),
    ("ipv6-zone", _in("host", "%"), "an origin has no zone id"),
    ("ipv4-mapped", _in("host", r"(?i)^\[[0:]+ffff:([0-9a-f]+:[0-9a-f]+|[0-9]+\.[0-9.]+)\]$"),
     "an IPv4 address written as IPv6; write the four numbers"),
    ("ipv6", lambda p: p["host"][0] == "[" and origins.canonical_ip(p["host"]) != p["host"],
     "not an IPv6 address as browsers send it"),
    ("host-case", _in("host", "[A-Z]"), "browsers send lower case"),
    ("trailing-dot", _in("host", r"\.$"), "the host ends in a dot"),
    ("leading-dot", _in("host", r"^\."), "a dot in front; *. in its place means every subdomain"),
    ("label-empty", _in("host", r"\.\."), "two dots with nothing between them"),
    ("label-length", _in("host", "[^.]{64}"), "a label is over 63 characters"),
    ("label-hyphen", _in("host", r"(^|\.)-|-(\.|$)"), "labels neither begin nor end in a hyphen"),
    ("host-character", lambda p: not re.fullmatch(r"[a-z0-9_.-]+|\[.*\]", p["host"]),
     "a host is made of letters, digits, hyphens and dots"),
    ("ipv4", lambda p: origins.is_ip(p["host"]) and not origins.canonical_ip(p["host"]),
     "not an IPv4 address as browsers send it: four numbers from 0 to 255"),
    ("punycode", lambda p: not origins.is_ip(p["host"]) and not origins.is_name(p["host"]),
     "a label that begins with xn-- is no name in punycode"),
    ("port-empty", _in("port", "^:$"), "the port is missing behind the colon"),
    ("port-default", lambda p: p["port"][1:] == origins.DEFAULT_PORTS.get(p["scheme"]),
     "browsers leave the default port out"),
    ("port-number", _in("port", "[^0-9:]|.:"), "the port is not a number"),
    ("port-zero", _in("port", "^:0+$"), "no page is served on port 0"),
    ("port-range", lambda p: int(p["port"][1:10] or 0) > 65535, "ports end at 65535"),
    ("port-zeros", _in("port", "^:0"), "a port has no leading zeros"),
    ("query", _in("rest", r"^/*\?"), "an origin has no query"),
    ("fragment", _in("rest", "^/*#"), "an origin has no fragment"),
    ("ip-range", lambda p: origins.is_ip(p["host"]) and re.fullmatch("/[0-9]+", p["rest"]),
     "a range of addresses is not taken; write one entry for each address"),
    ("path", _in("rest", "."), "an origin has no path"),
)
# fmt: on


def _corrected_origin(entry: str) -> str | None:
    text = re.sub("^(https?)//", r"\1://", entry.strip(_QUOTES + "<>"))
    if text == origins.ANY:
        return text
    p = _take_apart(text)
    scheme, host = p["scheme"].lower(), p["name"]
    if host.startswith("["):
        host = str(origins.canonical_ip(host))
    port = p["port"][1:].lstrip("0") or p["port"][1:2]
    port = f":{port}" if port not in ("", origins.DEFAULT_PORTS.get(scheme)) else ""
    origin = f"{scheme}://{p['wildcard']}{host}{port}"
    # What is left out must say nothing of the host that was meant.
    is_certain = (
        text.isascii()
        and not p["slashes"].startswith("//\\")
        and "." not in p["user"]
        and not p["rest"].startswith(("\\", "//"))
        and not (origins.is_ip(host) and p["rest"][1:].isdigit())
    )
    return origin if is_certain and origins.parse(origin) else None


# Names of methods and headers. The Fetch standard decides what a page can send and read:
# https://fetch.spec.whatwg.org/#methods and https://fetch.spec.whatwg.org/#headers-class.


def _named(options: Collection[str], pattern: str) -> Callable[[tuple[str, str]], object]:
    search = re.compile(pattern, re.IGNORECASE).search
    return lambda subject: subject[0] in options and search(subject[1])


_METHODS, _SET, _READ = ["METHODS"], ["ALLOW_HEADERS"], ["EXPOSE_HEADERS"]
_ALL = _METHODS + _SET + _READ
# fmt: off
_NAMES: Rules = (
    ("name-empty", _named(_ALL, "^$"), "nothing stands between two commas; delete one"),
    ("separator", _named(_ALL, _SEPARATOR.pattern), "commas separate names, which hold no blanks"),
    ("name-any", _named(_ALL, r"^\*$"), "* is not taken here; list the names"),
    ("name-pattern", _named(_ALL, "[*$^]"), "a pattern is not taken here; list the names"),
    # RFC 9110 (section 5.6.2) allows more, but that comes from quotes and placeholders.
    ("name-malformed", _named(_ALL, "[^0-9A-Za-z._-]"), "not a valid HTTP name"),
    ("name-word", _named(_ALL, "^(all|any|false|nil|none|null|true|undefined)$"),
     "a word, not a name; list the names"),
    ("method-forbidden", _named(_METHODS, "^(connect|trace|track)$"), "no page sends this method"),
    ("method-case", _named(_METHODS, "(?-i:[a-z])"), "methods are upper case"),
    ("header-forbidden", _named(_SET, (
        "^(accept-charset|accept-encoding|connection|content-length|cookie2?|date|dnt|expect|host|"
        "keep-alive|origin|referer|set-cookie|te|trailer|transfer-encoding|upgrade|via)$|"
        "^(access-control|proxy|sec)-")), "no page sets this header; delete it"),
    ("header-unreadable", _named(_READ, "^set-cookie2?$"), "no page reads this header; delete it"),
)
# What is accepted, but of no use.
USELESS: Rules = (
    ("method-options", _named(_METHODS, "^OPTIONS$"),
     "needed only where a page sends OPTIONS itself, not for preflights"),
    ("header-safelisted", _named(_SET, "^(accept|accept-language|content-language)$"),
     "every page may send it; delete it"),
    ("header-safelisted", _named(_READ,
        "^(cache-control|content-language|content-length|content-type|expires|last-modified|pragma)$"),
     "every page may read it; delete it"),
)
# fmt: on
