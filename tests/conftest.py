"""Bake projects with cookiecutter's own API, and run things in them with the tools of this venv."""

from __future__ import annotations

import importlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from cookiecutter.main import cookiecutter

ROOT = Path(__file__).parent.parent
TEMPLATE = ROOT / "{{cookiecutter.project_slug}}"
PACKAGE = TEMPLATE / "src/{{cookiecutter.__package}}"
DEFAULT_PROJECT = pytest.StashKey["Project"]()


@dataclass(frozen=True)
class Project:
    """A baked project."""

    path: Path

    @property
    def package(self) -> Path:
        """The folder of its package."""
        return next(self.path.glob("src/*/__init__.py")).parent

    def read(self, name: str) -> str:
        """Return the text of one of its files."""
        return (self.path / name).read_text(encoding="utf-8")

    def files(self) -> list[Path]:
        """Return its files, relative to it, but for what tools leave behind."""
        return sorted(
            path.relative_to(self.path)
            for path in self.path.rglob("*")
            if path.is_file() and path.suffix != ".pyc"
        )

    def run(
        self, *command: str, env: dict[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run a Python module in it, as ``project.run("pytest", "-q")``; nothing is installed."""
        return subprocess.run(
            [sys.executable, "-m", *command],
            cwd=self.path,
            env=clean_environment(**{"PYTHONPATH": str(self.path / "src"), **(env or {})}),
            capture_output=True,
            text=True,
            timeout=120,
        )


Bake = Callable[..., Project]


def clean_environment(**more: str) -> dict[str, str]:
    """Return the environment without settings of the developer's for Flask and CORS."""
    mine = {k: v for k, v in os.environ.items() if not k.startswith(("CORS_", "FLASK_"))}
    return {**mine, **more}


def bake_into(folder: Path, **answers: Any) -> Project:
    """Bake the template of this repository into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    path = cookiecutter(
        str(ROOT),
        no_input=True,
        default_config=True,
        extra_context=answers,
        output_dir=str(folder),
    )
    return Project(Path(path))


def run_suite(project: Project) -> subprocess.CompletedProcess[str]:
    """Run the shipped tests; in a folder of their own, as those of /tmp are tidied by each run."""
    temporary = f"--basetemp={project.path.with_name('tmp')}"
    quiet = ("-q", "--tb=no", "-rfE", "-p", "no:cacheprovider", temporary)
    return project.run("pytest", *quiet, env={"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"})


def run_shell(
    command: str, folder: Path, env: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a command in a shell that stops at the first failure."""
    return subprocess.run(
        ["bash", "-euc", command],
        cwd=folder,
        env=env or clean_environment(),
        capture_output=True,
        text=True,
        timeout=300,
    )


def pytest_configure(config: pytest.Config) -> None:
    """Make `my_api`, the package of the default project, importable; no variable reaches it.

    The project is baked in a process of its own, which keeps the output of the hook away. With the
    variable ENGINE_PROJECT it is the one in that folder.
    """
    if config.getoption("numprocesses", None):
        return  # to the processes of xdist, which run the tests
    patch = pytest.MonkeyPatch()
    config.add_cleanup(patch.undo)
    for name in os.environ.keys() - clean_environment().keys():
        patch.delenv(name)
    patch.setattr(sys, "dont_write_bytecode", True)
    if folder := os.environ.get("ENGINE_PROJECT"):
        project = Project(Path(folder))
    else:
        baked = tempfile.TemporaryDirectory()
        config.add_cleanup(baked.cleanup)
        command = [sys.executable, "-m", "cookiecutter", str(ROOT), "--no-input"]
        done = subprocess.run(
            [*command, "--default-config"], cwd=baked.name, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
        project = Project(Path(baked.name) / "my-api")
    patch.syspath_prepend(project.path / "src")
    config.stash[DEFAULT_PROJECT] = project


@pytest.fixture
def bake(tmp_path: Path) -> Bake:
    """Bake a project with some answers given and the others at their defaults."""
    return lambda **answers: bake_into(tmp_path / "baked", **answers)


@pytest.fixture(scope="session")
def default_project(pytestconfig: pytest.Config) -> Project:
    """The project of the default answers; tests leave it as it is."""
    return pytestconfig.stash[DEFAULT_PROJECT]


@pytest.fixture(scope="session")
def green_project(default_project: Project, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project whose suite passes; its compiled files make the copies start faster."""
    path = tmp_path_factory.mktemp("green") / "my-api"
    project = Project(shutil.copytree(default_project.path, path))
    done = run_suite(project)
    assert done.returncode == 0, done.stdout + done.stderr
    return project


@pytest.fixture(scope="session")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A git repository with what is in the working tree, as a clone would hold it."""
    folder = tmp_path_factory.mktemp("src") / "flask-cors-api.git"
    folder.mkdir()
    listed = run_shell("git ls-files -co --exclude-standard -z", ROOT).stdout
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file():
            target = folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, target)
    identity = "-c user.name=Ada -c user.email=ada@example.com"
    done = run_shell(f"git init -q && git add -A && git {identity} commit -qm Import", folder)
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture(scope="session")
def package() -> ModuleType:
    """The package of the default project with its CORS modules."""
    importlib.import_module("my_api.cors.browser")
    return importlib.import_module("my_api")
