"""Each pair of docs/from-flask-cors.md is run: pages read the same under either."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from itertools import product
from types import ModuleType
from typing import Any

import pytest
from flask import Blueprint, Flask
from flask_cors import CORS, cross_origin
from flask_cors.core import CONFIG_OPTIONS

from .conftest import ROOT

DOCUMENT = (ROOT / "docs/from-flask-cors.md").read_text(encoding="utf-8")
ROWS = re.findall(r"^\| `(.+)` \| (.+) \|$", DOCUMENT, re.MULTILINE)
ORIGINS = [
    "https://a.example.com",
    "https://b.example.com",
    "http://example.com",
    "http://localhost:3000",
    "https://stranger.example",
]
METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"]


def test_every_option_of_flask_cors_has_a_row() -> None:
    code = "".join(f"{old} {new}" for old, new in ROWS)

    assert len(ROWS) == len(re.findall(r"^\| `", DOCUMENT, re.MULTILINE))
    for option in CONFIG_OPTIONS:
        assert re.search(rf"\b{option.removeprefix('CORS_').lower()}=", code), option


def bare() -> dict[str, Any]:
    """Return an application and its two blueprints under the names of the table."""
    app = Flask(__name__)
    app.logger.disabled = True  # of what fails on purpose
    made = {}
    for name in ("public", "admin"):
        made[name] = bp = Blueprint(name, __name__, url_prefix=f"/api/{name}")
        view: Any = lambda: ("", {"X-Total": "3"})  # noqa: E731
        bp.add_url_rule("/", "index", view, methods=METHODS)
        bp.add_url_rule("/fails", "fails", lambda: str(1 // 0), methods=METHODS)
    return {"app": app, "public_bp": made["public"], "admin_bp": made["admin"]}


def by_flask_cors(code: str) -> Flask:
    """Return the application after a line of code from the table."""
    names = bare()
    app: Flask = names["app"]
    blueprints = [names["public_bp"], names["admin_bp"]]
    more = {"CORS": CORS, "cross_origin": cross_origin, "re": re, "timedelta": timedelta}
    if code.startswith("@"):
        decorate = eval(code[1:], more)
        bp = names["admin_bp"] = Blueprint("admin", __name__, url_prefix="/api/admin")
        methods = [*METHODS, "OPTIONS"]
        bp.add_url_rule("/", "index", decorate(lambda: ("", {"X-Total": "3"})), methods=methods)
        blueprints[1] = bp
    else:
        exec(code, names | more)
    for bp in blueprints:
        app.register_blueprint(bp)
    return app


def by_the_template(package: ModuleType, lines: str) -> Flask:
    """Return the application under the variables of the table."""
    names = bare()
    app: Flask = names["app"]
    blueprints = [names["public_bp"], names["admin_bp"]]
    app.config["CORS_ALLOW_HEADERS"] = "*"
    app.config.update(re.findall(r"`(CORS_\w+)=(.*?)`", lines))
    for bp in blueprints:
        app.register_blueprint(bp)
    package.cors.init_app(app, blueprints)
    return app


def seen(package: ModuleType, app: Flask, paths: tuple[str, ...]) -> Iterator[tuple[object, ...]]:
    """Yield what pages get to see: of each blueprint, for each origin, with and without cookies."""
    browsers: Any = package.cors.browser
    browser = browsers.Browser(browsers.send_to(app), "https://api.example.com")
    headers: Any = {}, {"Authorization": "Bearer x"}, {"X-Token": "x"}
    situations = product(("public", "admin"), paths, METHODS, ORIGINS, headers, (False, True))
    for name, path, method, origin, sent, cookies in situations:
        given = {"method": method, "headers": sent, "credentials": cookies}
        try:
            answer = browser.fetch(f"/api/{name}{path}", origin=origin, **given)
            read: Any = answer.status, answer.headers.get("X-Total")
        except browsers.Blocked:
            read = "blocked"
        yield name, path, method, origin, *sent, cookies, read


def max_age(app: Flask) -> str | None:
    """Return how long browsers keep a preflight."""
    asked = {"Origin": ORIGINS[0], "Access-Control-Request-Method": "PUT"}
    answer = app.test_client().options("/api/admin/", headers=asked)
    return answer.headers.get("Access-Control-Max-Age")


@pytest.mark.parametrize(("code", "lines"), ROWS, ids=[code for code, _ in ROWS])
def test_pages_read_the_same(package: ModuleType, code: str, lines: str) -> None:
    theirs, ours = by_flask_cors(code), by_the_template(package, lines)
    # Where a decorated view fails, flask-cors sends nothing, and a page reads no 500.
    paths = ("/",) if code.startswith("@") else ("/", "/fails")

    assert [*seen(package, ours, paths)] == [*seen(package, theirs, paths)]
    if "max_age" in code:
        assert max_age(ours) == max_age(theirs)
