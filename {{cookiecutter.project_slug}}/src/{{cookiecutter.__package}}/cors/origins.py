"""One allowlist entry: the grammar that accepts it, and the matcher.

An entry is exactly what a browser puts into the ``Origin`` header, the serialization of an origin
in the Fetch standard (https://fetch.spec.whatwg.org/#origin-header) and in RFC 6454::

    entry  = "*" / origin
           / web "://" ( "*." / part "." ) labels [ ":" port ]    part: a label, a piece of it `*`
           / web "://" ( "localhost" / "127.0.0.1" / "[::1]" ) ":*"
           / extension "://*"
    origin = web "://" host [ ":" port ]     lower case, no default port
           / app "://" [ host [ ":" port ] / "." / "-" ]     host in the letter case of the page
    web    = "http" / "https"
    host   = labels / IPv4 / "[" IPv6 "]"    canonical, punycode

Whatever the grammar does not accept, `diagnosis` finds words for. Standard library only, but for
the public suffix list: the template that wrote this project reads its `cors_origins` answer with
this module too.
"""

import re
import unicodedata
from collections.abc import Collection, Iterable, Iterator
from functools import lru_cache
from ipaddress import AddressValueError, IPv4Address, IPv6Address
from pathlib import Path
from typing import NamedTuple

ANY = "*"
DEFAULT_PORTS = {"http": "80", "https": "443"}
MAX_HOST_LENGTH = 253
MAX_ENTRY_LENGTH = 40 + len("://") + MAX_HOST_LENGTH + len(":65535")
MOST_KNOWN = 1000
LOCAL_NAMES = frozenset({"localhost", "test"})  # RFC 6761
PRIVATE_NAMES = LOCAL_NAMES | {"internal", "lan", "local"}  # which no registry sells
THIS_MACHINE = frozenset({"localhost", "127.0.0.1", "[::1]"})

# Origins of these schemes either do not exist or belong to no page.
SCHEMES_WITHOUT_PAGES = frozenset(
    "about blob data file ftp javascript mailto ssh tcp view-source ws wss".split()
)
# Each installation gives the pages of an extension another host.
SCHEMES_OF_EXTENSIONS = frozenset("moz-extension safari-web-extension vscode-webview".split())

# What the public suffix list lacks, in its notation: hosts that give names to everyone, some
# of them with a region or a cluster in front.
MORE_SUFFIXES = """
    *.azurecontainerapps.io *.cloudapp.azure.com *.cloudworkstations.dev
    *.codeengine.appdomain.cloud *.devtunnels.ms *.gitpod.io *.scalingo.io *.web.core.windows.net
    *.webcontainer.io a.pinggy.link anvil.app app.github.dev b4a.run cfapps.eu10.hana.ondemand.com
    codesandbox.io force.com gigalixirapp.com glitch.me gradio.live kinsta.page koyeb.app
    lightning.force.com loca.lt loclx.io modal.run my.salesforce.com my.site.com neocities.org
    nip.io powerappsportals.com scapp.io serveo.net sevalla.page share.zrok.io shinyapps.io
    sslip.io stackblitz.io storage.googleapis.com tcloudbaseapp.com tiiny.site w.modal.host
"""

_LABEL = r"(?!-)[a-z0-9_-]{1,63}(?<!-)"
_LABELS = rf"{_LABEL}(?:\.{_LABEL})*"
_PORT = "[1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5]"
_IPV6 = r"\[[0-9a-f:]+\]"
_WEB = re.compile(
    r"(?P<scheme>https?)://(?:(?!-)(?P<star>[a-z0-9_-]*\*[a-z0-9_-]*)(?<!-)\.)?"
    rf"(?P<host>{_LABELS}|{_IPV6})(?::(?P<port>\*|{_PORT}))?"
)
_APP = re.compile(
    r"(?!https?:)(?P<scheme>[a-z][a-z0-9+.-]{0,39})://"
    rf"(?:(?P<host>(?i:{_LABELS})|{_IPV6})(?::(?P<port>{_PORT}))?|[.-]|(?P<star>\*))?"
)
# What a `*` can stand for: as browsers send it, without the default port.
_is_sent = re.compile(
    r"(?!http://(?:\[::1\]|[^:]*):80$|https://(?:\[::1\]|[^:]*):443$)https?://"
    r"(?:(?=[^:]{1,253}(?::|$))" + rf"{_LABELS}|\[::1\])(?::(?:{_PORT}))?"
    rf"|(?:{'|'.join(SCHEMES_OF_EXTENSIONS)})://(?i:{_LABELS})"
).fullmatch
_JOINERS = {"\N{ZERO WIDTH NON-JOINER}": "N", "\N{ZERO WIDTH JOINER}": "J"}
# What UTS 46 ignores or forbids, and the standard library takes for text.
_IGNORED = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2ff0-\u2fff\u3002\ufe00-\ufe0f\ufffc\ufffd\U000e0100-\U000e01ef]"
)
_is_number = re.compile(r"[0-9]+|0x[0-9a-f]*").fullmatch
_is_piece = re.compile(r"[a-z0-9*-]+").fullmatch


class Entry(NamedTuple):
    """The parts of an entry: `star` is a first label with a ``*`` in it, or an extension's host."""

    scheme: str
    star: str
    host: str
    port: str


def parse(entry: str, own_suffixes: Collection[str] = ()) -> Entry | None:
    """Return the parts of an entry other than ``*``, or None for what the grammar refuses.

    `own_suffixes` are public suffixes under which nobody else has names.
    """
    match = _WEB.fullmatch(entry) or _APP.fullmatch(entry)
    if match is None:
        return None
    scheme, star, host, port = parts = Entry(**match.groupdict(""))
    default_port = DEFAULT_PORTS.get(scheme)
    if scheme in DEFAULT_PORTS:
        is_host = canonical_ip(host) == host if is_ip(host) else is_name(host)
        is_star = not star or fault_of_star(star, host, own_suffixes) is None
    else:
        is_written_so = not host.startswith("[") or canonical_ip(host) == host
        is_host = is_written_so and len(host) <= MAX_HOST_LENGTH and is_page_scheme(scheme)
        is_star = not star or scheme in SCHEMES_OF_EXTENSIONS
    is_port = (host in THIS_MACHINE and not star) if port == ANY else port != default_port
    return parts if is_host and is_star and is_port else None


def is_page_scheme(scheme: str) -> bool:
    """Tell whether pages have origins of a scheme; one near http or https is a slip, no app."""
    return scheme in DEFAULT_PORTS or not (
        scheme in SCHEMES_WITHOUT_PAGES
        or scheme == "localhost"
        or any(_is_near(scheme, known) for known in DEFAULT_PORTS)
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


def fault_of_star(star: str, host: str, own_suffixes: Collection[str] = ()) -> str | None:
    """Return what keeps a first label with a ``*`` in it from standing in front of a host, or None.

    A piece of a label may stand under a suffix of hosts: a warning tells who else gets names there.
    """
    before, _, behind = star.partition(ANY)
    if is_ip(host):
        return "ip"
    if len(star) + 1 + len(host) > MAX_HOST_LENGTH:
        return "length"
    is_alone = "." not in host
    if star == ANY and is_alone and host not in LOCAL_NAMES:
        return "single-label"
    if star != ANY and (before[:4] == "xn--" or not 3 <= len(before + behind) <= 62):
        return "piece"
    givers = givers_of_names(host, own_suffixes)
    if givers == "registries" or (givers and star == ANY):
        return givers
    return "single-label" if is_alone and host not in PRIVATE_NAMES else None


def givers_of_names(host: str, own_suffixes: Collection[str] = ()) -> str | None:
    """Return who gives names below a host to strangers, "registries" or "hosts", or None.

    That is said of public suffixes (https://publicsuffix.org) and of what stands above one.
    """
    if any(f".{host}".endswith(f".{suffix}") for suffix in own_suffixes):
        return None
    givers, exceptions = public_suffixes()
    if host in exceptions:
        return None
    return givers.get(host) or givers.get(re.sub("^[^.]+", "*", host))


def public_suffix_list() -> str:
    """Return the text of the list that is installed; at generation the template has a short one."""
    from publicsuffixlist import PSLFILE  # not needed by lists without wildcards

    return Path(PSLFILE).read_text(encoding="utf-8")


@lru_cache(maxsize=1)
def public_suffixes() -> tuple[dict[str, str], set[str]]:
    """Return who gives names to strangers, by the names that they give from; and the exceptions."""
    registries, hosts = public_suffix_list().split("===END ICANN DOMAINS===")
    hosts = "\n".join([hosts, *MORE_SUFFIXES.split()])
    givers: dict[str, str] = {}
    exceptions = set()
    for giver, text in (("registries", registries), ("hosts", hosts)):
        for rule in re.findall(r"^[^/\s]\S*", text, re.MULTILINE):
            name = rule.lstrip("!*.").encode("idna").decode()
            if rule.startswith("!"):
                exceptions.add(name)
            elif rule.startswith("*"):
                givers[f"*.{name}"] = giver
            while name and name not in givers:
                givers[name] = giver
                name = name.partition(".")[2]
    return givers, exceptions


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
    return (
        written_back == encoded
        and not text.isascii()
        and unicodedata.normalize("NFKC", folded) == text
        and _IGNORED.search(text) is None
        and all(letter.isprintable() or letter in _JOINERS for letter in text)
        and _obeys_joiner_rules(text)
        and not unicodedata.category(text[0]).startswith("M")
        and _obeys_bidi_rule(text)
    )


def _obeys_joiner_rules(text: str) -> bool:
    # RFC 5892, appendix A: a joiner stands behind a virama (V), a non-joiner also between letters
    # that would be joined: D those on both sides, R on one, with marks (T) between them.
    types = "".join(map(_joining_type, text))
    return re.search("[NJ]", re.sub("V[NJ]|D[TV]*N(?=[TV]*[DR])", "", types)) is None


def _joining_type(letter: str) -> str:
    if unicodedata.combining(letter) == 9:
        return "V"
    mark = "T" if unicodedata.category(letter) == "Mn" else "U"
    return _JOINERS.get(letter) or _joining_letters().get(letter, mark)


@lru_cache(maxsize=1)
def _joining_letters() -> dict[str, str]:
    # The list of joining types is not in the standard library; the forms of the letters are.
    types: dict[str, str] = {}
    for code in range(0xFB50, 0xFEFD):
        form, *letters = unicodedata.decomposition(chr(code)).split() or [""]
        if form in ("<initial>", "<final>") and len(letters) == 1:
            letter = chr(int(letters[0], 16))
            types[letter] = "D" if form == "<initial>" else types.get(letter, "R")
    return types


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
    `file` is where they were read, if not in a variable.
    """

    def __init__(self, entries: Iterable[str] = (), file: str | None = None) -> None:
        listed, self.file = list[str](), file
        # Few hosts have several entries: 100,000 lists would stop Python's garbage collector.
        self._by_host: dict[str, str] = {}
        self._others: dict[str, list[str]] = {}
        for entry in entries:  # one by one, as who gives them may make pauses
            listed.append(entry)
            host = _host_of(entry)
            if self._by_host.setdefault(host, entry) != entry:
                self._others.setdefault(host, []).append(entry)
        self.entries = tuple(listed)
        self.any = ANY in self.entries
        self.wildcards = dict.fromkeys(entry for entry in self.entries if ANY in entry)
        self._exact = frozenset(self.entries) - self.wildcards.keys()
        self._whole = frozenset(e for e in self.wildcards if e.endswith((":*", "//*")))
        # Where the `*` stands in labels: how much text is in front of it, by what is behind the
        # label; and how much is behind it, by what is around.
        self._lengths: dict[str, set[int]] = {}
        for entry in self.wildcards:
            start, star, dot = (entry.find(mark) for mark in ("://", ANY, "."))
            if start < star < dot != start + len("://*"):
                front, domain = entry[: start + 3], entry[dot:]
                self._lengths.setdefault(front + domain, set()).add(star - len(front))
                self._lengths.setdefault(entry[: star + 1] + domain, set()).add(dot - star - 1)
        self._known: dict[str, bool] = {}  # whether a wildcard stands for an origin

    def __eq__(self, other: object) -> bool:
        mine = self.file, self.entries
        return isinstance(other, Allowlist) and mine == (other.file, other.entries)

    def allows(self, origin: str) -> bool:
        """Tell whether a page of this origin (the value of an ``Origin`` header) is allowed."""
        if self.any or origin in self._exact:
            return True
        if not self.wildcards or len(origin) > MAX_ENTRY_LENGTH:
            return False
        known = self._known.get(origin)
        if known is None:
            known = _is_sent(origin) is not None and any(self.wildcards_for(origin))
            if len(self._known) >= MOST_KNOWN:
                self._known.clear()
            self._known[origin] = known
        return known

    def wildcards_for(self, origin: str) -> Iterator[str]:
        """Yield the entries with a ``*`` that stand for an origin, or for all of another entry."""
        start = origin.find("://") + len("://")
        if self._whole:  # for every port, or for the host of every installation
            whole = {f"{origin[:start]}*", re.sub("(:[0-9]+)?$", ":*", origin, count=1)}
            yield from whole & self._whole
        first = dot = origin.find(".", start)
        while dot > 0:
            if (entry := f"{origin[:start]}*{origin[dot:]}") in self.wildcards:
                yield entry
            dot = origin.find(".", dot + 1)
        label, domain = origin[start:first], origin[first:]
        for before in self._lengths.get(origin[:start] + domain, ()):
            around = f"{origin[: start + before]}*"
            for behind in self._lengths.get(around + domain, ()):
                piece = label[before : len(label) - behind]
                entry = around + origin[first - behind :]
                if entry in self.wildcards and _is_piece(piece) and not label.startswith("xn--"):
                    yield entry

    def nearest(self, origin: str) -> str | None:
        """Return an entry of the same host, or of the host without its first label, or None."""
        host = _host_of(origin)
        host = host if host in self._by_host else host.partition(".")[2]
        if host not in self._others:
            return self._by_host.get(host)
        near, port = [self._by_host[host], *self._others[host]], origin.rpartition(":")[2]
        return max(near, key=lambda entry: entry.rpartition(":")[2] == port)


def _host_of(origin: str) -> str:
    # What pages confuse has one name: a host with and without `www`, the three of this machine.
    host = origin.partition("://")[2].lower() or origin
    first, _, rest = host.partition(".")
    if first == "www" or ANY in first:
        host = rest
    name, _, port = host.rpartition(":")
    host = name if port.isdigit() or port == ANY else host
    return "localhost" if host in THIS_MACHINE else host
