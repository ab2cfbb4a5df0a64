"""The picture: what a request costs, with a few origins, with many, and over HTTP.

It is written as text, with whole pixels, so that it changes where the figures do.
"""

from collections.abc import Iterator
from html import escape
from itertools import chain, product
from statistics import median

from .figures import Figures
from .report import number
from .servers import SERVERS, compared
from .subjects import CORS_APP, GENERATED, LISTED, PREFLIGHT, WITH_CORS, Subject

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


def picture(figures: Figures) -> str:
    """Return what some figures say as SVG."""
    times = "time as a multiple of the same without CORS; {:,} origins"
    rates = "requests a second, as a part of those without CORS; 1,000 origins"

    def of_requests(kind: str, origins: int = 3) -> Bars:
        return {variant: Subject(variant, origins).compared(kind) for variant in WITH_CORS}

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
