"""Bake projects with cookiecutter's own API, and run things in them with the tools of this venv."""

from __future__ import annotations

import importlib
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from cookiecutter.main import cookiecutter

from scripts.running import clean_environment as clean_environment
from scripts.running import must_run as must_run
from scripts.running import run as run

ROOT = Path(__file__).parent.parent
TEMPLATE = ROOT / "{{cookiecutter.project_slug}}"
PACKAGE = TEMPLATE / "src/{{cookiecutter.__package}}"
DEFAULT_PROJECT = pytest.StashKey["Project"]()
PYTHON = shlex.quote(sys.executable)
COOKIECUTTER = (sys.executable, "-m", "cookiecutter", "--no-input")

# What a run of these tests does not take from the developer's environment ...
SETTINGS = ("COOKIECUTTER_", "CORS_", "FLASK_", "GIT_", "MAKE", "MFLAGS", "XDG_")
# ... and takes from his home, or else keeps beside the tools: downloads, mirrors, other Pythons.
KEPT = (".cache/pip", ".cache/uv", ".config/pip", ".config/uv", ".local/share/uv", ".pyenv")
GIT = "[user]\nname = Ada\nemail = ada@example.com\n[safe]\ndirectory = *\n"


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

    def append(self, name: str, text: str) -> None:
        """Add to the end of one of its files."""
        with (self.path / name).open("a", encoding="utf-8") as file:
            file.write(text)

    def copy(self, folder: Path) -> Project:
        """Copy it into a folder, but for what Python leaves behind."""
        ignored = shutil.ignore_patterns("__pycache__")
        return Project(shutil.copytree(self.path, folder / self.path.name, ignore=ignored))

    def run(
        self, *command: str, env: dict[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run a Python module in it, as ``project.run("pytest", "-q")``; nothing is installed."""
        env = clean_environment(**{"PYTHONPATH": str(self.path / "src"), **(env or {})})
        return run(sys.executable, "-m", *command, cwd=self.path, env=env)


Bake = Callable[..., Project]


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


def run_cookiecutter(
    folder: Path, *arguments: str, typed: str = "", **env: str
) -> subprocess.CompletedProcess[str]:
    """Run the `cookiecutter` command in a folder, which is also the home of who runs it."""
    given = clean_environment(**{"HOME": str(folder), "COLUMNS": "200", **env})
    command = (sys.executable, "-m", "cookiecutter", *arguments)
    return run(*command, cwd=folder, env=given, typed=typed)


def run_shell(
    command: str, folder: Path, env: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a command in a shell that stops at the first failure."""
    return run("bash", "-euc", command, cwd=folder, env=env)


def find_program(names: Sequence[str], what_is_left_out: str) -> str:
    """Return the first of some programs; without one the test is skipped, but fails in CI."""
    path = f"{os.environ['PATH']}:/usr/sbin"  # there nginx is, which not everyone has on the PATH
    for name in names:
        if program := shutil.which(name, path=path):
            return program
    sentence = f"{names[0]} is not installed, so {what_is_left_out}"
    if os.environ.get("CI") == "true":
        pytest.fail(sentence)
    pytest.skip(sentence)


def pytest_configure(config: pytest.Config) -> None:
    """Keep the run to a folder of its own; make `my_api` of the default project importable."""
    if not hasattr(config, "workerinput"):  # else xdist started this process, from one that did
        keep_to_a_folder(config)
    if not config.getoption("numprocesses", None):  # else the processes of xdist run the tests
        import_default_project(config)


def keep_to_a_folder(config: pytest.Config) -> None:
    """Give every process of this run one home and one place for temporary files, until it ends.

    Pytest's own temporary files stay where they were, for those who look why a test failed.
    """
    tempfile.gettempdir()
    folder = tempfile.TemporaryDirectory(prefix="flask-cors-api-")
    config.add_cleanup(folder.cleanup)
    home, temporary = Path(folder.name, "home"), Path(folder.name, "tmp")
    temporary.mkdir()
    for name in KEPT:
        kept = Path.home() / name
        if not kept.exists():
            kept = Path(sys.prefix, name)
            kept.mkdir(parents=True, exist_ok=True)
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        (home / name).symlink_to(kept)
    (home / ".gitconfig").write_text(GIT)
    patch = pytest.MonkeyPatch()
    config.add_cleanup(patch.undo)
    for name in os.environ:
        if name.startswith(SETTINGS) or name == "PYTHON":  # which `make test PYTHON=...` hands on
            patch.delenv(name)
    patch.setenv("HOME", str(home))
    patch.setenv("TMPDIR", str(temporary))


def import_default_project(config: pytest.Config) -> None:
    """Bake it, in a process of its own, which keeps the output of the hook away.

    With the variable ENGINE_PROJECT it is the one in that folder.
    """
    patch = pytest.MonkeyPatch()
    config.add_cleanup(patch.undo)
    patch.setattr(sys, "dont_write_bytecode", True)
    if folder := os.environ.get("ENGINE_PROJECT"):
        project = Project(Path(folder))
    else:
        baked = tempfile.TemporaryDirectory()
        config.add_cleanup(baked.cleanup)
        must_run(*COOKIECUTTER, ROOT, "--default-config", cwd=Path(baked.name))
        project = Project(Path(baked.name) / "my-api")
    patch.syspath_prepend(project.path / "src")
    config.stash[DEFAULT_PROJECT] = project


@pytest.fixture(scope="session")
def baked(tmp_path_factory: pytest.TempPathFactory) -> Bake:
    """Bake a project with some answers given, the others at their defaults; tests only read it."""

    @cache
    def bake_once(**answers: Any) -> Project:
        return bake_into(tmp_path_factory.mktemp("baked"), **answers)

    return bake_once


@pytest.fixture
def bake(baked: Bake, tmp_path: Path) -> Bake:
    """Bake a project of the test's own, to be changed."""
    return lambda **answers: baked(**answers).copy(tmp_path / "baked")


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
    listed = must_run("git", "ls-files", "-co", "--exclude-standard", "-z", cwd=ROOT)
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file():
            target = folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, target)
    for command in ("init -q", "add -A", "commit -qm Import"):
        must_run("git", *command.split(), cwd=folder)
    return folder


@pytest.fixture
def clone(repository: Path, tmp_path: Path) -> Path:
    """A clone in a folder whose name a careless command trips over."""
    clone = tmp_path / "it's here/flask-cors-api"
    must_run("git", "clone", "-q", repository, clone, cwd=tmp_path)
    return clone


@pytest.fixture(scope="session")
def package() -> ModuleType:
    """The package of the default project with its CORS modules."""
    importlib.import_module("my_api.cors.browser")
    return importlib.import_module("my_api")
