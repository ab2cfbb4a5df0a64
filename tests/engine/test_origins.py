"""The grammar accepts what browsers send; the matcher allows what an entry says, nothing else."""

import unicodedata

import ada_url
import pytest
from my_api.cors.origins import Allowlist, parse

from .reading import APP, LONGEST_HOST, policies

ACCEPTED_ORIGINS = [
    APP,
    "http://app.example.com:443",
    "https://app.example.com:80",
    "http://localhost:3000",
    "http://app",
    "http://127.0.0.1:5173",
    "http://[::1]:5173",
    "http://[2001:db8::1]",
    "https://a_b.example.com",
    "https://a--b.example.com",
    "https://1.example.com",
    "https://xn--bcher-kva.example",
    "https://xn--strae-oqa.example",
    "https://xn--4dbrk0ce.example",
    "https://xn--mgbh0fb.example",
    "https://xn--w8je.example",
    "https://xn--gdb1c.example",
    "https://xn--mgba3gch31f060k.example",
    "https://app.example.com:65535",
    "https://app.0b1",
    "https://app.x1b",
    f"https://{LONGEST_HOST}",
    f"https://*.{LONGEST_HOST[2:]}",
    "https://*.example.com",
    "https://*.example.co.uk",
    "https://*.example.com:8443",
    "http://*.localhost:3000",
    "http://*.test",
    "capacitor://localhost",
    "ionic://localhost",
    "tauri://localhost",
    "com.example.app-2+x://localhost",
    "happy://localhost",
    "xxxhttp://localhost",
    "chrome-extension://abcdefghijklmnopabcdefghijklmnop",
    "moz-extension://12345678-90ab-cdef-1234-567890abcdef",
    "safari-web-extension://12345678-90AB-CDEF-1234-567890ABCDEF",
    "app://.",
    "app://-",
    "app://",
    "capacitor://",
    "capacitor://localhost:8080",
    "app://[::1]:8080",
    "app://256.1.1.1",
    "app.example://Some_Host.X",
]


@pytest.mark.parametrize("entry", ACCEPTED_ORIGINS)
def test_an_origin_as_browsers_send_it_is_accepted(entry: str) -> None:
    assert policies(CORS_ORIGINS=entry)["public"].origins == (entry,)


# Labels that browsers show as text and send in punycode, where Unicode lets them be names.
@pytest.mark.parametrize(
    ("label", "accepted"),
    [
        ("bücher", True),
        ("straße", True),
        ("βόλος", True),
        ("\N{HEBREW LETTER ALEF}", True),
        ("\N{HEBREW LETTER ALEF}1", True),
        ("\N{HEBREW LETTER ALEF}\N{HEBREW POINT PATAH}", True),
        ("\N{ARABIC LETTER ALEF}\N{ARABIC-INDIC DIGIT THREE}", True),
        # Not as browsers fold it, nothing to be seen, an accent in front
        ("BÜCHER", False),
        ("ﬁsch-é", False),
        ("é\N{ZERO WIDTH SPACE}a", False),
        # What is nothing to be seen joins, or keeps apart, only where that can be seen
        ("\u0dc1\u0dca\N{ZERO WIDTH JOINER}\u0dbb\u0dd3", True),
        ("\u0915\u094d\N{ZERO WIDTH NON-JOINER}\u0937", True),
        ("\u0645\u06cc\N{ZERO WIDTH NON-JOINER}\u062e\u0648\u0627\u0647\u0645", True),
        ("\u0628\u064e\N{ZERO WIDTH NON-JOINER}\u064e\u0627", True),
        ("\u0627\N{ZERO WIDTH NON-JOINER}\u0628", False),
        ("\u0628\N{ZERO WIDTH JOINER}\u0628", False),
        ("\u0628\N{ZERO WIDTH NON-JOINER}", False),
        ("\N{ZERO WIDTH NON-JOINER}\u0628", False),
        ("é\N{ZERO WIDTH NON-JOINER}a", False),
        ("\u0dc1\N{ZERO WIDTH JOINER}\u0dbb", False),
        ("\u0928\u094d\u0924\N{ZERO WIDTH JOINER}", False),
        ("\u0928\u094dbcd\N{ZERO WIDTH JOINER}", False),
        ("\u0628b\N{ZERO WIDTH NON-JOINER}\u0628", False),
        # Ignored, or forbidden
        *(
            (f"é{letter}", False)
            for letter in "\u034f\u115f\u17b4\u180b\u180f\u2ff0\u3002\ufe00\ufe0f\ufffd\U000e0100"
        ),
        ("\N{COMBINING ACUTE ACCENT}a", False),
        # Letters of both directions, or digits and others where they must not be
        ("\N{HEBREW LETTER ALEF}a\N{HEBREW LETTER ALEF}", False),
        ("\N{ARABIC LETTER ALEF}a\N{ARABIC LETTER ALEF}", False),
        ("a\N{ARABIC LETTER ALEF}", False),
        ("1\N{HEBREW LETTER ALEF}", False),
        ("\N{HEBREW LETTER ALEF}_", False),
        ("\N{ARABIC-INDIC DIGIT THREE}", False),
        ("\N{ARABIC LETTER ALEF}1\N{ARABIC-INDIC DIGIT THREE}", False),
    ],
)
def test_a_label_in_punycode_is_one_that_browsers_send(label: str, accepted: bool) -> None:
    origin = f"https://xn--{label.encode('punycode').decode()}.example"

    assert (parse(origin) is not None) is accepted


@pytest.mark.parametrize("around", ["{}", "a{}a", "\u0915{}"])
def test_a_label_holds_the_letters_that_browsers_do_not_map_to_others(around: str) -> None:
    # Those that are in every version of Unicode of today
    letters = [chr(code) for code in (*range(0x80, 0xD800), *range(0xE000, 0x110000))]
    odd = []
    for letter in letters:
        if unicodedata.ucd_3_2_0.category(letter) in ("Cn", "Co"):
            continue
        text = around.format(letter)
        sent = f"https://xn--{text.encode('punycode').decode()}.example"
        try:
            is_sent = ada_url.URL(f"https://{text}.example").origin == sent
        except ValueError:
            is_sent = False
        if is_sent is not (parse(sent) is not None):
            odd.append(hex(ord(letter)))
    assert odd == []


def test_punycode_has_one_spelling() -> None:
    assert parse("https://xn--4dbrk0ce.example")
    assert parse("https://xn---4dbrk0ce.example") is None


LISTED = [
    "https://app.example.com",
    "http://localhost:3000",
    "http://[::1]:3000",
    "https://*.example.org",
    "https://*.example.net:8443",
    "capacitor://localhost",
]
LONG_LABEL = "a" * 63


@pytest.mark.parametrize(
    "origin",
    [
        "https://app.example.com",
        "http://localhost:3000",
        "http://[::1]:3000",
        "capacitor://localhost",
        "https://a.example.org",
        "https://a.b.example.org",
        "https://xn--bcher-kva.example.org",
        "https://a_b-c.example.org",
        f"https://{LONG_LABEL}.example.org",
        "https://a.example.net:8443",
    ],
)
def test_what_an_entry_says_is_allowed(origin: str) -> None:
    assert Allowlist(LISTED).allows(origin)


@pytest.mark.parametrize(
    "origin",
    [
        # Another origin than the exact ones
        "http://app.example.com",
        "https://app.example.com:8443",
        "https://app.example.com.",
        "https://APP.example.com",
        "https://app.example.com.evil.example",
        "https://app.example.comevil.example",
        "https://evilapp.example.com",
        "https://example.com",
        "https://app.example.com/",
        " https://app.example.com",
        "http://localhost",
        "http://localhost:30000",
        "http://[::1]",
        "capacitor://localhost:80",
        "null",
        "",
        "*",
        # Not what `https://*.example.org` stands for: the apex, other schemes, ports and hosts
        "https://example.org",
        "https://.example.org",
        "https://a..example.org",
        "http://a.example.org",
        "https://a.example.org:8443",
        "https://a.example.org.",
        "https://aexample.org",
        "https://a.example.org.evil.example",
        "https://a.example.orgevil.example",
        "https://a.example.net",
        # Labels that no browser sends, or that mean another host
        "https://*.example.org",
        "https://-a.example.org",
        "https://a-.example.org",
        "https://A.example.org",
        "https://é.example.org",
        "https://a\n.example.org",
        "https://a b.example.org",
        "https://a/b.example.org",
        "https://evil.example/.example.org",
        "https://evil.example:80.example.org",
        "https://evil.example@a.example.org",
        "https://evil.example#.example.org",
        "https://a%2f.example.org",
        "https://" + "a" * 64 + ".example.org",
        "https://" + "a." * 122 + "example.org",
        "https://" + "a." * 4096 + "example.org",
    ],
)
def test_anything_else_is_not(origin: str) -> None:
    assert not Allowlist(LISTED).allows(origin)


def test_the_longest_host_of_253_characters_is_allowed() -> None:
    assert len(LONGEST_HOST) == 253
    assert Allowlist(LISTED).allows(f"https://{LONGEST_HOST}")


def test_the_longest_origin_is_allowed() -> None:
    origin = f"{'a' * 40}://{LONGEST_HOST}:65535"

    assert Allowlist([origin]).allows(origin)
    assert not Allowlist([origin]).allows(f"{origin}0")


def test_an_asterisk_allows_everyone() -> None:
    assert Allowlist(["*"]).allows("https://anyone.example")


def test_an_empty_list_allows_nobody() -> None:
    assert not Allowlist([]).allows("https://app.example.com")
