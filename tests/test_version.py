"""The version stands in one place, and the generated README names it with the commit."""

import re
import sys
import tomllib
from pathlib import Path

from .conftest import ROOT, run_shell

VERSION = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]


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
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    released = re.findall(r"^## \[(\d.*)\] - \d{4}-\d\d-\d\d$", changelog, re.MULTILINE)

    assert released[0] == VERSION


def test_nothing_else_states_the_version() -> None:
    stated = run_shell(f"git grep -lF {VERSION} -- ':!CHANGELOG.md' ':!*cookiecutter*'", ROOT)

    assert stated.stdout.splitlines() == ["pyproject.toml"]
