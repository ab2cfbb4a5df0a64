"""A path selects the policy of the longest prefix in front of it, at a slash."""

import pytest

from {{ cookiecutter.__package }}.cors.policy import Policy
from {{ cookiecutter.__package }}.cors.prefixes import PrefixMap, routed_path

PREFIXES = PrefixMap(
    {prefix: Policy(prefix) for prefix in ("/api", "/api/admin", "/api/admin/v2", "/é")}
)


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
        ("/é/x", "/é"),
        ("/apiary", None),
        ("/API", None),
        ("/", None),
        ("/x/api", None),
    ],
)
def test_the_longest_prefix_selects(path: str, prefix: str | None) -> None:
    policy = PREFIXES.policy_for(path)

    assert (policy and policy.blueprint) == prefix


@pytest.mark.parametrize(
    ("path_info", "path"),
    [
        ("/api/x", "/api/x"),
        ("//api/x", "/api/x"),
        ("///api//x", "/api//x"),
        ("api", "/api"),
        ("", "/"),
        ("/\xc3\xa9", "/é"),
        ("/\xff", "/\N{REPLACEMENT CHARACTER}"),
    ],
)
def test_a_path_is_read_as_werkzeug_routes_it(path_info: str, path: str) -> None:
    assert routed_path(path_info) == path
