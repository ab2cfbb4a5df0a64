"""`make bench`: measure, print, write the results; exit with 1 unless every budget was kept."""

import os
import platform
import shutil
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory

from . import commands, inprocess, servers
from .figures import FEWEST_RUNS, GOOD, Figures, judge
from .report import Report, picture
from .subjects import FEW_BLUEPRINTS, blueprint_names, budgets_of_requests

PACKAGES = "flask flask-cors cookiecutter uv starlette django django-cors-headers gunicorn granian"


def main(folder: Path = Path(__file__).parent / "results") -> int:
    """Measure everything, and write the results into a folder; return the exit code."""
    with TemporaryDirectory(prefix="benchmarks-") as temporary:
        report = measure(Path(temporary))
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "benchmarks.md").write_text(report.markdown(), encoding="utf-8")
    (folder / "benchmarks.svg").write_text(picture(report.figures), encoding="utf-8")
    print(report.markdown())
    return int(any(verdict.word not in GOOD for verdict in report.verdicts))


def measure(
    folder: Path,
    sizes: Sequence[int] = (3, 100, 1_000, 10_000),
    blueprints: int = 100,
    turns: int = FEWEST_RUNS,
    processes: int = 2,  # in a turn, and so are these
    rounds: int = 12,
    runs: int = 5,
    tests: int = 2,
    behind: Sequence[str] = tuple(servers.SERVERS),
) -> Report:
    """Measure and judge everything; by default it is a whole run.

    Each turn measures everything, so that a disturbance of the machine meets a part of each figure.
    """
    begun = time.monotonic()
    workshop = commands.Workshop(folder)
    projects = {
        count: workshop.bake(str(count), f"blueprints={','.join(blueprint_names(count))}")
        for count in (FEW_BLUEPRINTS, blueprints)
    }
    figures, workers = Figures(), commands.workers(workshop, sizes[-1])
    if not shutil.which("wrk"):
        print("wrk is not installed: nothing is measured over HTTP", file=sys.stderr)
        behind = ()
    for turn in range(turns):
        so_far = f"{time.monotonic() - begun:.0f} s"
        print(f"turn {turn + 1} of {turns}, after {so_far}", file=sys.stderr, flush=True)
        for process in range(processes):
            inprocess.measure(figures, projects, sizes, rounds, turn * processes + process)
        commands.measure(figures, workshop, workers, runs, tests)
        for server in behind:
            servers.measure(figures, projects[FEW_BLUEPRINTS], server, turn)

    budgets = [*budgets_of_requests(sizes[-1], blueprints), *commands.budgets(sizes[-1])]
    return Report(
        {
            "Date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
            "Machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores",
            "Python": f"{platform.python_implementation()} {platform.python_version()}",
            "Versions": ", ".join(f"{name} {version(name)}" for name in PACKAGES.split()),
            "Command": "make bench",
            "Duration": f"{time.monotonic() - begun:.0f} s",
        },
        figures,
        [judge(budget, figures) for budget in budgets],
    )


if __name__ == "__main__":
    sys.exit(main(*map(Path, sys.argv[1:])))
