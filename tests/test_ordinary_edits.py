"""What people do to a Flask application, each in a fresh project: its shipped tests stay green.

Where an edit breaks a promise, the test that holds the promise fails, and no other.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from textwrap import dedent, indent
from typing import Any

import pytest

from .conftest import Project, run_suite
from .edits import (
    ADMIN,
    APP,
    END,
    ENV,
    FLASK,
    IMPORT,
    PUBLIC,
    REGISTER,
    REGISTRY,
    UPDATE,
    WSGI,
    WSGI_END,
    Edits,
    edited,
    failed,
)

HEALTH_TEST = "test_health_answers_without_a_login"
LISTED, UNLISTED = "http://localhost:3000", "https://stranger.example"

# Asks the application that wsgi.py serves, as pages of both origins, and prints what they get.
ASK = f"""
import json, sys
from werkzeug.test import Client
from wsgi import app

for method, path in json.loads(sys.argv[1]):
    for origin in {LISTED!r}, {UNLISTED!r}:
        answer = Client(app).open(path, method=method, headers={{"Origin": origin}})
        allowed = answer.headers.get("Access-Control-Allow-Origin")
        print(json.dumps([answer.status_code, answer.text, allowed]))
"""


@dataclass(frozen=True)
class Edit:
    """An edit, an answer that shows it in force, and the tests that must fail."""

    changes: Edits
    path: str = "/api/public/"
    status: int = 200
    text: str = ""  # somewhere in the answer
    fails: set[str] = field(default_factory=set)
    env: dict[str, str] = field(default_factory=dict)  # what wsgi.py needs to start
    public: bool = True  # whether there still is a blueprint of this name
    quick: bool = False  # in `make test`, too


def added(code: str) -> Edits:
    """Return an edit that adds code at the end of `create_app`."""
    return [(APP, END, f"{indent(dedent(code), '    ')}\n{END}")]


def added_first(code: str) -> Edits:
    """Return an edit that adds code to `create_app` where the application was just made."""
    return [(APP, FLASK, FLASK + indent(dedent(code), "    ") + "\n")]


def added_views(code: str) -> Edits:
    """Return an edit that adds code to the module of a blueprint."""
    return [(PUBLIC, "", f"\n\n{dedent(code).strip()}\n")]


def made_with(argument: str) -> Edits:
    """Return an edit that gives `Flask` an argument."""
    return [(APP, FLASK, FLASK.replace("__name__", f"__name__, {argument}"))]


def after_settings(code: str) -> Edits:
    """Return an edit that adds a line where the settings were just read."""
    return [(APP, UPDATE, f"{UPDATE}    {code}\n")]


def given_to_tests(**settings: str) -> Edits:
    """Return an edit that gives the tests settings, in the place that is meant for it."""
    empty = "SETTINGS: dict[str, Any] = {}"
    return [("tests/conftest.py", empty, empty.replace("{}", json.dumps(settings)))]


def removed(*names: str) -> Edits:
    """Return the edits that remove blueprints, as the README has it."""
    edits: Edits = []
    for name in names:
        edits += [
            (f"src/my_api/blueprints/{name}.py", "", ""),
            (f"tests/test_{name}.py", "", ""),
            (REGISTRY, f"from .{name} import bp as {name}_bp\n", ""),
            (REGISTRY, f"    {name}_bp,\n", ""),
            (ENV, f"# CORS_ORIGINS_{name.upper()}=https://app.example.com\n", ""),
        ]
    return edits


LOGIN = """
    from flask import abort, request, session

    app.secret_key = "a secret"

    @app.before_request
    def need_login():
        if {}"user" not in session:
            abort(401)
"""
HTTPS = """
    from flask import redirect, request

    @app.before_request
    def need_https():
        if {}:
            return redirect(request.url.replace("http://", "https://", 1), code=301)
"""
VARY = """
    @app.after_request
    def vary_by_cookie(response):
        {}
        return response
"""
EVERY_EXCEPTION = """
    from werkzeug.exceptions import HTTPException

    @app.errorhandler(Exception)
    def say_sorry(error):
        {}
        return {{"error": "sorry"}}, 500

    @app.get("/boom")
    def boom():
        return 1 / 0
"""
CATCH_ALL = """
    @bp.get("/<path:rest>")
    def rest(rest):
        return rest
"""
LOGGING = """
    from logging.config import dictConfig

    dictConfig({
        "version": 1,
        "formatters": {"default": {"format": "[%(asctime)s] %(levelname)s: %(message)s"}},
        "handlers": {"wsgi": {
            "class": "logging.StreamHandler",
            "stream": "ext://flask.logging.wsgi_errors_stream",
            "formatter": "default",
        }},
        "root": {"level": "INFO", "handlers": ["wsgi"]},
    })
"""
UNSORTED = """
    @app.get("/json")
    def unsorted():
        return {"b": 1, "a": 2}
"""
PROVIDER = """
    from flask.json.provider import DefaultJSONProvider

    class Provider(DefaultJSONProvider):
        @staticmethod
        def default(value):
            return sorted(value) if isinstance(value, set) else DefaultJSONProvider.default(value)

    app.json = Provider(app)

    @app.get("/json")
    def of_a_set():
        return {"set": {2, 1}}
"""
REQUEST_CLASS = """
    from flask import Request, request

    class Own(Request):
        word = "own"

    app.request_class = Own

    @app.get("/word")
    def word():
        return request.word
"""
MAINTENANCE = """
    from flask import abort, request

    @app.before_request
    def maintain():
        if {}request.path != "/health":
            abort(503, "Back soon.", retry_after=60)
"""
PUBLIC_BP = 'bp = Blueprint("public", __name__, url_prefix="/api/public")\n'
PUBLIC_VIEWS = """

@bp.get("/")
def index():
    return {"blueprint": "public"}


@bp.post("/echo")
def echo():
    data = request.get_json()
    if not isinstance(data, dict):
        abort(400, "Send a JSON object.")
    return data
"""
PAGES: Edits = [
    (
        "src/my_api/blueprints/pages.py",
        "",
        'from flask import Blueprint, render_template\n\nbp = Blueprint("pages", __name__, '
        'template_folder="templates", url_prefix="/pages")\n\n\n@bp.route("/", '
        'methods=["GET", "POST"])\ndef index():\n    return render_template("pages.html")\n',
    ),
    ("src/my_api/blueprints/templates/pages.html", "", "<p>{{ request.path }}</p>\n"),
    (APP, IMPORT, f"{IMPORT}from .blueprints.pages import bp as pages_bp\n"),
    (APP, REGISTER, f"{REGISTER}    app.register_blueprint(pages_bp)\n"),
]

SECOND: Edits = [
    (
        "src/my_api/blueprints/public_v2.py",
        "",
        'from flask import Blueprint\n\nbp = Blueprint("public_v2", __name__, '
        'url_prefix="/api/v2/public")\n\n\n@bp.get("/")\ndef index():\n    return "v2"\n',
    ),
    (REGISTRY, "\nBLUEPRINTS", "from .public_v2 import bp as public_v2_bp\n\nBLUEPRINTS"),
    (REGISTRY, "    admin_bp,\n", "    admin_bp,\n    public_v2_bp,\n"),
]
IN_ITS_OWN_MODULE = """
from flask import Flask

from . import blueprints, cors, errors, incoming
from .blueprints import BLUEPRINTS


def create_app(test_config=None):
    app = Flask(__name__)
    app.config.from_prefixed_env()
    app.config.from_mapping(test_config or {})
    errors.init_app(app)
    blueprints.init_app(app)
    cors.init_app(app, BLUEPRINTS)
    incoming.init_app(app)

    @app.route("/health")
    def health():
        return {"status": "ok"}

    return app
"""

# What was tried on version 0.1, and turned tests red there.
TRIED = {
    "a login for all": Edit(added(LOGIN.format("")), status=401, fails={HEALTH_TEST}, quick=True),
    "a login for all but /health": Edit(
        added(LOGIN.format("request.path != '/health' and ")), status=401
    ),
    "a login with a switch for tests": Edit(
        added(LOGIN.format("not app.config.get('LOGIN_DISABLED') and "))
        + given_to_tests(LOGIN_DISABLED="yes"),
        status=401,
    ),
    "a token for all": Edit(
        added("""
            from flask import abort, request

            @app.before_request
            def need_token():
                if request.headers.get("X-Token") != "a secret":
                    abort(401)
        """),
        status=401,
        fails={HEALTH_TEST},
    ),
    "a login for a blueprint": Edit(
        added_views("""
            @bp.before_request
            def need_token():
                if "Authorization" not in request.headers:
                    abort(401)
        """),
        status=401,
        quick=True,
    ),
    "a login that raises an error of its own": Edit(
        added("""
            class AuthError(Exception):
                pass

            @app.errorhandler(AuthError)
            def answer(error):
                return {"error": "who are you?"}, 401

            @app.before_request
            def need_login():
                raise AuthError
        """),
        status=401,
        fails={HEALTH_TEST},
    ),
    "a required setting": Edit(
        after_settings('app.config["DATABASE_URL"]') + given_to_tests(DATABASE_URL="sqlite://"),
        env={"FLASK_DATABASE_URL": "sqlite://"},
        quick=True,
    ),
    "the user of the session, for all views": Edit(
        [
            *added_views("""
                from flask import g, session


                @bp.before_app_request
                def load_user():
                    g.user = session.get("user", "nobody")


                @bp.get("/me")
                def me():
                    return g.user
            """),
            (
                "tests/test_public.py",
                "",
                "\n\ndef test_me(client):\n"
                "    assert client.get('/api/public/me').text == 'nobody'\n",
            ),
        ],
        "/api/public/me",
        text="nobody",
        quick=True,
    ),
    "Vary set": Edit(added(VARY.format('response.headers["Vary"] = "Cookie"')), quick=True),
    "Vary added": Edit(added(VARY.format('response.vary.add("Cookie")'))),
    "http goes to https": Edit(
        added(HTTPS.format("not request.is_secure")), status=301, quick=True
    ),
    "http goes to https, as a proxy tells": Edit(
        added(HTTPS.format("request.headers.get('X-Forwarded-Proto') != 'https'")),
        status=301,
        fails={HEALTH_TEST},
    ),
    "errors in a format of one's own": Edit(
        added("""
            from werkzeug.exceptions import HTTPException

            @app.errorhandler(HTTPException)
            def in_own_format(error):
                return {"error": error.name}, error.code
        """),
        "/api/public/nowhere",
        404,
        '{"error":"Not Found"}',
        fails={"test_an_error_is_a_problem_document"},
        quick=True,
    ),
    "every exception handled": Edit(
        added(EVERY_EXCEPTION.format("if isinstance(error, HTTPException): return error")),
        "/boom",
        500,
        "sorry",
    ),
    "every exception handled, without exception": Edit(
        added(EVERY_EXCEPTION.format("")), "/boom", 500, "sorry", quick=True
    ),
    "a route /": Edit(
        added("""
            @app.get("/")
            def index():
                return "welcome"
        """),
        "/",
        text="welcome",
    ),
    "a route /version": Edit(
        added("""
            @app.get("/version")
            def version():
                return "1.0"
        """),
        "/version",
        text="1.0",
    ),
    "no static folder": Edit(made_with("static_folder=None"), "/static/x", 404),
    "/health renamed": Edit(
        [(APP, '"/health"', '"/healthz"')], "/healthz", fails={HEALTH_TEST}, quick=True
    ),
    "a helper module among the blueprints": Edit(
        [
            ("src/my_api/blueprints/helpers.py", "", "GREETING = 'hello'\n"),
            (PUBLIC, "\nbp = ", "\nfrom .helpers import GREETING\n\nbp = "),
            *added_views("""
                @bp.get("/greet")
                def greet():
                    return GREETING
            """),
        ],
        "/api/public/greet",
        text="hello",
        quick=True,
    ),
    "a package that imports its routes": Edit(
        [
            (PUBLIC, "", ""),
            (
                "src/my_api/blueprints/public/__init__.py",
                "",
                f"from flask import Blueprint\n\n{PUBLIC_BP}\nfrom . import routes\n",
            ),
            (
                "src/my_api/blueprints/public/routes.py",
                "",
                f"from flask import abort, request\n\nfrom . import bp\n{PUBLIC_VIEWS}",
            ),
        ],
        text='"public"',
        quick=True,
    ),
    "a package that imports its blueprint": Edit(
        [
            (PUBLIC, "", ""),
            ("src/my_api/blueprints/public/__init__.py", "", "from .routes import bp\n"),
            (
                "src/my_api/blueprints/public/routes.py",
                "",
                f"from flask import Blueprint, abort, request\n\n{PUBLIC_BP}{PUBLIC_VIEWS}",
            ),
        ],
        text='"public"',
    ),
    "a blueprint removed": Edit(removed("admin"), "/api/admin/", 404),
    "the last blueprint removed": Edit(
        removed("public", "admin"), status=404, public=False, quick=True
    ),
    "a front end for every other path": Edit(
        added("""
            @app.get("/", defaults={"path": ""})
            @app.get("/<path:path>")
            def front_end(path):
                return "<!doctype html>"
        """),
        "/api/public/nowhere",
        text="<!doctype html>",
        quick=True,
    ),
    "a catch-all in a blueprint": Edit(added_views(CATCH_ALL), "/api/public/a/b", text="a/b"),
    "a catch-all over another blueprint": Edit(
        [
            *added_views(CATCH_ALL),
            (ADMIN, "/api/admin", "/api/public/admin"),
            ("tests/test_admin.py", '/api/admin/"', '/api/public/admin/"'),
            ("tests/test_admin.py", "/api/admin/echo", "/api/public/admin/echo"),
        ],
        "/api/public/a/b",
        text="a/b",
        fails={"test_each_blueprint_can_have_a_list_of_its_own"},
    ),
    "logging configured": Edit(added_first(LOGGING), quick=True),
    "logging configured, loggers kept": Edit(
        added_first(LOGGING.replace("1,", '1, "disable_existing_loggers": False,'))
    ),
    "MAX_CONTENT_LENGTH in code": Edit(
        after_settings('app.config["MAX_CONTENT_LENGTH"] = 16 * 1000 * 1000')
    ),
    "SERVER_NAME in code": Edit(
        added_first("""
            from flask import url_for

            app.config["SERVER_NAME"] = "api.example.com"

            @app.get("/me")
            def me():
                return url_for("me", _external=True)
        """),
        "/me",
        text="/me",
        quick=True,
    ),
    "a list pinned in code": Edit(
        after_settings('app.config["CORS_ORIGINS_ADMIN"] = "https://pinned.example"'),
        fails={"test_the_environment_alone_decides"},
        quick=True,
    ),
    "JSON as it was made": Edit(
        added_first("app.json.sort_keys = False") + added(UNSORTED), "/json", text='{"b":1,"a":2}'
    ),
    "JSON as it was made, said last": Edit(
        added(f"{UNSORTED}\n    app.json.sort_keys = False"), "/json", text='{"b":1,"a":2}'
    ),
    "a JSON provider": Edit(added_first(PROVIDER), "/json", text="[1,2]", quick=True),
    "a JSON provider, set last": Edit(added(PROVIDER), "/json", text="[1,2]"),
    "a class of requests": Edit(added_first(REQUEST_CLASS), "/word", text="own", quick=True),
    "a class of requests, set last": Edit(added(REQUEST_CLASS), "/word", text="own"),
}

# What else a Flask developer does.
MORE = {
    "a class of views": Edit(
        added_views("""
            from flask.views import MethodView


            class Item(MethodView):
                def get(self, key):
                    return {"key": key}

                def delete(self, key):
                    return "", 204


            bp.add_url_rule("/items/<int:key>", view_func=Item.as_view("item"))
        """),
        "/api/public/items/1",
        text='{"key":1}',
        quick=True,
    ),
    "error handlers of a blueprint": Edit(
        added_views("""
            class Unpaid(Exception):
                pass


            @bp.errorhandler(Unpaid)
            def unpaid(error):
                return {"error": "unpaid"}, 402


            @bp.app_errorhandler(410)
            def gone(error):
                return {"error": "gone"}, 410


            @bp.get("/invoice")
            def invoice():
                raise Unpaid
        """),
        "/api/public/invoice",
        402,
        "unpaid",
    ),
    "a converter": Edit(
        [
            *added_first("""
                from werkzeug.routing import BaseConverter

                class Numbers(BaseConverter):
                    regex = r"\\d+(?:,\\d+)*"

                    def to_python(self, value):
                        return [int(number) for number in value.split(",")]

                app.url_map.converters["numbers"] = Numbers
            """),
            *added_views("""
                @bp.get("/sum/<numbers:given>")
                def total(given):
                    return str(sum(given))
            """),
        ],
        "/api/public/sum/1,2,3",
        text="6",
    ),
    "a class of test clients": Edit(
        added("""
            from flask.testing import FlaskClient

            class Client(FlaskClient):
                def open(self, *args, **kwargs):
                    kwargs["headers"] = {"X-Token": "a secret", **dict(kwargs.get("headers") or {})}
                    return super().open(*args, **kwargs)

            app.test_client_class = Client
        """)
    ),
    "a database that a teardown closes": Edit(
        added_views("""
            import sqlite3

            from flask import g


            @bp.before_app_request
            def open_database():
                g.database = sqlite3.connect(":memory:")


            @bp.teardown_app_request
            def close_database(error):
                g.pop("database").close()


            @bp.get("/rows")
            def rows():
                return {"rows": g.database.execute("select 'a row'").fetchall()}
        """),
        "/api/public/rows",
        text="a row",
        quick=True,
    ),
    "pages in HTML without a policy": Edit(
        [
            *PAGES,
            (
                "tests/test_cors.py",
                "WITHOUT_POLICY: set[str] = set()",
                'WITHOUT_POLICY = {"pages"}',
            ),
        ],
        "/pages/",
        text="<p>/pages/</p>",
        quick=True,
    ),
    "pages in HTML that nobody named": Edit(
        PAGES,
        "/pages/",
        text="<p>/pages/</p>",
        fails={"test_every_blueprint_of_the_project_is_in_the_registry"},
    ),
    "signals": Edit(
        added("""
            from flask import request_started

            def count(sender, **_):
                app.extensions["count"] = app.extensions.get("count", 0) + 1

            request_started.connect(count, app, weak=False)

            @app.get("/count")
            def counted():
                return f"{app.extensions['count']} so far"
        """),
        "/count",
        text="1 so far",
    ),
    "commands": Edit(
        added_views("""
            from flask import current_app


            @bp.cli.command("import")
            def import_data():
                print("imported")


            @bp.get("/commands")
            def commands():
                return sorted(current_app.cli.commands)
        """),
        "/api/public/commands",
        text='["cors","public"]',
    ),
    "ProxyFix in wsgi.py": Edit(
        [
            (
                WSGI,
                WSGI_END,
                f"{WSGI_END}\nfrom werkzeug.middleware.proxy_fix import ProxyFix\n\n"
                "app.wsgi_app = ProxyFix(app.wsgi_app, x_proto=1, x_host=1)",
            )
        ]
    ),
    "slashes are not strict": Edit(
        added_first("app.url_map.strict_slashes = False"), "/api/public", quick=True
    ),
    "static files at the root": Edit(
        [*made_with('static_url_path=""'), ("src/my_api/static/robots.txt", "", "User-agent: *\n")],
        "/robots.txt",
        text="User-agent: *",
    ),
    "a formatter of log lines": Edit(
        added("""
            import logging

            from flask import has_request_context, request
            from flask.logging import default_handler

            class Formatter(logging.Formatter):
                def format(self, record):
                    record.url = request.url if has_request_context() else None
                    return super().format(record)

            default_handler.setFormatter(Formatter("%(url)s %(levelname)s %(message)s"))
            app.logger.setLevel("INFO")
        """)
    ),
    "a language in the path": Edit(
        added_views("""
            from flask import g


            @bp.url_value_preprocessor
            def take_language(endpoint, values):
                g.language = (values or {}).pop("language", "en")


            @bp.url_defaults
            def add_language(endpoint, values):
                values.setdefault("language", g.language)


            @bp.get("/<language>/hello")
            def hello():
                return g.language
        """),
        "/api/public/de/hello",
        text="de",
    ),
    "a required secret": Edit(
        after_settings('app.secret_key = app.config["SECRET"]') + given_to_tests(SECRET="a secret"),
        env={"FLASK_SECRET": "a secret"},
    ),
    "subdomains": Edit(
        [
            *made_with("subdomain_matching=True"),
            *added('app.config["SERVER_NAME"] = "localhost"'),
        ]
    ),
    "a stream": Edit(
        added_views("""
            from flask import stream_with_context


            @bp.get("/stream")
            def stream():
                def lines():
                    yield request.path
                    yield " ended"

                return stream_with_context(lines()), {"Content-Type": "text/event-stream"}
        """),
        "/api/public/stream",
        text="/api/public/stream ended",
    ),
    "a rule of WebSockets": Edit(
        added_views("""
            @bp.route("/socket", websocket=True)
            def socket():
                return ""
        """),
        "/api/public/socket",
        400,
    ),
    "a language by redirect": Edit(
        added("""
            from flask import redirect, request

            @app.before_request
            def choose_language():
                if "lang" not in request.args and request.path != "/health":
                    return redirect(f"{request.path}?lang=en")
        """),
        status=302,
    ),
    "maintenance": Edit(added(MAINTENANCE.format("")), status=503, text="Back soon."),
    "maintenance, by a switch": Edit(
        added(MAINTENANCE.format("app.config.get('MAINTENANCE') and ")),
        status=503,
        env={"FLASK_MAINTENANCE": "true"},
    ),
    "a second version of a blueprint": Edit(
        [*SECOND, (ENV, "", "\n# CORS_ORIGINS_PUBLIC_V2=https://app.example.com\n")],
        "/api/v2/public/",
        text="v2",
        quick=True,
    ),
    "a blueprint without a line in .env.example": Edit(
        SECOND,
        "/api/v2/public/",
        text="v2",
        fails={"test_the_env_example_says_where_each_list_goes"},
    ),
    "a nested blueprint": Edit(
        added_views("""
            child = Blueprint("child", __name__, url_prefix="/child")


            @child.route("/", methods=["GET", "PUT"])
            def of_the_child():
                return "child"


            bp.register_blueprint(child)
        """),
        "/api/public/child/",
        text="child",
        quick=True,
    ),
    "request ids": Edit(
        added("""
            from uuid import uuid4

            from flask import g, request

            @app.before_request
            def begin():
                g.id = request.headers.get("X-Request-Id") or uuid4().hex

            @app.after_request
            def end(response):
                response.headers["X-Request-Id"] = g.id
                response.headers["Content-Security-Policy"] = "default-src 'none'"
                return response
        """)
    ),
    "a CSRF header for all": Edit(
        added("""
            from flask import abort, request

            @app.before_request
            def need_csrf_header():
                if request.method not in ("GET", "HEAD", "OPTIONS"):
                    if "X-Csrf" not in request.headers:
                        abort(400, "Send X-Csrf.")
        """)
    ),
    "ETags": Edit(
        added("""
            from flask import request

            @app.after_request
            def make_conditional(response):
                if response.status_code == 200 and not response.is_streamed:
                    response.add_etag()
                    response.make_conditional(request)
                return response
        """)
    ),
    "a class of responses": Edit(
        added("""
            from flask import Response

            class Own(Response):
                default_mimetype = "text/plain"

            app.response_class = Own
        """)
    ),
    "a class of applications": Edit(
        [
            (APP, "def create_app", "class App(Flask):\n    word = 'own'\n\n\ndef create_app"),
            (APP, FLASK, FLASK.replace("Flask", "App")),
            *added("""
                @app.get("/word")
                def word():
                    return app.word
            """),
        ],
        "/word",
        text="own",
    ),
    "a middleware that overrides methods": Edit(
        added("""
            inside = app.wsgi_app

            def override(environ, start_response):
                method = environ.get("HTTP_X_HTTP_METHOD_OVERRIDE", environ["REQUEST_METHOD"])
                return inside({**environ, "REQUEST_METHOD": method}, start_response)

            app.wsgi_app = override
        """)
    ),
    "the factory in a module of its own": Edit(
        [
            (APP, "", ""),
            (APP, "", "from .factory import create_app\n\n__all__ = ['create_app']\n"),
            ("src/my_api/factory.py", "", IN_ITS_OWN_MODULE),
        ],
        "/health",
        text="ok",
    ),
    "problem documents given up": Edit(
        [
            (APP, "cors, errors, incoming", "cors, incoming"),
            (APP, "    errors.init_app(app)\n", ""),
            ("src/my_api/errors.py", "", ""),
            ("tests/test_errors.py", "", ""),
        ],
        "/api/public/nowhere",
        404,
        "<title>404 Not Found</title>",
    ),
    "limits given up": Edit(
        [
            (APP, "cors, errors, incoming", "cors, errors"),
            (APP, "    incoming.init_app(app)\n", ""),
            ("src/my_api/incoming.py", "", ""),
            ("tests/test_incoming.py", "", ""),
        ]
    ),
    "exceptions propagate": Edit(after_settings('app.config["PROPAGATE_EXCEPTIONS"] = True')),
    "rules of every kind": Edit(
        added_views("""
            @bp.route("/<any(cats, dogs):kind>/<string(length=2):lang>/", methods=["GET", "PURGE"])
            @bp.route("/<float(signed=True):at>,<int:zoom>", provide_automatic_options=False)
            @bp.route("/<path:folder>/edit", methods=["OPTIONS", "PUT"])
            @bp.route("/old", redirect_to="/api/public/", defaults={"page": 1})
            def anything(**values):
                return values
        """),
        "/api/public/cats/en/",
        text='{"kind":"cats","lang":"en"}',
    ),
    "a class of settings": Edit(
        [
            (APP, "def create_app", "class Config:\n    WORD = 'own'\n\n\ndef create_app"),
            *added_first("app.config.from_object(Config)"),
            *added("""
                @app.get("/word")
                def word():
                    return app.config["WORD"]
            """),
        ],
        "/word",
        text="own",
    ),
    "trusted hosts in code": Edit(
        added_first('app.config["TRUSTED_HOSTS"] = ["api.example.com", "localhost"]'),
    ),
    "an instance folder": Edit(
        [
            *made_with("instance_relative_config=True"),
            *after_settings('app.config.from_pyfile("settings.py", silent=True)'),
            *after_settings('__import__("os").makedirs(app.instance_path, exist_ok=True)'),
        ]
    ),
}


@pytest.mark.parametrize(
    "edit",
    [
        pytest.param(edit, id=name, marks=[] if edit.quick else pytest.mark.slow)
        for name, edit in (TRIED | MORE).items()
    ],
)
def test_an_edit_fails_nothing_but_what_it_breaks(
    green_project: Project, tmp_path: Path, edit: Edit
) -> None:
    project = edited(green_project, tmp_path, edit.changes)

    done = run_suite(project)

    assert failed(done) == edit.fails, done.stdout + done.stderr
    assert done.returncode == bool(edit.fails), done.stdout + done.stderr
    (shown, _), *others = answers(project, edit)
    assert (shown[0], edit.text in shown[1]) == (edit.status, True), shown
    for (*_, listed), (*_, unlisted) in others:
        assert (listed, unlisted) == (LISTED if edit.public else None, None)


def answers(project: Project, edit: Edit) -> list[tuple[list[Any], list[Any]]]:
    """Return status, text and Allow-Origin that a listed and an unlisted page get, by request.

    The first one is that of the edit, the others are to a view, to a view that is not reached by
    every page, and to a path that does not exist.
    """
    (project.path / "ask.py").write_text(ASK, encoding="utf-8")
    public = [("GET", "/api/public/"), ("POST", "/api/public/echo"), ("GET", "/api/public/none")]
    done = project.run("ask", json.dumps([("GET", edit.path), *public]), env=edit.env)
    assert done.returncode == 0, done.stderr
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    return list(zip(lines[::2], lines[1::2], strict=True))


def test_a_prefix_given_at_registration_is_refused_with_the_line_to_write(
    default_project: Project, tmp_path: Path
) -> None:
    given = 'register_blueprint(blueprint, url_prefix=f"/v1/{blueprint.name}")'
    project = edited(
        default_project, tmp_path, [(REGISTRY, "register_blueprint(blueprint)", given)]
    )

    refused = project.run("flask", "routes")

    assert refused.returncode == 1
    for name in ("public", "admin"):
        assert f'write Blueprint("{name}", __name__, url_prefix="/v1/{name}")' in refused.stderr
