"""Every error is application/problem+json (RFC 9457), with the headers that belong to it."""

import json

from flask import Flask, Response
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import HTTPException
from werkzeug.http import HTTP_STATUS_CODES

PROBLEM_JSON = "application/problem+json"


def init_app(app: Flask) -> None:
    """Answer errors as problem details: those of routing, of `abort()`, and unhandled exceptions.

    An unhandled exception is logged with its traceback and answered with 500, in debug mode too.
    It propagates where ``PROPAGATE_EXCEPTIONS`` is true, by default under ``TESTING``.
    """
    if app.config["PROPAGATE_EXCEPTIONS"] is None and app.debug and not app.testing:
        app.config["PROPAGATE_EXCEPTIONS"] = False
    app.register_error_handler(HTTPException, answer_with_problem)


def answer_with_problem(error: HTTPException) -> ResponseReturnValue:
    """Return the answer of an HTTP error with problem details for a body.

    An error that carries a finished response is answered with that one.
    """
    if error.response is not None:
        return error
    status = error.code or 500
    response = Response(problem_body(status, error.description), status)
    response.headers.extend(error.get_headers())
    response.content_type = PROBLEM_JSON
    return response


def problem_body(status: int, detail: str | None = None) -> bytes:
    """Return problem details as JSON: the status, its name and, if there is one, a sentence."""
    title = HTTP_STATUS_CODES.get(status)
    members = {"type": "about:blank", "title": title, "status": status, "detail": detail}
    return json.dumps({k: v for k, v in members.items() if v is not None}, default=str).encode()
