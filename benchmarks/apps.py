"""The applications: the same blueprints and views, with CORS from nobody, flask-cors, or a peer."""

from __future__ import annotations

import importlib
import json
import logging
import os
import sys
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any
from unittest.mock import patch

from flask import Blueprint, Flask
from flask_cors import CORS, cross_origin

from .cases import (
    ALLOW_HEADERS,
    CORS_APP,
    CORS_BP,
    CROSS_ORIGIN,
    DJANGO,
    DJANGO_CORS,
    GENERATED,
    MAX_AGE,
    METHODS,
    RESOURCES,
    STARLETTE,
    STARLETTE_CORS,
    Subject,
    blueprint_names,
)
from .projects import PACKAGE

# Which package a variant needs besides what every generated project has.
NEEDS = {
    STARLETTE: "starlette",
    STARLETTE_CORS: "starlette",
    DJANGO: "corsheaders",
    DJANGO_CORS: "corsheaders",
}
SUBJECT, PROJECT = "BENCHMARK_SUBJECT", "BENCHMARK_PROJECT"


def is_installed(variant: str) -> bool:
    """Tell whether the packages of a variant are here."""
    return find_spec(NEEDS.get(variant, "flask")) is not None


def fresh_package(project: Path) -> ModuleType:
    """Import a baked project anew: its blueprints can be changed for one application alone."""
    for name in [name for name in sys.modules if name.partition(".")[0] == PACKAGE]:
        del sys.modules[name]
    sys.path.insert(0, str(project / "src"))
    try:
        return importlib.import_module(PACKAGE)
    finally:
        sys.path.remove(str(project / "src"))


def flask_app(project: Path, subject: Subject) -> Flask:
    """Return the generated project's application: with its own CORS, flask-cors', or without."""
    silence = logging.getLogger(PACKAGE)
    silence.addHandler(logging.NullHandler())
    silence.propagate = False
    if subject.variant == GENERATED:
        app: Flask = fresh_package(project).create_app({"CORS_ORIGINS": subject.allowlist()})
        return app

    # always_send is off because that is cheaper, and what the generated project does.
    options: dict[str, Any] = {
        "origins": subject.allowlist(),
        "methods": list(METHODS),
        "allow_headers": list(ALLOW_HEADERS),
        "max_age": MAX_AGE,
        "always_send": False,
    }
    with every_view(cross_origin(**options)) if subject.variant == CROSS_ORIGIN else nullcontext():
        package = fresh_package(project)
    if subject.variant == CORS_BP:
        for blueprint in package.BLUEPRINTS:
            CORS(blueprint, **options)
    app = package.create_app()
    del app.wsgi_app  # what stands in front; behind it is Flask's own method
    if subject.variant == CORS_APP:
        CORS(app, **options)
    elif subject.variant == RESOURCES:
        names = blueprint_names(subject.blueprints)
        CORS(app, resources={f"/api/{name}/*": options for name in names})
    return app


def every_view(decorate: Callable[[Any], Any]) -> AbstractContextManager[Any]:
    """Decorate each view that is added to a blueprint, as if it were written in its module."""
    add_url_rule = Blueprint.add_url_rule

    def add(self: Blueprint, rule: str, endpoint: Any, view: Any, **options: Any) -> None:
        add_url_rule(self, rule, endpoint, decorate(view), **options)

    return patch.object(Blueprint, "add_url_rule", add)


def starlette_app(subject: Subject) -> Any:
    """Return a Starlette application with the same paths and answers."""
    from starlette.applications import Starlette
    from starlette.middleware import Middleware
    from starlette.middleware.cors import CORSMiddleware
    from starlette.requests import Request
    from starlette.responses import JSONResponse
    from starlette.routing import Mount, Route

    def routes(name: str) -> list[Route]:
        async def index(request: Request) -> JSONResponse:
            return JSONResponse({"blueprint": name})

        async def echo(request: Request) -> JSONResponse:
            return JSONResponse(await request.json())

        return [Route("/", index), Route("/echo", echo, methods=["POST"])]

    cors = Middleware(
        CORSMiddleware,
        allow_origins=subject.allowlist(),
        allow_methods=METHODS,
        allow_headers=ALLOW_HEADERS,
        max_age=MAX_AGE,
    )
    return Starlette(
        routes=[Mount(f"/api/{n}", routes=routes(n)) for n in blueprint_names(subject.blueprints)],
        middleware=[] if subject.is_bare else [cors],
    )


def django_app(subject: Subject) -> Any:
    """Return a Django application with the same paths and answers.

    Settings are the process's: `django_settings` has to put those of a subject into place.
    """
    import django
    from django.conf import settings
    from django.core.handlers.wsgi import WSGIHandler
    from django.http import HttpRequest, JsonResponse
    from django.urls import path

    def view(name: str) -> Callable[[HttpRequest], JsonResponse]:
        return lambda request: JsonResponse({"blueprint": name})

    def echo(request: HttpRequest) -> JsonResponse:
        return JsonResponse(json.loads(request.body))

    if not settings.configured:
        names = blueprint_names(subject.blueprints)
        settings.configure(
            ALLOWED_HOSTS=["*"],
            INSTALLED_APPS=["corsheaders"],
            LOGGING_CONFIG=None,
            ROOT_URLCONF=(
                *(path(f"api/{name}/", view(name)) for name in names),
                *(path(f"api/{name}/echo", echo) for name in names),
            ),
            CORS_ALLOW_METHODS=METHODS,
            CORS_ALLOW_HEADERS=ALLOW_HEADERS,
            CORS_PREFLIGHT_MAX_AGE=MAX_AGE,
        )
        django.setup()
    cors = [] if subject.is_bare else ["corsheaders.middleware.CorsMiddleware"]
    settings.MIDDLEWARE = [*cors, "django.middleware.common.CommonMiddleware"]
    return WSGIHandler()


def django_settings(subject: Subject) -> Callable[[], None]:
    """Return what puts the allowlist of a subject into Django's settings."""
    from django.conf import settings

    allowlist = subject.allowlist()
    return lambda: setattr(settings, "CORS_ALLOWED_ORIGINS", allowlist)


def served() -> Flask:
    """Return the application that the environment names, for a server to serve."""
    return flask_app(Path(os.environ[PROJECT]), Subject(**json.loads(os.environ[SUBJECT])))


def names_of_served(project: Path, subject: Mapping[str, Any]) -> dict[str, str]:
    """Return the environment that makes a server serve a subject."""
    return {PROJECT: str(project), SUBJECT: json.dumps(subject)}
