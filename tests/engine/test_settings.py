"""The rules for every variable, as tables: what is refused, what to write, which variable wins."""

from typing import Any

import pytest

from my_api import create_app
from my_api.cors.origins import parse
from my_api.cors.policy import Policy
from my_api.cors.problems import Problem, quoted
from my_api.cors.settings import ConfigurationError, read_settings

BLUEPRINTS = ["public", "admin"]
APP = "https://app.example.com"
OWN = "https://own.example.com"
NO_BLUEPRINT = "names no blueprint (admin, public)"
LONGEST_HOST = "a." * 121 + "example.org"


def policies(**variables: Any) -> dict[str, Policy]:
    return read_settings(BLUEPRINTS, variables).policies


def problems(**variables: Any) -> list[Problem]:
    with pytest.raises(ConfigurationError) as raised:
        read_settings(BLUEPRINTS, variables)
    return list(raised.value.problems)


def warnings(**variables: Any) -> list[Problem]:
    return read_settings(BLUEPRINTS, variables).warnings


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
]


@pytest.mark.parametrize("entry", ACCEPTED_ORIGINS)
def test_an_origin_as_browsers_send_it_is_accepted(entry: str) -> None:
    assert policies(CORS_ORIGINS=entry)["public"].origins == (entry,)


NO_ORIGINS = "all any everybody everyone false nil no Nobody None off on true undefined yes".split()
# The rules of an allowlist: a value, the code of its problem, what to write instead if it is sure.
REFUSED_ORIGINS: list[tuple[str, str, str | None]] = [
    # The scheme
    ("app.example.com", "scheme-missing", None),
    ("localhost:3000", "scheme-missing", None),
    ("//app.example.com", "scheme-missing", None),
    ("https//app.example.com", "scheme-colon", APP),
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
    ("htt://app.example.com", "scheme-unknown", None),
    ("ht://app.example.com", "scheme-unknown", None),
    ("null", "null", None),
    ("a" * 41 + "://app", "scheme-length", None),
    # The host
    ("https://", "host-empty", None),
    ("https://:8443", "host-empty", None),
    ("https://App.example.com", "host-case", APP),
    ("com.example.app-2+x://Local", "host-case", "com.example.app-2+x://local"),
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
    ("http://localhost:*", "wildcard-port", None),
    ("localhost:*", "wildcard-port", None),
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
    ("https://app*.example.com", "wildcard-place", None),
    ("https://*app.example.com", "wildcard-place", None),
    ("https://*.*.example.com", "wildcard-place", None),
    ("https://**.example.com", "wildcard-place", None),
    ("*.example.com", "wildcard-scheme", None),
    ("capacitor://*.example.com", "wildcard-scheme", None),
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
    *((start + f"'{APP}'", "list", None) for start in ("[", "(", "{", "[ ")),
    *((f'"{APP}"' + end, "list", None) for end in ("]", ")", "}", " ]")),
    (f"'{APP}']", "list", None),
    (f'["{APP}"', "list", None),
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


def test_nobody_owns_what_lies_under_a_shared_suffix() -> None:
    suffixes = """
        co.uk org.uk com.au com.br com.cn com.de com.mx com.tr co.il co.in co.jp co.kr co.nz co.za
        amazonaws.com appspot.com azurestaticapps.net azurewebsites.net blogspot.com
        cloudfront.net firebaseapp.com fly.dev github.io gitlab.io herokuapp.com lovable.app
        netlify.app ngrok.io ngrok-free.app onrender.com pages.dev railway.app run.app
        s3.amazonaws.com surge.sh trycloudflare.com vercel.app web.app web.core.windows.net
        workers.dev
    """.split()

    for suffix in suffixes:
        (problem,) = problems(CORS_ORIGINS=f"https://*.{suffix}")
        assert (suffix, problem.code) == (suffix, "wildcard-suffix")
        assert policies(CORS_ORIGINS=f"https://{suffix}, https://*.app.{suffix}")


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
        ("é\N{ZERO WIDTH NON-JOINER}", False),
        ("é\N{ZERO WIDTH SPACE}a", False),
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


def test_punycode_has_one_spelling() -> None:
    assert parse("https://xn--4dbrk0ce.example")
    assert parse("https://xn---4dbrk0ce.example") is None


# The headers that the Fetch standard keeps from pages.
FORBIDDEN_HEADERS = (
    "Accept-Charset Accept-Encoding Access-Control-Request-Headers Access-Control-Request-Method "
    "Connection Content-Length Cookie Cookie2 Date DNT Expect Host Keep-Alive Origin Referer "
    "Set-Cookie TE Trailer Transfer-Encoding Upgrade Via Proxy-Authorization Sec-Fetch-Site "
    "Access-Control-Allow-Origin origin"
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
    ("CORS_METHODS", "GET|'PUT'", "separator", None),
    ("CORS_METHODS", "'GET'", "name-malformed", None),
    *(
        ("CORS_METHODS", word, "name-word", None)
        for word in "ALL any false nil none null true undefined".split()
    ),
    ("CORS_METHODS", "*", "name-any", None),
    ("CORS_METHODS", "GET,,POST", "name-empty", None),
    ("CORS_METHODS", [], "methods-none", None),
    ("CORS_ALLOW_HEADERS", "*", "name-any", None),
    ("CORS_ALLOW_HEADERS", "X-*", "name-pattern", None),
    ("CORS_ALLOW_HEADERS", "X-Token$", "name-pattern", None),
    ("CORS_ALLOW_HEADERS", "^X-Token", "name-pattern", None),
    ("CORS_ALLOW_HEADERS", "X-Token X-Other", "separator", "X-Token, X-Other"),
    ("CORS_ALLOW_HEADERS", '"X-Token"', "name-malformed", None),
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
    ("CORS_MAX_AGE", "-1", "max-age", None),
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
            "CORS_ORIGINS, entry 2 '*': * allows every origin and stands alone; delete it or the "
            "other entries",
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
            "CORS_ENFORCE 'maybe': neither true nor false; write one of them",
        ),
        ({"CORS_MAX_AGE": 86401}, "CORS_MAX_AGE '86401': more than a day; write 86400"),
    ],
)
def test_a_problem_says_where_what_and_what_instead(variables: dict[str, Any], line: str) -> None:
    assert [str(problem) for problem in problems(**variables)] == [line]


def test_after_a_wrong_name_the_others_are_read() -> None:
    found = problems(CORS_METHODS="get, PUT, TRACE")

    assert [(p.entry, p.position) for p in found] == [("get", 1), ("TRACE", 3)]


# Two settings that exclude each other.
@pytest.mark.parametrize(
    ("entry", "code"),
    [
        ("*", "any-with-credentials"),
        ("http://app.example.com", "http-with-credentials"),
        ("http://8.8.8.8", "http-with-credentials"),
        ("http://*.example.com", "http-with-credentials"),
    ],
)
def test_credentials_need_listed_and_encrypted_origins(entry: str, code: str) -> None:
    found = problems(CORS_ORIGINS=entry, CORS_SUPPORTS_CREDENTIALS="true")

    assert [(p.variable, p.entry, p.code) for p in found] == [("CORS_ORIGINS", entry, code)]


@pytest.mark.parametrize(
    "entry",
    [
        "http://localhost:3000",
        "http://app.localhost",
        "http://*.localhost",
        "http://127.0.0.1:3000",
        "http://127.8.8.8",
        "http://[::1]:3000",
        "capacitor://localhost",
        APP,
    ],
)
def test_credentials_go_with_this_machine_and_https(entry: str) -> None:
    assert warnings(CORS_ORIGINS=entry, CORS_SUPPORTS_CREDENTIALS="true") == []


# What starts all the same, with a warning: a variable, its value, the code, the line.
@pytest.mark.parametrize(
    ("variable", "value", "code", "line"),
    [
        ("CORS_ORIGINS", f"{APP}, {APP}", "duplicate", f" '{APP}': it is listed twice; delete one"),
        (
            "CORS_ORIGINS",
            f"{APP}, https://*.example.com",
            "redundant",
            f" '{APP}': a wider entry allows it already; delete it",
        ),
        (
            "CORS_ORIGINS",
            "https://*.a.example.com, https://*.example.com",
            "redundant",
            " 'https://*.a.example.com': a wider entry allows it already; delete it",
        ),
        ("CORS_METHODS", "GET, GET", "duplicate", " 'GET': it is listed twice; delete one"),
        (
            "CORS_METHODS",
            "GET, OPTIONS",
            "method-options",
            ", entry 2 'OPTIONS': needed only where a page sends OPTIONS itself, not for "
            "preflights",
        ),
        (
            "CORS_ALLOW_HEADERS",
            "X-Token, x-token",
            "duplicate",
            " 'x-token': it is listed twice; delete one",
        ),
        *(
            (
                "CORS_ALLOW_HEADERS",
                name,
                "header-safelisted",
                f", entry 1 '{name}': every page may send it; delete it",
            )
            for name in ("Accept", "accept-language", "Content-Language")
        ),
        *(
            (
                "CORS_EXPOSE_HEADERS",
                name,
                "header-safelisted",
                f", entry 1 '{name}': every page may read it; delete it",
            )
            for name in (
                *("Cache-Control", "Content-Language", "Content-Length", "content-type"),
                *("Expires", "Last-Modified", "Pragma"),
            )
        ),
        (
            "CORS_MAX_AGE",
            "7201",
            "max-age-long",
            " '7201': Chromium remembers a preflight for 7200 seconds at most",
        ),
    ],
)
def test_what_is_odd_but_works_is_a_warning(
    variable: str, value: str, code: str, line: str
) -> None:
    found = warnings(**{variable: value})

    assert [(warning.code, str(warning)) for warning in found] == [(code, variable + line)]


@pytest.mark.parametrize(
    "entry",
    [
        *("http://10.0.0.1", "http://192.168.1.5:3000", "http://[fd00::1]"),
        *("http://app.test", "http://a.b.test", "http://nas.local", "http://api.internal"),
    ],
)
def test_credentials_over_http_in_a_private_network_are_a_warning(entry: str) -> None:
    found = warnings(CORS_ORIGINS=entry, CORS_SUPPORTS_CREDENTIALS="true")

    assert [(w.code, str(w)) for w in found] == [
        (
            "http-with-credentials",
            f"CORS_ORIGINS '{entry}': over http:// anyone on the way can use what "
            "CORS_SUPPORTS_CREDENTIALS lets a page send",
        )
    ]


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("CORS_ORIGINS", f"{APP}, {OWN}"),
        ("CORS_ORIGINS", "https://example.com, https://*.example.com"),
        ("CORS_ORIGINS", "https://*.a.example"),
        ("CORS_MAX_AGE", "7200"),
    ],
)
def test_values_of_which_nothing_is_too_much_are_no_warning(variable: str, value: str) -> None:
    assert warnings(**{variable: value}) == []


def test_warnings_are_logged_once_at_the_start(caplog: pytest.LogCaptureFixture) -> None:
    create_app({"CORS_MAX_AGE": "9000"})

    assert [(record.levelname, record.message) for record in caplog.records] == [
        (
            "WARNING",
            "CORS: CORS_MAX_AGE '9000': Chromium remembers a preflight for 7200 seconds at most",
        )
    ]


# Which variable wins: variables, an option, its value for `public` and for `admin`.
@pytest.mark.parametrize(
    ("variables", "option", "public", "admin"),
    [
        ({}, "origins", (), ()),
        ({"CORS_ORIGINS": APP}, "origins", (APP,), (APP,)),
        ({"CORS_ORIGINS_ADMIN": APP}, "origins", (), (APP,)),
        ({"CORS_ORIGINS": APP, "CORS_ORIGINS_ADMIN": OWN}, "origins", (APP,), (OWN,)),
        ({"CORS_ORIGINS": APP, "CORS_ORIGINS_ADMIN": ""}, "origins", (APP,), ()),
        ({"CORS_ORIGINS": " "}, "origins", (), ()),
        ({"CORS_ORIGINS": f" {APP} ,\n{OWN},"}, "origins", (APP, OWN), (APP, OWN)),
        ({"CORS_ORIGINS": [APP, OWN]}, "origins", (APP, OWN), (APP, OWN)),
        ({"CORS_ORIGINS": (APP, OWN)}, "origins", (APP, OWN), (APP, OWN)),
        ({"CORS_ORIGINS": frozenset([APP])}, "origins", (APP,), (APP,)),
        ({"CORS_ORIGINS": frozenset({APP})}, "origins", (APP,), (APP,)),
        ({"CORS_ORIGINS": []}, "origins", (), ()),
        ({"CORS_ORIGINS": "*"}, "origins", ("*",), ("*",)),
        ({"CORS_METHODS": "GET, PUT"}, "methods", ("GET", "PUT"), ("GET", "PUT")),
        ({"CORS_METHODS": "PUT", "CORS_METHODS_ADMIN": ""}, "methods", ("PUT",), ("PUT",)),
        ({"CORS_ALLOW_HEADERS": ""}, "allow_headers", (), ()),
        (
            {"CORS_ALLOW_HEADERS": "X-A", "CORS_ALLOW_HEADERS_ADMIN": ""},
            "allow_headers",
            ("X-A",),
            (),
        ),
        (
            {"CORS_EXPOSE_HEADERS": "X-A,X_b.1"},
            "expose_headers",
            ("X-A", "X_b.1"),
            ("X-A", "X_b.1"),
        ),
        ({"CORS_SUPPORTS_CREDENTIALS_ADMIN": "yes"}, "supports_credentials", False, True),
        ({"CORS_SUPPORTS_CREDENTIALS": True}, "supports_credentials", True, True),
        ({"CORS_SUPPORTS_CREDENTIALS": "ON"}, "supports_credentials", True, True),
        ({"CORS_ENFORCE_PUBLIC": "off"}, "enforce", False, True),
        ({"CORS_ENFORCE_PUBLIC": 0}, "enforce", False, True),
        ({"CORS_ENFORCE": "no", "CORS_ENFORCE_PUBLIC": ""}, "enforce", False, False),
        ({"CORS_MAX_AGE": "0"}, "max_age", 0, 0),
        ({"CORS_MAX_AGE": "0" * 20 + "60"}, "max_age", 60, 60),
        ({"CORS_MAX_AGE": "86400"}, "max_age", 86400, 86400),
        ({"CORS_MAX_AGE": 60, "CORS_MAX_AGE_ADMIN": ""}, "max_age", 60, 60),
    ],
)
def test_the_own_variable_then_the_shared_one_then_the_default(
    variables: dict[str, Any], option: str, public: object, admin: object
) -> None:
    read = policies(**variables)

    assert (getattr(read["public"], option), getattr(read["admin"], option)) == (public, admin)


def test_the_defaults_allow_nobody() -> None:
    policy = policies()["public"]

    assert policy == Policy("public")
    assert not policy.allows(APP)


def test_a_policy_knows_the_variables_that_decided() -> None:
    policy = policies(CORS_ORIGINS=APP, CORS_MAX_AGE_ADMIN="60")["admin"]

    assert policy.variables == {"origins": "CORS_ORIGINS", "max_age": "CORS_MAX_AGE_ADMIN"}
    assert policy.variable("methods") == "CORS_METHODS_ADMIN"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("CORS_SERVICE_HOST", "10.0.0.1"),
        ("CORS_SERVICE_HOST", "fd00::1"),
        ("CORS_PORT", "tcp://10.0.0.1:80"),
        ("CORS_PROXY_SERVICE_PORT_HTTP", "80"),
        ("CORS_PROXY_PORT_80_TCP", "tcp://10.0.0.1:80"),
        ("CORS_PROXY_PORT_80_TCP_PROTO", "tcp"),
        ("CORS_PROXY_PORT_53_UDP", "udp://10.0.0.1:53"),
        ("CORS_PROXY_PORT_9_SCTP_PROTO", "sctp"),
        ("PATH", "/bin"),
        ("FLASK_DEBUG", "1"),
    ],
)
def test_variables_of_others_are_passed_over(name: str, value: str) -> None:
    assert policies(**{name: value})["public"] == Policy("public")


@pytest.mark.parametrize(
    ("name", "advice"),
    [
        ("CORS_ORIGIN", "is not a setting; did you mean CORS_ORIGINS?"),
        ("CORS_ALLOWED_ORIGINS", "is not a setting; did you mean CORS_ORIGINS?"),
        ("CORS_ORIGINS_ADMN", f"{NO_BLUEPRINT}; did you mean CORS_ORIGINS_ADMIN?"),
        ("CORS_ADMIN_ORIGINS", "is not a setting; did you mean CORS_ORIGINS_ADMIN?"),
        ("CORS_RESOURCES", "is not a setting; delete it"),
        ("CORS_ORIGINS_SHOP", f"{NO_BLUEPRINT}; delete it"),
        ("CORS_ORIGINS_PUB", f"{NO_BLUEPRINT}; delete it"),
        ("FLASK_CORS_MAX_AGE", "CORS settings have no FLASK_ in front; did you mean CORS_MAX_AGE?"),
    ],
)
def test_the_nearest_name_is_never_a_wider_one(name: str, advice: str) -> None:
    (problem,) = problems(**{name: ""})

    assert str(problem) == f"{name}: {advice}"


@pytest.mark.parametrize(
    ("blueprint", "variable"),
    [("v12", "CORS_ORIGINS_V12"), ("a-b.c", "CORS_ORIGINS_A_B_C"), ("été", "CORS_ORIGINS__T_")],
)
def test_letters_and_digits_of_a_blueprint_name_its_variables(
    blueprint: str, variable: str
) -> None:
    policy = read_settings([blueprint], {variable: APP}).policies[blueprint]

    assert (policy.origins, policy.variable("origins")) == ((APP,), variable)


def test_two_blueprints_with_one_suffix_are_refused() -> None:
    with pytest.raises(ConfigurationError, match="'a-b' and 'a_b'") as raised:
        read_settings(["a-b", "a_b"], {})

    assert [(p.variable, p.code) for p in raised.value.problems] == [
        ("CORS_ORIGINS_A_B", "suffix-clash")
    ]


def test_all_problems_are_reported_at_once() -> None:
    with pytest.raises(ConfigurationError) as raised:
        policies(
            CORS_ORIGINS_ADMIN=f"{APP}, https://admin.example.com/",
            CORS_ORIGINS_ADMN=APP,
            CORS_MAX_AGE="soon",
            CORS_SUPPORTS_CREDENTIALS="true",
            CORS_ORIGINS="http://app.example.com, nonsense",
        )

    assert raised.value.message.splitlines() == [
        "CORS configuration has 5 problems:",
        "  CORS_ORIGINS_ADMN: names no blueprint (admin, public); did you mean CORS_ORIGINS_ADMIN?",
        "  CORS_ORIGINS, entry 2 'nonsense': an origin begins with its scheme; "
        "write https:// or http:// in front",
        "  CORS_MAX_AGE 'soon': not a number of seconds; write a whole one from 0 to 86400",
        "  CORS_ORIGINS_ADMIN, entry 2 'https://admin.example.com/': an origin has no path; "
        "write https://admin.example.com",
        "  CORS_ORIGINS 'http://app.example.com': over http:// anyone on the way can use what "
        "CORS_SUPPORTS_CREDENTIALS lets a page send; write https://",
    ]


@pytest.mark.parametrize(("count", "words"), [(1, "1 problem:"), (2, "2 problems:")])
def test_one_problem_is_one(count: int, words: str) -> None:
    with pytest.raises(ConfigurationError, match=rf"^CORS configuration has {words}\n"):
        policies(CORS_ORIGINS=["nonsense"] * count)


@pytest.mark.parametrize(("count", "more"), [(20, []), (21, ["  and 1 more"])])
def test_twenty_problems_are_printed_and_the_rest_counted(count: int, more: list[str]) -> None:
    with pytest.raises(ConfigurationError) as raised:
        policies(CORS_ORIGINS=["nonsense"] * count)

    lines = str(raised.value).splitlines()
    assert len(raised.value.problems) == count
    assert (len(lines[1:21]), lines[21:]) == (20, more)


def test_a_name_that_cannot_be_printed_is_quoted() -> None:
    (problem,) = problems(**{"CORS_\n": APP})

    assert str(problem).startswith(r"'CORS_\n': is not a setting")


@pytest.mark.parametrize(
    ("text", "quotes"),
    [
        ("é", "'é'"),
        ("é\u200b", r"'\xe9\u200b'"),
        ("x" * 100, f"'{'x' * 100}'"),
        ("x" * 101, f"'{'x' * 97}...'"),
    ],
)
def test_what_can_be_seen_is_quoted_as_it_is(text: str, quotes: str) -> None:
    assert quoted(text) == quotes


def test_a_problem_quotes_a_hundred_characters_on_one_line() -> None:
    (problem,) = problems(CORS_ORIGINS="x\n" * 5000)

    assert problem.entry == ("x\n" * 5000).strip()
    assert len(str(problem)) < 300
    assert "\n" not in str(problem)
