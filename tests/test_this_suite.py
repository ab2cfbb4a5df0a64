"""These tests themselves: any folder will do, and they leave nothing behind."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from .conftest import find_program, must_run

# Of each kind that once left something at home, or once broke over the name of the folder.
SOME = "version or bakes_from_git or says_it_too or lists_its_targets or none_given"


def test_they_pass_in_any_folder_whatever_is_set_and_leave_nothing(
    clone: Path, tmp_path: Path
) -> None:
    (clone / ".venv").symlink_to(sys.prefix)
    home, temporary = tmp_path / "home", tmp_path / "tmp"
    home.mkdir()
    temporary.mkdir()
    settings = {
        "COOKIECUTTER_CONFIG": "/nowhere",
        "CORS_ORIGINS": "nonsense",
        "FLASK_DEBUG": "1",
        "GIT_DIR": "/nowhere",
        "HOME": str(home),
        "MAKEFLAGS": "n",
        "PYTHON": sys.executable,
        "TMPDIR": str(temporary),
        "XDG_CONFIG_HOME": str(home / "config"),
    }
    python = (clone / ".venv/bin/python", "-B", "-m", "pytest", "-n", "1", "-k", SOME)
    tests = ("tests/test_newcomer.py", "tests/test_version.py")

    printed = must_run(*python, *tests, cwd=clone, env=os.environ | settings)

    assert " passed" in printed
    assert [path for path in temporary.rglob("*") if path.is_file()] == []
    assert list(home.iterdir()) == []


@pytest.mark.parametrize(("ci", "outcome"), [("", "Skipped"), ("true", "Failed")])
def test_a_machine_without_a_program_skips_its_tests_but_ci_fails(
    monkeypatch: pytest.MonkeyPatch, ci: str, outcome: str
) -> None:
    monkeypatch.setenv("CI", ci)
    with pytest.raises(BaseException, match="no-such is not installed, so nothing") as raised:
        find_program(["no-such", "nor-this"], "nothing was done")
    assert raised.typename == outcome


def test_the_first_program_that_is_there_is_found() -> None:
    assert find_program(["no-such", "sh"], "nothing was done").endswith("/sh")
