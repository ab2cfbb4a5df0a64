"""What was measured, how it compares, and whether a budget was kept."""

import math
from dataclasses import dataclass, field
from enum import StrEnum
from statistics import median
from typing import NamedTuple

AGAIN = " (again)"  # ends the name of a row that is measured like another one: an A/A control
# One process can be off by 3 % from the layout of its memory alone, however long it runs.
FEWEST_PROCESSES, FEWEST_RUNS = 9, 5
# With more noise than this, twice the overhead that the narrowest budget leaves looks like it.
MOST_NOISE = 0.025


@dataclass
class Figures:
    """Values by row and column, as they were measured; which row another is compared with."""

    values: dict[str, dict[str, list[float]]] = field(default_factory=dict)
    bases: dict[str, str] = field(default_factory=dict)

    def add(self, row: str, column: str, value: float, base: str = "") -> None:
        """Add a value; `base` is the row that this one is compared with, if there is one."""
        self.values.setdefault(row, {}).setdefault(column, []).append(value)
        if base not in ("", row):
            self.bases[row] = base

    def cell(self, row: str, column: str) -> list[float]:
        """Return the values of a row and column, none where nothing was measured."""
        return self.values.get(row, {}).get(column, [])

    def ratios(self, row: str, column: str, base: str) -> list[float]:
        """Divide by another row what was measured together: in the same process or run."""
        of_base = self.cell(base, column)
        pairs = zip(self.cell(row, column), of_base, strict=True) if of_base else ()
        return [value / other for value, other in pairs]

    def noise(self, column: str) -> float:
        """Return how far from 1 a row divided by itself came, in the widest of the controls."""
        controls = [row for row in self.values if self.cell(row + AGAIN, column)]
        ratios = [median(self.ratios(row + AGAIN, column, row)) for row in controls]
        return max((abs(ratio - 1) for ratio in ratios), default=math.inf)


class Word(StrEnum):
    """What a run says of a budget."""

    KEPT = "kept"
    WITHIN_NOISE = "over, within the noise"
    BROKEN = "BROKEN"
    TOO_NOISY = "not judged: over, and the machine too noisy"
    TOO_FEW = "not judged: too few values"
    NOT_MEASURED = "not measured"


GOOD = (Word.KEPT, Word.WITHIN_NOISE)


class Budget(NamedTuple):
    """What a figure may be at most: by itself, or as a multiple of that of a `base`."""

    rule: str  # which it has in common with others
    limit: float
    row: str
    column: str
    base: str | None = None
    fewest: int = FEWEST_RUNS


class Verdict(NamedTuple):
    """A budget with the median that was measured, and the noise of the same run."""

    budget: Budget
    word: Word
    median: float = 0.0
    noise: float = 0.0


def judge(budget: Budget, figures: Figures) -> Verdict:
    """Judge a budget by the median: the noise of the A/A controls may excuse a little over it."""
    values = figures.cell(budget.row, budget.column)
    if not values:
        return Verdict(budget, Word.NOT_MEASURED)
    if budget.base:
        values = figures.ratios(budget.row, budget.column, budget.base)
    middle, noise = median(values), figures.noise(budget.column)
    if len(values) < budget.fewest:
        word = Word.TOO_FEW
    elif middle <= budget.limit:
        word = Word.KEPT
    elif middle > budget.limit * (1 + noise):
        word = Word.BROKEN
    else:
        word = Word.WITHIN_NOISE if noise <= MOST_NOISE else Word.TOO_NOISY
    return Verdict(budget, word, middle, noise)
