"""Whatever comes in, through a setting or over the wire, stays bounded and is our own error."""

import tracemalloc
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from my_api import create_app
from my_api.cors.settings import ConfigurationError, read_settings
from werkzeug.test import create_environ

FLOOD = 100_000
OPTIONS = ["ORIGINS", "METHODS", "ALLOW_HEADERS", "EXPOSE_HEADERS"]
OPTIONS += ["SUPPORTS_CREDENTIALS", "MAX_AGE", "ENFORCE"]
PIECES = st.sampled_from(["https://a.example", "*", "GET", "X-A", "true", "600", ",", " ", "\n"])
TEXTS = st.one_of(st.text(), st.lists(PIECES).map("".join))
VALUES = st.one_of(TEXTS, st.none(), st.booleans(), st.integers(), st.floats(), st.lists(TEXTS))
NAMES = st.one_of(
    st.sampled_from([f"CORS_{option}{ending}" for option in OPTIONS for ending in ("", "_ADMIN")]),
    st.text(max_size=10).map("CORS_".__add__),
)


@settings(max_examples=500, deadline=None, database=None, derandomize=True)
@given(variables=st.dictionaries(NAMES, VALUES, max_size=5))
def test_settings_are_read_or_refused_with_our_own_error(variables: dict[str, Any]) -> None:
    try:
        found: Any = read_settings(["public", "admin"], variables)
    except ConfigurationError as error:
        found = error

    if isinstance(found, ConfigurationError):
        assert found.problems
        assert len(str(found).splitlines()) <= 22
        assert str(found).startswith("CORS configuration has ")
    else:
        assert set(found.policies) == {"public", "admin"}


def test_a_flood_of_origins_leaves_memory_flat_and_a_hundred_lines(
    caplog: pytest.LogCaptureFixture,
) -> None:
    app = create_app({"CORS_ORIGINS": "https://app.example"})

    def refuse(number: int) -> None:
        environ["HTTP_ORIGIN"] = f"https://{number}.example/" + "x" * 1000
        app(environ, lambda status, headers, exc_info=None: None)

    environ = create_environ("/api/public/echo", method="POST")
    for number in range(1000):
        refuse(number)
    tracemalloc.start()
    try:
        for number in range(1000, FLOOD):
            refuse(number)
        grown, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert grown < 150_000  # tuples that Python keeps for the next ones
    assert len(caplog.records) == 100
