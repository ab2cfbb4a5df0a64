"""The policy of a path: that of the blueprint with the longest `url_prefix` in front of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from .policy import Policy


def routed_path(path_info: str) -> str:
    """Return the path that Werkzeug routes for a ``PATH_INFO``: UTF-8, one leading slash.

    WSGI carries the bytes of a path as latin-1 (PEP 3333). ``//api`` is routed like ``/api``.
    """
    if not path_info.isascii():
        path_info = path_info.encode("latin-1").decode("utf-8", "replace")
    return "/" + path_info.lstrip("/")


@dataclass
class _Node:
    policy: Policy | None = None
    children: dict[str, "_Node"] = field(default_factory=dict)


class PrefixMap:
    """Policies by path prefix: a tree of segments, so that a look-up costs one step a segment.

    `policies` maps a prefix such as ``/api/admin`` to its policy.
    """

    def __init__(self, policies: Mapping[str, Policy]) -> None:
        self._root = _Node()
        self._depth = 0
        for prefix, policy in policies.items():
            node, segments = self._root, prefix[1:].split("/")
            for segment in segments:
                node = node.children.setdefault(segment, _Node())
            node.policy = policy
            self._depth = max(self._depth, len(segments))

    def policy_for(self, path: str) -> Policy | None:
        """Return the policy of a path that begins with one slash, or None outside every prefix."""
        node, policy = self._root, None
        for segment in path[1:].split("/", self._depth):
            child = node.children.get(segment)
            if child is None:
                break
            node, policy = child, child.policy or policy
        return policy
