"""A run in a few lines, which the README repeats."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress

from .cases import (
    CORS_APP,
    FLASK_CORS,
    GENERATED,
    LISTED,
    PREFLIGHT,
    SIZES,
    THE_NUMBER_OF_ORIGINS,
    Subject,
)
from .figures import Figure
from .report import Cell, Table, number
from .servers import GRANIAN, OVER_HTTP

# The cells of a table by row and column.
Rows = Mapping[str, Mapping[str, Cell]]


def in_short(tables: list[Table], about: Mapping[str, str]) -> str:
    """Return what was found as a list, and when and with what; what was not measured is missing."""
    rows = {table.title: table.cells for table in tables}
    lines = []
    for line, title in LINES:
        with suppress(KeyError):
            lines.append(f"- {line(rows[title])}")
    versions = [v for v in about["Versions"].split(", ") if v.startswith(("flask ", "flask-cors "))]
    made = (
        f"Measured on {about['Date'][:10]} on {about['Machine']}, with {about['Python']}, "
        f"{' and '.join(versions)}; `{about['Command']}` repeats it and judges the budgets."
    )
    return "\n".join([*lines, "", made])


def of_a_request(rows: Rows) -> str:
    """Say what CORS adds to a request."""

    def compared(kind: str) -> tuple[str, str]:
        theirs = sorted(ratio(rows[str(Subject(variant))][kind]).median for variant in FLASK_CORS)
        ours = ratio(rows[str(Subject(GENERATED))][kind]).median
        return number(ours), f"{number(theirs[0])} to {number(theirs[-1])}"

    (get, others_get), (preflight, others_preflight) = map(compared, (LISTED, PREFLIGHT))
    wildcard = number(ratio(rows[str(Subject(GENERATED, wildcard=True))][LISTED]).median)
    return (
        f"A GET from an origin listed by name takes {get} times the same application without CORS, "
        f"from one that a wildcard stands for {wildcard} times (flask-cors: {others_get}); "
        f"a preflight {preflight} times ({others_preflight})."
    )


def of_a_long_list(rows: Rows) -> str:
    """Say how the time grows with the list."""
    few, many = SIZES[0], SIZES[-1]

    def grown(variant: str) -> str:
        cells = [rows[str(Subject(variant, size))][LISTED] for size in (few, many)]
        return " and ".join(f"{number(cell.value.median)} {cell.unit}" for cell in cells)

    return (
        f"With {few} and with {many:,} origins it takes {grown(GENERATED)} "
        f"(`CORS(app)`: {grown(CORS_APP)})."
    )


def over_http(rows: Rows) -> str:
    """Say what is left of a server's requests a second."""

    def left(variant: str) -> str:
        parts = ratio(rows[f"{GRANIAN}: {Subject(variant, 1_000)}"][LISTED])
        return f"{number(parts.median)} ({number(parts.low)} to {number(parts.high)})"

    return (
        f"Over HTTP with 1,000 origins, granian serves {left(GENERATED)} of what it serves without "
        f"CORS; with `CORS(app)` {left(CORS_APP)}."
    )


LINES: list[tuple[Callable[[Rows], str], str]] = [
    (of_a_request, THE_NUMBER_OF_ORIGINS),
    (of_a_long_list, THE_NUMBER_OF_ORIGINS),
    (over_http, OVER_HTTP),
]


def ratio(cell: Cell) -> Figure:
    """Return how a cell compares to its bare form, which has no ratio but is one."""
    return cell.ratio or Figure.of([1.0])
