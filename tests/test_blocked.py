"""docs/blocked.md shows what `flask cors check` prints, of a project and of servers with a fault.

A comment in front of a fence, ``<!-- server: name -->``, names one of SERVERS, which then stands at
port 8001. WRITE=1 writes anew what is printed.
"""

from __future__ import annotations

import json
import os
import re
import sys
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from .conftest import ROOT, Project, clean_environment, run_shell
from .engine.test_check import Answer, server

DOCUMENT = ROOT / "docs/blocked.md"
REWRITE = "write it anew: WRITE=1 .venv/bin/python -m pytest tests/test_blocked.py"
TOOLS = Path(sys.executable).parent
UV = 'uv() { shift; "$@"; }\n'  # `uv run` without a download: everything is installed here
FENCE = re.compile(
    r"(?:^<!-- server: (?P<server>[^\n]+) -->\n)?^```console\n\$ (?P<command>[^\n]+)\n"
    r"(?P<printed>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)

PAGE = "http://localhost:3000"
ALLOW = ("Access-Control-Allow-Origin", PAGE)
VARY = ("Vary", "Origin")
PREFLIGHT = [
    ALLOW,
    VARY,
    ("Access-Control-Allow-Methods", "GET, HEAD, POST, PUT, PATCH, DELETE"),
    ("Access-Control-Allow-Headers", "Authorization, Content-Type"),
    ("Access-Control-Max-Age", "600"),
]
FINE = (200, [ALLOW, VARY])
# What they answer to a page, to its preflight, and to a page of another origin.
SERVERS: dict[str, tuple[Answer, Answer, Answer | None]] = {
    "adds": ((200, [ALLOW, VARY, ("Access-Control-Allow-Origin", "*")]), (204, []), None),
    "login": (FINE, (401, PREFLIGHT), None),
    "redirects": (FINE, (308, [*PREFLIGHT, ("Location", "https://api.example.com/")]), None),
    "gateway": (FINE, (204, [ALLOW, VARY, ("Access-Control-Allow-Methods", "GET, PUT")]), None),
    "cache": (FINE, (204, []), FINE),
    "no vary": ((200, [ALLOW]), (204, []), (200, [])),
    "fine": ((200, [("Access-Control-Allow-Origin", "*")]), (204, []), None),
    "moved": ((302, [ALLOW, VARY, ("Location", "https://www.example.com/")]), (204, []), None),
    "kept": (
        FINE,
        (204, [*PREFLIGHT[:-1], ("Access-Control-Max-Age", "86400")]),
        None,
    ),
}


def page_of(command: str) -> str:
    """Return the origin that a command gives to `check`."""
    return command.partition(" check ")[2].partition(" ")[0]


def test_every_cause_is_shown_as_it_is(default_project: Project) -> None:
    document = DOCUMENT.read_text(encoding="utf-8")
    variables = {"PATH": f"{TOOLS}:/usr/bin:/bin", "PYTHONPATH": str(default_project.path / "src")}

    def shown(fence: re.Match[str]) -> str:
        name, command = fence["server"], fence["command"]
        answer, preflight, to_others = SERVERS.get(name, ((200, []), (204, []), None))
        with server(answer, preflight, page=page_of(command), to_others=to_others) as url:
            port = str(urlsplit(url).port) if name else "8001"
            done = run_shell(
                UV + command.replace("8001", port),
                default_project.path,
                clean_environment(**variables),
            )
        assert not done.stderr
        printed = done.stdout.replace(port, "8001")
        assert (done.returncode == 0) is bool(re.search(r"^Yes\.$", printed, re.MULTILINE))
        mark = f"<!-- server: {name} -->\n" if name else ""
        return f"{mark}```console\n$ {command}\n{printed}```"

    anew = FENCE.sub(shown, document)
    if "WRITE" in os.environ:
        DOCUMENT.write_text(anew, encoding="utf-8")
    assert anew == document, REWRITE
    assert document.count("```console") == len(FENCE.findall(document))
    assert {name for name, _, _ in FENCE.findall(document)} == {"", *SERVERS}


@pytest.mark.parametrize("command", ["cors", "cors check https://app.example.com GET /api/public/"])
def test_the_keys_for_scripts_are_documented(default_project: Project, command: str) -> None:
    done = default_project.run("flask", *command.split(), "--json")
    _, _, rest = DOCUMENT.read_text(encoding="utf-8").partition(
        f"| `flask {command[:10].strip()} --json` | |"
    )
    table = rest.partition("\n\n")[0]

    assert json.loads(done.stdout).keys() == {*re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE)}
