"""What the tests share: a clean environment, the application, a client and a browser."""

import os
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from my_api import create_app
from my_api.cors.browser import Blocked, Browser, send_to

__all__ = ["LISTED", "Blocked", "Browser", "make_app", "own_lists"]

# What your application needs to start, and switches for tests, such as one that turns a login off.
SETTINGS: dict[str, Any] = {}

LISTED = "https://app.example.com"


def make_app(config: Mapping[str, Any]) -> Flask:
    """Make an application under settings of a test's own."""
    # Its clients speak https, so that neither a hook nor an extension redirects them to it.
    return create_app({"TESTING": True, "PREFERRED_URL_SCHEME": "https", **SETTINGS, **config})


def own_lists() -> dict[str, str]:
    """Return settings where each blueprint lists a page of its own: ``https://<name>.example``."""
    pages: dict[str, str] = {}  # by prefix, as blueprints that share one must share a list
    settings = {}
    for prefix, policy in make_app({}).extensions["cors"].policies:
        name = policy.variable("origins").removeprefix("CORS_ORIGINS_").lower()
        settings[policy.variable("origins")] = pages.setdefault(prefix, f"https://{name}.example")
    return settings


@pytest.fixture(scope="session", autouse=True)
def clean_environment() -> Iterator[None]:
    """No setting of the developer's reaches a test; `create_app` itself never reads .env."""
    with pytest.MonkeyPatch.context() as patch:
        for name in list(os.environ):
            if name.startswith(("CORS_", "FLASK_")):
                patch.delenv(name)
        yield


@pytest.fixture(scope="session")
def app() -> Flask:
    """The application, which pages of LISTED may call. A test that changes it makes its own."""
    return make_app({"CORS_ORIGINS": LISTED})


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """A client without an origin: curl, another server."""
    return app.test_client()


@pytest.fixture
def browser(app: Flask) -> Browser:
    """A browser, which tells what a page sees of the application."""
    return Browser(send_to(app), base_url="https://localhost")


@pytest.fixture(scope="session")
def own_browser() -> Browser:
    """The same, of an application where each blueprint has a list of its own, too."""
    app = make_app({"CORS_ORIGINS": LISTED, **own_lists()})
    return Browser(send_to(app), base_url="https://localhost")
