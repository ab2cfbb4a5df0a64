"""Nothing is generated over a project; the first files of a repository stay."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from cookiecutter.main import cookiecutter

from .conftest import ROOT, Project, bake_into, clean_environment, run_cookiecutter, run_shell

# A file, a link or a folder by its path: its mode, and what it holds or leads to.
State = dict[str, tuple[int, bytes]]


def state(*folders: Path) -> State:
    """Return all that lies in some folders; no link is followed."""
    found: State = {}
    for top in folders:
        for at, names, files in os.walk(top):
            for path in map(Path(at).joinpath, [".", *names, *files]):
                mode = path.lstat().st_mode
                if stat.S_ISLNK(mode):
                    found[str(path)] = mode, os.fsencode(path.readlink())
                else:
                    found[str(path)] = mode, path.read_bytes() if stat.S_ISREG(mode) else b""
    return found


def assert_refused(done: subprocess.CompletedProcess[str], *words: str) -> None:
    """It ends with one sentence and no traceback."""
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1
    for word in words:
        assert word in done.stderr


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a project in which a person has worked, and what links of it lead to."""
    desk = tmp_path_factory.mktemp("desk")
    (desk / "shared").mkdir()
    (desk / "shared/data.json").write_text("{}")
    (desk / "shared/data.json").chmod(0o400)
    project = bake_into(desk)
    work_in(project)
    commit = "git -c user.name=Ada -c user.email=ada@example.com commit -qm Mine"
    done = run_shell(f"git init -q && git add -A && {commit}", project.path)
    assert done.returncode == 0, done.stderr
    return desk


def work_in(project: Project) -> None:
    """Do what people do in a project."""
    path, package = project.path, project.package
    (package / "models.py").write_text("class Order: ...\n")
    (path / "migrations/versions").mkdir(parents=True)
    (path / "migrations/versions/1.py").write_text("revision = 1\n")
    with (package / "blueprints/admin.py").open("a") as file:
        file.write("# of my own\n")
    (path / "tests/test_orders.py").write_text("def test_orders() -> None: ...\n")
    (path / ".env").write_text("FLASK_SECRET_KEY=hunter2\n")
    (path / ".env").chmod(0o600)
    (path / "wsgi.py").chmod(0o444)
    (path / ".github/workflows/mine.yml").write_text("on: push\n")
    (package / "__pycache__").mkdir()
    (package / "__pycache__/models.cpython-311.pyc").write_bytes(b"\xff")
    (package / "data.json").symlink_to("../../../shared/data.json")
    (package / "lost").symlink_to("nowhere")
    (path / "shared").symlink_to("../shared")
    (path / "tests/again").symlink_to("../src")


@pytest.mark.parametrize(
    ("folder", "options"),
    [
        pytest.param("", ["{template}", "--no-input", "-f"], id="-f"),
        pytest.param("", ["{template}", "--no-input", "-f", "-s"], id="-f -s"),
        pytest.param("", ["{template}", "--no-input"], id="neither"),
        pytest.param(
            "", ["{template}", "--no-input", "-f", "blueprints=public,admin,orders"], id="blueprint"
        ),
        pytest.param("", ["{template}", "--replay-file", "{replay}", "-f", "-s"], id="replay"),
        pytest.param(
            "shared", ["{template}", "--no-input", "-f", "-s", "-o", "{desk}"], id="from elsewhere"
        ),
        pytest.param("", ["git+file://{template}", "--no-input", "-f", "-s"], id="from an address"),
    ],
)
def test_a_project_stays_byte_for_byte(
    desk: Path, repository: Path, tmp_path: Path, folder: str, options: list[str]
) -> None:
    before = state(desk / "my-api", desk / "shared")
    run_cookiecutter(tmp_path, str(repository), "--no-input")
    (replay,) = tmp_path.glob(".cookiecutter_replay/*.json")
    arguments = [one.format(template=repository, replay=replay, desk=desk) for one in options]

    done = run_cookiecutter(desk / folder, *arguments, HOME=str(tmp_path))

    assert_refused(
        done,
        "my-api already exists",
        "('Dockerfile', 'migrations', 'pyproject.toml')",
        "`uvx cruft update`",
    )
    assert state(desk / "my-api", desk / "shared") == before


def test_cruft_writes_over_no_project_either(desk: Path, repository: Path, tmp_path: Path) -> None:
    before = state(desk / "my-api", desk / "shared")
    done = subprocess.run(
        [sys.executable, "-m", "cruft", "create", str(repository), "-y", "-f"],
        cwd=desk,
        env=clean_environment(HOME=str(tmp_path)),
        capture_output=True,
        text=True,
        timeout=60,
    )

    assert_refused(done, "`uvx cruft update`")
    assert state(desk / "my-api", desk / "shared") == before


def refusal(folder: Path, **options: bool) -> str:
    """Return why nothing is generated into a folder."""
    with pytest.raises(SystemExit) as refused:
        generate(folder, **options)
    return str(refused.value)


def generate(folder: Path, **options: bool) -> Path:
    """Generate into a folder as with -f; `skip_if_file_exists` is -s."""
    options = {"overwrite_if_exists": True, **options}
    return Path(
        cookiecutter(
            str(ROOT), no_input=True, default_config=True, output_dir=str(folder), **options
        )
    )


@pytest.mark.parametrize(
    "name",
    [
        "notes.txt",
        ".env",
        "src/orders/models.py",
        "readme.txt",
        "my.LICENSE",
        "tests/.keep",
        "a\nb",
    ],
)
@pytest.mark.parametrize("skip", [False, True])
def test_whatever_else_lies_there_is_somebodys_work(tmp_path: Path, name: str, skip: bool) -> None:
    path = tmp_path / "my-api" / name
    path.parent.mkdir(parents=True)
    path.write_text("mine")
    (tmp_path / "my-api/README.md").write_text("mine")
    before = state(tmp_path)

    assert f"({name.partition('/')[0]!r})" in refusal(tmp_path, skip_if_file_exists=skip)
    assert state(tmp_path) == before


FIRST_FILES = ["README.md", "README", "README.rst", "LICENSE", "LICENSE.md", ".gitattributes"]


@pytest.fixture
def new_repository(tmp_path: Path) -> Path:
    """A repository as it is before there is a project in it."""
    folder = tmp_path / "my-api"
    folder.mkdir()
    for name in [*FIRST_FILES, ".gitignore"]:
        (folder / name).write_text(f"my {name}")
        (folder / name).chmod(0o440)
    commit = "git -c user.name=Ada -c user.email=ada@example.com commit -qm Begin"
    done = run_shell(f"git init -q && git add -A && {commit}", folder)
    assert done.returncode == 0, done.stderr
    (folder / ".git/hooks/cached.pyc").write_bytes(b"\xff")
    (folder / ".git/lost").symlink_to("nowhere")
    return folder


def test_the_first_files_of_a_repository_stay(
    new_repository: Path, default_project: Project, tmp_path: Path
) -> None:
    before = state(new_repository)
    done = run_cookiecutter(tmp_path, str(ROOT), "--no-input", "-f", "-s", PWD=str(tmp_path))

    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("cd my-api\n")
    after = state(new_repository)
    assert {path: after[path] for path in before} == before
    project = Project(new_repository)
    new = {path for path in project.files() if str(new_repository / path) not in before}
    assert new == set(default_project.files()) - {Path("README.md"), Path(".gitignore")}
    for path in new:
        assert project.read(str(path)) == default_project.read(str(path))


def test_with_f_alone_a_file_that_would_be_overwritten_stops_it(
    new_repository: Path, tmp_path: Path
) -> None:
    before = state(new_repository)
    done = run_cookiecutter(tmp_path, str(ROOT), "--no-input", "-f")

    assert_refused(done, "my-api: .gitignore and README.md would be overwritten", "give -f -s")
    (new_repository / ".gitignore").unlink()
    assert "my-api: README.md would be overwritten" in refusal(tmp_path)
    del before[str(new_repository / ".gitignore")]
    assert state(new_repository) == before


def test_what_keeps_the_answers_does_as_it_says(new_repository: Path, tmp_path: Path) -> None:
    answers = ["description=Of mine", "blueprints=orders"]
    done = run_cookiecutter(tmp_path, str(ROOT), "--no-input", *answers)
    assert_refused(done, "my-api already exists", "-f -s", "--replay")

    done = run_cookiecutter(tmp_path, str(ROOT), "--replay", "-f", "-s")

    assert done.returncode == 0, done.stderr
    assert (new_repository / "src/my_api/blueprints/orders.py").is_file()
    assert 'description = "Of mine"' in (new_repository / "pyproject.toml").read_text()


def test_with_f_alone_files_that_the_template_does_not_have_are_no_hindrance(
    new_repository: Path, tmp_path: Path
) -> None:
    (new_repository / "README.md").unlink()
    (new_repository / ".gitignore").unlink()
    before = state(new_repository)

    project = Project(generate(tmp_path))

    assert {path: held for path, held in state(project.path).items() if path in before} == before
    assert project.read("README.md").startswith("# My API\n")


def test_an_empty_folder_is_written_into(tmp_path: Path) -> None:
    (tmp_path / "my-api").mkdir()

    assert (generate(tmp_path) / "wsgi.py").is_file()


@pytest.mark.parametrize("skip", [False, True])
@pytest.mark.parametrize("target", ["nowhere", "empty", "project"])
def test_a_folder_that_is_a_link_is_not_followed(tmp_path: Path, target: str, skip: bool) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "project").mkdir()
    (tmp_path / "project/notes.txt").write_text("mine")
    (tmp_path / "my-api").symlink_to(target)
    before = state(tmp_path)

    assert "my-api is a link" in refusal(tmp_path, skip_if_file_exists=skip)
    assert state(tmp_path) == before


@pytest.mark.parametrize("name", ["README.md", ".gitignore"])
def test_a_file_that_is_a_link_is_not_followed(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "my-api"
    folder.mkdir()
    (folder / name).symlink_to("../elsewhere")
    before = state(tmp_path)

    for skip in (False, True):
        assert f"my-api/{name} is a link that leads nowhere" in refusal(
            tmp_path, skip_if_file_exists=skip
        )
    assert state(tmp_path) == before

    (tmp_path / "elsewhere").write_text("shared")
    (tmp_path / "elsewhere").chmod(0o400)
    before = state(tmp_path)
    assert f"my-api: {name} would be overwritten" in refusal(tmp_path)
    assert state(tmp_path) == before
    generate(tmp_path, skip_if_file_exists=True)
    after = state(tmp_path)
    assert {path: after[path] for path in before} == before


def test_a_file_in_its_place_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "my-api").write_text("mine")

    assert "my-api already exists and is no folder" in refusal(tmp_path)
    assert (tmp_path / "my-api").read_text() == "mine"


def test_a_read_only_checkout_over_a_new_repository(
    repository: Path, new_repository: Path, tmp_path: Path
) -> None:
    """What is rendered becomes writable, what was there keeps its mode."""
    checkout = tmp_path / "checkout"
    shutil.copytree(repository, checkout)
    (new_repository / "README.md").unlink()
    before = state(new_repository)
    run_shell("chmod -R a-w .", checkout)
    try:
        done = run_cookiecutter(tmp_path, str(checkout), "--no-input", "-f", "-s")
    finally:
        run_shell("chmod -R u+w .", checkout)

    assert done.returncode == 0, done.stderr
    after = state(new_repository)
    assert {path: after[path] for path in before} == before
    assert [path for path in after.keys() - before.keys() if not after[path][0] & 0o200] == []
