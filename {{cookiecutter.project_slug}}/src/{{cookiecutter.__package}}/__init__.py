"""The application factory."""

from collections.abc import Mapping
from typing import Any

from flask import Flask

from . import blueprints, cors, errors, incoming
from .blueprints import BLUEPRINTS


def create_app(config: Mapping[str, Any] | None = None) -> Flask:
    """Return an application.

    `config` holds settings that beat the environment. Raises `cors.ConfigurationError` where a
    setting cannot work. See https://flask.palletsprojects.com/patterns/appfactories/.
    """
    app = Flask(__name__)

    # Settings: FLASK_* variables, then the caller's.
    app.config.from_prefixed_env()
    app.config.update(config or {})

    # Errors, blueprints, CORS in front of them, and in front of it all the limits of a request.
    errors.init_app(app)
    blueprints.init_app(app)
    cors.init_app(app, BLUEPRINTS)
    incoming.init_app(app)

    @app.get("/health")
    def health() -> dict[str, str]:
        """Tell whoever watches over the server that it answers."""
        return {"status": "ok"}

    return app
