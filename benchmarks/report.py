"""A run as a page of Markdown, in a few lines, which the README repeats, and as a picture.

The picture is text, with whole pixels, so that it changes where the figures do.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from html import escape
from itertools import chain, product
from statistics import StatisticsError, median, quantiles

from . import commands, servers, subjects
from .commands import CREATE_APP, DEFAULT, TO_ANSWER
from .figures import GOOD, Budget, Figures, Verdict
from .servers import GRANIAN, SERVERS, compared
from .subjects import BARE, CORS_APP, FLASK_CORS, GENERATED, LISTED, PREFLIGHT, Subject

SVG = """<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1000 600" role="img">
<title>What CORS costs</title>
<style>
:root {{ --ink: #1f2937; --muted: #6b7280; --back: #ffffff; --ours: #0f766e; --theirs: #c2620c }}
@media (prefers-color-scheme: dark) {{ :root {{
  --ink: #e6edf3; --muted: #9198a1; --back: #0d1117; --ours: #2dd4bf; --theirs: #fb923c }} }}
text {{ font: 13px system-ui, sans-serif; fill: var(--ink) }}
.title {{ font-size: 15px; font-weight: bold }}
.muted {{ font-size: 12px; fill: var(--muted) }}
.end {{ text-anchor: end }}
.back {{ fill: var(--back) }}
.ours {{ fill: var(--ours) }}
.theirs {{ fill: var(--theirs) }}
.peers {{ fill: #7c8798 }}
.one {{ stroke: var(--ink); stroke-dasharray: 4 3 }}
</style>
<rect class="back" width="1000" height="600"/>
{}
</svg>
"""
COLOURS = {"project": "ours", "flask-cors": "theirs", "CORS(app)": "theirs"}  # by a word of a label
LABELS, BARS = 185, 220  # the widths of what stands left of a bar, and of the longest bar
Bars = dict[str, tuple[str, str, str]]  # for each label the cells whose ratio is the length


@dataclass
class Report:
    """A run: where and when it was, what it measured, how budgets fared."""

    about: dict[str, str]
    figures: Figures
    verdicts: list[Verdict]

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
    if value >= 10:
        return f"{value:,.0f}" if value >= 100 else f"{value:.1f}"
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

    def of(row: str, column: str) -> str:
        return number(median(figures.cell(row, column)))

    def from_to(kind: str) -> str:
        ratios = [times(*Subject(variant).compared(kind)) for variant in FLASK_CORS]
        return f"{number(min(ratios))} to {number(max(ratios))}"

    def grown(variant: str) -> str:
        return " and ".join(f"{of(str(Subject(variant, n)), LISTED)} µs" for n in (3, 10_000))

    exact, wildcard = Subject(GENERATED), Subject(GENERATED, kind=subjects.WILDCARD)
    get, preflight = (number(times(*exact.compared(kind))) for kind in (LISTED, PREFLIGHT))
    by_wildcard = number(times(*wildcard.compared(LISTED)))
    yield (
        f"A GET from an origin listed by name takes {get} times the same application without CORS, "
        f"from one that a wildcard stands for {by_wildcard} times (flask-cors: {from_to(LISTED)}); "
        f"a preflight {preflight} times ({from_to(PREFLIGHT)})."
    )
    ours, theirs = map(grown, (GENERATED, CORS_APP))
    yield f"With 3 and with 10,000 origins it takes {ours} (`CORS(app)`: {theirs})."
    started = {row: of(row, TO_ANSWER) for row in (DEFAULT, BARE, CORS_APP)}
    created = of(DEFAULT, CREATE_APP)
    yield (
        f"A process has answered its first request after {started[DEFAULT]} ms, {started[BARE]} ms "
        f"without CORS, {started[CORS_APP]} ms with `CORS(app)`; `create_app` takes {created} ms."
    )
    ours, theirs = (number(times(*compared(GRANIAN, v))) for v in (GENERATED, CORS_APP))
    yield (
        f"Over HTTP with 1,000 origins, granian serves {ours} of what it serves without CORS; with "
        f"`CORS(app)` {theirs}."
    )


def picture(figures: Figures) -> str:
    """Return what some figures say as SVG."""
    times = "time as a multiple of the same without CORS; {:,} origins"
    rates = "requests a second, as a part of those without CORS; 1,000 origins"

    def of_requests(kind: str, origins: int = 3) -> Bars:
        return {variant: Subject(variant, origins).compared(kind) for variant in subjects.WITH_CORS}

    of_servers = {
        f"{name.partition(',')[0]}, {variant.split()[-1]}": compared(name, variant)
        for name, variant in product(SERVERS, (GENERATED, CORS_APP))
    }
    parts = {
        (20, 30): ("A GET from a listed origin", times.format(3), of_requests(LISTED)),
        (520, 30): ("A preflight that passes", times.format(3), of_requests(PREFLIGHT)),
        (20, 320): ("The GET, a long list", times.format(10_000), of_requests(LISTED, 10_000)),
        (520, 320): ("The GET over HTTP", rates, of_servers),
    }
    drawn = [bars(figures, *at, title, words, cells) for at, (title, words, cells) in parts.items()]
    return SVG.format("\n".join(chain(*drawn)))


def bars(
    figures: Figures, x: int, y: int, title: str, explanation: str, wanted: Bars
) -> Iterator[str]:
    """Yield a part of the picture with a bar for each ratio that was measured."""
    ratios = {label: figures.ratios(*cells) for label, cells in wanted.items()}
    found = {label: median(measured) for label, measured in ratios.items() if measured}
    scale = BARS / max([1.0, *found.values()])
    yield write(x, y, title, "title")
    yield write(x, y + 18, explanation, "muted")
    for place, (label, value) in enumerate(found.items()):
        top, length = y + 34 + 28 * place, max(1, round(value * scale))
        colour = next((name for word, name in COLOURS.items() if word in label), "peers")
        yield write(x + LABELS - 10, top + 14, label, "end")
        yield f'<rect class="{colour}" x="{x + LABELS}" y="{top}" width="{length}" height="18"/>'
        yield write(x + LABELS + length + 8, top + 14, f"{number(value)}x")
    one, bottom = x + LABELS + round(scale), y + 34 + 28 * len(found)
    yield f'<line class="one" x1="{one}" x2="{one}" y1="{y + 28}" y2="{bottom}"/>'


def write(x: int, y: int, text: str, style: str = "") -> str:
    """Return a text at a place."""
    return f'<text x="{x}" y="{y}" class="{style}">{escape(text)}</text>'
