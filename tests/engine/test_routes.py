"""The start-up check: a path never selects another policy than that of the blueprint it reaches."""

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from flask import Blueprint, Flask
from flask_cors import CORS
from my_api.cors import ConfigurationError, init_app
from werkzeug.routing import BaseConverter

DIFFERENT = {"CORS_ORIGINS_A": "https://a.example", "CORS_ORIGINS_B": "https://b.example"}
SAME = {"CORS_ORIGINS": "https://app.example.com"}


def view(**_: Any) -> str:
    return "served"


def blueprint(name: str, prefix: str | None, *rules: str) -> Blueprint:
    made = Blueprint(name, __name__, url_prefix=prefix)
    for number, rule in enumerate(rules):
        made.add_url_rule(rule, f"view{number}", view)
    return made


class AnyPath(BaseConverter):
    regex = ".*"


def application(*blueprints: Blueprint, settings: dict[str, str] | None = None) -> Flask:
    app = Flask(__name__)
    app.url_map.converters["anything"] = AnyPath
    app.config.update(settings or {})
    for made in blueprints:
        app.register_blueprint(made)
    init_app(app, blueprints)
    return app


def is_protected(app: Flask) -> bool:
    refused = app.test_client().post("/api/a/", headers={"Origin": "https://stranger.example"})
    return refused.status_code == 403


def codes(raised: pytest.ExceptionInfo[ConfigurationError]) -> list[str]:
    return [problem.code for problem in raised.value.problems]


@pytest.mark.parametrize("prefix", ["/api/a", "/api/a/", "/a", "/é", "/api/X"])
def test_a_static_prefix_is_taken(prefix: str) -> None:
    app = application(blueprint("a", prefix, "", "/", "/<path:rest>"))

    assert [taken for taken, _ in app.extensions["cors"].policies] == [prefix.rstrip("/")]


@pytest.mark.parametrize(
    ("prefix", "code"),
    [
        (None, "prefix-missing"),
        ("", "prefix-missing"),
        ("/", "prefix-missing"),
        ("/<tenant>/a", "prefix-variable"),
        ("/api//a", "prefix-slashes"),
        ("/api/\N{REPLACEMENT CHARACTER}", "prefix-unreadable"),
    ],
)
def test_another_prefix_is_refused(prefix: str | None, code: str) -> None:
    with pytest.raises(ConfigurationError, match="has 1 problem:") as raised:
        application(blueprint("a", prefix, "/x"))

    assert [(p.variable, p.code) for p in raised.value.problems] == [("Blueprint 'a'", code)]


def test_a_prefix_needs_a_slash_in_front() -> None:
    with pytest.raises(ConfigurationError, match="must begin with a slash") as raised:
        init_app(Flask(__name__), [blueprint("a", "api")])

    assert codes(raised) == ["prefix-slash"]


def test_a_prefix_given_at_registration_is_refused() -> None:
    app = Flask(__name__)
    made = blueprint("a", "/api/a", "/x", "/y")
    app.register_blueprint(made, url_prefix="/elsewhere")

    with pytest.raises(ConfigurationError) as raised:
        init_app(app, [made])

    assert str(raised.value).splitlines()[1:] == [
        "  Blueprint 'a': url_prefix '/api/a' was changed to '/elsewhere'; write "
        'Blueprint("a", __name__, url_prefix="/elsewhere"), and none at registration'
    ]


@pytest.mark.parametrize(
    ("given", "write"),
    [("/elsewhere", "/elsewhere"), ("/<tenant>/a", "/api/a"), (None, "/api/a"), ("/", "/api/a")],
)
def test_a_prefix_that_is_given_at_registration_alone_is_refused(
    given: str | None, write: str
) -> None:
    app = Flask(__name__)
    made = blueprint("a", None, "/x", "/y")
    app.register_blueprint(made, url_prefix=given)

    with pytest.raises(ConfigurationError) as raised:
        init_app(app, [made])

    assert str(raised.value).splitlines()[1:] == [
        f"  Blueprint 'a': has no url_prefix of its own; write Blueprint(\"a\", __name__, "
        f'url_prefix="{write}"), and none at registration'
    ]


def test_a_blueprint_that_is_registered_twice_keeps_one_prefix() -> None:
    app = Flask(__name__)
    made = blueprint("a", "/api/a", "/x")
    app.register_blueprint(made)
    app.register_blueprint(made, name="old", url_prefix="/old")

    with pytest.raises(ConfigurationError, match="rule '/old/x' must lie under") as raised:
        init_app(app, [made])

    assert codes(raised) == ["rule-outside"]


# Two blueprints with different settings: the rules of `a` under /api, of `b` under /api/b.
@pytest.mark.parametrize(
    "rule",
    [
        "/<path:rest>",
        "/<name>",
        "/<name>/",
        "/<string:name>/edit",
        "/<string(length=1):name>/edit",
        "/b",
        "/b/edit",
        "/<anything:rest>",
        "/<any(b, c):name>",
        "//b",
        "/<string(length=1):name>",
        '/<any("<x>", "b"):name>',
        '/<any("b/c"):name>',
        "/b<path:rest>",
        "/<x>/<y>",
        # It could not, but that is not told simply: more than a plain variable in a segment
        *("/<x>c", "/x<y>", "/<string(length=2):name>"),
        *("/<any(c, d):name>", "/<any(c, d):name>/b"),
    ],
)
def test_a_rule_must_not_reach_under_another_prefix(rule: str) -> None:
    layout = (blueprint("a", "/api", rule), blueprint("b", "/api/b", "/"))

    with pytest.raises(ConfigurationError, match="can match paths under '/api/b' of 'b'") as raised:
        application(*layout, settings=DIFFERENT)

    assert codes(raised) == ["rule-reaches"]


# A prefix further down: a rule of `a` under /api, the prefix of `b`.
@pytest.mark.parametrize(
    ("rule", "prefix"),
    [
        ("/x//b", "/api/x/b"),
        ("/x///b", "/api/x/b"),
        ("/<x>-<y>", "/api/b-c"),
        ("/<any(b, c):x>.<y>", "/api/b.c"),
        ("/x.y/<z>", "/api/x.y/b"),
        ("/<any(b, c):x>-<y>", "/api/d-c"),
        ("/<x>.y", "/api/x-y"),
    ],
)
def test_a_rule_must_not_reach_further_down(rule: str, prefix: str) -> None:
    layout = (blueprint("a", "/api", rule), blueprint("b", prefix, "/"))

    with pytest.raises(ConfigurationError, match=f"can match paths under '{prefix}' of 'b'"):
        application(*layout, settings=DIFFERENT)


@pytest.mark.parametrize(
    ("rule", "prefix"),
    [
        ("/x.y", "/api/xay"),
        ("/c/<any(b, c):x>-<y>", "/api/b/c"),
        ("/x", "/api/x/y"),
        ("/<int:x>/<any(c, d):y>", "/api/b/c"),
    ],
)
def test_a_rule_that_looks_alike_is_taken(rule: str, prefix: str) -> None:
    layout = (blueprint("a", "/api", rule), blueprint("b", prefix, "/"))

    assert is_protected(application(*layout, settings=DIFFERENT))


@pytest.mark.parametrize(
    ("of_map", "of_rule", "is_taken"),
    [
        (False, None, True),
        (False, False, True),
        (False, True, False),
        (True, None, False),
        (True, False, False),
    ],
)
def test_two_slashes_count_where_they_are_not_merged(
    of_map: bool, of_rule: bool | None, is_taken: bool
) -> None:
    """Werkzeug merges those of a rule, and the middleware those of a path."""
    app = Flask(__name__)
    app.url_map.merge_slashes = of_map
    app.config.update(DIFFERENT)
    layout = (blueprint("a", "/api"), blueprint("b", "/api/x/b", "/"))
    layout[0].add_url_rule("/x//b", view_func=view, merge_slashes=of_rule)
    for made in layout:
        app.register_blueprint(made)

    if is_taken:
        init_app(app, layout)
        assert app.test_client().get("/api/x//b").text == "served"
    else:
        with pytest.raises(ConfigurationError, match="can match paths under '/api/x/b' of 'b'"):
            init_app(app, layout)


@pytest.mark.parametrize(
    "rule",
    [
        *("/", "/c", "/c/<path:rest>", "/<int:n>", "/<float:x>", "/<uuid:u>", "/bb"),
    ],
)
def test_a_rule_that_cannot_is_taken(rule: str) -> None:
    layout = (blueprint("a", "/api", rule), blueprint("b", "/api/b", "/"))

    assert is_protected(application(*layout, settings=DIFFERENT))


def test_a_converter_that_was_replaced_may_match_anything() -> None:
    app = Flask(__name__)
    app.url_map.converters["int"] = AnyPath
    app.config.update(DIFFERENT)
    layout = (blueprint("a", "/api", "/<int:n>"), blueprint("b", "/api/b/c", "/"))
    for made in layout:
        app.register_blueprint(made)

    with pytest.raises(ConfigurationError, match="can match paths under '/api/b/c' of 'b'"):
        init_app(app, layout)


def test_a_number_is_one_in_any_script() -> None:
    layout = (
        blueprint("a", "/api", "/<int:n>"),
        blueprint("b", "/api/\N{ARABIC-INDIC DIGIT ONE}", "/"),
    )

    with pytest.raises(ConfigurationError, match="can match paths under"):
        application(*layout, settings=DIFFERENT)


@pytest.mark.parametrize(
    "settings",
    [SAME, {"CORS_ORIGINS_A": "https://a.example", "CORS_ORIGINS_B": "https://a.example"}],
)
def test_with_equal_settings_a_rule_may_reach_anywhere(settings: dict[str, str]) -> None:
    layout = (blueprint("a", "/api", "/<path:rest>"), blueprint("b", "/api/b", "/"))

    assert is_protected(application(*layout, settings=settings))


def test_one_prefix_needs_equal_settings() -> None:
    layout = (blueprint("a", "/api", "/a"), blueprint("b", "/api/", "/b"))

    assert is_protected(application(*layout, settings=SAME))
    with pytest.raises(ConfigurationError, match="shares url_prefix '/api' with 'a'") as raised:
        application(*layout, settings=DIFFERENT)
    assert codes(raised) == ["prefix-shared"]


def test_a_nested_blueprint_is_not_listed_itself() -> None:
    parent, child = blueprint("a", "/api/a", "/"), blueprint("child", "/child", "/x")
    parent.register_blueprint(child)
    app = Flask(__name__)
    app.register_blueprint(parent)

    with pytest.raises(
        ConfigurationError, match="'child': has the policy of its parent; remove it from BLUEPRINTS"
    ) as raised:
        init_app(app, [parent, child])

    assert codes(raised) == ["nested"]


def test_a_blueprint_inside_one_of_others_has_a_policy_of_its_own() -> None:
    theirs, ours = Blueprint("theirs", __name__), blueprint("a", "/api/a", "/")
    theirs.register_blueprint(ours)
    app = Flask(__name__)
    app.register_blueprint(theirs)

    init_app(app, [ours])
    assert is_protected(app)


def test_a_nested_blueprint_shares_the_policy() -> None:
    parent = blueprint("a", "/api/a", "/")
    parent.register_blueprint(blueprint("child", "/child", "/x"))
    app = application(parent, settings={"CORS_ORIGINS_A": "https://a.example"})

    answer = app.test_client().get("/api/a/child/x", headers={"Origin": "https://a.example"})

    assert answer.headers["Access-Control-Allow-Origin"] == "https://a.example"


@pytest.mark.parametrize(
    ("prefix", "rule"),
    [(None, "/page"), ("/<tenant>", "/page"), ("/other", "/page"), (None, "/<path:rest>")],
)
def test_blueprints_of_others_may_lie_anywhere(prefix: str | None, rule: str) -> None:
    ours = blueprint("a", "/api/a", "/")
    app = Flask(__name__)
    app.register_blueprint(ours)
    app.register_blueprint(
        Blueprint("files", __name__, url_prefix="/files", static_folder="static")
    )
    app.register_blueprint(blueprint("theirs", prefix, rule))

    init_app(app, [ours])
    assert is_protected(app)


def test_routes_added_later_are_checked_before_the_first_request() -> None:
    late = blueprint("a", "/api/a", "/")
    app = Flask(__name__)
    init_app(app, [late])
    app.register_blueprint(late, url_prefix="/elsewhere")
    app.testing = True

    for _ in range(2):
        with pytest.raises(ConfigurationError, match="was changed to '/elsewhere'"):
            app.test_client().get("/elsewhere/")


def below_another(app: Flask, late: Blueprint) -> None:
    """Register a blueprint within one that has a prefix."""
    outer = Blueprint("outer", __name__, url_prefix="/elsewhere")
    outer.register_blueprint(late)
    app.register_blueprint(outer)


def with_another_prefix(app: Flask, late: Blueprint) -> None:
    """Register a blueprint after its prefix was changed."""
    late.url_prefix = "/elsewhere"
    app.register_blueprint(late)


REGISTERED_LATE: dict[str, Callable[[Flask, Blueprint], object]] = {
    "under another prefix": lambda app, late: app.register_blueprint(late, url_prefix="/elsewhere"),
    "with another prefix": with_another_prefix,
    "below another one": below_another,
    "twice": lambda app, late: [
        app.register_blueprint(late),
        app.register_blueprint(late, name="again", url_prefix="/elsewhere"),
    ],
}


@pytest.mark.parametrize("register", REGISTERED_LATE.values(), ids=REGISTERED_LATE)
def test_a_blueprint_that_is_registered_late_is_served_under_its_policy_or_not_at_all(
    register: Callable[[Flask, Blueprint], object],
) -> None:
    late = blueprint("a", "/api/a", "/")
    app = Flask(__name__)
    app.config.update(SAME)
    init_app(app, [late])
    register(app, late)
    app.testing = True
    served = [rule.rule for rule in app.url_map.iter_rules() if "static" not in rule.endpoint]

    assert any(path.startswith("/elsewhere") for path in served)
    for path in served:
        with pytest.raises(ConfigurationError, match="Blueprint 'a': "):
            app.test_client().get(path)


def test_a_preflight_does_not_end_the_check() -> None:
    late = blueprint("a", "/api/a", "/")
    app = application(late, settings={"CORS_ORIGINS": "https://a.example"})
    app.testing = True
    asked = {"Origin": "https://a.example", "Access-Control-Request-Method": "PUT"}

    assert app.test_client().options("/api/a/", headers=asked).status_code == 204
    app.add_url_rule("/elsewhere", "a.late", view)
    with pytest.raises(ConfigurationError, match="rule '/elsewhere' must lie under"):
        app.test_client().get("/elsewhere")


def test_what_never_reaches_flask_waits_for_no_check() -> None:
    """The check takes long where there are many routes; a view is what it is there for."""
    late = blueprint("a", "/api/a", "/")
    app = application(late, settings={"CORS_ORIGINS": "https://a.example"})
    app.add_url_rule("/elsewhere", "a.late", view)
    client = app.test_client()
    asked = {"Origin": "https://a.example", "Access-Control-Request-Method": "PUT"}

    assert client.options("/api/a/", headers=asked).status_code == 204
    assert client.post("/api/a/", headers={"Origin": "https://b.example"}).status_code == 403
    with pytest.raises(ConfigurationError):
        client.get("/api/a/")


ORDERS = (
    "CORS: Blueprint 'orders': is registered, but not in BLUEPRINTS; add it there, or it has no "
    "policy of its own"
)


def extension(name: str, prefix: str, *rules: str) -> Blueprint:
    """Return a blueprint that an extension brings along."""
    made = blueprint(name, prefix, *rules)
    made.import_name = "flask_extension.views"
    return made


@pytest.mark.parametrize(
    ("other", "is_named"),
    [
        (blueprint("orders", "/api/orders", "/"), True),
        (blueprint("orders", "/api/a/orders", "/"), True),
        (blueprint("orders", "/api/orders"), False),
        (extension("orders", "/api/orders", "/"), True),
        (extension("orders", "/api/a/orders", "/"), False),
        (extension("orders", "/api/ab", "/"), True),
    ],
)
@pytest.mark.parametrize("late", [False, True])
def test_a_blueprint_past_the_registry_is_named_at_the_first_request(
    caplog: pytest.LogCaptureFixture, other: Blueprint, is_named: bool, late: bool
) -> None:
    app, made = Flask(__name__), blueprint("a", "/api/a", "/")
    app.config.update(SAME)
    for step in ("made", "late") if late else ("late", "made"):
        if step == "late":
            app.register_blueprint(other)
        else:
            app.register_blueprint(made)
            init_app(app, [made])
    assert caplog.messages == []

    for _ in range(2):
        app.test_client().get("/api/a/")

    assert caplog.messages == [ORDERS] * is_named


def test_a_blueprint_nested_in_a_listed_one_is_not_past_the_registry() -> None:
    parent = blueprint("a", "/api/a", "/")
    parent.register_blueprint(blueprint("orders", "/orders", "/"))

    assert application(parent).extensions["cors"].check_routes() == []


@pytest.mark.parametrize("late", [False, True])
def test_flask_cors_on_the_application_is_named(late: bool) -> None:
    app, made = Flask(__name__), blueprint("a", "/api/a", "/")
    app.register_blueprint(made)
    for step in (partial(init_app, app, [made]), partial(CORS, app))[:: 1 if late else -1]:
        step()

    assert [str(warning) for warning in app.extensions["cors"].check_routes()] == [
        "flask_cors.CORS: is on the application: its headers go out on every route without a "
        "policy; delete it"
    ]


def test_other_hooks_of_the_application_are_not_named() -> None:
    app = application(blueprint("a", "/api/a", "/"))
    app.after_request(partial(lambda response: response))

    assert app.extensions["cors"].check_routes() == []
