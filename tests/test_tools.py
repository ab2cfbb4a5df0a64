"""The tools of a project fit ordinary code, the code of others, and the developer's machine."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
import tomllib
from pathlib import Path
from textwrap import dedent

import pytest

from .conftest import Project, clean_environment, run, run_shell
from .edits import APP, END, PUBLIC, Edits, edited

RUFF = ("ruff check --no-cache", "ruff format --check --no-cache")
SUITE = ("pytest", "-q", "-p", "no:cacheprovider")

# Neither hints nor docstrings, in a view, a model and a test.
ORDINARY: Edits = [
    (PUBLIC, "", '\n\n@bp.get("/items/<int:key>")\ndef item(key):\n    return {"key": key}\n'),
    (
        "src/my_api/models.py",
        "",
        "class Item:\n    def __init__(self, key, name=None):\n        self.key = key\n"
        "        self.name = name\n",
    ),
    (
        "tests/test_public.py",
        "",
        "\n\ndef test_an_item(client):\n"
        '    assert client.get("/api/public/items/1").json == {"key": 1}\n',
    ),
]

# As `flask db init` and `flask db migrate` of Flask-Migrate 4.1.0 write them, but shorter.
MIGRATIONS: Edits = [
    (
        "migrations/env.py",
        "",
        "import logging\nfrom logging.config import fileConfig\n\nfrom flask import current_app\n\n"
        "from alembic import context\n\nconfig = context.config\n"
        "fileConfig(config.config_file_name)\nlogger = logging.getLogger('alembic.env')\n\n\n"
        "def get_engine():\n    return current_app.extensions['migrate'].db.engine\n\n\n"
        "def run_migrations_offline():\n    context.configure(\n"
        "        url=get_engine().url, literal_binds=True\n    )\n",
    ),
    (
        "migrations/versions/493f8768387e_first.py",
        "",
        '"""first\n\nRevision ID: 493f8768387e\nRevises: \nCreate Date: 2025-11-25\n\n"""\n'
        "from alembic import op\nimport sqlalchemy as sa\n\n\nrevision = '493f8768387e'\n"
        "down_revision = None\n\n\ndef upgrade():\n    op.create_table('item',\n"
        "    sa.Column('id', sa.Integer(), nullable=False)\n    )\n",
    ),
]

# An extension without hints, and what its documentation tells to write.
EXTENSION = """
class UserMixin:
    is_active = True


class LoginManager:
    def init_app(self, app):
        app.login_manager = self

    def user_loader(self, function):
        return function


def login_required(view):
    return view
"""
USED = """

from flask_login import LoginManager, UserMixin, login_required

login_manager = LoginManager()


class User(UserMixin):
    pass


@login_manager.user_loader
def load_user(key):
    return User()


@bp.get("/me")
@login_required
def me() -> str:
    return "me"
"""


def has_no_complaint(done: subprocess.CompletedProcess[str]) -> None:
    """Check that a tool ended well, and show what it printed where it did not."""
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="session")
def mypy(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The command with a cache that the tests share, and that the project does not keep."""
    return f"mypy --cache-dir={tmp_path_factory.getbasetemp() / 'mypy'}"


def test_code_without_hints_and_docstrings_passes(
    default_project: Project, tmp_path: Path, mypy: str
) -> None:
    project = edited(default_project, tmp_path, ORDINARY)

    for command in (*RUFF, mypy):
        has_no_complaint(project.run(*command.split()))
    has_no_complaint(project.run(*SUITE))


@pytest.mark.slow
@pytest.mark.parametrize("edits", [[], ORDINARY], ids=["as generated", "ordinary code"])
def test_another_type_checker_finds_nothing_either(
    default_project: Project, tmp_path: Path, edits: Edits
) -> None:
    project = edited(default_project, tmp_path, edits)

    has_no_complaint(project.run("ty", "check", "--python", sys.prefix))


def test_migrations_pass_as_they_are_written(
    default_project: Project, tmp_path: Path, mypy: str
) -> None:
    project = edited(default_project, tmp_path, MIGRATIONS)

    for command in (*RUFF, mypy):
        has_no_complaint(project.run(*command.split()))


def test_an_extension_without_hints_passes(
    default_project: Project, tmp_path: Path, mypy: str
) -> None:
    project = edited(default_project, tmp_path, [(PUBLIC, "", USED)])
    (tmp_path / "installed/flask_login").mkdir(parents=True)
    (tmp_path / "installed/flask_login/__init__.py").write_text(EXTENSION)
    path = os.pathsep.join([str(project.path / "src"), str(tmp_path / "installed")])

    has_no_complaint(project.run(*mypy.split(), env={"PYTHONPATH": path}))


@pytest.mark.parametrize("module", ["dependency", "my_api.models"])
def test_warnings_of_the_project_are_errors_and_those_of_others_are_not(
    default_project: Project, tmp_path: Path, module: str
) -> None:
    warns = 'import warnings\n\n\ndef work():\n    warnings.warn("old", DeprecationWarning)\n'
    project = edited(
        default_project,
        tmp_path,
        [
            ("src/" + module.replace(".", "/") + ".py", "", warns),
            (APP, END, f"    from {module} import work\n\n    work()\n{END}"),
        ],
    )

    done = project.run(*SUITE)

    assert done.returncode == (module == "my_api.models"), done.stdout
    assert "DeprecationWarning: old" in done.stdout


def test_what_an_instance_holds_is_not_committed(default_project: Project, tmp_path: Path) -> None:
    project = edited(default_project, tmp_path, [])
    files = "instance/app.db src/instance/app.db"

    done = run_shell(f"git init -q && git check-ignore {files}", project.path)

    assert done.stdout.split() == files.split()


@pytest.mark.parametrize(
    "env",
    [
        pytest.param({"NO_COLOR": "1"}, id="no colour", marks=pytest.mark.slow),
        pytest.param({"FORCE_COLOR": "1"}, id="colour"),
        pytest.param({"COLUMNS": "20"}, id="narrow", marks=pytest.mark.slow),
        pytest.param({"LC_ALL": "C", "PYTHONUTF8": "0"}, id="ASCII", marks=pytest.mark.slow),
        pytest.param(
            {
                "CORS_ORIGINS": "garbage",
                "CORS_ORIGINS_ADMIN": "*",
                "CORS_ORIGINS_NOBODY": "https://a.example",
                "CORS_MAX_AGE": "a while",
                "CORS_ENFORCE": "false",
                "CORS_SUPPORTS_CREDENTIALS": "true",
            },
            id="CORS",
        ),
        pytest.param(
            {
                "FLASK_APP": "nothing",
                "FLASK_DEBUG": "1",
                "FLASK_GREETING": "good day",
                "FLASK_MAX_CONTENT_LENGTH": "much",
                "FLASK_PROPAGATE_EXCEPTIONS": "false",
                "FLASK_RUN_PORT": "x",
                "FLASK_SERVER_NAME": "dev.example:8000",
                "FLASK_TESTING": "false",
                "FLASK_TRUSTED_HOSTS": "x",
                "FLASK_TRUSTED_PROXY_HOPS": "2",
            },
            id="Flask",
        ),
    ],
)
def test_the_suite_passes_in_any_environment(default_project: Project, env: dict[str, str]) -> None:
    has_no_complaint(default_project.run(*SUITE, env=env))


@pytest.mark.parametrize("seed", [1, *(pytest.param(n, marks=pytest.mark.slow) for n in (2, 3))])
def test_the_suite_passes_in_any_order(default_project: Project, tmp_path: Path, seed: int) -> None:
    plugin = f"""
        from random import Random


        def pytest_collection_modifyitems(items):
            Random({seed}).shuffle(items)
    """
    (tmp_path / "shuffle.py").write_text(dedent(plugin))
    path = os.pathsep.join([str(default_project.path / "src"), str(tmp_path)])

    has_no_complaint(default_project.run(*SUITE, "-p", "shuffle", env={"PYTHONPATH": path}))


def test_the_suite_passes_in_two_processes(default_project: Project) -> None:
    has_no_complaint(default_project.run(*SUITE, "-n", "2"))


@pytest.mark.parametrize("folder", ["outside", "tests"])
def test_the_suite_passes_from_any_folder(
    default_project: Project, tmp_path: Path, folder: str
) -> None:
    outside = folder == "outside"
    done = run(
        *(sys.executable, "-m", *SUITE, *([default_project.path] if outside else [])),
        cwd=tmp_path if outside else default_project.path / folder,
        env=clean_environment(PYTHONPATH=str(default_project.path / "src")),
    )

    has_no_complaint(done)
    assert " passed in " in done.stdout


def imported(files: list[Path]) -> set[str]:
    """Return the top-level packages that files import, without their own and the standard ones."""
    nodes = [node for file in files for node in ast.walk(ast.parse(file.read_text()))]
    names = [alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names]
    names += [n.module or "" for n in nodes if isinstance(n, ast.ImportFrom) and not n.level]
    return {name.split(".")[0] for name in names} - sys.stdlib_module_names - {"my_api"}


def test_what_is_imported_is_declared(default_project: Project) -> None:
    settings = tomllib.loads(default_project.read("pyproject.toml"))
    called = {"flask-cors": "flask_cors", "python-dotenv": "dotenv"}

    def declared(requirements: list[str]) -> set[str]:
        names = [requirement.split(">=")[0] for requirement in requirements]
        return {called.get(name, name) for name in names}

    runtime = declared(settings["project"]["dependencies"])
    package = [*default_project.path.glob("src/**/*.py"), default_project.path / "wsgi.py"]

    assert imported(package) == runtime
    assert imported([*default_project.path.glob("tests/*.py")]) - runtime == {"pytest"}
    assert "pytest" in declared(settings["dependency-groups"]["dev"])
