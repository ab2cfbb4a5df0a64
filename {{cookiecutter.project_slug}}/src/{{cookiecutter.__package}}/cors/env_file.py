"""The .env file: each of its lines is read, or the start is refused."""

from pathlib import Path

from dotenv import load_dotenv
from dotenv.parser import parse_stream

from .problems import ConfigurationError, Problem


def load_env(path: Path) -> None:
    """Add what a file sets, if it is there, to the environment; what that holds already stays.

    Raises ConfigurationError for lines that python-dotenv would skip: without its own list, a
    blueprint would have the shared one.
    """
    if not path.exists():
        return
    wrong = "not NAME=value; quotes, if any, stand around the whole value"
    encoding = "utf-8-sig"  # some editors begin a file with a mark, which is part of no name
    with path.open(encoding=encoding) as file:
        problems = [
            Problem(f"line {binding.original.line}", "line", wrong)
            for binding in parse_stream(file)
            if binding.error or (binding.key and binding.value is None)
        ]
    if problems:
        raise ConfigurationError(problems, subject=path.name)
    load_dotenv(path, encoding=encoding)
