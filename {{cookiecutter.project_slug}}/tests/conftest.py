"""What the tests share: a clean environment, an application, a client and a browser."""

import os
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from my_api import create_app
from my_api.cors.browser import Blocked, Browser, send_to

__all__ = ["LISTED", "Blocked", "Browser", "MakeApp", "send_to"]

LISTED = "https://app.example.com"

MakeApp = Callable[[Mapping[str, Any]], Flask]


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No setting of the developer's reaches a test; `create_app` itself never reads .env."""
    for name in list(os.environ):
        if name.startswith(("CORS_", "FLASK_")):
            monkeypatch.delenv(name)


@pytest.fixture
def make_app() -> MakeApp:
    """Make an application under settings of a test's own."""
    return lambda config: create_app({"TESTING": True, "CORS_ORIGINS": LISTED, **config})


@pytest.fixture
def app(make_app: MakeApp) -> Flask:
    """An application that pages of LISTED may call."""
    return make_app({})


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """A client without an origin: curl, another server."""
    return app.test_client()


@pytest.fixture
def browser(app: Flask) -> Browser:
    """A browser: what a page sees of the application."""
    return Browser(send_to(app))
