"""Chromium opens one page after the other; each carries out its plan and reports what it saw."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from queue import Empty, Queue
from tempfile import TemporaryDirectory
from threading import Thread
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
from flask import Flask, Response, request
from waitress import create_server  # type: ignore[import-untyped]
from waitress.wasyncore import close_all  # type: ignore[import-untyped]

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

PAGE = Path(__file__).with_name("page.html").read_text(encoding="utf-8")
SECONDS = 60
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--no-proxy-server",
    "--enable-logging=stderr",  # what pages write into their consoles
    "--host-resolver-rules=MAP *.test 127.0.0.1, MAP *.localhost 127.0.0.1, "
    "MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1",
]
# Cookies of other sites are taken, as in an ordinary window; a headless one takes none by itself.
PREFERENCES = '{"profile": {"cookie_controls_mode": 0}}'

Plan = list[dict[str, Any]]


# What waitress adds, and only pages of the same origin can read.
OF_THE_SERVER = {"connection", "date", "server", "transfer-encoding"}


class Seen(NamedTuple):
    """What a page could read of an answer; the names of headers are in lower case."""

    status: int
    headers: dict[str, str]
    body: str


@contextmanager
def served(app: WSGIApplication) -> Iterator[int]:
    """Serve an application with waitress on 127.0.0.1; yields the port."""
    sockets: dict[int, object] = {}
    server = create_server(app, sockets, host="127.0.0.1", port=0, threads=8)
    thread = Thread(target=server.run)
    thread.start()
    try:
        yield server.effective_port
    finally:
        server.trigger.pull_trigger(partial(close_all, sockets))
        thread.join()
        server.task_dispatcher.shutdown()


@contextmanager
def opened(chromium: str, address: str, *flags: str) -> Iterator[Path]:
    """Open an address in Chromium; yields its log. What it writes is gone when the block ends."""
    with TemporaryDirectory() as profile, Path(profile, "log").open("wb") as log:
        Path(profile, "Default").mkdir()
        Path(profile, "Default/Preferences").write_text(PREFERENCES)
        process = subprocess.Popen(
            [chromium, *FLAGS, *flags, f"--user-data-dir={profile}", address],
            env={**os.environ, "TMPDIR": profile},
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
        try:
            yield Path(log.name)
        finally:
            with suppress(ProcessLookupError, PermissionError):
                for _ in range(500):  # its processes write until they are gone
                    os.killpg(process.pid, signal.SIGKILL)
                    process.wait()
                    time.sleep(0.01)


class Pages:
    """The server of the pages, whatever site they are of, of their plans and of their reports."""

    def __init__(self) -> None:
        self.app = Flask("pages")
        self.app.add_url_rule("/", view_func=page_view)
        self.app.add_url_rule("/sandboxed", view_func=sandboxed_page)
        self.app.add_url_rule("/visits/<int:visit>", view_func=self._hand_out)
        self.app.add_url_rule("/visits/<int:visit>", view_func=self._take, methods=["POST"])
        self._addresses: list[str] = []
        self._plans: list[Plan] = []
        self._reports: Queue[list[Any]] = Queue()
        self.console = ""

    def browse(
        self,
        chromium: str,
        port: int,
        visits: Sequence[tuple[str, Plan]],
        extension: Path | None = None,
    ) -> Iterator[Seen | None]:
        """Open the address of each visit in turn; yield what its page saw, call by call.

        `port` is where this server is. Into the folder of an `extension` one is written that
        makes the only visit. What Chromium wrote about all is then in `console`.
        """
        self._plans = [plan for _, plan in visits]
        self._addresses = [
            f"{address}?http://localhost:{port}/visits/{visit}"
            for visit, (address, _) in enumerate(visits)
        ]
        start, flags = self._addresses[0], list[str]()
        if extension:
            start, flags = "about:blank", fill(extension, start.partition("?")[2])
        with opened(chromium, start, *flags) as log:
            try:
                reports = [self._reports.get(timeout=SECONDS) for _ in visits]
            except Empty:
                words = log.read_text(encoding="utf-8")
                pytest.fail(f"no page reported within {SECONDS} seconds; Chromium:\n{words}")
            self.console = log.read_text(encoding="utf-8", errors="replace")
        for report in reports:
            for seen in report:
                yield seen and Seen(
                    seen["status"], of_the_application(seen["headers"]), seen["body"]
                )

    def _hand_out(self, visit: int) -> Response:
        return readable(self.app.json.dumps(self._plans[visit]))

    def _take(self, visit: int) -> Response:
        self._reports.put(request.get_json(force=True))
        return readable([*self._addresses, "about:blank"][visit + 1])


def fill(extension: Path, plan: str) -> list[str]:
    """Write an extension that carries out the plan of an address; return the flags that load it.

    Its worker does that, which has the origin of its pages: without a window none of these opens.
    """
    script = PAGE.partition('<script type="module">')[2].partition("  location =")[0]
    script = script.replace("location.search.slice(1)", json.dumps(plan))
    (extension / "worker.js").write_text(f"(async () => {{{script}}})()")
    manifest = {"manifest_version": 3, "name": "test", "version": "1"}
    worker = {"background": {"service_worker": "worker.js"}}
    (extension / "manifest.json").write_text(json.dumps({**manifest, **worker}))
    load = ["--disable-features=DisableLoadExtensionCommandLineSwitch"]
    return [*load, f"--load-extension={extension}"]


def of_the_application(headers: dict[str, str]) -> dict[str, str]:
    """Return headers without those of the server."""
    return {name: value for name, value in headers.items() if name not in OF_THE_SERVER}


def page_view() -> str:
    """Return the page."""
    return PAGE


def sandboxed_page() -> Response:
    """Return the page without an origin of its own: it sends ``Origin: null``."""
    return Response(PAGE, headers={"Content-Security-Policy": "sandbox allow-scripts"})


def readable(text: str) -> Response:
    """Return an answer that a page of any site may read."""
    return Response(text, headers={"Access-Control-Allow-Origin": "*"})
