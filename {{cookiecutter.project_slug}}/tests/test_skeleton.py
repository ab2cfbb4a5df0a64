"""The blueprint `skeleton`: a pattern to copy for your own views."""

import pytest

LISTED = "https://app.example.com"
UNLISTED = "https://evil.example"


def test_index_answers(client):
    assert client.get("/api/skeleton/").json == {"blueprint": "skeleton"}


def test_echo_returns_the_object_that_was_sent(client):
    assert client.post("/api/skeleton/echo", json={"a": 1}).json == {"a": 1}
