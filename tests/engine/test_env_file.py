"""The .env file: every line of it counts, or the start is refused."""

import os
import re
import signal
import string
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import pytest
from dotenv import dotenv_values
from flask import Blueprint, Flask
from flask.cli import load_dotenv
from hypothesis import given, settings
from hypothesis import strategies as st
from my_api.cors import ConfigurationError, Problem, env_file, init_app, load_env, problems

A = "https://a.example"


def forget(patch: pytest.MonkeyPatch) -> None:
    """Let what is kept of a file be taken back, too."""
    patch.setattr(env_file, "files", [])
    patch.setattr(env_file, "_places", {})


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the file lies; what a test loads from it is taken back."""
    monkeypatch.setattr(os, "environ", {"CORS_MAX_AGE": "60", "SET": "here"})
    forget(monkeypatch)
    return tmp_path / ".env"


def refused(path: Path, text: str | bytes) -> list[str]:
    """Return the lines that a file is refused with; nothing of it is set."""
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    before = dict(os.environ)
    with pytest.raises(ConfigurationError) as raised:
        load_env(path)
    first, *lines = raised.value.message.splitlines()
    assert re.fullmatch(r"\.env has [0-9]+ problems?:", first)
    assert os.environ == before
    return [line.strip() for line in lines]


def test_what_is_set_already_stays(path: Path) -> None:
    path.write_text(f"# seconds\nCORS_MAX_AGE=5\n\nexport CORS_ORIGINS='{A}'\nEMPTY=")

    load_env(path)

    assert os.environ["CORS_MAX_AGE"] == "60"
    assert os.environ["CORS_ORIGINS"] == A
    assert os.environ["EMPTY"] == ""


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_a_mark_at_the_beginning_and_line_ends_of_any_system_are_no_part_of_a_value(
    path: Path, end: str
) -> None:
    path.write_bytes(f"CORS_ORIGINS={A}{end}B='1{end}2'{end}".encode("utf-8-sig"))

    load_env(path)

    assert (os.environ["CORS_ORIGINS"], os.environ["B"]) == (A, "1\n2")


def test_no_file_is_needed(path: Path) -> None:
    load_env(path)

    assert "CORS_ORIGINS" not in os.environ
    assert env_file.files == []


UNREADABLE = "not NAME=value; quotes, if any, stand around the whole value"


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (f"CORS_ORIGINS_ADMIN {A}", UNREADABLE),
        ("CORS_ORIGINS_ADMIN", UNREADABLE),
        (f'CORS_ORIGINS_ADMIN="{A}","{A}"', UNREADABLE),
        (f'CORS_ORIGINS_ADMIN="{A}","\u200b{A}"', UNREADABLE),
        (f"CORS_ORIGINS_ADMIN='{A}", UNREADABLE),
        ("junk", UNREADABLE),
        (f"\u00c4_ORIGINS={A}", UNREADABLE),
        (f"1_ORIGINS={A}", UNREADABLE),
        (f"={A}", UNREADABLE),
        (
            f"CORS_ORIGINS_ADMIN: {A}",
            f"a name ends with =, not with a colon; write CORS_ORIGINS_ADMIN={A}",
        ),
        (f"CORS-ORIGINS-ADMIN={A}", f"has no hyphens or dots; write CORS_ORIGINS_ADMIN={A}"),
        (f"CORS.ORIGINS_ADMIN = {A}", f"has no hyphens or dots; write CORS_ORIGINS_ADMIN={A}"),
        (f"'CORS_ORIGINS'={A}", f"a name has no quotes; write CORS_ORIGINS={A}"),
        (f'"CORS_ORIGINS"={A}', f"a name has no quotes; write CORS_ORIGINS={A}"),
        (
            f'$env:CORS_ORIGINS="{A}"',
            f'this is how Windows sets a variable; write CORS_ORIGINS="{A}"',
        ),
        (
            f"set CORS_ORIGINS={A}",
            f"this is how Windows sets a variable; write CORS_ORIGINS={A}",
        ),
        (
            f"CORS_\u200bORIGINS={A}",
            f"an invisible character is in front of the =; write CORS_ORIGINS={A}",
        ),
        (
            f"\ufeffCORS_ORIGINS={A}",
            f"an invisible character is in front of the =; write CORS_ORIGINS={A}",
        ),
        ("DB-PASSWORD=s3cret", "a name has no hyphens or dots; write DB_PASSWORD=..."),
        (f"cors-origins-admin={A}", f"has no hyphens or dots; write CORS_ORIGINS_ADMIN={A}"),
        (f"export CORS-ORIGINS={A}", f"has no hyphens or dots; write CORS_ORIGINS={A}"),
        (f"$Env:CORS_ORIGINS={A}", f"how Windows sets a variable; write CORS_ORIGINS={A}"),
    ],
)
def test_a_line_that_sets_no_name_stops_the_start(path: Path, line: str, words: str) -> None:
    (problem,) = refused(path, f"\n# shared\n\nOTHER=1\n\n{line}\n")

    assert problem.startswith("line 6: ")
    assert problem.endswith(words)


def test_a_name_is_set_once(path: Path) -> None:
    text = f"CORS_ORIGINS={A}\nB=1\nCORS_ORIGINS=*\n\nexport B=1\n"

    assert refused(path, text) == [
        "line 3: sets CORS_ORIGINS, as line 1 does; delete one",
        "line 5: sets B, as line 2 does; delete one",
    ]


@pytest.mark.parametrize("line", [f"CORS_ORIGINS_ADMIN={A}", "export B=1", "CORS_ORIGINS="])
@pytest.mark.parametrize("quote", ["'", '"'])
def test_a_value_swallows_no_other_line(path: Path, line: str, quote: str) -> None:
    text = f"KEY={quote}abc\n\n{line}\nC={quote}"

    assert refused(path, text) == [
        "line 3: is inside the quotes of line 1; close them there, or write \\n"
    ]


def test_a_value_of_several_lines_is_one(path: Path) -> None:
    key = "-----BEGIN KEY-----\nMIIB+/a\nQUJD==\nQUI="
    path.write_text(f'KEY="{key}"\nB=1\n')

    load_env(path)

    assert (os.environ["KEY"], os.environ["B"]) == (key, "1")


def test_a_name_in_a_value_must_be_set(path: Path) -> None:
    text = "A=${SET}${NONE:-x}\nB=${A}\nCORS_ORIGINS=https://app.${DOMAIN}\nC='${D}'\nD=1\n"

    assert refused(path, text) == [
        "line 3: needs ${DOMAIN}, which is not set; set it above, or in the environment",
        "line 4: needs ${...}, which is not set; set it above, or in the environment",
    ]


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("CROS_ORIGINS", "CORS_ORIGINS"),
        ("CROS_ORIGINS_ADMIN", "CORS_ORIGINS_ADMIN"),
        ("CORSORIGINS_ADMIN", "CORS_ORIGINS_ADMIN"),
        ("ORS_MAX_AGE", "CORS_MAX_AGE"),
        ("CROS_IGNORE", "CORS_IGNORE"),
        ("cors_origins", "CORS_ORIGINS"),
        ("Cors_Max_Age_Admin", "CORS_MAX_AGE_ADMIN"),
        ("_CORS_METHODS", "CORS_METHODS"),
    ],
)
def test_a_name_that_is_one_slip_away_is_refused_in_the_file_alone(
    path: Path, name: str, meant: str
) -> None:
    text = f"B=1\n{name}=x\n"

    assert refused(path, text) == [
        f"line 2: {name} is no setting; did you mean {meant}? If not, add it to CORS_IGNORE"
    ]
    for ignore in (f"CORS_IGNORE=OTHER, {name}\n{text}", f"{text}CORS_IGNORE={name}"):
        path.write_text(ignore)
        load_env(path)
        assert os.environ.pop(name) == "x"
        del os.environ["CORS_IGNORE"], os.environ["B"]
    os.environ[name] = "x"
    path.write_text("")
    load_env(path)


@pytest.mark.parametrize(
    "name",
    [
        *("CORE_URL", "CORS", "COLOR_MODE", "ORIGINS", "MY_ORIGINS", "C", "COURSE_ORIGINS"),
        *("VITE_CORS_ORIGINS", "FLASK_CORS_ORIGINS"),
    ],
)
def test_names_of_others_are_let_be(path: Path, name: str) -> None:
    path.write_text(f"{name}=1\n")

    load_env(path)

    assert os.environ[name] == "1"


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ("A=1\nB=é\n".encode("utf-16"), "line 1: not UTF-8, but looks like UTF-16, which PowerS"),
        ("A=1\n".encode("utf-16-le"), "line 1: not UTF-8, but looks like UTF-16, which PowerShel"),
        (
            "A=1\n\nB=é\n".encode("cp1252"),
            "line 3: not UTF-8, but looks like a Windows code page; ",
        ),
        ("A=1\r\rB=é\r".encode("cp1252"), "line 3: not UTF-8, but looks like a Windows code page"),
    ],
)
def test_another_encoding_is_named(path: Path, data: bytes, words: str) -> None:
    (problem,) = refused(path, data)

    assert problem.startswith(words)
    assert problem.endswith("; save the file as UTF-8")


@pytest.mark.parametrize("data", [b"A=1\nB=\0\n", b"A=1\nB=2222\n\0"])
def test_what_no_environment_can_hold_is_named(path: Path, data: bytes) -> None:
    (problem,) = refused(path, data)

    assert problem.endswith(": holds a NUL, which no setting can; delete it")


@pytest.mark.parametrize("end", "\x0b\x0c\x1c\x85\u2028\u2029")
@pytest.mark.parametrize("front", ["B=1", "# admin", ""])
def test_what_editors_show_as_a_line_end_is_none(path: Path, front: str, end: str) -> None:
    first, *_ = refused(path, f"A=1\n{front}{end}CORS_ORIGINS_ADMIN={A}\n")

    assert first == (
        f"line 2: holds U+{ord(end):04X}, which editors show as the end of a line; delete it"
    )


@pytest.mark.parametrize("between", [" ", "; ", " export ", "\t"])
def test_a_line_sets_one_name(path: Path, between: str) -> None:
    assert refused(path, f"export B=1{between}CORS_ORIGINS_ADMIN={A}\n") == [
        "line 1: a line sets one name; give CORS_ORIGINS_ADMIN a line of its own"
    ]
    for fine in ("B='1 CORS_ORIGINS_ADMIN=x'", "B=1 # CORS_ORIGINS_ADMIN=x", "B=x?CORS_A=1"):
        path.write_text(f"{fine}\n")
        load_env(path)


@pytest.mark.parametrize(
    "line", ["CORS-ORIGINS-ADMIN=x", "$env:CORS_ORIGINS=x", "CORS_ORIGINS: x", "\u200bCORS_A=x"]
)
def test_quotes_swallow_no_misspelt_setting(path: Path, line: str) -> None:
    (problem,) = refused(path, f'B="x\n{line}\n# it is "\n')

    assert problem.startswith("line 2: is inside the quotes of line 1")


@pytest.mark.parametrize(
    "line", ["B=ab${hunter2}x", "CORS-TOKEN=hunter2", "DB-PASSWORD=hunter2", "CORS_X: hunter2"]
)
def test_no_secret_is_told(path: Path, line: str) -> None:
    assert "hunter2" not in "".join(refused(path, line))


def test_a_long_value_is_not_told(path: Path) -> None:
    (problem,) = refused(path, f"CORS-ORIGINS={','.join([A] * 20)}")

    assert problem.endswith("; write CORS_ORIGINS=...")


def test_a_link_that_leads_nowhere_is_named(path: Path) -> None:
    path.symlink_to("gone.env")

    with pytest.raises(ConfigurationError, match=r"is a link to gone\.env, where nothing is"):
        load_env(path)


def test_what_is_no_file_is_named(path: Path) -> None:
    path.mkdir()

    with pytest.raises(ConfigurationError, match=r"/\.env: cannot be read: Is a directory"):
        load_env(path)


def test_a_link_to_a_file_is_read(path: Path) -> None:
    path.with_name("real").write_text("B=1\n")
    path.symlink_to("real")

    load_env(path)

    assert os.environ["B"] == "1"


def test_a_value_is_known_by_its_line(path: Path) -> None:
    path.write_text("\n# one\nB=1\nSET=there\n")

    load_env(path)

    assert env_file.files == [path]
    assert env_file.places()["B"] == ".env line 3"
    assert "SET" not in env_file.places()
    os.environ["B"] = "2"
    assert env_file.places() == {}


def test_names_of_another_program_are_let_be_where_they_are_listed() -> None:
    def start(**config: object) -> list[str]:
        app = Flask("ignore")
        app.config.update(config)
        try:
            init_app(app, [Blueprint("admin", __name__, url_prefix="/admin")])
        except ConfigurationError as error:
            return [str(problem) for problem in error.problems]
        return []

    assert start(CORS_PROXY_URL="x", CORS_IGNORE="CORS_PROXY_URL, CORS_NOT_THERE") == []
    assert start(CORS_PROXY_URL="x", CORS_IGNORE=["CORS_PROXY_URL"]) == []
    assert start(CORS_PROXY_URL="x", CORS_IGNORE="CORS_PROXY") == [
        "CORS_PROXY_URL: is not a setting; delete it"
    ]
    assert start(CORS_IGNORE="CORS_ORIGINS_ADMIN, FLASK_CORS_ORIGINS, CORS_*") == [
        "CORS_IGNORE 'CORS_ORIGINS_ADMIN': is a setting of this project; delete it",
        "CORS_IGNORE 'FLASK_CORS_ORIGINS': is a setting of this project; delete it",
        "CORS_IGNORE 'CORS_*': is no name of a variable; delete it",
    ]


# Under the `flask` command, which has read an .env and a .flaskenv of the folder or above it.


@pytest.fixture
def flask_command(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[[str | None], dict[str, str]]:
    """Load a project's .env as `flask` would; None for an environment at the start that no system
    tells of. Returns what was added to it.
    """
    project = path.parent / "project"
    project.mkdir()
    monkeypatch.chdir(project)

    def run(at_start: str | None) -> dict[str, str]:
        own = dict.fromkeys((at_start or "").split(), "own")
        monkeypatch.setattr(env_file, "_names_at_start", lambda: set(own))
        os.environ.clear()
        os.environ.update(own, FLASK_RUN_FROM_CLI="true")
        if "FLASK_SKIP_DOTENV" not in own:
            load_dotenv()  # as the command does before it runs any code of the project
        load_env(project / ".env")
        return {n: v for n, v in os.environ.items() if n not in {*own, "FLASK_RUN_FROM_CLI"}}

    return run


def write(**files: str) -> None:
    """Write files of the folder above, of the project, and its .flaskenv."""
    for name, path in {"above": "../.env", "env": ".env", "flaskenv": ".flaskenv"}.items():
        if name in files:
            Path(path).write_text(files[name])


FlaskCommand = Callable[[str | None], dict[str, str]]


def test_env_beats_flaskenv_and_no_other_env_counts(flask_command: FlaskCommand) -> None:
    write(above="A=above\nB=above\nCORS_ORIGINS=*\n")
    assert flask_command("HOME") == {}
    write(flaskenv="A=flaskenv\nC=flaskenv\n")
    assert flask_command("HOME") == {"A": "flaskenv", "C": "flaskenv"}
    write(env="A=1\nB=${HOME}\nD=\n")
    assert flask_command("HOME") == {"A": "1", "B": "own", "C": "flaskenv", "D": ""}
    assert env_file.places()["C"] == ".flaskenv line 2"
    assert flask_command("HOME A C") == {"B": "own", "D": ""}


def test_what_the_environment_has_alike_is_its_own(flask_command: FlaskCommand) -> None:
    write(env="A=own\n")
    assert flask_command("A") == {}
    assert env_file.places() == {}


def test_where_no_system_tells_an_env_above_with_settings_is_refused(
    flask_command: FlaskCommand,
) -> None:
    write(above="A=above\n", flaskenv="B=1\n")
    assert flask_command(None) == {"B": "1"}
    write(above="A=above\nCORS_ORIGINS=*\n")
    with pytest.raises(ConfigurationError) as raised:
        flask_command(None)
    assert str(raised.value).endswith(
        f"/.env: is read by `flask`, and by nothing else; move CORS_ORIGINS to {Path.cwd()}/.env"
    )
    write(env="A=1\n")
    assert flask_command(None) == {"A": "1", "B": "1"}


def test_where_flask_was_told_to_read_nothing_the_env_is_read(flask_command: FlaskCommand) -> None:
    write(env="A=1\n", flaskenv="B=1\n")
    assert flask_command("FLASK_SKIP_DOTENV") == {"A": "1"}


def flask_run(reload: bool | None) -> click.Context:
    """Return the context of the command, with the value of its option `--reload`."""
    context = click.Context(click.Command("run"), info_name="run")
    context.params["reload"] = reload
    return context


def test_the_child_of_the_reloader_reads_the_files_anew(
    flask_command: FlaskCommand, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`flask run` leaves the names in the environment, which is that of the child then."""
    monkeypatch.setattr(env_file, "_watch", lambda *_: None)
    write(env="A=1\nB=1\n", flaskenv="B=2\nC=3\n")
    with flask_run(reload=False):
        assert flask_command("HOME") == {"A": "1", "B": "1", "C": "3"}
    with flask_run(reload=True):
        inherited = flask_command("HOME")
    assert inherited == {
        **{"A": "1", "B": "1", "C": "3", "FLASK_SKIP_DOTENV": "1"},
        env_file.KEPT: f"A,B,C,FLASK_SKIP_DOTENV:{Path.cwd()}/.env",
    }
    write(env="A=2\nD=2\n")

    def child(**changed: str) -> dict[str, str]:
        os.environ |= {"HOME": "own", **inherited, "FLASK_RUN_FROM_CLI": "true", **changed}
        names = {*os.environ}
        monkeypatch.setattr(env_file, "_names_at_start", lambda: names)
        with flask_run(reload=True):
            load_env(Path.cwd() / ".env")
        return {name: text for name, text in os.environ.items() if len(name) == 1}

    assert child(WERKZEUG_RUN_MAIN="true") == {"A": "2", "B": "2", "C": "3", "D": "2"}
    assert not {env_file.KEPT, "FLASK_SKIP_DOTENV"} & os.environ.keys()
    # Another process, or that of another project, has them for its own.
    del os.environ["WERKZEUG_RUN_MAIN"]
    assert child()["A"] == "1"
    assert child(WERKZEUG_RUN_MAIN="true", **{env_file.KEPT: "A:/other/.env"})["A"] == "1"


def test_a_broken_file_leaves_the_environment_as_it_was(flask_command: FlaskCommand) -> None:
    """Without FLASK_DEBUG, say, from the file before, nothing would look for the next save."""
    write(flaskenv="FLASK_DEBUG=1\n", env="A=1\nA=2\n")
    with pytest.raises(ConfigurationError):
        flask_command("HOME")
    assert os.environ["FLASK_DEBUG"] == "1"


@pytest.mark.parametrize(("debug", "watched"), [("0", False), ("1", True)])
def test_in_debug_mode_the_child_watches_the_file(
    path: Path, monkeypatch: pytest.MonkeyPatch, debug: str, watched: bool
) -> None:
    seen: list[Path] = []
    monkeypatch.setattr(env_file, "_watch", lambda path, _: seen.append(path))
    os.environ |= {"WERKZEUG_RUN_MAIN": "true", "FLASK_DEBUG": debug}
    with flask_run(reload=None):
        load_env(path)

    assert seen == [path] * watched


def test_a_change_ends_the_process_for_the_reloader(
    path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path.write_text("A=1\n")
    changes: list[Callable[[], object]] = [
        *(path.touch, path.unlink, lambda: path.write_text("A=1\n"), lambda: None),
        lambda: path.write_text("A=2\n"),
    ]
    ended: list[int] = []
    monkeypatch.setattr(os, "_exit", ended.append)
    monkeypatch.setattr(env_file, "sleep", lambda _: changes.pop(0)())

    for left in (3, 2, 0):
        env_file._watch(path, env_file._content(path))
        assert len(changes) == left
    assert ended == [3, 3, 3]
    assert capsys.readouterr().err.count(f" * Detected change in {str(path)!r}, reloading") == 3


def test_a_process_knows_what_it_was_started_with(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Path, "read_bytes", lambda _: b"A=1\0B=2=\0C=\0")
    assert {"A", "B", "C"} <= env_file._names_at_start()

    def fail(_: Path) -> bytes:
        raise FileNotFoundError

    monkeypatch.setattr(Path, "read_bytes", fail)
    assert env_file._names_at_start() == set()


@pytest.mark.parametrize(
    ("cli", "child", "ends_with"),
    [
        (None, None, SystemExit),
        (None, "true", SystemExit),
        ("true", None, ConfigurationError),
        ("true", "true", None),
    ],
)
def test_a_problem_is_served_by_the_child_of_the_reloader_alone(
    path: Path,
    capsys: pytest.CaptureFixture[str],
    cli: str | None,
    child: str | None,
    ends_with: type[BaseException] | None,
) -> None:
    error = ConfigurationError([Problem("CORS_MAX_AGE", "max-age", "not a number")])
    told = {"FLASK_RUN_FROM_CLI": cli, "WERKZEUG_RUN_MAIN": child}
    os.environ.update({name: value for name, value in told.items() if value})
    if ends_with:
        with pytest.raises(ends_with):
            error.until_saved()
        printed = "" if ends_with is ConfigurationError else f"Error: {error}\n"
        assert capsys.readouterr().err == printed
        return

    answer = error.until_saved().test_client().post("/anything")

    assert (answer.status_code, answer.content_type) == (500, "application/problem+json")
    assert answer.get_json()["detail"] == str(error)
    assert capsys.readouterr().err == f"Error: {error}\n"


def test_a_worker_of_gunicorn_waits_to_be_ended_by_the_first_that_fails(
    path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    os.environ["SERVER_SOFTWARE"] = "gunicorn/27.0.1"
    handlers: dict[Any, Any] = {}
    waited: list[float] = []
    monkeypatch.setattr(signal, "signal", handlers.__setitem__)
    monkeypatch.setattr(problems, "sleep", waited.append)
    monkeypatch.setattr(os, "_exit", sys.exit)
    error = ConfigurationError([Problem("CORS_MAX_AGE", "max-age", "not a number")])

    with pytest.raises(SystemExit, match="3"):
        error.until_saved()
    assert 1 <= waited[0] < 3
    assert capsys.readouterr().err == f"Error: {error}\n"
    with pytest.raises(SystemExit, match="0"):
        handlers[signal.SIGTERM]()


@pytest.mark.parametrize("name", ["ADMIN_CORS_ORIGINS", "admin_cors_max_age"])
def test_a_name_that_ends_as_a_setting_is_refused_in_the_file_alone(path: Path, name: str) -> None:
    def start() -> None:
        load_env(path)
        init_app(Flask("ends"), [Blueprint("admin", __name__, url_prefix="/admin")])

    option = name.upper().removeprefix("ADMIN_CORS_")
    path.write_text(f"B=1\nVITE_CORS_ORIGINS=x\n{name}=60\n")
    with pytest.raises(ConfigurationError) as raised:
        start()
    assert str(raised.value).splitlines()[1:] == [
        f"  {name} (.env line 3): is not a setting; did you mean CORS_{option}_ADMIN? If not, add "
        "it to CORS_IGNORE"
    ]
    del os.environ[name]
    path.write_text(f"{name}=60\nCORS_IGNORE={name}\n")
    start()
    path.write_text("")
    start()


# Files of lines that are settings, or nearly so.
NAMES = st.text(string.ascii_letters + "_19-. \u200b\ufeff$", min_size=1, max_size=4)
VALUES = st.text(string.ascii_letters + "'\"# \\$={}\n=,:/", max_size=6)
LINES = st.one_of(
    st.builds("{}={}".format, NAMES, VALUES),
    st.builds("{}".format, VALUES),
    st.sampled_from(["", "# c", "A=1", "B='x'", 'C="y z"', "export D=2", "A=${B}", "F=a #b"]),
)


def read_by_the_rule(text: str) -> dict[str, str]:
    """Return what a reader of one line after the other takes from a file that is accepted."""
    read: dict[str, str] = {}
    lines = iter(text.split("\n"))
    for line in lines:
        setting = re.fullmatch(r"\s*(?:export\s+)?([A-Za-z_]\w*)\s*=\s*(.*)", line)
        if line.strip() == "" or line.lstrip().startswith("#"):
            continue
        assert setting, line
        name, value = setting.groups()
        assert name not in read
        if value[:1] not in ("'", '"'):
            value = re.sub(r"\s+#.*", "", value).rstrip()
            read[name] = value
        else:
            read[name] = "quoted"
            while not re.fullmatch(r"(['\"])(\\.|(?!\1)[^\\])*\1\s*(#.*)?", value, re.S):
                value += "\n" + next(lines)
    return read


@settings(deadline=None)  # the machine may be busy
@given(text=st.lists(LINES, max_size=5).map("\n".join))
def test_a_file_that_is_accepted_is_read_line_by_line(
    text: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "environ", {})
        forget(patch)
        path = tmp_path_factory.getbasetemp() / "generated.env"
        path.write_text(text, encoding="utf-8")
        try:
            load_env(path)
        except ConfigurationError:
            return
        by_rule, found = read_by_the_rule(text.removeprefix("\ufeff")), dict(os.environ)
        assert by_rule.keys() == found.keys() == dotenv_values(path, encoding="utf-8-sig").keys()
        for name, value in by_rule.items():
            if value != "quoted" and "${" not in value:
                assert found[name] == value
