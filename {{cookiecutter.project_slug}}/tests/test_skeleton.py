"""The blueprint `skeleton`: a pattern to copy for your own views."""

import pytest
from flask.testing import FlaskClient

from .conftest import LISTED, Blocked, Browser, MakeApp, send_to

INDEX = "/api/skeleton/"
ECHO = "/api/skeleton/echo"
UNLISTED = "https://unlisted.example"


def test_index_answers(client: FlaskClient) -> None:
    assert client.get(INDEX).json == {"blueprint": "skeleton"}


def test_echo_returns_the_object_that_was_sent(client: FlaskClient) -> None:
    assert client.post(ECHO, json={"name": "Ada"}).json == {"name": "Ada"}


@pytest.mark.parametrize(
    ("body", "content_type", "status"),
    [
        ("{", "application/json", 400),
        ("[]", "application/json", 400),
        ("name=Ada", "application/x-www-form-urlencoded", 415),
    ],
)
def test_echo_refuses_what_is_no_json_object(
    client: FlaskClient, body: str, content_type: str, status: int
) -> None:
    answer = client.post(ECHO, data=body, content_type=content_type)

    assert answer.status_code == status
    assert answer.mimetype == "application/problem+json"


def test_a_listed_page_reads_the_answer(browser: Browser) -> None:
    answer = browser.fetch(ECHO, origin=LISTED, method="POST", json={"name": "Ada"})

    assert answer.json == {"name": "Ada"}


def test_an_unlisted_page_is_blocked(browser: Browser) -> None:
    with pytest.raises(Blocked):
        browser.fetch(INDEX, origin=UNLISTED)


def test_an_allowlist_of_its_own_replaces_the_shared_one(make_app: MakeApp) -> None:
    own = "https://own.example"
    browser = Browser(send_to(make_app({"CORS_ORIGINS_SKELETON": own})))

    assert browser.fetch(INDEX, origin=own).status == 200
    with pytest.raises(Blocked):
        browser.fetch(INDEX, origin=LISTED)
