"""A bare application of two blueprints under CORS, with a route for every situation.

The engine knows no project: only its package is imported from one, and not before the first
fixture, since pytest reads this file before `my_api` can be imported.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from threading import current_thread, main_thread
from typing import TYPE_CHECKING, Any, NoReturn

import pytest
from flask import Blueprint, Flask, abort, request
from flask.testing import FlaskClient

if TYPE_CHECKING:
    from my_api.cors.browser import Browser

LISTED = "https://app.example.com"
STRANGER = "https://stranger.example"
METHODS = ["GET", "PUT", "POST", "PATCH", "DELETE"]

MakeApp = Callable[..., Flask]
Recorded = list[str]


class Clock:
    """A time that passes when a test says so; nobody looks but requests."""

    def __init__(self) -> None:
        self.now = 1_000.0
        self.while_asleep: Callable[[], object] = lambda: None

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        if current_thread() is not main_thread():  # it still looks for a test before
            time.sleep(seconds)
            return
        self.now += seconds
        self.while_asleep()


class NoThread:
    """A thread that a server never lets run."""

    def __init__(self, **_: object) -> None:
        pass

    def start(self) -> None:
        """Do nothing."""

    def is_alive(self) -> bool:
        return True


@pytest.fixture
def recorded() -> Recorded:
    """The methods of the requests that reached the view `ok`."""
    return []


@pytest.fixture
def make_app(recorded: Recorded) -> MakeApp:
    """Make an application under settings of a test's own.

    Under /api/public and /api/admin it answers 200, 308, 401, 404, 405, 500 and a stream.
    """
    from my_api import cors

    def make(allows: dict[str, Any] | None = None, **config: Any) -> Flask:
        app = Flask("bare", static_folder=None)
        app.config.update({"TESTING": True, "PROPAGATE_EXCEPTIONS": False}, CORS_ORIGINS=LISTED)
        app.config.update(config)
        app.before_request(need_login)
        app.add_url_rule("/health", view_func=ok)
        blueprints = [routes(name) for name in ("public", "admin")]
        for blueprint in blueprints:
            app.register_blueprint(blueprint)
        cors.init_app(app, blueprints, allows=allows)
        return app

    def routes(name: str) -> Blueprint:
        blueprint = Blueprint(name, __name__, url_prefix=f"/api/{name}")
        for rule in ("/ok", "/slash/", "/private"):
            blueprint.add_url_rule(rule, view_func=ok, methods=METHODS)
        blueprint.add_url_rule("/read-only", view_func=ok)
        blueprint.add_url_rule("/boom", view_func=boom)
        blueprint.add_url_rule("/stream", view_func=stream)
        return blueprint

    def ok() -> dict[str, bool]:
        recorded.append(request.method)
        return {"ok": True}

    return make


def need_login() -> None:
    """Answer 401, or fail as a hook does that has a bug."""
    if request.path.endswith("/private") and request.headers.get("Authorization") != "Bearer me":
        abort(401)
    if request.path.endswith("/hook"):
        raise RuntimeError("the hook fails")


def boom() -> NoReturn:
    """Fail as a view does that has a bug."""
    raise RuntimeError("the view fails")


def stream() -> Iterator[str]:
    """Send more than one piece."""
    yield from ["one ", "two"]


@pytest.fixture
def app(make_app: MakeApp) -> Flask:
    """An application that pages of LISTED may call."""
    return make_app()


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """A client without an origin: curl, another server."""
    return app.test_client()


@pytest.fixture
def browser(app: Flask) -> Browser:
    """A browser: what a page sees of the application."""
    from my_api.cors.browser import Browser, send_to

    return Browser(send_to(app))


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The clock of all modules."""
    from my_api.cors import middleware, problems

    clock = Clock()
    for module in (middleware, problems):
        monkeypatch.setattr(module, "monotonic", clock)
    monkeypatch.setattr(middleware, "sleep", clock.sleep)
    monkeypatch.setattr(middleware, "Thread", NoThread)
    return clock
