"""The registry: every blueprint of the application, one line each."""

from flask import Flask

from .skeleton import bp as skeleton_bp

BLUEPRINTS = [
    skeleton_bp,
]


def init_app(app: Flask) -> None:
    """Register the blueprints on an application, each under its own `url_prefix`."""
    for blueprint in BLUEPRINTS:
        app.register_blueprint(blueprint)
