"""The matcher allows what an entry says and nothing else."""

import pytest

from my_api.cors.origins import Allowlist

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
    host = "a." * 121 + "example.org"

    assert len(host) == 253
    assert Allowlist(LISTED).allows(f"https://{host}")


def test_the_longest_origin_is_allowed() -> None:
    origin = "a" * 40 + "://" + "a." * 121 + "example.org:65535"

    assert Allowlist([origin]).allows(origin)
    assert not Allowlist([origin]).allows(f"{origin}0")


def test_an_asterisk_allows_everyone() -> None:
    assert Allowlist(["*"]).allows("https://anyone.example")


def test_an_empty_list_allows_nobody() -> None:
    assert not Allowlist([]).allows("https://app.example.com")
