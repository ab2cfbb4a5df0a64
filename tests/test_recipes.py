"""What `docs/blueprints.md` and `docs/recipes/` tell is done in a fresh project, as by a reader."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from .conftest import ROOT, Project, run_shell
from .test_extensions import ENVIRONMENT, environment, follow, must_have_extensions, run_suite

RECIPES = [ROOT / "docs/blueprints.md", *sorted((ROOT / "docs/recipes").glob("*.md"))]


@pytest.fixture(scope="module", params=RECIPES, ids=lambda path: path.stem)
def cooked(
    default_project: Project,
    tmp_path_factory: pytest.TempPathFactory,
    request: pytest.FixtureRequest,
) -> Project:
    """A project of which a recipe was followed."""
    must_have_extensions()
    path = tmp_path_factory.mktemp(request.param.stem) / "my-api"
    project = Project(Path(shutil.copytree(default_project.path, path)))
    follow(request.param.read_text(encoding="utf-8"), project)
    return project


def test_the_project_stays_green_and_does_what_the_recipe_says(cooked: Project) -> None:
    done = run_suite(cooked)

    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.slow
def test_ruff_and_mypy_find_nothing(cooked: Project) -> None:
    python = f"--python-executable={ENVIRONMENT / 'bin/python'}"
    for command in (
        ["ruff", "check", "--no-cache"],
        ["ruff", "format", "--check", "--no-cache"],
        ["mypy", python],
    ):
        done = cooked.run(*command)
        assert done.returncode == 0, done.stdout + done.stderr


def test_it_starts_under_its_env(cooked: Project) -> None:
    done = run_shell("flask cors", cooked.path, environment(cooked))

    assert done.returncode == 0, done.stderr
