"""Which variable wins, which names and combinations are refused, and what is a warning."""

from collections.abc import Collection
from typing import Any

import pytest
from flask import Blueprint, Flask
from my_api.cors import init_app
from my_api.cors.policy import Policy
from my_api.cors.settings import ConfigurationError, read_settings

from .conftest import MakeApp
from .reading import APP, OWN, policies, problems, warnings

NO_BLUEPRINT = "names no blueprint (admin, public)"


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
        ({"CORS_ORIGINS": {APP}}, "origins", (APP,), (APP,)),
        ({"CORS_ORIGINS": []}, "origins", (), ()),
        ({"CORS_ORIGINS": "*"}, "origins", ("*",), ("*",)),
        ({"CORS_METHODS": "GET, PUT"}, "methods", ("GET", "PUT"), ("GET", "PUT")),
        ({"CORS_METHODS": "PUT", "CORS_METHODS_ADMIN": ""}, "methods", ("PUT",), ("PUT",)),
        ({"CORS_METHODS": "PUT", "CORS_METHODS_ADMIN": " \n"}, "methods", ("PUT",), ("PUT",)),
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
    assert not policy.allowlist.allows(APP)


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
        ("CORS_ALLOWED_METHODS", "is not a setting; did you mean CORS_METHODS?"),
        ("CORS_ORIGIN_ADMN", "is not a setting; did you mean CORS_ORIGINS_ADMIN?"),
        ("CORS_ORIGINSADMIN", "is not a setting; did you mean CORS_ORIGINS_ADMIN?"),
        ("CORS_ENFORCED_ADM", "is not a setting; did you mean CORS_ENFORCE_ADMIN?"),
        ("CORS-ORIGINS-ADMIN", f"{NO_BLUEPRINT}; did you mean CORS_ORIGINS_ADMIN?"),
        ("CORS_ORIGIN_SHOP", "is not a setting; delete it"),
        ("CORS_SHOP_ORIGINS", "is not a setting; delete it"),
        ("CORS_VARY_HEADER", "is not a setting; delete it"),
        ("CORS_MAXAGE", "is not a setting; did you mean CORS_MAX_AGE?"),
        ("CORS_ALLOWED_ORIGINS", "is not a setting; did you mean CORS_ORIGINS?"),
        ("CORS_ORIGINS_ADMN", f"{NO_BLUEPRINT}; did you mean CORS_ORIGINS_ADMIN?"),
        ("CORS_ADMIN_ORIGINS", "is not a setting; did you mean CORS_ORIGINS_ADMIN?"),
        ("CORS_RESOURCES", "is not a setting; delete it"),
        ("CORS_ORIGINS_SHOP", f"{NO_BLUEPRINT}; add one to BLUEPRINTS, or delete it"),
        ("CORS_ORIGINS_PUB", f"{NO_BLUEPRINT}; add one to BLUEPRINTS, or delete it"),
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
        "  CORS_ORIGINS, entry 2 'nonsense': no scheme; write https:// or http:// in front",
        "  CORS_MAX_AGE 'soon': not a number of seconds; write a whole one from 0 to 86400",
        "  CORS_ORIGINS_ADMIN, entry 2 'https://admin.example.com/': an origin has no path; "
        "write https://admin.example.com",
        "  CORS_ORIGINS 'http://app.example.com': over http:// anyone on the way can use what "
        "CORS_SUPPORTS_CREDENTIALS lets a page send; write https://",
    ]


# Two settings that exclude each other.
@pytest.mark.parametrize(
    ("entry", "code"),
    [
        ("*", "any-with-credentials"),
        ("http://app.example.com", "http-with-credentials"),
        ("http://8.8.8.8", "http-with-credentials"),
        ("http://*.example.com", "http-with-credentials"),
        ("http://169.254.169.254", "http-with-credentials"),
        ("http://192.0.2.1", "http-with-credentials"),
        ("http://198.18.0.1", "http-with-credentials"),
        ("http://[2001:db8::1]", "http-with-credentials"),
        ("http://[fe80::1]", "http-with-credentials"),
        ("http://a.example", "http-with-credentials"),
        ("https://shop-*-team.vercel.app", "wildcard-with-credentials"),
        ("https://shop-*.amazonaws.com", "wildcard-with-credentials"),
        ("https://shop-*.glitch.me", "wildcard-with-credentials"),
        ("moz-extension://*", "wildcard-with-credentials"),
        ("safari-web-extension://*", "wildcard-with-credentials"),
        ("vscode-webview://*", "wildcard-with-credentials"),
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
            f" '{APP}': a wider entry allows it; delete it",
        ),
        (
            "CORS_ORIGINS",
            "https://*.a.example.com, https://*.example.com",
            "redundant",
            " 'https://*.a.example.com': a wider entry allows it; delete it",
        ),
        ("CORS_METHODS", ["GET"] * 2, "duplicate", " 'GET': it is listed twice; delete one"),
        ("CORS_METHODS", "GET, GET", "duplicate", " 'GET': it is listed twice; delete one"),
        (
            "CORS_METHODS",
            "GET, OPTIONS",
            "method-options",
            " 'OPTIONS': needed only where a page sends OPTIONS itself, not for preflights",
        ),
        (
            "CORS_ALLOW_HEADERS",
            "X-Token, x-token, Content-Type",
            "duplicate",
            " 'x-token': it is listed twice; delete one",
        ),
        (
            "CORS_ORIGINS",
            "https://shop-pre-*-team.example.com, https://shop-*-team.example.com",
            "redundant",
            " 'https://shop-pre-*-team.example.com': a wider entry allows it; delete it",
        ),
        (
            "CORS_ORIGINS",
            "http://localhost:3000, http://localhost:*",
            "redundant",
            " 'http://localhost:3000': a wider entry allows it; delete it",
        ),
        (
            "CORS_ORIGINS",
            "https://shop-*-team.vercel.app",
            "wildcard-shared",
            " 'https://shop-*-team.vercel.app': everyone who gets a name under vercel.app can take "
            "one that matches",
        ),
        (
            "CORS_OWN_SUFFIXES",
            "example.com",
            "own-suffix-none",
            " 'example.com': no public suffix, so nobody else has names under it; delete it",
        ),
        (
            "CORS_ALLOW_HEADERS",
            "Content-Type, Access-Control-Allow-Origin",
            "header-of-answers",
            " 'Access-Control-Allow-Origin': a header of answers, not of requests: the page should "
            "stop sending it",
        ),
        (
            "CORS_ALLOW_HEADERS",
            "Authorization",
            "no-json",
            ": without Content-Type no page can send JSON; add it",
        ),
        *(
            (
                "CORS_EXPOSE_HEADERS",
                name,
                "header-unused",
                f" '{name}': it tells a page nothing; delete it",
            )
            for name in ("Origin", "Access-Control-Allow-Origin", "access-control-max-age")
        ),
        *(
            (
                "CORS_EXPOSE_HEADERS",
                name,
                "header-safelisted",
                f" '{name}': every page may read it; delete it",
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
        *("http://172.16.0.1", "http://172.31.255.255", "http://nas", "http://*.test"),
        *("http://app.test", "http://a.b.test", "http://nas.local", "http://api.internal"),
        *("http://nas.lan", "http://nas.home.arpa"),
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


@pytest.mark.parametrize("debug", [True, False])
def test_credentials_for_every_port_of_this_machine_are_a_warning_but_in_debug(debug: bool) -> None:
    variables = {"CORS_ORIGINS": "http://localhost:*", "CORS_SUPPORTS_CREDENTIALS": "true"}
    found = read_settings(["api"], variables | {"DEBUG": debug}).warnings

    assert [warning.code for warning in found] == [] if debug else ["ports-with-credentials"]


def test_credentials_go_with_pieces_of_labels_under_a_suffix_of_ones_own() -> None:
    entry = "https://shop-*.example-shop.co.uk"
    for suffixes in ("", "vercel.app"):
        variables = {"CORS_ORIGINS": entry, "CORS_OWN_SUFFIXES": suffixes}
        assert not warnings(CORS_SUPPORTS_CREDENTIALS="true", **variables)
        entry = "https://shop-*-team.vercel.app"


@pytest.mark.parametrize(
    "name", ["CORS_OWN_SUFFIXES_ADMIN", "CORS_OWN_SUFFIX", "FLASK_CORS_OWN_SUFFIXES"]
)
def test_suffixes_of_ones_own_are_named_for_all_blueprints(name: str) -> None:
    (problem,) = problems(**{name: "github.io"})

    assert "did you mean CORS_OWN_SUFFIXES?" in str(problem)


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("CORS_ORIGINS", f"{APP}, {OWN}"),
        ("CORS_ORIGINS", "https://example.com, https://*.example.com"),
        ("CORS_ORIGINS", "https://*.a.example"),
        ("CORS_ORIGINS", "https://*-app.example.com, https://shop-*.example.com"),
        ("CORS_ORIGINS", "https://shop-*.example.com, https://shop-*.example.org"),
        ("CORS_ORIGINS", "http://localhost:*, https://localhost:3000"),
        ("CORS_ORIGINS", "safari-web-extension://AB, safari-web-extension://ab"),
        ("CORS_OWN_SUFFIXES", "github.io, kawasaki.jp"),
        ("CORS_ALLOW_HEADERS", ""),
        ("CORS_ALLOW_HEADERS", "*"),
        ("CORS_ALLOW_HEADERS", "Accept, content-type, Accept-Language"),
        ("CORS_ALLOW_HEADERS", "Content-Type, X-!#%&'+~"),
        ("CORS_MAX_AGE", "7200"),
    ],
)
def test_values_of_which_nothing_is_too_much_are_no_warning(variable: str, value: str) -> None:
    assert warnings(**{variable: value}) == []


def test_warnings_are_logged_once_at_the_start(
    make_app: MakeApp, caplog: pytest.LogCaptureFixture
) -> None:
    app = make_app(CORS_MAX_AGE="9000")

    assert [warning.code for warning in app.extensions["cors"].warnings] == ["max-age-long"]
    assert [(record.levelname, record.message) for record in caplog.records] == [
        (
            "WARNING",
            "CORS: CORS_MAX_AGE '9000': Chromium remembers a preflight for 7200 seconds at most",
        )
    ]


def start(own_list: Any, **variables: str) -> Any:
    """Start an application of two blueprints, and return its middleware."""
    app = Flask("own_list")
    app.config.update(variables)
    made = [Blueprint(name, __name__, url_prefix=f"/{name}") for name in ("admin", "public")]
    init_app(app, made, own_list=own_list)
    return app.extensions["cors"]


def test_own_list_may_be_read_once() -> None:
    cors = start((name for name in ["admin"]), CORS_ORIGINS=APP)

    assert [policy.origins for _, policy in cors.policies] == [(), (APP,)]
    assert cors.read({"CORS_ORIGINS": OWN}).policies["admin"].origins == ()


@pytest.mark.parametrize("own_list", [{"admin"}, ["admin"], "admin"])
def test_a_blueprint_of_own_list_never_takes_the_shared_list(own_list: Collection[str]) -> None:
    def admin(**variables: str) -> Policy:
        ((_, policy), _) = start(own_list, **variables).policies
        return policy

    assert admin(CORS_ORIGINS=APP).origins == ()
    assert admin(CORS_ORIGINS="*").origins == ()
    assert admin(CORS_ORIGINS=APP, CORS_ORIGINS_ADMIN=OWN).origins == (OWN,)
    assert admin(CORS_ORIGINS=APP).variable("origins") == "CORS_ORIGINS_ADMIN"
    # The other options are shared as ever.
    assert admin(CORS_ORIGINS=APP, CORS_MAX_AGE="60").max_age == 60
    # What it does not take is not judged for it.
    shared = {"CORS_ORIGINS": "*", "CORS_SUPPORTS_CREDENTIALS_ADMIN": "true"}
    assert admin(**shared).supports_credentials


@pytest.mark.parametrize(
    ("own_list", "entries"),
    [({"admn"}, ["admn"]), ("Admin", ["Admin"]), ([1, None], ["1", "None"])],
)
def test_own_list_names_blueprints(own_list: Any, entries: list[str]) -> None:
    with pytest.raises(ConfigurationError) as raised:
        start(own_list)

    assert sorted(map(str, raised.value.problems)) == [
        f"own_list {entry!r}: names no blueprint of BLUEPRINTS (admin, public)" for entry in entries
    ]


OPENS = "opens 'public' to everyone, while 'admin' has a list of its own; if that is meant, write"


@pytest.mark.parametrize(
    ("variables", "is_named"),
    [
        ({"CORS_ORIGINS": "*"}, False),
        ({"CORS_ORIGINS": "*", "CORS_ORIGINS_ADMIN": OWN}, True),
        ({"CORS_ORIGINS": "*", "CORS_ORIGINS_ADMIN": ""}, True),
        ({"CORS_ORIGINS": "*", "CORS_ORIGINS_ADMIN": "*"}, False),
        ({"CORS_ORIGINS_PUBLIC": "*", "CORS_ORIGINS_ADMIN": OWN}, False),
        ({"CORS_ORIGINS": "*", "CORS_ORIGINS_PUBLIC": "*", "CORS_ORIGINS_ADMIN": OWN}, False),
        ({"CORS_ORIGINS": APP, "CORS_ORIGINS_ADMIN": "*"}, False),
    ],
)
def test_a_shared_star_beside_an_own_list_is_warned_of(
    variables: dict[str, str], is_named: bool
) -> None:
    expected = [f"CORS_ORIGINS '*': {OPENS} CORS_ORIGINS_PUBLIC=*"] * is_named

    assert [str(warning) for warning in warnings(**variables)] == expected


def test_a_variable_of_a_blueprint_past_the_registry_says_so() -> None:
    app = Flask("unlisted")
    app.config["CORS_MAX_AGE_ORDERS_V2"] = "60"
    app.register_blueprint(Blueprint("orders-v2", __name__, url_prefix="/orders"))

    with pytest.raises(ConfigurationError) as raised:
        init_app(app, [])

    assert str(raised.value).splitlines()[1:] == [
        "  CORS_MAX_AGE_ORDERS_V2: names a blueprint that is registered, but not in BLUEPRINTS; "
        "add it there"
    ]
