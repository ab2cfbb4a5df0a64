"""The version stands in the CORS package alone; the generated README names it with the commit."""

import re
from pathlib import Path

from .conftest import COOKIECUTTER, PACKAGE, ROOT, must_run

STATED_IN = PACKAGE / "cors/__init__.py"
(VERSION,) = re.findall(r'^__version__ = "(.+)"$', STATED_IN.read_text(encoding="utf-8"), re.M)


def made_with(template: Path, folder: Path) -> str:
    """Return what the README of a project says of the template that made it."""
    must_run(*COOKIECUTTER, template, "-o", folder, cwd=folder.parent)
    text = (folder / "my-api/README.md").read_text(encoding="utf-8")
    (words,) = re.findall(r"made with \[flask-cors-api\]\(\S+\)\n(.*);", text)
    return str(words)


def test_the_readme_names_version_and_commit(repository: Path, tmp_path: Path) -> None:
    commit = must_run("git", "rev-parse", "HEAD", cwd=repository)[:12]
    detached = tmp_path / "detached"
    must_run("git", "clone", "-q", repository, detached, cwd=tmp_path)
    must_run("git", "checkout", "-qd", cwd=detached)

    for template in (repository, detached):
        assert made_with(template, tmp_path / template.name) == f"{VERSION}, commit {commit}"


def test_without_a_repository_there_is_no_commit(repository: Path, tmp_path: Path) -> None:
    export = tmp_path / "export"
    export.mkdir()
    must_run("git", "archive", "HEAD", "-o", tmp_path / "export.tar", cwd=repository)
    must_run("tar", "xf", tmp_path / "export.tar", cwd=export)

    assert made_with(export, tmp_path / "made") == VERSION


def test_the_changelog_tells_of_the_version() -> None:
    """What is not released is told as such, in both."""
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    newest = re.findall(r"^## \[(.+)\]", changelog, re.MULTILINE)[0]

    assert newest == ("Unreleased" if ".dev" in VERSION else VERSION)


def test_nothing_else_states_the_version() -> None:
    stated = must_run("git", "grep", "-lF", VERSION, "--", ":!CHANGELOG.md", cwd=ROOT)

    assert stated.splitlines() == [str(STATED_IN.relative_to(ROOT))]
