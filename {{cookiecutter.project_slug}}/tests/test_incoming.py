"""What is believed of a request: proxies in front, its host, the size and depth of a body."""

from io import BytesIO
from typing import Any

import pytest
from flask import Flask, request
from werkzeug.test import TestResponse

from my_api import incoming
from my_api.cors import ConfigurationError

from .conftest import make_app


def ask(config: dict[str, Any], **sent: Any) -> TestResponse:
    """Send a request to an application of its own under these settings."""
    app = Flask("incoming")
    app.config.update(config)
    incoming.init_app(app)

    @app.post("/")
    def view() -> list[Any]:
        return [request.remote_addr, request.host_url, request.is_json and request.get_json()]

    return app.test_client().post("/", **sent)


def test_a_proxy_is_believed_only_where_it_is_trusted() -> None:
    told = {"X-Forwarded-For": "203.0.113.9", "X-Forwarded-Host": "api.example.com"}

    answers = [ask({"TRUSTED_PROXY_HOPS": hops}, headers=told).get_json()[:2] for hops in (0, 1)]

    assert answers[0] == ["127.0.0.1", "http://localhost/"]
    assert answers[1] == ["203.0.113.9", "http://api.example.com/"]


@pytest.mark.parametrize(("body", "status"), [(b"[1,2,3]", 200), (b"[1, 2, 3, 4]", 413)])
def test_a_body_that_is_too_long_is_refused_in_chunks_too(body: bytes, status: int) -> None:
    chunks = {"input_stream": BytesIO(body), "environ_overrides": {"wsgi.input_terminated": True}}

    for sent in ({"data": body}, chunks):
        answer = ask({"MAX_CONTENT_LENGTH": 10}, content_type="application/json", **sent)
        assert answer.status_code == status


@pytest.mark.parametrize(("levels", "status"), [(500, 200), (501, 400), (200_000, 400)])
def test_json_that_is_nested_too_deeply_is_refused(levels: int, status: int) -> None:
    body = b"[" * levels + b"]" * levels

    assert ask({}, data=body, content_type="application/json").status_code == status


@pytest.mark.parametrize(
    ("name", "value"),
    [("TRUSTED_PROXY_HOPS", "one"), ("MAX_CONTENT_LENGTH", -1), ("TRUSTED_HOSTS", "a, b")],
)
def test_a_limit_that_cannot_work_stops_the_start(name: str, value: object) -> None:
    with pytest.raises(ConfigurationError, match=f"FLASK_{name}"):
        ask({name: value})


def test_the_application_has_such_limits() -> None:
    assert make_app({}).config["MAX_CONTENT_LENGTH"] is not None
