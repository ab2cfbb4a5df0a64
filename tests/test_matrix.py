"""Every combination of answers, on every Python that is here: clean text, green, no trace."""

import itertools
import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from .conftest import ROOT, TEMPLATE, Bake, bake_into, clean_environment, must_run, run, run_shell

PYTHONS = ["3.11", "3.12", "3.13", "3.14"]
BLUEPRINTS = ["orders", "public, admin", "orders, catalog, admin, v2, hooks"]
COMMANDS = [
    "-W error -m pytest -q",
    "-m ruff check",
    "-m ruff format --check",
    "-m mypy",
]
NOT_CLEAN = re.compile(r"[^\S\n]$|\n\n\Z|[^\n]\Z", re.MULTILINE)

pytestmark = pytest.mark.slow


def find_python(version: str) -> str | None:
    """Return a Python of this version that runs: one on the PATH, or one of pyenv's."""
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    candidates = [
        f"python{version}",
        *map(str, pyenv.glob(f"versions/{version}.*/bin/python{version}")),
    ]
    for python in filter(shutil.which, candidates):
        if run(python, "--version", cwd=ROOT).returncode == 0:
            return python
    return None


@pytest.fixture(scope="session")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Make a virtual environment with the tools of a baked project, once for each Python."""
    made: dict[str, Path] = {}
    project = bake_into(tmp_path_factory.mktemp("tools")).path

    def make(version: str) -> Path:
        python = find_python(version)
        if python is None:
            pytest.skip(f"Python {version} is not here")
        if version not in made:
            folder = tmp_path_factory.mktemp(f"python{version}")
            must_run(python, "-m", "venv", folder, cwd=project)
            pip = (folder / "bin/python", "-m", "pip", "install", "--quiet")
            must_run(*pip, "--upgrade", "pip", cwd=project)
            must_run(*pip, "--group", "dev", "-e", ".", cwd=project)
            made[version] = folder / "bin"
        return made[version]

    return make


@pytest.mark.parametrize("version", PYTHONS)
@pytest.mark.parametrize(
    ("docker", "github_actions", "blueprints"),
    [*itertools.product([True, False], [True, False], BLUEPRINTS)],
)
def test_it_is_green(
    environment: Callable[[str], Path],
    bake: Bake,
    version: str,
    docker: bool,
    github_actions: bool,
    blueprints: str,
) -> None:
    tools = environment(version)
    project = bake(docker=docker, github_actions=github_actions, blueprints=blueprints)
    assert [path for path in project.files() if NOT_CLEAN.search(project.read(str(path)))] == []

    run_shell("git init -q && git add -A && git commit -qm Made", project.path)
    cache = tools.parent / ".mypy_cache"
    env = clean_environment(
        PYTHONPATH=str(project.path / "src"),
        PYTHONDONTWRITEBYTECODE="",
        MYPY_CACHE_DIR=str(cache),
    )
    for command in COMMANDS:
        must_run(tools / "python", *command.split(), cwd=project.path, env=env)
    assert must_run("git", "status", "--porcelain", cwd=project.path) == ""


def test_the_workflows_run_on_the_same_pythons() -> None:
    for folder in (ROOT, TEMPLATE):
        workflow = (folder / ".github/workflows/test.yml").read_text(encoding="utf-8")
        (pythons,) = re.findall(r"python: \[(.*)\]", workflow)
        assert pythons == ", ".join(f'"{version}"' for version in PYTHONS)
