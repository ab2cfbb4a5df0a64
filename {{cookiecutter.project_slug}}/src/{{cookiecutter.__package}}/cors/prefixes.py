"""The policy of a path: that of the blueprint with the longest `url_prefix` in front of it."""

from collections.abc import Mapping

from .policy import Policy


class PrefixMap:
    """Policies by path prefix; a look-up costs the same for four prefixes and for a hundred.

    `policies` maps a prefix such as ``/api/admin`` to its policy.
    """

    def __init__(self, policies: Mapping[str, Policy]) -> None:
        # As WSGI carries paths: their bytes, which are UTF-8, as latin-1 (PEP 3333).
        self._policies = {
            prefix[1:].encode().decode("latin-1"): policy for prefix, policy in policies.items()
        }
        # How many segments prefixes have, the longest first; seldom more than one number.
        self._depths = sorted({prefix.count("/") for prefix in policies}, reverse=True)
        self._depth = max(self._depths, default=0)

    def policy_for(self, path_info: str) -> Policy | None:
        """Return the policy of a ``PATH_INFO``, or None outside every prefix.

        It is read as Werkzeug routes it: ``//api`` like ``/api``.
        """
        segments = path_info.lstrip("/").split("/", self._depth)
        for depth in self._depths:
            policy = self._policies.get("/".join(segments[:depth]))
            if policy:
                return policy
        return None
