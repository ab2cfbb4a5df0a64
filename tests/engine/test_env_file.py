"""The .env file is read line by line, or not at all."""

import os
from pathlib import Path

import pytest
from my_api.cors import ConfigurationError, load_env


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the file lies; what a test loads from it is taken back."""
    monkeypatch.setattr(os, "environ", {"CORS_MAX_AGE": "60"})
    return tmp_path / ".env"


def test_what_is_set_already_stays(path: Path) -> None:
    path.write_text("# seconds\nCORS_MAX_AGE=5\n\nexport CORS_ORIGINS='https://a.example'\nEMPTY=")

    load_env(path)

    assert os.environ["CORS_MAX_AGE"] == "60"
    assert os.environ["CORS_ORIGINS"] == "https://a.example"
    assert os.environ["EMPTY"] == ""


def test_a_mark_at_the_beginning_is_part_of_no_name(path: Path) -> None:
    path.write_text("CORS_ORIGINS=https://a.example\n", encoding="utf-8-sig")

    load_env(path)

    assert os.environ["CORS_ORIGINS"] == "https://a.example"


def test_no_file_is_needed(path: Path) -> None:
    load_env(path)

    assert "CORS_ORIGINS" not in os.environ


@pytest.mark.parametrize(
    "line",
    [
        "CORS_ORIGINS_ADMIN: https://a.example",
        "CORS_ORIGINS_ADMIN https://a.example",
        "CORS_ORIGINS_ADMIN",
        'CORS_ORIGINS_ADMIN="https://a.example","https://b.example"',
        "CORS_ORIGINS_ADMIN='https://a.example",
    ],
)
def test_a_line_that_cannot_be_read_stops_the_start(path: Path, line: str) -> None:
    path.write_text(f"CORS_ORIGINS=https://shared.example\n{line}\n")

    with pytest.raises(ConfigurationError) as raised:
        load_env(path)

    assert raised.value.message == (
        ".env has 1 problem:\n"
        "  line 2: not NAME=value; quotes, if any, stand around the whole value"
    )
    assert "CORS_ORIGINS" not in os.environ
