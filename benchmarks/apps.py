"""The applications: the same blueprints and views, with CORS from nobody, flask-cors, or a peer."""

import importlib
import json
import logging
import os
import sys
from collections.abc import Mapping
from contextlib import nullcontext, suppress
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any
from unittest.mock import patch

from flask import Blueprint
from flask_cors import CORS, cross_origin

from . import subjects
from .commands import PACKAGE
from .subjects import Subject, blueprint_names

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
ALLOW_HEADERS = ("Authorization", "Content-Type")
SERVED = "BENCHMARK_SERVED"  # of the environment of a server: a project and a subject, as JSON
SCOPE = "benchmark.scope"  # of an environ: the same request for ASGI


def build(subject: Subject, projects: Mapping[int, Path]) -> Any:
    """Build the WSGI application of a subject; `projects` are baked ones by their blueprints."""
    if subject.bare.variant == subjects.STARLETTE:
        return starlette_app(subject)
    if subject.bare.variant == subjects.DJANGO:
        return django_app(subject)
    return flask_app(projects[subject.blueprints], subject)


def served() -> Any:
    """Return the application that the environment names, for a server to serve."""
    project, subject = json.loads(os.environ[SERVED])
    return flask_app(Path(project), Subject(**subject))


def fresh_package(project: Path) -> ModuleType:
    """Import a baked project anew: its blueprints can be changed for one application alone."""
    for name in [name for name in sys.modules if name.partition(".")[0] == PACKAGE]:
        del sys.modules[name]
    with patch.object(sys, "path", [str(project / "src"), *sys.path]):
        return importlib.import_module(PACKAGE)


def flask_app(project: Path, subject: Subject) -> Any:
    """Return the generated project's application: with its own CORS, flask-cors', or without."""
    silence = logging.getLogger(PACKAGE)
    silence.addHandler(logging.NullHandler())
    silence.propagate = False
    if subject.variant == subjects.GENERATED:
        package, origins = fresh_package(project), ",".join(subject.entries)
        if subject.kind == subjects.FILE:
            file = project.with_name(f"{subject.origins}.origins")
            file.write_text(origins + "\n")
            origins = f"@{file}"
        elif subject.kind == subjects.FUNCTION:
            asked = {subject.pages[-1]}.__contains__
            allows = dict.fromkeys(blueprint_names(subject.blueprints), asked)
            package.cors.init_app = partial(package.cors.init_app, allows=allows)
        return package.create_app({"CORS_ORIGINS": origins})

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


def starlette_app(subject: Subject) -> Any:
    """Return a Starlette application with the same paths and answers, to be called as by WSGI."""
    from starlette.applications import Starlette
    from starlette.middleware import Middleware
    from starlette.middleware.cors import CORSMiddleware
    from starlette.requests import Request
    from starlette.responses import JSONResponse
    from starlette.routing import Route

    async def index(request: Request) -> JSONResponse:
        return JSONResponse({"blueprint": "any"})

    options: Any = {"allow_methods": METHODS, "allow_headers": ALLOW_HEADERS}
    cors = Middleware(CORSMiddleware, allow_origins=subject.entries, **options)
    routes = [Route(f"/api/{name}/", index) for name in blueprint_names(subject.blueprints)]
    app = Starlette(routes=routes, middleware=[] if subject.is_bare else [cors])

    def wsgi(environ: dict[str, Any], start_response: Any) -> tuple[()]:
        async def send(message: dict[str, Any]) -> None:
            if "status" in message:
                start_response(str(message["status"]), message["headers"])

        with suppress(StopIteration):  # it waits for nothing: no loop has to run, and take time
            app(environ[SCOPE].copy(), None, send).send(None)
            raise RuntimeError("it waits")
        return ()

    return wsgi


def django_app(subject: Subject) -> Any:
    """Return a Django application with the same paths and answers."""
    import django
    from django.conf import settings
    from django.core.handlers.wsgi import WSGIHandler
    from django.http import HttpRequest, JsonResponse
    from django.urls import path

    def index(request: HttpRequest) -> JsonResponse:
        return JsonResponse({"blueprint": "any"})

    if not settings.configured:
        names = blueprint_names(subject.blueprints)
        settings.configure(
            ALLOWED_HOSTS=["*"],
            INSTALLED_APPS=["corsheaders"],
            LOGGING_CONFIG=None,
            ROOT_URLCONF=tuple(path(f"api/{name}/", index) for name in names),
            CORS_ALLOW_METHODS=METHODS,
            CORS_ALLOW_HEADERS=ALLOW_HEADERS,
        )
        django.setup()
    cors = [] if subject.is_bare else ["corsheaders.middleware.CorsMiddleware"]
    settings.MIDDLEWARE = [*cors, "django.middleware.common.CommonMiddleware"]
    handler, entries = WSGIHandler(), subject.entries

    def wsgi(environ: dict[str, Any], start_response: Any) -> Any:
        settings.CORS_ALLOWED_ORIGINS = entries  # the settings are those of the process
        return handler(environ, start_response)

    return wsgi
