"""Every error is application/problem+json."""

import logging
from typing import NoReturn

import pytest
from flask import Flask, Response, abort
from werkzeug.exceptions import HTTPException, ServiceUnavailable

from .conftest import MakeApp

PROBLEM_JSON = "application/problem+json"


def test_an_unknown_path_is_a_problem(app: Flask) -> None:
    answer = app.test_client().get("/nowhere")

    assert answer.content_type == PROBLEM_JSON
    assert answer.json == {
        "type": "about:blank",
        "title": "Not Found",
        "status": 404,
        "detail": "The requested URL was not found on the server. If you entered the URL "
        "manually please check your spelling and try again.",
    }


def test_a_wrong_method_keeps_its_allow_header(app: Flask) -> None:
    answer = app.test_client().delete("/health")

    assert (answer.status_code, answer.content_type) == (405, PROBLEM_JSON)
    assert {"GET", "HEAD", "OPTIONS"} == set(answer.headers["Allow"].split(", "))


def test_abort_names_its_reason(app: Flask) -> None:
    @app.get("/teapot")
    def teapot() -> NoReturn:
        abort(418, "Short and stout.")

    answer = app.test_client().get("/teapot")

    assert (answer.status_code, answer.content_type) == (418, PROBLEM_JSON)
    assert answer.json is not None
    assert answer.json["detail"] == "Short and stout."


def test_a_reason_may_be_an_object_that_makes_its_text_late(app: Flask) -> None:
    """Translations are such objects."""

    class Late:
        def __str__(self) -> str:
            return "Kurz und rund."

    @app.get("/teapot")
    def teapot() -> NoReturn:
        abort(418, Late())

    answer = app.test_client().get("/teapot")

    assert (answer.status_code, answer.get_json()["detail"]) == (418, "Kurz und rund.")


def test_a_status_without_a_name_has_no_title(app: Flask) -> None:
    class Unnamed(HTTPException):
        code = 499

    @app.get("/unnamed")
    def unnamed() -> NoReturn:
        raise Unnamed("gone")

    answer = app.test_client().get("/unnamed")

    assert answer.json == {"type": "about:blank", "status": 499, "detail": "gone"}


def test_headers_of_an_error_are_kept(app: Flask) -> None:
    @app.get("/busy")
    def busy() -> NoReturn:
        raise ServiceUnavailable(retry_after=5)

    answer = app.test_client().get("/busy")

    assert (answer.content_type, answer.headers["Retry-After"]) == (PROBLEM_JSON, "5")


def test_a_finished_response_is_left_as_it_is(app: Flask) -> None:
    @app.get("/abort")
    def abort_with_it() -> NoReturn:
        abort(Response("wait", 503))

    @app.get("/raise")
    def raise_it() -> NoReturn:
        raise ServiceUnavailable(response=Response("wait", 503))

    for path in ("/abort", "/raise"):
        answer = app.test_client().get(path)
        assert (answer.status_code, answer.text) == (503, "wait")


@pytest.mark.parametrize("debug", [False, True])
def test_an_unhandled_exception_is_logged_and_answered(
    make_app: MakeApp, caplog: pytest.LogCaptureFixture, debug: bool
) -> None:
    app = make_app(TESTING=False, DEBUG=debug)

    @app.get("/boom")
    def boom() -> NoReturn:
        raise RuntimeError("a secret")

    answer = app.test_client().get("/boom")

    assert (answer.status_code, answer.content_type) == (500, PROBLEM_JSON)
    assert "secret" not in answer.text
    assert [record.levelno for record in caplog.records] == [logging.ERROR]
    assert "a secret" in caplog.text


@pytest.mark.parametrize(
    ("config", "late"),
    [
        ({"TESTING": True}, {}),
        ({"TESTING": True, "DEBUG": True}, {}),
        ({"TESTING": False}, {"TESTING": True}),
        ({"TESTING": False, "DEBUG": True, "PROPAGATE_EXCEPTIONS": True}, {}),
    ],
)
def test_an_unhandled_exception_propagates_under_testing_or_where_it_shall(
    make_app: MakeApp, config: dict[str, bool], late: dict[str, bool]
) -> None:
    app = make_app(**config)
    app.config.update(late)

    @app.get("/boom")
    def boom() -> NoReturn:
        raise RuntimeError("a secret")

    with pytest.raises(RuntimeError, match="a secret"):
        app.test_client().get("/boom")
