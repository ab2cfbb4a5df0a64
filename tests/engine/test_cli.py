"""`flask cors` shows the policies, `flask cors check` says what a page sees and what to change."""

import json
from pathlib import Path

import pytest
from flask import Blueprint, Flask
from my_api import cors

from .conftest import LISTED, STRANGER, MakeApp

PATH = "/api/public/ok"
JSON = ("-H", "Content-Type")


def run(app: Flask, *arguments: str, color: bool = False) -> tuple[int, str]:
    result = app.test_cli_runner().invoke(args=["cors", *arguments], color=color)
    assert isinstance(result.exception, SystemExit | None)
    return result.exit_code, result.output


def lines_to_write(output: str) -> list[str]:
    return [line.strip() for line in output.splitlines() if line.startswith("  ")]


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
        "                        from CORS_ORIGINS_PUBLIC (create_app)",
        "  methods               GET",
        "                        from CORS_METHODS_PUBLIC (create_app)",
        "  allow_headers         Authorization,",
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

    assert "\x1b[32m✓\x1b[0m no preflight" in output
    assert "\x1b[31m✗\x1b[0m the answer has no" in output


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
        f"No: '{STRANGER}' is not in CORS_ORIGINS. To allow it, write into .env:\n"
        f"  CORS_ORIGINS_PUBLIC={LISTED},{STRANGER}\n",
    )


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        ([STRANGER, "GET", PATH], f"CORS_ORIGINS_PUBLIC={LISTED},{STRANGER}"),
        ([STRANGER, "PUT", PATH], f"CORS_ORIGINS_PUBLIC={LISTED},{STRANGER}"),
        (
            [LISTED, "PURGE", PATH],
            "CORS_METHODS_PUBLIC=GET,HEAD,POST,PUT,PATCH,DELETE,PURGE",
        ),
        (
            [LISTED, "GET", PATH, "-H", "X-B : 1", "-H", "X-A", "-H", "x-b"],
            "CORS_ALLOW_HEADERS_PUBLIC=Authorization,Content-Type,x-a,x-b",
        ),
        ([LISTED, "GET", PATH, "--credentials"], "CORS_SUPPORTS_CREDENTIALS_PUBLIC=true"),
    ],
)
def test_what_check_writes_makes_it_a_yes(
    app: Flask, make_app: MakeApp, arguments: list[str], line: str
) -> None:
    code, output = run(app, "check", *arguments)
    assert (code, lines_to_write(output)) == (1, [line])

    variable, _, value = line.partition("=")
    assert run(make_app(**{variable: value}), "check", *arguments)[0] == 0


def test_check_writes_everything_that_is_missing(app: Flask, make_app: MakeApp) -> None:
    everything = [STRANGER, "PURGE", PATH, "-H", "X-Token", "--credentials"]
    lines = lines_to_write(run(app, "check", *everything)[1])

    assert len(lines) == 4
    assert run(make_app(**dict(line.split("=") for line in lines)), "check", *everything)[0] == 0


def test_check_writes_nothing_that_is_there(make_app: MakeApp) -> None:
    trusting = make_app(CORS_SUPPORTS_CREDENTIALS="true")
    public = make_app(CORS_ORIGINS="*")

    assert lines_to_write(run(trusting, "check", STRANGER, "GET", PATH, "--credentials")[1]) == [
        f"CORS_ORIGINS_PUBLIC={LISTED},{STRANGER}"
    ]
    assert lines_to_write(run(public, "check", STRANGER, "PURGE", PATH)[1]) == [
        "CORS_METHODS_PUBLIC=GET,HEAD,POST,PUT,PATCH,DELETE,PURGE"
    ]


def test_check_prints_in_any_encoding(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    result = app.test_cli_runner(charset="cp1252").invoke(
        args=["cors", "check", STRANGER, "GET", PATH]
    )

    assert result.output.splitlines()[0] == "+ no preflight is needed for a plain GET"
    assert result.output.splitlines()[2].startswith("- ")


def test_check_knows_that_credentials_need_a_list(make_app: MakeApp) -> None:
    app = make_app(CORS_ORIGINS="*")
    code, output = run(app, "check", LISTED, "GET", PATH, "--credentials")

    assert code == 1
    assert lines_to_write(output) == [
        "# * cannot go with cookies: list every origin that is to keep access",
        f"CORS_ORIGINS_PUBLIC={LISTED}",
        "CORS_SUPPORTS_CREDENTIALS_PUBLIC=true",
    ]


def test_check_does_not_write_what_would_be_refused(make_app: MakeApp) -> None:
    plain = "http://app.example.com"
    app = make_app(CORS_ORIGINS=plain)
    code, output = run(app, "check", plain, "GET", PATH, "--credentials")

    assert code == 1
    assert "  It cannot be allowed: CORS_ORIGINS 'http://app.example.com': over http://" in output


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
    code, output = run(app, "check", origin, "GET", PATH)

    assert code == 1
    assert words in output.splitlines()[-1]


@pytest.mark.parametrize(
    "path",
    [
        *(f"/{PATH}", f"{PATH}?x=1#y", PATH.replace("a", "%61"), f"{PATH}/../x"),
        *(f"/api/public{tail}" for tail in ("", "?x=1", "#y")),
    ],
)
def test_check_reads_a_path_as_flask_does(app: Flask, path: str) -> None:
    assert run(app, "check", LISTED, "GET", path)[0] == 0
    assert run(app, "check", STRANGER, "GET", path)[0] == 1


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
        "No: /health is under no blueprint, so no list lets a page read it.\n",
    )


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
