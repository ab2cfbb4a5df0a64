"""The blueprint `skeleton`: a pattern to copy for your own views."""

import pytest
from flask.testing import FlaskClient

from .conftest import LISTED, Blocked, Browser

INDEX = "/api/skeleton/"
ECHO = "/api/skeleton/echo"
OWN = "https://skeleton.example"


def test_index_says_hello(client: FlaskClient) -> None:
    assert client.get(INDEX).json == {"blueprint": "skeleton"}


def test_echo_returns_the_object_that_was_sent(client: FlaskClient) -> None:
    assert client.post(ECHO, json={"name": "Ada"}).json == {"name": "Ada"}


def test_echo_refuses_what_is_no_json_object(client: FlaskClient) -> None:
    assert client.post(ECHO, json=["Ada"]).status_code == 400
    assert client.post(ECHO, data={"name": "Ada"}).status_code == 415


def test_a_listed_page_reads_the_answer(browser: Browser) -> None:
    answer = browser.fetch(ECHO, origin=LISTED, method="POST", json={"name": "Ada"})

    assert answer.json == {"name": "Ada"}


def test_an_unlisted_page_is_blocked(browser: Browser) -> None:
    with pytest.raises(Blocked):
        browser.fetch(INDEX, origin=OWN)


def test_a_list_of_its_own_replaces_the_shared_one(own_browser: Browser) -> None:
    assert own_browser.fetch(INDEX, origin=OWN).json == {"blueprint": "skeleton"}
    with pytest.raises(Blocked):
        own_browser.fetch(INDEX, origin=LISTED)
