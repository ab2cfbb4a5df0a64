"""Budgets: what may cost how much, and whether a run kept to it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from statistics import median

from .figures import Figure

# One process can be off by 3 % from the layout of its memory alone, however long it runs.
FEWEST_VALUES = 9
# What noise can excuse: a machine that is louder than this is no excuse for everything.
MOST_NOISE = 0.05


class Word(StrEnum):
    """What a run says of a budget."""

    KEPT = "kept"
    WITHIN_NOISE = "over, within the noise"
    BROKEN = "BROKEN"
    TOO_FEW = f"not judged: fewer than {FEWEST_VALUES} values"
    NOT_MEASURED = "not measured"


@dataclass(frozen=True)
class Verdict:
    """A budget with what was measured; `noise` is relative, as the A/A control showed it."""

    name: str
    limit: float
    unit: str
    word: Word
    noise: float
    figure: Figure | None


def judge(
    name: str, limit: float, unit: str, values: Sequence[float], noise: float = 0.0
) -> Verdict:
    """Judge a budget by the median of its values: broken is what noise cannot explain.

    `noise` is relative; more than MOST_NOISE of it counts as that much.
    """
    if not values:
        return Verdict(name, limit, unit, Word.NOT_MEASURED, noise, None)
    figure = Figure.of(values)
    if len(values) < FEWEST_VALUES:
        word = Word.TOO_FEW
    elif median(values) <= limit:
        word = Word.KEPT
    elif median(values) <= limit * (1 + min(noise, MOST_NOISE)):
        word = Word.WITHIN_NOISE
    else:
        word = Word.BROKEN
    return Verdict(name, limit, unit, word, noise, figure)


def exit_code(verdicts: Sequence[Verdict]) -> int:
    """Return 1 where a budget is broken, else 0."""
    return int(any(verdict.word is Word.BROKEN for verdict in verdicts))
