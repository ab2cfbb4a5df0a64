"""Every cookiecutter that is let in does all of it; an older one is told which to use."""

import subprocess
import sys
from pathlib import Path

import pytest

import local_extensions

from .conftest import ROOT, bake_into, clean_environment

MINOR_VERSIONS = ["2.3", "2.4", "2.5", "2.6", "2.7"]
TOO_OLD = ["2.1", "2.2"]
# What the generator promises of answers and folders; all of it holds for each version.
PROMISES = [
    "tests/test_answers.py",
    "tests/test_answers_are_data.py",
    "tests/test_existing_folder.py",
]
TOOLS = ["cruft", "hypothesis", "pytest", "pytest-xdist"]


def run_with(cookiecutter: str, folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    """Run a Python module with a version of cookiecutter, in an environment that uv makes."""
    tools = [part for tool in TOOLS for part in ("--with", tool)]
    environment = ["--isolated", "--no-project", "--python", sys.executable]
    return subprocess.run(
        [
            *(sys.executable, "-m", "uv", "run", "--quiet", *environment),
            *("--with", f"cookiecutter{cookiecutter}", *tools, "python", "-m", *command),
        ],
        cwd=folder,
        env=clean_environment(),
        capture_output=True,
        text=True,
    )


def test_an_older_one_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert MINOR_VERSIONS[0] == local_extensions.OLDEST_COOKIECUTTER
    monkeypatch.setattr("cookiecutter.__version__", "2.2.3")

    with pytest.raises(SystemExit, match=r"^cookiecutter 2\.2\.3 is too old .* use 2\.3 or later"):
        bake_into(tmp_path)


@pytest.mark.parametrize("version", ["2.3.0", "2.10.1", "3.0.dev1"])
def test_a_newer_one_is_let_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: str
) -> None:
    monkeypatch.setattr("cookiecutter.__version__", version)

    assert (bake_into(tmp_path).path / "wsgi.py").is_file()


@pytest.mark.slow
@pytest.mark.parametrize("version", MINOR_VERSIONS)
def test_each_minor_version_keeps_the_promises(version: str) -> None:
    options = ["-q", "-n", "2", "-p", "no:cacheprovider"]
    done = run_with(f"=={version}.*", ROOT, "pytest", *options, *PROMISES)

    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("version", TOO_OLD)
def test_a_real_older_one_is_refused(version: str, tmp_path: Path) -> None:
    done = run_with(f"=={version}.*", tmp_path, "cookiecutter", str(ROOT), "--no-input")

    assert done.returncode == 1
    assert f"cookiecutter {version}" in done.stderr
    assert "use 2.3 or later" in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_the_newest_is_among_them(tmp_path: Path) -> None:
    done = run_with(f">={MINOR_VERSIONS[-1]}", tmp_path, "cookiecutter", "--version")

    assert f"Cookiecutter {MINOR_VERSIONS[-1]}." in done.stdout
