"""An edit of .env arrives while `flask run --debug` serves, and no other .env counts."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from contextlib import suppress
from http.client import HTTPException
from pathlib import Path
from typing import Any

import pytest

from .conftest import Bake, Project
from .servers import NoAnswerError, Server, serve

SECONDS = 10


def save(project: Project, data: bytes) -> None:
    """Save .env as editors do: write another file, and rename it."""
    new = project.path / ".env.new"
    new.write_bytes(data)
    new.replace(project.path / ".env")


def edited(project: Project, change: Callable[[str], str]) -> None:
    save(project, change(project.read(".env")).encode())


def with_line(line: str) -> Callable[[str], str]:
    return lambda text: f"{text}{line}\n"


def without(line: str) -> Callable[[str], str]:
    return lambda text: text.replace(f"{line}\n", "")


def ask(server: Server, origin: str, path: str = "/api/public/") -> tuple[int, str | None, str]:
    answer = server.ask(path, headers={"Origin": origin})
    return answer.status, answer.headers["Access-Control-Allow-Origin"], answer.body.decode()


def until(found: Callable[[], Any], expected: object) -> None:
    """Ask until it is as expected; a server that starts again may not answer in between."""
    seen: object = None
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        with suppress(NoAnswerError, OSError, HTTPException):
            seen = found()
        if seen == expected:
            return
        time.sleep(0.1)
    pytest.fail(f"still {seen} after {SECONDS} seconds, not {expected}")


def arrives(server: Server, origin: str, status: int, allowed: str | None) -> str:
    """Wait until a page of this origin is answered so; return the body."""
    until(lambda: ask(server, origin)[:2], (status, allowed))
    return ask(server, origin)[2]


PUBLIC = "src/my_api/blueprints/public.py"
TELL_THE_ENVIRONMENT = '''

@bp.get("/environment")
def environment() -> dict[str, str]:
    """Tell what a process of this one would be given."""
    import os

    return dict(os.environ)
'''
NEW = "https://new.example"
LISTED = "http://localhost:3000"


def test_an_edit_arrives_within_seconds(bake: Bake) -> None:
    project = bake()
    with (project.path / ".flaskenv").open("a") as file:
        file.write("CORS_MAX_AGE=5\n")
    own = {"CORS_METHODS": "GET", "CORS_EXPOSE_HEADERS": "X-Own"}
    edited(project, with_line("CORS_EXPOSE_HEADERS=X-Own"))  # like the environment's own

    with serve(project, "flask", "--debug", env=own) as server:
        arrives(server, LISTED, 200, LISTED)

        # Changed, added
        edited(project, lambda text: text.replace(f"CORS_ORIGINS={LISTED}", f"CORS_ORIGINS={NEW}"))
        arrives(server, NEW, 200, NEW)
        assert ask(server, LISTED)[1] is None
        edited(project, with_line("CORS_ORIGINS_PUBLIC=https://public.example"))
        arrives(server, "https://public.example", 200, "https://public.example")

        # Broken, in each of three ways, and mended
        edited(project, with_line("CORS_MAX_AGE: 60"))
        body = arrives(server, NEW, 500, None)
        assert json.loads(body)["detail"].endswith("not with a colon; write CORS_MAX_AGE=60")
        edited(project, without("CORS_MAX_AGE: 60"))
        arrives(server, "https://public.example", 200, "https://public.example")
        edited(project, with_line("CORS_MAX_AGE=x"))
        assert "CORS_MAX_AGE 'x'" in arrives(server, NEW, 500, None)
        text = project.read(".env")
        save(project, text.encode("utf-16"))
        until(lambda: "UTF-16" in ask(server, NEW)[2], True)
        save(project, text.replace("CORS_MAX_AGE=x\n", "").encode())
        arrives(server, "https://public.example", 200, "https://public.example")

        # Removed
        edited(project, without("CORS_ORIGINS_PUBLIC=https://public.example"))
        arrives(server, NEW, 200, NEW)
        checks = [
            project.run("flask", "cors", "check", o, "GET", "/api/public/") for o in (NEW, LISTED)
        ]
        assert [check.returncode for check in checks] == [0, 1]

        # The environment first, then .env, then .flaskenv
        edited(project, lambda text: text.replace("HEADERS=X-Own", "HEADERS=X-Other"))
        edited(project, with_line("CORS_METHODS=PUT\nCORS_MAX_AGE=7\nCORS_ENFORCE=false"))

        def preflight() -> list[str | None]:
            asked = {"Origin": NEW, "Access-Control-Request-Method": "GET"}
            headers = server.ask("/api/public/", "OPTIONS", asked).headers
            return [headers[f"Access-Control-{name}"] for name in ("Allow-Methods", "Max-Age")]

        until(preflight, ["GET", "7"])
        edited(project, without("CORS_MAX_AGE=7"))
        until(preflight, ["GET", "5"])
        answer = server.ask("/api/public/", headers={"Origin": NEW})
        assert answer.headers["Access-Control-Expose-Headers"] == "X-Own"


def test_every_kind_of_change_arrives(bake: Bake) -> None:
    """Removed, made anew, older than before, another one behind a link; from another folder."""
    project = bake()
    env, listed, new = (project.path / name for name in (".env", "listed.env", "new.env"))
    listed.write_text(f"CORS_ORIGINS={LISTED}\n", encoding="utf-8")
    new.write_text(f"CORS_ORIGINS={NEW}\n", encoding="utf-8")
    for file in (listed, new):
        os.utime(file, (1e9, 1e9))
    app, above = {"FLASK_APP": str(project.path / "wsgi.py")}, project.path.parent

    with serve(project, "flask", "--debug", env=app, cwd=above) as s:
        arrives(s, LISTED, 200, LISTED)
        env.unlink()
        arrives(s, LISTED, 200, None)
        env.symlink_to(new.name)
        arrives(s, NEW, 200, NEW)
        env.unlink()
        env.symlink_to(listed.name)
        arrives(s, LISTED, 200, LISTED)
        env.unlink()
        new.rename(env)
        arrives(s, NEW, 200, NEW)
        env.unlink()
        env.mkdir()
        until(lambda: "cannot be read" in ask(s, NEW)[2], True)


def test_debug_mode_of_a_file_lasts_through_a_broken_one(bake: Bake) -> None:
    project = bake()
    project.append(".flaskenv", "FLASK_DEBUG=1\n")

    with serve(project, "flask") as server:
        arrives(server, LISTED, 200, LISTED)
        edited(project, with_line("x y"))
        arrives(server, LISTED, 500, None)
        edited(project, without("x y"))
        arrives(server, LISTED, 200, LISTED)


def test_without_the_reloader_nothing_is_handed_on(bake: Bake) -> None:
    project = bake()
    project.append(PUBLIC, TELL_THE_ENVIRONMENT)
    with serve(project, "flask", "--debug", "--no-reload") as server:
        given = json.loads(ask(server, LISTED, "/api/public/environment")[2])

    assert not {"_NAMES_FROM_ENV_FILES", "FLASK_SKIP_DOTENV"} & given.keys()


def test_what_the_reloader_hands_on_stays_with_its_child(bake: Bake) -> None:
    project = bake()
    edited(project, with_line("FLASK_SECRET=s3cret\nPLAIN=of-the-file"))
    project.append(PUBLIC, TELL_THE_ENVIRONMENT)

    with serve(project, "flask", "--debug") as server:
        child = json.loads(ask(server, LISTED, "/api/public/environment")[2])
        parents = Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children").read_text().split()
        handed_on = [
            environ
            for pid in parents
            for grandchild in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
            for environ in Path(f"/proc/{grandchild}/environ").read_bytes().decode().split("\0")
            if environ.startswith("_NAMES_FROM_ENV_FILES=")
        ]

    assert child["PLAIN"] == "of-the-file"
    assert not {"_NAMES_FROM_ENV_FILES", "FLASK_SKIP_DOTENV"} & child.keys()
    (kept,) = handed_on
    assert kept.endswith(f":{project.path / '.env'}")
    assert "PLAIN" in kept
    assert "s3cret" not in kept
    assert "of-the-file" not in kept


def test_a_production_server_never_serves_a_problem(bake: Bake) -> None:
    project = bake()
    edited(project, with_line("CORS_MAX_AGE=x"))
    done = project.run(
        *("gunicorn", "wsgi:app", "--check-config"), env={"WERKZEUG_RUN_MAIN": "true"}
    )

    assert done.returncode != 0
    assert "CORS_MAX_AGE 'x'" in done.stderr


@pytest.mark.parametrize("name", ["absent", "present"])
def test_an_env_of_a_folder_above_does_not_count(bake: Bake, name: str) -> None:
    project = bake()
    (project.path.parent / ".env").write_text("CORS_ORIGINS=*\nCORS_MAX_AGE=1\n", encoding="utf-8")
    if name == "absent":
        (project.path / ".env").unlink()

    shown = json.loads(project.run("flask", "cors", "--json").stdout)

    assert [blueprint["max_age"] for blueprint in shown["blueprints"]] == [600, 600]
    assert ["*"] not in [blueprint["origins"] for blueprint in shown["blueprints"]]
    assert shown["env_files"] == [
        str(project.path / file) for file in (".env", ".flaskenv") if (project.path / file).exists()
    ]


def test_the_source_of_a_value_is_told(bake: Bake) -> None:
    project = bake()
    edited(project, with_line("CORS_MAX_AGE=7\nCORS_ENFORCE=true"))
    with (project.path / ".flaskenv").open("a") as file:
        file.write("CORS_METHODS=PUT\n")
    factory = project.path / "src/my_api/__init__.py"
    text = factory.read_text(encoding="utf-8")
    line = "    app.config.update(config or {})\n"
    factory.write_text(text.replace(line, f'{line}    app.config["CORS_ALLOW_HEADERS"] = "X-A"\n'))

    env = {"CORS_ENFORCE": "true"}
    lines = project.read(".env").splitlines()
    sources = json.loads(project.run("flask", "cors", "--json", env=env).stdout)["blueprints"][0]

    assert sources["sources"] == {
        "origins": f".env line {1 + [line[:13] for line in lines].index('CORS_ORIGINS=')}",
        "methods": f".flaskenv line {len(project.read('.flaskenv').splitlines())}",
        "allow_headers": "create_app",
        "max_age": f".env line {len(lines) - 1}",
        "enforce": "environment",
    }
    assert "from CORS_MAX_AGE (.env line" in project.run("flask", "cors").stdout
