"""CORS for each blueprint: an allowlist from the environment, decided in front of Flask.

The README's part on CORS says what the variables mean; `settings` reads them, `policy` is what one
blueprint allows, `middleware` answers.
"""

import os
from collections.abc import Sequence
from functools import partial

from flask import Blueprint, Flask

from .cli import CORSState, cors_commands
from .middleware import CORSMiddleware
from .prefixes import PrefixMap
from .routes import check_routes, prefix_of
from .settings import ConfigurationError, read_settings

__all__ = ["ConfigurationError", "init_app"]


def init_app(app: Flask, blueprints: Sequence[Blueprint]) -> None:
    """Put an application under the policies of its blueprints, read from the CORS_* variables.

    Values of `app.config` beat the environment, name by name. Call it once the blueprints are
    registered: routes are checked here, and again before the first request. Raises
    ConfigurationError with every problem, and RuntimeError when called twice.
    """
    if "cors" in app.extensions:
        raise RuntimeError("cors.init_app() was already called on this application")
    names = [blueprint.name for blueprint in blueprints]
    policies, warnings = read_settings(names, {**os.environ, **app.config})
    check = partial(check_routes, app, blueprints, policies)
    check()
    for warning in warnings:
        app.logger.warning("CORS: %s", warning)

    by_prefix = [(prefix_of(blueprint), policies[blueprint.name]) for blueprint in blueprints]
    prefixes = PrefixMap(dict(by_prefix))
    # Its method, as a Python method is called faster than an object.
    app.wsgi_app = CORSMiddleware(app, prefixes, check).__call__  # type: ignore[method-assign]
    app.extensions["cors"] = CORSState(by_prefix, prefixes, warnings)
    app.cli.add_command(cors_commands)
