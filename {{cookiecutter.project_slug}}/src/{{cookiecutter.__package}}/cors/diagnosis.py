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
    if re.search(r":\[[0-9, -]+\]", text):
        return "port-list", _PORT_LIST, None
    inside = text[1:-1]
    if text[:1] + text[-1:] not in ("[]", "()", "{}") or (
        inside.strip() and "//" not in inside and set(_QUOTES).isdisjoint(inside)
    ):
        return None
    faults = {entry: fault_of(entry, 1) for entry in split(inside)}
    return "list", _BRACKETS, _joined(f[2] if f else entry for entry, f in faults.items())


def fault_of_origin(entry: str, of: int = 1, own_suffixes: Collection[str] = ()) -> Fault | None:
    """Return what is wrong with an entry of an allowlist `of` so many entries, or None."""
    if entry == origins.ANY and of > 1:
        return "any-and-others", _ANY_BESIDE, None
    if entry == origins.ANY or origins.parse(entry, own_suffixes):
        return None
    parts = _take_apart(entry, own_suffixes)
    code, words = first_broken(_ORIGIN, parts) or _LAST
    words = words.replace("{name}", parts["name"])
    if words.startswith("no scheme"):
        further = fault_of_origin(f"https://{entry.lstrip('/')}", of, own_suffixes)
        words = f"no scheme, and {further[1]}" if further else words
    without_comment = re.split(_COMMENT, entry, maxsplit=1)[0]
    visible = "".join(c for c in without_comment if c.isprintable() or c.isspace())
    visible = re.sub(r"\b(https?);?//", r"\1://", visible)
    meant = filter(None, _SEPARATOR.split(visible))
    return code, words, _joined(_corrected_origin(one, own_suffixes) for one in meant)


def fault_of_suffix(suffix: str, of: int = 1) -> Fault | None:
    """Return what is wrong with an entry of ``CORS_OWN_SUFFIXES``, or None."""
    name = _take_apart(suffix.strip(_QUOTES), ())["name"].strip(".")
    entry = origins.parse(f"https://{name}")
    is_domain = entry is not None and "." in name and not origins.is_ip(name)
    if is_domain and name == suffix:
        return None
    return "own-suffix", "not a domain, such as example.co.uk", name if is_domain else None


def fault_of_name(option: str, name: str, of: int = 1) -> Fault | None:
    """Return what is wrong with a name of ``METHODS``, ``ALLOW_HEADERS`` or ``EXPOSE_HEADERS``."""
    if name == origins.ANY and of > 1:
        return "any-and-others", _ANY_BESIDE, None
    broken = first_broken(_NAMES, (option, name))
    if broken is None:
        return None
    mend = str.upper if option == "METHODS" and name.isascii() else str
    words = [mend(w) for w in _SEPARATOR.split(name.strip(_QUOTES)) if w not in ("", "and")]
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
    r"(?P<user>(?:[^/\\?#]*@)?)(?P<star>(?:[^/\\?#:.*\[\]]*\*[^/\\?#:.*\[\]]*\.)?)(?P<host>(?:[^/\\?#]*\])?[^/\\?#:]*)"
    r"(?P<port>(?::[^/\\?#]*)?)(?P<rest>.*)",
    re.DOTALL,
)


def _take_apart(text: str, own_suffixes: Collection[str]) -> dict[str, str]:
    p = next(_PARTS.finditer(text)).groupdict("")
    name, star = p["host"].lower().removesuffix("."), p["star"].lower()[:-1]
    return {
        **p,
        "text": text,
        "name": name,
        "labels": p["star"] + p["host"],
        "address": p["host"] + p["port"],
        "star_fault": (star and origins.fault_of_star(star, name, own_suffixes)) or "",
    }


def _in(part: str, pattern: str) -> Callable[[dict[str, str]], object]:
    return lambda parts: re.search(pattern, parts[part])


def _on_web(breaks: Callable[[dict[str, str]], object]) -> Callable[[dict[str, str]], object]:
    return lambda parts: parts["scheme"] in origins.DEFAULT_PORTS and breaks(parts)


def _is_any_port(p: dict[str, str]) -> bool:
    is_this_machine = p["star"] + p["name"] in origins.THIS_MACHINE
    return p["port"] == ":*" and is_this_machine and p["scheme"].lower() in origins.DEFAULT_PORTS


_BRACKETS = "a list is not written in JSON or Python but with commas alone"
_PORT_LIST = "ports are not listed in one entry; write one entry for each port"
_ANY_BESIDE = "* allows all of them and stands alone; delete it or the other entries"
_REGEX = "a regular expression; write each origin, or https://*.example.com for all its subdomains"
_EXTENSIONS = origins.SCHEMES_OF_EXTENSIONS
_STARRED = {"", *origins.DEFAULT_PORTS, *_EXTENSIONS}
_LAST = ("scheme-length", "the scheme is too long")

# How the list is spelled, then `*`, then the origin from left to right.
# fmt: off
_ORIGIN: Rules = (
    ("empty", _in("text", "^$"), "nothing stands between two commas; delete one"),
    ("file", _in("text", "^@"), "a file (@/path) is the whole value of a variable; write origins"),
    ("variable", _in("text", "^[A-Z_]+="), "the name of a variable stands in its value; delete it"),
    ("placeholder", _in("text", r"\$[{(A-Za-z_]|\{\{|\{%|\{\w+\}|%[A-Za-z_]+%|%\("),
     "a placeholder that nothing has filled in; write the origin itself"),
    ("invisible", lambda p: not p["text"].isprintable(), "it holds an invisible character"),
    ("null", _in("text", "(?i)^null$"), "every sandboxed page sends null: it would allow everyone"),
    ("word", _in("text", "(?i)^(all|any|everybody|everyone|false|nil|no|nobody|none|off|on|true|"
                 "undefined|yes)$"),
     "a word, not an origin; write * for everyone, or nothing for nobody"),
    ("scheme-without-pages", _in("scheme", "(?i)^file$"),
     "pages from files send null, or in old web views file://, as every other file does; "
     "serve the page over http"),
    ("scheme-without-pages", lambda p: p["scheme"] in origins.SCHEMES_WITHOUT_PAGES,
     "no page has an origin of this scheme; write the https:// or http:// origin of the page"),
    ("quotes", _in("text", f"[{_QUOTES}]"), "quotes are not part of an origin"),
    ("brackets", _in("text", "[<>]"), "angle brackets are not part of an origin"),
    ("comment", _in("text", _COMMENT), "a comment needs a line of its own"),
    ("regex", _in("text", r"\([^()\s]*\|"), _REGEX),  # alternatives, not a separator
    ("scheme-colon", _in("text", "^https?;?//"), "a colon is missing behind the scheme"),
    ("separator", _in("text", _SEPARATOR.pattern), "commas separate entries, which hold no blanks"),
    ("regex", _in("text", r"//\.\*|^\.\*|\.\+|[\^$(){}]|s\?:"
                  r"|(?<!:)(?<!:\\)\\[.dwsb/]"  # but for the slashes of https:\docs.example.com
                  r"|(?<!//)(?<!^)(?<!\*\.)\[|\[[^\[\]:]*-"),  # but for the bracket of IPv6
     _REGEX),
    ("wildcard-port", _on_web(lambda p: "*" in p["port"] and not _is_any_port(p)),
     "* stands for ports of localhost, 127.0.0.1 and [::1] alone; write one entry for each port"),
    ("wildcard-host", lambda p: "*" in p["labels"] and p["scheme"].lower() not in _STARRED,
     "* stands for no host of this scheme; write the one that the page sends"),
    ("wildcard-place", lambda p: "*" in p["host"] and p["scheme"].lower() not in _EXTENSIONS,
     "an entry has one *, in front (https://*.example.com), or in the first label"),
    ("host-length", lambda p: len(p["labels"]) > origins.MAX_HOST_LENGTH,
     "the host is over 253 characters"),
    ("wildcard-ip", _in("star_fault", "^ip$"),
     "* cannot stand before an IP address; write the whole address"),
    ("wildcard-single-label", _in("star_fault", "^single-label$"),
     "* needs two labels behind it, as in https://*.example.com"),
    ("wildcard-piece", _in("star_fault", "^piece$"),
     "beside * a label has 3 to 62 characters that are fixed, and no xn-- in front"),
    ("wildcard-suffix", lambda p: p["star"] == "*." and p["star_fault"] == "hosts",
     "everyone can get a name under {name}; write yours in full, or with * for a piece of it, as "
     "in https://my-app-*.{name}; if {name} is your own, write CORS_OWN_SUFFIXES={name}"),
    ("wildcard-suffix", lambda p: p["star_fault"] and "." not in p["name"],
     "everyone can register a name like this; * goes in front of it: https://*.example.{name}"),
    ("wildcard-suffix", _in("star_fault", "."),
     "everyone can get a name under {name}; write yours in full, or * in front of it; "
     "if {name} is your own, write CORS_OWN_SUFFIXES={name}"),
    ("wildcard-scheme", lambda p: p["star"] and p["scheme"].lower() not in origins.DEFAULT_PORTS,
     "* needs http:// or https:// in front"),
    ("non-ascii", lambda p: not p["text"].isascii(),
     "browsers send punycode (xn--...); write what location.origin shows on that page"),
    ("percent", _in("text", r"^[^[]*%[0-9A-Fa-f]{2}"), "an origin is not percent-encoded"),
    ("scheme-twice", _in("text", "(?i)^[^.]+[/:@]https?:?//"), "the scheme is written twice"),
    ("scheme-missing", _in("text", "^:?[0-9]{1,5}$"),
     "a port is no origin; write http:// and the host in front, as in http://localhost:3000"),
    ("scheme-missing", _in("text", "^//"), "no scheme; write https: or http: in front"),
    ("scheme-missing", _in("scheme", "^$"), "no scheme; write https:// or http:// in front"),
    ("scheme-case", _in("scheme", "[A-Z]"), "browsers send lower case"),
    ("scheme-unknown", lambda p: not origins.is_page_scheme(p["scheme"]),
     "the scheme looks like a slip of http or https; write one of these"),
    ("scheme-slashes", lambda p: p["slashes"] != "//", "two slashes stand between scheme and host"),
    ("user-info", _in("user", "@"), "an origin has no user or password"),
    ("ipv6-brackets", _in("address", "^[0-9A-Fa-f]*:[0-9A-Fa-f]*:[0-9A-Fa-f:]*$"),
     "an IPv6 address stands in brackets, as in http://[::1]:3000"),
    ("host-empty", _on_web(_in("host", "^$")), "the host is missing"),
    ("ipv6-zone", _in("host", "%"), "an origin has no zone id"),
    ("ipv4-mapped", _in("host", r"(?i)^\[[0:]+ffff:([0-9a-f]+:[0-9a-f]+|[0-9]+\.[0-9.]+)\]$"),
     "an IPv4 address written as IPv6; write the four numbers"),
    ("ipv6", lambda p: p["host"][:1] == "[" and origins.canonical_ip(p["host"]) != p["host"],
     "not an IPv6 address as browsers send it"),
    ("host-case", _on_web(_in("labels", "[A-Z]")), "browsers send lower case"),
    ("trailing-dot", _in("host", r".\.$"), "the host ends in a dot"),
    ("leading-dot", _on_web(_in("host", r"^\.")),
     "a dot in front; *. in its place means every subdomain"),
    ("label-empty", _in("host", r"\.\."), "two dots with nothing between them"),
    ("label-length", _in("host", "[^.]{64}"), "a label is over 63 characters"),
    ("label-hyphen", _in("labels", r"(^|\.)-|-(\.|$)"), "labels neither begin nor end in a hyphen"),
    ("host-character", lambda p: not re.fullmatch(r"[A-Za-z0-9_.*-]*|\[.*\]", p["labels"]),
     "a host is made of letters, digits, hyphens and dots"),
    ("ipv4", _on_web(lambda p: origins.is_ip(p["host"]) and not origins.canonical_ip(p["host"])),
     "not an IPv4 address as browsers send it: four numbers from 0 to 255"),
    ("punycode", _on_web(lambda p: not origins.is_ip(p["host"]) and not origins.is_name(p["host"])),
     "a label that begins with xn-- is no name in punycode"),
    ("port-none", lambda p: p["port"] and p["host"] in {"*", ".", "-"},
     "such an origin has no port"),
    ("port-empty", _in("port", "^:$"), "the port is missing behind the colon"),
    ("port-default", lambda p: p["port"][1:] == origins.DEFAULT_PORTS.get(p["scheme"]),
     "browsers leave the default port out"),
    ("port-number", lambda p: re.search("[^0-9:]|.:", p["port"]) and not _is_any_port(p),
     "the port is not a number"),
    ("port-zero", _in("port", "^:0+$"), "no page is served on port 0"),
    ("port-range", lambda p: not _is_any_port(p) and int(p["port"][1:10] or 0) > 65535,
     "ports end at 65535"),
    ("port-zeros", _in("port", "^:0"), "a port has no leading zeros"),
    ("query", _in("rest", r"^/*\?"), "an origin has no query"),
    ("fragment", _in("rest", "^/*#"), "an origin has no fragment"),
    ("ip-range", lambda p: origins.is_ip(p["host"]) and re.fullmatch("/[0-9]+", p["rest"]),
     "a range of addresses is not taken; write one entry for each address"),
    ("path", _in("rest", "."), "an origin has no path"),
)
# fmt: on


def _corrected_origin(entry: str, own_suffixes: Collection[str]) -> str | None:
    text = entry.strip(_QUOTES + "<>")
    if text == origins.ANY:
        return text
    p = _take_apart(text, own_suffixes)
    scheme, star = p["scheme"].lower(), p["star"].lower()
    host = p["name"] if scheme in origins.DEFAULT_PORTS else p["host"]
    if host.startswith("["):
        host = str(origins.canonical_ip(host))
    port = p["port"][1:].lstrip("0") or p["port"][1:2]
    port = f":{port}" if port not in ("", origins.DEFAULT_PORTS.get(scheme)) else ""
    origin = f"{scheme}://{star}{host}{port}"
    # What is left out must say nothing of the host that was meant.
    is_certain = (
        text.isascii()
        and not p["slashes"].startswith("//\\")
        and "." not in p["user"]
        and not p["rest"].startswith(("\\", "//"))
        and not (origins.is_ip(host) and p["rest"][1:].isdigit())
    )
    return origin if is_certain and origins.parse(origin, own_suffixes) else None


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
    ("name-any", _named(_METHODS + _READ, r"^\*$"), "* is not taken here; list the names"),
    ("name-malformed", _named(_ALL, f"^[{_QUOTES}]|[{_QUOTES}]$"), "quotes are not part of a name"),
    ("name-malformed", _named(_ALL, r"\$[{(A-Za-z_]|\{\{|\{%|\{\w+\}|^%\w+%$"),
     "a placeholder that nothing has filled in; list the names"),
    ("name-pattern", _named(_ALL, r"(?!^\*$)[*$^]"), "a pattern is not taken here; list the names"),
    # A "token" of RFC 9110, section 5.6.2
    ("name-malformed", _named(_ALL, "[^0-9A-Za-z!#%&'*+._~-]"), "not a valid HTTP name"),
    ("name-word", _named(_SET, "^(all|any)$"), "a word, not a name; write * for all of them"),
    ("name-word", _named(_ALL, "^(all|any|false|nil|none|null|true|undefined)$"),
     "a word, not a name; list the names"),
    ("method-forbidden", _named(_METHODS, "^(connect|trace|track)$"), "no page sends this method"),
    ("method-case", _named(_METHODS, "(?-i:[a-z])"), "methods are upper case"),
    ("header-forbidden", _named(_SET, (
        "^(accept-charset|accept-encoding|connection|content-length|cookie2?|date|dnt|expect|host|"
        "keep-alive|origin|referer|set-cookie|te|trailer|transfer-encoding|upgrade|via)$|"
        "^(access-control-request|proxy|sec)-")), "no page sets this header; delete it"),
    ("header-unreadable", _named(_READ, "^set-cookie2?$"), "no page reads this header; delete it"),
)
# What is accepted, but of no use.
USELESS: Rules = (
    ("method-options", _named(_METHODS, "^OPTIONS$"),
     "needed only where a page sends OPTIONS itself, not for preflights"),
    ("header-of-answers", _named(_SET, "^access-control-"),
     "a header of answers, not of requests: the page should stop sending it"),
    ("header-safelisted", _named(_READ,
        "^(cache-control|content-language|content-length|content-type|expires|last-modified|pragma)$"),
     "every page may read it; delete it"),
    ("header-unused", _named(_READ, "^(origin|access-control-.*)$"),
     "it tells a page nothing; delete it"),
)
# fmt: on
