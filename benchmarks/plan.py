"""How much a run measures: everything, or just enough to see that all of it works."""

from __future__ import annotations

from dataclasses import dataclass

from .budgets import FEWEST_VALUES
from .cases import LISTED, MANY_BLUEPRINTS, PREFLIGHT, SIZES


@dataclass(frozen=True)
class Plan:
    """The counts of a run; its defaults are a whole one."""

    sizes: tuple[int, ...] = SIZES
    blueprints: int = MANY_BLUEPRINTS
    processes: int = FEWEST_VALUES
    rounds: int = 12
    commands: int = FEWEST_VALUES
    workers: int = 3
    green_tests: bool = True
    servers: int = 3
    http_rounds: int = 5
    http_sizes: tuple[int, ...] = (3, 1_000)
    http_kinds: tuple[str, ...] = (LISTED, PREFLIGHT)


QUICK = Plan(
    sizes=(3, 30),
    blueprints=5,
    processes=1,
    rounds=1,
    commands=1,
    workers=1,
    green_tests=False,
    servers=1,
    http_rounds=1,
    http_sizes=(3,),
    http_kinds=(LISTED,),
)
