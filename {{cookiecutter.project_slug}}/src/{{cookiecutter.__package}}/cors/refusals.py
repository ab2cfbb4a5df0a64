"""Why a page was refused: a sentence that names the variable to edit, and a line in the log."""

from __future__ import annotations

from functools import cache
from threading import Lock
from typing import NamedTuple

from flask import Flask

from .origins import parse
from .policy import Policy
from .problems import QUOTED_LENGTH, quoted

LINES_PER_OPTION = 100


class Refusal(NamedTuple):
    """A page's origin, method or headers that a policy does not list.

    `option` is the option of the policy that decided, `names` the method or the headers.
    """

    policy: Policy
    origin: str
    option: str
    names: tuple[str, ...] = ()

    def __str__(self) -> str:
        variable = self.policy.variable(self.option)
        if not self.names:
            near = near_miss(self.policy, self.origin)
            hint = f" (you list {near})" if near else ""
            return f"{quoted(self.origin)} is not in {variable}{hint}"
        asked_for = f"{quoted(', '.join(self.names))}, which {quoted(self.origin)} asks for,"
        hint = ""
        if self.option == "methods" and self.names[0].upper() in self.policy.methods:
            hint = f" (a page must write {self.names[0].upper()} in capitals)"
        return f"{asked_for} is not in {variable}{hint}"


class RefusalLog:
    """One WARNING for each origin and reason, a hundred at most for an option of a blueprint."""

    def __init__(self, app: Flask) -> None:
        self._app = app
        self._logged: dict[tuple[str, str], set[str]] = {}
        self._lock = Lock()

    def log(self, refusal: Refusal) -> None:
        """Log a refusal that was not logged before, while its kind has lines left."""
        policy, origin, option, names = refusal
        logged = self._logged.setdefault((policy.blueprint, option), set())
        if len(logged) >= LINES_PER_OPTION:
            return
        key = f"{origin[:QUOTED_LENGTH]} {','.join(names)[:QUOTED_LENGTH]}"
        with self._lock:
            if key in logged or len(logged) >= LINES_PER_OPTION:
                return
            logged.add(key)
            last = len(logged) == LINES_PER_OPTION
        more = "; more of this kind are not logged until the next start" if last else ""
        self._app.logger.warning(
            "CORS: blueprint %r refused: %s%s", policy.blueprint, refusal, more
        )


def near_miss(policy: Policy, origin: str) -> str | None:
    """Return a listed origin of the same host, or of the host with or without its first label."""
    parsed = parse(origin)
    if parsed is None:
        return None
    listed = _by_host(policy.origins)
    _, _, parent = parsed.host.partition(".")
    for host in (_local(parsed.host), parent, f"www.{parsed.host}"):
        if host in listed:
            ending = f":{parsed.port}" if parsed.port else parsed.host
            return max(listed[host], key=lambda entry: entry.endswith(ending))
    return None


@cache
def _by_host(entries: tuple[str, ...]) -> dict[str, list[str]]:
    listed: dict[str, list[str]] = {}
    for entry in entries:
        if origin := parse(entry):
            listed.setdefault(_local(origin.host), []).append(entry)
    return listed


def _local(host: str) -> str:
    """Return one name for the three of this machine."""
    return "localhost" if host in ("127.0.0.1", "[::1]") else host
