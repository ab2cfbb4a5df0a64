"""A run as a page of Markdown, and in a few lines, which the README repeats."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from statistics import StatisticsError, median, quantiles

from . import commands, servers, subjects
from .commands import CREATE_APP, DEFAULT, TO_ANSWER
from .figures import GOOD, Budget, Figures, Verdict
from .servers import GRANIAN, compared
from .subjects import BARE, CORS_APP, FLASK_CORS, GENERATED, LISTED, PREFLIGHT, WILDCARD, Subject


@dataclass
class Report:
    """A run: where and when it was, what it measured, how budgets fared, what it left out."""

    about: dict[str, str]
    figures: Figures
    verdicts: list[Verdict]
    left_out: list[str]

    def markdown(self) -> str:
        """Return everything as a page."""
        tables = subjects.TABLES | commands.TABLES | servers.TABLES
        bad = [
            f"{budget.rule} ({budget.row}): {word}; {measured(budget, *rest)}"
            for budget, word, *rest in self.verdicts
            if word not in GOOD
        ]
        parts = [
            "# Benchmarks",
            "Medians, and their ratio to the bare form (or to the first row) with its quartiles.",
            bullets(f"{name}: {text}" for name, text in self.about.items()),
            f"## In short\n\n{in_short(self.figures, self.about)}",
            f"## Budgets\n\n{budgets(self.verdicts)}",
            *(f"## {title}\n\n{filled(self.figures, *what)}" for title, what in tables.items()),
            f"## Left out\n\n{bullets(self.left_out)}",
            f"## Broken, not judged, not measured\n\n{bullets(bad)}",
        ]
        return "\n\n".join(parts) + "\n"


def bullets(lines: Iterable[str]) -> str:
    """Return a list in Markdown."""
    return "\n".join(f"- {line}" for line in lines) or "Nothing."


def measured(budget: Budget, found: float, noise: float) -> str:
    """Return what was measured beside what is allowed."""
    return f"{number(found)} of at most {number(budget.limit)}, noise ±{noise:.1%}"


def budgets(verdicts: Sequence[Verdict]) -> str:
    """Return the budgets as Markdown: of those of one rule the farthest, and how all fared."""
    rules: dict[str, list[Verdict]] = {}
    for verdict in verdicts:
        rules.setdefault(verdict.budget.rule, []).append(verdict)
    rows = []
    for rule, of_rule in rules.items():
        budget, _, *farthest = max(of_rule, key=lambda verdict: verdict.median)
        words = Counter(verdict.word for verdict in of_rule).items()
        fared = ", ".join(f"{count} {word}" for word, count in words)
        rows.append((rule, measured(budget, *farthest), budget.row, fared))
    return grid(("budget", "the farthest", "which is", ""), rows)


def filled(figures: Figures, unit: str, columns: Sequence[str]) -> str:
    """Return a table as Markdown: medians, and ratios to the bases with their quartiles."""

    def text(row: str, column: str) -> str:
        values = figures.cell(row, column)
        if not values:
            return ""
        value = f"{number(median(values))} {unit}"
        ratios = figures.ratios(row, column, figures.bases.get(row, ""))
        if not ratios:
            return value
        quartiles = quantiles(ratios, method="inclusive") if len(ratios) > 1 else ratios * 3
        low, middle, high = map(number, quartiles)
        return f"{value}, {middle}x ({low}-{high})"

    rows = [(row, *(text(row, column) for column in columns)) for row in figures.values]
    return grid(("", *columns), [row for row in rows if any(row[1:])])


def grid(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a Markdown table whose columns are aligned for those who read it as text."""
    widths = [max(map(len, column)) for column in zip(header, *rows, strict=True)]
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


def in_short(figures: Figures, about: Mapping[str, str]) -> str:
    """Return what was found as a list, up to what was not measured; and when and with what."""
    lines: list[str] = []
    with suppress(StatisticsError):
        lines.extend(sentences(figures))
    versions = [v for v in about["Versions"].split(", ") if v.startswith(("flask ", "flask-cors "))]
    made = (
        f"Measured on {about['Date'][:10]} on {about['Machine']}, with {about['Python']}, "
        f"{' and '.join(versions)}; `{about['Command']}` repeats it and judges the budgets."
    )
    return f"{bullets(lines)}\n\n{made}"


def sentences(figures: Figures) -> Iterator[str]:
    """Yield what CORS adds to a request, how that grows with the list, the start, over HTTP."""

    def times(*cells: str) -> float:
        return median(figures.ratios(*cells))

    def from_to(kind: str) -> str:
        ratios = [times(*Subject(variant).compared(kind)) for variant in FLASK_CORS]
        return f"{number(min(ratios))} to {number(max(ratios))}"

    def grown(variant: str) -> str:
        found = [figures.median(str(Subject(variant, size)), LISTED) for size in (3, 10_000)]
        return " and ".join(f"{number(microseconds)} µs" for microseconds in found)

    exact, wildcard = Subject(GENERATED), Subject(GENERATED, kind=WILDCARD)
    get, preflight = (number(times(*exact.compared(kind))) for kind in (LISTED, PREFLIGHT))
    by_wildcard = number(times(*wildcard.compared(LISTED)))
    yield (
        f"A GET from an origin listed by name takes {get} times the same application without CORS, "
        f"from one that a wildcard stands for {by_wildcard} times (flask-cors: {from_to(LISTED)}); "
        f"a preflight {preflight} times ({from_to(PREFLIGHT)})."
    )
    ours, theirs = map(grown, (GENERATED, CORS_APP))
    yield f"With 3 and with 10,000 origins it takes {ours} (`CORS(app)`: {theirs})."
    started = {row: number(figures.median(row, TO_ANSWER)) for row in (DEFAULT, BARE, CORS_APP)}
    created = number(figures.median(DEFAULT, CREATE_APP))
    yield (
        f"A process has answered its first request after {started[DEFAULT]} ms, {started[BARE]} ms "
        f"without CORS, {started[CORS_APP]} ms with `CORS(app)`; `create_app` takes {created} ms."
    )
    ours, theirs = (number(times(*compared(GRANIAN, v))) for v in (GENERATED, CORS_APP))
    yield (
        f"Over HTTP with 1,000 origins, granian serves {ours} of what it serves without CORS; with "
        f"`CORS(app)` {theirs}."
    )
