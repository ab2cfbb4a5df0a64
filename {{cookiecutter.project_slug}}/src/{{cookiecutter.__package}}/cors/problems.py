"""What is wrong with a setting: the line that a person reads, and the exception that holds all."""

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from flask import Flask

QUOTED_LENGTH = 100
PROBLEMS_PRINTED = 20


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

        Only the process that the reloader of `flask run` starts gets it; elsewhere this raises.
        """
        from flask import Flask, Response  # not there when a project is generated

        cli = os.environ.get("FLASK_RUN_FROM_CLI")
        if cli != "true" or os.environ.get("WERKZEUG_RUN_MAIN") != cli:
            raise self
        click.echo(f"Error: {self.message}", err=True)
        problem = {"type": "about:blank", "title": "Internal Server Error", "status": 500}
        body = json.dumps({**problem, "detail": self.message})
        app = Flask("problems")
        app.wsgi_app = Response(  # type: ignore[method-assign]
            body, 500, content_type="application/problem+json"
        )
        return app
