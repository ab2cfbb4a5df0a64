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
from itertools import dropwhile
from types import ModuleType
from typing import Any, NamedTuple

import ada_url
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from my_api import cors
from my_api.cors import diagnosis, origins
from my_api.cors.settings import Settings, read_origins

from .counting import Watched, work

generated = partial(settings, database=None, deadline=None, derandomize=True)


def examine(text: str) -> tuple[list[str], list[Any]]:
    """Return the entries of an allowlist that are accepted, and the problems of the others."""
    found = Settings()
    allowlist = read_origins("CORS_ORIGINS", text, found)
    return list(allowlist.entries if allowlist else ()), found.problems


def without_duplicates(entries: list[str]) -> list[str]:
    """Return the entries without those that are there in another letter case."""
    kept: dict[str, str] = {}
    for entry in entries:
        kept.setdefault(entry.lower(), entry)
    return list(kept.values())


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
    "leading-dot": "https://.a.com",
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
    assert diagnosis.fault_of_origin(text)[0] == code


def with_an_example_of_each_reason(test: Callable[..., None]) -> Callable[..., None]:
    """Try one text for each code, whatever luck brings."""
    for text in REASONS.values():
        test = example(text)(test)
    return test


@with_an_example_of_each_reason
@generated(max_examples=600)
@given(near_origins() | st.lists(near_origins() | pieces, max_size=6).map("".join))
def test_what_browsers_could_send_is_refused_for_a_written_reason_only(text: str) -> None:
    origin = by_whatwg(text)
    if origin is None or not origin.startswith("http") or is_accepted(origin):
        return
    assert by_whatwg(origin) == origin
    code = diagnosis.fault_of_origin(origin)[0]
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
            assert examine(problem.write) == (without_duplicates(problem.write.split(", ")), [])
    if [problem.position for problem in problems] == [None]:
        assert accepted == []
        assert problems[0].code in ("list", "port-list", "file", "file-path")
        return
    written = [entry.strip() for entry in text.split(",")]
    if written[-1] == "":
        del written[-1]
    refused = {problem.position: problem.entry for problem in problems}
    assert len(refused) == len(problems)
    assert refused.items() <= dict(enumerate(written, start=1)).items()
    assert accepted == without_duplicates(
        [entry for position, entry in enumerate(written, start=1) if position not in refused]
    )


@pytest.mark.parametrize("piece", PIECES, ids=ascii)
def test_ten_times_the_text_is_ten_times_the_work_at_most(piece: str) -> None:
    short, long = (f"https://a{piece * times}/" for times in (100, 1000))
    examine(long)  # so that no pattern is compiled while the work is counted
    assert work(examine, long) <= 10 * work(examine, short)


parser, compiler = (importlib.import_module(f"re.{name}") for name in ("_parser", "_compiler"))
LETTERS = (parser.LITERAL, parser.NOT_LITERAL, parser.IN, parser.ANY)
REPEATS = (parser.MAX_REPEAT, parser.MIN_REPEAT)
SOME_LETTERS = [chr(code) for code in range(0x250)]


def parts(node: Any) -> list[Any]:
    """Return the sequences of nodes within a node of a parsed pattern."""
    kind, value = node
    if kind == parser.BRANCH:
        return list(value[1])
    groups = (*REPEATS, parser.SUBPATTERN, parser.ASSERT, parser.ASSERT_NOT)
    return [value[-1]] if kind in groups else []


def below(nodes: Any) -> Iterator[Any]:
    for node in nodes:
        yield node
        for part in parts(node):
            yield from below(part)


def is_endless(node: Any) -> bool:
    return node[0] in REPEATS and node[1][1] is parser.MAXREPEAT


def cannot_fail(nodes: Any) -> bool:
    return all(
        (kind in REPEATS and value[0] == 0)
        or (kind == parser.SUBPATTERN and cannot_fail(value[-1]))
        for kind, value in nodes
    )


def letters(nodes: Any, flags: int) -> set[str]:
    """Return what the single letters in these nodes match, of the first few hundred."""
    singles = [node for node in below(nodes) if node[0] in LETTERS]
    patterns = [parser.SubPattern(parser.State(), [node]) for node in singles]
    matchers = [compiler.compile(pattern, flags).fullmatch for pattern in patterns]
    return {letter for letter in SOME_LETTERS if any(match(letter) for match in matchers)}


def first_letters(nodes: Any, flags: int) -> set[str]:
    """Return with which letters a match of these nodes may begin."""
    found: set[str] = set()
    for node in nodes:
        if node[0] in LETTERS:
            return found | letters([node], flags)
        if node[0] in (parser.AT, parser.ASSERT_NOT):
            continue
        found = found.union(*(first_letters(part, flags) for part in parts(node)))
        if not cannot_fail([node]):
            return found
    return found


class Loop(NamedTuple):
    """An endless part of a pattern, or a group that is repeated and holds one."""

    node: Any
    before: Any
    behind: list[Any]
    is_anchored: bool  # to the beginning of the text


def loops(nodes: list[Any], behind: list[Any], is_anchored: bool = False) -> Iterator[Loop]:
    is_anchored = is_anchored or nodes[:1] == [(parser.AT, parser.AT_BEGINNING)]
    for place, node in enumerate(nodes):
        rest = [*nodes[place + 1 :], *behind]
        is_repeated = node[0] in REPEATS and node[1][1] > 1
        if is_endless(node) or (is_repeated and any(map(is_endless, below(parts(node)[0])))):
            yield Loop(node, nodes[place - 1] if place else None, rest, is_anchored)
        else:
            for part in parts(node):
                yield from loops(list(part), rest, is_anchored)


def is_clear(loop: Any, flags: int) -> bool:
    """Tell whether there is one way only to divide a text among the turns of a loop.

    Each begins with a letter that nothing else in the loop can match.
    """
    (body,) = parts(loop)
    first, *others = body
    return (
        first[0] in LETTERS
        and letters([first], flags).isdisjoint(letters(others, flags))
        and not any(map(is_endless, below(body)))
    )


def backtracks(pattern: str, method: str, flags: int = 0) -> bool:
    """Tell whether a pattern may take more than linear time; where in doubt, it may.

    Behind an endless part must stand a letter that it cannot match; or no other endless part, or
    none from where on something can fail. Where a search may begin anew at each letter, one that
    the part cannot match must stand in front, or the part be the whole pattern.
    """
    root = parser.parse(pattern, flags)
    flags, nodes = root.state.flags, list(root)
    is_searched = method not in ("match", "fullmatch") and not cannot_fail(nodes)
    for loop, before, behind, is_anchored in loops(nodes, []):
        own = letters([loop], flags)
        if not is_clear(loop, flags):
            return True
        others = list(dropwhile(lambda node: not any(map(is_endless, below([node]))), behind))
        is_last = not others or (method != "fullmatch" and cannot_fail(others))
        if not is_last and own.intersection(first_letters(behind, flags)):
            return True
        is_fenced = before and before[0] in LETTERS and own.isdisjoint(letters([before], flags))
        if is_searched and not (is_anchored or is_fenced or nodes == [loop]):
            return True
    return False


@pytest.mark.parametrize(
    ("method", "pattern"),
    [
        *(("fullmatch", pattern) for pattern in (r"(a+)+b", r"((a*)b?)*c", r"a*a*b", r"(a|aa)*b")),
        *(("fullmatch", pattern) for pattern in (r"a*b?a*c", r"[ab]*b[ab]*c", r"(?:a*b){2}")),
        *(("match", pattern) for pattern in (r"(a*)?(a*)?b", r"(a{1,2})*b", r"(a*a)?a*c")),
        *(("search", pattern) for pattern in (r"\s+$", r"a\w+b", r"(\s+|x)$", r"a.*b", r"a*b")),
    ],
)
def test_patterns_that_backtrack_are_found(method: str, pattern: str) -> None:
    assert backtracks(pattern, method)


def test_no_pattern_that_reads_an_entry_or_a_request_backtracks(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    used: set[tuple[str, str, int]] = set()
    compile_pattern = vars(re)["_compile"]
    modules = {f"cors_spied_upon.{name}" for name in ("origins", "diagnosis", "policy", "problems")}

    class Spy:
        """A compiled pattern that notes what these modules ask of it."""

        def __init__(self, *arguments: Any) -> None:
            self._compiled = compile_pattern(*arguments)
            self._is_noted = sys._getframe(2).f_globals.get("__name__") in modules

        def __getattr__(self, name: str) -> Any:
            if self._is_noted and name != "pattern":
                used.add((self._compiled.pattern, name, self._compiled.flags))
            return getattr(self._compiled, name)

    package = ModuleType("cors_spied_upon")
    package.__path__ = cors.__path__
    monkeypatch.setitem(sys.modules, package.__name__, package)
    monkeypatch.setattr(re, "_compile", Spy)
    spied_upon: Any = importlib.import_module("cors_spied_upon.settings")
    for text in (*REASONS.values(), "https://a.com/", "https://1.2.3.4/8", "http://::1:3"):
        for option in ("ORIGINS", "METHODS", "ALLOW_HEADERS", "EXPOSE_HEADERS"):
            for value in (text, f"['{text}']"):
                with pytest.raises(spied_upon.ConfigurationError):
                    spied_upon.read_settings(["api"], {f"CORS_{option}": value})
    good = {"ORIGINS": "https://*.a.com", "METHODS": "PUT", "EXPOSE_HEADERS": "X-Token"}
    variables = {f"CORS_{option}": value for option, value in good.items()}
    policy = spied_upon.read_settings(["api"], variables).policies["api"]
    for origin in ("https://x.a.com", "http://x.a.com:8000"):
        str(policy.refusal(origin, "PUT", "x-token"))
    assert len(used) > 50
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
