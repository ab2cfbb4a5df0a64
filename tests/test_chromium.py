"""What pages in a real browser see: the same as the model browser says, and as the README says."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from functools import partial
from importlib import import_module
from types import ModuleType
from typing import Any, NamedTuple
from unittest.mock import patch

import pytest
from conftest import ROOT, Project, clean_environment
from flask import Flask

from chromium.browsing import Pages, Seen, find_chromium, page, served
from chromium.situations import SITUATIONS, Situation, plain_app, routes

# The settings of each API of the template, besides the two lists and the exposed header.
VARIANTS = {
    "template": {},
    "template, credentials": {"CORS_SUPPORTS_CREDENTIALS": "true"},
    "template, everyone": {"CORS_ORIGINS": "*"},
    "template, debug": {"FLASK_DEBUG": "1"},
}
PLAIN = "plain flask-cors"
BLUEPRINTS = ["public", "admin"]


class Page(NamedTuple):
    """A page of a site; `host` is the name under which it calls the APIs of this machine."""

    name: str
    site: str
    host: str = "api.test"
    sandboxed: bool = False


PAGES = [
    Page("public site", "http://app.test:{pages}"),
    Page("admin site", "http://admin.test:{pages}"),
    Page("developer", "http://localhost:{pages}", "localhost"),
    Page("stranger", "http://evil.test:{pages}"),
    Page("stranger to localhost", "http://evil.test:{pages}", "localhost"),
    Page("look-alike", "http://app.test.evil.test:{pages}"),
    Page("sandboxed", "http://app.test:{pages}", sandboxed=True),
    Page("API's own", "http://api.test:{template}"),
    Page("API's own, localhost", "http://localhost:{template}", "localhost"),
]
LISTED = {"public": {"public site", "developer"}, "admin": {"admin site"}}
OWN = {"API's own", "API's own, localhost"}
