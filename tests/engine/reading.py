"""Read settings of two blueprints, `public` and `admin`: what they say, or what is wrong."""

from typing import Any

from my_api.cors.policy import Policy
from my_api.cors.problems import ConfigurationError, Problem
from my_api.cors.settings import read_settings

APP = "https://app.example.com"
OWN = "https://own.example.com"
LONGEST_HOST = "a." * 121 + "example.org"
BLUEPRINTS = ["public", "admin"]


def policies(**variables: Any) -> dict[str, Policy]:
    """Return the policy of each blueprint."""
    return dict(read_settings(BLUEPRINTS, variables).policies)


def warnings(**variables: Any) -> list[Problem]:
    """Return what starts all the same."""
    return list(read_settings(BLUEPRINTS, variables).warnings)


def refused(**variables: Any) -> list[Problem]:
    """Return what stops the start, if anything does."""
    try:
        read_settings(BLUEPRINTS, variables)
    except ConfigurationError as error:
        return list(error.problems)
    return []


def problems(**variables: Any) -> list[Problem]:
    """Return what stops the start, and fail where nothing does."""
    found = refused(**variables)
    assert found
    return found
