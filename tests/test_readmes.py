"""What the documents tell people to run is run, in order and in a fresh folder, as they would.

A fence of ``sh`` holds commands; a server among them runs until the next one does, or to the end. A
fence of ``console`` holds commands after ``$ `` and what they print. A comment right in front of a
fence can change that: ``<!-- not run: reason -->``. GitHub is a repository of this machine, and
BLUEPRINT the name of a blueprint.
"""

from __future__ import annotations

import itertools
import json
import os
import re
import shlex
import signal
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from operator import attrgetter
from pathlib import Path
from time import sleep
from typing import Any, NamedTuple

import pytest
from uv import find_uv_bin

from .conftest import PYTHON, ROOT, Project, clean_environment
from .servers import free_port

TOOLS = Path(sys.executable).parent
TEMPLATE_URL = "https://github.com/org/flask-cors-api"
SECONDS = 300

# What cannot be run: the document, the first line, the reason.
NOT_RUN = [
    ("CONTRIBUTING.md", "make bench", "needs a machine that does nothing else"),
    ("docs/production.md", "docker build -t my-api .", "needs Docker"),
]
# What `git status` shows after a section was followed; after any other it shows nothing.
CHANGED = {
    ("README.md", ""): {"my-api/"},
    ("generated", "Run it"): {"uv.lock"},
    ("docs/production.md", "gunicorn"): {"gunicorn.pid"},
    ("docs/updating.md", ""): {
        ".cruft.json",
        ".env.example",
        "src/my_api/blueprints/__init__.py",
        "src/my_api/blueprints/reports.py",
        "tests/test_reports.py",
    },
}

PART = re.compile(
    r"^## (?P<heading>[^\n]+)$"
    r"|(?:^<!-- not run: (?P<reason>[^\n]+) -->\n)?"
    r"^```(?P<language>\w*)\n(?P<text>.*?)^```$"
    r"|`(?P<inline>uv run [^`]+)`",
    re.MULTILINE | re.DOTALL,
)
SERVER = re.compile(r"^[^#\n]*(flask run|wsgi:app)(?!.*--check-config).*$", re.MULTILINE)
# Of the tests that `make test` runs, of which this is one, a single one will do.
MAKE_TEST = re.compile(r"^make test(?![\w-])", re.MULTILINE)
FUNCTIONS = """
serve() {
    stop
    env "$@" > "$SERVER.log" 2>&1 &
    echo $! > "$SERVER.pid"
    until curl -o /dev/null "$URL/health" 2> /dev/null; do
        kill -0 $! 2> /dev/null || { cat "$SERVER.log"; rm "$SERVER.pid"; exit 1; }
        sleep 0.1
    done
}
stop() {
    test -f "$SERVER.pid" || return 0
    kill "$(cat "$SERVER.pid")"
    while kill -0 "$(cat "$SERVER.pid")" 2> /dev/null; do sleep 0.1; done
    rm "$SERVER.pid"
}
"""


class Step(NamedTuple):
    """A fence of a document, or a command in its text."""

    section: str
    language: str
    text: str
    reason: str | None = None  # why it is not run


def read(document: str) -> list[Step]:
    """Return the steps of a document in their order."""
    steps, section = [], ""
    for part in PART.finditer(document):
        if part["heading"]:
            section = part["heading"]
        elif part["inline"]:
            steps.append(Step(section, "inline", " ".join(part["inline"].split())))
        else:
            fence = (part[name] for name in ("language", "text", "reason"))
            steps.append(Step(section, *fence))
    return steps


@dataclass(frozen=True)
class Newcomer:
    """Somebody who has git, make, curl, Python and uv, in a folder."""

    folder: Path
    env: dict[str, str]

    def run(self, script: str) -> tuple[int, str]:
        """Run a script and answer what it asks with the return key; its exit code and output."""
        with subprocess.Popen(
            ["bash", "-uc", FUNCTIONS + script],
            cwd=self.folder,
            env=self.env,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        ) as process:
            try:
                printed, _ = process.communicate("\n" * 20, timeout=SECONDS)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                raise
        return process.returncode, printed

    def must(self, script: str) -> str:
        """Run a script that stops at the first failure, which there must not be; what it prints."""
        code, printed = self.run(f"set -e\n{script}")
        assert code == 0, f"{script}\n{printed}"
        return printed

    def follow(self, step: Step) -> None:
        """Do what a step shows."""
        if step.reason:
            return
        if step.language in ("sh", "inline"):
            text = self.here(step.text).replace("\\\n", " ")
            text = SERVER.sub(r"serve \g<0>", text)
            text = MAKE_TEST.sub(r"\g<0> PYTEST_ADDOPTS='-k make_lists_its_targets'", text)
            self.must(text)
        elif step.language == "console":
            self.compare(step.text)

    def compare(self, shown: str) -> None:
        """Type the commands of a console, in an active virtual environment if there is one."""
        commands = re.findall(r"^\$ (.*)$", self.here(shown), re.MULTILINE)
        lines = [f"echo {shlex.quote(f'$ {command}')}\n{command}" for command in commands]
        code, printed = self.run("\n".join(["PATH=.venv/bin:$PATH", *lines]))
        assert printed == self.here(shown)
        assert (code != 0) is bool(re.search(r"^(No|Error): ", shown, re.MULTILINE))

    def here(self, text: str) -> str:
        """Put this newcomer's port and blueprint in place of what documents name."""
        text = re.sub(r"\b8000\b", self.env["FLASK_RUN_PORT"], text)
        return text.replace("BLUEPRINT", self.env.get("BLUEPRINT", "BLUEPRINT"))

    def changed(self) -> set[str]:
        """Return what `git status` shows."""
        return {line[3:] for line in self.must("git status --porcelain").splitlines()}

    def tidy(self) -> None:
        """Commit the lock, as the README says, and undo what is tried out.

        What is removed first may be a .gitignore.
        """
        self.run("git add uv.lock; git commit -qm Lock; git reset -q --hard")
        self.run("git clean -qfd; git clean -qfd")


def is_without_uv(step: Step) -> bool:
    return step.language == "sh" and ".venv/bin/" in step.text


def follow(newcomer: Newcomer, steps: Iterable[Step], document: str) -> None:
    """Follow the steps of a document; each section leaves in the folder what it should."""
    for section, group in itertools.groupby(steps, attrgetter("section")):
        for step in group:
            newcomer.follow(step)
        expected = CHANGED.get((document, section), set())
        if newcomer.changed() != expected:
            sleep(1)  # gunicorn writes its file anew
        assert newcomer.changed() == expected, section
        newcomer.tidy()


Author = Callable[..., tuple[Newcomer, list[Step]]]


@pytest.fixture
def newcomer(repository: Path, tmp_path: Path) -> Iterator[Newcomer]:
    folder, home, programs = (tmp_path / name for name in ("here", "home", "bin"))
    for made in (folder, home, programs):
        made.mkdir()
    (programs / "python3").symlink_to(Path(sys.executable).resolve())
    for name in ("uv", "uvx"):
        (programs / name).symlink_to(Path(find_uv_bin()).with_name(name))
    github = TEMPLATE_URL.rpartition("/")[0]
    (home / "git").write_text(
        "[user]\nname = Ada\nemail = ada@example.com\n"
        f'[url "file://{repository.parent}/"]\ninsteadOf = {github}/\n'
    )
    (home / ".curlrc").write_text("fail\nsilent\nshow-error\n")
    (home / "cookiecutter").write_text(
        f"cookiecutters_dir: {home}/templates\nreplay_dir: {home}/replay\n"
    )
    port = str(free_port())
    theirs = ("MAKE", "PYTEST", "PYTHON", "VIRTUAL")
    newcomer = Newcomer(
        folder,
        {k: v for k, v in clean_environment().items() if not k.startswith(theirs)}
        | {
            "PATH": f"{programs}:/usr/bin:/bin",
            "UV_PYTHON": str(programs / "python3"),
            "GIT_CONFIG_GLOBAL": str(home / "git"),
            "CURL_HOME": str(home),
            "COOKIECUTTER_CONFIG": str(home / "cookiecutter"),
            "SERVER": str(home / "server"),
            "URL": f"http://127.0.0.1:{port}",
            "FLASK_RUN_PORT": port,
            "GRANIAN_PORT": port,
            "GUNICORN_CMD_ARGS": f"--bind 127.0.0.1:{port}",
        },
    )
    yield newcomer
    newcomer.must("stop")


@pytest.fixture
def author(newcomer: Newcomer) -> Author:
    """Make a project, in git and with one commit; returns its README too."""

    def make(**answers: Any) -> tuple[Newcomer, list[Step]]:
        given = shlex.quote(json.dumps(answers))
        newcomer.must(f"{PYTHON} -m cruft create {TEMPLATE_URL} --no-input --extra-context {given}")
        blueprint = answers.get("blueprints", "public")
        env = newcomer.env | {"BLUEPRINT": blueprint}
        made = replace(newcomer, folder=newcomer.folder / "my-api", env=env)
        made.must("git init -q && git add -A && git commit -qm Made")
        return made, read((made.folder / "README.md").read_text(encoding="utf-8"))

    return make


# docs/blocked.md has a test of its own; recipes are followed as pages of extensions are.
PAGES = sorted(
    f"docs/{path.name}"
    for path in (ROOT / "docs").glob("*.md")
    if path.stem not in ("blocked", "blueprints")
)


@pytest.fixture(params=["README.md", "CONTRIBUTING.md", "generated", *PAGES])
def document(request: pytest.FixtureRequest, default_project: Project) -> tuple[str, str]:
    """The name of a document, and its text."""
    folder = default_project.path if request.param == "generated" else ROOT
    name = "README.md" if request.param == "generated" else request.param
    return request.param, (folder / name).read_text(encoding="utf-8")


def test_every_fence_and_every_mark_is_read(document: tuple[str, str]) -> None:
    _, text = document
    fences = [step for step in read(text) if step.language != "inline"]

    assert text.count("```") == 2 * len(fences)
    assert text.count("<!-- not run:") == sum(bool(step.reason) for step in fences)
    languages = {"", "console", "mermaid", "nginx", "python", "sh", "yaml"}
    assert {fence.language for fence in fences} <= languages
    assert not [s for s in fences if not s.language and re.search(r"^\S*[$>%] ", s.text, re.M)]


def test_what_is_not_run_is_listed(document: tuple[str, str]) -> None:
    name, text = document
    marked = [step for step in read(text) if step.reason]

    assert [(name, step.text.splitlines()[0], step.reason) for step in marked] == [
        listed for listed in NOT_RUN if listed[0] == name
    ]


@pytest.mark.parametrize(
    "answers",
    [
        pytest.param({}, id="default"),
        pytest.param(
            {"blueprints": "orders", "cors_origins": "*", "docker": False, "github_actions": False},
            id="orders",
            marks=pytest.mark.slow,
        ),
    ],
)
def test_the_generated_readme_can_be_followed_with_uv(
    author: Author, answers: dict[str, Any]
) -> None:
    made, steps = author(**answers)

    follow(made, [s for s in steps if not is_without_uv(s)], "generated")


@pytest.mark.slow
def test_the_generated_readme_can_be_followed_without_uv(author: Author) -> None:
    made, steps = author()
    first = [step for step in steps if step.section == "Run it" and "uv run" not in step.text]

    assert {*filter(is_without_uv, steps)} <= {*first}
    for step in first:
        made.follow(step)
    assert made.changed() == set()


@pytest.mark.slow
@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md"])
def test_a_document_of_the_template_can_be_followed(newcomer: Newcomer, name: str) -> None:
    newcomer.must(f"git clone -q {TEMPLATE_URL} .")

    follow(newcomer, read((newcomer.folder / name).read_text(encoding="utf-8")), name)


@pytest.mark.slow
@pytest.mark.parametrize("name", PAGES)
def test_a_page_can_be_followed_in_a_project(author: Author, name: str) -> None:
    made, _ = author()
    made.must("uv lock -q")
    made.tidy()

    follow(made, read((ROOT / name).read_text(encoding="utf-8")), name)


@pytest.mark.parametrize(
    "lie",
    [
        "```sh\nfalse\ntrue\n```\n",
        "```sh\ncurl http://127.0.0.1:8000/\n```\n",
        "```sh\ntrue flask run\n```\n",
        "```console\n$ echo No more\nNo less\n```\n",
        "```console\n$ false\n```\n",
        "```console\n$ echo No: no\nNo: no\n```\n",
        "```sh\ntouch kept\n```\n",
        "`uv run no-such-command`\n",
    ],
)
def test_what_is_not_true_is_noticed(newcomer: Newcomer, lie: str) -> None:
    newcomer.must("git init -q")

    with pytest.raises(AssertionError):
        follow(newcomer, read(lie), "lie")
