"""An answer is data wherever it comes from, and all are checked before anything is written."""

from __future__ import annotations

import copy
import json
import os
import tempfile
import tomllib
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from cookiecutter.main import cookiecutter
from hypothesis import example, given, settings
from hypothesis import strategies as st

import local_extensions

from .conftest import ROOT, Project, run_cookiecutter

# Breaks out of quotes, of Jinja or of a shell, where a text is put there as it is.
CODE = [
    """x", "y") if __import__("os").system("touch pwned") else ("z""",
    """'; __import__('os').system('touch pwned'); '""",
    "\\",
    '"""',
    "{{ cycler.__init__.__globals__.os.system('touch pwned') }}",
    "$(touch pwned) `touch pwned`",
    'x\n__import__("os").system("touch pwned")',
]
OUTSIDE = ["../outside", "/outside", "..", "a/../../outside", "~/outside", ""]
QUESTIONS = list(local_extensions.QUESTIONS)


@pytest.fixture(scope="module")
def answered(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What cookiecutter has written into a replay file."""
    folder = tmp_path_factory.mktemp("answered")
    done = run_cookiecutter(folder, str(ROOT), "--no-input", "docker=n", "blueprints=orders")
    assert done.returncode == 0, done.stderr
    (replay,) = folder.glob(".cookiecutter_replay/*.json")
    answers: dict[str, Any] = json.loads(replay.read_text(encoding="utf-8"))
    return answers


def changed(answered: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    """Return the replay file with other answers."""
    return {**answered, "cookiecutter": {**answered["cookiecutter"], **changes}}


def replay(folder: Path, answers: dict[str, Any]) -> Path:
    """Generate from a replay file into `out` below the folder, in this process."""
    (folder / "replay.json").write_text(json.dumps(answers))
    (folder / "config.yaml").write_text(
        f"replay_dir: {folder / 'replays'}\ncookiecutters_dir: {folder / 'clones'}\n"
    )
    (folder / "out").mkdir()

    def default(key: str, answer: Any, *_: object) -> Any:
        return answer

    with (
        patch("cookiecutter.prompt.read_user_variable", default),
        patch("cookiecutter.prompt.read_user_yes_no", default),
    ):
        return Path(
            cookiecutter(
                str(ROOT),
                replay=str(folder / "replay.json"),
                config_file=str(folder / "config.yaml"),
                output_dir=str(folder / "out"),
            )
        )


def left(folder: Path) -> list[str]:
    """Return what a generation has left, its own records apart."""
    records = {"replay.json", "config.yaml", "replays", "out"}
    return [path.name for path in folder.iterdir() if path.name not in records] + [
        path.name for path in (folder / "out").iterdir()
    ]


def test_a_replay_file_is_replayed(answered: dict[str, Any], tmp_path: Path) -> None:
    project = Project(replay(tmp_path, answered))

    assert (project.package / "blueprints/orders.py").is_file()
    assert not (project.path / "Dockerfile").exists()
    assert left(tmp_path) == ["my-api"]


HOSTILE = [
    *(("docker", code) for code in CODE),
    *(("github_actions", code) for code in CODE),
    *(("blueprints", code) for code in CODE),
    *(("cors_origins", code) for code in CODE),
    *(("project_slug", text) for text in [*CODE, *OUTSIDE]),
    *((question, answer) for question in QUESTIONS for answer in (None, [], {"a": 1}, 1.5, [True])),
    ("docker", "maybe"),
    ("docker", ""),
    ("description", 7),
    ("description", "a\nb"),
    ("description", "caf\udce9"),
    ("project_name", " "),
]


@pytest.mark.parametrize(("question", "answer"), HOSTILE)
def test_a_wrong_answer_in_a_replay_file_is_refused_before_anything_is_written(
    answered: dict[str, Any], tmp_path: Path, question: str, answer: object
) -> None:
    with pytest.raises(SystemExit, match=rf"^{question}\b"):
        replay(tmp_path, changed(answered, {question: answer}))

    assert left(tmp_path) == []
    assert not Path("pwned").exists()


@pytest.mark.parametrize(
    "changes",
    [
        {"__package": "../../outside"},
        {"__package": CODE[0], "__blueprints": CODE[0], "__docker": CODE[0], "__cors_origins": "x"},
        {"_copy_without_render": ["*"], "_new_lines": "\r\n"},
        {"_copy_without_render": [".github", "src/{{cookiecutter.__package}}", "tests"]},
        {"_commit": CODE[0], "_changed": True, "_kept": ["wsgi.py"], "_cruft_state": CODE[0]},
        {"_template": CODE[0], "_repo_dir": "/", "_output_dir": "/", "_checkout": CODE[0]},
        {"unknown": CODE[0], "__prompts__": {}},
    ],
)
def test_what_is_derived_is_derived_again(
    answered: dict[str, Any], tmp_path: Path, changes: dict[str, Any]
) -> None:
    expected = Project(replay(tmp_path, answered))
    (tmp_path / "again").mkdir()
    project = Project(replay(tmp_path / "again", changed(answered, changes)))

    assert left(tmp_path / "again") == ["my-api"]
    assert project.files() == expected.files()
    for path in project.files():
        assert (project.path / path).read_bytes() == (expected.path / path).read_bytes()


@pytest.mark.parametrize("key", ["docker", "project_name", "__docker", "_copy_without_render"])
def test_what_a_replay_file_leaves_out_has_its_default(
    answered: dict[str, Any], tmp_path: Path, key: str
) -> None:
    answers = copy.deepcopy(answered)
    del answers["cookiecutter"][key]

    assert (replay(tmp_path, answers) / "src/my_api/blueprints/orders.py").is_file()


def test_a_replay_file_that_leaves_out_all_but_one_answer(tmp_path: Path) -> None:
    project = replay(tmp_path, {"cookiecutter": {"project_slug": "shop"}})

    assert (project / "src/shop/blueprints/admin.py").is_file()


def test_a_replay_file_without_the_filters_leaves_nothing(
    answered: dict[str, Any], tmp_path: Path
) -> None:
    """Cookiecutter loads what stands in it under `_extensions`, and then none of the checks."""
    answers = changed(answered, {"_extensions": [], "project_slug": "../outside"})
    (tmp_path / "replay.json").write_text(json.dumps(answers))
    (tmp_path / "here").mkdir()

    done = run_cookiecutter(
        tmp_path / "here", str(ROOT), "--replay-file", "../replay.json", HOME=str(tmp_path)
    )

    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "outside").exists()
    assert os.listdir(tmp_path / "here") == []


def test_answers_of_another_template_are_refused(answered: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="give them again"):
        replay(tmp_path, changed(answered, {"_jinja2_env_vars": {"trim_blocks": False}}))

    assert left(tmp_path) == []


KEYS = st.sampled_from([*QUESTIONS, "__package", "__blueprints", "_copy_without_render", "_kept"])
ANSWERS = (
    st.sampled_from([*CODE, *OUTSIDE])
    | st.text(max_size=20)
    | st.text("abcz_-,. /{}'\"\\$0", max_size=12)
    | st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=5),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    )
)


@settings(max_examples=60, deadline=None, database=None, derandomize=True)
@given(changes=st.dictionaries(KEYS, ANSWERS, min_size=1, max_size=4))
@example(changes={"description": CODE[4], "project_name": CODE[0]})
@example(changes={"description": CODE[1], "project_name": CODE[5], "docker": "NO ", "__package": 1})
def test_any_replay_file_gives_what_was_answered_or_nothing(
    answered: dict[str, Any], changes: dict[str, Any]
) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        answers = changed(answered, changes)
        project: Path | None
        try:
            project = replay(folder, answers)
        except SystemExit as refused:
            told, project = str(refused), None
        if project is None:
            assert told.startswith(tuple(QUESTIONS))
            assert left(folder) == []
            return
        given = answers["cookiecutter"]
        assert left(folder) == [given["project_slug"]]
        assert (
            (project / "README.md")
            .read_bytes()
            .startswith(f"# {given['project_name']}\n\n{given['description']}\n".encode())
        )
        pyproject = tomllib.loads((project / "pyproject.toml").read_text(encoding="utf-8"))
        assert pyproject["project"]["description"] == given["description"]
    assert not Path("pwned").exists()


@pytest.mark.parametrize("code", CODE[:2])
def test_a_config_file_and_what_is_typed_run_nothing_either(tmp_path: Path, code: str) -> None:
    config = {"default_context": {"docker": code}}
    (tmp_path / "config.yaml").write_text(json.dumps(config))
    configured = run_cookiecutter(tmp_path, str(ROOT), "--no-input", "--config-file", "config.yaml")
    typed = run_cookiecutter(tmp_path, str(ROOT), typed=f"\n\n\n\n\n{code}\n\n")

    for done in (configured, typed):
        assert done.returncode == 1
        assert "docker: " in done.stderr
        assert "Traceback" not in done.stderr
    assert [path.name for path in tmp_path.iterdir() if path.name[0] != "."] == ["config.yaml"]
