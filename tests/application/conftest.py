"""The application of the default project, made by its factory."""

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask

LISTED = "https://app.example.com"

MakeApp = Callable[..., Flask]


@pytest.fixture
def make_app() -> MakeApp:
    """Make an application under settings of a test's own."""
    from my_api import create_app  # not before pytest is configured

    def make(**config: Any) -> Flask:
        app: Flask = create_app({"TESTING": True, "CORS_ORIGINS": LISTED, **config})
        return app

    return make


@pytest.fixture
def app(make_app: MakeApp) -> Flask:
    """An application that pages of LISTED may call."""
    return make_app()
