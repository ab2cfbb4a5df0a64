"""A file of origins: what is refused at the start, and what a change of it does while it serves."""

import logging
import os
import socket
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from flask import Flask
from my_api.cors import middleware, settings
from my_api.cors.settings import OriginsFile, Settings, read_file, read_settings

from ..conftest import clean_environment
from .conftest import LISTED, Clock, MakeApp
from .reading import BLUEPRINTS, policies, problems, warnings

A, B, C = (f"https://{name}.example" for name in "abc")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the file lies; it lists one origin."""
    path = tmp_path / "admin.origins"
    path.write_text(f"{A}\n")
    return path


def test_a_file_holds_an_entry_on_each_line(path: Path) -> None:
    path.write_bytes(
        b"\xef\xbb\xbf# ours\r\n" + f" {A} \r\n\r\n  # theirs\r\n{B}, {C},\r\n".encode()
    )
    listed = {"CORS_ORIGINS_ADMIN": f" @{path} ", "CORS_ORIGINS": C}

    read = policies(**listed)

    assert read["admin"].origins == (A, B, C)
    assert read["admin"].allowlist.file == str(path)
    assert (read["public"].origins, read["public"].allowlist.file) == ((C,), None)


def test_a_file_with_comments_alone_lists_nobody(path: Path) -> None:
    path.write_text("#\n")

    assert policies(CORS_ORIGINS=f"@{path}")["admin"].origins == ()


def told(variable: str, text: str | bytes, path: Path) -> list[str]:
    """Return the problems of a variable that names a file with this text, its path left out."""
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return [str(p).replace(str(path), "FILE") for p in problems(**{variable: f"@{path}"})]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ["FILE: is empty, as if nothing were written yet; for nobody, write a # into it"]),
        (A, ["FILE: has no line end at its end, as if half of it were written; add it"]),
        (
            f"{A}/\n\nhttps://x, y\n",
            [
                f"FILE line 1 '{A}/': an origin has no path; write {A}",
                "FILE line 3 'y': no scheme; write https:// or http:// in front",
            ],
        ),
        (
            f"*\n{A}\n",
            ["FILE line 1 '*': * allows all of them and stands alone; "
             "delete it or the other entries"],
        ),
        ("*\n", ["FILE: * is no list of origins; write CORS_ORIGINS_ADMIN=*"]),
        (
            "@/etc/other\n",
            ["FILE line 1 '@/etc/other': a file (@/path) is the whole value of a variable; "
             "write origins"],
        ),
        (f"{A},,{B}\n", ["FILE line 1 '': nothing stands between two commas; delete one"]),
        (
            f"{A} # x\n",
            [f"FILE line 1 '{A} # x': a comment needs a line of its own; write {A}"],
        ),
        (
            f"{A}\n\xe4\n".encode("latin-1"),
            ["FILE line 2: not UTF-8, but looks like a Windows code page; save the file as UTF-8"],
        ),
        (
            f"{A}\n".encode("utf-16"),
            ["FILE line 1: not UTF-8, but looks like UTF-16, which PowerShell's > writes; "
             "save the file as UTF-8"],
        ),
    ],
)  # fmt: skip
def test_a_mistake_in_a_file_is_told_with_its_line(
    path: Path, text: str | bytes, expected: list[str]
) -> None:
    assert told("CORS_ORIGINS_ADMIN", text, path) == expected


def test_a_file_that_several_variables_name_is_read_once_and_its_mistakes_are_told_once(
    path: Path,
) -> None:
    path.write_text("x\n")
    named = {"CORS_ORIGINS": f"@{path}", "CORS_ORIGINS_ADMIN": f"@{path}"}
    assert len(problems(**named)) == 1

    path.write_text(f"{A}\n")
    read = policies(**named)
    assert read["admin"].allowlist is read["public"].allowlist


@pytest.mark.parametrize(
    ("value", "wrong"),
    [
        ("@admin.origins", "a file is named by its whole path, as in @/etc/my-api/api.origins"),
        ("@", "a file is named by its whole path, as in @/etc/my-api/api.origins"),
        ("@~/admin.origins", "a file is named by its whole path, as in @/etc/my-api/api.origins"),
        ("@/a\0b", "a file is named by its whole path, as in @/etc/my-api/api.origins"),
        ("@{}/missing", "cannot be read: No such file or directory"),
        ("@{}", "cannot be read: Is a directory"),
        ("@{}/pipe", "is no regular file"),
        ("@{}/link-to-pipe", "is no regular file"),
        ("@{}/link-to-nothing", "cannot be read: No such file or directory"),
        ("@{}/socket", "cannot be read: No such device or address"),
        ("@/dev/null", "is no regular file"),
        ("@{}/large", "is over 32 MiB"),
    ],
)
def test_what_is_no_file_of_origins_stops_the_start(tmp_path: Path, value: str, wrong: str) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link-to-pipe").symlink_to("pipe")
    (tmp_path / "link-to-nothing").symlink_to("nothing")
    with (tmp_path / "large").open("wb") as large:
        large.truncate(settings.MOST_BYTES + 1)
    with socket.socket(socket.AF_UNIX) as listening:
        here = os.getcwd()
        os.chdir(tmp_path)  # the path of a socket is short
        listening.bind("socket")
        os.chdir(here)
        (problem,) = problems(CORS_ORIGINS_ADMIN=value.format(tmp_path))

    assert problem.variable == "CORS_ORIGINS_ADMIN"
    assert (problem.entry, problem.wrong) == (value.format(tmp_path), wrong)


@pytest.mark.skipif(os.getuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read_stops_the_start(path: Path) -> None:
    path.chmod(0)

    (problem,) = problems(CORS_ORIGINS=f"@{path}")
    assert problem.wrong == "cannot be read: Permission denied"


def test_a_file_that_is_written_to_while_it_is_read_stops_the_start(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings, "S_ISREG", lambda _: path.write_text("half") == 4)

    (problem,) = problems(CORS_ORIGINS=f"@{path}")
    assert problem.wrong == "was written to while it was read; start again"


def test_a_file_is_a_value_of_its_own(path: Path) -> None:
    for value in (f"{A}, @{path}", [f"@{path}"], f"@{path}, {A}"):
        assert problems(CORS_ORIGINS=value)


def test_a_file_of_something_else_is_left_after_a_thousand_mistakes(path: Path) -> None:
    path.write_text("2026-11-25 a line of a log\n" * 5_000)

    assert len(problems(CORS_ORIGINS=f"@{path}")) == settings.MOST_PROBLEMS


def test_credentials_are_judged_by_the_rules_for_a_variable(path: Path) -> None:
    path.write_text("http://shop.example.com\n")
    on = {"CORS_SUPPORTS_CREDENTIALS_ADMIN": "true"}

    (problem,) = problems(CORS_ORIGINS=f"@{path}", **on)
    assert problem.code == "http-with-credentials"


def test_what_is_of_no_use_is_warned_of(path: Path) -> None:
    path.write_text(f"{A}\n{A}\nhttps://*.b.example\nhttps://x.b.example\n")

    found = warnings(CORS_ORIGINS=f"@{path}")
    assert [(w.code, w.entry) for w in found] == [
        ("duplicate", A),
        ("redundant", "https://x.b.example"),
    ]


# While it serves


Allowed = Callable[..., list[str]]


@pytest.fixture
def allowed(make_app: MakeApp, path: Path, clock: Clock) -> Allowed:
    """Return which of some origins an application lets in, three seconds later."""
    app = make_app(CORS_ORIGINS_ADMIN=f"@{path}")

    def ask(*origins: str, blueprint: str = "admin") -> list[str]:
        clock.now += 3
        return [origin for origin in origins if may_read(app, origin, blueprint)]

    assert ask(A, B, C) == [A]
    return ask


def may_read(app: Flask, origin: str, blueprint: str = "admin") -> bool:
    answer = app.test_client().get(f"/api/{blueprint}/ok", headers={"Origin": origin})
    return answer.headers.get("Access-Control-Allow-Origin") == origin


def put(path: Path, text: str) -> None:
    """Put another file in the place of one."""
    new = path.with_name("new")
    new.write_text(text)
    new.replace(path)


def changes(caplog: pytest.LogCaptureFixture, path: Path) -> list[str]:
    """Return the lines about a file, without its path."""
    lines = [r.getMessage() for r in caplog.records if str(path) in r.getMessage()]
    assert all(r.levelno == logging.WARNING for r in caplog.records)
    caplog.clear()
    return [line.replace(str(path), "FILE") for line in lines]


def test_another_file_in_its_place_is_read_at_once(
    allowed: Allowed, path: Path, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    put(path, f"{B}\n{C}\n")
    clock.while_asleep = lambda: pytest.fail("the request waits")

    assert allowed(A, B, C) == [B, C]
    assert allowed(LISTED, blueprint="public") == [LISTED]
    assert changes(caplog, path) == [f"CORS: FILE has changed: 2 ({B}, {C}) added, 1 ({A}) removed"]


def test_a_link_that_turns_is_a_change(path: Path, make_app: MakeApp, clock: Clock) -> None:
    """As Kubernetes does: ..data leads to another folder of the same names."""
    for name, origin in (("one", A), ("two", B)):
        (path.parent / name).mkdir()
        (path.parent / name / "list").write_text(f"{origin}\n")
    data, turned = path.with_name("..data"), path.with_name("..data_tmp")
    data.symlink_to("one")
    link = path.with_name("list")
    link.symlink_to("..data/list")
    app = make_app(CORS_ORIGINS_ADMIN=f"@{link}")
    assert may_read(app, A)

    turned.symlink_to("two")
    turned.replace(data)
    clock.now += 3

    assert (may_read(app, A), may_read(app, B)) == (False, True)


def test_what_is_written_in_place_is_taken_once_it_stays_as_it_is(
    allowed: Allowed, path: Path, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    with path.open("a") as file:
        file.write(f"{B}\nhttps://app.example.co")
        file.flush()

        def go_on() -> None:
            file.write("m\n")
            file.flush()

        clock.while_asleep = go_on
        assert allowed(A, B, "https://app.example.co") == [A]
    clock.while_asleep = lambda: None

    assert allowed(A, B, "https://app.example.co", "https://app.example.com") == [
        A, B, "https://app.example.com",
    ]  # fmt: skip
    assert len(changes(caplog, path)) == 1


def test_a_change_in_place_arrives_with_the_first_request_after_a_pause(
    allowed: Allowed, path: Path
) -> None:
    path.write_text(f"{C}\n")

    assert allowed(A, C) == [C]


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("https://half.exam", "has no line end at its end"),
        (f"{B}/\n", f"line 1 '{B}/': an origin has no path; write {B}"),
        ("", "is empty"),
    ],
)
def test_a_wrong_one_changes_nothing_and_is_logged_once(
    allowed: Allowed, path: Path, caplog: pytest.LogCaptureFixture, text: str, wrong: str
) -> None:
    put(path, text)
    for _ in range(3):
        assert allowed(A, B) == [A]
    (line,) = changes(caplog, path)
    assert line.startswith("CORS: FILE has changed, but the list stays as it was: ")
    assert wrong in line

    put(path, f"{A}\n")
    assert allowed(A, B) == [A]
    assert changes(caplog, path) == ["CORS: FILE has changed: none added, none removed"]


def test_a_missing_one_changes_nothing_until_it_is_back(
    allowed: Allowed, path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path.unlink()
    for _ in range(3):
        assert allowed(A) == [A]
    (line,) = changes(caplog, path)
    assert line.endswith(": cannot be read: No such file or directory")

    path.write_text(f"{B}\n")
    assert allowed(A, B) == [B]


def test_a_file_that_was_only_touched_is_no_change(
    allowed: Allowed, path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    os.utime(path, (1, 1))

    assert allowed(A) == [A]
    assert changes(caplog, path) == []


def test_what_is_written_to_while_it_is_read_is_read_again(
    allowed: Allowed, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(path, f"{B}\n")
    with monkeypatch.context() as patch:
        patch.setattr(settings, "S_ISREG", lambda _: bool(path.write_text(f"{C}\n")))
        assert allowed(A, B, C) == [A]

    assert allowed(A, B, C) == [C]


def test_credentials_are_judged_then_too(
    make_app: MakeApp, path: Path, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    app = make_app(CORS_ORIGINS=f"@{path}", CORS_SUPPORTS_CREDENTIALS_ADMIN="true")
    assert may_read(app, A)
    put(path, f"http://plain.example\n{A}\n")
    clock.now += 3

    for blueprint in ("admin", "public"):  # all policies that name it change, or none does
        assert not may_read(app, "http://plain.example", blueprint)
    assert "over http:// anyone on the way" in caplog.text


def test_all_policies_that_name_it_change_and_others_keep_theirs(
    make_app: MakeApp, path: Path, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    other = path.with_name("other")
    other.write_text(f"{C}\n")
    app = make_app(CORS_ORIGINS=f"@{path}", CORS_ORIGINS_ADMIN=f"@{other}")
    assert may_read(app, A, "public")
    other.write_text("wrong\n")
    put(path, f"{B}\n{B}\n")
    clock.now += 3

    assert may_read(app, B, "public")
    assert may_read(app, C, "admin")
    assert "it is listed twice" in caplog.text
    assert [policy.origins for _, policy in app.extensions["cors"].policies] == [(B,), (C,)]


def test_the_lines_about_a_change_are_few(
    allowed: Allowed, path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    listed = [f"https://n{number}.example" for number in range(500)]
    put(path, "\n".join([*listed, *listed, ""]))

    assert allowed(A, listed[0]) == [listed[0]]
    assert len(caplog.records) < 30
    *_, line = changes(caplog, path)
    assert len(line) < 1_000
    assert line.startswith("CORS: FILE has changed: 500 (")
    assert ", ...) added, 1 (https://a.example) removed" in line


def test_no_request_looks_while_somebody_else_does(
    make_app: MakeApp, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Here the thread is a real one."""
    app = make_app(CORS_ORIGINS_ADMIN=f"@{path}")
    assert may_read(app, A)
    monkeypatch.setattr(middleware.Watch, "catch_up", lambda _: pytest.fail("a request looks"))
    put(path, "".join(f"https://n{number}.example\n" for number in range(5_000)))

    end = time.monotonic() + 10
    while not may_read(app, "https://n4999.example"):
        assert time.monotonic() < end
        time.sleep(0.01)


def test_a_process_that_was_forked_looks_for_itself(make_app: MakeApp, path: Path) -> None:
    code = f"""
        import os, sys, threading, time
        from my_api import create_app
        app = create_app({{"CORS_ORIGINS_ADMIN": "@{path}", "PROPAGATE_EXCEPTIONS": False}})
        def allows(origin):
            answer = app.test_client().get("/api/admin/", headers={{"Origin": origin}})
            return "Access-Control-Allow-Origin" in answer.headers
        assert allows("{A}")
        watch = app.wsgi_app.args[1].__self__
        watch._locks[os.getpid()].acquire()  # as if it were reading
        if pid := os.fork():
            sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
        with open("{path}.new", "w") as file:
            file.write("{B}\\n")
        os.replace("{path}.new", "{path}")
        time.sleep(2.1)
        assert allows("{B}")
        with open("{path}.new", "w") as file:
            file.write("{C}\\n")
        os.replace("{path}.new", "{path}")
        time.sleep(1.9)
        assert not allows("{B}"), "no thread looks"
        os._exit(0)
    """
    source = str(Path(settings.__file__).parents[2])
    env = clean_environment(PYTHONPATH=source, PYTHONWARNINGS="ignore")
    command = [sys.executable, "-B", "-c", textwrap.dedent(code)]
    done = subprocess.run(command, env=env, timeout=30, capture_output=True, check=False)

    assert done.returncode == 0, done.stderr.decode()


def test_a_large_file_is_read_within_the_budget(path: Path) -> None:
    path.write_text("".join(f"https://n{n}.a{n % 97}.example.com\n" for n in range(20_000)))
    start = time.perf_counter()
    read = read_settings(BLUEPRINTS, {"CORS_ORIGINS": f"@{path}"})

    assert len(read.policies["admin"].origins) == 20_000
    assert time.perf_counter() - start < 20_000 * 100e-6  # ten times what is expected


def test_the_list_is_the_files(path: Path) -> None:
    other = path.with_name("other")
    other.write_text(path.read_text())
    one, two = (policies(CORS_ORIGINS=f"@{file}")["admin"] for file in (path, other))

    assert one == policies(CORS_ORIGINS=f"@{path}")["public"]
    assert one != two
    assert one != policies(CORS_ORIGINS=A)["admin"]
    assert OriginsFile(str(path)).fault == ""


def test_flask_cors_names_it(make_app: MakeApp, path: Path) -> None:
    app = make_app(CORS_ORIGINS_ADMIN=f"@{path}")

    output = app.test_cli_runner().invoke(args=["cors"]).output
    assert f"from CORS_ORIGINS_ADMIN (create_app, {path})" in " ".join(output.split())


def test_check_names_the_line_that_the_file_lacks(make_app: MakeApp, path: Path) -> None:
    app = make_app(CORS_ORIGINS_ADMIN=f"@{path}")
    page = "https://page.example"

    output = (
        app.test_cli_runner().invoke(args=["cors", "check", page, "GET", "/api/admin/ok"]).output
    )
    assert output.endswith(f"To allow it for admin:\n  # {path}\n  {page}\n")
    path.write_text(f"{path.read_text()}{page}\n")
    app = make_app(CORS_ORIGINS_ADMIN=f"@{path}")
    assert (
        "Yes."
        in app.test_cli_runner().invoke(args=["cors", "check", page, "GET", "/api/admin/ok"]).output
    )


def test_check_names_no_line_that_the_whole_file_forbids(make_app: MakeApp, path: Path) -> None:
    path.write_text("http://plain.example.com\n")
    app = make_app(CORS_ORIGINS_ADMIN=f"@{path}")
    asked = ["https://page.example", "GET", "/api/admin/ok", "--credentials"]

    output = app.test_cli_runner().invoke(args=["cors", "check", *asked]).output
    assert "To allow it" not in output
    assert "; it cannot be allowed: " in " ".join(output.split())


def test_what_was_locked_before_a_fork_locks_no_request_after_it(
    allowed: Allowed, path: Path, monkeypatch: pytest.MonkeyPatch, make_app: MakeApp
) -> None:
    app = make_app(CORS_ORIGINS=f"@{path}")
    assert may_read(app, A)
    watch = app.wsgi_app.__self__  # type: ignore[attr-defined]
    watch._locks[os.getpid()].acquire()
    monkeypatch.setattr(os, "getpid", lambda: 1)

    watch._due = 0
    assert may_read(app, A)
    due = watch._due
    watch.catch_up()  # as a request that waited while another one looked
    assert watch._due == due > 0


def test_what_is_no_list_of_origins_is_judged_in_a_bounded_time(path: Path) -> None:
    for text in (
        "[" + '"https://a.example", ' * 20_000 + "]\n",
        "https://" + "a" * 2_000_000 + "\n",
    ):
        path.write_text(text)
        pauses: list[int] = []
        file = OriginsFile(str(path), lambda: pauses.append(1))  # noqa: B023
        found = Settings(files={str(path): file})
        read_file("CORS_ORIGINS", f"@{path}", found)

        assert 0 < len(found.problems) <= 1_000
        assert len(str(found.problems[0])) < 300
        assert pauses


def test_many_entries_of_one_line_are_judged_with_pauses(path: Path) -> None:
    path.write_text(",".join(f"https://a{number}.example" for number in range(5_000)) + "\n")
    pauses: list[int] = []
    found = Settings(files={str(path): OriginsFile(str(path), lambda: pauses.append(1))})

    assert len(read_file("CORS_ORIGINS", f"@{path}", found).entries) == 5_000
    assert len(pauses) >= 2 * 5_000 // 100


def test_while_a_list_is_judged_after_a_pause_no_request_takes_the_old_one(
    make_app: MakeApp, path: Path
) -> None:
    app = make_app(CORS_ORIGINS=f"@{path}")
    watch = app.wsgi_app.__self__  # type: ignore[attr-defined]
    watch._due = time.monotonic() - 10  # as in a process that was stopped for a while
    watch._give_way()

    assert watch._due < time.monotonic()
    watch._due = time.monotonic() + 1
    watch._give_way()
    assert watch._due > time.monotonic() + 1.5
