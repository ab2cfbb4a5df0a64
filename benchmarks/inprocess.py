"""What a request costs: fresh processes one after the other, and the budgets on their medians."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from scripts.running import must_run

from .budgets import Verdict, judge
from .cases import (
    BARE,
    FEW_BLUEPRINTS,
    FIVE,
    GENERATED,
    LISTED,
    LONG,
    NEAR_MISS,
    PREFLIGHT,
    ROTATING,
    Case,
    Rows,
    Subject,
)
from .figures import Figure, Rounds, median_ratios, medians, noise
from .plan import Plan
from .projects import ROOT, environment
from .report import Cell, Table

FLAT_KINDS = (*FIVE, NEAR_MISS, LONG, ROTATING)


def measure(projects: Mapping[int, Path], plan: Plan, seed: int, folder: Path) -> Rounds:
    """Measure in a fresh process with its own hash seed and its own order of building."""
    folders = {count: str(project) for count, project in projects.items()}
    job = {"projects": folders, "sizes": plan.sizes, "rounds": plan.rounds, "seed": seed}
    env = environment(PYTHONHASHSEED=str(seed), PYTHONPYCACHEPREFIX=str(folder / "bytecode"))
    worker = (sys.executable, "-m", "benchmarks.worker", json.dumps(job))
    measured: Rounds = json.loads(must_run(*worker, cwd=ROOT, env=env))
    return measured


def fill(rows: Rows, processes: Sequence[Rounds]) -> Table:
    """Return a table of microseconds, with ratios to the bare form and their spread."""
    cells: dict[str, dict[str, Cell]] = {}
    for case in rows.cases():
        if str(case) in processes[0]:
            bare = Case(case.subject.bare, case.kind)
            cells.setdefault(str(case.subject), {})[case.kind] = Cell(
                Figure.of([seconds * 1e6 for seconds in medians(processes, str(case))]),
                "µs",
                Figure.of(median_ratios(processes, str(case), str(bare))) if case != bare else None,
            )
    return Table(rows.title, cells)


def verdicts(processes: Sequence[Rounds], plan: Plan) -> list[Verdict]:
    """Judge the budgets of a request, each by the noise of the same kind of request."""
    bare, generated = Subject(BARE), Subject(GENERATED)
    exact_and_wildcard = {"exact": generated, "wildcard": replace(generated, wildcard=True)}

    def verdict(name: str, limit: float, subject: Subject, base: Subject, kind: str) -> Verdict:
        ratios = median_ratios(processes, str(Case(subject, kind)), str(Case(base, kind)))
        controls = [
            median_ratios(processes, str(Case(replace(s, again=True), kind)), str(Case(s, kind)))
            for s in (bare, *exact_and_wildcard.values())
        ]
        return judge(name, limit, "x", ratios, noise(controls))

    def flat(name: str, subject: Subject, base: Subject) -> list[Verdict]:
        return [verdict(f"{name}: {kind}", 1.05, subject, base, kind) for kind in FLAT_KINDS]

    few, many = plan.sizes[0], plan.sizes[-1]
    judged = [
        verdict(
            "a GET with an origin listed by name, of bare Flask", 1.05, generated, bare, LISTED
        ),
        verdict("a preflight, of bare Flask's OPTIONS", 0.05, generated, bare, PREFLIGHT),
    ]
    for kind_of_list, base in exact_and_wildcard.items():
        long_list = replace(base, origins=many)
        judged += flat(f"{many:,} {kind_of_list} origins, of {few}", long_list, base)
    for kind_of_list, base in exact_and_wildcard.items():
        crowded = replace(base, blueprints=plan.blueprints)
        name = f"{plan.blueprints} blueprints with {kind_of_list} origins, of {FEW_BLUEPRINTS}"
        judged += flat(name, crowded, base)
    return judged
