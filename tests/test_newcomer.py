"""What a newcomer does: bake from here or from git, paste the next steps, run the demo."""

import os
import re
import shlex
import shutil
import sys
from pathlib import Path

import pytest
from uv import find_uv_bin

from .conftest import COOKIECUTTER, ROOT, Bake, Project, clean_environment, must_run, run, run_shell


def test_it_bakes_from_git(repository: Path, tmp_path: Path) -> None:
    must_run(*COOKIECUTTER, f"git+file://{repository}", cwd=tmp_path)

    assert (tmp_path / "my-api/wsgi.py").is_file()


def test_the_next_steps_are_commands_and_at_most_six(clone: Path) -> None:
    answers = ("blueprints=orders", "cors_origins=https://*.example.com")
    env = clean_environment(PATH="/usr/bin:/bin")
    printed = must_run(*COOKIECUTTER, clone, *answers, cwd=clone.parent, env=env)
    steps = printed.splitlines()

    assert steps[0] == "cd my-api"
    assert len(steps) <= 6
    for step in steps:
        must_run("bash", "-nc", step, cwd=clone)
    assert steps[-1].startswith(
        'curl -i -H "Origin: https://app.example.com" http://127.0.0.1:8000/api/orders/'
    )
    assert ("uv run flask run" in steps) is (shutil.which("uv", path="/usr/bin:/bin") is not None)


def test_the_next_steps_work_when_pasted(tmp_path: Path) -> None:
    steps = must_run(*COOKIECUTTER, ROOT, cwd=tmp_path).splitlines()
    script = "\n".join(f"{step} &" if "flask run" in step else step for step in steps)
    patient = script.replace("curl -i", "curl -isS --retry 50 --retry-delay 1 --retry-connrefused")

    pasted = run_shell(f"trap 'kill %1' EXIT\n{patient}", tmp_path)

    assert pasted.returncode == 0, pasted.stderr
    assert " passed in " in pasted.stdout
    assert "\nAccess-Control-Allow-Origin: http://localhost:3000\n" in pasted.stdout.replace(
        "\r", ""
    )


DEMO = (sys.executable, "-m", "scripts.demo")


def test_the_demo_works_twice(clone: Path) -> None:
    for _ in range(2):
        printed = must_run(*DEMO, cwd=clone)

        answers = re.findall(r"^< (\d+) ", printed, flags=re.MULTILINE)
        assert answers == ["200", "200", "204", "200", "403"]
        assert printed.count("< Access-Control-Allow-Origin: ") == 3
        assert "\ncd build/my-api\n" in printed

    kept = list((clone / "build").glob("my-api-until-*"))
    assert len(kept) == 1
    assert "is now build/my-api-until-" in printed


@pytest.fixture
def offline(request: pytest.FixtureRequest, tmp_path: Path) -> dict[str, str]:
    """The environment of somebody without a network or earlier downloads; uv may be missing too."""
    programs = tmp_path / "bin"
    programs.mkdir()
    if getattr(request, "param", "with uv") == "with uv":
        (programs / "uv").symlink_to(find_uv_bin())
    return {
        **{k: v for k, v in clean_environment().items() if not k.startswith(("PIP_", "UV_"))},
        "PATH": f"{programs}:/usr/bin:/bin",
        "PIP_CONFIG_FILE": os.devnull,
        "PIP_NO_INDEX": "1",
        "UV_CACHE_DIR": str(tmp_path / "cache"),
        "UV_NO_CONFIG": "1",
        "UV_OFFLINE": "1",
    }


@pytest.mark.parametrize("offline", ["with uv", "without uv"], indirect=True)
@pytest.mark.parametrize("command", [("make", "demo", f"PYTHON={sys.executable}"), DEMO])
def test_without_a_network_the_demo_says_what_it_needs(
    clone: Path, offline: dict[str, str], command: tuple[str, ...]
) -> None:
    done = run(*command, cwd=clone, env=offline)
    last = [line for line in done.stderr.splitlines() if not line.startswith("make: ")][-1]

    assert done.returncode != 0
    assert last == (
        "Packages come from PyPI: this needs a network, or a mirror that uv or pip is told of."
    )
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("python", "given", "is_made_anew"),
    [
        ("echo another", [f"PYTHON={sys.executable}"], True),
        (f'exec {shlex.quote(sys.executable)} "$@"', [f"PYTHON={sys.executable}"], False),
        ("echo another", [], False),
    ],
    ids=["another", "the same", "none_given"],
)
def test_another_python_makes_the_environment_anew(
    clone: Path, offline: dict[str, str], python: str, given: list[str], is_made_anew: bool
) -> None:
    installed = clone / ".venv/bin/python"
    installed.parent.mkdir(parents=True)
    installed.write_text(f"#!/bin/sh\n{python}\n")
    installed.chmod(0o755)
    (clone / ".venv/.ready").touch()
    (clone / ".venv/old").touch()

    done = run("make", ".venv/.ready", *given, cwd=clone, env=offline)

    assert ("Setting up .venv" in done.stdout) is is_made_anew
    assert (clone / ".venv/old").exists() is not is_made_anew
    if is_made_anew:
        version = must_run(installed, "-c", "import sys; print(sys.version)", cwd=clone)
        assert version.strip() == sys.version


@pytest.mark.parametrize("target", ["demo", "test", "test-all", "clean"])
def test_make_lists_its_targets(target: str) -> None:
    assert re.search(rf"^{target} +\w", must_run("make", cwd=ROOT), flags=re.MULTILINE)


def test_make_names_the_python_that_it_needs(clone: Path) -> None:
    old = clone.parent / "python3"
    as_old = "import sys; sys.version_info = (3, 10); exec(sys.argv[2])"
    old.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -c "{as_old}" "$@"\n')
    old.chmod(0o755)

    done = run("make", "demo", f"PYTHON={old}", cwd=clone)

    assert done.returncode != 0
    assert "Python 3.11 or later is needed: make PYTHON=python3.12 ...\n" in done.stderr
    assert not (clone / ".venv").exists()


def test_wsgi_reads_the_env_file_beside_it_from_any_folder(bake: Bake, tmp_path: Path) -> None:
    project = bake()
    show = "import wsgi; print(dict(wsgi.app.extensions['cors'].policies)['/api/admin'].origins)"

    def origins(**env: str) -> str:
        paths = os.pathsep.join([str(project.path), str(project.path / "src")])
        env = clean_environment(PYTHONPATH=paths, **env)
        return must_run(sys.executable, "-c", show, cwd=tmp_path, env=env).strip()

    assert origins() == "('http://localhost:3000', 'http://localhost:5173')"
    project.append(".env", "CORS_ORIGINS_ADMIN=https://added.example\n")
    assert origins() == "('https://added.example',)"
    assert origins(CORS_ORIGINS_ADMIN="https://real.example") == "('https://real.example',)"


def test_the_environment_beats_env_and_env_beats_flaskenv(bake: Bake) -> None:
    project = bake()
    files = {".env": "CORS_MAX_AGE=2", ".flaskenv": "CORS_MAX_AGE=1\nCORS_MAX_AGE_ADMIN=1"}
    for name, line in files.items():
        project.append(name, f"{line}\n")

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
