"""A run: everything that can be measured here, one thing after the other."""

from __future__ import annotations

import os
import platform
import sys
import time
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from . import inprocess, processes, servers
from .apps import NEEDS, is_installed
from .cases import FEW_BLUEPRINTS, all_tables, blueprint_names
from .plan import Plan
from .projects import Workshop
from .report import Report
from .summary import in_short

PACKAGES = (
    "flask werkzeug flask-cors cookiecutter uv starlette django django-cors-headers "
    "gunicorn waitress granian"
).split()


class Run:
    """Measures as a plan says, in a temporary folder."""

    def __init__(self, plan: Plan, folder: Path) -> None:
        self._plan = plan
        self._folder = folder
        self._started = time.monotonic()
        self._report = Report(about=about())

    def report(self) -> Report:
        """Measure, and return what was found."""
        self._say("baking")
        workshop = Workshop.in_folder(self._folder)
        counts = (FEW_BLUEPRINTS, self._plan.blueprints)
        projects = {n: workshop.bake(f"{n}-blueprints", blueprint_names(n)) for n in counts}
        self._measure_requests(projects)
        self._measure_commands(workshop)
        self._measure_starts(workshop, projects[FEW_BLUEPRINTS])
        self._measure_servers(projects[FEW_BLUEPRINTS])
        report = self._report
        report.about["Duration"] = f"{time.monotonic() - self._started:.0f} s"
        report.in_short = in_short(report.tables, report.about)
        return report

    def _measure_requests(self, projects: dict[int, Path]) -> None:
        plan = self._plan
        for variant, package in NEEDS.items():
            if not is_installed(variant):
                self._leave_out(variant, f"{package} is not installed")
        seen = []
        for seed in range(plan.processes):
            self._say(f"requests, process {seed + 1} of {plan.processes}")
            seen.append(inprocess.measure(projects, plan, seed, self._folder))
        tables = [inprocess.fill(rows, seen) for rows in all_tables(plan.sizes, plan.blueprints)]
        self._report.tables += [table for table in tables if table.cells]
        self._report.verdicts += inprocess.verdicts(seen, plan)

    def _measure_commands(self, workshop: Workshop) -> None:
        self._say("generation")
        seconds = processes.generation(workshop, self._plan.commands)
        self._report.tables.append(
            processes.table("Generation: the cookiecutter command", seconds, processes.ONE_FILE)
        )
        self._report.verdicts.append(processes.generation_verdict(seconds))

        uv = processes.find_uv()
        green: processes.Seconds = {}
        if not self._plan.green_tests:
            self._leave_out("generation to the first green test", "a quick run installs nothing")
        elif uv is None:
            self._leave_out("generation to the first green test", "uv is not installed")
        else:
            self._say("generation to the first green test")
            green = processes.green_tests(workshop, uv, self._plan.commands)
            self._report.tables.append(
                processes.table("Generation to green tests: cookiecutter, uv run pytest", green)
            )
        self._report.verdicts.append(processes.green_tests_verdict(green))

    def _measure_starts(self, workshop: Workshop, project: Path) -> None:
        origins = self._plan.sizes[-1]
        projects = processes.projects_to_start(workshop, project, origins)
        self._say("start-up")
        seconds = processes.start(workshop, projects, origins, self._plan.commands)
        self._report.tables.append(
            processes.table("Start of a process to its first answer", seconds, processes.BARE_START)
        )
        self._report.verdicts.append(processes.start_verdict(seconds, origins))
        if processes.can_measure_memory():
            self._say("memory")
            sizes = processes.memory(projects, origins, self._plan.workers)
            self._report.tables.append(processes.memory_table(sizes))
        else:
            self._leave_out("memory", "the system has no /proc/<pid>/smaps_rollup")

    def _measure_servers(self, project: Path) -> None:
        missing = servers.why_left_out()
        for name, why in missing.items():
            self._leave_out(f"over HTTP: {name}", why)
        names = [name for name in servers.SERVERS if name not in missing][: self._plan.servers]
        seen: dict[str, list[servers.Load]] = {}
        for name in names:
            self._say(name)
            seen |= servers.measure(project, name, self._plan, self._folder)
        if seen:
            self._report.tables.append(servers.requests_table(seen, self._plan))

    def _say(self, line: str) -> None:
        seconds = time.monotonic() - self._started
        print(f"[{seconds:4.0f} s] {line}", file=sys.stderr, flush=True)

    def _leave_out(self, what: str, why: str) -> None:
        line = f"{what}: left out, {why}"
        self._report.left_out.append(line)
        self._say(line)


def about() -> dict[str, str]:
    """Return when, where and with what a run was made."""
    return {
        "Date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "Machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores",
        "Python": f"{platform.python_implementation()} {platform.python_version()}",
        "Versions": ", ".join(filter(None, map(name_and_version, PACKAGES))),
        "Command": "make bench",
    }


def name_and_version(package: str) -> str | None:
    """Return the version of a package that is installed, with its name."""
    try:
        return f"{package} {version(package)}"
    except PackageNotFoundError:
        return None
