"""The application factory: its settings, and /health."""

from pathlib import Path

import pytest
from flask.testing import FlaskClient

from .conftest import make_app


def test_health_answers_without_a_login(client: FlaskClient) -> None:
    assert client.get("/health").json == {"status": "ok"}


def test_settings_of_the_caller_beat_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLASK_GREETING", "hello")

    assert make_app({}).config["GREETING"] == "hello"
    assert make_app({"GREETING": "good day"}).config["GREETING"] == "good day"


def test_the_env_file_is_left_to_wsgi(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A factory that read it would run the tests under the developer's settings."""
    (tmp_path / ".env").write_text("FLASK_OF_A_TEST=hello\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)

    assert "OF_A_TEST" not in make_app({}).config
