"""`flask cors` shows the policies, `flask cors check` says what a page sees and what to change."""

import json
import os
import re
from pathlib import Path
from urllib.parse import unquote_to_bytes, urlsplit

import ada_url
import pytest
from flask import Blueprint, Flask
from hypothesis import given, settings
from hypothesis import strategies as st
from my_api import cors
from my_api.cors import origins
from my_api.cors.browser import resolve

from .conftest import LISTED, STRANGER, MakeApp

PATH = "/api/public/ok"
JSON = ("-H", "Content-Type")


def run(app: Flask, *arguments: str, color: bool = False) -> tuple[int, str]:
    result = app.test_cli_runner().invoke(args=["cors", *arguments], color=color)
    assert isinstance(result.exception, SystemExit | None)
    return result.exit_code, result.output


@pytest.fixture(autouse=True)
def wide_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wrap no line, unless a test wants it; no other test has made the suffixes known."""
    monkeypatch.setenv("COLUMNS", "200")
    origins.public_suffixes.cache_clear()


Way = tuple[str, dict[str, str]]


def ways(app: Flask, *arguments: str) -> list[Way]:
    """Return what check advises: for whom, and the lines."""
    code, output = run(app, "check", *arguments, "--json")
    said = json.loads(output)
    assert (code, said["allowed"]) == (1, False)
    return [
        (", ".join(way["opens"]), {line["variable"]: line["value"] for line in way["lines"]})
        for way in said["write"]
    ]


# flask cors


def test_the_policies_are_shown_with_the_variables_that_decided(
    make_app: MakeApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CORS_EXPOSE_HEADERS", "X-Request-Id")
    app = make_app(CORS_MAX_AGE="9000", CORS_METHODS_ADMIN="PUT")
    code, output = run(app)

    assert code == 0
    assert output.splitlines() == [
        f"flask-cors-api {cors.__version__}",
        "public  /api/public",
        "  origins               https://app.example.com",
        "                        from CORS_ORIGINS (create_app)",
        "  methods               GET, HEAD, POST, PUT, PATCH, DELETE",
        "  allow_headers         Authorization, Content-Type",
        "  expose_headers        X-Request-Id",
        "                        from CORS_EXPOSE_HEADERS (environment)",
        "  supports_credentials  no",
        "  max_age               9000",
        "                        from CORS_MAX_AGE (create_app)",
        "  enforce               yes",
        "admin  /api/admin",
        "  origins               https://app.example.com",
        "                        from CORS_ORIGINS (create_app)",
        "  methods               PUT",
        "                        from CORS_METHODS_ADMIN (create_app)",
        "  allow_headers         Authorization, Content-Type",
        "  expose_headers        X-Request-Id",
        "                        from CORS_EXPOSE_HEADERS (environment)",
        "  supports_credentials  no",
        "  max_age               9000",
        "                        from CORS_MAX_AGE (create_app)",
        "  enforce               yes",
        "No policy (the application's own answer goes out, and nothing is refused):",
        "  /health",
        "Warning: CORS_MAX_AGE '9000': Chromium remembers a preflight for 7200 seconds at most",
    ]


def bare(*blueprints: tuple[str, str]) -> Flask:
    """Return an application of blueprints without a route, given their names and prefixes."""
    app = Flask("bare", static_folder=None)
    cors.init_app(app, [Blueprint(n, __name__, url_prefix=prefix) for n, prefix in blueprints])
    return app


def test_blueprints_that_share_a_prefix_are_both_shown() -> None:
    shown = run(bare(("first", "/api"), ("second", "/api")))[1].splitlines()

    assert [line for line in shown if line[0] != " "][1:] == ["first  /api", "second  /api"]


def test_without_rules_outside_every_prefix_nothing_is_said_of_them() -> None:
    assert "No policy" not in run(bare(("api", "/api")))[1]


def test_nobody_and_none_are_words(make_app: MakeApp) -> None:
    app = make_app(CORS_ORIGINS="", CORS_ALLOW_HEADERS="", CORS_ENFORCE="no")
    rows = [line.split() for line in run(app)[1].splitlines()]

    assert ["origins", "nobody"] in rows
    assert ["allow_headers", "none"] in rows
    assert ["enforce", "no"] in rows


def test_the_table_is_lined_up(make_app: MakeApp, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "50")
    origins = ["https://a-b-c-d.example", "https://e-f.example"]
    app = make_app(CORS_ORIGINS_PUBLIC=origins, CORS_METHODS_PUBLIC="GET")

    assert run(app)[1].splitlines()[2:8] == [
        "  origins               https://a-b-c-d.example,",
        "                        https://e-f.example",
        "                        from CORS_ORIGINS_PUBLIC",
        "                        (create_app)",
        "  methods               GET",
        "                        from CORS_METHODS_PUBLIC",
    ]


@pytest.mark.parametrize("columns", [80, 120])
def test_the_table_fits_the_terminal(
    make_app: MakeApp, monkeypatch: pytest.MonkeyPatch, columns: int
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    origins = [f"https://tenant-{number}.example.com" for number in range(9)]
    credentials = "CORS_SUPPORTS_CREDENTIALS_PUBLIC"
    app = make_app(**{credentials: "true", "CORS_ORIGINS_PUBLIC": origins})
    lines = [line for line in run(app)[1].splitlines() if line.startswith(" ")]

    assert max(map(len, lines)) <= columns
    for origin in origins:
        assert sum(origin in line for line in lines) == 1


def test_json_is_for_scripts(make_app: MakeApp) -> None:
    code, output = run(make_app(CORS_MAX_AGE="9000"), "--json")
    data = json.loads(output)

    assert code == 0
    assert data.keys() == {
        *("version", "env_files", "public_suffix_list", "blueprints", "without_policy"),
        "warnings",
    }
    assert data["env_files"] == []
    assert data["version"] == cors.__version__
    assert [row["name"] for row in data["blueprints"]] == ["public", "admin"]
    assert data["blueprints"][0] == {
        "name": "public",
        "prefix": "/api/public",
        "origins": [LISTED],
        "methods": ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"],
        "allow_headers": ["Authorization", "Content-Type"],
        "expose_headers": [],
        "supports_credentials": False,
        "max_age": 9000,
        "enforce": True,
        "variables": {"origins": "CORS_ORIGINS", "max_age": "CORS_MAX_AGE"},
        "sources": {"origins": "create_app", "max_age": "create_app"},
    }
    assert data["without_policy"] == ["/health"]
    assert data["warnings"] == [
        {
            "variable": "CORS_MAX_AGE",
            "code": "max-age-long",
            "wrong": "Chromium remembers a preflight for 7200 seconds at most",
            "write": None,
            "entry": "9000",
            "position": None,
        }
    ]


def test_colour_is_for_terminals(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "\x1b[1m" in run(app, color=True)[1]
    assert "\x1b" not in run(app)[1]
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b" not in run(app, color=True)[1]


def test_yes_is_green_and_no_is_red(app: Flask) -> None:
    output = run(app, "check", STRANGER, "GET", PATH, color=True)[1]

    assert "\x1b[32m✓ \x1b[0mno preflight" in output
    assert "\x1b[31m✗ \x1b[0mthe answer has no" in output


# flask cors check


def test_check_says_yes(app: Flask) -> None:
    assert run(app, "check", LISTED, "PUT", PATH, *JSON) == (
        0,
        "✓ a preflight is needed: PUT is none of GET, HEAD, POST\n"
        f"✓ preflight: OPTIONS {PATH} is answered 204\n"
        f"✓ PUT {PATH} reaches the application\n"
        "✓ the page reads the answer\n"
        "Yes.\n",
    )


def test_check_says_which_headers_need_a_preflight(app: Flask) -> None:
    asked = run(app, "check", LISTED, "GET", PATH, "-H", "X-B", "-H", "X-A")[1]
    plain = run(app, "check", LISTED, "POST", PATH, "-H", "Content-Type: text/plain")[1]

    assert asked.splitlines()[0] == "✓ a preflight is needed: the page sets x-a, x-b"
    assert plain.splitlines()[0] == "✓ no preflight is needed for a plain POST"


def test_check_runs_no_view(make_app: MakeApp) -> None:
    app = make_app()
    ran: list[str] = []
    app.before_request(lambda: ran.append("before"))

    assert run(app, "check", LISTED, "POST", PATH)[0] == 0
    assert ran == []


def test_check_leaves_no_line_in_the_log(app: Flask, caplog: pytest.LogCaptureFixture) -> None:
    assert run(app, "check", STRANGER, "POST", PATH)[0] == 1
    assert caplog.records == []


def test_check_says_no_and_what_to_write(app: Flask) -> None:
    assert run(app, "check", STRANGER, "POST", PATH) == (
        1,
        "✓ no preflight is needed for a plain POST\n"
        f"✗ POST {PATH} is answered 403 before it reaches the application\n"
        "✗ the answer has no Access-Control-Allow-Origin\n"
        f"No: '{STRANGER}' is not in CORS_ORIGINS\n"
        "To allow it for public, admin:\n"
        "  # create_app\n"
        f'  "CORS_ORIGINS": "{LISTED},{STRANGER}",\n'
        "Or for public, which no longer follows CORS_ORIGINS then:\n"
        "  # create_app\n"
        f'  "CORS_ORIGINS_PUBLIC": "{LISTED},{STRANGER}",\n',
    )


ALL = "GET,HEAD,POST,PUT,PATCH,DELETE"


@pytest.mark.parametrize(
    ("arguments", "option", "value"),
    [
        ([STRANGER, "GET", PATH], "ORIGINS", f"{LISTED},{STRANGER}"),
        ([STRANGER, "PUT", PATH], "ORIGINS", f"{LISTED},{STRANGER}"),
        ([LISTED, "PURGE", PATH], "METHODS", f"{ALL},PURGE"),
        (
            [LISTED, "GET", PATH, "-H", "X-B : 1", "-H", "X-A", "-H", "x-b"],
            "ALLOW_HEADERS",
            "Authorization,Content-Type,x-a,x-b",
        ),
        ([LISTED, "GET", PATH, "--credentials"], "SUPPORTS_CREDENTIALS", "true"),
    ],
)
def test_what_check_writes_makes_it_a_yes_for_those_that_it_names(
    app: Flask, make_app: MakeApp, arguments: list[str], option: str, value: str
) -> None:
    shared, own = f"CORS_{option}", f"CORS_{option}_PUBLIC"
    assert ways(app, *arguments) == [("public, admin", {shared: value}), ("public", {own: value})]

    admin = [word.replace("public", "admin") for word in arguments]
    opened = [
        [run(make_app(**{name: value}), "check", *words)[0] for words in (arguments, admin)]
        for name in (shared, own)
    ]
    assert opened == [[0, 0], [0, 1]]


def test_a_blueprint_with_a_variable_of_its_own_has_one_way(make_app: MakeApp) -> None:
    app = make_app(CORS_ORIGINS_PUBLIC="https://a.example")

    assert ways(app, STRANGER, "GET", PATH) == [
        ("public", {"CORS_ORIGINS_PUBLIC": f"https://a.example,{STRANGER}"})
    ]
    assert "no longer follows" not in run(app, "check", STRANGER, "GET", PATH)[1]


def test_a_shared_variable_opens_those_that_take_it(make_app: MakeApp) -> None:
    app = make_app(CORS_ORIGINS_ADMIN="https://a.example")

    assert ways(app, STRANGER, "GET", PATH) == [
        ("public", {"CORS_ORIGINS": f"{LISTED},{STRANGER}"})
    ]


@pytest.mark.parametrize("listed", ["", LISTED])
def test_a_blueprint_that_takes_no_shared_list_has_its_own_to_write(listed: str) -> None:
    app = Flask("bare", static_folder=None)
    app.config["CORS_ORIGINS"] = listed
    blueprints = [Blueprint(n, __name__, url_prefix=f"/{n}") for n in ("public", "admin")]
    cors.init_app(app, blueprints, own_list={"admin"})

    assert ways(app, STRANGER, "GET", "/admin/") == [("admin", {"CORS_ORIGINS_ADMIN": STRANGER})]


def write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")
    cors.load_env(path)


def places(app: Flask, *arguments: str) -> list[str]:
    """Return the lines that check prints of where to write."""
    return [n[4:] for n in run(app, "check", *arguments)[1].splitlines() if n[:4] == "  # "]


def test_a_line_goes_where_the_value_comes_from(
    make_app: MakeApp, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(os, "environ", os.environ.copy())
    os.environ["CORS_METHODS"] = "GET"
    write(tmp_path / ".env", "# mine\nCORS_ALLOW_HEADERS=X-A\nCORS_METHODS=GET\n")
    app = make_app()
    asked = [STRANGER, "PUT", PATH, "-H", "X-B", "--credentials"]

    process = "the environment of the process"
    assert places(app, *asked) == [
        *("create_app", process, ".env line 2", ".env"),
        *("create_app", process, ".env"),
    ]
    output = run(app, "check", *asked)[1].splitlines()
    left = ["CORS_ORIGINS", "CORS_METHODS", "CORS_ALLOW_HEADERS"]
    assert f"Or for public, which no longer follows {', '.join(left)} then:" in output
    said = json.loads(run(app, "check", *asked, "--json")[1])["write"]
    assert [way["leaves"] for way in said] == [[], left]
    where = [line["where"] for line in said[0]["lines"]]
    assert where == ["create_app", "environment", ".env line 2", ".env"]


def test_without_any_setting_a_line_goes_into_env() -> None:
    assert places(bare(("api", "/api")), STRANGER, "GET", "/api/") == [".env"]


def test_check_writes_everything_that_is_missing(app: Flask, make_app: MakeApp) -> None:
    everything = [STRANGER, "PURGE", PATH, "-H", "X-Token", "--credentials"]
    (_, shared), (_, own) = ways(app, *everything)

    assert len(shared) == len(own) == 4
    for lines in (shared, own):
        assert run(make_app(**lines), "check", *everything)[0] == 0


def test_check_writes_nothing_that_is_there(make_app: MakeApp) -> None:
    trusting = make_app(CORS_SUPPORTS_CREDENTIALS="true")
    public = make_app(CORS_ORIGINS="*")

    assert [{*lines} for _, lines in ways(trusting, STRANGER, "GET", PATH, "--credentials")] == [
        {"CORS_ORIGINS"},
        {"CORS_ORIGINS_PUBLIC"},
    ]
    assert [{*lines} for _, lines in ways(public, STRANGER, "PURGE", PATH)] == [
        {"CORS_METHODS"},
        {"CORS_METHODS_PUBLIC"},
    ]


def test_check_prints_in_any_encoding(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    result = app.test_cli_runner(charset="cp1252").invoke(
        args=["cors", "check", STRANGER, "GET", PATH]
    )

    assert result.output.splitlines()[0] == "+ no preflight is needed for a plain GET"
    assert result.output.splitlines()[2].startswith("- ")


def test_check_knows_that_credentials_need_a_list(make_app: MakeApp) -> None:
    app = make_app(CORS_ORIGINS="*")
    needed = {"ORIGINS": LISTED, "SUPPORTS_CREDENTIALS": "true"}

    assert ways(app, LISTED, "GET", PATH, "--credentials") == [
        ("public, admin", {f"CORS_{name}": value for name, value in needed.items()}),
        ("public", {f"CORS_{name}_PUBLIC": value for name, value in needed.items()}),
    ]
    warned = "! * goes without cookies: list each origin that is to keep access\n"
    assert warned in run(app, "check", LISTED, "GET", PATH, "--credentials")[1]


def test_check_does_not_write_what_would_be_refused(make_app: MakeApp) -> None:
    plain = "http://app.example.com"
    app = make_app(CORS_ORIGINS=plain)

    assert ways(app, plain, "GET", PATH, "--credentials") == []
    output = run(app, "check", plain, "GET", PATH, "--credentials")[1]
    assert "; it cannot be allowed: CORS_ORIGINS 'http://app.example.com': over http://" in output


def test_check_writes_what_others_could_not_have(make_app: MakeApp) -> None:
    app = make_app(CORS_ORIGINS_ADMIN="http://a.example.com")

    assert ways(app, LISTED, "GET", PATH, "--credentials") == [
        ("public", {"CORS_SUPPORTS_CREDENTIALS_PUBLIC": "true"})
    ]


@pytest.mark.parametrize(
    ("origin", "credentials", "words"),
    [
        ("null", "false", "every sandboxed page sends null"),
        ("http://app.example.com", "true", "anyone on the way"),
    ],
)
def test_check_writes_no_origin_that_would_be_refused(
    make_app: MakeApp, origin: str, credentials: str, words: str
) -> None:
    app = make_app(CORS_SUPPORTS_CREDENTIALS=credentials)

    assert ways(app, origin, "GET", PATH) == []
    assert words in run(app, "check", origin, "GET", PATH)[1].replace("\n  ", " ")


def test_a_sandbox_is_named(make_app: MakeApp) -> None:
    lines = run(make_app(), "check", "null", "GET", PATH)[1].splitlines()

    assert lines[1] == ("! a sandbox (which allow-same-origin ends) and a local file send null")


@pytest.mark.parametrize(("page", "told"), [(LISTED, True), ("http://localhost:3000", False)])
def test_cookies_of_another_site_need_more_than_a_yes(
    make_app: MakeApp, page: str, told: bool
) -> None:
    app = make_app(CORS_ORIGINS=page, CORS_SUPPORTS_CREDENTIALS="true")
    code, output = run(app, "check", page, "GET", PATH, "--credentials")

    assert code == 0
    assert ("SameSite=None and Secure" in output) is told


@pytest.mark.parametrize(
    ("arguments", "columns"),
    [
        (["check", STRANGER, "GET", PATH, "--credentials"], 60),
        (["check", "null", "GET", PATH], 40),
        (["check", LISTED, "GET", "/health"], 40),
        ([], 100),
    ],
)
def test_everything_but_lines_to_copy_fits_the_terminal(
    make_app: MakeApp, monkeypatch: pytest.MonkeyPatch, arguments: list[str], columns: int
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    app = make_app(CORS_MAX_AGE="9000")
    for number in range(60):
        app.add_url_rule(f"/pages/{number}", f"page-{number}", lambda: "")
    lines = run(app, *arguments)[1].splitlines()

    assert max(len(line) for line in lines if '": "' not in line) <= columns


def test_no_two_lines_of_check_are_alike(app: Flask) -> None:
    for arguments in (["PUT", PATH, "-H", "X-A"], ["GET", PATH, "--credentials"], ["GET", "/x"]):
        lines = run(app, "check", STRANGER, *arguments)[1].splitlines()
        said = [re.sub("^(✓|✗|!|No:) ", "", n) for n in lines if not n.startswith("  #")]
        assert len({*said}) == len(said)


def test_what_settings_and_routes_are_called_steers_no_terminal() -> None:
    app = bare(("api", "/api"))
    app.add_url_rule("/\x1b]0;x\x07\u202e", "x", lambda: "")
    printed = run(app)[1] + run(app, "check", LISTED, "GET", "/\x1b[2J\u2066")[1]

    assert "\\x1b]0;x\\x07\\u202e" in printed
    assert all(c.isprintable() or c == "\n" for c in printed)


@pytest.mark.parametrize(
    "path",
    [
        *(f"/{PATH}", f"{PATH}?x=1#y", PATH.replace("a", "%61"), f"{PATH}/../x"),
        *("/api/admin/../public/x", "/api/admin/%2e%2E/public/x", "/x/.%2e/api/./public/%2e"),
        *("\\api\\public".replace("\\", "/", 1), "/api/admin\\..\\public", "/ap\ti/pub\nlic/"),
        *("/..//api/public", "/api/public/..;/x"),
        *(f"/api/public{tail}" for tail in ("", "?x=1", "#y")),
    ],
)
def test_check_reads_a_path_as_flask_does(app: Flask, path: str) -> None:
    assert run(app, "check", LISTED, "GET", path)[0] == 0
    assert run(app, "check", STRANGER, "GET", path)[0] == 1


@pytest.mark.parametrize(("merge", "code"), [(True, 1), (False, 0)])
def test_check_merges_slashes_as_the_application_does(merge: bool, code: int) -> None:
    app = Flask("bare", static_folder=None)
    app.url_map.merge_slashes = merge
    app.config.update(CORS_ORIGINS_OUTER=LISTED, CORS_ORIGINS_INNER=STRANGER)
    prefixes = {"outer": "/api", "inner": "/api/inner"}
    cors.init_app(app, [Blueprint(n, __name__, url_prefix=p) for n, p in prefixes.items()])

    assert run(app, "check", LISTED, "GET", "/api//inner/x")[0] == code


def test_check_knows_the_pages_of_the_server_itself(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FLASK_RUN_PORT", "8000")

    for page in ("http://127.0.0.1:8000", "http://localhost:8000"):
        code, output = run(app, "check", page, "PUT", PATH)
        assert code == 0
        assert output.startswith("✓ the page is of the same origin: CORS has no say\n")


def test_check_knows_paths_without_a_policy(app: Flask) -> None:
    assert run(app, "check", LISTED, "GET", "/health") == (
        1,
        "No: /health is under no blueprint that has a list; "
        "a page reads it only where the application sends CORS headers itself\n",
    )


def test_the_json_of_check_carries_all_that_is_printed(app: Flask) -> None:
    code, output = run(app, "check", STRANGER, "POST", PATH, "--json")

    line = {"value": f"{LISTED},{STRANGER}", "where": "create_app"}
    asked = {"url": f"http://127.0.0.1:5000{PATH}", "headers": {}, "credentials": False}
    assert code == 1
    assert json.loads(output) == {
        **{"origin": STRANGER, "method": "POST", **asked, "is_own": True},
        "allowed": False,
        "reason": f"'{STRANGER}' is not in CORS_ORIGINS",
        "steps": [
            {"ok": True, "text": "no preflight is needed for a plain POST"},
            {
                "ok": False,
                "text": f"POST {PATH} is answered 403 before it reaches the application",
            },
            {"ok": False, "text": "the answer has no Access-Control-Allow-Origin"},
        ],
        "write": [
            {
                "opens": ["public", "admin"],
                "leaves": [],
                "lines": [{"variable": "CORS_ORIGINS", **line}],
            },
            {
                "opens": ["public"],
                "leaves": ["CORS_ORIGINS"],
                "lines": [{"variable": "CORS_ORIGINS_PUBLIC", **line}],
            },
        ],
        "warnings": [],
    }
    code, output = run(app, "check", LISTED, "GET", PATH, "--json")
    assert (code, json.loads(output)) == (
        0,
        {
            **{"origin": LISTED, "method": "GET", **asked, "is_own": True},
            "allowed": True,
            "reason": None,
            "steps": [
                {"ok": True, "text": "no preflight is needed for a plain GET"},
                {"ok": True, "text": f"GET {PATH} reaches the application"},
                {"ok": True, "text": "the page reads the answer"},
            ],
            "write": [],
            "warnings": [],
        },
    )
    assert run(app, "check", LISTED, "GET", "no path", "--json")[0] == 2


SEGMENTS = st.sampled_from(
    [
        *("", ".", "..", "...", "%2e", "%2E", ".%2e", "%2E.", "%2e%2E", "a", "b.c", "a%2eb", ";"),
        *("%2f", "%5c", "%", "é", "%C3%A9", " ", "a b", "\t.", ".\n.", "@", ":", "~"),
    ]
)
PATHS = st.lists(st.tuples(st.sampled_from("/\\"), SEGMENTS), min_size=1, max_size=8)


@given(PATHS, st.sampled_from(["", "?", "?a=/../b", "#", "#/../b", "?\\..\\#"]))
@settings(max_examples=500, deadline=None)
def test_a_path_is_read_as_browsers_read_it(parts: list[tuple[str, str]], end: str) -> None:
    url = "http://host.test" + "".join(sign + segment for sign, segment in parts) + end
    read = urlsplit(resolve(url))
    as_browsers = ada_url.URL(url)

    assert read.netloc == "host.test"
    assert unquote_to_bytes(read.path) == unquote_to_bytes(as_browsers.pathname)
    assert unquote_to_bytes(read.query) == unquote_to_bytes(as_browsers.search[1:])


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([f"{LISTED}/", "GET", PATH], f"ORIGIN '{LISTED}/': an origin has no path; write {LISTED}"),
        ([LISTED, "get", PATH], "METHOD 'get': methods are upper case; write GET"),
        ([LISTED, "TRACE", PATH], "no page sends this method"),
        ([LISTED, "GET", PATH, "-H", "Cookie"], "-H 'Cookie': no page sets this header"),
        ([LISTED, "GET", "api/x"], "URL 'api/x': neither a path of this project, which begins"),
        ([LISTED, "GET", "http://"], "URL 'http://': neither a path"),
        ([LISTED, "GET", "http://[::1"], "URL 'http://[::1': neither a path"),
        ([LISTED, "GET", "http://ada@a/"], "URL 'http://ada@a/': neither a path"),
        ([LISTED, "GET", "http://a:x/"], "URL 'http://a:x/': neither a path"),
        ([LISTED, "GET", "http://127.0.0.1:0/"], "URL 'http://127.0.0.1:0/': neither a path"),
        ([LISTED, "GET", "ftp://a/"], "URL 'ftp://a/': neither a path"),
        ([LISTED, "TRACE", "x"], "no page sends this method\nURL 'x': neither a path"),
        (["*", "GET", PATH], "ORIGIN '*': not one origin"),
        (["https://*.example.com", "GET", PATH], "ORIGIN 'https://*.example.com': not one origin"),
    ],
)
def test_check_diagnoses_its_arguments(app: Flask, arguments: list[str], words: str) -> None:
    code, output = run(app, "check", *arguments)

    assert code == 2
    assert words in output


def test_check_says_of_a_wrong_origin_one_thing(app: Flask) -> None:
    code, output = run(app, "check", "*://app.example.com", "get", PATH)

    assert code == 2
    assert output.count("ORIGIN '") == output.count("METHOD '") == 1


def test_a_blueprint_past_the_registry_is_named() -> None:
    app = bare(("api", "/api"))
    orders = Blueprint("orders", "bare.orders", url_prefix="/orders")
    orders.add_url_rule("/", "index", lambda: "")
    app.register_blueprint(orders)
    warning = "Blueprint 'orders': is registered, but not in BLUEPRINTS; add it there, or it has no"

    assert run(app)[1].splitlines()[-1].startswith(f"Warning: {warning}")
    assert [w["code"] for w in json.loads(run(app, "--json")[1])["warnings"]] == ["unlisted"]
    code, output = run(app, "check", LISTED, "GET", "/orders/")
    assert (code, output.splitlines()[0][:3]) == (1, "No:")
    assert json.loads(run(app, "check", LISTED, "GET", "/orders/", "--json")[1])["warnings"]
    assert output.splitlines()[1].startswith(f"Warning: {warning}")


def test_the_files_that_were_read_are_told(
    app: Flask, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(cors.env_file, "files", [tmp_path / ".env", tmp_path / ".flaskenv"])

    assert run(app)[1].splitlines()[1:3] == [
        f"Settings: {tmp_path}/.env",
        f"Settings: {tmp_path}/.flaskenv",
    ]
    assert json.loads(run(app, "--json")[1])["env_files"] == [
        f"{tmp_path}/.env",
        f"{tmp_path}/.flaskenv",
    ]
