"""What the tests share: a clean environment, the application, a client and a browser."""

import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from my_api import create_app
from my_api.cors import ConfigurationError
from my_api.cors.browser import Blocked, Browser, send_to

__all__ = ["Blocked", "Browser", "make_app", "make_app_of_own_lists", "own_lists"]

# What your application needs to start, and switches for tests.
SETTINGS: dict[str, Any] = {}


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


def make_app_of_own_lists(config: Mapping[str, Any]) -> Flask:
    """Make an application where each blueprint lists a page of its own."""
    lists = own_lists()
    try:
        return make_app({**lists, **config})
    except ConfigurationError:
        pytest.skip("see test_each_blueprint_can_have_a_list_of_its_own")


@pytest.fixture(scope="session", autouse=True)
def clean_environment() -> None:
    """No setting of the developer's reaches a test; `create_app` itself never reads .env."""
    for name in list(os.environ):
        if name.startswith(("CORS_", "FLASK_")):
            del os.environ[name]


@pytest.fixture(scope="session")
def app() -> Flask:
    """The application. A test that changes it makes its own."""
    return make_app({})


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """A client that meets all hooks, such as a login."""
    return app.test_client()


@pytest.fixture(scope="session")
def open_app() -> Flask:
    """The application with open doors: what a hook before a view answers or raises is dropped."""

    def run(hook: Callable[[], object]) -> None:
        with suppress(Exception):
            hook()

    app = make_app_of_own_lists({})
    for hooks in app.before_request_funcs.values():
        hooks[:] = [partial(run, app.ensure_sync(hook)) for hook in hooks]
    return app


@pytest.fixture
def views(open_app: Flask) -> FlaskClient:
    """A client that reaches every view."""
    return open_app.test_client()


@pytest.fixture
def browser(open_app: Flask) -> Browser:
    """A browser, which tells what a page sees of the views."""
    return Browser(send_to(open_app), base_url="https://localhost")
