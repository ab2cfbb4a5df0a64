"""CORS of this project: every route with its hooks, the registry, and .env.example.

The sets below say what is meant; whatever else differs from the rule is a mistake.
"""

import logging
import os
import re
from collections.abc import Callable, Iterator
from functools import partial
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages
from runpy import run_path
from typing import Any
from uuid import UUID

import pytest
from flask import Blueprint, Flask, request
from werkzeug.http import parse_set_header
from werkzeug.routing import Rule
from werkzeug.test import Client, TestResponse

from my_api import blueprints
from my_api.blueprints import BLUEPRINTS
from my_api.cors import load_env

from .conftest import make_app, make_app_of_own_lists, own_lists

# Blueprints whose list in .env.example is `*`: pages of every origin read their answers.
OPEN_TO_EVERYONE: set[str] = set()
# Blueprints with CORS_ENFORCE=false in .env.example: forms on other sites reach their views.
NOT_ENFORCED: set[str] = set()
# What is meant to have no policy: blueprints that are in no registry, by name, and rules of the
# application itself that take POST, PUT, PATCH or DELETE.
WITHOUT_POLICY: set[str] = set()

ROOT = Path(__file__).parent.parent
PACKAGE = blueprints.__name__.partition(".")[0]
STRANGER = "https://stranger.example"
SAFE_METHODS = {"GET", "HEAD", "OPTIONS"}
# What fits a variable of a rule, by its converter. Where nothing does, a 404 has the headers too.
SAMPLES = {"int": "1", "float": "1.5", "path": "a/b", "uuid": str(UUID(int=0))}
REACHED: list[str] = []  # the paths at which a request reached a view of `walked`


def policies(app: Flask) -> list[Any]:
    """Return the policy of each blueprint."""
    return [policy for _, policy in app.extensions["cors"].policies]


def routes(app: Flask) -> Iterator[tuple[Rule, str, str, Any]]:
    """Yield each rule with each of its methods, a path that it matches, and the policy of that."""
    for rule in app.url_map.iter_rules():
        path = re.sub(r"<(?:(\w+)(?:\(.*?\))?:)?\w+>", lambda v: SAMPLES.get(v[1], "x"), rule.rule)
        policy = app.extensions["cors"].policy_for(path.encode().decode("latin-1"))  # PEP 3333
        for method in rule.methods or ():
            yield rule, method, path, policy


def answers(app: Callable[..., Any], method: str, path: str, page: str) -> list[TestResponse]:
    """Return what a page of this origin is answered, and what its preflight is answered."""
    ask = partial(Client(app).open, path, base_url="https://localhost")
    sent, asked = {"Origin": page}, {"Access-Control-Request-Method": "POST"}
    return [ask(method=method, headers=sent), ask(method="OPTIONS", headers=sent | asked)]


def cors_headers(answer: TestResponse) -> list[str]:
    """Return the names of the headers by which an answer allows a page something."""
    return [name for name, _ in answer.headers if name.lower().startswith("access-control-")]


@pytest.fixture(scope="module")
def walked() -> Flask:
    """The application with all its hooks, and views that do nothing, so that nothing is written.

    Each blueprint lists a page of its own in place of the shared list, which holds STRANGER.
    """
    # A hook that needs what a test does not have may fail: the headers are there all the same.
    app = make_app_of_own_lists({"PROPAGATE_EXCEPTIONS": False, "CORS_ORIGINS": STRANGER})

    def view(**_: object) -> str:
        REACHED.append(request.path)
        return ""

    app.view_functions = dict.fromkeys(app.view_functions, view)
    return app


def test_a_page_of_its_own_list_reads_every_answer_of_a_blueprint(walked: Flask) -> None:
    for _, method, path, policy in routes(walked):
        for answer in answers(walked, method, path, policy.origins[0]) if policy else ():
            allowed = answer.headers.getlist("Access-Control-Allow-Origin")
            assert allowed == [policy.origins[0]], f"{method} {path}"
            # Without it a cache would hand the answer on to pages that may not read it.
            vary = parse_set_header(", ".join(answer.headers.getlist("Vary")))
            assert "Origin" in vary, f"{method} {path}"


def test_other_pages_read_nothing_and_change_nothing(walked: Flask) -> None:
    own = [policy.origins[0] for policy in policies(walked)]
    others = {page: {STRANGER, own[n - 1]} - {page} for n, page in enumerate(own)}
    for _, method, path, policy in routes(walked):
        for page in others[policy.origins[0]] if policy else ():
            REACHED.clear()
            for answer in answers(walked, method, path, page):
                assert cors_headers(answer) == [], f"{method} {path}"
            if policy.enforce and method not in SAFE_METHODS:
                assert REACHED == [], f"{method} {path}"


def test_each_blueprint_can_have_a_list_of_its_own() -> None:
    """Not where a rule of one reaches under the prefix of another: their lists must be the same."""
    assert len(policies(make_app(own_lists()))) == len(BLUEPRINTS)


def test_no_other_code_sets_cors_headers(walked: Flask) -> None:
    """Under a policy they are removed, and mislead who reads the code; elsewhere they go out."""
    code = r"""(?im)^\s*(?:from|import)\b.*\bflask_cors\b|['"]access-control-|\.access_control_"""
    for file in [ROOT / "wsgi.py", *ROOT.glob("src/**/*.py")]:
        if file.parent != ROOT / "src/my_api/cors":
            assert re.findall(code, file.read_text(encoding="utf-8")) == [], file
    hooks_alone = partial(type(walked).wsgi_app, walked)
    for _, method, path, policy in routes(walked):
        for answer in answers(hooks_alone if policy else walked, method, path, STRANGER):
            assert cors_headers(answer) == [], f"{method} {path}"


def test_what_changes_something_lies_under_a_blueprint() -> None:
    app = make_app({})
    outside = {
        rule.rule
        for rule, method, _, policy in routes(app)
        if policy is None and method not in SAFE_METHODS and "." not in rule.endpoint
        if app.view_functions[rule.endpoint].__module__.partition(".")[0] == PACKAGE
    }

    assert outside == WITHOUT_POLICY - app.blueprints.keys()


def test_every_blueprint_of_the_project_is_in_the_registry() -> None:
    app = make_app({})
    found = set(app.blueprints.values())
    for module in walk_packages(blueprints.__path__, f"{blueprints.__name__}."):
        values = vars(import_module(module.name)).values()
        found |= {value for value in values if isinstance(value, Blueprint)}
    # One that is nested in another is named `parent.name` and has the policy of its parent.
    parents = {b: app.blueprints[name.split(".")[0]] for name, b in app.blueprints.items()}

    own = [b for b in found if b.import_name.partition(".")[0] == PACKAGE]
    missing = [b.name for b in own if parents.get(b) not in BLUEPRINTS]
    assert set(missing) <= WITHOUT_POLICY


@pytest.mark.parametrize("debug", [False, True])
def test_the_environment_alone_decides(monkeypatch: pytest.MonkeyPatch, debug: bool) -> None:
    """Nothing set means nobody. What code sets would hold even then, and whatever .env says."""
    config = {"TESTING": False, "DEBUG": debug}
    assert [policy.variables for policy in policies(make_app(config)) if policy.variables] == []
    monkeypatch.setenv("CORS_ORIGINS", STRANGER)
    assert {policy.origins for policy in policies(make_app(config))} <= {(STRANGER,), ()}


def test_wsgi_adds_nothing_but_its_env(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    loaded: list[Path] = []
    package = import_module(PACKAGE)
    log = logging.getLogger(PACKAGE)  # which wsgi.py sets up for the whole process
    for place, name, value in [(log, "handlers", []), (log, "propagate", True)]:
        monkeypatch.setattr(place, name, value)
    monkeypatch.setattr(os, "environ", dict(os.environ))
    monkeypatch.setattr(package.cors, "load_env", loaded.append)
    monkeypatch.setattr(package, "create_app", lambda config=None: make_app(config or {}))
    served = run_path(str(ROOT / "wsgi.py"))["app"]

    assert (loaded, policies(served)) == ([ROOT / ".env"], policies(app))


def policies_under(env: Path, monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Return the policies under a file of settings; what is loaded from it is taken back."""
    monkeypatch.setattr(os, "environ", dict(os.environ))
    load_env(env)
    return policies(make_app({}))


def test_the_env_example_opens_what_is_meant_to_be_open(monkeypatch: pytest.MonkeyPatch) -> None:
    found = policies_under(ROOT / ".env.example", monkeypatch)

    assert {policy.blueprint for policy in found if "*" in policy.origins} == OPEN_TO_EVERYONE
    assert {policy.blueprint for policy in found if not policy.enforce} == NOT_ENFORCED


def test_the_env_example_says_where_each_list_goes() -> None:
    text = (ROOT / ".env.example").read_text(encoding="utf-8")

    assert [name for name in own_lists() if not re.search(rf"(?m)^#? ?{name}=", text)] == []


def test_what_the_env_example_has_in_comments_can_be_set(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = (ROOT / ".env.example").read_text(encoding="utf-8")
    commented = dict(re.findall(r"(?m)^# ?([A-Z][A-Z0-9_]*=)(.*)$", text))
    lines = [name + commented[name] for name in commented if f"\n{name}" not in f"\n{text}"]
    (tmp_path / ".env").write_text("\n".join([text, *lines]), encoding="utf-8")

    assert len(policies_under(tmp_path / ".env", monkeypatch)) == len(BLUEPRINTS)
