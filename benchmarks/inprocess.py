"""What a request costs: fresh processes one after the other, and the budgets of it."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import product
from pathlib import Path

from scripts.running import must_run

from .figures import FEWEST_PROCESSES, Budget, Figures, Table
from .projects import ROOT, environment
from .subjects import FEW_BLUEPRINTS, FEW_ORIGINS, GETS, LOGGED, PREFLIGHTS, groups, judged


def measure(
    figures: Figures, projects: Mapping[int, Path], sizes: Sequence[int], rounds: int, seed: int
) -> None:
    """Measure in a fresh process with its own hash seed and its own order of building."""
    folders = {count: str(project) for count, project in projects.items()}
    job = {"projects": folders, "sizes": sizes, "rounds": rounds, "seed": seed}
    cache = projects[FEW_BLUEPRINTS].with_name("bytecode")
    env = environment(PYTHONHASHSEED=str(seed), PYTHONPYCACHEPREFIX=str(cache))
    worker = (sys.executable, "-m", "benchmarks.worker", json.dumps(job))
    for found in json.loads(must_run(*worker, cwd=ROOT, env=env)):
        figures.add(*found)


def tables(sizes: Sequence[int], blueprints: int) -> Iterator[Table]:
    """Yield the tables of what a request costs, compared with the bare forms."""
    for title, (subjects, kinds) in groups(sizes, blueprints).items():
        bases = {str(s): str(s.bare) for s in subjects if s != s.bare}
        yield Table(title, "µs", list(map(str, subjects)), kinds, bases)


def budgets(origins: int, blueprints: int) -> Iterator[Budget]:
    """Yield the budgets of every kind of request to every generated application."""
    for subject, kind in product(judged(origins, blueprints), [*GETS, *PREFLIGHTS]):
        limit = 0.05 if kind in PREFLIGHTS else 1.10 if kind in LOGGED else 1.05
        few_origins = replace(subject, origins=FEW_ORIGINS)
        few_blueprints = replace(subject, blueprints=FEW_BLUEPRINTS)
        for rule, at_most, base in (
            ("of bare Flask", limit, subject.bare),
            (f"{origins:,} origins, of {FEW_ORIGINS}", 1.05, few_origins),
            (f"{blueprints} blueprints, of {FEW_BLUEPRINTS}", 1.05, few_blueprints),
        ):
            if base != subject:
                cells = (str(subject), kind, str(base))
                yield Budget(f"{kind}: {rule}", at_most, *cells, fewest=FEWEST_PROCESSES)
