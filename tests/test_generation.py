"""Generation works from any source into any folder, without a network, wholly or not at all."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from cookiecutter.main import cookiecutter
from hypothesis import example, given, settings
from hypothesis import strategies as st

from .conftest import COOKIECUTTER, ROOT, TEMPLATE, Project, clean_environment, run, run_shell


def bake(
    source: str | Path, into: Path, *options: str, **env: str
) -> subprocess.CompletedProcess[str]:
    into.mkdir(parents=True, exist_ok=True)
    return run(*COOKIECUTTER, *options, source, cwd=into, env=clean_environment(**env))


@pytest.fixture
def tagged(repository: Path) -> Iterator[Path]:
    """The repository with a tag, and a later commit that cannot be baked."""
    broken = "git tag v1 && git rm -q cookiecutter.json && git commit -qm 'Break the template'"
    assert run_shell(broken, repository).returncode == 0
    yield repository
    run_shell("git reset -q --hard v1 && git tag -d v1", repository)


def test_from_a_git_url_with_a_tag(tagged: Path, tmp_path: Path) -> None:
    done = bake(f"git+file://{tagged}", tmp_path / "here", "--checkout", "v1")

    assert done.returncode == 0, done.stderr
    assert (tmp_path / "here/my-api/wsgi.py").is_file()


def test_from_a_zip_file(repository: Path, tmp_path: Path) -> None:
    archive = tmp_path / "flask-cors-api.zip"
    made = run_shell(f"git archive --format=zip --prefix=top/ -o '{archive}' HEAD", repository)
    assert made.returncode == 0, made.stderr

    done = bake(archive, tmp_path / "here")

    assert done.returncode == 0, done.stderr
    assert (tmp_path / "here/my-api/src/my_api/blueprints/admin.py").is_file()


def test_from_a_checkout_that_is_not_written_to(repository: Path, tmp_path: Path) -> None:
    def state() -> dict[Path, int]:
        template = repository / TEMPLATE.name
        return {path: path.stat().st_mtime_ns for path in template.rglob("*")}

    before = state()
    run_shell("chmod -R a-w .", repository)
    try:
        done = bake(repository, tmp_path / "here", PYTHONDONTWRITEBYTECODE="")
    finally:
        run_shell("chmod -R u+w .", repository)

    assert done.returncode == 0, done.stderr
    assert state() == before
    assert [
        path for path in (tmp_path / "here").rglob("*") if not path.stat().st_mode & 0o200
    ] == []


def test_caches_of_a_checkout_stay_behind(repository: Path, tmp_path: Path) -> None:
    (cors,) = (repository / TEMPLATE.name).glob("**/cors")
    (cors / "__pycache__").mkdir()
    (cors / "__pycache__/origins.cpython-311.pyc").write_bytes(b"\xff")

    done = bake(repository, tmp_path / "here")
    run_shell("git clean -qdfx", repository)

    assert done.returncode == 0, done.stderr
    assert (tmp_path / "here/my-api/src/my_api/cors/origins.py").is_file()
    assert list((tmp_path / "here").rglob("__pycache__")) == []


def test_into_a_folder_with_blanks_and_accents(tmp_path: Path) -> None:
    done = bake(ROOT, tmp_path / "où ça, l'été")

    assert done.returncode == 0, done.stderr
    project = Project(tmp_path / "où ça, l'été/my-api")
    tested = project.run("pytest", "-q", "-x", "-p", "no:cacheprovider", "tests/test_factory.py")
    assert tested.returncode == 0, tested.stdout


def test_without_a_network(tmp_path: Path) -> None:
    refuse = tmp_path / "refuse"
    refuse.mkdir()
    (refuse / "sitecustomize.py").write_text(
        "import socket\n"
        "def refuse(*arguments): raise SystemExit('the network was used')\n"
        "socket.socket.connect = socket.getaddrinfo = refuse\n"
    )
    connect = "import socket; socket.create_connection(('127.0.0.1', 9))"
    env = clean_environment(PYTHONPATH=str(refuse))
    proof = run(sys.executable, "-c", connect, cwd=tmp_path, env=env)
    assert "the network was used" in proof.stderr

    done = bake(ROOT, tmp_path / "here", PYTHONPATH=str(refuse))

    assert done.returncode == 0, done.stderr
    assert (tmp_path / "here/my-api/.env").is_file()


def test_a_hook_that_fails_leaves_nothing(repository: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    run("git", "clone", "-q", repository, broken, cwd=tmp_path)
    (broken / TEMPLATE.name / ".env.example").unlink()

    done = bake(broken, tmp_path / "here")

    assert done.returncode == 1
    assert os.listdir(tmp_path / "here") == []


ONE_LINE = st.text(st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp"]), min_size=1)


@settings(max_examples=25, deadline=None, database=None, derandomize=True)
@given(name=ONE_LINE.filter(str.strip), description=ONE_LINE)
@example(name='"""', description="'''\\")
@example(name="{{ cookiecutter.project_slug }}", description="{% raise %}{# no #}")
@example(name="__import__('os').system('touch pwned')", description="$(touch pwned) `touch pwned`")
@example(name="👩‍💻 \N{RIGHT-TO-LEFT OVERRIDE} \x7f".replace("\x7f", ""), description="a\\u0041")
def test_what_is_typed_arrives_byte_for_byte(name: str, description: str) -> None:
    typed: dict[str, Any] = {
        "project_name": name,
        "project_slug": "typed",
        "description": description,
    }

    def answer(key: str, default: Any, *_: object) -> Any:
        return typed.get(key, default)

    with (
        tempfile.TemporaryDirectory() as folder,
        patch("cookiecutter.prompt.read_user_variable", answer),
        patch("cookiecutter.prompt.read_user_yes_no", answer),
    ):
        project = Path(cookiecutter(str(ROOT), default_config=True, output_dir=folder))
        readme = (project / "README.md").read_bytes()
        pyproject = tomllib.loads((project / "pyproject.toml").read_text(encoding="utf-8"))
        made = os.listdir(folder)

    assert readme.startswith(f"# {name}\n\n{description}\n".encode())
    assert pyproject["project"]["description"] == description
    assert made == ["typed"]
