"""An application with a route for every situation, under the prefix of every blueprint."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NoReturn

import pytest
from flask import Blueprint, Flask, abort, request

from my_api.blueprints import BLUEPRINTS

from ..conftest import MakeApp

METHODS = ["GET", "PUT", "POST", "PATCH", "DELETE"]

Recorded = list[str]
MakeProbed = Callable[[Mapping[str, Any]], Flask]


@pytest.fixture
def recorded() -> Recorded:
    """The methods of the requests that reached the view `ok`."""
    return []


@pytest.fixture
def make_probed(make_app: MakeApp, recorded: Recorded) -> MakeProbed:
    """Make an application that answers 200, 308, 401, 500 and a stream under every prefix."""

    def make(config: Mapping[str, Any]) -> Flask:
        app = make_app({"PROPAGATE_EXCEPTIONS": False, **config})
        app.before_request(_need_login)
        for blueprint in BLUEPRINTS:
            probe = Blueprint(f"probe_{blueprint.name}", __name__)
            for rule in ("/ok", "/slash/", "/private"):
                probe.add_url_rule(rule, view_func=ok, methods=METHODS)
            probe.add_url_rule("/read-only", view_func=ok)
            probe.add_url_rule("/boom", view_func=boom)
            probe.add_url_rule("/stream", view_func=stream)
            app.register_blueprint(probe, url_prefix=f"{blueprint.url_prefix}/probe")
        return app

    def ok() -> dict[str, bool]:
        recorded.append(request.method)
        return {"ok": True}

    return make


def _need_login() -> None:
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
