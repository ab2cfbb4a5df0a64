"""Tables and verdicts as Markdown and as JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from .budgets import Verdict
from .figures import Figure


@dataclass(frozen=True)
class Cell:
    """A value, and its ratio to what it is compared with."""

    value: Figure
    unit: str
    ratio: Figure | None = None

    def __str__(self) -> str:
        value = f"{number(self.value.median)} {self.unit}"
        if self.ratio is None:
            return value
        spread = f"{number(self.ratio.low)}-{number(self.ratio.high)}"
        return f"{value}, {number(self.ratio.median)}x ({spread})"


@dataclass(frozen=True)
class Table:
    """Cells by row and column."""

    title: str
    cells: Mapping[str, Mapping[str, Cell]]

    def columns(self) -> list[str]:
        """Its columns in the order in which they first appear."""
        return list(dict.fromkeys(column for row in self.cells.values() for column in row))


@dataclass
class Report:
    """A run: where and when it was, what it measured, how budgets fared, what it left out.

    `in_short` is a list and a sentence in Markdown, which the README has too.
    """

    about: dict[str, str]
    tables: list[Table] = field(default_factory=list)
    verdicts: list[Verdict] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)
    in_short: str = ""

    def markdown(self) -> str:
        """Return everything as a page."""
        parts = [
            "# Benchmarks",
            "Medians, and their ratio to the bare form (or to the first row) with its quartiles.",
            "\n".join(f"- {name}: {text}" for name, text in self.about.items()),
            f"## In short\n\n{self.in_short}",
            budgets(self.verdicts),
            *map(rendered, self.tables),
        ]
        if self.left_out:
            parts.append("## Left out\n\n" + "\n".join(f"- {line}" for line in self.left_out))
        return "\n\n".join(parts) + "\n"

    def json(self) -> str:
        """Return everything as data."""
        data: dict[str, Any] = {
            "about": self.about,
            "budgets": [asdict(verdict) for verdict in self.verdicts],
            "tables": {table.title: as_data(table) for table in self.tables},
            "left_out": self.left_out,
        }
        return json.dumps(data, indent=1, ensure_ascii=False) + "\n"


def budgets(verdicts: Sequence[Verdict]) -> str:
    """Return the budgets as Markdown."""
    rows = [
        (
            verdict.name,
            f"{number(verdict.limit)}{verdict.unit}",
            measured(verdict),
            f"±{verdict.noise:.1%}",
            f"**{verdict.word}**",
        )
        for verdict in verdicts
    ]
    header = ("budget", "at most", "measured", "noise (A/A)", "")
    return "## Budgets\n\n" + grid(header, rows)


def measured(verdict: Verdict) -> str:
    """Return the figure of a verdict with its quartiles."""
    figure = verdict.figure
    if figure is None:
        return ""
    return (
        f"{number(figure.median)}{verdict.unit} ({number(figure.low)}-{number(figure.high)},"
        f" n={figure.count})"
    )


def rendered(table: Table) -> str:
    """Return a table as Markdown."""
    columns = table.columns()
    rows = [
        (name, *(str(row[column]) if column in row else "" for column in columns))
        for name, row in table.cells.items()
    ]
    return f"## {table.title}\n\n" + grid(("", *columns), rows)


def as_data(table: Table) -> dict[str, dict[str, Any]]:
    """Return the cells of a table as dictionaries."""
    return {
        name: {column: asdict(cell) for column, cell in row.items()}
        for name, row in table.cells.items()
    }


def grid(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a Markdown table whose columns are aligned for those who read it as text."""
    lines = [header, *rows]
    widths = [max(len(line[column]) for line in lines) for column in range(len(header))]
    rule = ["-" * width for width in widths]
    padded = [map(str.ljust, line, widths) for line in [header, rule, *rows]]
    return "\n".join(f"| {' | '.join(line)} |" for line in padded)


def number(value: float) -> str:
    """Return a number with as many digits as mean something."""
    if value >= 100:
        return f"{value:,.0f}"
    if value >= 10:
        return f"{value:.1f}"
    return f"{value:.2f}" if value >= 0.1 else f"{value:.3f}"
