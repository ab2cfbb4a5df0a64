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
    middleware   the path of a request, and the files of origins while they change
    routes       the proof that a path selects the policy of the blueprint that serves it
    browser      a model browser: what a page sees
    cli          `flask cors` and `flask cors check`
"""

import os
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial

from flask import Blueprint, Flask

from . import env_file
from .cli import cors_commands
from .env_file import load_env
from .middleware import CORSMiddleware, Watch
from .policy import Policy, refused
from .problems import PROBLEMS_PRINTED, ConfigurationError, Log, Problem
from .routes import check_routes, unlisted_blueprints
from .settings import AllowsFunction, Files, read_settings

__all__ = ["ConfigurationError", "Problem", "__version__", "init_app", "load_env", "refused"]
__version__ = "0.2.0.dev0"


def init_app(
    app: Flask,
    blueprints: Sequence[Blueprint],
    *,
    own_list: Collection[str] = (),
    allows: Mapping[str, Callable[[str], bool]] | None = None,
) -> None:
    """Put an application under the policies of its blueprints, read from the CORS_* variables.

    Values of `app.config` beat the environment, name by name. A blueprint that `own_list` names
    never takes the shared CORS_ORIGINS: without a list of its own it has nobody. `allows` holds for
    some blueprints a function that is asked for an origin which is on no list, in an application
    context; nothing but True lets pages of it in. Call it once the blueprints are registered:
    routes are checked here, and again before the first request. Raises ConfigurationError with
    every problem, and RuntimeError when called twice.
    """
    if "cors" in app.extensions:
        raise RuntimeError("cors.init_app() was already called on this application")
    prefixes = {b.name: (b.url_prefix or "").rstrip("/") for b in blueprints}
    variables, log = {**os.environ, **app.config}, Log(app)
    policies: dict[str, tuple[str, Policy]] = {}
    check = partial(check_routes, app, blueprints, policies)
    middleware = CORSMiddleware(app, [], check, log=log)
    middleware.read = partial(
        read_settings,
        prefixes,
        own_list={own_list} if isinstance(own_list, str) else {*own_list},
        unlisted=unlisted_blueprints(app, blueprints),
        places=env_file.places(),
        allows={name: AllowsFunction(f, log) for name, f in (allows or {}).items()},
    )

    def take(files: Files) -> Files:
        settings, known = middleware.read(variables, files=files), {*middleware.warnings}
        policies.update({n: (prefix, settings.policies[n]) for n, prefix in prefixes.items()})
        new = [warning for warning in settings.warnings if warning not in known]
        for warning in new[:PROBLEMS_PRINTED]:
            app.logger.warning("CORS: %s", warning)
        middleware.take([*policies.values()], settings.warnings)
        return settings.files

    files = take({})
    check()
    # A method is called faster than an object.
    app.wsgi_app = middleware.__call__  # type: ignore[method-assign]
    if files:
        app.wsgi_app = Watch(app, files, take).serve  # type: ignore[method-assign]
    app.extensions["cors"] = middleware
    app.cli.add_command(cors_commands)
