"""The .env file: every line of it counts, or the start is refused, and no other .env counts.

The `flask` command reads an .env and a .flaskenv before any code of the project runs, and what was
in them is in the environment of the process that its reloader starts. Both are taken back here.
"""

import os
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from difflib import get_close_matches
from io import StringIO
from itertools import accumulate
from pathlib import Path
from threading import Thread
from time import sleep

import click
from dotenv import find_dotenv, load_dotenv
from dotenv.parser import Binding, parse_stream
from flask.helpers import get_debug_flag
from werkzeug.serving import is_running_from_reloader

from .problems import QUOTED_LENGTH, ConfigurationError, Problem
from .settings import IGNORE, OWN_SUFFIXES, READERS, decoded, names_in

# From the `flask run` that watches to the process that it starts: the names that files have set,
# and the path of the .env. No value is in it, and that process hands it on to no other.
KEPT = "_NAMES_FROM_ENV_FILES"
SKIP = "FLASK_SKIP_DOTENV"

# What the last call of `load_env` has read: the files, and each name with its value and its place.
files: list[Path] = []
_places: dict[str, tuple[str, str]] = {}

_OPTIONS = (*(f"CORS_{option}" for option in READERS), IGNORE, OWN_SUFFIXES)
_NAME = "([A-Za-z_][A-Za-z0-9_]*)"
_SETTING = re.compile(rf"\s*(?:export\s+)?{_NAME}\s*=(.*)")
# What was meant to set a name: a kind of line, the name and the value seen in it, the words.
_MEANT = (
    ("invisible", rf"{_NAME}\s*=\s*(.*)", "an invisible character is in front of the ="),
    ("windows", rf"(?i:\$env:|setx?\s+){_NAME}\s*=\s*(.*)", "this is how Windows sets a variable"),
    ("quotes", rf"['\"]{_NAME}['\"]\s*=\s*(.*)", "a name has no quotes"),
    ("colon", rf"{_NAME}\s*:\s+(.*)", "a name ends with =, not with a colon"),
    ("marks", r"(?:export\s+)?([A-Za-z_][\w.-]*)\s*=\s*(.*)", "a name has no hyphens or dots"),
)
# What editors show as the end of a line, and is none.
_LINE_ENDS = "[\x0b\x0c\x1c-\x1e\x85\u2028\u2029]"


def load_env(path: Path) -> None:
    """Add what a file sets, if it is there, to the environment; what that holds already stays.

    Under `flask run` with its reloader an edit of it starts the server again. Raises
    ConfigurationError with every line that would not count as it stands: without its own list, a
    blueprint would have the shared one.
    """
    command = click.get_current_context(silent=True)
    told = command.params.get("reload") if command and command.info_name == "run" else False
    reloads = get_debug_flag() if told is None else told
    if reloads and is_running_from_reloader():
        # Its `--extra-files` see no file that is removed, made anew, or older than it was.
        Thread(target=_watch, args=(path, _content(path)), daemon=True).start()
    names, flaskenv = _read_by_flask(path)
    text = _read(path)
    own = {name: value for name, value in os.environ.items() if name not in names}
    if problems := [*_problems(text, own)]:
        raise ConfigurationError(problems, path.name)
    for name in names:
        os.environ.pop(name, None)
    files[:] = filter(Path.exists, [path, *flaskenv])
    _places.clear()
    for file, lines in {path: text, **flaskenv}.items():
        given = {*os.environ}
        load_dotenv(stream=StringIO(lines))
        for number, _, binding in _bindings(lines):
            if binding.key and binding.key not in given:
                _places[binding.key] = os.environ[binding.key], f"{file.name} line {number}"
    if reloads and not is_running_from_reloader():
        # What `flask` would read there is read here, where a file that is broken can be told.
        skip = [] if SKIP in os.environ else [SKIP]
        os.environ |= {KEPT: f"{','.join([*_places, *skip])}:{path}", SKIP: "1"}


def places() -> dict[str, str]:
    """Return where the names stand that the environment has from a file: ``.env line 5``."""
    return {n: place for n, (value, place) in _places.items() if value == os.environ.get(n)}


def _watch(path: Path, content: bytes | None) -> None:
    """End this process as the reloader does, which starts it again, once a file has changed."""
    while _content(path) == content:
        sleep(0.5)
    click.echo(f" * Detected change in {str(path)!r}, reloading", err=True)
    os._exit(3)


def _content(path: Path) -> bytes | None:
    with suppress(OSError):
        return path.read_bytes()
    return None


def _read_by_flask(path: Path) -> tuple[set[str], dict[Path, str]]:
    """Return the names that the `flask` command has set from files, and the text of a .flaskenv."""
    if os.environ.get("FLASK_RUN_FROM_CLI") != "true":
        return set(), {}
    kept, _, of = os.environ.pop(KEPT, "").partition(":")
    names = {*kept.split(",")} if is_running_from_reloader() and of == str(path) else set()
    if SKIP in os.environ.keys() - names:
        return names, {}  # `flask` has read nothing
    flaskenv, env = (find_dotenv(name, usecwd=True) for name in (".flaskenv", ".env"))
    texts = {Path(file): _read(Path(file)) for file in (flaskenv, env) if file}
    read = {b.key: b.value or "" for t in texts.values() for _, _, b in _bindings(t) if b.key}
    own = _names_at_start()
    other = [name for name in read if name.startswith("CORS_")]
    if not own and env and other and Path(env).resolve() != path.resolve():
        wrong = f"is read by `flask`, and by nothing else; move {', '.join(other)} to {path}"
        raise ConfigurationError([Problem(env, "other-env", wrong)], path.name)
    for name, value in read.items():
        if name not in own and ("${" in value or value == os.environ.get(name)):
            names.add(name)
    return names, {file: text for file, text in texts.items() if str(file) == flaskenv}


def _names_at_start() -> set[str]:
    """Return the names that this process was started with; none where the system does not tell."""
    given = (_content(Path("/proc/self/environ")) or b"").decode(errors="surrogateescape")
    return {entry.partition("=")[0] for entry in given.split("\0") if entry}


def _read(path: Path) -> str:
    """Return the text of a file, with line ends as Python has them; none if there is no file."""
    try:
        data = path.read_bytes()
    except OSError as error:
        if isinstance(error, FileNotFoundError) and not path.is_symlink():
            return ""
        wrong = f"cannot be read: {error.strerror}"
        if isinstance(error, FileNotFoundError):
            wrong = f"is a link to {path.readlink()}, where nothing is"
        raise ConfigurationError([Problem(str(path), "unreadable", wrong)], path.name) from None
    return decoded(data, subject=path.name)


def _bindings(text: str) -> Iterator[tuple[int, str, Binding]]:
    """Yield what sets a name, or was meant to: the number of its line, its text, its parts."""
    for binding in parse_stream(StringIO(text)):
        whole, raw = binding.original.string, binding.original.string.strip()
        if raw and not raw.startswith("#"):
            yield binding.original.line + whole[: whole.index(raw)].count("\n"), raw, binding


def _problems(text: str, environ: Mapping[str, str]) -> Iterator[Problem]:
    for odd in re.finditer(_LINE_ENDS, text):
        wrong = f"holds U+{ord(odd[0]):04X}, which editors show as the end of a line; delete it"
        yield Problem(f"line {text.count(chr(10), 0, odd.start()) + 1}", "line-end", wrong)
    values = {binding.key: binding.value for _, _, binding in _bindings(text)}
    others = names_in(environ.get(IGNORE) or values.get(IGNORE) or "")
    lines: dict[str, int] = {}
    for number, raw, binding in _bindings(text):
        where, name, value = f"line {number}", binding.key, binding.value
        if binding.error or not name or value is None or not _SETTING.match(raw):
            yield _unreadable(where, raw.partition("\n")[0])
            continue
        if name in lines:
            yield Problem(where, "twice", f"sets {name}, as line {lines[name]} does; delete one")
        for other in re.finditer(r"\$\{([^}:]*)\}", value):
            if other[1] not in lines and other[1] not in environ:
                shown = other[0] if name.startswith("CORS_") else "${...}"  # of a password, say
                wrong = f"needs {shown}, which is not set; set it above, or in the environment"
                yield Problem(where, "unset", wrong)
        for further, line in enumerate(raw.split("\n")[1:], start=number + 1):
            setting = _SETTING.match(line)  # and no end of a key in Base64
            is_setting = setting and (setting[2].strip("='\" ") or "_" in setting[1])
            if is_setting or re.search(r"(?i)cors[\w.-]*\s*[=:]", line):
                wrong = f"is inside the quotes of line {number}; close them there, or write \\n"
                yield Problem(f"line {further}", "swallowed", wrong)
        is_bare = raw.partition("=")[2].strip()[:1] not in ("'", '"')
        if is_bare and (more := re.search(r"[\s;](CORS_\w+)\s*=", value)):
            yield Problem(where, "two", f"a line sets one name; give {more[1]} a line of its own")
        is_other = name in others or name.startswith(("CORS_", "FLASK_CORS_"))
        if not is_other and (meant := _meant(name)):
            wrong = f"{name} is no setting; did you mean {meant}? If not, add it to {IGNORE}"
            yield Problem(where, "slip", wrong)
        lines.setdefault(name, number)


def _unreadable(where: str, line: str) -> Problem:
    visible = "".join(filter(str.isprintable, line))
    for code, pattern, words in _MEANT:
        if found := re.fullmatch(pattern, visible):
            name = re.sub("[-.]", "_", found[1])
            name = _meant(name) or name
            write = f"{name}={found[2]}"
            if not any(binding.error for _, _, binding in _bindings(write)):
                is_secret = not name.startswith(_OPTIONS) or len(write) > QUOTED_LENGTH
                return Problem(where, code, words, f"{name}=..." if is_secret else write)
    return Problem(where, "line", "not NAME=value; quotes, if any, stand around the whole value")


def _meant(name: str) -> str | None:
    """Return the setting that a name is one slip away from; `settings` judges those of CORS_*."""
    upper = name.upper()
    for head in accumulate(upper.split("_"), "{}_{}".format):
        near = get_close_matches(head, _OPTIONS, n=1, cutoff=0.9)
        if near and abs(len(near[0]) - len(head)) <= 1:
            return near[0] + upper.removeprefix(head)
    return None
