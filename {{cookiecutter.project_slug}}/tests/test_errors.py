"""Errors: problem documents, with their headers and their reason, and without secrets."""

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask, abort
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from my_api import errors


def answer_of(view: Callable[[], Any], debug: bool = False) -> TestResponse:
    """Return the answer of a view in an application of its own: no hook of yours has a say."""
    app = Flask("errors")
    app.debug = debug
    errors.init_app(app)
    app.add_url_rule("/", view_func=view)
    return app.test_client().get("/")


def test_an_error_is_a_problem_document(views: FlaskClient) -> None:
    # DELETE, since a route for every path (that of a single-page front end) answers a GET.
    answer = views.delete("/nowhere")

    assert answer.content_type == "application/problem+json"
    assert answer.get_json()["status"] == answer.status_code


def test_an_error_keeps_its_headers_and_its_reason() -> None:
    answer = answer_of(lambda: abort(503, "Closed for today.", retry_after=5))

    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
    assert "Closed for today." in answer.text


@pytest.mark.parametrize("debug", [False, True])
def test_an_unhandled_exception_is_logged_and_tells_no_secret(
    monkeypatch: pytest.MonkeyPatch, debug: bool
) -> None:
    logged: list[object] = []
    monkeypatch.setattr(Flask, "log_exception", lambda _, exception: logged.append(exception))

    answer = answer_of(lambda: int("a secret"), debug)

    assert (answer.status_code, len(logged)) == (500, 1)
    assert "a secret" not in answer.text
