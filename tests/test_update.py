"""`cruft update` brings a project what is new in the template and keeps what its author wrote."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from .conftest import Project, clean_environment, run_shell

CRUFT = f"{shlex.quote(sys.executable)} -m cruft"
COOKIECUTTER = f"{shlex.quote(sys.executable)} -m cookiecutter"
DEAD_PROXY = "http://127.0.0.1:9"
GENERATED = "{{cookiecutter.project_slug}}"
PACKAGE = f"{GENERATED}/src/{{{{cookiecutter.__package}}}}"
OWN_SETTING = "CORS_ORIGINS_ADMIN=https://own.example\n"
OWN_VIEW = '''

@bp.get("/own")
def own() -> dict[str, str]:
    """Answer what its author wrote."""
    return {"own": "view"}
'''

Run = Callable[[str, Path], subprocess.CompletedProcess[str]]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Run a command that must succeed, for somebody with an empty home and no network."""
    (tmp_path / "home").mkdir()
    author = {"NAME": "Ada", "EMAIL": "ada@example.com"}
    env = clean_environment(
        HOME=str(tmp_path / "home"),
        XDG_CONFIG_HOME=str(tmp_path / "home/.config"),
        **{f"GIT_{who}_{k}": v for who in ("AUTHOR", "COMMITTER") for k, v in author.items()},
        **dict.fromkeys(("http_proxy", "https_proxy", "HTTPS_PROXY", "ALL_PROXY"), DEAD_PROXY),
    )

    def run_it(command: str, folder: Path) -> subprocess.CompletedProcess[str]:
        done = run_shell(command, folder, env)
        assert done.returncode == 0, done.stdout + done.stderr
        return done

    return run_it


@pytest.fixture
def template(repository: Path, tmp_path: Path, run: Run) -> Path:
    """A template with two tags: A, and B with something of everything changed."""
    template = tmp_path / "template.git"
    run(
        f"git clone -q {shlex.quote(str(repository))} template.git && git -C template.git tag A",
        tmp_path,
    )
    change_template(template)
    run("git add -A && git commit -qm B && git tag B", template)
    return template


@pytest.fixture
def project(template: Path, tmp_path: Path, run: Run, request: pytest.FixtureRequest) -> Project:
    """A project made from tag A, with a setting and a view of its author's; tag B is out."""
    create = f"{COOKIECUTTER} git+file://{template} --checkout A --no-input"
    run(getattr(request, "param", None) or create, tmp_path)
    project = Project(tmp_path / "my-api")
    run("git init -q && git add -A && git commit -qm Made", project.path)
    append(project.path / ".env", OWN_SETTING)
    append(project.package / "blueprints/admin.py", OWN_VIEW)
    run("git commit -qam Own", project.path)
    return project


def change_template(template: Path) -> None:
    """Change the CORS package and the skeleton, add a filter and a question that uses it."""
    append(template / PACKAGE / "cors/problems.py", '\nNEWS = "of B"\n')
    replace(template / PACKAGE / "blueprints/skeleton.py", "here to be replaced", "news of B")
    append(template / "local_extensions.py", '\nFILTERS["loud"] = str.upper\n')
    replace(template / "cookiecutter.json", "{\n", '{\n  "team": "the team",\n')
    append(template / GENERATED / "README.md", "\nMade by {{ cookiecutter.team | loud }}.\n")


def append(path: Path, text: str) -> None:
    with path.open("a", encoding="utf-8") as file:
        file.write(text)


def replace(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def assert_it_is_whole(project: Project, run: Run) -> None:
    """Its author's lines are there, nothing is rejected or in conflict, its tests pass."""
    made = run("git show HEAD:.env.example", project.path).stdout
    assert project.read(".env") == made + OWN_SETTING
    assert (
        (project.package / "blueprints/admin.py")
        .read_text()
        .endswith('"""\n    return {"own": "view"}\n')
    )
    assert [path for path in project.files() if path.suffix in (".rej", ".orig")] == []
    tracked = [path for path in project.files() if path.parts[0] != ".git"]
    assert [path for path in tracked if "<<<<<<<" in project.read(str(path))] == []
    done = project.run("pytest", "-q", "-p", "no:cacheprovider")
    assert done.returncode == 0, done.stdout
    assert re.search(r"\b[1-9]\d+ passed in", done.stdout)


def has_news(project: Project) -> list[bool]:
    """Tell for each change of B whether it has arrived."""
    return [
        'NEWS = "of B"' in (project.package / "cors/problems.py").read_text(),
        "news of B" in (project.package / "blueprints/public.py").read_text(),
        "news of B" in (project.package / "blueprints/admin.py").read_text(),
        "\nMade by THE TEAM.\n" in project.read("README.md"),
        "team" in json.loads(project.read(".cruft.json"))["context"]["cookiecutter"],
    ]


BY_CRUFT = f"{CRUFT} create template.git --checkout A --no-input"


@pytest.mark.parametrize(
    "project",
    [pytest.param(BY_CRUFT, id="by cruft"), pytest.param(None, id="by cookiecutter")],
    indirect=True,
)
def test_an_update_arrives_and_the_authors_edits_stay(project: Project, run: Run) -> None:
    assert not any(has_news(project))

    updated = run(f"{CRUFT} update -y --checkout B", project.path)

    # and no next steps for the folders in which cruft has generated
    assert updated.stdout.startswith("Good work!")
    assert all(has_news(project))
    assert_it_is_whole(project, run)


@pytest.mark.parametrize(
    "tag",
    [pytest.param("A", id="alone", marks=pytest.mark.slow), pytest.param("B", id="with an update")],
)
def test_one_more_name_adds_a_blueprint(project: Project, run: Run, tag: str) -> None:
    answer = json.dumps({"blueprints": "public, admin, orders"})

    updated = run(
        f"{CRUFT} update -y --checkout {tag} --variables-to-update '{answer}'", project.path
    )

    assert "Good work!" in updated.stdout
    assert has_news(project) == [tag == "B"] * 5
    assert (project.package / "blueprints/orders.py").is_file()
    assert (project.path / "tests/test_orders.py").is_file()
    registry = (project.package / "blueprints/__init__.py").read_text(encoding="utf-8")
    assert "\nfrom .orders import bp as orders_bp\n" in registry
    assert "\n    admin_bp,\n    orders_bp,\n]" in registry
    assert "\n# CORS_ORIGINS_ORDERS=" in project.read(".env.example")
    assert_it_is_whole(project, run)


def test_a_wrong_name_is_refused_and_changes_nothing(project: Project, run: Run) -> None:
    answer = json.dumps({"blueprints": "public, admin, Orders"})
    command = f"{CRUFT} update -y --variables-to-update '{answer}' 2>&1"

    refused = run(f"! {command}", project.path)

    assert re.search(r"^blueprints\b.*'Orders'.*; write a-z", refused.stdout, re.MULTILINE)
    assert "Traceback" not in refused.stdout
    assert run("git status --porcelain", project.path).stdout == ""


EDITED = {
    ".env.example": "\n# Of the author.\n# FLASK_GREETING=hello\n",
    ".gitignore": "/instance/\n",
    "README.md": "# My API\n\nOf the author.\n",
    "pyproject.toml": "\n[tool.of-the-author]\n",
    "wsgi.py": "\n# Of the author\n",
    "src/my_api/__init__.py": "\n# Of the author\n",
    "src/my_api/errors.py": "\n# Of the author\n",
    "tests/test_admin.py": "\n# Of the author\n",
}


def test_edits_in_eight_files_stay(project: Project, run: Run) -> None:
    for name, text in EDITED.items():
        if name == "README.md":
            replace(project.path / name, "# My API\n", text)
        else:
            append(project.path / name, text)
    run("git commit -qam Edits", project.path)

    run(f"{CRUFT} update -y --checkout B", project.path)

    assert all(has_news(project))
    for name, text in EDITED.items():
        assert text in project.read(name)
    assert run("git diff --name-only --diff-filter=U", project.path).stdout == ""


def test_a_blueprint_that_was_removed_stays_away(project: Project, run: Run) -> None:
    run("git rm -q src/my_api/blueprints/admin.py tests/test_admin.py", project.path)
    registry = project.package / "blueprints/__init__.py"
    for line in ("from .admin import bp as admin_bp\n", "    admin_bp,\n"):
        replace(registry, line, "")
    replace(project.path / ".env.example", "# CORS_ORIGINS_ADMIN=https://app.example.com\n", "")
    replace(project.path / ".env", OWN_SETTING, "")
    run("git commit -qam 'Remove admin'", project.path)

    run(f"{CRUFT} update -y --checkout B", project.path)

    assert not (project.package / "blueprints/admin.py").exists()
    assert "admin" not in registry.read_text()
    assert "news of B" in (project.package / "blueprints/public.py").read_text()
    assert run("git diff --name-only --diff-filter=U", project.path).stdout == ""
    done = project.run("pytest", "-q", "-p", "no:cacheprovider")
    assert done.returncode == 0, done.stdout


def test_a_line_that_both_changed_is_marked_and_the_rest_arrives(
    project: Project, run: Run
) -> None:
    """What docs/updating.md tells of a conflict."""
    public = project.package / "blueprints/public.py"
    replace(public, "here to be replaced", "of the author")
    run("git commit -qam Edit", project.path)

    updated = run(f"{CRUFT} update -y --checkout B", project.path)

    assert "with conflicts" in updated.stderr
    conflicts = run("git diff --name-only --diff-filter=U", project.path).stdout
    assert conflicts == "src/my_api/blueprints/public.py\n"
    text = public.read_text()
    for words in (
        "<<<<<<< ours\n",
        "of the author",
        "\n=======\n",
        "news of B",
        "\n>>>>>>> theirs",
    ):
        assert words in text
    assert 'NEWS = "of B"' in (project.package / "cors/problems.py").read_text()

    run("git checkout -q --ours src/my_api/blueprints/public.py && git add -A", project.path)
    run("git commit -qm Updated", project.path)
    assert "of the author" in public.read_text()
    again = run(f"{CRUFT} update -y", project.path)
    assert "already up to date" in again.stdout
