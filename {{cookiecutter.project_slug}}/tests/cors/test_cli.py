"""`flask cors` shows the policies, `flask cors check` says what a page sees."""

import pytest
from flask import Flask

from {{ cookiecutter.__package }}.blueprints import BLUEPRINTS
from {{ cookiecutter.__package }}.cors.policy import variable_name

from ..conftest import LISTED, MakeApp

NAME = BLUEPRINTS[0].name
PATH = f"{BLUEPRINTS[0].url_prefix}/"


def run(app: Flask, *arguments: str) -> tuple[int, str]:
    result = app.test_cli_runner().invoke(args=["cors", *arguments])
    return result.exit_code, result.output


def test_the_policies_are_shown_with_the_variables_that_decided(make_app: MakeApp) -> None:
    app = make_app({"CORS_MAX_AGE": "9000", "CORS_EXPOSE_HEADERS": "X-Request-Id"})
    code, output = run(app)

    assert code == 0
    for blueprint in BLUEPRINTS:
        assert f"\n{blueprint.name}  {blueprint.url_prefix}\n" in f"\n{output}"
    rows = [line.split() for line in output.splitlines()]
    assert ["origins", LISTED, "CORS_ORIGINS"] in rows
    assert ["expose_headers", "X-Request-Id", "CORS_EXPOSE_HEADERS"] in rows
    assert ["enforce", "yes", "default"] in rows
    assert output.endswith(
        "Warning: CORS_MAX_AGE '9000': browsers remember a preflight for 7200 seconds at most\n"
    )


def test_nobody_and_none_are_words(make_app: MakeApp) -> None:
    app = make_app({"CORS_ORIGINS": "", "CORS_ALLOW_HEADERS": "", "CORS_ENFORCE": "no"})
    rows = [line.split() for line in run(app)[1].splitlines()]

    assert ["origins", "nobody", "CORS_ORIGINS"] in rows
    assert ["allow_headers", "none", "CORS_ALLOW_HEADERS"] in rows
    assert ["enforce", "no", "CORS_ENFORCE"] in rows


def test_check_says_yes(app: Flask) -> None:
    assert run(app, "check", LISTED, "PUT", PATH, "-H", "Content-Type") == (
        0,
        f"Yes: CORS_ORIGINS lists {LISTED} for {NAME}.\n",
    )


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["https://stranger.example", "GET", PATH], "is not in CORS_ORIGINS"),
        ([LISTED, "PURGE", PATH], f"'PURGE' is not in {variable_name('METHODS', NAME)}"),
        (
            [LISTED, "GET", PATH, "-H", "X-A"],
            f"'x-a' is not in {variable_name('ALLOW_HEADERS', NAME)}",
        ),
        ([LISTED, "GET", PATH, "--credentials"], "the answer does not allow credentials"),
        ([LISTED, "GET", "/health"], "/health is under no blueprint"),
    ],
)
def test_check_says_no_and_why(app: Flask, arguments: list[str], reason: str) -> None:
    code, output = run(app, "check", *arguments)

    assert code == 1
    assert output.startswith("No: ")
    assert reason in output


def test_check_diagnoses_an_origin_that_is_none(app: Flask) -> None:
    code, output = run(app, "check", f"{LISTED}/", "GET", PATH)

    assert code == 2
    assert f"an origin has no path; write {LISTED}" in output
