"""The two views that each blueprint begins with."""

import pytest
from flask import Flask

BLUEPRINTS = ["public", "admin"]


@pytest.mark.parametrize("name", BLUEPRINTS)
def test_index_answers(app: Flask, name: str) -> None:
    assert app.test_client().get(f"/api/{name}/").json == {"blueprint": name}


@pytest.mark.parametrize("name", BLUEPRINTS)
@pytest.mark.parametrize(
    ("body", "content_type", "status"),
    [
        ('{"name": "Ada"}', "application/json", 200),
        ("{", "application/json", 400),
        ("[]", "application/json", 400),
        ("name=Ada", "application/x-www-form-urlencoded", 415),
    ],
)
def test_echo_returns_an_object_and_refuses_anything_else(
    app: Flask, name: str, body: str, content_type: str, status: int
) -> None:
    answer = app.test_client().post(f"/api/{name}/echo", data=body, content_type=content_type)

    assert answer.status_code == status
    if status == 200:
        assert answer.json == {"name": "Ada"}
    else:
        assert answer.mimetype == "application/problem+json"
