"""What a newcomer does: bake from here or from git, paste the next steps, run the demo."""

import os
import re
import shlex
import shutil
import sys
from pathlib import Path

import pytest

from .conftest import ROOT, Bake, Project, clean_environment
from .conftest import run_shell as run


def test_it_bakes_from_git(repository: Path, tmp_path: Path) -> None:
    env = clean_environment(HOME=str(tmp_path / "home"))
    done = run(
        f"{sys.executable} -m cookiecutter git+file://{repository} --no-input", tmp_path, env
    )

    assert done.returncode == 0, done.stderr
    assert (tmp_path / "my-api/wsgi.py").is_file()


def test_the_next_steps_are_commands_and_at_most_six(repository: Path, tmp_path: Path) -> None:
    folder = tmp_path / "it's here"
    folder.mkdir()
    done = run(
        f"PWD={shlex.quote(str(folder))} {sys.executable} -m cookiecutter {ROOT} --no-input "
        "blueprints=orders cors_origins=https://*.example.com",
        folder,
        clean_environment(PATH="/usr/bin:/bin"),
    )
    steps = done.stdout.splitlines()

    assert steps[0] == "cd my-api"
    assert len(steps) <= 6
    assert run("; ".join(f"bash -nc {shlex.quote(step)}" for step in steps), folder).returncode == 0
    assert steps[-1].startswith(
        'curl -i -H "Origin: https://app.example.com" http://127.0.0.1:8000/api/orders/'
    )
    assert ("uv run flask run" in steps) is (shutil.which("uv", path="/usr/bin:/bin") is not None)


def test_the_next_steps_work_when_pasted(tmp_path: Path) -> None:
    done = run(f"{sys.executable} -m cookiecutter {ROOT} --no-input", tmp_path)
    steps = done.stdout.splitlines()
    script = "\n".join(f"{step} &" if "flask run" in step else step for step in steps)
    patient = script.replace("curl -i", "curl -isS --retry 50 --retry-delay 1 --retry-connrefused")

    pasted = run(f"trap 'kill %1' EXIT\n{patient}", tmp_path)

    assert pasted.returncode == 0, pasted.stderr
    assert " passed in " in pasted.stdout
    assert "\nAccess-Control-Allow-Origin: http://localhost:3000\n" in pasted.stdout.replace(
        "\r", ""
    )


def test_the_demo_works_twice(repository: Path) -> None:
    for _ in range(2):
        done = run(f"{sys.executable} -m scripts.demo", repository)

        assert done.returncode == 0, done.stdout + done.stderr
        answers = re.findall(r"^< (\d+) ", done.stdout, flags=re.MULTILINE)
        assert answers == ["200", "200", "204", "200", "403"]
        assert done.stdout.count("< Access-Control-Allow-Origin: ") == 3
        assert "\ncd build/my-api\n" in done.stdout

    kept = list((repository / "build").glob("my-api-until-*"))
    assert len(kept) == 1
    assert "is now build/my-api-until-" in done.stdout


@pytest.mark.parametrize("target", ["demo", "test", "test-all", "clean"])
def test_make_lists_its_targets(target: str) -> None:
    assert re.search(rf"^{target} +\w", run("make", ROOT).stdout, flags=re.MULTILINE)


def test_make_names_the_python_that_it_needs(repository: Path, tmp_path: Path) -> None:
    old = tmp_path / "python3"
    old.write_text(f"#!/bin/sh\nexec {sys.executable} -c 'raise SystemExit(\"too old\")'\n")
    old.chmod(0o755)

    done = run(f"make demo PYTHON={old}", repository)

    assert done.returncode != 0
    assert not (repository / ".venv").exists()


def test_wsgi_reads_the_env_file_beside_it_from_any_folder(bake: Bake, tmp_path: Path) -> None:
    project = bake()
    show = "import wsgi; print(dict(wsgi.app.extensions['cors'].policies)['/api/admin'].origins)"

    def origins(**env: str) -> str:
        paths = os.pathsep.join([str(project.path), str(project.path / "src")])
        return run(
            f"{sys.executable} -c {shlex.quote(show)}",
            tmp_path,
            clean_environment(PYTHONPATH=paths, **env),
        ).stdout.strip()

    assert origins() == "('http://localhost:3000', 'http://localhost:5173')"
    with (project.path / ".env").open("a") as env_file:
        env_file.write("CORS_ORIGINS_ADMIN=https://added.example\n")
    assert origins() == "('https://added.example',)"
    assert origins(CORS_ORIGINS_ADMIN="https://real.example") == "('https://real.example',)"


def test_the_environment_beats_env_and_env_beats_flaskenv(bake: Bake) -> None:
    project = bake()
    files = {".env": "CORS_MAX_AGE=2", ".flaskenv": "CORS_MAX_AGE=1\nCORS_MAX_AGE_ADMIN=1"}
    for name, line in files.items():
        with (project.path / name).open("a", encoding="utf-8") as file:
            file.write(f"{line}\n")

    def max_ages(**env: str) -> list[str]:
        shown = project.run("flask", "cors", env=env).stdout
        return re.findall(r"max_age +(\d+)", shown)

    assert max_ages() == ["2", "1"]
    assert max_ages(CORS_MAX_AGE="3", CORS_MAX_AGE_ADMIN="4") == ["3", "4"]


@pytest.mark.parametrize("command", ["run", "run --debug", "routes", "cors"])
def test_a_wrong_setting_is_said_without_a_traceback(
    default_project: Project, command: str
) -> None:
    wrong = {"CORS_ORIGINS": "htps://a, https://b/", "CORS_ORIGINS_ADMN": "https://c"}
    done = default_project.run("flask", *command.split(), env=wrong)

    assert done.returncode == 1
    assert done.stderr.splitlines() == [
        "Error: CORS configuration has 3 problems:",
        "  CORS_ORIGINS_ADMN: names no blueprint (admin, public); did you mean CORS_ORIGINS_ADMIN?",
        "  CORS_ORIGINS, entry 1 'htps://a': the scheme looks like a slip of http or https; "
        "write one of these",
        "  CORS_ORIGINS, entry 2 'https://b/': an origin has no path; write https://b",
    ]


def test_a_line_of_the_env_file_that_is_none_stops_the_start(bake: Bake) -> None:
    project = bake()
    (project.path / ".env").write_text("CORS_ORIGINS_ADMIN: https://admin.example\n")

    for command in (["flask", "cors"], ["gunicorn", "wsgi:app", "--check-config"]):
        done = project.run(*command)

        assert done.returncode != 0
        assert (
            ".env has 1 problem:\n  line 1: a name ends with =, not with a colon; write CORS"
            in (done.stderr)
        )


def test_a_server_says_it_too(default_project: Project) -> None:
    done = default_project.run("gunicorn", "wsgi:app", "--check-config", env={"CORS_MAX_AGE": "x"})

    assert done.returncode != 0
    assert "CORS_MAX_AGE 'x': not a number of seconds" in done.stderr
