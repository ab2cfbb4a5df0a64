"""Jinja filters that turn answers into what the files need, and refuse those that cannot work.

A filter that raises SystemExit with a sentence makes cookiecutter print it right after the answer,
without a traceback, and leave no folder. Standard library only, but for Jinja's own base class.
"""

import importlib
import json
import keyword
import re
import shutil
import sys
import unicodedata
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any, NoReturn

from jinja2 import Environment
from jinja2.ext import Extension

LONGEST_SLUG = 40
LONGEST_BLUEPRINT = 20

TEMPLATE = Path(__file__).parent
CORS_PACKAGE = TEMPLATE / "{{cookiecutter.project_slug}}/src/{{cookiecutter.__package}}/cors"

# What the generated project and its tools need, and what would take the package's place.
OTHER_PACKAGES = frozenset(
    "ast_serialize blinker click colorama dotenv flask flask_cors granian gunicorn iniconfig "
    "itsdangerous jinja2 librt markupsafe mypy mypy_extensions packaging pathspec pip pluggy "
    "pygments pytest python_dotenv ruff setuptools src test tests typing_extensions uv uv_build "
    "waitress werkzeug wsgi".split()
)
WINDOWS_DEVICES = frozenset("con prn aux nul com1 com2 com3 com4 lpt1 lpt2 lpt3".split())
# Modules of the generated project that a blueprint's module or test would overwrite.
OTHER_MODULES = frozenset(["cors", "errors", "factory", "incoming"])


class AnswersExtension(Extension):
    """Adds the filters of this module to cookiecutter's Jinja environment."""

    def __init__(self, environment: Environment) -> None:
        super().__init__(environment)
        environment.filters.update(FILTERS)
        environment.globals.update(
            template_version=template_version, template_commit=template_commit
        )
        # `cruft update` renders two versions of the template in one process: each needs its own.
        sys.modules.pop(__name__, None)


def project_name(answer: str) -> str:
    """Return a name for people, as it was given."""
    if not answer.strip():
        _refuse("project_name", answer, "is empty; write a name such as My API")
    return _one_line("project_name", answer)


def description(answer: str) -> str:
    """Return a description, as it was given."""
    return _one_line("description", answer)


def package_name(slug: str) -> str:
    """Return the import package of a slug: ``my_api`` of ``my-api``."""
    if not re.fullmatch(r"[a-z][a-z0-9]*([-_][a-z0-9]+)*", slug) or len(slug) > LONGEST_SLUG:
        _refuse(
            "project_slug",
            slug,
            "is no folder name for a project; write a-z, 0-9 and single hyphens between them, "
            f"beginning with a letter, at most {LONGEST_SLUG}, such as my-api",
        )
    package = slug.replace("-", "_")
    if (
        keyword.iskeyword(package)
        or package in sys.stdlib_module_names | OTHER_PACKAGES | WINDOWS_DEVICES
    ):
        _refuse(
            "project_slug",
            slug,
            f"would make a package named {package}, which is taken; write another, such as "
            f"{slug}-api",
        )
    return package


def names(answer: str) -> list[str]:
    """Return the names of the blueprints, in the order given."""
    given = [name.strip() for name in answer.split(",")]
    for name in given:
        if not re.fullmatch(rf"[a-z][a-z0-9_]{{0,{LONGEST_BLUEPRINT - 1}}}", name):
            _refuse(
                "blueprints",
                name,
                "is not a valid blueprint name; write a-z, 0-9 and _, beginning with a letter, at "
                f"most {LONGEST_BLUEPRINT}, with commas between the names, such as public, admin",
            )
        if keyword.iskeyword(name):
            _refuse("blueprints", name, f"is a word of Python; write another, such as {name}_api")
        if name in OTHER_MODULES:
            _refuse("blueprints", name, f"is taken by a test; write another, such as {name}_api")
        if given.count(name) > 1:
            _refuse("blueprints", name, "is listed twice; delete one")
    return given


def origins(answer: str) -> list[str]:
    """Return the entries of an allowlist; refused is what the generated project would refuse."""
    if answer.strip().lower() in ("", "none"):
        return []
    written = [entry.strip() for entry in answer.split(",")]
    if all(map(_generated_module("origins").parse, written)):
        return written
    diagnosis, problem = _generated_module("diagnosis"), _generated_module("problems").Problem
    written = diagnosis.split(answer)
    faults = [diagnosis.fault_of_origin(entry, len(written)) for entry in written]
    problems = [
        problem("cors_origins", *fault, entry, position)
        for position, (entry, fault) in enumerate(zip(written, faults, strict=True), start=1)
        if fault
    ]
    if fault := diagnosis.fault_of_list(answer, diagnosis.fault_of_origin):
        problems = [problem("cors_origins", *fault, answer)]
    if problems:
        raise SystemExit("\n".join(map(str, problems)))
    return list(written)


def example_origin(answer: str) -> str:
    """Return one origin that an allowlist allows; of an empty one, an origin it does not allow."""
    first = answer.split(",")[0].strip()
    if first.lower() in ("", "none", "*"):
        return "http://localhost:3000"
    return first.replace("://*.", "://app.")


def sort_naturally(given: list[str]) -> list[str]:
    """Return names in the order of ruff's import sorting: ``v2`` before ``v10``."""

    def key(name: str) -> list[tuple[int, int, str]]:
        parts = re.findall(r"\d+|\D", name)
        return [(0, int(part), "") if part.isdigit() else (1, 0, part) for part in parts]

    return sorted(given, key=key)


def installed(command: str) -> bool:
    """Tell whether a command is on the PATH."""
    return shutil.which(command) is not None


def toml(text: str) -> str:
    """Return a TOML basic string; other than JSON's, it holds emoji as they are and no U+007F."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def template_version() -> str:
    """Return the version of this template: that of the CORS package, where it stands."""
    text = (CORS_PACKAGE / "__init__.py").read_text(encoding="utf-8")
    (version,) = re.findall(r'^__version__ = "(.+)"$', text, re.MULTILINE)
    return str(version)


def template_commit() -> str | None:
    """Return the commit that is checked out, or None outside a git repository, as from a zip."""
    git = TEMPLATE / ".git"
    try:
        head = (git / "HEAD").read_text(encoding="utf-8").strip().removeprefix("ref: ")
        commit = (git / head).read_text(encoding="utf-8").strip() if "/" in head else head
    except OSError:
        return None
    return commit[:12]


FILTERS: dict[str, Callable[..., Any]] = {
    function.__name__: function
    for function in (
        project_name,
        description,
        package_name,
        names,
        origins,
        example_origin,
        sort_naturally,
        installed,
        toml,
    )
}


def _one_line(key: str, answer: str) -> str:
    if any(unicodedata.category(letter) in ("Cc", "Cs", "Zl", "Zp") for letter in answer):
        _refuse(key, answer, "holds a line break or a control character; write one line of text")
    return answer


def _refuse(key: str, answer: str, why: str) -> NoReturn:
    raise SystemExit(f"{key}: {answer[:100]!r} {why}")


def _generated_module(name: str) -> ModuleType:
    """Import a module of the generated CORS package, one that needs no Flask.

    `cruft update` renders two versions of the template in one process, so each version has a name
    of its own. No bytecode is written: a cache in the template's tree would end up in projects.
    """
    changed = max(path.stat().st_mtime_ns for path in CORS_PACKAGE.glob("*.py"))
    package = ModuleType(f"generated_cors_{hash((CORS_PACKAGE, changed))}")
    package.__path__ = [str(CORS_PACKAGE)]
    sys.modules.setdefault(package.__name__, package)
    write_no_bytecode, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    try:
        return importlib.import_module(f"{package.__name__}.{name}")
    finally:
        sys.dont_write_bytecode = write_no_bytecode
