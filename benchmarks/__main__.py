"""`make bench`: measure, print, write the results, and exit with 1 where a budget is broken."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from .budgets import exit_code
from .measure import Run
from .picture import draw, is_possible
from .plan import QUICK, Plan
from .report import Report

RESULTS = Path(__file__).parent / "results"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run as the command line says, and return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="only see that all of it works")
    parser.add_argument("--output", type=Path, default=RESULTS, help="the folder of the results")
    options = parser.parse_args(arguments)
    with TemporaryDirectory(prefix="benchmarks-") as folder:
        report = Run(QUICK if options.quick else Plan(), Path(folder)).report()
    return publish(report, options.output)


def publish(report: Report, folder: Path) -> int:
    """Print a report and write it into a folder; return 1 where a budget is broken."""
    folder.mkdir(parents=True, exist_ok=True)
    if not is_possible():
        report.left_out.append("the picture: left out, matplotlib is not installed")
    (folder / "benchmarks.md").write_text(report.markdown(), encoding="utf-8")
    (folder / "benchmarks.json").write_text(report.json(), encoding="utf-8")
    if is_possible():
        draw(report, folder / "benchmarks.svg")
    print(report.markdown())
    return exit_code(report.verdicts)


if __name__ == "__main__":
    sys.exit(main())
