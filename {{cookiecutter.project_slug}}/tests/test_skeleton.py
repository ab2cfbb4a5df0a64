"""The blueprint `skeleton`: a pattern to copy for your own views."""

import pytest
from flask import Flask
from flask.testing import FlaskClient

from .conftest import Blocked, Browser

INDEX = "/api/skeleton/"
ECHO = "/api/skeleton/echo"


def test_index_says_hello(views: FlaskClient) -> None:
    assert views.get(INDEX).json == {"blueprint": "skeleton"}


def test_echo_returns_the_object_that_was_sent(views: FlaskClient) -> None:
    assert views.post(ECHO, json={"name": "Ada"}).json == {"name": "Ada"}


def test_echo_refuses_what_is_no_json_object(views: FlaskClient) -> None:
    assert views.post(ECHO, json=["Ada"]).status_code == 400
    assert views.post(ECHO, data={"name": "Ada"}).status_code == 415


def test_only_a_listed_page_reads_the_answer(open_app: Flask, browser: Browser) -> None:
    listed = open_app.extensions["cors"].policy_for(INDEX).origins[0]

    assert browser.fetch(INDEX, origin=listed).json == {"blueprint": "skeleton"}
    with pytest.raises(Blocked):
        browser.fetch(INDEX, origin="https://stranger.example")
