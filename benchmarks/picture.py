"""The picture: what a request costs, with a few origins, with many, and over HTTP.

It is written as text, with whole pixels, so that it changes where the figures do.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from html import escape
from itertools import chain, product
from statistics import StatisticsError, median

from .figures import Figures
from .report import number
from .servers import GRANIAN, GUNICORN, RATE, row
from .subjects import (
    BARE,
    CORS_APP,
    DJANGO_CORS,
    FLASK_CORS,
    GENERATED,
    LISTED,
    PREFLIGHT,
    STARLETTE_CORS,
    Subject,
)

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
COLOURS = {GENERATED: "ours", **dict.fromkeys(FLASK_CORS, "theirs")}
LABELS, BARS = 185, 220  # the widths of what stands left of a bar, and of the longest bar


# What a bar is, its colour, and the cells whose ratio is its length.
Bar = tuple[str, str, tuple[str, str, str]]


def picture(figures: Figures) -> str:
    """Return what some figures say as SVG."""
    times = "time as a multiple of the same without CORS; {:,} origins"
    rates = "requests a second, as a part of those without CORS; 1,000 origins"
    parts = [
        ("A GET from a listed origin", times.format(3), of_requests(LISTED, 3)),
        ("A preflight that passes", times.format(3), of_requests(PREFLIGHT, 3)),
        ("The same GET, a long list", times.format(10_000), of_requests(LISTED, 10_000)),
        ("The same GET over HTTP", rates, of_servers()),
    ]
    places = product((30, 320), (20, 520))
    drawn = [bars(figures, x, y, *part) for (y, x), part in zip(places, parts, strict=True)]
    return SVG.format("\n".join(chain(*drawn)))


def of_requests(kind: str, origins: int) -> Iterator[Bar]:
    """Yield a bar for what each variant makes of one kind of request."""
    for variant in (GENERATED, *FLASK_CORS, STARLETTE_CORS, DJANGO_CORS):
        subject = Subject(variant, origins)
        yield variant, COLOURS.get(variant, "peers"), (str(subject), kind, str(subject.bare))


def of_servers() -> Iterator[Bar]:
    """Yield a bar for what is left of the requests a second of each server."""
    for server, variant in product((GRANIAN, GUNICORN), (GENERATED, CORS_APP)):
        rows = [row(server, subject) for subject in (Subject(variant, 1_000), Subject(BARE))]
        label = f"{server.partition(',')[0]}, {variant.split()[-1]}"
        yield label, COLOURS[variant], (rows[0], RATE.format(LISTED), rows[1])


def bars(
    figures: Figures, x: int, y: int, title: str, explanation: str, wanted: Iterable[Bar]
) -> Iterator[str]:
    """Yield a part of the picture with a bar for each ratio that was measured."""
    found = []
    for label, colour, ratio in wanted:
        with suppress(StatisticsError):
            found.append((label, colour, median(figures.ratios(*ratio))))
    scale = BARS / max([1.0, *(value for _, _, value in found)])
    yield write(x, y, title, "title")
    yield write(x, y + 18, explanation, "muted")
    for place, (label, colour, value) in enumerate(found):
        top, length = y + 34 + 28 * place, max(1, round(value * scale))
        yield write(x + LABELS - 10, top + 14, label, "end")
        yield f'<rect class="{colour}" x="{x + LABELS}" y="{top}" width="{length}" height="18"/>'
        yield write(x + LABELS + length + 8, top + 14, f"{number(value)}x")
    one, bottom = x + LABELS + round(scale), y + 34 + 28 * len(found)
    yield f'<line class="one" x1="{one}" x2="{one}" y1="{y + 28}" y2="{bottom}"/>'


def write(x: int, y: int, text: str, style: str = "") -> str:
    """Return a text at a place."""
    return f'<text x="{x}" y="{y}" class="{style}">{escape(text)}</text>'
