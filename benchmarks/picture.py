"""The picture: what a request costs, how that grows with the list, what is left of it over HTTP."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from .cases import (
    BARE,
    CORS_APP,
    CROSS_ORIGIN,
    DJANGO_CORS,
    FLASK_CORS,
    GENERATED,
    LISTED,
    OTHER_FRAMEWORKS,
    PREFLIGHT,
    SIZES,
    STARLETTE_CORS,
    THE_NUMBER_OF_ORIGINS,
    Subject,
)
from .report import Cell, Report
from .servers import OVER_HTTP, SERVERS

OURS, THEIRS, PEERS, INK, MUTED = "#0f766e", "#ea8a2f", "#8a94a6", "#1f2937", "#6b7280"
WITHOUT_CORS = {"color": INK, "linewidth": 0.8, "linestyle": (0, (4, 3))}
WHISKERS = {"ecolor": INK, "elinewidth": 1, "capsize": 2}
COLOURS = {GENERATED: OURS, **dict.fromkeys(FLASK_CORS, THEIRS)}
STYLE = {
    "font.family": "DejaVu Sans",
    "font.size": 9,
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.edgecolor": "#9ca3af",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": 11,
    "axes.titlepad": 22,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "xtick.color": INK,
    "ytick.color": INK,
    "figure.constrained_layout.w_pad": 0.15,
    "figure.constrained_layout.h_pad": 0.12,
    "figure.constrained_layout.wspace": 0.04,
    "svg.hashsalt": "benchmarks",
}

TITLES = {LISTED: "A GET from a listed origin", PREFLIGHT: "A preflight that passes"}

# Cells by the title of their table, their row and their column.
Cells = Mapping[str, Mapping[str, Mapping[str, Cell]]]


def is_possible() -> bool:
    """Tell whether the library that draws is here."""
    return find_spec("matplotlib") is not None


def draw(report: Report, path: Path) -> None:
    """Draw a report into an SVG file."""
    from matplotlib import rc_context
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    cells = {table.title: table.cells for table in report.tables}
    with rc_context(STYLE):
        figure = Figure(figsize=(11, 8.2), layout="constrained", facecolor="white")
        FigureCanvasSVG(figure)
        axes = figure.subplots(2, 2)
        draw_ratios(axes[0][0], cells, LISTED)
        draw_growth(axes[0][1], cells)
        draw_ratios(axes[1][0], cells, PREFLIGHT)
        draw_servers(axes[1][1], cells)
        made = " · ".join(report.about[name] for name in ("Date", "Machine", "Python"))
        figure.supxlabel(f"{made}\n{report.about['Versions']}", fontsize=7, color=MUTED)
        figure.savefig(path, format="svg", metadata={"Date": None})


def draw_ratios(axes: Any, cells: Cells, kind: str) -> None:
    """Draw what CORS makes of one kind of request, three origins listed: a bar for each variant."""
    variants = (GENERATED, *FLASK_CORS, STARLETTE_CORS, DJANGO_CORS)
    found = [
        (variant, ratio)
        for variant in reversed(variants)
        if (ratio := ratio_of(cells, Subject(variant), kind))
    ]
    axes.barh(
        [variant for variant, _ in found],
        [ratio.median for _, ratio in found],
        xerr=[
            [ratio.median - ratio.low for _, ratio in found],
            [ratio.high - ratio.median for _, ratio in found],
        ],
        color=[COLOURS.get(variant, PEERS) for variant, _ in found],
        error_kw=WHISKERS,
        height=0.66,
    )
    for row, (_, ratio) in enumerate(found):
        axes.annotate(
            f"{ratio.median:.2f}x",
            (ratio.high, row),
            xytext=(5, 0),
            textcoords="offset points",
            va="center",
        )
    axes.axvline(1, **WITHOUT_CORS)
    axes.set_xlim(0, 1.15 * max(ratio.high for _, ratio in found))
    axes.tick_params(axis="y", length=0)
    entitle(axes, TITLES[kind], "time as a multiple of the same without CORS; 3 origins")


def entitle(axes: Any, title: str, explanation: str) -> None:
    """Write a title over a part of the picture, and what it shows in smaller letters."""
    axes.set_title(title)
    text = axes.text(0, 1.03, explanation, transform=axes.transAxes, color=MUTED, fontsize=8.5)
    text.set_in_layout(False)


def ratio_of(cells: Cells, subject: Subject, kind: str) -> Any:
    """Return the ratio of a subject to its bare form, or None where it was not measured."""
    cell = cell_of(cells, subject, kind)
    return cell and cell.ratio


def cell_of(cells: Cells, subject: Subject, kind: str) -> Cell | None:
    """Return what was measured of a subject, or None."""
    for title in (THE_NUMBER_OF_ORIGINS, OTHER_FRAMEWORKS):
        if cell := cells.get(title, {}).get(str(subject), {}).get(kind):
            return cell
    return None


def draw_growth(axes: Any, cells: Cells) -> None:
    """Draw what a listed GET takes against the number of origins: a line for each variant."""
    for variant in (CROSS_ORIGIN, CORS_APP, GENERATED, STARLETTE_CORS, DJANGO_CORS):
        points = [
            (size, cell.value.median)
            for size in SIZES
            if (cell := cell_of(cells, Subject(variant, origins=size), LISTED))
        ]
        if points:
            colour = COLOURS.get(variant, PEERS)
            axes.plot(*zip(*points, strict=True), "o-", color=colour, markersize=4, linewidth=2)
            label_end(axes, variant, points[-1], colour)
    bare = cell_of(cells, Subject(BARE), LISTED)
    if bare:
        axes.axhline(bare.value.median, **WITHOUT_CORS)
    axes.set(xscale="log", yscale="log", xlabel="origins in the list", ylabel="µs a request")
    axes.set_xticks(SIZES, [f"{size:,}" for size in SIZES])
    axes.set_yticks([10, 100, 1_000, 10_000], ["10", "100", "1,000", "10,000"])
    axes.minorticks_off()
    axes.grid(axis="y", color="#e5e7eb", linewidth=0.7)
    axes.set_axisbelow(True)
    entitle(axes, "As the list grows", "time of the same GET; dashed: Flask without CORS")


def label_end(axes: Any, text: str, point: tuple[int, float], colour: str) -> None:
    """Write what a line is beside its last point."""
    axes.annotate(
        text,
        point,
        xytext=(8, 0),
        textcoords="offset points",
        va="center",
        color=colour,
        fontweight="bold" if text == GENERATED else "normal",
        annotation_clip=False,
    )


def draw_servers(axes: Any, cells: Cells) -> None:
    """Draw requests a second of each server, of the same without CORS: a bar for each subject."""
    entitle(axes, "Over HTTP", "requests a second of the same GET, as a part of those without CORS")
    rows = cells.get(OVER_HTTP, {})
    servers = [name for name in SERVERS if f"{name}: {BARE}" in rows]
    bars = [
        (Subject(CORS_APP), THEIRS, 0.5),
        (Subject(CORS_APP, origins=1_000), THEIRS, 1.0),
        (Subject(GENERATED), OURS, 0.5),
        (Subject(GENERATED, origins=1_000), OURS, 1.0),
    ]
    for place, (subject, colour, alpha) in enumerate(bars):
        found = [
            (number + (place - 1.5) * 0.2, cell.ratio)
            for number, name in enumerate(servers)
            if (cell := rows.get(f"{name}: {subject}", {}).get(LISTED)) and cell.ratio
        ]
        axes.bar(
            [x for x, _ in found],
            [ratio.median for _, ratio in found],
            yerr=[
                [ratio.median - ratio.low for _, ratio in found],
                [ratio.high - ratio.median for _, ratio in found],
            ],
            width=0.18,
            color=colour,
            alpha=alpha,
            error_kw=WHISKERS,
            label=str(subject).replace(" exact", ""),
        )
    axes.axhline(1, **WITHOUT_CORS)
    axes.set_xticks(range(len(servers)), [name.replace(", ", "\n") for name in servers])
    axes.tick_params(axis="x", length=0)
    if servers:
        axes.legend(frameon=False, loc="upper center", bbox_to_anchor=(0.5, -0.12), ncols=2)
    else:
        axes.set_axis_off()
