"""Origins that a page really has, in Chromium: those of wildcards, of a joiner, of an extension.

Each page is opened for real and asks an API whose list has its entry, and one whose list has only
the entry of another page.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from contextlib import ExitStack
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple
from unittest.mock import patch

import pytest
from my_api import create_app
from my_api.cors.browser import Blocked, Browser, send_to

from .chromium.browsing import Pages, Seen, served
from .conftest import clean_environment, find_program

# "Sri" of Sri Lanka, as people there write it, with a zero width joiner in its middle
SRI = "\u0dc1\u0dca\u200d\u0dbb\u0dd3"


class Page(NamedTuple):
    """A page at an address, and the entry that lists it."""

    name: str
    address: str
    entry: str

    def call(self, api: int, host: str) -> dict[str, Any]:
        """Return what it fetches: a header that nobody named makes a preflight necessary."""
        headers = {"X-Anything": "1", "X-Else": "2", "Authorization": "Bearer secret"}
        url = f"http://{host}:{api}/api/public/echo"
        headers["Content-Type"] = "application/json"
        return {"url": url, "method": "POST", "headers": headers, "body": "{}"}


def pages(ports: Mapping[str, int], extension: Path) -> list[Page]:
    """Return the pages; that of the extension is the first one."""
    digest = hashlib.sha256(str(extension).encode()).hexdigest()[:32]
    unpacked = "".join(chr(ord("a") + int(digit, 16)) for digit in digest)
    port, other = ports["pages"], ports["other"]
    punycode = f"xn--{SRI.encode('punycode').decode()}"
    return [
        Page(
            "extension",
            f"chrome-extension://{unpacked}/",
            f"chrome-extension://{unpacked}",
        ),
        Page(
            "preview",
            f"http://shop-pr-7-team.front.test:{port}/",
            f"http://shop-*-team.front.test:{port}",
        ),
        Page("joiner", f"http://{SRI}.test:{port}/", f"http://{punycode}.test:{port}"),
        Page("a port", f"http://localhost:{port}/", "http://localhost:*"),
        Page("another port", f"http://localhost:{other}/", "http://localhost:*"),
        Page("not a preview", f"http://shop--team.front.test:{port}/", "http://127.0.0.1:*"),
        Page("two labels", f"http://shop-a.b-team.front.test:{port}/", "http://127.0.0.1:*"),
    ]


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[Page, dict[str, Any]]]:
    """Return what each page saw of both APIs in Chromium, and in the model browser."""
    chromium = find_program(["chromium", "google-chrome"], "no page in a real browser was asked")
    extension = tmp_path_factory.mktemp("extension").resolve()
    server = Pages()
    with ExitStack() as running, pytest.MonkeyPatch.context() as quiet:
        ports = {name: running.enter_context(served(server.app)) for name in ("pages", "other")}
        opened = pages(ports, extension)
        lists = {
            "listed": {page.entry for page in opened},
            "others": {"https://shop-*-team.front.test", "http://*.other.test", "http://[::1]:*"},
        }
        apps = {}
        for name, entries in lists.items():
            variables = {"CORS_ORIGINS": ",".join(entries), "CORS_ALLOW_HEADERS": "*"}
            with patch.dict(os.environ, clean_environment(**variables), clear=True):
                apps[name] = create_app()
            quiet.setattr(apps[name].logger, "disabled", True)
            ports[name] = running.enter_context(served(apps[name]))
        plans = [[page.call(ports[name], "localhost") for name in apps] for page in opened]
        visits = [(page.address, plan) for page, plan in zip(opened, plans, strict=True)]
        in_chromium = chain(
            server.browse(chromium, ports["pages"], visits[:1], extension),
            server.browse(chromium, ports["pages"], visits[1:]),
        )
        return [
            (
                page,
                {
                    name: (next(in_chromium), ask_model(apps[name], page, ports[name]))
                    for name in apps
                },
            )
            for page in opened
        ]


def ask_model(app: Any, page: Page, port: int) -> Seen | None:
    """Return what the model browser says that a page sees."""
    punycode = f"xn--{SRI.encode('punycode').decode()}"
    origin = page.address.replace(SRI, punycode).removesuffix("/")
    call = page.call(port, "localhost")
    call["body"] = call["body"].encode()
    try:
        answer = Browser(send_to(app)).fetch(call.pop("url"), origin=origin, **call)
    except Blocked:
        return None
    return Seen(answer.status, {k.lower(): v for k, v in answer.headers}, answer.body.decode())


def test_each_page_reads_what_the_list_with_its_entry_lets_it_read(
    seen: list[tuple[Page, dict[str, Any]]],
) -> None:
    statuses = {
        page.name: [answer and answer.status for answer, _ in answers.values()]
        for page, answers in seen
    }

    assert statuses == {
        "extension": [200, None],
        "preview": [200, None],
        "joiner": [200, None],
        "a port": [200, None],
        "another port": [200, None],
        "not a preview": [None, None],
        "two labels": [None, None],
    }


def test_the_model_browser_says_the_same(seen: list[tuple[Page, dict[str, Any]]]) -> None:
    for page, answers in seen:
        for in_chromium, in_model in answers.values():
            assert in_chromium == in_model, page.name
