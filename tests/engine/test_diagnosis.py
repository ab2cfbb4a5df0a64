"""What is refused, with its code and what to write instead, as tables; the lines for people."""

import re
from collections import Counter
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from my_api.cors.settings import READERS

from .reading import APP, LONGEST_HOST, OWN, problems, refused

NO_ORIGINS = "all any everybody everyone false nil no Nobody None off on true undefined yes".split()
# The rules of an allowlist: a value, the code of its problem, what to write instead if it is sure.
REFUSED_ORIGINS: list[tuple[str, str, str | None]] = [
    # The scheme
    ("app.example.com", "scheme-missing", None),
    ("localhost:3000", "scheme-missing", None),
    ("//app.example.com", "scheme-missing", None),
    *((text, "scheme-missing", None) for text in ".example.com 3000 :3000 ::1 //3000".split()),
    ("https//app.example.com", "scheme-colon", APP),
    ("https;//app.example.com", "scheme-colon", APP),
    ("http//app.example.com", "scheme-colon", "http://app.example.com"),
    ("https://https://app.example.com", "scheme-twice", None),
    ("[::1]:3000", "scheme-missing", None),
    ("https:app.example.com", "scheme-slashes", APP),
    ("https:/app.example.com", "scheme-slashes", APP),
    ("https:///app.example.com", "scheme-slashes", APP),
    (r"https:\\app.example.com", "scheme-slashes", APP),
    (r"https:\\docs.example.com", "scheme-slashes", "https://docs.example.com"),
    (r"https:\docs.example.com", "scheme-slashes", "https://docs.example.com"),
    ("HTTPS://app.example.com", "scheme-case", APP),
    ("file:///index.html", "scheme-without-pages", None),
    ("data:text/html", "scheme-without-pages", None),
    ("ws://app.example.com", "scheme-without-pages", None),
    ("wss://app.example.com", "scheme-without-pages", None),
    ("ftp://app.example.com", "scheme-without-pages", None),
    ("blob:https://app.example.com/1", "scheme-without-pages", None),
    ("about:blank", "scheme-without-pages", None),
    ("javascript:alert(1)", "scheme-without-pages", None),
    ("mailto:ada@example.com", "scheme-without-pages", None),
    ("ssh://app.example.com", "scheme-without-pages", None),
    ("view-source://app.example.com", "scheme-without-pages", None),
    ("tcp://app.example.com", "scheme-without-pages", None),
    ("htps://app.example.com", "scheme-unknown", None),
    ("htp://app.example.com", "scheme-unknown", None),
    ("httpss://app.example.com", "scheme-unknown", None),
    ("hxxps://app.example.com", "scheme-unknown", None),
    ("httpx://app.example.com", "scheme-unknown", None),
    ("httpsss://app.example.com", "scheme-unknown", None),
    ("xhttpx://app.example.com", "scheme-unknown", None),
    ("xxhttp://app.example.com", "scheme-unknown", None),
    ("localhost://app", "scheme-unknown", None),
    ("htt://app.example.com", "scheme-unknown", None),
    ("ht://app.example.com", "scheme-unknown", None),
    ("null", "null", None),
    ("a" * 41 + "://app", "scheme-length", None),
    # The host
    ("https://", "host-empty", None),
    ("https://:8443", "host-empty", None),
    ("https://App.example.com", "host-case", APP),
    ("com.example.app-2+x://Local/", "path", "com.example.app-2+x://Local"),
    ("COM.example://Local", "scheme-case", "com.example://Local"),
    ("capacitor:///", "scheme-slashes", "capacitor://"),
    ("app://[::01]", "ipv6", "app://[::1]"),
    ("app://a..b", "label-empty", None),
    ("app://" + "a." * 126 + "com", "host-length", None),
    ("https://app.example.com.", "trailing-dot", APP),
    ("https://app..example.com", "label-empty", None),
    ("https://.example.com", "leading-dot", None),
    ("https://" + "a" * 64 + ".example.com", "label-length", None),
    ("https://" + "a." * 126 + "com", "host-length", None),
    (f"https://a{LONGEST_HOST}", "host-length", None),
    (f"https://*.a{LONGEST_HOST[2:]}", "host-length", None),
    ("https://-app.example.com", "label-hyphen", None),
    ("https://app-.example.com", "label-hyphen", None),
    ("https://app!.example.com", "host-character", None),
    ("https://app~.example.com", "host-character", None),
    ("https://%61pp.example.com", "percent", None),
    ("https://app%2E.example.com", "percent", None),
    ("https://app%bf.example.com", "percent", None),
    ("https://app%CD.example.com", "percent", None),
    ("https%3A%2F%2Fapp.example.com", "percent", None),
    ("https://bücher.example", "non-ascii", None),
    ("https://straße.example", "non-ascii", None),
    ("https://app。example.com", "non-ascii", None),
    ("https://\N{KELVIN SIGN}elvin.example", "non-ascii", None),
    ("https://xn--a.example", "punycode", None),
    ("https://xn--.example", "label-hyphen", None),
    ("https://xn--example-.example", "label-hyphen", None),
    ("https://xn--99999999.example", "punycode", None),
    ("https://xn--a-ubb.example", "punycode", None),
    ("https://xn--a-zhc.example", "punycode", None),
    ("https://xn--dca.example", "punycode", None),
    ("https://xn--4dbe1a-.example", "label-hyphen", None),
    ("http://127.1", "ipv4", None),
    ("http://127.0.0.01", "ipv4", None),
    ("http://0x7f.1", "ipv4", None),
    ("http://app.0x", "ipv4", None),
    ("http://app.0x1b", "ipv4", None),
    ("http://app.0xf", "ipv4", None),
    ("http://2130706433", "ipv4", None),
    ("http://256.0.0.1", "ipv4", None),
    ("http://[::0:1]:3000", "ipv6", "http://[::1]:3000"),
    ("http://[0:0:0:0:0:0:0:1]", "ipv6", "http://[::1]"),
    ("http://[2001:DB8::1]", "ipv6", "http://[2001:db8::1]"),
    ("http://[::1", "ipv6", None),
    ("http://[::g]", "ipv6", None),
    ("http://::1:3000", "ipv6-brackets", None),
    ("http://2001:db8::ce", "ipv6-brackets", None),
    ("http://2001:DB8::CE", "ipv6-brackets", None),
    ("http://localhost:3000:3000", "port-number", None),
    ("http://[fe80::1%eth0]", "ipv6-zone", None),
    ("http://[::ffff:127.0.0.1]", "ipv4-mapped", None),
    ("http://[::ffff:7f00:1]", "ipv4-mapped", None),
    # The port
    ("https://app.example.com:443", "port-default", APP),
    ("http://app.example.com:80", "port-default", "http://app.example.com"),
    ("https://app.example.com:", "port-empty", APP),
    ("https://app.example.com:0", "port-zero", None),
    ("https://app.example.com:65536", "port-range", None),
    ("https://app.example.com:0443", "port-zeros", APP),
    ("https://app.example.com:08443", "port-zeros", "https://app.example.com:8443"),
    ("https://app.example.com:https", "port-number", None),
    ("https://app.example.com:*", "wildcard-port", None),
    ("http://127.0.0.2:*", "wildcard-port", None),
    ("http://app.localhost:*", "wildcard-port", None),
    ("http://*.localhost:*", "wildcard-port", None),
    ("http://localhost:30*", "wildcard-port", None),
    ("HTTP://localhost:*/", "scheme-case", "http://localhost:*"),
    ("localhost:*", "scheme-missing", None),
    ("capacitor://localhost:*", "port-number", None),
    ("http://localhost:*/x", "path", "http://localhost:*"),
    ("moz-extension://*:80", "port-none", None),
    ("app://.:80", "port-none", None),
    ("http://localhost:[3000,3001]", "port-list", None),
    ("http://localhost:[3000]", "port-list", None),
    # More than an origin
    ("https://app.example.com/", "path", APP),
    ("https://app.example.com/login", "path", APP),
    ("https://app.example.com\\login", "path", None),
    ("https://app.example.com/*", "path", APP),
    ("https://app.example.com/24", "path", APP),
    *(
        (f"{origin}/", "path", origin)
        for origin in (
            "http://10.0.0.1",
            "http://[::1]",
            "http://app.example.com:1",
            "https://github.io",
            "https://http",
            f"https://{'a' * 63}.example.com",
            f"https://{LONGEST_HOST}",
        )
    ),
    ("http://10.0.0.1/24", "ip-range", None),
    ("http://10.0.0.1/8", "ip-range", None),
    ("https://app.example.com?next=1", "query", APP),
    ("https://app.example.com/?next=1", "query", APP),
    ("https://app.example.com#top", "fragment", APP),
    ("https://ada@app.example.com", "user-info", APP),
    ("https://ada:secret@app.example.com", "user-info", APP),
    ("https://app.example.com@evil.example", "user-info", None),
    # The asterisk
    ("https://*", "wildcard-place", None),
    ("*://app.example.com", "wildcard-place", None),
    ("https://app.*.com", "wildcard-place", None),
    ("https://app.shop-*.example.com", "wildcard-place", None),
    ("https://a*b*c.example.com", "wildcard-place", None),
    ("https://ab*.example.com", "wildcard-piece", None),
    ("https://*.ab*.example.com", "wildcard-place", None),
    ("https://xn--shop*.example.com", "wildcard-piece", None),
    (f"https://{'a' * 40}*{'b' * 23}.example.com", "wildcard-piece", None),
    ("https://-shop*.example.com", "label-hyphen", None),
    ("https://shop*-.example.com", "label-hyphen", None),
    ("https://Shop-*.example.com", "host-case", "https://shop-*.example.com"),
    ("https://shop!*.example.com", "host-character", None),
    ("https://shop-*.example.com/", "path", "https://shop-*.example.com"),
    ("http://10.*.0.1", "wildcard-place", None),
    ("http://192*.168.0.1", "wildcard-ip", None),
    ("https://shop-*.1", "wildcard-ip", None),
    (f"https://shop-*.{LONGEST_HOST}", "host-length", None),
    ("https://shop-*.com", "wildcard-suffix", None),
    ("https://*app.com", "wildcard-suffix", None),
    ("https://shop-*.co.uk", "wildcard-suffix", None),
    ("https://shop-*.kawasaki.jp", "wildcard-suffix", None),
    ("shop-*.example.com", "wildcard-scheme", None),
    ("capacitor://shop-*.example.com", "wildcard-host", None),
    ("https://shop-*.zzzz", "wildcard-single-label", None),
    ("moz-extension://*/", "path", "moz-extension://*"),
    ("Moz-Extension://*", "scheme-case", "moz-extension://*"),
    ("http://LOCALHOST:*", "host-case", "http://localhost:*"),
    ("app://./", "path", "app://."),
    ("chrome-extension://*", "wildcard-host", None),
    ("app://*", "wildcard-host", None),
    ("https://*.*.example.com", "wildcard-place", None),
    ("https://**.example.com", "wildcard-place", None),
    ("*.example.com", "wildcard-scheme", None),
    ("capacitor://*.example.com", "wildcard-host", None),
    ("https://*.com", "wildcard-single-label", None),
    ("https://*.local", "wildcard-single-label", None),
    ("https://*.com.", "wildcard-single-label", None),
    ("http://*.LOCALHOST:3000", "host-case", "http://*.localhost:3000"),
    ("https://*.co.uk", "wildcard-suffix", None),
    ("https://*.github.io", "wildcard-suffix", None),
    ("https://*.GitHub.io", "wildcard-suffix", None),
    ("https://*.github.io.", "wildcard-suffix", None),
    ("https://*.vercel.app", "wildcard-suffix", None),
    ("http://*.127.0.0.1", "wildcard-ip", None),
    ("http://*.[::1]", "wildcard-ip", None),
    ("https://*.example.com/", "path", "https://*.example.com"),
    (f"{APP}, *", "any-and-others", None),
    # Regular expressions
    (r"https://.*\.example\.com", "regex", None),
    (r"^https://app\.example\.com$", "regex", None),
    ("https?://app.example.com", "regex", None),
    ("https://(app|www).example.com", "regex", None),
    ("https://app.example.com (staging)", "separator", None),
    (r"https://\d.example.com", "regex", None),
    ("https://app[0-9].example.com", "regex", None),
    ("https://[a-z]+.example.com", "regex", None),
    (r"https://app\.com", "regex", None),
    (r"https:\/\/app.example.com", "regex", APP),
    (".*", "regex", None),
    ("https://.*", "regex", None),
    ("https://app.+", "regex", None),
    ("^https://app.example.com", "regex", None),
    ("https://app.example.com$", "regex", None),
    *((f"https://app{bracket}.example.com", "regex", None) for bracket in "(){}"),
    ("https://app[12].example.com", "regex", None),
    ("https://[a-c].example.com", "regex", None),
    ("https://[abc].example.com", "ipv6", None),
    # The spelling of the list
    (f'["{APP}", "{OWN}"]', "list", f"{APP}, {OWN}"),
    (f"['{APP}']", "list", APP),
    (f"({APP})", "list", APP),
    ("{" + f"'{APP}'" + "}", "list", APP),
    ("[]", "list", None),
    ("[ ]", "list", None),
    *((start + f"'{APP}'", "quotes", None) for start in ("[", "(", "{", "[ ")),
    *((f'"{APP}"' + end, "quotes", None) for end in ("]", ")", "}", " ]")),
    (f"'{APP}']", "quotes", None),
    (f'["{APP}"', "quotes", None),
    (f"'{APP}')x", "quotes", None),
    (f"x['{APP}'", "quotes", None),
    (f'"{APP}"', "quotes", APP),
    (f"'{APP}'", "quotes", APP),
    (f"“{APP}”", "quotes", APP),
    (f"<{APP}>", "brackets", APP),
    (f"<{APP}", "brackets", APP),
    (f"{APP}>", "brackets", APP),
    (f"{APP} # production", "comment", APP),
    (f"{APP} // production", "comment", APP),
    (f"# {APP}", "comment", None),
    (f"CORS_ORIGINS={APP}", "variable", None),
    (f"_A={APP}", "variable", None),
    ("${FRONT_END}", "placeholder", None),
    ("https://${HOST:-a}.example.com", "placeholder", None),
    ("$(FRONT_END)", "placeholder", None),
    ("$FRONT_END", "placeholder", None),
    ("$_HOST", "placeholder", None),
    ("$host", "placeholder", None),
    ("%front_end%", "placeholder", None),
    ("https://%(host)s", "placeholder", None),
    ("https://{tenant}.example.com", "placeholder", None),
    ("https://$HOST", "placeholder", None),
    ("{{ front_end }}", "placeholder", None),
    ("%FRONT_END%", "placeholder", None),
    *((word, "word", None) for word in NO_ORIGINS),
    ('"*"', "quotes", "*"),
    ('["*"]', "list", "*"),
    (f"{APP} {OWN}", "separator", f"{APP}, {OWN}"),
    (f"{APP} nonsense", "separator", None),
    (f"{APP};{OWN}", "separator", f"{APP}, {OWN}"),
    (f"{APP}|{OWN}", "separator", f"{APP}, {OWN}"),
    (f"{APP}\\n{OWN}", "separator", f"{APP}, {OWN}"),
    (f"{APP}\N{FULLWIDTH COMMA}{OWN}", "separator", f"{APP}, {OWN}"),
    (f"{APP}\N{IDEOGRAPHIC COMMA}{OWN}", "separator", f"{APP}, {OWN}"),
    (f"{APP}\N{FULLWIDTH SEMICOLON}{OWN}", "separator", f"{APP}, {OWN}"),
    ("https: //app.example.com", "separator", None),
    (f"{APP}\n{OWN}", "invisible", f"{APP}, {OWN}"),
    (f"{APP}\u200b", "invisible", APP),
    (f"\ufeff{APP}", "invisible", APP),
    ("https://app\x00.example.com", "invisible", APP),
    (f"{APP},,{OWN}", "empty", None),
    (",", "empty", None),
]


@pytest.mark.parametrize(("value", "code", "write"), REFUSED_ORIGINS)
def test_what_is_no_origin_is_refused(value: str, code: str, write: str | None) -> None:
    assert [(p.code, p.write) for p in problems(CORS_ORIGINS=value)] == [(code, write)]


# The headers that the Fetch standard keeps from pages.
FORBIDDEN_HEADERS = (
    "Accept-Charset Accept-Encoding Access-Control-Request-Headers Access-Control-Request-Method "
    "Connection Content-Length Cookie Cookie2 Date DNT Expect Host Keep-Alive Origin Referer "
    "Set-Cookie TE Trailer Transfer-Encoding Upgrade Via Proxy-Authorization Sec-Fetch-Site "
    "origin"
).split()
# The rules of the other variables.
REFUSED: list[tuple[str, Any, str, str | None]] = [
    ("CORS_METHODS", "get", "method-case", "GET"),
    ("CORS_METHODS", "CONNECT", "method-forbidden", None),
    ("CORS_METHODS", "TRACE", "method-forbidden", None),
    ("CORS_METHODS", "track", "method-forbidden", None),
    ("CORS_METHODS", "GET POST", "separator", "GET, POST"),
    ("CORS_METHODS", "GET; POST", "separator", "GET, POST"),
    ("CORS_METHODS", "GET|PUT", "separator", "GET, PUT"),
    ("CORS_METHODS", "get put", "separator", "GET, PUT"),
    ("CORS_METHODS", "GET and put", "separator", "GET, PUT"),
    ("CORS_METHODS", "get trace", "separator", None),
    ("CORS_METHODS", "GET|'PUT'", "separator", None),
    ("CORS_METHODS", "'GET'", "name-malformed", "GET"),
    ("CORS_METHODS", '["GET", "put"]', "list", "GET, PUT"),
    ("CORS_METHODS", "['GET', 'TRACE']", "list", None),
    ("CORS_METHODS", "[GET]", "name-malformed", None),
    ("CORS_METHODS", "ß", "name-malformed", None),
    ("CORS_METHODS", "GET\\nput", "separator", "GET, PUT"),
    *(
        ("CORS_METHODS", word, "name-word", None)
        for word in "ALL any false nil none null true undefined".split()
    ),
    ("CORS_METHODS", "*", "name-any", None),
    ("CORS_METHODS", "GET,,POST", "name-empty", None),
    ("CORS_METHODS", [], "methods-none", None),
    ("CORS_ALLOW_HEADERS", "*, X-Token", "any-and-others", None),
    ("CORS_ALLOW_HEADERS", ["X-Token", "*"], "any-and-others", None),
    ("CORS_ALLOW_HEADERS", "'*'", "name-malformed", "*"),
    ("CORS_ALLOW_HEADERS", "X-*", "name-pattern", None),
    ("CORS_ALLOW_HEADERS", "X-Token$", "name-pattern", None),
    ("CORS_ALLOW_HEADERS", "^X-Token", "name-pattern", None),
    ("CORS_ALLOW_HEADERS", "X-Token X-Other", "separator", "X-Token, X-Other"),
    ("CORS_ALLOW_HEADERS", '"X-Token"', "name-malformed", "X-Token"),
    ("CORS_ALLOW_HEADERS", "('X-Token',)", "list", "X-Token"),
    ("CORS_ALLOW_HEADERS", "X-Tokén", "name-malformed", None),
    ("CORS_ALLOW_HEADERS", "%TOKEN%", "name-malformed", None),
    ("CORS_EXPOSE_HEADERS", "none", "name-word", None),
    *(("CORS_ALLOW_HEADERS", name, "header-forbidden", None) for name in FORBIDDEN_HEADERS),
    ("CORS_EXPOSE_HEADERS", "*", "name-any", None),
    ("CORS_EXPOSE_HEADERS", "Set-Cookie", "header-unreadable", None),
    ("CORS_EXPOSE_HEADERS", "set-cookie2", "header-unreadable", None),
    ("CORS_SUPPORTS_CREDENTIALS", "maybe", "boolean", None),
    ("CORS_SUPPORTS_CREDENTIALS", 2, "boolean", None),
    ("CORS_SUPPORTS_CREDENTIALS", None, "boolean", None),
    ("CORS_ENFORCE", "y", "boolean", None),
    ("CORS_MAX_AGE", "ten minutes", "max-age", None),
    ("CORS_MAX_AGE", "-1", "max-age", "0"),
    ("CORS_MAX_AGE", -600, "max-age", "0"),
    *(
        ("CORS_OWN_SUFFIXES", value, "own-suffix", write)
        for value, write in [
            ("com", None),
            ("https://a.co.uk/", "a.co.uk"),
            ("*.a.co.uk", "a.co.uk"),
            (".a.co.uk", "a.co.uk"),
            ("A.co.uk", "a.co.uk"),
            ("a.co.uk:8443", "a.co.uk"),
            ("10.0.0.1", None),
            ("*", None),
            ("nonsense", None),
        ]
    ),
    ("CORS_MAX_AGE", "1.5", "max-age", None),
    ("CORS_MAX_AGE", "1_000", "max-age", None),
    ("CORS_MAX_AGE", "\N{ARABIC-INDIC DIGIT FIVE}", "max-age", None),
    ("CORS_MAX_AGE", True, "max-age", None),
    ("CORS_MAX_AGE", "86401", "max-age-range", "86400"),
    ("CORS_MAX_AGE", "9" * 5000, "max-age-range", "86400"),
    ("CORS_ORIGINS", None, "type", None),
    ("CORS_ORIGINS", 8000, "type", None),
    ("CORS_ORIGINS", [APP, 1], "type", None),
    ("CORS_ORIGINS", {"origins": APP}, "type", None),
    ("CORS_METHODS", True, "type", None),
    ("CORS_ALLOW_HEADERS", 1, "type", None),
    ("CORS_EXPOSE_HEADERS", {"X-A"} | {1}, "type", None),
    ("CORS_ORIGIN", APP, "unknown", None),
    ("CORS_ORIGINS_ADMN", APP, "unknown", None),
    ("CORS_ORIGINS_HEALTH", APP, "unknown", None),
    ("CORS_RESOURCES", "/api/*", "unknown", None),
    ("CORS_ORIGINS_PORT", APP, "unknown", None),
    ("CORS_MYSERVICE_HOST", "10.0.0.1", "unknown", None),
    ("CORS_SERVICE_PORS", "80", "unknown", None),
    ("CORS_PORT_80TCP", "80", "unknown", None),
    ("cors_origins", APP, "unknown", None),
    ("FLASK_CORS_ORIGINS", APP, "unknown", None),
]


@pytest.mark.parametrize(("variable", "value", "code", "write"), REFUSED)
def test_what_cannot_work_is_refused(
    variable: str, value: Any, code: str, write: str | None
) -> None:
    found = problems(**{variable: value})

    assert [(p.variable, p.code, p.write) for p in found] == [(variable, code, write)]


# What a person reads: variables, the line.
@pytest.mark.parametrize(
    ("variables", "line"),
    [
        (
            {"CORS_ORIGINS": [APP, "*"]},
            "CORS_ORIGINS, entry 2 '*': * allows all of them and stands alone; delete it or the "
            "other entries",
        ),
        (
            {"CORS_ORIGINS": [":3000"]},
            "CORS_ORIGINS, entry 1 ':3000': a port is no origin; write http:// and the host in "
            "front, as in http://localhost:3000",
        ),
        (
            {"CORS_ORIGINS": ["::1"]},
            "CORS_ORIGINS, entry 1 '::1': no scheme, and an IPv6 address stands in brackets, as in "
            "http://[::1]:3000",
        ),
        (
            {"CORS_ORIGINS": ["//a..b"]},
            "CORS_ORIGINS, entry 1 '//a..b': no scheme, and two dots with nothing between them",
        ),
        (
            {"CORS_ORIGINS": ["//app.example"]},
            "CORS_ORIGINS, entry 1 '//app.example': no scheme; write https: or http: in front",
        ),
        (
            {"CORS_ALLOW_HEADERS": "all"},
            "CORS_ALLOW_HEADERS, entry 1 'all': a word, not a name; write * for all of them",
        ),
        (
            {"CORS_ORIGINS": f"({APP})"},
            f"CORS_ORIGINS '({APP})': a list is not written in JSON or Python but with commas "
            f"alone; write {APP}",
        ),
        (
            {"CORS_ORIGINS": 8000},
            "CORS_ORIGINS '8000': neither a comma-separated text nor a list of texts",
        ),
        (
            {"CORS_ORIGINS": "*", "CORS_SUPPORTS_CREDENTIALS_ADMIN": "1"},
            "CORS_ORIGINS '*': * cannot go together with CORS_SUPPORTS_CREDENTIALS_ADMIN; list "
            "the origins",
        ),
        ({"CORS_METHODS": []}, "CORS_METHODS: at least one method is needed"),
        (
            {"CORS_METHODS": "PUT, get"},
            "CORS_METHODS, entry 2 'get': methods are upper case; write GET",
        ),
        (
            {"CORS_ENFORCE": "maybe"},
            "CORS_ENFORCE 'maybe': neither true nor false; write one",
        ),
        ({"CORS_MAX_AGE": 86401}, "CORS_MAX_AGE '86401': more than a day; write 86400"),
    ],
)
def test_a_problem_says_where_what_and_what_instead(variables: dict[str, Any], line: str) -> None:
    assert [str(problem) for problem in problems(**variables)] == [line]


def test_after_a_wrong_name_the_others_are_read() -> None:
    found = problems(CORS_METHODS="get, PUT, TRACE")

    assert [(p.entry, p.position) for p in found] == [("get", 1), ("TRACE", 3)]


# What a value is made of, for every option: entries, what surrounds them, what only looks alike.
PIECES = [
    *"https://a.example http://localhost:3000 https://*.a.example * null true 1 600 86400".split(),
    *"GET get PUT trace X-Token x_token Origin Set-Cookie https:// HTTPS a.example .. /x".split(),
    *"? # @ [ ] ( ) { } ' \" < > ; | , : . - $A {{x}} xn-- 0x1 ::1 [::0:1] 010 :443 :0443".split(),
    *(" ", ", ", "\n", "\\n", "\u200b", "\N{FULLWIDTH COMMA}", "“", "é", "None", "['", "']", "# x"),
]
VALUES = st.one_of(
    st.sampled_from([value for value, *_ in REFUSED_ORIGINS]),
    st.sampled_from([str(value) for _, value, *_ in REFUSED]),
    st.lists(st.sampled_from(PIECES), min_size=1, max_size=8).map("".join),
    st.lists(st.sampled_from(PIECES), min_size=1, max_size=5).map(" ".join),
)


@pytest.mark.parametrize("option", READERS)
def test_a_correction_is_accepted_by_the_reader_that_refused(option: str) -> None:
    offered: Counter[str] = Counter()

    @settings(max_examples=500, deadline=None, database=None, derandomize=True)
    @example("get post")
    @example("86401")
    @example("https://a.example *")
    @example("['*', 'https://a.example']")
    @given(VALUES)
    def check(value: str) -> None:
        for problem in refused(**{f"CORS_{option}": value}):
            if problem.write is not None:
                offered[problem.code] += 1
                assert refused(**{f"CORS_{option}": problem.write}) == []
                assert problem.write.strip() == problem.write != ""

    check()
    assert offered or option in ("SUPPORTS_CREDENTIALS", "ENFORCE")


@settings(max_examples=500, deadline=None, database=None, derandomize=True)
@given(
    st.lists(
        st.sampled_from("FLASK CORS ORIGINS ORIGIN METHOD AGE MAX ADMIN PUBLIC PUBLI X".split()),
        min_size=2,
        max_size=5,
    ).map("_".join)
)
def test_a_name_that_is_offered_is_that_of_a_setting(name: str) -> None:
    for problem in refused(**{name: ""}):
        for meant in re.findall(r"did you mean (\w+)\?", problem.wrong):
            assert refused(**{meant: ""}) == []
