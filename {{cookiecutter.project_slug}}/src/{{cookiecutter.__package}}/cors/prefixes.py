"""The policy of a path: that of the blueprint with the longest `url_prefix` in front of it."""

from collections.abc import Mapping
from typing import Any

from .policy import Policy

_POLICY = None  # the key of a node's own policy; the others are segments


class PrefixMap:
    """Policies by path prefix: a tree of segments, so that a look-up costs one step a segment.

    `policies` maps a prefix such as ``/api/admin`` to its policy.
    """

    def __init__(self, policies: Mapping[str, Policy]) -> None:
        self._root: dict[Any, Any] = {}
        self._depth = 0
        for prefix, policy in policies.items():
            node, segments = self._root, prefix[1:].split("/")
            for segment in segments:
                node = node.setdefault(segment, {})
            node[_POLICY] = policy
            self._depth = max(self._depth, len(segments))

    def policy_for(self, path_info: str) -> Policy | None:
        """Return the policy of a ``PATH_INFO``, or None outside every prefix.

        It is read as Werkzeug routes it: WSGI carries the bytes of a path as latin-1 (PEP 3333),
        they are UTF-8, and ``//api`` is routed like ``/api``.
        """
        if not path_info.isascii():
            path_info = path_info.encode("latin-1").decode("utf-8", "replace")
        node: Any = self._root
        policy: Policy | None = None
        for segment in path_info.lstrip("/").split("/", self._depth):
            node = node.get(segment)
            if node is None:
                break
            policy = node.get(_POLICY, policy)
        return policy
