"""A project of version 0.1 comes to this one with what its author wrote (docs/updating.md)."""

from __future__ import annotations

import os
import shlex
from pathlib import Path

import pytest

from .conftest import ROOT, Project, run_shell
from .test_update import CRUFT, OWN_VIEW, Run, append, replace, run

__all__ = ["run"]

VERSION_0_1 = "e7e9e9c404"
OWN_TEST = """

def test_own(client: FlaskClient) -> None:
    assert client.get("/api/admin/own").json == {"own": "view"}
"""
OWN_TEST_OF_A_LIST = """

def test_the_list_of_orders_is_its_own(make_app: MakeApp) -> None:
    browser = Browser(send_to(make_app({"CORS_ORIGINS_ORDERS": "https://own.example"})))

    assert browser.fetch("/api/orders/", origin="https://own.example").status == 200
"""


@pytest.fixture
def project(repository: Path, tmp_path: Path, run: Run) -> Project:
    """A project of version 0.1 in which its author has worked; the template is at this version."""
    known = f"git -C {shlex.quote(str(ROOT))} cat-file -e {VERSION_0_1}^{{commit}}"
    if run_shell(known, tmp_path).returncode:
        reason = f"version 0.1 ({VERSION_0_1}) is not in the history of this clone"
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(reason)
    run(f"git clone -q {shlex.quote(str(ROOT))} template.git", tmp_path)
    template = tmp_path / "template.git"
    now = f"git --work-tree={shlex.quote(str(repository))}"
    run(f"{now} add -A && {now} commit -q --allow-empty -m Now && git reset -q --hard", template)

    run(f"{CRUFT} create template.git --checkout {VERSION_0_1} --no-input", tmp_path)
    project = Project(tmp_path / "my-api")
    run("git init -q && git add -A && git commit -qm Made", project.path)
    work_in(project)
    run("git add -A && git commit -qm Own", project.path)
    return project


def work_in(project: Project) -> None:
    """Do what people do: views, modules, a blueprint and tests of their own, settings, words."""
    path, package = project.path, project.package
    append(package / "blueprints/admin.py", OWN_VIEW)
    replace(path / "tests/test_admin.py", "def test_index_answers", "def test_index_of_mine")
    append(path / "tests/test_admin.py", OWN_TEST)
    (package / "models.py").write_text('"""What is sold."""\n\nORDERS = ["tea"]\n')
    update_config = "    app.config.update(config or {})\n"
    setting = '    app.config.setdefault("PAGE_SIZE", 20)\n'
    replace(package / "__init__.py", update_config, update_config + setting)
    replace(path / "README.md", "# My API\n", "# My API\n\nAsk Ada.\n")
    dotenv = '    "python-dotenv>=1.1,<2",\n'
    replace(path / "pyproject.toml", dotenv, '    "markdown>=3",\n' + dotenv)  # as uv adds it
    replace(path / "wsgi.py", "app = create_app()", "app = create_app({})")
    append(path / ".env", "FLASK_SECRET_KEY=hunter2\n")
    for copied in (package / "blueprints/public.py", path / "tests/test_public.py"):
        text = copied.read_text().replace("public", "orders").replace("PUBLIC", "ORDERS")
        copied.with_name(copied.name.replace("public", "orders")).write_text(text)
    append(path / "tests/test_orders.py", OWN_TEST_OF_A_LIST)
    registry = package / "blueprints/__init__.py"
    replace(registry, "from .public", "from .orders import bp as orders_bp\nfrom .public")
    replace(registry, "    public_bp,\n", "    public_bp,\n    orders_bp,\n")


def test_a_project_of_0_1_comes_to_this_version(project: Project, run: Run) -> None:
    path = project.path
    updated = run(f"{CRUFT} update -y", path)

    assert "Good work!" in updated.stdout
    assert "FLASK_SECRET_KEY=hunter2\n" in project.read(".env")
    assert project.read("src/my_api/blueprints/admin.py").endswith(OWN_VIEW)
    assert 'setdefault("PAGE_SIZE", 20)' in project.read("src/my_api/__init__.py")
    assert "\nAsk Ada.\n" in project.read("README.md")
    assert (project.package / "models.py").is_file()
    assert not (path / "tests/cors").exists()
    assert not (path / "tests/test_env_file.py").exists()
    assert [name for name in project.files() if name.suffix == ".rej"] == []

    # What docs/updating.md tells to do by hand: tests in which both changed the same lines, ...
    conflicts = run("git diff --name-only --diff-filter=U", path).stdout.split()
    assert conflicts == ["pyproject.toml", "tests/test_admin.py", "wsgi.py"]
    run("git checkout --theirs pyproject.toml tests/test_admin.py wsgi.py", path)
    needed = '    "python-dotenv>=1.1,<2",\n'
    replace(path / "pyproject.toml", needed, '    "markdown>=3",\n' + needed)
    append(path / "tests/test_admin.py", OWN_TEST)
    replace(path / "wsgi.py", "app = create_app()", "app = create_app({})")
    # ... and tests of one's own that use what the tests of 0.1 shared.
    orders = path / "tests/test_orders.py"
    text = project.read("tests/test_public.py").replace("public", "orders")
    own = OWN_TEST_OF_A_LIST.replace("make_app: MakeApp", "")
    orders.write_text(text.replace("PUBLIC", "ORDERS") + own)
    imported = "from my_api.cors.browser import send_to\n\nfrom .conftest import Blocked"
    replace(orders, "from .conftest import Blocked", imported)
    replace(orders, "Blocked, Browser\n", "Blocked, Browser, make_app\n")
    # ... and the line of each list.
    append(path / ".env.example", "# CORS_ORIGINS_ORDERS=https://app.example.com\n")

    done = project.run("pytest", "-q", "-p", "no:cacheprovider")
    assert done.returncode == 0, done.stdout
    for tool in (["ruff", "check", "--no-cache", "."], ["mypy", "--cache-dir", os.devnull]):
        done = project.run(*tool)
        assert done.returncode == 0, done.stdout
