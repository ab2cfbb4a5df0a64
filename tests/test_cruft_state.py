"""A project that cookiecutter generates from a repository holds what `cruft update` needs."""

from __future__ import annotations

import json
import os
import shlex
import shutil
from pathlib import Path
from typing import Any

import pytest
from cookiecutter.environment import StrictEnvironment
from hypothesis import example, given, settings
from hypothesis import strategies as st

import local_extensions

from .conftest import TEMPLATE, run_cookiecutter, run_shell

IDENTITY = {
    f"GIT_{who}_{key}": text
    for who in ("AUTHOR", "COMMITTER")
    for key, text in {"NAME": "Ada", "EMAIL": "ada@example.com"}.items()
}
ANSWERS = ["description=Prices in {{ '{{' }} € }}", "docker=n"]


def shell(command: str, folder: Path) -> str:
    """Return what a command prints that must succeed."""
    done = run_shell(command, folder, {**os.environ, **IDENTITY})
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.fixture
def template(repository: Path, tmp_path: Path) -> Path:
    """A clone of the template in a folder whose name has a blank and an apostrophe."""
    template = tmp_path / "Ada's own" / "T"
    shell(f"git clone -q {shlex.quote(str(repository))} {shlex.quote(str(template))}", tmp_path)
    return template


def generated(folder: Path, *arguments: str, **env: str) -> dict[str, Any] | None:
    """Return what the `.cruft.json` of a new project holds, None where there is none."""
    (folder / "here").mkdir()
    done = run_cookiecutter(
        folder / "here", *arguments, "--no-input", *ANSWERS, HOME=str(folder), **env
    )
    assert done.returncode == 0, done.stderr
    path = folder / "here/my-api/.cruft.json"
    if not path.exists():
        return None
    state: dict[str, Any] = json.loads(path.read_text(encoding="ascii"))
    return state


def made_with(folder: Path) -> str:
    """Return the line of the README that names the version."""
    text = (folder / "here/my-api/README.md").read_text(encoding="utf-8")
    return next(line for line in text.splitlines() if "its CHANGELOG.md" in line)


def test_it_holds_the_answers_the_address_and_the_commit(template: Path, tmp_path: Path) -> None:
    state = generated(tmp_path, str(template))

    assert state == {
        "template": str(template),
        "commit": shell("git rev-parse HEAD", template),
        "checkout": None,
        "context": {
            "cookiecutter": {
                "project_name": "My API",
                "project_slug": "my-api",
                "description": r"{{ 'Prices in {{ \u20ac }}' }}",
                "blueprints": "public, admin",
                "cors_origins": "http://localhost:3000, http://localhost:5173",
                "docker": False,
                "github_actions": True,
                "_template": str(template),
            }
        },
        "directory": None,
    }


@pytest.mark.parametrize(
    ("given", "address"),
    [
        ("gh:org/flask-cors-api", "https://github.com/org/flask-cors-api.git"),
        ("https://github.com/org/flask-cors-api", "https://github.com/org/flask-cors-api"),
        ("https://ada:secret@github.com/org/T.git", "https://github.com/org/T.git"),
        ("https://token@github.com/org/T", "https://github.com/org/T"),
        ("git@github.com:org/T.git", "git@github.com:org/T.git"),
        ("ssh://git@github.com/org/T.git", "ssh://git@github.com/org/T.git"),
        ("ssh://git:secret@github.com/org/T.git", "ssh://git@github.com/org/T.git"),
    ],
)
def test_an_address_is_written_out_without_secrets(
    template: Path, tmp_path: Path, given: str, address: str
) -> None:
    """Git takes the local clone for it: no network is used."""
    written_out = given.replace("gh:", "https://github.com/") + ".git" * given.startswith("gh:")
    shell(f'git config --file .gitconfig url."{template}".insteadOf {written_out}', tmp_path)
    shell("git tag v1 && git commit -q --allow-empty -m More", template)

    state = generated(tmp_path, given, "--checkout", "v1")

    assert state
    assert state["template"] == state["context"]["cookiecutter"]["_template"] == address
    assert state["checkout"] == "v1"
    assert state["commit"] == shell("git rev-parse v1", template)
    assert "secret" not in (tmp_path / "here/my-api/.cruft.json").read_text()
    readme = (tmp_path / "here/my-api/README.md").read_text(encoding="utf-8")
    page = f"https://github.com/org/{Path(address).stem}"
    assert f"]({page})\n" in readme
    assert f": {page}/blob/{state['commit']}/docs/variables.md\n" in readme
    assert "secret" not in readme


@pytest.mark.parametrize(
    "command",
    [
        "git pack-refs --all --prune",
        "git checkout -q --detach",
        "git checkout -q -b feature/x",
        "git worktree add -q ../W && mv ../T ../M && mv ../W ../T && "
        "git -C ../M worktree repair ../T",
        "git config core.fsmonitor false && git gc -q",
        "touch notes.txt && echo >> README.md",
        "chmod -R a-w .",
    ],
)
def test_the_commit_is_found(template: Path, tmp_path: Path, command: str) -> None:
    commit = shell("git rev-parse HEAD", template)
    shell(command, template)
    state = generated(tmp_path, os.path.relpath(template, tmp_path / "here"))
    shell("chmod -R u+w .", template)

    assert state
    assert (state["template"], state["commit"]) == (str(template), commit)
    assert made_with(tmp_path).startswith(f"{version()}, commit {commit[:12]}; ")


def version() -> str:
    """Return the version that the CORS package states."""
    return local_extensions.template_version({"_commit": None})


@pytest.mark.parametrize(
    "change",
    [
        "echo >> hooks/post_gen_project.py",
        "echo >> {package}/incoming.py",
        "git rm -q --cached {package}/incoming.py",
        "touch {package}/news.py",
        "git mv {package}/incoming.py {package}/outgoing.py",
    ],
)
def test_a_checkout_with_changes_is_told_as_such_and_is_no_commit(
    template: Path, tmp_path: Path, change: str
) -> None:
    package = shlex.quote(f"{TEMPLATE.name}/src/{{{{cookiecutter.__package}}}}")
    shell(change.format(package=package), template)

    assert generated(tmp_path, str(template)) is None
    commit = shell("git rev-parse HEAD", template)
    assert made_with(tmp_path).startswith(f"{version()}, commit {commit[:12]} and changes; ")


def test_a_repository_around_the_template_is_the_templates(template: Path, tmp_path: Path) -> None:
    """Its folder in it is what `--directory` names."""
    monorepo = tmp_path / "templates"
    shutil.copytree(template, monorepo / "apis/flask", ignore=shutil.ignore_patterns(".git"))
    shell("git init -q && git add -A && git commit -qm Import", monorepo)

    state = generated(tmp_path, str(monorepo), "--directory", "apis/flask")

    assert state
    assert state["template"] == str(monorepo)
    assert state["commit"] == shell("git rev-parse HEAD", monorepo)
    assert state["directory"] == "apis/flask"


@pytest.mark.parametrize("ignored", [False, True])
def test_another_repository_around_it_is_not(template: Path, tmp_path: Path, ignored: bool) -> None:
    """As with a zip that was unpacked somewhere below a home that is kept in git."""
    shutil.rmtree(template / ".git")
    (tmp_path / ".gitignore").write_text("*\n" if ignored else ".*\n")
    shell("git init -q && git add -f .gitignore && git commit -qm Home", tmp_path)

    assert generated(tmp_path, str(template)) is None
    assert "commit" not in made_with(tmp_path) or not ignored


@pytest.mark.parametrize("command", ["rm -rf .git", "rm -rf .git && git init -q", "rm .git/HEAD"])
def test_without_a_commit_there_is_none(template: Path, tmp_path: Path, command: str) -> None:
    shell(command, template)

    assert generated(tmp_path, str(template)) is None
    assert made_with(tmp_path).startswith(f"{version()}; ")


def test_from_a_zip_there_is_none(template: Path, tmp_path: Path) -> None:
    """Not even where a whole clone was packed."""
    packed = shutil.make_archive(str(tmp_path / "T"), "zip", template.parent, "T")

    assert generated(tmp_path, packed) is None


def test_where_there_is_no_git_there_is_none(template: Path, tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()

    assert generated(tmp_path, str(template), PATH=str(tmp_path / "bin")) is None


def test_variables_of_git_do_not_lead_elsewhere(template: Path, tmp_path: Path) -> None:
    """As in a hook of git, which has them set."""
    shell("git init -q other && git -C other commit -q --allow-empty -m Other", tmp_path)
    env = {"GIT_DIR": str(tmp_path / "other/.git"), "GIT_WORK_TREE": str(tmp_path / "other")}

    state = generated(tmp_path, str(template), **env)

    assert state
    assert state["commit"] == shell("git rev-parse HEAD", template)


ONE_LINE = st.text(st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp"]), min_size=1)


@settings(max_examples=200, deadline=None, database=None, derandomize=True)
@given(answer=ONE_LINE | st.text("{}%#'\"\\ a-n€🚀", min_size=1))
@example(answer="{{ 7*7 }}")
@example(answer='{% raw %}{{ it\'s }}{% endraw %} "{#" \\u0041 \\')
def test_what_is_rendered_once_more_is_the_answer(answer: str) -> None:
    written = local_extensions._escaped({"description": answer})["description"]

    options = {"keep_trailing_newline": True, "trim_blocks": True, "lstrip_blocks": True}
    assert StrictEnvironment(**options).from_string(written).render() == answer
