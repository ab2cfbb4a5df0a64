"""A wrong answer is refused at once in one line; a right one is data, whatever it holds."""

import json
import os
import runpy
import shlex
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from publicsuffixlist import PublicSuffixList

import local_extensions

from .conftest import (
    ROOT,
    TEMPLATE,
    bake_into,
    run_cookiecutter,
    run_shell,
)

HOSTILE = """O'Brien "the API" \\ {{ 1 + 1 }} {% raw %} ${HOME} `id` \"\"\" é 🚀 </h1> #"""


def cookiecutter(folder: Path, *answers: str, **env: str) -> subprocess.CompletedProcess[str]:
    return run_cookiecutter(folder, str(ROOT), "--no-input", *answers, **env)


REFUSED = [
    ("project_name", "", "project_name: '' is empty; write a name such as My API"),
    ("project_name", "a\tb", "a control character; write one line"),
    ("description", "a\nb", "a line break or a control character; write one line"),
    ("project_slug", "My_API", "write a-z, 0-9 and single hyphens"),
    ("project_slug", "..", "write a-z, 0-9 and single hyphens"),
    ("project_slug", "../other", "write a-z, 0-9 and single hyphens"),
    ("project_slug", "a/b", "write a-z, 0-9 and single hyphens"),
    ("project_slug", "-api", "write a-z, 0-9 and single hyphens"),
    ("project_slug", "api-", "write a-z, 0-9 and single hyphens"),
    ("project_slug", "3d", "beginning with a letter"),
    ("project_slug", "a" * 41, "at most 40"),
    ("project_slug", "class", "a package named class, which is taken; write another"),
    ("project_slug", "email", "a package named email, which is taken"),
    ("project_slug", "flask", "which is taken; write another, such as flask-api"),
    ("project_slug", "flask-cors", "a package named flask_cors, which is taken"),
    ("project_slug", "dotenv", "which is taken"),
    ("project_slug", "tests", "which is taken"),
    ("project_slug", "wsgi", "which is taken"),
    ("project_slug", "con", "which is taken"),
    ("project_slug", "com0", "which is taken"),
    ("blueprints", "", "blueprints: '' is not a valid blueprint name; write a-z"),
    ("blueprints", "public,", "'' is not a valid blueprint name"),
    ("blueprints", "Admin", "'Admin' is not a valid blueprint name"),
    ("blueprints", "a-b", "'a-b' is not a valid blueprint name"),
    ("blueprints", "1a", "beginning with a letter"),
    ("blueprints", "a" * 21, "at most 20"),
    ("blueprints", "public admin", "with commas between the names"),
    ("blueprints", "import", "is a word of Python; write another, such as import_api"),
    ("blueprints", "admin, admin", "'admin' is listed twice"),
    ("blueprints", "con", "is a device of Windows; write another, such as con_api"),
    ("blueprints", "public, nul", "'nul' is a device of Windows"),
    ("blueprints", "com0", "is a device of Windows"),
    ("blueprints", "lpt9", "is a device of Windows"),
    ("blueprints", "cors", "is taken by a test; write another, such as cors_api"),
    ("blueprints", "errors", "is taken by a test; write another, such as errors_api"),
    (
        "cors_origins",
        "https://app.example.com/",
        "cors_origins, entry 1 'https://app.example.com/': an origin has no path; "
        "write https://app.example.com",
    ),
    ("cors_origins", '["https://app.example.com"]', "write https://app.example.com"),
    ("cors_origins", "htps://app", "entry 1 'htps://app'"),
    ("cors_origins", "*, https://app.example.com", "stands alone"),
    ("docker", "maybe", "docker: 'maybe' is neither yes nor no; write one of them"),
    ("docker", "", "is neither yes nor no"),
    ("github_actions", "2", "github_actions: '2' is neither yes nor no"),
]


@pytest.mark.parametrize(("key", "answer", "words"), REFUSED)
def test_a_wrong_answer_is_refused_in_one_line(
    tmp_path: Path, key: str, answer: str, words: str
) -> None:
    done = cookiecutter(tmp_path, f"{key}={answer}")

    assert done.returncode == 1
    assert words in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert done.stdout == ""
    assert [path.name for path in tmp_path.iterdir() if not path.name.startswith(".")] == []


def test_every_wrong_origin_is_named(tmp_path: Path) -> None:
    done = cookiecutter(tmp_path, "cors_origins=htps://a, https://b/")

    assert [line.partition(":")[0] for line in done.stderr.splitlines()] == [
        "cors_origins, entry 1 'htps",
        "cors_origins, entry 2 'https",
    ]


ACCEPTED_ORIGINS: list[tuple[str, list[str]]] = [
    ("none", []),
    ("None", []),
    ("", []),
    (" ", []),
    ("*", ["*"]),
    (" https://a.example ,https://b.example,", ["https://a.example", "https://b.example"]),
]


@pytest.mark.parametrize(("answer", "origins"), ACCEPTED_ORIGINS)
def test_an_allowlist_is_read_as_the_project_will_read_it(answer: str, origins: list[str]) -> None:
    assert local_extensions.origins(answer) == origins


def typed(folder: Path, *lines: str) -> subprocess.CompletedProcess[str]:
    """Type one line after the other at cookiecutter's prompts."""
    return run_cookiecutter(folder, str(ROOT), typed="".join(f"{line}\n" for line in lines))


def test_the_seven_questions_are_asked_in_words(tmp_path: Path) -> None:
    done = typed(tmp_path, "", "", "", "", "", "", "")

    assert done.returncode == 0, done.stderr
    for number, words in enumerate(
        [
            "Name of the project, as people read it (My API)",
            "Name of its folder and of the distribution (lower case, hyphens) (my-api)",
            "What it is, in one line (A JSON API",
            "each gets /api/<name> and an allowlist of its own (public, admin)",
            "(none for nobody, * for everyone) (http://localhost:3000, http://localhost:5173)",
            "Add a Dockerfile?",
            "Add a GitHub Actions workflow that runs the tests?",
        ],
        start=1,
    ):
        assert f"[{number}/7] " in done.stdout
        assert words in done.stdout
    assert (tmp_path / "my-api/wsgi.py").is_file()


def test_a_wrong_answer_that_is_typed_is_refused_right_after_it(tmp_path: Path) -> None:
    done = typed(tmp_path, "My API", "my-api", "", "public, Admin", "", "", "")

    assert done.returncode == 1
    assert "[4/7]" in done.stdout
    assert "[5/7]" not in done.stdout
    assert len(done.stderr.splitlines()) == 1
    assert "'Admin' is not a valid" in done.stderr
    assert not (tmp_path / "my-api").exists()


def test_answers_before_a_refused_one_are_given_again_by_pasting_a_line(tmp_path: Path) -> None:
    refused = typed(tmp_path, HOSTILE, "hostile", HOSTILE, "public, Admin", "", "", "")

    assert len(refused.stderr.splitlines()) == 1
    line = refused.stderr.partition("With the answers before it: cookiecutter ")[2].strip()
    command = f"{shlex.quote(sys.executable)} -m cookiecutter --no-input {line} blueprints=orders"
    pasted = run_shell(command, tmp_path)
    assert pasted.returncode == 0, pasted.stderr
    readme = (tmp_path / "hostile/README.md").read_text(encoding="utf-8").splitlines()
    assert (readme[0], readme[2]) == (f"# {HOSTILE}", HOSTILE)


def test_what_stands_in_the_history_of_the_shell_is_not_repeated(tmp_path: Path) -> None:
    for done in (cookiecutter(tmp_path, "blueprints=A"), typed(tmp_path, " ")):
        assert done.returncode == 1
        assert "With the answers" not in done.stderr


def test_what_yes_and_no_mean(tmp_path: Path) -> None:
    for word in ("y", "YES", "true", "True", " on ", "t", "1", True, 1):
        assert local_extensions.yes(word, "docker") is True
    for no in ("n", "No", "false", "False", "off", "f", "0", False, 0):
        assert local_extensions.yes(no, "docker") is False


@pytest.mark.parametrize("no", ["no", "n", False, 0])
def test_a_config_file_says_no(tmp_path: Path, no: object) -> None:
    config = {"default_context": {"docker": no, "github_actions": no}}
    (tmp_path / "config.yaml").write_text(json.dumps(config))

    done = cookiecutter(tmp_path, "--config-file", "config.yaml")

    assert done.returncode == 0, done.stderr
    made = os.listdir(tmp_path / "my-api")
    assert {"Dockerfile", ".dockerignore", ".github"}.isdisjoint(made)


def test_an_accented_name_in_a_locale_without_utf_8_is_told_for_what_it_is(tmp_path: Path) -> None:
    plain = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    given = cookiecutter(tmp_path, "project_name=Café", **plain)
    asked = run_cookiecutter(tmp_path, str(ROOT), typed="Café\n", **plain)

    for done in (given, asked):
        assert done.returncode == 1
        assert "is not in UTF-8; use a terminal that is, say with LC_ALL=C.UTF-8" in done.stderr
        assert len(done.stderr.splitlines()) == 1
    done = cookiecutter(tmp_path, "project_name=Café", **{**plain, "LC_ALL": "C.UTF-8"})
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "cafe/README.md").read_text(encoding="utf-8").startswith("# Café\n")


def test_typed_answers_are_data(tmp_path: Path) -> None:
    done = typed(tmp_path, HOSTILE, "hostile", HOSTILE, "", "", "", "")

    assert done.returncode == 0, done.stderr
    project = tmp_path / "hostile"
    readme = (project / "README.md").read_text(encoding="utf-8").splitlines()
    pyproject = tomllib.loads((project / "pyproject.toml").read_text(encoding="utf-8"))
    assert (readme[0], readme[2]) == (f"# {HOSTILE}", HOSTILE)
    assert pyproject["project"]["description"] == HOSTILE


def test_the_slug_follows_from_the_name(tmp_path: Path) -> None:
    done = typed(tmp_path, "Ünser Shop!", "", "", "", "", "", "")

    assert done.returncode == 0, done.stderr
    assert (tmp_path / "unser-shop/src/unser_shop/__init__.py").is_file()


def test_reading_origins_writes_no_bytecode(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    project = bake_into(tmp_path, cors_origins="https://app.example.com")

    assert list(ROOT.glob("{{cookiecutter.project_slug}}/**/__pycache__")) == []
    assert list(project.path.rglob("__pycache__")) == []


def test_each_version_of_the_grammar_is_read_by_itself(tmp_path: Path) -> None:
    """`cruft update` renders two versions of the template in one process."""
    modules = TEMPLATE / "src/{{cookiecutter.__package}}/cors"
    copies = tmp_path / modules.relative_to(ROOT)
    shutil.copytree(modules, copies)
    shutil.copy(ROOT / "local_extensions.py", tmp_path)

    def words() -> str:
        extension = runpy.run_path(str(tmp_path / "local_extensions.py"))
        with pytest.raises(SystemExit) as refused:
            extension["origins"]("https://a.example/")
        return str(refused.value)

    assert "an origin has no path; write https://a.example" in words()
    diagnosis = copies / "diagnosis.py"
    text = diagnosis.read_text(encoding="utf-8")
    diagnosis.write_text(text.replace("an origin has no path", "now without"), encoding="utf-8")

    assert "now without; write https://a.example" in words()


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ("https://*.vercel.app", "everyone can get a name under vercel.app"),
        ("https://*.run.app", "everyone can get a name under run.app"),
        ("https://*.koyeb.app", "everyone can get a name under koyeb.app"),
        ("https://*.co.uk", "everyone can get a name under co.uk"),
        ("https://shop-*.com", "everyone can register a name like this"),
        ("https://shop-*-team.vercel.app, https://*.example.com", None),
    ],
)
def test_without_the_list_the_best_known_suffixes_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answer: str, words: str | None
) -> None:
    modules = TEMPLATE / "src/{{cookiecutter.__package}}/cors"
    shutil.copytree(modules, tmp_path / modules.relative_to(ROOT))
    shutil.copy(ROOT / "local_extensions.py", tmp_path)
    extension = runpy.run_path(str(tmp_path / "local_extensions.py"))
    monkeypatch.setitem(sys.modules, "publicsuffixlist", None)

    if words is None:
        assert extension["origins"](answer) == answer.split(", ")
    else:
        with pytest.raises(SystemExit, match=words):
            extension["origins"](answer)


def test_the_best_known_suffixes_are_on_the_list() -> None:
    known = PublicSuffixList(accept_unknown=False)
    names = local_extensions.BEST_KNOWN_SUFFIXES.replace("===END_ICANN_DOMAINS===", "").split()

    assert [name for name in names if not known.is_public(name)] == []


@pytest.mark.parametrize(
    ("answer", "origin"),
    [
        ("https://shop-*-team.vercel.app", "https://shop-a-team.vercel.app"),
        ("http://localhost:*", "http://localhost:3000"),
        ("moz-extension://*", "moz-extension://a"),
        ("", "http://localhost:3000"),
        ("None", "http://localhost:3000"),
        ("*", "http://localhost:3000"),
        (" https://a.example, https://b.example", "https://a.example"),
        ("https://*.a.example:8443", "https://app.a.example:8443"),
    ],
)
def test_the_example_origin_is_allowed(answer: str, origin: str) -> None:
    assert local_extensions.example_origin(answer) == origin
