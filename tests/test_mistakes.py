"""Mistakes that people make, each in a fresh project, and the shipped test that names it."""

from __future__ import annotations

from pathlib import Path

import pytest

from .conftest import Project, run_suite
from .edits import (
    ADMIN,
    APP,
    BP,
    CORS,
    END,
    ENV,
    HEALTH,
    IMPORT,
    LIST,
    PUBLIC,
    REGISTER,
    REGISTRY,
    SERVED,
    UPDATE,
    WSGI,
    WSGI_END,
    Edits,
    edited,
    failed,
)

HOOK = """
@{}.after_request
def allow_everyone(response):
    response.headers["Access-Control-Allow-Origin"] = "*"
    return response
"""
CATCH_ALL = """
@bp.get("/<path:rest>")
def rest(rest):
    return rest
"""
POST_ROUTE = """
    @app.post("/orders")
    def order():
        return {}
"""
OPTIONS_MIDDLEWARE = """
    inside = app.wsgi_app

    def answer_options(environ, start_response):
        if environ["REQUEST_METHOD"] != "OPTIONS":
            return inside(environ, start_response)
        start_response("204 No Content", [("Access-Control-Allow-Origin", "*")])
        return []

    app.wsgi_app = answer_options
"""
ORIGIN_DROPPED = """
    inside = app.wsgi_app

    def drop_origin(environ, start_response):
        environ.pop("HTTP_ORIGIN", None)
        return inside(environ, start_response)

    app.wsgi_app = drop_origin
"""
# A hook cannot: the CORS middleware adds `Vary: Origin` around Flask, when all hooks have run.
VARY_STRIPPED = """
    inside = app.wsgi_app

    def strip_vary(environ, start_response):
        def start(status, headers, exc_info=None):
            return start_response(status, [h for h in headers if h[0] != "Vary"], exc_info)

        return inside(environ, start)

    app.wsgi_app = strip_vary
"""

NOT_LISTED: Edits = [
    (REGISTRY, "from .admin import bp as admin_bp\n", ""),
    (REGISTRY, "    admin_bp,\n", ""),
]

# By the shipped test that must fail.
MISTAKES: dict[str, dict[str, Edits]] = {
    "test_the_env_example_opens_what_is_meant_to_be_open": {
        "slash at the end": [(ENV, LIST, "CORS_ORIGINS=https://app.example.com/\n")],
        "slip in a name": [(ENV, LIST, "CORS_ORIGNS=https://app.example.com\n")],
        "blueprint that is gone": [(ENV, LIST, f"{LIST}CORS_ORIGINS_OLD=https://a.example\n")],
        "shared suffix": [(ENV, LIST, "CORS_ORIGINS=https://*.vercel.app\n")],
        "credentials over http": [
            (ENV, LIST, "CORS_ORIGINS=http://app.example.com\nCORS_SUPPORTS_CREDENTIALS=true\n")
        ],
        "everyone for all": [(ENV, LIST, "CORS_ORIGINS=*\n")],
        "everyone for one": [(ENV, LIST, f"{LIST}CORS_ORIGINS_ADMIN=*\n")],
        "not enforced": [(ENV, LIST, f"{LIST}CORS_ENFORCE=false\n")],
    },
    "test_what_the_env_example_has_in_comments_can_be_set": {
        "blueprint that is gone": [(ENV, "# CORS_ORIGINS_ADMIN=", "# CORS_ORIGINS_OLD=")],
    },
    "test_every_blueprint_of_the_project_is_in_the_registry": {
        "not imported": NOT_LISTED,
        "registered on the application only": [
            *NOT_LISTED,
            (APP, IMPORT, f"{IMPORT}from .blueprints.admin import bp\n"),
            (APP, REGISTER, f"{REGISTER}    app.register_blueprint(bp)\n"),
        ],
    },
    "test_a_page_of_its_own_list_reads_every_answer_of_a_blueprint": {
        "without prefix": [(ADMIN, BP, 'bp = Blueprint("admin", __name__)\n')],
        "route outside its prefix": [
            (
                REGISTRY,
                "register_blueprint(blueprint)",
                'register_blueprint(blueprint, url_prefix="/v2/" + blueprint.name)',
            )
        ],
        "cors.init_app removed": [(APP, CORS, "")],
        "middleware that answers OPTIONS": [(APP, END, OPTIONS_MIDDLEWARE + END)],
        "Vary stripped": [(APP, END, VARY_STRIPPED + END)],
    },
    "test_each_blueprint_can_have_a_list_of_its_own": {
        "nested prefix reached by a catch-all": [
            (ADMIN, "/api/admin", "/api/public/admin"),
            (PUBLIC, "    return data\n", f"    return data\n\n{CATCH_ALL}"),
        ],
    },
    "test_the_env_example_says_where_each_list_goes": {
        "new blueprint": [(ENV, "# CORS_ORIGINS_ADMIN=", "# CORS_METHODS_ADMIN=")],
    },
    "test_other_pages_read_nothing_and_change_nothing": {
        "middleware that drops the Origin": [(APP, END, ORIGIN_DROPPED + END)],
    },
    "test_no_other_code_sets_cors_headers": {
        "hook on a blueprint": [(ADMIN, BP, BP + HOOK.format("bp"))],
        "hook on the application": [
            (APP, END, HOOK.format("app").replace("\n", "\n    ") + "\n" + END)
        ],
        "flask-cors on the application, before": [
            (APP, CORS, f"    from flask_cors import CORS; CORS(app)\n{CORS}")
        ],
        "flask-cors on the application, after": [
            (APP, CORS, f"{CORS}    from flask_cors import CORS; CORS(app)\n")
        ],
        "flask-cors on a blueprint, before": [
            (ADMIN, BP, f"{BP}from flask_cors import CORS; CORS(bp)\n")
        ],
        # Flask refuses it when the second application is made: the blueprint is in use by then.
        "flask-cors on a blueprint, after": [
            (APP, CORS, f"{CORS}    from flask_cors import CORS; CORS(BLUEPRINTS[0])\n")
        ],
        "header of a view": [(APP, HEALTH, f'{HEALTH}, {{"Access-Control-Allow-Origin": "*"}}')],
        "header of wsgi.py": [(WSGI, WSGI_END, f"{WSGI_END}\n{HOOK.format('app')}")],
        "cross_origin": [
            (ADMIN, BP, f"from flask_cors import cross_origin\n\n{BP}"),
            (ADMIN, '@bp.get("/")\n', '@bp.get("/")\n@cross_origin()\n'),
        ],
    },
    "test_what_changes_something_lies_under_a_blueprint": {
        "POST on the application": [(APP, END, POST_ROUTE + END)],
    },
    "test_the_environment_alone_decides": {
        **{
            f"{variable} in code, {when}": [(APP, UPDATE, before + UPDATE + after)]
            for variable in ("CORS_ORIGINS", "CORS_ORIGINS_ADMIN")
            for line in [f'    app.config["{variable}"] = "https://app.example.com"\n']
            for when, before, after in [("before", line, ""), ("after", "", line)]
        },
        **{
            setting: [(APP, UPDATE, f"{UPDATE}{setting}\n")]
            for setting in (
                '    app.config["CORS_ENFORCE"] = False',
                '    app.config["CORS_SUPPORTS_CREDENTIALS"] = True',
                '    app.config.update({} if app.testing else {"CORS_ORIGINS": "*"})',
                '    app.config.update({"CORS_ORIGINS": "*"} if app.debug else {})',
            )
        },
    },
    "test_wsgi_adds_nothing_but_its_env": {
        "list given to the factory": [
            (WSGI, SERVED, SERVED.replace("()", '({"CORS_ORIGINS": "*"})'))
        ],
        "environment set": [
            (WSGI, "import logging\n", "import logging\nimport os\n"),
            (WSGI, SERVED, f'    os.environ["CORS_ORIGINS"] = "*"\n{SERVED}'),
        ],
        "env not loaded": [(WSGI, '    cors.load_env(Path(__file__).with_name(".env"))\n', "")],
        "slip": [(WSGI, SERVED, "    app = creat_app()")],
    },
}


@pytest.mark.parametrize(
    ("named", "edits"),
    [
        pytest.param(test, edits, id=mistake)
        for test, mistakes in MISTAKES.items()
        for mistake, edits in mistakes.items()
    ],
)
def test_a_mistake_fails_the_test_that_names_it(
    green_project: Project, tmp_path: Path, named: str, edits: Edits
) -> None:
    done = run_suite(edited(green_project, tmp_path, edits))

    assert done.returncode == 1, done.stdout + done.stderr
    assert named in failed(done), done.stdout
