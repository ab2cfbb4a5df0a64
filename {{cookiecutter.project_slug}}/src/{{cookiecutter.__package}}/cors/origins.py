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
from functools import cached_property
from ipaddress import AddressValueError, IPv4Address, IPv6Address

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

_LABEL = r"(?!-)[a-z0-9_-]{1,63}(?<!-)"
_LABELS = rf"{_LABEL}(?:\.{_LABEL})*"
_ENTRY = re.compile(
    r"([a-z][a-z0-9+.-]{0,39})://(\*\.)?(" + _LABELS + r"|\[[0-9a-f:]+\])(?::([1-9][0-9]{0,4}))?"
)
_are_labels = re.compile(_LABELS).fullmatch
_is_number = re.compile(r"[0-9]+|0x[0-9a-f]*").fullmatch


def parse(entry: str) -> str | None:
    """Return the host of an entry other than ``*``, or None for what the grammar refuses."""
    match = _ENTRY.fullmatch(entry)
    if match is None:
        return None
    scheme, wildcard, host, port = match.groups()
    accepted = (
        is_page_scheme(scheme)
        and (canonical_ip(host) == host if is_ip(host) else is_name(host))
        and (not wildcard or (scheme in DEFAULT_PORTS and is_own_domain(host)))
        and (not port or (port != DEFAULT_PORTS.get(scheme) and int(port) <= 65535))
    )
    return host if accepted else None


def is_page_scheme(scheme: str) -> bool:
    """Tell whether pages have origins of a scheme; one near http or https is a slip, no app."""
    return scheme in DEFAULT_PORTS or not (
        scheme in SCHEMES_WITHOUT_PAGES or any(_is_near(scheme, known) for known in DEFAULT_PORTS)
    )


def _is_near(left: str, right: str, changes: int = 2) -> bool:
    # Two letters at most are changed, added or dropped (Levenshtein).
    if left[:1] == right[:1]:
        return not left or _is_near(left[1:], right[1:], changes)
    return changes > 0 and any(
        _is_near(left[a:], right[b:], changes - 1) for a, b in ((1, 1), (1, 0), (0, 1))
    )


def is_ip(host: str) -> bool:
    """Tell whether browsers take a host for an IP address (URL standard, "ends in a number")."""
    return host.startswith("[") or _is_number(host.rpartition(".")[2]) is not None


def canonical_ip(host: str) -> str | None:
    """Return an IP address, IPv6 in brackets, as browsers send it; None for what they do not."""
    try:
        if not host.startswith("["):
            return str(IPv4Address(host))
        address = IPv6Address(host[1:-1])
    except AddressValueError:
        return None
    # They know no zone ids, and write an IPv4-mapped address in a way that Python does not.
    return None if address.scope_id or address.ipv4_mapped else f"[{address.compressed}]"


def is_own_domain(host: str) -> bool:
    """Tell whether `*.` may stand in front: the name is one party's own, and there is room."""
    return (
        ("." in host or host in ("localhost", "test"))  # RFC 6761 keeps both for local use
        and host not in SHARED_SUFFIXES
        and not is_ip(host)
        and len("a.") + len(host) <= MAX_HOST_LENGTH
    )


def is_name(host: str) -> bool:
    """Tell whether labels of the right shape are a name that browsers send."""
    encoded = [label[4:] for label in host.split(".") if label.startswith("xn--")]
    return len(host) <= MAX_HOST_LENGTH and all(map(_is_punycode, encoded))


def _is_punycode(encoded: str) -> bool:
    # As near to UTS 46 as the standard library's tables allow: text that is folded, assigned and
    # visible, and keeps to the Bidi rule of RFC 5893.
    try:
        text = encoded.encode("ascii").decode("punycode")
        written_back = text.encode("punycode").decode("ascii")
    except (UnicodeError, OverflowError):
        return False
    # ß and ς are letters of their own in today's names; casefold() would map them away.
    folded = "".join(letter if letter in "ßς" else letter.casefold() for letter in text)
    joiner = "\N{ZERO WIDTH NON-JOINER}"  # between letters it is part of Persian names
    return (
        written_back == encoded
        and not text.isascii()
        and unicodedata.normalize("NFKC", folded) == text
        and text.strip(joiner) == text
        and text.replace(joiner, "").isprintable()
        and not unicodedata.category(text[0]).startswith("M")
        and _obeys_bidi_rule(text)
    )


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


class Allowlist:
    """The origins of a policy: ``*`` alone, or entries that `parse` accepts.

    They compare byte by byte (Fetch standard), at one cost for three entries and for ten thousand.
    """

    def __init__(self, entries: Iterable[str] = ()) -> None:
        self.entries = tuple(entries)
        self.any = ANY in self.entries
        wildcards = {entry for entry in self.entries if "://*." in entry}
        self.exact = frozenset(self.entries) - wildcards
        self._domains = frozenset(entry.replace("*", "", 1) for entry in wildcards)
        self.prepared: dict[object, dict[str, list[tuple[str, str]]]] = {}  # shared by policies

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Allowlist) and self.entries == other.entries

    def allows(self, origin: str) -> bool:
        """Tell whether a page of this origin (the value of an ``Origin`` header) is allowed."""
        if self.any:
            return True
        if len(origin) > MAX_ENTRY_LENGTH:  # refused before anything is done with it
            return False
        return origin in self.exact or (bool(self._domains) and self.covers(origin))

    def covers(self, origin: str) -> bool:
        """Tell whether one of the entries that begin with ``*.`` stands for this origin."""
        start = origin.find("://") + len("://")
        if len(origin[start:].partition(":")[0]) > MAX_HOST_LENGTH:
            return False
        dot = origin.find(".", start)
        while dot > 0:
            # The longest domain is looked up first: what stands before it stands before the others.
            if origin[:start] + origin[dot:] in self._domains:
                return _are_labels(origin[start:dot]) is not None
            dot = origin.find(".", dot + 1)
        return False

    def nearest(self, origin: str) -> str | None:
        """Return an entry of the same host, or of the host without its first label, or None."""
        host = _host_of(origin)
        near = self._by_host.get(host) or self._by_host.get(host.partition(".")[2])
        port = origin.rpartition(":")[2]
        return max(near, key=lambda entry: entry.rpartition(":")[2] == port) if near else None

    @cached_property
    def _by_host(self) -> dict[str, list[str]]:
        listed: dict[str, list[str]] = {}
        for entry in self.entries:
            listed.setdefault(_host_of(entry), []).append(entry)
        return listed


def _host_of(origin: str) -> str:
    # What pages confuse has one name: a host with and without `www`, the three of this machine.
    host = re.sub(r"^[^:]*://(?:\*\.|www\.)?|:[0-9]*$", "", origin)
    return "localhost" if host in ("127.0.0.1", "[::1]") else host
