"""CORS for each blueprint: an allowlist from the environment, decided in front of Flask.

It belongs to flask-cors-api, the template that wrote this project, and is alike in all projects of
one version, which `flask cors` prints. Do not edit it: a fix arrives by `uvx cruft update`, which
keeps what you wrote elsewhere (README, "Updates of the template").

What the application uses is what `__all__` lists, and `browser` in its tests. To read it:

    problems     the line that a person reads; ConfigurationError
    origins      one allowlist entry: the grammar, and the matcher
    diagnosis    the words for what is refused, and what to write instead
    policy       what one blueprint allows, and the headers, which flask-cors writes
    settings     CORS_* variables become one policy for each blueprint
    env_file     .env: every line of it counts, or the start is refused
    middleware   the path of a request
    routes       the proof that a path selects the policy of the blueprint that serves it
    browser      a model browser: what a page sees
    cli          `flask cors` and `flask cors check`
"""

import os
from collections.abc import Collection, Sequence
from functools import partial

from flask import Blueprint, Flask

from . import env_file
from .cli import cors_commands
from .env_file import load_env
from .middleware import CORSMiddleware
from .problems import ConfigurationError, Problem
from .routes import check_routes, unlisted_blueprints
from .settings import read_settings

__all__ = ["ConfigurationError", "Problem", "__version__", "init_app", "load_env"]
__version__ = "0.2.0.dev0"


def init_app(
    app: Flask, blueprints: Sequence[Blueprint], *, own_list: Collection[str] = ()
) -> None:
    """Put an application under the policies of its blueprints, read from the CORS_* variables.

    Values of `app.config` beat the environment, name by name. A blueprint that `own_list` names
    never takes the shared CORS_ORIGINS: without a list of its own it has nobody. Call it once the
    blueprints are registered: routes are checked here, and again before the first request. Raises
    ConfigurationError with every problem, and RuntimeError when called twice.
    """
    if "cors" in app.extensions:
        raise RuntimeError("cors.init_app() was already called on this application")
    prefixes = {b.name: (b.url_prefix or "").rstrip("/") for b in blueprints}
    variables = {**os.environ, **app.config}
    unlisted = unlisted_blueprints(app, blueprints)
    read = partial(read_settings, prefixes, own_list=own_list, unlisted=unlisted)
    settings = read(variables, places=env_file.places())
    policies = {name: (prefix, settings.policies[name]) for name, prefix in prefixes.items()}
    check = partial(check_routes, app, blueprints, policies)
    check()
    for warning in settings.warnings:
        app.logger.warning("CORS: %s", warning)

    middleware = CORSMiddleware(app, list(policies.values()), check, settings.warnings)
    middleware.read = read
    # A method is called faster than an object.
    app.wsgi_app = middleware.__call__  # type: ignore[method-assign]
    app.extensions["cors"] = middleware
    app.cli.add_command(cors_commands)
