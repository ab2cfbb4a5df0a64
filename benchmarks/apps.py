"""The applications: the same blueprints and views, with CORS from nobody, flask-cors, or a peer."""

from __future__ import annotations

import importlib
import json
import logging
import os
import sys
from collections.abc import Callable, Mapping
from contextlib import nullcontext, suppress
from dataclasses import asdict
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple
from unittest.mock import patch

from flask import Blueprint, Flask
from flask_cors import CORS, cross_origin

from . import subjects
from .projects import PACKAGE
from .subjects import Subject, blueprint_names

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
ALLOW_HEADERS = ("Authorization", "Content-Type")
# Of the environment of a server: the subject to serve, and the project that it is made of.
SUBJECT, PROJECT = "BENCHMARK_SUBJECT", "BENCHMARK_PROJECT"
SCOPE = "benchmark.scope"  # of an environ: the same request for ASGI


class App(NamedTuple):
    """A WSGI application, and what has to be called before it is."""

    wsgi: Any
    get_ready: Callable[[], None] = lambda: None


def build(subject: Subject, projects: Mapping[int, Path]) -> App:
    """Build the application of a subject; `projects` are baked ones by their blueprints."""
    if subject.bare.variant == subjects.STARLETTE:
        return App(as_wsgi(starlette_app(subject)))
    if subject.bare.variant == subjects.DJANGO:
        return django_app(subject)
    return App(flask_app(projects[subject.blueprints], subject))


def served() -> Flask:
    """Return the application that the environment names, for a server to serve."""
    return flask_app(Path(os.environ[PROJECT]), Subject(**json.loads(os.environ[SUBJECT])))


def variables_of_served(project: Path, subject: Subject) -> dict[str, str]:
    """Return the environment that makes a server serve a subject."""
    return {PROJECT: str(project), SUBJECT: json.dumps(asdict(subject))}


def fresh_package(project: Path) -> ModuleType:
    """Import a baked project anew: its blueprints can be changed for one application alone."""
    for name in [name for name in sys.modules if name.partition(".")[0] == PACKAGE]:
        del sys.modules[name]
    with patch.object(sys, "path", [str(project / "src"), *sys.path]):
        return importlib.import_module(PACKAGE)


def flask_app(project: Path, subject: Subject) -> Flask:
    """Return the generated project's application: with its own CORS, flask-cors', or without."""
    silence = logging.getLogger(PACKAGE)
    silence.addHandler(logging.NullHandler())
    silence.propagate = False
    app: Flask
    if subject.variant == subjects.GENERATED:
        app = fresh_package(project).create_app({"CORS_ORIGINS": subject.entries})
        return app

    # always_send is off because that is cheaper, and what the generated project does.
    options: dict[str, Any] = {"origins": subject.entries, "always_send": False}
    options |= {"methods": METHODS, "allow_headers": ALLOW_HEADERS, "max_age": 600}
    add_url_rule = Blueprint.add_url_rule

    def add_decorated(self: Blueprint, rule: str, endpoint: Any, view: Any, **more: Any) -> None:
        add_url_rule(self, rule, endpoint, cross_origin(**options)(view), **more)

    decorates = subject.variant == subjects.CROSS_ORIGIN  # as if it were written in each module
    with patch.object(Blueprint, "add_url_rule", add_decorated) if decorates else nullcontext():
        package = fresh_package(project)
    if subject.variant == subjects.CORS_BP:
        for blueprint in package.BLUEPRINTS:
            CORS(blueprint, **options)
    app = package.create_app()
    del app.wsgi_app  # what stands in front; behind it is Flask's own method
    if subject.variant == subjects.CORS_APP:
        CORS(app, **options)
    elif subject.variant == subjects.RESOURCES:
        names = blueprint_names(subject.blueprints)
        CORS(app, resources={f"/api/{name}/*": options for name in names})
    return app


def as_wsgi(asgi: Any) -> Any:
    """Return an ASGI application to be called like one of WSGI.

    Nothing in it waits for anything, so that no loop has to run, which would take time itself.
    """

    def wsgi(environ: dict[str, Any], start_response: Any) -> tuple[()]:
        async def send(message: dict[str, Any]) -> None:
            if "status" in message:
                start_response(str(message["status"]), message["headers"])

        with suppress(StopIteration):
            asgi(environ[SCOPE].copy(), None, send).send(None)
            raise RuntimeError("it waits")
        return ()

    return wsgi


def starlette_app(subject: Subject) -> Any:
    """Return a Starlette application with the same paths and answers."""
    from starlette.applications import Starlette
    from starlette.middleware import Middleware
    from starlette.middleware.cors import CORSMiddleware
    from starlette.requests import Request
    from starlette.responses import JSONResponse
    from starlette.routing import Route

    def index(name: str) -> Route:
        async def answer(request: Request) -> JSONResponse:
            return JSONResponse({"blueprint": name})

        return Route(f"/api/{name}/", answer)

    names: Any = {"allow_methods": METHODS, "allow_headers": ALLOW_HEADERS}
    cors = Middleware(CORSMiddleware, allow_origins=subject.entries, **names)
    routes = [index(name) for name in blueprint_names(subject.blueprints)]
    return Starlette(routes=routes, middleware=[] if subject.is_bare else [cors])


def django_app(subject: Subject) -> App:
    """Return a Django application with the same paths and answers.

    Settings are the process's: those of this subject have to be put into place.
    """
    import django
    from django.conf import settings
    from django.core.handlers.wsgi import WSGIHandler
    from django.http import HttpRequest, JsonResponse
    from django.urls import path

    def index(name: str) -> Callable[[HttpRequest], JsonResponse]:
        return lambda request: JsonResponse({"blueprint": name})

    if not settings.configured:
        names = blueprint_names(subject.blueprints)
        settings.configure(
            ALLOWED_HOSTS=["*"],
            INSTALLED_APPS=["corsheaders"],
            LOGGING_CONFIG=None,
            ROOT_URLCONF=tuple(path(f"api/{name}/", index(name)) for name in names),
            CORS_ALLOW_METHODS=METHODS,
            CORS_ALLOW_HEADERS=ALLOW_HEADERS,
        )
        django.setup()
    cors = [] if subject.is_bare else ["corsheaders.middleware.CorsMiddleware"]
    settings.MIDDLEWARE = [*cors, "django.middleware.common.CommonMiddleware"]
    entries = subject.entries
    return App(WSGIHandler(), lambda: setattr(settings, "CORS_ALLOWED_ORIGINS", entries))
