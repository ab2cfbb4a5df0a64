"""One allowlist entry: the grammar that accepts it, and the matcher.

An entry is exactly what a browser puts into the ``Origin`` header, the serialization of an origin
in the Fetch standard (https://fetch.spec.whatwg.org/#origin-header) and in RFC 6454::

    origin = scheme "://" host [ ":" port ]     lower case, no default port
    host   = labels / IPv4 / "[" IPv6 "]"       canonical, punycode
    entry  = origin / "*"
           / ("http" / "https") "://*." labels [ ":" port ]     one or more labels in front

Whatever the grammar does not accept, `diagnosis` finds words for. Standard library only: the
template that wrote this project reads its `cors_origins` answer with this module too.
"""

import re
import unicodedata
from collections.abc import Iterable
from ipaddress import AddressValueError, IPv4Address, IPv6Address
from typing import NamedTuple

ANY = "*"
DEFAULT_PORTS = {"http": "80", "https": "443"}
MAX_HOST_LENGTH = 253
MAX_ENTRY_LENGTH = 40 + len("://") + MAX_HOST_LENGTH + len(":65535")

# Origins of these schemes either do not exist or belong to no page.
SCHEMES_WITHOUT_PAGES = frozenset(
    "about blob data file ftp javascript mailto ssh tcp view-source ws wss".split()
)
# `*` in front of one of these means every customer of a registry or of a host. The list is short:
# it holds what people deploy to, not the whole of https://publicsuffix.org.
SHARED_SUFFIXES = frozenset(
    """
    co.uk org.uk com.au com.br com.cn com.de com.mx com.tr co.il co.in co.jp co.kr co.nz co.za
    amazonaws.com appspot.com azurestaticapps.net azurewebsites.net blogspot.com cloudfront.net
    firebaseapp.com fly.dev github.io gitlab.io herokuapp.com lovable.app netlify.app ngrok.io
    ngrok-free.app onrender.com pages.dev railway.app run.app s3.amazonaws.com surge.sh
    trycloudflare.com vercel.app web.app web.core.windows.net workers.dev
    """.split()
)
# Names of one label that may stand behind `*.`: both are reserved for local use (RFC 6761).
LOCAL_NAMES = frozenset({"localhost", "test"})

_LABEL = r"(?!-)[a-z0-9_-]{1,63}(?<!-)"
_ENTRY = re.compile(
    r"([a-z][a-z0-9+.-]{0,39})://"
    r"(\*\.)?"
    rf"({_LABEL}(?:\.{_LABEL})*|\[[0-9a-f:]+\])"
    r"(?::([1-9][0-9]{0,4}))?"
)
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")

_ZWNJ = "\N{ZERO WIDTH NON-JOINER}"  # between letters it is part of Persian names

is_label = re.compile(_LABEL).fullmatch


class Origin(NamedTuple):
    """An entry that the grammar accepts, in its parts; `wildcard` is ``"*."`` or None."""

    scheme: str
    wildcard: str | None
    host: str
    port: str | None


def parse(entry: str) -> Origin | None:
    """Return the parts of an entry other than ``*``, or None for what the grammar refuses."""
    match = _ENTRY.fullmatch(entry)
    if match is None:
        return None
    origin = Origin(*match.groups())
    if not (is_page_scheme(origin.scheme) and is_host(origin.host)):
        return None
    if origin.wildcard and not (origin.scheme in DEFAULT_PORTS and is_own_domain(origin.host)):
        return None
    if origin.port and (
        origin.port == DEFAULT_PORTS.get(origin.scheme) or int(origin.port) > 65535
    ):
        return None
    return origin


def is_page_scheme(scheme: str) -> bool:
    """Tell whether pages have origins of this scheme: http, https, or the scheme of an app."""
    return scheme in DEFAULT_PORTS or not (scheme in SCHEMES_WITHOUT_PAGES or is_near_http(scheme))


def is_near_http(scheme: str) -> bool:
    """Tell whether a scheme is one or two letters away from http or https: a slip, not an app."""
    return any(_distance(scheme, known) in (1, 2) for known in DEFAULT_PORTS)


def is_host(host: str) -> bool:
    """Tell whether labels of the right shape, or a bracketed text, are a canonical host."""
    if host.startswith("["):
        return canonical_ipv6(host[1:-1]) == host[1:-1]
    if len(host) > MAX_HOST_LENGTH:
        return False
    if ends_in_number(host):
        return is_ipv4(host)
    return "xn--" not in host or all(map(is_punycode, host.split(".")))


def is_own_domain(host: str) -> bool:
    """Tell whether `*.` may stand in front: the name is one party's own, and there is room."""
    return (
        ("." in host or host in LOCAL_NAMES)
        and host not in SHARED_SUFFIXES
        and not is_ip(host)
        and len("a.") + len(host) <= MAX_HOST_LENGTH
    )


def is_ip(host: str) -> bool:
    """Tell whether a host is an IP address or is read as one by browsers."""
    return host.startswith("[") or ends_in_number(host)


def ends_in_number(host: str) -> bool:
    """Tell whether browsers take a host for an IPv4 address (URL standard, "ends in a number")."""
    return _NUMBER.fullmatch(host.rpartition(".")[2]) is not None


def is_ipv4(host: str) -> bool:
    """Tell whether a host is four decimal numbers, the only form that browsers send."""
    try:
        IPv4Address(host)
    except AddressValueError:
        return False
    return True


def canonical_ipv6(address: str) -> str | None:
    """Return an IPv6 address as browsers send it, or None for no address, a zone, IPv4-mapped."""
    try:
        parsed = IPv6Address(address)
    except AddressValueError:
        return None
    return None if parsed.scope_id or parsed.ipv4_mapped else parsed.compressed


def is_punycode(label: str) -> bool:
    """Tell whether a label is plain, or an ``xn--`` one that a browser would have written.

    As near to UTS 46 as the standard library's tables allow: text that is folded, assigned and
    visible, and the Bidi rule of RFC 5893 for a label with right-to-left letters.
    """
    if not label.startswith("xn--"):
        return True
    encoded = label.removeprefix("xn--")
    try:
        text = encoded.encode("ascii").decode("punycode")
        written_back = text.encode("punycode").decode("ascii")
    except (UnicodeError, OverflowError):
        return False
    return (
        written_back == encoded
        and not text.isascii()
        and _is_folded(text)
        and text.strip(_ZWNJ) == text
        and text.replace(_ZWNJ, "").isprintable()
        and not unicodedata.category(text[0]).startswith("M")
        and _obeys_bidi_rule(text)
    )


def _is_folded(text: str) -> bool:
    folded = "".join(letter if letter in "ßς" else letter.casefold() for letter in text)
    return unicodedata.normalize("NFKC", folded) == text


def _obeys_bidi_rule(text: str) -> bool:
    directions = [unicodedata.bidirectional(letter) for letter in text]
    if not {"R", "AL", "AN"}.intersection(directions):
        return True
    while directions[-1] == "NSM":
        directions.pop()
    return (
        directions[0] in {"R", "AL"}
        and directions[-1] in {"R", "AL", "EN", "AN"}
        and "L" not in directions
        and not {"EN", "AN"}.issubset(directions)
    )


def _distance(left: str, right: str) -> int:
    """Return how many letters must be changed, added or dropped (Levenshtein)."""
    previous = list(range(len(right) + 1))
    for row, a in enumerate(left, start=1):
        current = [row]
        for column, b in enumerate(right, start=1):
            changed = previous[column - 1] + (a != b)
            current.append(min(changed, previous[column] + 1, current[-1] + 1))
        previous = current
    return previous[-1]


class Allowlist:
    """The origins of a policy; a look-up costs the same for three entries and for ten thousand.

    `entries` are ``*`` alone, or entries that `parse` accepts. Origins compare byte by byte, as
    the Fetch standard has it.
    """

    def __init__(self, entries: Iterable[str]) -> None:
        entries = frozenset(entries)
        self.any = ANY in entries
        self._wildcards = frozenset(entry for entry in entries if "://*." in entry)
        self._exact = entries - self._wildcards

    def allows(self, origin: str) -> bool:
        """Tell whether a page of this origin (the value of an ``Origin`` header) is allowed."""
        if self.any:
            return True
        if len(origin) > MAX_ENTRY_LENGTH:
            return False
        return origin in self._exact or self.covers(origin)

    def covers(self, origin: str) -> bool:
        """Tell whether one of the entries that begin with ``*.`` stands for this origin."""
        if not self._wildcards:
            return False
        scheme, _, rest = origin.partition("://")
        if len(rest.partition(":")[0]) > MAX_HOST_LENGTH:
            return False
        label, dot, rest = rest.partition(".")
        while dot and is_label(label):
            if f"{scheme}://*.{rest}" in self._wildcards:
                return True
            label, dot, rest = rest.partition(".")
        return False
