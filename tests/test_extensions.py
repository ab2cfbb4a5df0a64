"""Extensions of Flask, each applied to a fresh project as its page in `tests/extensions/` shows.

A page is followed as by a reader: a text such as "`.env`:" or "`wsgi.py`, before `app = ...`:" says
where the fence behind it goes, imports go to those of the file, and a fence of ``sh`` is run.
docs/extensions.md has the first paragraph (WRITE=1 writes it anew); the shipped tests that it names
are those that fail.
"""

from __future__ import annotations

import ast
import os
import re
import shutil
import subprocess
import textwrap
import tomllib
from collections.abc import Callable
from functools import cache
from importlib.metadata import distributions
from pathlib import Path

import pytest

from .conftest import ROOT, Project, clean_environment, run_shell

PAGES = Path(__file__).parent / "extensions"
TABLE = ROOT / "docs/extensions.md"
ENVIRONMENT = ROOT / ".venv-extensions"
# Those that `make test` runs: a login, a database, errors and headers of an extension's own.
TELLING = {"flask-login", "flask-migrate", "flask-smorest", "flask-talisman"}
# What is done before each of them: views to ask, and what pages see of them.
EVERY = "every"
NAMES = sorted(page.stem for page in PAGES.glob("*.md") if page.stem != EVERY)

HEAD = re.compile(r"# \[(.+)\]\(http.+\)\n\n(?:Package: `(.+)`\n\n)?((?:.+\n)+)")
STEP = re.compile(
    r"^`(?P<file>[^`\n]+)`(?:, (?P<where>before|after|in place of) `(?P<line>[^`\n]+)`)?:\n\n"
    r"```\w*\n(?P<text>.*?)^```$"
    r"|^```sh\n(?P<commands>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)
REWRITE = (
    "write it anew: WRITE=1 .venv/bin/python -m pytest tests/test_extensions.py -k documentation"
)
FAILED = re.compile(r"^(?:FAILED|ERROR) (?:tests/[\w/]+\.py::(\w+))?", re.MULTILINE)


def read(name: str) -> str:
    """Return the text of a page."""
    return (PAGES / f"{name}.md").read_text(encoding="utf-8")


def head(name: str) -> tuple[str, str, str]:
    """Return what a page begins with: title, package, and what the extension needs."""
    found = HEAD.match(read(name))
    assert found, name
    title, package, needs = found.groups(default="")
    return title, package, " ".join(needs.split())


def must_have_extensions() -> None:
    """Skip a test where they are not installed, but fail it in CI."""
    if not (ENVIRONMENT / ".ready").exists():
        missing = f"no extensions are installed: make {ENVIRONMENT.name}/.ready"
        pytest.fail(missing) if os.environ.get("CI") == "true" else pytest.skip(missing)


def follow(page: str, project: Project) -> None:
    """Do in a project what a page shows."""
    for step in STEP.finditer(page):
        if step["commands"]:
            done = run_shell(step["commands"], project.path, environment(project))
            assert done.returncode == 0, done.stdout + done.stderr
        else:
            write(project.path / step["file"], step["text"], step["where"], step["line"])
    # As an editor does on saving: imports in their order, those of one module on one line.
    done = project.run("ruff", "check", "--no-cache", "--fix", "--select=I")
    assert done.returncode == 0, done.stdout + done.stderr


def write(file: Path, new: str, where: str | None, line: str | None) -> None:
    """Write code beside a line of a file, or to its end; the file is made where it is missing."""
    file.parent.mkdir(parents=True, exist_ok=True)
    text = file.read_text(encoding="utf-8") if file.exists() else ""
    if text and file.suffix == ".py":
        imports, new = split(new)
        docstring, quotes, code = text.partition('"""\n')
        text = f"{docstring}{quotes}\n{imports}{code.lstrip()}" + ("" if where else "\n\n")
    if where:
        found = re.findall(rf"^( *){re.escape(line or '')}\n", text, re.MULTILINE)
        assert len(found) == 1, f"{file.name} has changed: {line}"
        old, new = f"{found[0]}{line}\n", textwrap.indent(new, found[0])
        text = text.replace(old, {"before": f"{new}\n{old}", "after": old + new}.get(where, new))
    else:
        text += new
    file.write_text(text, encoding="utf-8")


def split(code: str) -> tuple[str, str]:
    """Return the imports that code begins with, and the rest."""
    lines = code.splitlines(keepends=True)
    last = 0
    for node in ast.parse(code).body:
        if not isinstance(node, ast.Import | ast.ImportFrom):
            break
        last = node.end_lineno or 0
    return "".join(lines[:last]), "".join(lines[last:]).lstrip("\n")


def environment(project: Project, **more: str) -> dict[str, str]:
    """Return the environment variables of a shell in which the extensions are installed."""
    path = f"{ENVIRONMENT / 'bin'}:{os.environ['PATH']}"
    return clean_environment(PATH=path, PYTHONPATH=str(project.path / "src"), **more)


def run_suite(project: Project, *, plugins: bool = False) -> subprocess.CompletedProcess[str]:
    """Run the tests of a project; pytest-flask, which is one of the plugins, would change them."""
    temporary = project.path.with_name("tmp")
    return run_shell(
        f"python -m pytest -q --tb=short -rfE -p no:cacheprovider --basetemp='{temporary}'",
        project.path,
        environment(project, **({} if plugins else {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"})),
    )


@pytest.fixture(scope="module")
def edited(
    default_project: Project, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str], Project]:
    """Return what applies an extension to a fresh project, once."""
    must_have_extensions()
    base = tmp_path_factory.mktemp("extensions") / "my-api"
    shutil.copytree(default_project.path, base)
    follow(read(EVERY), Project(base))
    done = run_suite(Project(base))
    assert done.returncode == 0, done.stdout + done.stderr

    @cache
    def edit(name: str) -> Project:
        path = tmp_path_factory.mktemp(name) / "my-api"
        project = Project(Path(shutil.copytree(base, path)))
        follow(read(name), project)
        return project

    return edit


@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=[] if name in TELLING else pytest.mark.slow) for name in NAMES],
)
def test_the_project_stays_green_and_the_extension_works(
    edited: Callable[[str], Project], name: str
) -> None:
    project = edited(name)
    done = run_suite(project, plugins=name == "pytest-flask")

    assert f"`tests/extensions/test_{name.replace('-', '_')}.py`:" in read(name)
    meant = set(re.findall(r"`(test_\w+)`", head(name)[2]))
    assert set(FAILED.findall(done.stdout)) == meant, done.stdout + done.stderr
    assert re.search(r"\b\d+ passed", done.stdout), done.stdout + done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_it_starts_under_its_env(edited: Callable[[str], Project], name: str) -> None:
    project = edited(name)
    done = run_shell("flask cors", project.path, environment(project))

    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("flask-cors-api ")


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_ruff_and_mypy_find_nothing(
    edited: Callable[[str], Project], name: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    project = edited(name)
    keep = f"--cache-dir={tmp_path_factory.getbasetemp() / 'mypy'}"
    python = f"--python-executable={ENVIRONMENT / 'bin/python'}"
    for command in (
        ["ruff", "check", "--no-cache"],
        ["ruff", "format", "--check", "--no-cache"],
        ["mypy", keep, python],
    ):
        done = project.run(*command)
        assert done.returncode == 0, done.stdout + done.stderr


def pins() -> dict[str, str]:
    """Return the version of each package that the group `extensions` pins."""
    groups = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    pinned = (line.partition("==") for line in groups["dependency-groups"]["extensions"])
    return {name: version for name, _, version in pinned if version}


def test_the_page_of_the_documentation_says_what_was_tested() -> None:
    if (ENVIRONMENT / ".ready").exists():
        site = [str(path) for path in ENVIRONMENT.glob("lib/python*/site-packages")]
        installed = {
            found.name.lower().replace("_", "-"): found.version
            for found in distributions(path=site)
        }
        assert pins().items() <= installed.items()
    rows = ["| extension | version | what it needs |", "|---|---|---|"]
    for (title, package, needs), name in sorted(
        zip(map(head, NAMES), NAMES, strict=True), key=lambda row: row[0][0].casefold()
    ):
        version = f"`{package}=={pins()[package]}`" if package else ""
        rows.append(f"| [{title}](../tests/extensions/{name}.md) | {version} | {needs} |")
    text = TABLE.read_text(encoding="utf-8")
    before, after = text[: text.index("| extension")], text[text.rindex("|\n") + 2 :]
    told = before + "\n".join(rows) + "\n" + after
    if os.environ.get("WRITE"):
        TABLE.write_text(told, encoding="utf-8")
    assert TABLE.read_text(encoding="utf-8") == told, REWRITE
