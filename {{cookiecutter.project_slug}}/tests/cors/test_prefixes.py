"""A path selects the policy of the longest prefix in front of it, at a slash."""

import pytest

from my_api.cors.policy import Policy
from my_api.cors.prefixes import PrefixMap

PREFIXES = PrefixMap(
    {prefix: Policy(prefix) for prefix in ("/api", "/api/admin", "/api/admin/v2", "/é")}
)


def selected(path_info: str) -> str | None:
    policy = PREFIXES.policy_for(path_info)
    return policy.blueprint if policy else None


@pytest.mark.parametrize(
    ("path", "prefix"),
    [
        ("/api", "/api"),
        ("/api/", "/api"),
        ("/api/x/admin", "/api"),
        ("/api/admin", "/api/admin"),
        ("/api/admin/", "/api/admin"),
        ("/api/admin/v2", "/api/admin/v2"),
        ("/api/admin/v2/x/y/z", "/api/admin/v2"),
        ("/api/admin/v22", "/api/admin"),
        ("/api/administrator", "/api"),
        ("/api//admin", "/api"),
        ("/apiary", None),
        ("/API", None),
        ("/", None),
        ("/x/api", None),
        ("/X/api", None),
    ],
)
def test_the_longest_prefix_selects(path: str, prefix: str | None) -> None:
    assert selected(path) == prefix


@pytest.mark.parametrize(
    ("path_info", "prefix"),
    [
        ("//api/x", "/api"),
        ("///api//x", "/api"),
        ("api", "/api"),
        ("", None),
        ("/\xc3\xa9/x", "/é"),
        ("/\xe9/x", None),
        ("/\xff", None),
    ],
)
def test_a_path_is_read_as_werkzeug_routes_it(path_info: str, prefix: str | None) -> None:
    assert selected(path_info) == prefix


def test_without_a_prefix_no_path_has_a_policy() -> None:
    assert PrefixMap({}).policy_for("/api") is None
