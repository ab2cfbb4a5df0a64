"""The version stands in the CORS package alone; the generated README names it with the commit."""

import re
import sys
from pathlib import Path

from .conftest import PACKAGE, ROOT, run_shell

STATED_IN = PACKAGE / "cors/__init__.py"
(VERSION,) = re.findall(r'^__version__ = "(.+)"$', STATED_IN.read_text(encoding="utf-8"), re.M)


def made_with(template: Path, folder: Path) -> str:
    """Return what the README of a project says of the template that made it."""
    done = run_shell(
        f"{sys.executable} -m cookiecutter {template} --no-input -o {folder}", folder.parent
    )
    assert done.returncode == 0, done.stderr
    text = (folder / "my-api/README.md").read_text(encoding="utf-8")
    (words,) = re.findall(r"made with \[flask-cors-api\]\(\S+\)\n(.*);", text)
    return str(words)


def test_the_readme_names_version_and_commit(repository: Path, tmp_path: Path) -> None:
    commit = run_shell("git rev-parse HEAD", repository).stdout[:12]
    detached = tmp_path / "detached"
    run_shell(f"git clone -q {repository} {detached} && git -C {detached} checkout -qd", tmp_path)

    for template in (repository, detached):
        assert made_with(template, tmp_path / template.name) == f"{VERSION}, commit {commit}"


def test_without_a_repository_there_is_no_commit(repository: Path, tmp_path: Path) -> None:
    run_shell(f"mkdir export && git -C {repository} archive HEAD | tar x -C export", tmp_path)

    assert made_with(tmp_path / "export", tmp_path / "made") == VERSION


def test_the_changelog_tells_of_the_version() -> None:
    """What is not released is told as such, in both."""
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    newest = re.findall(r"^## \[(.+)\]", changelog, re.MULTILINE)[0]

    assert newest == ("Unreleased" if ".dev" in VERSION else VERSION)


def test_nothing_else_states_the_version() -> None:
    stated = run_shell(f"git grep -lF {VERSION} -- ':!CHANGELOG.md'", ROOT)

    assert stated.stdout.splitlines() == [str(STATED_IN.relative_to(ROOT))]
