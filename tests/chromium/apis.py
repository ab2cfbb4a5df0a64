"""The routes that the pages call, and an application with flask-cors as its tutorials use it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from urllib.parse import unquote

from flask import Blueprint, Flask, Response, abort, request
from flask_cors import CORS


def routes(
    name: str, on_form: Callable[[str | None], None], on_cookie: Callable[[str], None]
) -> Blueprint:
    """Return routes under /api/<name>.

    `on_form` gets the origin of each form that arrives, `on_cookie` the name of each cookie that
    arrives where its account is asked for.
    """
    bp = Blueprint(f"{name}_routes", __name__, url_prefix=f"/api/{name}")

    @bp.before_request
    def hook() -> None:
        if request.path.endswith("/hook-raises"):
            raise RuntimeError("in a hook")
        if request.path.endswith("/login") and "Authorization" not in request.headers:
            abort(401)

    @bp.get("/ok", endpoint="ok")
    @bp.get("/login", endpoint="login")
    @bp.get("/hook-raises", endpoint="hook-raises")
    def ok() -> Response:
        return Response("ok", headers={"X-Request-Id": "1", "X-Internal": "2"})

    @bp.route("/slash/", methods=["GET", "PUT", "PATCH"])
    def slash() -> str:
        return request.method

    @bp.get("/cached")
    def cached() -> Response:
        return Response("cached", headers={"Cache-Control": "public, max-age=60"})

    @bp.get("/stream")
    def stream() -> Iterator[str]:
        yield from ("one", "two", "three")

    @bp.get("/view-raises")
    def view_raises() -> str:
        raise RuntimeError("in a view")

    @bp.get("/log-in")
    def log_in() -> Response:
        return Response(headers={"Set-Cookie": unquote(request.query_string.decode())})

    @bp.get("/account")
    def account() -> tuple[str, int]:
        name = request.query_string.decode()
        if name in request.cookies:
            on_cookie(name)
        site = request.headers.get("Sec-Fetch-Site", "a site that is not named")
        return f"called from {site}", 200 if name in request.cookies else 401

    @bp.post("/form")
    def form() -> str:
        on_form(request.headers.get("Origin"))
        return "taken"

    return bp


def plain_app(lists: Mapping[str, str], public: Blueprint, admin: Blueprint) -> Flask:
    """Return an application whose lists are given to flask-cors: for the app, and for `admin`.

    `lists` are the variables of the template.
    """
    app = Flask("plain")
    CORS(app, origins=lists["CORS_ORIGINS"].split(","))
    CORS(admin, origins=lists["CORS_ORIGINS_ADMIN"].split(","))
    app.register_blueprint(public)
    app.register_blueprint(admin)
    return app
