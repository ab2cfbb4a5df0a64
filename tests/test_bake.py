"""What is baked passes its own tests, linters and type checker, whatever was answered."""

import re
from pathlib import Path

import pytest

from .conftest import Bake, Project

ANSWERS: dict[str, dict[str, str]] = {
    "default": {},
    "one blueprint": {
        "project_slug": "skeleton",
        "blueprints": "orders",
        "docker": "n",
        "cors_origins": "none",
    },
    "three blueprints": {
        "blueprints": "orders, catalog, admin",
        "cors_origins": "*",
        "github_actions": "n",
    },
    "odd names": {
        "project_slug": "a-name-of-forty-letters-which-is-longest",
        "blueprints": "v10, v2, a_b, ab, skeleton, list, a_name_of_20_letters",
        "cors_origins": "https://*.example.com",
        "docker": "n",
        "github_actions": "n",
    },
}
# What its owner's code need not keep, but the template's does.
STRICT_RUFF = (
    "check --extend-select ANN,C4,D,N,PT,RUF,S,SIM "
    "--ignore ANN401,D105,D107,D203,D213,N818,SIM905 "
    "--per-file-ignores tests/**:D,tests/**:S101"
)
STRICT_MYPY = "--config-file= --strict src tests wsgi.py"
TEMPLATE_SYNTAX = re.compile(r"\{\{|\{%|%\}|cookiecutter\.")


@pytest.fixture(params=ANSWERS)
def project(request: pytest.FixtureRequest, baked: Bake) -> Project:
    """The project of each set of answers."""
    return baked(**ANSWERS[request.param])


def test_its_own_suite_passes(project: Project) -> None:
    done = project.run("pytest", "-q", "-p", "no:cacheprovider")

    assert done.returncode == 0, done.stdout
    assert re.search(r"\b[1-9]\d+ passed in", done.stdout)


@pytest.mark.parametrize("command", ["check", "format --check", STRICT_RUFF])
def test_ruff_changes_nothing(project: Project, command: str) -> None:
    done = project.run("ruff", *command.split(), "--no-cache")

    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("options", ["", STRICT_MYPY])
def test_it_is_typed(
    project: Project, options: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    cache = str(tmp_path_factory.getbasetemp() / "mypy")
    done = project.run("mypy", "--cache-dir", cache, *options.split(), env={"MYPYPATH": "src"})

    assert done.returncode == 0, done.stdout
    assert "Success: no issues found" in done.stdout


def test_no_template_syntax_is_left(project: Project) -> None:
    allowed = {
        # Expressions of GitHub's own, and the rule for placeholders that CORS_ORIGINS refuses
        Path(".github/workflows/test.yml"): "${{",
        project.package.relative_to(project.path) / "cors/diagnosis.py": r"\{\{|\{%|",
    }
    left_over = [
        f"{path}: {line}"
        for path in project.files()
        for line in project.read(str(path)).splitlines()
        if TEMPLATE_SYNTAX.search(line) and not (path in allowed and allowed[path] in line)
    ]

    assert left_over == []


def test_the_skeleton_is_gone(default_project: Project) -> None:
    names = [path for path in default_project.files() if "skeleton" in path.name]
    texts = [
        path
        for path in default_project.files()
        if "skeleton" in default_project.read(str(path)).lower()
    ]

    assert (names, texts) == ([], [])


def test_every_text_file_ends_with_one_newline(project: Project) -> None:
    texts = {path: (project.path / path).read_bytes() for path in project.files()}

    assert [path for path, text in texts.items() if text and not text.endswith(b"\n")] == []
    assert [path for path, text in texts.items() if text.endswith(b"\n\n")] == []
    assert [path for path, text in texts.items() if b"\r" in text or b" \n" in text] == []


def test_blueprints_are_made_from_the_answer(baked: Bake) -> None:
    project = baked(**ANSWERS["three blueprints"])
    modules = {path.name for path in (project.package / "blueprints").glob("*.py")}
    tests = {path.name for path in (project.path / "tests").glob("test_*.py")}

    assert modules == {"__init__.py", "orders.py", "catalog.py", "admin.py"}
    assert tests == {
        *("test_cors.py", "test_errors.py", "test_factory.py", "test_incoming.py"),
        *("test_orders.py", "test_catalog.py", "test_admin.py"),
    }
    for name in ("orders", "catalog", "admin"):
        assert f"from .{name} import bp as {name}_bp\n" in project.read(
            "src/my_api/blueprints/__init__.py"
        )
        assert f"\n# CORS_ORIGINS_{name.upper()}=" in project.read(".env.example")


def test_what_its_owner_must_read_is_short(default_project: Project) -> None:
    def lines(*paths: Path) -> int:
        return sum(len(path.read_text(encoding="utf-8").splitlines()) for path in paths)

    application = [
        path for path in default_project.package.rglob("*.py") if path.parent.name != "cors"
    ]

    assert lines(*application) <= 297
    assert lines(*(default_project.path / "tests").rglob("*.py")) <= 500


def test_the_env_file_holds_the_answered_origins(default_project: Project) -> None:
    env = default_project.read(".env")

    assert env == default_project.read(".env.example")
    assert "\nCORS_ORIGINS=http://localhost:3000,http://localhost:5173\n" in env
    assert "\n# CORS_ORIGINS_PUBLIC=" in env
    assert "\n# CORS_ORIGINS_ADMIN=" in env


def test_none_means_nobody(baked: Bake) -> None:
    assert "\nCORS_ORIGINS=\n" in baked(**ANSWERS["one blueprint"]).read(".env")


def test_every_variable_is_explained_in_two_lines(default_project: Project) -> None:
    paragraphs = default_project.read(".env.example").split("\n\n")[1:]
    variables = []
    for paragraph in paragraphs:
        lines = paragraph.strip().splitlines()
        first, second, setting = lines[:3]
        assert first.startswith("# ")
        assert second.startswith("# ")
        variables.append(re.fullmatch(r"(?:# )?([A-Z_]+)=.*", setting))

    assert [variable and variable[1] for variable in variables] == [
        *("CORS_ORIGINS", "CORS_METHODS", "CORS_ALLOW_HEADERS", "CORS_EXPOSE_HEADERS"),
        *("CORS_SUPPORTS_CREDENTIALS", "CORS_MAX_AGE", "CORS_ENFORCE"),
        *("FLASK_LOG_LEVEL", "FLASK_TRUSTED_PROXY_HOPS", "FLASK_MAX_CONTENT_LENGTH"),
    ]


def test_the_examples_of_the_env_file_are_accepted(bake: Bake) -> None:
    project = bake()
    text = re.sub(r"^# (\w+=)", r"\1", project.read(".env"), flags=re.MULTILINE)
    (project.path / ".env").write_text(text, encoding="utf-8")

    done = project.run("flask", "cors")

    assert done.returncode == 0, done.stderr
    assert "CORS_ENFORCE" in done.stdout


OPTIONAL = {"docker": {"Dockerfile", ".dockerignore"}, "github_actions": {".github"}}


@pytest.mark.parametrize("option", OPTIONAL)
@pytest.mark.parametrize("wanted", [True, False])
def test_options_are_there_if_wanted(baked: Bake, option: str, wanted: bool) -> None:
    present = {path.name for path in baked(**{option: wanted}).path.iterdir()}

    everything = set().union(*OPTIONAL.values())
    assert present & everything == (everything if wanted else everything - OPTIONAL[option])
