"""A problem is one line that a person reads; all problems are one exception."""

import click
import pytest
from my_api.cors.problems import ConfigurationError, quoted

from .reading import APP, policies, problems


def test_a_command_prints_the_exception_and_all_others_see_a_value_error() -> None:
    assert issubclass(ConfigurationError, click.ClickException)
    assert issubclass(ConfigurationError, ValueError)


@pytest.mark.parametrize(("count", "words"), [(1, "1 problem:"), (2, "2 problems:")])
def test_one_problem_is_one(count: int, words: str) -> None:
    with pytest.raises(ConfigurationError, match=rf"^CORS configuration has {words}\n"):
        policies(CORS_ORIGINS=["nonsense"] * count)


@pytest.mark.parametrize(("count", "more"), [(20, []), (21, ["  and 1 more"])])
def test_twenty_problems_are_printed_and_the_rest_counted(count: int, more: list[str]) -> None:
    with pytest.raises(ConfigurationError) as raised:
        policies(CORS_ORIGINS=["nonsense"] * count)

    lines = str(raised.value).splitlines()
    assert len(raised.value.problems) == count
    assert (len(lines[1:21]), lines[21:]) == (20, more)


def test_a_name_that_cannot_be_printed_is_quoted() -> None:
    (problem,) = problems(**{"CORS_\n": APP})

    assert str(problem).startswith(r"'CORS_\n': is not a setting")


@pytest.mark.parametrize(
    ("text", "quotes"),
    [
        ("é", "'é'"),
        ("é\u200b", r"'\xe9\u200b'"),
        ("x" * 100, f"'{'x' * 100}'"),
        ("x" * 101, f"'{'x' * 97}...'"),
    ],
)
def test_what_can_be_seen_is_quoted_as_it_is(text: str, quotes: str) -> None:
    assert quoted(text) == quotes


def test_a_problem_quotes_a_hundred_characters_on_one_line() -> None:
    (problem,) = problems(CORS_ORIGINS="x\n" * 5000)

    assert problem.entry == ("x\n" * 5000).strip()
    assert len(str(problem)) < 300
    assert "\n" not in str(problem)
