"""The application factory: settings, the registry, /health."""

from pathlib import Path
from pkgutil import iter_modules

import pytest
from flask import Flask
from my_api import blueprints, create_app
from my_api.cors import ConfigurationError

from .conftest import LISTED


def test_health_answers(app: Flask) -> None:
    assert app.test_client().get("/health").json == {"status": "ok"}


def test_settings_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLASK_GREETING", "hello")

    assert create_app().config["GREETING"] == "hello"


def test_settings_of_the_caller_beat_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLASK_GREETING", "hello")

    assert create_app({"GREETING": "good day"}).config["GREETING"] == "good day"


def test_values_of_the_caller_beat_cors_variables_name_by_name(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("CORS_ORIGINS", "https://environment.example")
    monkeypatch.setenv("CORS_MAX_AGE", "60")
    given = create_app({"CORS_ORIGINS": LISTED}).extensions["cors"].policies
    read = create_app().extensions["cors"].policies

    assert {(policy.origins, policy.max_age) for _, policy in given} == {((LISTED,), 60)}
    assert {(policy.origins, policy.max_age) for _, policy in read} == {
        (("https://environment.example",), 60)
    }


def test_the_factory_does_not_read_the_env_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".env").write_text("CORS_ORIGINS=not an origin\n")
    monkeypatch.chdir(tmp_path)

    assert create_app().name == "my_api"


def test_a_setting_that_cannot_work_stops_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CORS_ORIGINS", "app")

    with pytest.raises(ConfigurationError, match="CORS_ORIGINS, entry 1 'app'"):
        create_app()


def test_two_applications_do_not_share_a_thing(app: Flask) -> None:
    assert create_app() is not app


def test_every_module_of_the_package_is_registered(app: Flask) -> None:
    modules = {module.name for module in iter_modules(blueprints.__path__)}
    package = f"{blueprints.__name__}."
    imported = {blueprint.import_name for blueprint in app.blueprints.values()}

    assert modules == {name.removeprefix(package).split(".")[0] for name in imported}
