"""What docs/ tells of day two, done as it says; a blueprint is added in docs/blueprints.md."""

from __future__ import annotations

import re

from .conftest import ROOT, Bake, Project
from .servers import serve


def write(project: Project, name: str, text: str) -> None:
    """Replace the text of a file."""
    (project.path / name).write_text(text, encoding="utf-8")


def set_in_env(project: Project, *lines: str) -> None:
    """Add settings to .env."""
    project.append(".env", "".join(f"{line}\n" for line in lines))


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


def test_settings_and_secrets_come_from_env(bake: Bake) -> None:
    project = bake()
    set_in_env(project, "FLASK_GREETING=hello", 'FLASK_LIST=["a", "b"]', "FLASK_NUMBER=3")
    code = "import wsgi; c = wsgi.app.config; print(c['GREETING'], c['LIST'], c['NUMBER'] + 1)"
    write(project, "show.py", code)

    assert project.run("show").stdout == "hello ['a', 'b'] 4\n"


def test_trusted_hosts_answer_400_under_every_other_name(bake: Bake) -> None:
    project = bake()
    production = (ROOT / "docs/production.md").read_text(encoding="utf-8")
    (line,) = re.findall(r"`(FLASK_TRUSTED_HOSTS=[^`]*)` answers 400", production)
    set_in_env(project, line.replace("]", ', "127.0.0.1"]'))  # where `serve` asks

    with serve(project, "flask") as server:
        for host, status in [
            ("api.example.com", 200),
            ("api.example.com:8000", 200),
            ("rebound.example", 400),
        ]:
            own = {"Host": host, "Origin": f"http://{host}", "Sec-Fetch-Site": "same-origin"}
            assert server.ask("/api/public/", headers=own).status == status
