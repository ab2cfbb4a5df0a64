"""What is wrong with a setting: the line that a person reads, and the exception that holds all."""

import json
import os
import signal
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from threading import Lock
from time import monotonic, sleep
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from flask import Flask

QUOTED_LENGTH = 100
PROBLEMS_PRINTED = 20
HOUR = 3600.0
LINES_AN_HOUR = 100  # of one kind, for a blueprint
NEAR_MISSES_AN_HOUR = 3  # of one listed entry, besides

Kind = tuple[str, str]  # of lines: a blueprint, and what they are about


@dataclass(frozen=True)
class Problem:
    """What is wrong with a setting, as data; `str()` makes the line that a person reads.

    `code` is a stable word for the rule that was broken, `wrong` the sentence, `write` what to
    write instead, where that is certain; `position` counts the entries of a list from 1.
    """

    variable: str
    code: str
    wrong: str
    write: str | None = None
    entry: str | None = None
    position: int | None = None

    def __str__(self) -> str:
        where = self.variable if self.variable.isprintable() else quoted(self.variable)
        if self.position is not None:
            where += f", entry {self.position}"
        if self.entry is not None:
            where += f" {quoted(self.entry)}"
        return f"{where}: {self.wrong}" + (f"; write {self.write}" if self.write else "")


def quoted(text: str) -> str:
    """Return a text in quotes on one line, shortened to `QUOTED_LENGTH` characters."""
    if len(text) > QUOTED_LENGTH:
        text = text[: QUOTED_LENGTH - 3] + "..."
    return ascii(text) if not text.isprintable() else repr(text)


def described(value: object) -> str:
    """Return a value of other people's code, as `quoted` has it."""
    try:
        return quoted(repr(value))
    except Exception:
        return f"a {type(value).__name__}"


class ConfigurationError(ValueError, click.ClickException):
    """The configuration cannot work: `problems` holds every reason as data.

    The message has a line for each. The `flask` command prints it without a traceback, as it does
    for every `click.ClickException`; elsewhere it is a ValueError.
    """

    def __init__(self, problems: Sequence[Problem], subject: str = "CORS configuration") -> None:
        self.problems = tuple(problems)
        count = len(problems)
        lines = [f"{subject} has {count} problem{'s' if count > 1 else ''}:"]
        lines += map(str, problems[:PROBLEMS_PRINTED])
        lines += [f"and {count - PROBLEMS_PRINTED} more"] if count > PROBLEMS_PRINTED else []
        click.ClickException.__init__(self, "\n  ".join(lines))

    def until_saved(self) -> "Flask":
        """Return a Flask application that answers with the problems, until a save mends them.

        Only the process that the reloader of `flask run` starts gets it. Other processes of `flask`
        get this exception, and a server is ended, with the problems alone on stderr.
        """
        from flask import Flask, Response  # not there when a project is generated

        cli = os.environ.get("FLASK_RUN_FROM_CLI")
        if cli == "true" and os.environ.get("WERKZEUG_RUN_MAIN") != cli:
            raise self
        if os.environ.get("SERVER_SOFTWARE", "").startswith("gunicorn"):
            # Its workers fail alike: one of them says why, and gunicorn then ends the others, which
            # wait. With this code it does not start them again.
            signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
            sleep(1 + os.getpid() % 16 / 10)
            click.echo(f"Error: {self.message}", err=True)
            os._exit(3)
        click.echo(f"Error: {self.message}", err=True)
        if cli != "true":
            raise SystemExit(1)
        problem = {"type": "about:blank", "title": "Internal Server Error", "status": 500}
        body = json.dumps({**problem, "detail": self.message})
        answer = Response(body, 500, content_type="application/problem+json")
        app = Flask("problems")
        app.wsgi_app = answer  # type: ignore[method-assign]
        return app


class Log:
    """The lines about requests: each once an hour, and no more of a kind than people can read.

    What is near to a listed entry has some lines of that entry's own, so that no flood of invented
    origins hides a front end that is set up wrong.
    """

    def __init__(self, app: "Flask") -> None:
        self.app = app
        self._ends = 0.0  # the hour
        self._told: set[tuple[Kind, str]] = set()
        self._lines: Counter[tuple[Kind, str]] = Counter()
        self._held_back: Counter[Kind] = Counter()
        self._lock = Lock()

    def warn(
        self,
        kind: Kind,
        key: str,
        line: Callable[[], str],
        near: Callable[[], str | None] = lambda: None,
        error: Exception | None = None,
    ) -> None:
        """Log a line, unless one of this kind and key was, or too many of the kind."""
        with self._lock:
            if (now := monotonic()) >= self._ends:
                self._ends = now + HOUR
                self._told.clear()
                self._lines.clear()
            if (kind, key) in self._told:
                return
            entry = near() or ""
            if entry and self._lines[kind, entry] >= NEAR_MISSES_AN_HOUR:
                entry = ""
            if not entry and self._lines[kind, entry] == LINES_AN_HOUR:
                self._held_back[kind] += 1
                return
            self._told.add((kind, key))
            self._lines[kind, entry] += 1
            held_back = self._held_back.pop(kind, 0)
        more = f" ({held_back} more were not logged)" if held_back else ""
        if error:  # whose words may be a client's
            error = RuntimeError(described(error)).with_traceback(error.__traceback__)
        self.app.logger.warning("CORS: blueprint %r %s%s", kind[0], line(), more, exc_info=error)
