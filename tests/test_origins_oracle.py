"""The grammar of origins against a WHATWG URL parser by other hands, and against generated input.

No clock is read. That time is linear in the length of a text and the same for any number of entries
is shown by counting what Python does, line by line and call by call. What a regular expression does
within one call cannot be counted, so the patterns are read instead: none may backtrack.
"""

import importlib
import re
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from ipaddress import IPv6Address
from types import ModuleType
from typing import Any, NamedTuple

import ada_url
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from .conftest import PACKAGE
from .counting import Watched, work


def load(name: str) -> tuple[Any, Any]:
    """Import the template's grammar and diagnosis under a name, and write no bytecode."""
    sys.modules[name] = ModuleType(name)
    sys.modules[name].__path__ = [str(PACKAGE / "cors")]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "dont_write_bytecode", True)
        origins = importlib.import_module(f"{name}.origins")
        return origins, importlib.import_module(f"{name}.diagnosis")


origins, diagnosis = load("cors_under_test")
examine = partial(diagnosis.examine, "CORS_ORIGINS")
diagnose = partial(diagnosis.diagnose, "CORS_ORIGINS", 1)
generated = partial(settings, database=None, deadline=None, derandomize=True)


def by_whatwg(text: str) -> str | None:
    """Return the origin of a URL as browsers have it, or None for what is no URL."""
    try:
        return ada_url.URL(text).origin
    except ValueError:
        return None


class Entry(NamedTuple):
    """What an entry is made of; `wildcard` and `port` hold their dot and colon, or nothing."""

    scheme: str
    wildcard: str
    host: str
    port: str

    def __str__(self) -> str:
        return f"{self.scheme}://{self.wildcard}{self.host}{self.port}"

    def under(self, front: str) -> "Entry":
        """Return the origin that has `front` (labels, a dot behind each) in place of a `*.`."""
        return self._replace(wildcard="", host=front + self.host)


LABEL_LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789-_"
PIECES = [
    *"https:// http:// htps:// ws:// :// : // / \\ . .. *. * - [ ] ( ) { } ${ {{ $ ^ | ; ,".split(),
    *"@ ? # ' \" < > % %41 xn-- xn--a. 0x 256 1.2.3.4 01 ::1 [:: ::ffff: %eth0 :80 :443 :0".split(),
    *"x a a1 B com a, 'a localhost co.uk null none \xe9 \xdf \u0663 \u3002 \uff21".split(),
    *("\u200b", "\x00", "\x7f", "\ud800", "\n", "\t", "\u2028", "\xa0", " ", "'  ", "a ", "a" * 64),
]

labels = st.text(LABEL_LETTERS, min_size=1, max_size=20).map(lambda text: text.strip("-") or "a")
known = st.sampled_from("www app localhost a--b _x xn--p1ai xn--bcher-kva 0x7f 127".split())
fronts = st.lists(labels | known, min_size=1, max_size=3).map(".".join)
endings = st.sampled_from("com test example.org co.uk localhost 1a 0x".split())
names = st.builds("{}.{}".format, fronts, endings)
groups = st.lists(st.sampled_from([0, 0, 0, 1, 0x64, 0x2001, 0xFFFF]), min_size=8, max_size=8)
hosts = st.one_of(
    labels | known,
    st.ip_addresses(v=4).map(str),
    st.ip_addresses(v=6).map("[{}]".format),
    groups.map(lambda words: f"[{IPv6Address(b''.join(w.to_bytes(2, 'big') for w in words))}]"),
    groups.map(lambda words: f"[{':'.join(f'{word:x}' for word in words)}]"),
)
ports = st.sampled_from(["", "", ":80", ":443", ":080"]) | st.integers(1, 65_600).map(":{}".format)
web = st.sampled_from(["https", "http"])
apps = st.sampled_from(["capacitor", "chrome-extension"])
exact_entries = st.builds(Entry, web | apps, st.just(""), names | hosts, ports)
wildcard_entries = st.builds(Entry, web, st.just("*."), names, ports)
pieces = st.sampled_from(PIECES)
runs = st.builds(str.__mul__, pieces, st.integers(100, 3000))


def is_accepted(entry: object) -> bool:
    return origins.parse(str(entry)) is not None


@st.composite
def near_origins(draw: st.DrawFn) -> str:
    """Draw an entry and spoil one in two: pieces are put in, letters are taken out."""
    text = str(draw(exact_entries | wildcard_entries))
    for _ in range(draw(st.sampled_from([0, 0, 1, 2]))):
        start = draw(st.integers(0, len(text)))
        end = start + draw(st.integers(0, 3))
        text = text[:start] + draw(pieces | st.just("")) + text[end:]
    return text


any_text = st.one_of(
    st.text(st.characters()),
    st.lists(near_origins() | pieces, max_size=12).map("".join),
    st.lists(near_origins() | pieces, max_size=6).map(",".join),
    runs.map("https://{}".format),
    runs.map("{}://a".format),
)

# Why a text is refused that browsers could send as it is, with one such text.
REFUSED_THOUGH_CANONICAL = {
    "port-zero": "https://a.com:0",
    "trailing-dot": "https://a.com.",
    "label-empty": "https://a..com",
    "label-length": f"https://{'a' * 64}.com",
    "host-length": f"https://{'a.' * 126}com",
    "label-hyphen": "https://a-.com",
    "ipv4-mapped": "https://[::ffff:102:304]",
    "punycode": "https://xn--a.com",
    "placeholder": "https://$host.com",
}
# The same, where the words depend on the characters of a host that no name of the DNS holds.
REFUSED_FOR_CHARACTERS = {
    "host-character": "https://a!b.com",
    "quotes": "https://'a.com'",
    "list": "https://a.com')",
    "separator": "https://a.com;b",
    "regex": "https://(a).com",
    "wildcard-place": "https://a.*.com",
    "wildcard-single-label": "https://*.com",
    "wildcard-suffix": "https://*.co.uk",
}
REASONS = {**REFUSED_THOUGH_CANONICAL, **REFUSED_FOR_CHARACTERS}


def test_browsers_send_accepted_entries_as_they_are_written() -> None:
    seen: Counter[bool] = Counter()

    @generated(max_examples=1000)
    @given(near_origins())
    def check(text: str) -> None:
        seen[is_accepted(text)] += 1
        if is_accepted(text) and text.startswith("http") and "*" not in text:
            assert by_whatwg(text) == text

    check()
    assert seen[True] > seen.total() / 3, "the input hits the grammar too rarely"


@pytest.mark.parametrize(("code", "text"), REASONS.items())
def test_each_reason_to_refuse_what_browsers_could_send_has_a_case(code: str, text: str) -> None:
    assert by_whatwg(text) == text
    assert not is_accepted(text)
    assert diagnose(text).code == code


@generated(max_examples=600)
@given(near_origins() | st.lists(near_origins() | pieces, max_size=6).map("".join))
def test_what_browsers_could_send_is_refused_for_a_written_reason_only(text: str) -> None:
    origin = by_whatwg(text)
    if origin is None or not origin.startswith("http") or is_accepted(origin):
        return
    assert by_whatwg(origin) == origin
    code = diagnose(origin).code
    if code in REFUSED_FOR_CHARACTERS:
        assert not set(origin.partition("://")[2]) <= set(LABEL_LETTERS + ".:[]")
    else:
        assert code in REFUSED_THOUGH_CANONICAL


@generated(max_examples=1000)
@given(any_text)
@example(f"https://a:{'1' * 5000}")
def test_each_entry_of_any_text_is_accepted_or_has_one_problem_with_a_cure(text: str) -> None:
    accepted, problems = examine(text)
    assert all(entry == "*" or is_accepted(entry) for entry in accepted)
    for problem in problems:
        assert str(problem).isprintable()
        if problem.write is not None:
            assert examine(problem.write) == (problem.write.split(", "), [])
    if [problem.position for problem in problems] == [None]:
        assert (accepted, problems[0].code) == ([], "list")
        return
    written = [entry.strip() for entry in text.split(",")]
    if written[-1] == "":
        del written[-1]
    refused = {problem.position: problem.entry for problem in problems}
    assert len(refused) == len(problems)
    assert refused.items() <= dict(enumerate(written, start=1)).items()
    assert accepted == [e for n, e in enumerate(written, 1) if n not in refused or e == "*"]


@pytest.mark.parametrize("piece", PIECES, ids=ascii)
def test_ten_times_the_text_is_ten_times_the_work_at_most(piece: str) -> None:
    short, long = (f"https://a{piece * times}/" for times in (100, 1000))
    assert work(examine, long) <= 10 * work(examine, short)


parser, compiler = (importlib.import_module(f"re.{name}") for name in ("_parser", "_compiler"))
SOME_LETTERS = [chr(code) for code in range(0x250)]


def is_endless(node: Any) -> bool:
    return node[0] in (parser.MAX_REPEAT, parser.MIN_REPEAT) and node[1][1] is parser.MAXREPEAT


def sequences(tree: Any) -> Iterator[Any]:
    """Yield a parsed pattern and every one that is nested in it."""
    if isinstance(tree, parser.SubPattern):
        yield tree
    if isinstance(tree, (parser.SubPattern, tuple, list)):
        for part in tree:
            yield from sequences(part)


def keeps_out(before: Any, loop: Any, state: Any) -> bool:
    """Tell whether an endless part begins the text, or follows a letter that it cannot match."""
    if before == (parser.AT, parser.AT_BEGINNING):
        return True
    if before is None or before[0] not in (parser.LITERAL, parser.IN):
        return False
    nodes = (before, loop[1][2][0])
    first, own = (compiler.compile(parser.SubPattern(state, [node])).fullmatch for node in nodes)
    return not any(first(letter) and own(letter) for letter in SOME_LETTERS)


def backtracks(pattern: str, method: str) -> bool:
    """Tell whether a pattern may take more than linear time; where in doubt, it may.

    An endless part must hold no other and follow no other. Where a search may begin anew at each
    letter, one that the part cannot match must stand in front, or the part be the whole pattern.
    """
    root = parser.parse(pattern)
    for tree in sequences(root):
        for before, node in zip([None, *tree], tree, strict=False):
            if not is_endless(node):
                continue
            if any(is_endless(inner) for held in sequences(node[1]) for inner in held):
                return True
            if method in ("match", "fullmatch"):
                fenced = before is None or not is_endless(before)
            else:
                fenced = keeps_out(before, node, root.state) or list(root) == [node]
            if not fenced:
                return True
    return False


@pytest.mark.parametrize(
    ("method", "pattern"),
    [
        *(("fullmatch", pattern) for pattern in (r"(a+)+b", r"((a*)b?)*c", r"a*a*b")),
        *(("search", pattern) for pattern in (r"\s+$", r"a\w+b", r"(\s+|x)$", r"a.*b", r"a*b")),
    ],
)
def test_patterns_that_backtrack_are_found(method: str, pattern: str) -> None:
    assert backtracks(pattern, method)


def test_no_pattern_of_the_grammar_backtracks(monkeypatch: pytest.MonkeyPatch) -> None:
    used: set[tuple[str, str]] = set()
    compile_pattern = vars(re)["_compile"]

    class Spy:
        """A compiled pattern that notes what is asked of it."""

        def __init__(self, *arguments: Any) -> None:
            self._compiled = compile_pattern(*arguments)

        def __getattr__(self, method: str) -> Any:
            used.add((self._compiled.pattern, method))
            return getattr(self._compiled, method)

    monkeypatch.setattr(re, "_compile", Spy)
    _, spied_upon = load("cors_spied_upon")
    for text in REASONS.values():
        spied_upon.diagnose("CORS_ORIGINS", 1, text)
    assert len(used) > 10
    assert [use for use in used if backtracks(*use)] == []


WIDE_LETTERS = {code: code + 0xFEE0 for code in range(0x21, 0x7F)}
# What a page would like to be taken for an origin, or for one that an entry with `*` stands for.
IMPOSTORS: list[Callable[[Entry], Entry]] = [
    lambda o: o._replace(scheme="http" if o.scheme == "https" else "https"),
    lambda o: o._replace(scheme=o.scheme.upper()),
    lambda o: o._replace(scheme=""),
    lambda o: o._replace(host=o.host.upper()),
    lambda o: o._replace(host=o.host.translate(WIDE_LETTERS)),
    lambda o: o._replace(host=o.host.replace(".", "x")),
    lambda o: o._replace(host=o.host[:-1]),
    lambda o: o._replace(host=o.host + "."),
    lambda o: o._replace(host=o.host + "evil.com"),
    lambda o: o._replace(host=o.host + ".evil.com"),
    lambda o: o._replace(host="evil@" + o.host),
    lambda o: o._replace(port=":1" if o.port != ":1" else ":2"),
    lambda o: o._replace(port=":443" if o.scheme == "https" else ":80"),
    lambda o: o._replace(port=""),
]
ENDINGS = [
    *", / /evil ? # \\ %00 0 .evil.com @evil.com ,null".split(),
    *("\x00", "\x1f", "\x7f", "\xa0", "\u0301", "\u200b", "\ud800", " ", "\n", "\r\n", "\t"),
]
NO_LABELS = [
    *"- -a a- A \xe9 \u0131 \u212a \uff41 \u0661 * % %61 a! a, a; a@b a:80 a/ a? a# a\\ [a".split(),
    *("", "a b", " a", "a ", "\n", "a\n", "\na", "a\r", "\t", "\x00", "\x1f", "\x7f", "\u200b"),
    *("\ud800", "a" * 64),
]


def allows(entry: Entry, origin: object) -> bool:
    return bool(origins.Allowlist([str(entry)]).allows(str(origin)))


def front(length: int) -> str:
    """Return labels with a dot behind each, of a length from 2 on."""
    odd = length % 2
    return "aa." * odd + "a." * ((length - 3 * odd) // 2)


@generated(max_examples=150)
@given((exact_entries | wildcard_entries).filter(is_accepted), names)
def test_no_impostor_is_allowed(entry: Entry, name: str) -> None:
    origin = entry.under(f"{name}.") if entry.wildcard else entry
    impostors = {
        *("", "*", "null", "https://", "https://*", f"{origin}{origin}", f"{origin}, {origin}"),
        *(f"{start}{origin}" for start in (" ", "\n", "x", "null ", "https://")),
        *(f"{origin}{end}" for end in ENDINGS),
        *(str(change(origin)) for change in IMPOSTORS),
        *(str(entry.under(evil)) for evil in ("evil", "evil-", "-", "evil.com/", "evil@")),
    }
    assert allows(entry, origin)
    assert [text for text in impostors - {str(origin)} if allows(entry, text)] == []


@generated(max_examples=150)
@given(wildcard_entries.filter(is_accepted), names)
def test_a_star_stands_for_one_or_more_labels_and_nothing_else(entry: Entry, name: str) -> None:
    room = 253 - len(entry.host)
    for good in (f"{name}.", "a.", f"{'a' * 63}.", "_dmarc.a--b.", front(room)):
        assert allows(entry, entry.under(good))
    bad = ["", ".", "*.", front(room + 1), front(20_000)]
    for label in NO_LABELS:
        bad += [f"{label}.", f"{label}.a.", f"a.{label}."]
    assert [text for text in bad if allows(entry, entry.under(text))] == []


@pytest.mark.parametrize("wildcard", ["", "*."])
def test_ten_thousand_entries_are_no_more_work_than_three(wildcard: str) -> None:
    few, many = (
        origins.Allowlist([Watched(f"https://{wildcard}site{n}.example") for n in range(count)])
        for count in (3, 10_000)
    )
    hosts = "site1.example a.site1.example a.b.site1.example evilsite1.example site1.example:1 a"
    for host in (*hosts.split(), "a\n.site1.example", front(240), front(8192) + "site1.example"):
        origin = Watched(f"https://{host}")
        assert few.allows(origin) == many.allows(origin)
        assert work(few.allows, origin) == work(many.allows, origin)
