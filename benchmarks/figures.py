"""Statistics: medians and ratios of interleaved timings, with their spread."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median, quantiles

# What one process measured: for each case the seconds of a request, round by round.
Rounds = Mapping[str, Sequence[float]]


@dataclass(frozen=True)
class Figure:
    """A median with its quartiles, and how many values are behind them."""

    median: float
    low: float
    high: float
    count: int

    @classmethod
    def of(cls, values: Sequence[float]) -> Figure:
        """Sum up some values."""
        if len(values) == 1:
            return cls(values[0], values[0], values[0], 1)
        low, middle, high = quantiles(values, n=4, method="inclusive")
        return cls(middle, low, high, len(values))


def paired_ratios(values: Sequence[float], bases: Sequence[float]) -> list[float]:
    """Divide what was measured together: in the same round, or in the same process."""
    return [value / base for value, base in zip(values, bases, strict=True)]


def medians(processes: Sequence[Rounds], case: str) -> list[float]:
    """Return the median of a case in each process."""
    return [median(rounds[case]) for rounds in processes]


def median_ratios(processes: Sequence[Rounds], case: str, base: str) -> list[float]:
    """Return the median of a case divided by that of another one, in each process."""
    return paired_ratios(medians(processes, case), medians(processes, base))


def noise(controls: Sequence[Sequence[float]]) -> float:
    """Return how far from 1 the ratio of a thing to itself comes: the widest of A/A controls.

    A median may be near 1 by luck: half the distance of the quartiles counts as well.
    """
    figures = [Figure.of(control) for control in controls]
    return max(max(abs(f.median - 1), (f.high - f.low) / 2) for f in figures)
