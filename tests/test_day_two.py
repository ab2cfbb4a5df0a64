"""What the generated README says of day two, done as it says."""

from __future__ import annotations

import re
import textwrap
from typing import Any

from .conftest import Bake, Project
from .servers import Server, serve

LISTED = "http://localhost:3000"
PUBLIC = "src/my_api/blueprints/public.py"


def write(project: Project, name: str, text: str) -> None:
    """Replace the text of a file."""
    (project.path / name).write_text(text, encoding="utf-8")


def set_in_env(project: Project, *lines: str) -> None:
    """Add settings to .env."""
    project.append(".env", "".join(f"{line}\n" for line in lines))


def add_snippet(project: Project, word: str) -> None:
    """Add the Python block of the README that holds a word to the public blueprint."""
    blocks = re.findall(r"^```python\n(.*?)^```$", project.read("README.md"), re.DOTALL | re.M)
    (block,) = [block for block in blocks if word in block]
    project.append(PUBLIC, f"\n\n{block}")


def copied(project: Project, name: str, new: str) -> None:
    """Copy a blueprint's module and test, with the new name in both, list it, say its variable."""
    for path in (f"src/my_api/blueprints/{name}.py", f"tests/test_{name}.py"):
        text = project.read(path).replace(name, new).replace(name.upper(), new.upper())
        write(project, path.replace(name, new), text)
    registry = "src/my_api/blueprints/__init__.py"
    text = project.read(registry)
    text = re.sub(rf"(from \.){name}( import bp as ){name}(_bp\n)", rf"\g<0>\1{new}\2{new}\3", text)
    write(project, registry, text.replace(f"    {name}_bp,\n", f"    {name}_bp,\n    {new}_bp,\n"))
    example = project.read(".env.example")
    write(project, ".env.example", f"{example}# CORS_ORIGINS_{new.upper()}=https://{new}.example\n")


def removed(project: Project, name: str) -> None:
    """Remove a blueprint's two files, its lines in the registry and in .env.example."""
    for path in (f"src/my_api/blueprints/{name}.py", f"tests/test_{name}.py"):
        (project.path / path).unlink()
    for path, word in (
        ("src/my_api/blueprints/__init__.py", f"{name}_bp"),
        (".env.example", f"_{name.upper()}="),
    ):
        lines = project.read(path).splitlines(keepends=True)
        write(project, path, "".join(line for line in lines if word not in line))


def is_green(project: Project) -> None:
    """Run its tests and its linter."""
    for command in ("pytest -q -p no:cacheprovider", "ruff check --no-cache"):
        done = project.run(*command.split())
        assert done.returncode == 0, done.stdout + done.stderr


def test_a_blueprint_is_added_by_copying(bake: Bake) -> None:
    project = bake()
    copied(project, "public", "reports")
    set_in_env(project, "CORS_ORIGINS_REPORTS=https://reports.example")

    shown = project.run("flask", "cors").stdout
    is_green(project)

    assert "https://reports.example" in shown
    assert "CORS_ORIGINS_REPORTS" in shown


def test_a_blueprint_is_renamed_with_its_variables(bake: Bake) -> None:
    project = bake()
    set_in_env(project, "CORS_MAX_AGE_ADMIN=60")
    copied(project, "admin", "board")
    removed(project, "admin")

    refused = project.run("flask", "cors")
    write(project, ".env", project.read(".env").replace("_ADMIN=60", "_BOARD=60"))

    assert refused.returncode == 1
    assert "CORS_MAX_AGE_ADMIN: names no blueprint (board, public)" in refused.stderr
    assert "from CORS_MAX_AGE_BOARD (.env line" in project.run("flask", "cors").stdout
    is_green(project)


def test_a_blueprint_is_removed_with_its_variables(bake: Bake) -> None:
    project = bake()
    set_in_env(project, "CORS_ORIGINS_ADMIN=https://admin.example")
    removed(project, "admin")

    refused = project.run("flask", "cors")
    write(project, ".env", project.read(".env").replace("CORS_ORIGINS_ADMIN=https", "# https"))

    assert refused.returncode == 1
    assert "CORS_ORIGINS_ADMIN: names no blueprint (public)" in refused.stderr
    assert project.run("flask", "cors").returncode == 0
    is_green(project)


def ask(
    server: Server, path: str, method: str = "GET", body: str | None = None, **headers: str
) -> Any:
    """Ask as a page of the listed origin; returns status, Allow-Origin and body."""
    named = {"Origin": LISTED, **{name.replace("_", "-"): value for name, value in headers.items()}}
    answer = server.ask(path, method, named, body.encode() if body is not None else None)
    return answer.status, answer.headers["Access-Control-Allow-Origin"], answer.body.decode()


def test_settings_and_secrets_come_from_env(bake: Bake) -> None:
    project = bake()
    set_in_env(project, "FLASK_GREETING=hello", 'FLASK_LIST=["a", "b"]', "FLASK_NUMBER=3")
    code = "import wsgi; c = wsgi.app.config; print(c['GREETING'], c['LIST'], c['NUMBER'] + 1)"
    write(project, "show.py", code)

    assert project.run("show").stdout == "hello ['a', 'b'] 4\n"


def test_a_login_hook_lets_preflights_pass(bake: Bake) -> None:
    project = bake()
    add_snippet(project, "need_token")
    set_in_env(project, "FLASK_API_TOKEN=s3cret")
    tests = project.read("tests/conftest.py")
    empty, given = "SETTINGS: dict[str, Any] = {}", 'SETTINGS = {"API_TOKEN": "any"}'
    assert empty in tests
    write(project, "tests/conftest.py", tests.replace(empty, given))
    preflight = {
        "Access_Control_Request_Method": "GET",
        "Access_Control_Request_Headers": "authorization",
    }

    with serve(project, "flask") as server:
        assert ask(server, "/api/public/", "OPTIONS", **preflight)[:2] == (204, LISTED)
        for wrong in ({}, {"Authorization": "Bearer é"}, {"Authorization": "s3cret"}):
            assert ask(server, "/api/public/", **wrong)[:2] == (401, LISTED)
        assert ask(server, "/api/public/", Authorization="Bearer s3cret")[:2] == (200, LISTED)
        assert ask(server, "/api/admin/")[:2] == (200, LISTED)
    done = project.run("pytest", "-q", "-p", "no:cacheprovider")
    assert done.returncode == 0, done.stdout


def test_a_body_is_validated_where_it_comes_in(bake: Bake) -> None:
    project = bake()
    add_snippet(project, "greet")

    with serve(project, "flask") as server:
        for body, status in [
            ('{"name": "Ada"}', 200),
            ('{"name": 1}', 422),
            ("[]", 422),
            ("{", 400),
        ]:
            answer = ask(server, "/api/public/greet", "POST", body, Content_Type="application/json")
            assert answer[:2] == (status, LISTED)
            assert ("Hello, Ada!" in answer[2]) is (status == 200)


def test_cookies_cross_origins_with_the_settings_that_are_listed(bake: Bake) -> None:
    project = bake(cors_origins="https://app.example.com")
    (block,) = re.findall(
        r"^```\n(CORS_SUPPORTS.*?)^```$", project.read("README.md"), re.DOTALL | re.M
    )
    set_in_env(project, *block.splitlines())
    view = """
        @bp.get("/login")
        def login() -> dict[str, bool]:
            from flask import session

            session["user"] = "Ada"
            return {"ok": True}
        """
    project.append(PUBLIC, "\n" + textwrap.dedent(view))

    with serve(project, "flask") as server:
        answer = server.ask("/api/public/login", headers={"Origin": "https://app.example.com"})

    assert answer.headers["Access-Control-Allow-Credentials"] == "true"
    assert {"Secure", "SameSite=None", "HttpOnly"} < set(answer.headers["Set-Cookie"].split("; "))


def test_callbacks_of_other_sites_reach_a_blueprint_that_does_not_enforce(bake: Bake) -> None:
    project = bake(blueprints="public, callbacks")
    set_in_env(project, "CORS_ENFORCE_CALLBACKS=false")
    form = {"Origin": "https://login.example", "Content_Type": "application/json"}

    with serve(project, "flask") as server:
        assert ask(server, "/api/callbacks/echo", "POST", "{}", **form)[:2] == (200, None)
        assert ask(server, "/api/public/echo", "POST", "{}", **form)[:2] == (403, None)


def test_trusted_hosts_answer_400_under_every_other_name(bake: Bake) -> None:
    project = bake()
    readme = project.read("README.md").replace("\n", " ")
    (value,) = re.findall(r"`(\[[^`]*\])`, answers 400", readme)
    set_in_env(project, f"FLASK_TRUSTED_HOSTS={value}")

    with serve(project, "flask") as server:
        for host, status in [
            ("api.example.com", 200),
            ("127.0.0.1:8000", 200),
            ("rebound.example", 400),
        ]:
            own = {"Host": host, "Origin": f"http://{host}", "Sec_Fetch_Site": "same-origin"}
            assert ask(server, "/api/public/", **own)[0] == status
