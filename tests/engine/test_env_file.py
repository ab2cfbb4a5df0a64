"""The .env file: every line of it counts, or the start is refused."""

import os
import re
import string
from pathlib import Path

import pytest
from dotenv import dotenv_values
from flask import Blueprint, Flask
from hypothesis import given
from hypothesis import strategies as st
from my_api.cors import ConfigurationError, env_file, init_app, load_env

A = "https://a.example"


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the file lies; what a test loads from it is taken back."""
    monkeypatch.setattr(os, "environ", {"CORS_MAX_AGE": "60", "SET": "here"})
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
            f'this is how PowerShell sets a variable; write CORS_ORIGINS="{A}"',
        ),
        (
            f"set CORS_ORIGINS={A}",
            f"this is how a shell of Windows sets it; write CORS_ORIGINS={A}",
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
        "line 3: is inside the quotes that line 1 opens; close them there"
    ]


def test_a_value_of_several_lines_is_one(path: Path) -> None:
    key = "-----BEGIN KEY-----\nMIIB+/a\nQUJD==\nQUI="
    path.write_text(f'KEY="{key}"\nB=1\n')

    load_env(path)

    assert (os.environ["KEY"], os.environ["B"]) == (key, "1")


def test_a_name_in_a_value_must_be_set(path: Path) -> None:
    text = "A=${SET}${NONE:-x}\nB=${A}\nCORS_ORIGINS=https://app.${DOMAIN}\nC='${D}'\nD=1\n"

    assert refused(path, text) == [
        "line 3: needs ${DOMAIN}, which is not set; set it on a line above",
        "line 4: needs ${D}, which is not set; set it on a line above",
    ]


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("CROS_ORIGINS", "CORS_ORIGINS"),
        ("CROS_ORIGINS_ADMIN", "CORS_ORIGINS_ADMIN"),
        ("CORSORIGINS_ADMIN", "CORS_ORIGINS_ADMIN"),
        ("ORS_MAX_AGE", "CORS_MAX_AGE"),
        ("ADMIN_CORS_ORIGINS", "CORS_ORIGINS_ADMIN"),
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


@pytest.mark.parametrize("name", ["CORE_URL", "CORS", "COLOR_MODE", "ORIGINS", "MY_ORIGINS", "C"])
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
        (b"A=1\nB=\x00\n", "line 2: not UTF-8, but looks like UTF-16"),
    ],
)
def test_another_encoding_is_named(path: Path, data: bytes, words: str) -> None:
    (problem,) = refused(path, data)

    assert problem.startswith(words)
    assert problem.endswith("UTF-8")


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
    assert env_file.source_of("B") == ".env line 3"
    assert env_file.source_of("SET") == "environment"
    os.environ["B"] = "2"
    assert env_file.source_of("B") == "environment"


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
    assert start(CORS_IGNORE="CORS_ORIGINS_ADMIN, CORS_*") == [
        "CORS_IGNORE 'CORS_ORIGINS_ADMIN': is a setting of this project; delete it",
        "CORS_IGNORE 'CORS_*': is no name of a variable; delete it",
    ]


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


@given(text=st.lists(LINES, max_size=5).map("\n".join))
def test_a_file_that_is_accepted_is_read_line_by_line(
    text: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "environ", {})
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
