"""What each page does, and the routes that it calls."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from flask import Blueprint, Flask, Response, abort, request
from flask_cors import CORS

FORM = {"Content-Type": "application/x-www-form-urlencoded"}
JSON = {"Content-Type": "application/json"}
TOKEN = {"Authorization": "Bearer secret"}


@dataclass(frozen=True, eq=False)
class Situation:
    """One call of a page: what it sends, and the status that a listed page reads (None: nothing).

    `cached` is one whose answer the browser has kept already, from a use that is not CORS.
    """

    name: str
    path: str
    status: int | None
    method: str = "GET"
    headers: dict[str, str] = field(default_factory=dict)
    body: str | None = None
    credentials: bool = False
    cached: bool = False


SITUATIONS = [
    Situation("GET", "ok", 200),
    Situation("GET of a cached answer", "cached", 200, cached=True),
    Situation("GET of a stream", "stream", 200),
    Situation("GET of a missing path", "missing", 404),
    Situation("PUT to a missing path", "missing", 404, "PUT", JSON, "{}"),
    Situation("POST where only GET is allowed", "ok", 405, "POST", FORM, "a=1"),
    Situation("DELETE where only GET is allowed", "ok", 405, "DELETE"),
    Situation("GET without the final slash", "slash", 200),
    Situation("PUT without the final slash", "slash", 200, "PUT", JSON, "{}"),
    Situation("GET behind a login, no token", "login", 401),
    Situation("GET behind a login, bearer token", "login", 200, headers=TOKEN),
    Situation("GET, the view raises", "view-raises", 500),
    Situation("GET, a hook raises", "hook-raises", 500),
    Situation("POST of a form", "form", 200, "POST", FORM, "a=1"),
    Situation("GET with credentials", "ok", 200, credentials=True),
    Situation("PUT with credentials", "slash/", 200, "PUT", JSON, "{}", credentials=True),
    Situation("GET with a header that is not listed", "ok", None, headers={"X-Odd": "1"}),
    Situation("method patch in lower case", "slash/", None, "patch"),
]


def routes(name: str, on_form: Callable[[str | None], None]) -> Blueprint:
    """Return routes under /api/<name>; `on_form` hears of the origin of each form that arrived."""
    bp = Blueprint(f"{name}_routes", __name__, url_prefix=f"/api/{name}")

    @bp.before_request
    def hook() -> None:
        if request.path.endswith("/hook-raises"):
            raise RuntimeError("a hook")
        if request.path.endswith("/login") and "Authorization" not in request.headers:
            abort(401)

    @bp.get("/ok", endpoint="ok")
    @bp.get("/login", endpoint="login")
    @bp.get("/hook-raises", endpoint="hook-raises")
    def ok() -> Response:
        return Response("ok", headers={"X-Request-Id": "1", "X-Internal": "2"})

    @bp.get("/cached")
    def cached() -> Response:
        return Response("cached", headers={"Cache-Control": "public, max-age=60"})

    @bp.get("/stream")
    def stream() -> Iterator[str]:
        yield from ("one", "two", "three")

    @bp.route("/slash/", methods=["GET", "PUT", "PATCH"])
    def slash() -> str:
        return request.method

    @bp.get("/view-raises")
    def view_raises() -> str:
        raise RuntimeError("a view")

    @bp.post("/form")
    def form() -> str:
        on_form(request.headers.get("Origin"))
        return "posted"

    return bp


def plain_app(public: Blueprint, admin: Blueprint, origins: dict[str, str]) -> Flask:
    """Return an application with flask-cors as its tutorials have it: on the app, on a blueprint.

    `origins` holds the list of each of the two, as the variables of the template have them.
    """
    app = Flask("plain")
    CORS(app, origins=origins["CORS_ORIGINS"].split(","))
    CORS(admin, origins=origins["CORS_ORIGINS_ADMIN"].split(","))
    app.register_blueprint(public)
    app.register_blueprint(admin)
    return app
