"""What a page sees of an API, in Chromium: as the model browser says, and as the README says."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, suppress
from functools import partial
from itertools import groupby
from typing import NamedTuple
from unittest.mock import patch

import pytest
from flask import Blueprint, Flask
from my_api import create_app
from my_api.cors.browser import Blocked, Browser, send_to

from .chromium.apis import plain_app, routes
from .chromium.browsing import Pages, Seen, opened, page_view, served
from .chromium.situations import (
    CALLS,
    CALLS_OF_THE_MODEL,
    LAX,
    LISTED,
    LOGIN_PAGES,
    LOGIN_ROWS,
    LOGINS,
    NONE,
    OWN,
    OWN_DOMAIN,
    PAGES,
    PLAIN,
    ROWS,
    SITUATIONS,
    TEMPLATE,
    VARIANTS,
    Login,
    Page,
    Row,
    lists,
)
from .conftest import ROOT, clean_environment, find_program
from .servers import wait_until

Form = tuple[str, str, str | None]

# Who calls, in the comparison, the blueprint under CORS(app) and the one under CORS(bp); and how.
COMPARED = [
    ("A page on the list", {"public": "public site", "admin": "admin site"}, SITUATIONS[:12]),
    ("A page on the other list", {"public": "admin site", "admin": "public site"}, SITUATIONS[:3]),
    ("A page on no list", {"public": "stranger", "admin": "stranger"}, SITUATIONS[:3]),
]


class Observed(NamedTuple):
    """What each call got, and what reached a view: forms (API, blueprint, origin), cookies."""

    seen: dict[Row, Seen | None]
    forms: set[Form]
    cookies: set[str]


class Lab(NamedTuple):
    """What the same calls got in Chromium and in the model browser."""

    chromium: Observed
    model: Observed
    ports: dict[str, int]
    console: str


@pytest.fixture(scope="module")
def lab(request: pytest.FixtureRequest) -> Lab:
    """Make every call from its page, then in the model browser, to the same applications.

    The tables go to the end of what pytest prints.
    """
    chromium = find_program(["chromium", "google-chrome"], "no page in a real browser was asked")
    pages, forms, cookies = Pages(), set[Form](), set[str]()
    with pytest.MonkeyPatch.context() as monkeypatch, ExitStack() as running:
        ports = {"pages": running.enter_context(served(pages.app))}
        apps = make_apps(lists(ports), forms, cookies)
        for app in apps.values():
            monkeypatch.setattr(app.logger, "disabled", True)
        ports |= {name: running.enter_context(served(app)) for name, app in apps.items()}
        visits = [
            (page.address(ports), [row.call(ports) for row in rows])
            for page, rows in groupby(CALLS, lambda row: row.page)
        ]
        seen = pages.browse(chromium, ports["pages"], visits)
        in_chromium = Observed(dict(zip(CALLS, seen, strict=True)), set(forms), set(cookies))

        forms.clear()
        cookies.clear()
        by_model = {row: ask_model(apps[row.api], row, ports) for row in CALLS_OF_THE_MODEL}
    by_model_browser = Observed(by_model, forms, cookies)
    measured = Lab(in_chromium, by_model_browser, ports, pages.console)
    request.config.pluginmanager.register(
        Summary([overview(measured), logins(measured), comparison(measured)])
    )
    return measured


def make_apps(
    allowlists: Mapping[str, str], forms: set[Form], cookies: set[str]
) -> dict[str, Flask]:
    """Make the project's application in each variant, and one with plain flask-cors.

    All have the same routes, and add to `forms` and `cookies` what reaches their views.
    """

    def blueprints(api: str) -> Iterator[Blueprint]:
        for name in LISTED:
            yield routes(name, partial(record, api, name), cookies.add)

    def record(api: str, blueprint: str, origin: str | None) -> None:
        forms.add((api, blueprint, origin))

    apps = {PLAIN: plain_app(allowlists, *blueprints(PLAIN))}
    for name, variables in VARIANTS.items():
        with patch.dict(os.environ, clean_environment(**{**allowlists, **variables}), clear=True):
            apps[name] = create_app()
        apps[name].add_url_rule("/", view_func=page_view)
        for blueprint in blueprints(name):
            apps[name].register_blueprint(blueprint)
    return apps


def ask_model(app: Flask, row: Row, ports: Mapping[str, int]) -> Seen | None:
    """Return what the model browser says that the page of a row sees."""
    situation, call, origin = row.situation, row.call(ports), row.page.origin(ports)
    browser = Browser(send_to(app))
    if isinstance(situation, Login):
        with suppress(Blocked):
            browser.fetch(
                call["before"]["url"], origin=origin, credentials=situation.login_credentials
            )
    try:
        answer = browser.fetch(
            call["url"],
            origin=origin,
            method=situation.method,
            headers=situation.headers,
            body=situation.body and situation.body.encode(),
            credentials=situation.credentials,
        )
    except Blocked:
        return None
    names = {name.lower() for name, _ in answer.headers}
    headers = {name: ", ".join(answer.headers.getlist(name)) for name in names}
    return Seen(answer.status, headers, answer.body.decode())


class Summary:
    """A plugin of pytest that prints tables at the end."""

    def __init__(self, tables: list[str]) -> None:
        self._tables = tables

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Print them."""
        terminalreporter.section("what pages see in Chromium")
        for table in self._tables:
            terminalreporter.write_line(f"{table}\n")


def overview(lab: Lab) -> str:
    """Return what every page read of the two blueprints of the template's API, as a table."""
    lines = []
    for blueprint in LISTED:
        lines.append(f"{blueprint:<38}" + "  ".join(page.name for page in PAGES))
        for situation in SITUATIONS:
            rows = [Row(page, TEMPLATE, blueprint, situation) for page in PAGES]
            cells = [f"{text(lab.chromium.seen[row]):<{len(row.page.name)}}" for row in rows]
            lines.append(f"{situation.name:<38}{'  '.join(cells)}".rstrip())
    agreed = sum(lab.chromium.seen[row] == seen for row, seen in lab.model.seen.items())
    total = len(lab.model.seen)
    lines.append(f"Chromium and the model browser agree on {agreed} of {total} calls.")
    return "\n".join(lines)


def text(seen: Seen | None) -> str:
    """Return the status that a page read, or that it was blocked."""
    return str(seen.status) if seen else "blocked"


def comparison(lab: Lab) -> str:
    """Return the README's table: what pages saw of plain flask-cors and of the template."""
    lines = [
        "| | `CORS(app, origins=...)` | `CORS(bp, origins=...)` | this template |",
        "|---|---|---|---|",
    ]
    for caller, pages, situations in COMPARED:
        lines.append(f"| **{caller}** | | | |")
        for situation in situations:
            rows = {
                (api, blueprint): Row(named(page), api, blueprint, situation)
                for api in (PLAIN, TEMPLATE)
                for blueprint, page in pages.items()
            }
            public, admin, *template = (verdict(lab, row) for row in rows.values())
            cells = [situation.name, public, admin, " or ".join(dict.fromkeys(template))]
            lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def logins(lab: Lab) -> str:
    """Return what every page read of its account after a login, as a table."""
    lines = [f"{'cookie: login, account':<52}" + "  ".join(page.name for page in LOGIN_PAGES)]
    for situation in LOGINS:
        rows = [row for row in LOGIN_ROWS if row.situation == situation]
        cells = [f"{text(lab.chromium.seen[row]):<{len(row.page.name)}}" for row in rows]
        lines.append(f"{situation.name:<52}{'  '.join(cells)}".rstrip())
    return "\n".join(lines)


def verdict(lab: Lab, row: Row) -> str:
    """Return in the README's words what Chromium showed."""
    seen = lab.chromium.seen[row]
    form = (row.api, row.blueprint, row.page.origin(lab.ports))
    if row.is_listed:
        return f"{seen.status} readable" if seen else "blocked"
    if seen:
        return "**open to a stranger**"
    if row.situation.path == "form" and form in lab.chromium.forms:
        return "**runs for a stranger**"
    return "blocked"


def named(name: str) -> Page:
    """Return the page of this name."""
    return next(page for page in PAGES if page.name == name)


@pytest.mark.parametrize("api", [*VARIANTS, PLAIN])
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_chromium_shows_a_page_what_the_model_browser_says(lab: Lab, page: Page, api: str) -> None:
    rows = [row for row in CALLS_OF_THE_MODEL if (row.page, row.api) == (page, api)]
    assert {row.name: lab.chromium.seen[row] for row in rows} == {
        row.name: lab.model.seen[row] for row in rows
    }


@pytest.mark.parametrize("api", VARIANTS)
def test_a_listed_page_reads_every_answer_and_no_other_page_reads_any(lab: Lab, api: str) -> None:
    rows = [row for row in ROWS if row.api == api and not row.is_own]
    assert {row.name: text(lab.chromium.seen[row]) for row in rows} == {
        row.name: str(row.status or "blocked") for row in rows
    }


def test_a_page_of_the_api_itself_reads_every_answer(lab: Lab) -> None:
    rows = [row for row in ROWS if row.is_own and row.situation.status]
    assert {row.name: text(lab.chromium.seen[row]) for row in rows} == {
        row.name: str(row.situation.status) for row in rows
    }


def test_a_listed_page_reads_the_exposed_header_and_no_other(lab: Lab) -> None:
    seen = lab.chromium.seen[Row(named("public site"), TEMPLATE, "public", SITUATIONS[0])]
    assert seen == Seen(
        200,
        {"content-length": "2", "content-type": "text/html; charset=utf-8", "x-request-id": "1"},
        "ok",
    )


@pytest.mark.parametrize("browser", ["chromium", "model"])
def test_forms_of_listed_pages_and_of_its_own_reach_the_view_and_no_others(
    lab: Lab, browser: str
) -> None:
    observed: Observed = getattr(lab, browser)
    assert {form for form in observed.forms if form[0] != PLAIN} == {
        (row.api, row.blueprint, row.page.origin(lab.ports))
        for row in ROWS
        if row.api != PLAIN and (row.is_listed or row.is_own)
    }


@pytest.mark.parametrize("page", LOGIN_PAGES, ids=lambda page: page.name)
def test_chromium_keeps_and_sends_the_cookies_that_the_model_browser_does(
    lab: Lab, page: Page
) -> None:
    rows = [row for row in LOGIN_ROWS if row.page == page]
    seen = [
        {row.situation.name: (observed.seen[row], row.cookie in observed.cookies) for row in rows}
        for observed in (lab.chromium, lab.model)
    ]
    assert seen[0] == seen[1]


NO_HEADER = "No 'Access-Control-Allow-Origin' header is present on the requested resource."
REFUSED = f"Response to preflight request doesn't pass access control check: {NO_HEADER}"
NO_METHOD = "Method PROPFIND is not allowed by Access-Control-Allow-Methods in preflight response."
NO_NAME = (
    "Request header field x-odd is not allowed by Access-Control-Allow-Headers in preflight "
    "response."
)


@pytest.mark.parametrize(
    ("api", "messages"),
    [("template, debug", {NO_METHOD, NO_NAME}), (TEMPLATE, {REFUSED})],
)
def test_in_debug_mode_the_message_of_chromium_names_the_method_or_the_header(
    lab: Lab, api: str, messages: set[str]
) -> None:
    origin, to = named("public site").origin(lab.ports), lab.ports[api]
    about = f"from origin '{origin}' has been blocked by CORS policy: "
    said = {
        line.partition(about)[2].partition('", source')[0]
        for line in lab.console.splitlines()
        if about in line and f"//api.test:{to}/api/public/" in line
    }
    # Those of pages that send cookies, which neither may.
    cookies = {message for message in said if "Access-Control-Allow-Credentials" in message}

    assert said - cookies == messages


LOCAL_NETWORK = {
    "localhost": "Permission was denied for this request to access the `loopback` address space.",
    "app.test": "The request client is not a secure context and the resource is in more-private "
    "address space `loopback`.",
}


@pytest.mark.parametrize("host", LOCAL_NETWORK)
def test_chromium_keeps_pages_of_the_internet_from_this_machine(host: str) -> None:
    chromium = find_program(["chromium", "google-chrome"], "no page in a real browser was asked")
    app = Flask("page")
    with served(Flask("local")) as local, served(app) as port:
        app.add_url_rule(
            "/", view_func=lambda: f"<script>fetch('http://127.0.0.1:{local}/')</script>"
        )
        public = f"--ip-address-space-overrides=127.0.0.1:{port}=public"
        with opened(chromium, f"http://{host}:{port}/", public) as log:
            wait_until(lambda: "blocked by CORS policy" in log.read_text(errors="replace"))
            said = log.read_text(errors="replace")

    assert f"blocked by CORS policy: {LOCAL_NETWORK[host]}" in said


@pytest.mark.parametrize(
    ("page", "cookies"),
    [
        ("own page", [*LAX, OWN_DOMAIN]),
        ("own page, local", [*LAX, *NONE, "Secure"]),
        ("neighbour", [*LAX, OWN_DOMAIN]),
        ("developer", [*LAX, *NONE, "Secure"]),
        ("developer by address", [*LAX, *NONE, "Secure"]),
        ("developer by name", NONE),
        ("public site, local", NONE),
        ("public site", []),
        ("stranger, local", NONE),
        ("sandboxed, local", NONE),
    ],
)
def test_a_login_lasts_with_these_cookies_and_on_other_origins_with_credentials(
    lab: Lab, page: str, cookies: list[str]
) -> None:
    rows = [row for row in LOGIN_ROWS if row.page.name == page]
    assert {row.situation.name for row in rows if row.cookie in lab.chromium.cookies} == {
        login.name
        for login in LOGINS
        if login.cookie in cookies
        and (page in OWN or (login.login_credentials and login.credentials))
    }


def test_the_comparison_in_the_readme_is_what_was_measured(lab: Lab) -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    _, _, rest = readme.partition("<!-- comparison -->")
    table, _, _ = rest.partition("<!-- /comparison -->")
    assert table.strip() == comparison(lab)
