"""The benchmarks judge rightly, run from end to end; a request is no more work for longer lists."""

from __future__ import annotations

import json
import os
import re
import runpy
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from benchmarks import inprocess, measure, picture
from benchmarks.__main__ import publish
from benchmarks.apps import NEEDS, flask_app, is_installed
from benchmarks.budgets import FEWEST_VALUES, Verdict, Word, exit_code, judge
from benchmarks.cases import (
    BARE,
    CORS_APP,
    FIVE,
    FLASK_CORS,
    GENERATED,
    LISTED,
    LONG,
    MANY_BLUEPRINTS,
    NEAR_MISS,
    PREFLIGHT,
    SIZES,
    THE_NUMBER_OF_ORIGINS,
    Case,
    Expected,
    Subject,
    all_cases,
    all_tables,
    blueprint_names,
    requests_of,
)
from benchmarks.figures import Figure, median_ratios, medians, noise, paired_ratios
from benchmarks.inprocess import FLAT_KINDS
from benchmarks.plan import Plan
from benchmarks.processes import (
    FIRST_TEST,
    FIRST_TEST_AGAIN,
    NO_ORIGINS,
    NO_ORIGINS_AGAIN,
    ONE_FILE,
    ONE_FILE_AGAIN,
    THIS_TEMPLATE,
    generation_verdict,
    green_tests_verdict,
    many_origins,
    start_verdict,
)
from benchmarks.projects import SLUG
from benchmarks.report import Cell, Report, Table, grid, number
from benchmarks.servers import GRANIAN, OVER_HTTP, Load, key, read_load, requests_table
from benchmarks.summary import in_short
from benchmarks.worker import Answer, WSGITarget, check, consume, ignore

from .conftest import ROOT, bake_into, run
from .counting import Watched, work

FEW = FEWEST_VALUES - 1

WRK = """
Running 1s test @ http://127.0.0.1:40000/api/part003/
  1 threads and 16 connections
  Latency Distribution
     50%    1.50ms
     99%  {p99}
  5900 requests in 1.00s, 1.20MB read
{more}Requests/sec:   5867.45
Transfer/sec:      1.19MB
"""


def test_a_figure_is_a_median_with_its_quartiles() -> None:
    assert Figure.of([5.0, 1.0, 4.0, 2.0, 3.0]) == Figure(3.0, 2.0, 4.0, 5)
    assert Figure.of([2.5]) == Figure(2.5, 2.5, 2.5, 1)


def test_of_processes_the_medians_are_divided() -> None:
    # Round by round the ratio of the first would be 4/3.
    first = {"case": [2.0, 3.0, 9.0], "base": [1.5, 1.0, 9.0]}
    second = {"case": [4.0, 4.0, 4.0], "base": [1.0, 1.0, 1.0]}
    assert median_ratios([first, second], "case", "base") == [2.0, 4.0]


def test_ratios_are_taken_within_a_round() -> None:
    # The machine is ten times slower in the second round: for both.
    slow_second = {"case": [2.0, 20.0, 2.2], "base": [1.0, 10.0, 1.0]}
    assert paired_ratios(slow_second["case"], slow_second["base"]) == [2.0, 2.0, 2.2]
    assert medians([slow_second], "case") == [2.2]
    with pytest.raises(ValueError, match="zip"):
        paired_ratios([1.0, 2.0], [1.0])


def test_noise_is_the_widest_control_in_either_direction() -> None:
    assert noise([[1.01, 1.01, 1.01], [0.97, 0.97, 0.97]]) == pytest.approx(0.03)


def test_a_control_that_scatters_is_noise_though_its_median_is_1() -> None:
    assert noise([[0.9, 0.96, 1.0, 1.02, 1.2]]) == pytest.approx(0.03)


@pytest.mark.parametrize(
    ("values", "noise_of_control", "word"),
    [
        pytest.param([1.04] * 9, 0.0, Word.KEPT, id="below"),
        pytest.param([1.05] * 9, 0.0, Word.KEPT, id="at the limit"),
        pytest.param([1.0] * 5 + [9.0] * 4, 0.0, Word.KEPT, id="a few slow processes"),
        pytest.param([1.06] * 9, 0.02, Word.WITHIN_NOISE, id="what noise explains"),
        pytest.param([1.06] * 9, 0.005, Word.BROKEN, id="what noise does not explain"),
        pytest.param([1.09] * 9, 0.04, Word.WITHIN_NOISE, id="what much noise explains"),
        pytest.param([1.11] * 9, 0.5, Word.BROKEN, id="what no noise may explain"),
        pytest.param([1.0] * 4 + [1.2] * 5, 0.02, Word.BROKEN, id="most processes"),
        pytest.param([9.0] * FEW, 0.0, Word.TOO_FEW, id="too few processes"),
        pytest.param([], 0.0, Word.NOT_MEASURED, id="nothing"),
    ],
)
def test_a_budget_is_judged_by_its_median_and_the_noise(
    values: list[float], noise_of_control: float, word: Word
) -> None:
    verdict = judge("a budget", 1.05, "x", values, noise_of_control)

    assert verdict.word is word
    assert exit_code([judge("another", 1.0, "x", [1.0] * 9), verdict]) == (word is Word.BROKEN)


@pytest.mark.parametrize(
    ("taken", "word"), [(0.19, Word.KEPT), (0.204, Word.WITHIN_NOISE), (0.206, Word.BROKEN)]
)
def test_the_start_is_judged_by_what_each_origin_adds(taken: float, word: Word) -> None:
    seconds = {
        NO_ORIGINS: [0.1] * 9,
        NO_ORIGINS_AGAIN: [0.12] * 9,
        many_origins(10_000): [taken] * 9,
    }
    verdict = start_verdict(seconds, 10_000)

    assert verdict.figure
    assert verdict.figure.median == pytest.approx((taken - 0.1) * 100)  # microseconds an origin
    assert verdict.noise == pytest.approx(0.2)
    assert verdict.word is word


# The budgets of the design: what is timed, its limit, what it is compared with.
FEW_EXACT, FEW_WILDCARDS = Subject(GENERATED), Subject(GENERATED, wildcard=True)
BUDGETS = [
    (Case(FEW_EXACT, LISTED), 1.05, Case(Subject(BARE), LISTED)),
    (Case(FEW_EXACT, PREFLIGHT), 0.05, Case(Subject(BARE), PREFLIGHT)),
    *(
        (Case(configured, kind), 1.05, Case(few, kind))
        for few in (FEW_EXACT, FEW_WILDCARDS)
        for configured in (replace(few, origins=10_000), replace(few, blueprints=100))
        for kind in (*FIVE, NEAR_MISS, LONG)
    ),
]


@pytest.mark.parametrize(("case", "limit", "base"), BUDGETS, ids=lambda value: str(value))
def test_a_request_over_its_budget_breaks_that_one_alone(
    case: Case, limit: float, base: Case
) -> None:
    def broken(ratio: float) -> list[tuple[float, float]]:
        """Judge a run in which everything takes as long as everything, but for one case."""
        seconds = {str(any_case): [1.0] * 3 for any_case in all_cases(all_tables())}
        for kind, bare in ((LISTED, 1.0), (PREFLIGHT, 100.0)):
            seconds[str(Case(Subject(BARE), kind))] = [bare] * 3
            seconds[str(Case(Subject(BARE, again=True), kind))] = [bare] * 3
        taken = seconds[str(base)][0] * ratio
        for again in (False, True):
            seconds[str(case._replace(subject=replace(case.subject, again=again)))] = [taken] * 3
        found = inprocess.verdicts([seconds] * FEWEST_VALUES, Plan())
        assert len(found) == len(BUDGETS) + 2 * 2  # and of rotating origins
        return [
            (verdict.limit, round(verdict.figure.median, 6))
            for verdict in found
            if verdict.figure and verdict.word is Word.BROKEN
        ]

    assert broken(limit * 0.999) == []
    assert broken(limit * 1.001) == [(limit, round(limit * 1.001, 6))]


def test_a_request_is_judged_by_the_noise_of_the_same_kind_measured_again() -> None:
    seconds = {str(case): [1.0] * 3 for case in all_cases(all_tables())}
    seconds[str(Case(Subject(BARE, again=True), NEAR_MISS))] = [1.03] * 3
    found = inprocess.verdicts([seconds] * FEWEST_VALUES, Plan())

    noisy = {verdict.name for verdict in found if verdict.noise}
    assert noisy == {verdict.name for verdict in found if NEAR_MISS in verdict.name}
    assert noisy


@pytest.mark.parametrize(("ratio", "word"), [(1.249, Word.KEPT), (1.251, Word.BROKEN)])
def test_generation_is_judged_by_what_cookiecutter_takes_at_least(ratio: float, word: Word) -> None:
    seconds = {ONE_FILE: [0.2] * 9, ONE_FILE_AGAIN: [0.2] * 9, THIS_TEMPLATE: [0.2 * ratio] * 9}
    noisy = {**seconds, ONE_FILE_AGAIN: [0.206] * 9}

    assert generation_verdict(seconds).word is word
    assert generation_verdict(noisy).noise == pytest.approx(0.03)


@pytest.mark.parametrize(("taken", "word"), [(1.999, Word.KEPT), (2.001, Word.BROKEN)])
def test_the_first_green_test_is_judged_by_its_seconds(taken: float, word: Word) -> None:
    seconds = {FIRST_TEST: [taken] * 9, FIRST_TEST_AGAIN: [taken] * 9}
    noisy = {**seconds, FIRST_TEST_AGAIN: [taken * 1.03] * 9}

    assert green_tests_verdict(seconds).word is word
    assert green_tests_verdict(noisy).noise == pytest.approx(0.03)
    assert green_tests_verdict({}).word is Word.NOT_MEASURED


def test_a_whole_run_has_enough_of_everything_to_be_judged() -> None:
    assert FEWEST_VALUES >= 9
    assert min(Plan().processes, Plan().commands) >= FEWEST_VALUES
    assert (Plan().sizes, Plan().blueprints) == ((3, 100, 1_000, 10_000), 100)
    assert (Plan().servers, Plan().green_tests, Plan().http_rounds) == (3, True, 5)


def test_cells_are_compared_with_the_bare_form() -> None:
    table = all_tables()[0]
    seconds = {str(case): [2.0] * 3 for case in table.cases()}
    seconds[str(Case(Subject(BARE), LISTED))] = [1.0] * 3
    cells = inprocess.fill(table, [seconds]).cells

    assert cells[BARE][LISTED].ratio is None
    assert cells[str(FEW_EXACT)][LISTED].ratio == Figure.of([2.0])
    assert cells[str(FEW_EXACT)][LISTED].value == Figure.of([2e6])


def test_a_server_is_compared_with_itself_without_cors() -> None:
    plan = Plan(http_sizes=(3,), http_kinds=(LISTED,))
    rates = {Subject(BARE): 200.0, Subject(CORS_APP): 100.0, FEW_EXACT: 180.0}
    seen = {key(GRANIAN, subject, LISTED): [Load(rate, 5.0)] for subject, rate in rates.items()}
    cells = requests_table(seen, plan).cells

    assert cells[f"{GRANIAN}: {FEW_EXACT}"][LISTED].ratio == Figure.of([0.9])
    assert cells[f"{GRANIAN}: {Subject(CORS_APP)}"][LISTED].ratio == Figure.of([0.5])


@pytest.mark.parametrize(("values", "code"), [([1.0] * 9, 0), ([1.2] * 9, 1)])
def test_the_command_ends_with_the_exit_code_of_its_run(
    values: list[float], code: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    report = report_of(judge("a GET", 1.05, "x", values))
    monkeypatch.setattr(measure.Run, "__init__", lambda self, plan, folder: None)
    monkeypatch.setattr(measure.Run, "report", lambda self: report)
    monkeypatch.setattr(picture, "is_possible", lambda: False)
    monkeypatch.setattr(sys, "argv", ["benchmarks", "--output", str(tmp_path)])
    monkeypatch.delitem(sys.modules, "benchmarks.__main__", raising=False)

    with pytest.raises(SystemExit) as ended:
        runpy.run_module("benchmarks", run_name="__main__")

    assert ended.value.code == code


def report_of(*verdicts: Verdict) -> Report:
    ratio = Figure(1.0634, 1.06, 1.07, 9)
    cell = Cell(Figure(49.2, 48.0, 50.0, 9), "µs", ratio)
    tables = [Table("A table", {"bare": {}, "ours": {LISTED: cell}})]
    return Report({"Date": "today"}, tables, list(verdicts), ["that: left out, no reason"])


@pytest.mark.parametrize(("values", "code"), [([1.0] * 9, 0), ([1.2] * 9, 1)])
def test_a_run_is_written_printed_and_ends_with_its_exit_code(
    values: list[float],
    code: int,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("benchmarks.__main__.is_possible", lambda: False)
    report = report_of(judge("a GET", 1.05, "x", values), judge("unseen", 1.05, "x", []))
    assert publish(report, tmp_path / "results") == code

    page = (tmp_path / "results/benchmarks.md").read_text(encoding="utf-8")
    assert capsys.readouterr().out.strip() == page.strip()
    assert ("**kept**" in page, "**BROKEN**" in page) == (code == 0, code == 1)
    assert "| ours | 49.2 µs, 1.06x (1.06-1.07) |" in page
    assert re.search(r"^\| unseen +\| 1\.05x +\| +\|", page, re.MULTILINE)
    assert "- that: left out, no reason" in page
    assert "- the picture: left out, matplotlib is not installed" in page
    data = json.loads((tmp_path / "results/benchmarks.json").read_text(encoding="utf-8"))
    assert data["tables"]["A table"]["ours"][LISTED]["ratio"]["median"] == 1.0634
    assert data["budgets"][0]["figure"]["count"] == 9


ABOUT = {
    "Date": "2026-11-25 04:15 UTC",
    "Machine": "Linux x86_64, 2 cores",
    "Python": "CPython 3.11.7",
    "Versions": "flask 3.1.3, werkzeug 3.1.9, flask-cors 6.0.5, flask-else 1",
    "Command": "make bench",
}
MADE = (
    "Measured on 2026-11-25 on Linux x86_64, 2 cores, with CPython 3.11.7, flask 3.1.3 and "
    "flask-cors 6.0.5; `make bench` repeats it and judges the budgets."
)


def cell(ratio: float, value: float = 50.0) -> Cell:
    return Cell(Figure.of([value]), "µs", Figure.of([ratio]))


def test_a_run_is_summed_up_in_three_lines_of_its_medians() -> None:
    requests = {str(Subject(GENERATED)): {LISTED: cell(1.04), PREFLIGHT: cell(0.03)}}
    for number_of, variant in enumerate(FLASK_CORS):
        listed, preflight = cell(1.7 - number_of / 10, 68), cell(1.5 + number_of / 10)
        requests[str(Subject(variant))] = {LISTED: listed, PREFLIGHT: preflight}
    requests[str(Subject(GENERATED, 10_000))] = {LISTED: cell(1.06, 51.0)}
    requests[str(Subject(CORS_APP, 10_000))] = {LISTED: cell(32.0, 1469.0)}
    requests[str(Subject(GENERATED, wildcard=True))] = {LISTED: cell(1.09)}
    rates = {GENERATED: Figure(0.9, 0.8, 1.0, 5), CORS_APP: Figure(0.35, 0.3, 0.4, 5)}
    http = {
        f"granian, 2 workers: {Subject(variant, 1_000)}": {LISTED: Cell(rate, "/s", rate)}
        for variant, rate in rates.items()
    }
    tables = [Table(THE_NUMBER_OF_ORIGINS, requests), Table(OVER_HTTP, http)]

    assert in_short(tables, ABOUT).splitlines() == [
        "- A GET from an origin listed by name takes 1.04 times the same application without CORS, "
        "from one that a wildcard stands for 1.09 times (flask-cors: 1.40 to 1.70); "
        "a preflight 0.030 times (1.50 to 1.80).",
        "- With 3 and with 10,000 origins it takes 50.0 µs and 51.0 µs "
        "(`CORS(app)`: 68.0 µs and 1,469 µs).",
        "- Over HTTP with 1,000 origins, granian serves 0.90 (0.80 to 1.00) of what it serves "
        "without CORS; with `CORS(app)` 0.35 (0.30 to 0.40).",
        "",
        MADE,
    ]


def test_what_was_not_measured_is_not_summed_up() -> None:
    assert in_short([], ABOUT).strip() == MADE


def test_the_readme_repeats_the_newest_results() -> None:
    results = (ROOT / "benchmarks/results/benchmarks.md").read_text(encoding="utf-8")
    (summed_up,) = re.findall(r"^## In short\n(.*?)^## ", results, re.MULTILINE | re.DOTALL)
    readme = (ROOT / "README.md").read_text(encoding="utf-8")

    assert len(re.findall("^- ", summed_up, re.MULTILINE)) == 3
    assert " ".join(summed_up.split()) in " ".join(readme.split())


def test_columns_are_as_wide_as_their_widest_cell() -> None:
    assert grid(("", "long header"), [("first", "1"), ("a second", "2")]).splitlines() == [
        "|          | long header |",
        "| -------- | ----------- |",
        "| first    | 1           |",
        "| a second | 2           |",
    ]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (22663.4, "22,663"),
        (100, "100"),
        (10, "10.0"),
        (0.1, "0.10"),
        (49.24, "49.2"),
        (1.0634, "1.06"),
        (0.0294, "0.029"),
    ],
)
def test_a_number_has_the_digits_that_mean_something(value: float, text: str) -> None:
    assert number(value) == text


@pytest.mark.parametrize(
    ("p99", "milliseconds"), [("4.16ms", 4.16), ("870.00us", 0.87), ("1.20s", 1200.0)]
)
def test_a_report_of_wrk_is_read(p99: str, milliseconds: float) -> None:
    assert read_load(WRK.format(p99=p99, more="")) == Load(5867.45, milliseconds)


@pytest.mark.parametrize(
    "more",
    [
        "  Non-2xx or 3xx responses: 5\n",
        "  Socket errors: connect 0, read 5, write 0, timeout 0\n",
    ],
)
def test_a_round_of_wrk_with_wrong_or_lost_answers_does_not_count(more: str) -> None:
    with pytest.raises(RuntimeError, match=more.strip()):
        read_load(WRK.format(p99="4.16ms", more=more))


ALLOWED = {
    "access-control-allow-origin": "https://a.example",
    "access-control-allow-methods": "GET, PUT",
    "access-control-allow-headers": "Authorization, Content-Type",
}


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (Answer(500, {}), Expected(200, None, False)),
        (Answer(200, {}), Expected(200, "https://a.example", False)),
        (Answer(200, ALLOWED), Expected(200, None, False)),
        (Answer(200, ALLOWED), Expected(200, "https://b.example", False)),
        (
            Answer(200, {**ALLOWED, "access-control-allow-methods": "GET"}),
            Expected(200, "https://a.example", True),
        ),
        (
            Answer(200, {**ALLOWED, "access-control-allow-headers": "Authorization"}),
            Expected(200, "https://a.example", True),
        ),
    ],
)
def test_a_wrong_answer_is_not_timed(answer: Answer, expected: Expected) -> None:
    with pytest.raises(RuntimeError, match="expected"):
        check(Case(Subject(GENERATED), PREFLIGHT), answer, expected)


def test_every_cell_has_a_bare_form_to_be_compared_with() -> None:
    cases = all_cases(all_tables())
    assert {Case(case.subject.bare, case.kind) for case in cases} <= set(cases)
    assert len({str(case) for case in cases}) == len(cases)


def test_a_near_miss_differs_from_a_listed_origin_at_its_end() -> None:
    subject = Subject(GENERATED, origins=10_000, wildcard=True)
    (listed, _), *_ = requests_of(subject, LISTED)
    (near, _), *_ = requests_of(subject, NEAR_MISS)

    assert subject.allowlist()[-1] == "https://*.tenant-09999.example.com"
    assert listed.headers["Origin"] == "https://app.tenant-09999.example.com"
    assert near.headers["Origin"] == "https://app.tenant-09999.example.com.evil.example"
    (long, _), *_ = requests_of(subject, LONG)
    assert len(long.headers["Origin"]) == 8192


@pytest.fixture(scope="module")
def quick_run(
    tmp_path_factory: pytest.TempPathFactory,
) -> tuple[subprocess.CompletedProcess[str], Path]:
    """A run of the real command that measures next to nothing, and the folder of its results."""
    results = tmp_path_factory.mktemp("benchmarks") / "results"
    command = (sys.executable, "-B", "-m", "benchmarks", "--quick", "--output", results)
    return run(*command, cwd=ROOT), results


def test_the_command_runs_from_end_to_end(
    quick_run: tuple[subprocess.CompletedProcess[str], Path],
) -> None:
    done, results = quick_run
    assert done.returncode == 0, done.stderr
    page = (results / "benchmarks.md").read_text(encoding="utf-8")
    assert "\n## In short\n\n- A GET from an origin listed by name takes " in page
    data = json.loads((results / "benchmarks.json").read_text(encoding="utf-8"))

    assert done.stdout.strip() == page.strip()
    assert {budget["name"] for budget in data["budgets"]} > {
        f"{configured}: {kind}"
        for listed in ("exact", "wildcard")
        for configured in (
            f"30 {listed} origins, of 3",
            f"5 blueprints with {listed} origins, of 4",
        )
        for kind in FLAT_KINDS
    }
    assert {budget["word"] for budget in data["budgets"]} == {Word.TOO_FEW, Word.NOT_MEASURED}
    table = data["tables"]["One request: three origins, four blueprints"]
    assert set(table) > {BARE, f"{GENERATED}, 3 exact origins", f"{BARE} (again)"}
    assert all(set(row) == set(FIVE) for row in table.values())
    assert "Generation: the cookiecutter command" in data["tables"]
    assert "Start of a process to its first answer" in data["tables"]
    for variant in NEEDS:
        reason = f"{variant}: left out, {NEEDS[variant]} is not installed"
        assert (reason in data["left_out"]) is not is_installed(variant)


def test_results_name_versions_and_cores_but_no_path_of_the_machine(
    quick_run: tuple[subprocess.CompletedProcess[str], Path],
) -> None:
    _, results = quick_run
    about = json.loads((results / "benchmarks.json").read_text(encoding="utf-8"))["about"]

    assert f"{os.cpu_count()} cores" in about["Machine"]
    assert "flask-cors 6." in about["Versions"]
    assert len(about["Date"]) == len("2026-01-01 00:00 UTC")
    for path in results.iterdir():
        text = path.read_text(encoding="utf-8")
        for private in {ROOT, Path.home(), results.parent, Path(sys.prefix)} - {Path("/")}:
            assert f"{private}/" not in text


def test_the_picture_is_drawn(
    quick_run: tuple[subprocess.CompletedProcess[str], Path],
) -> None:
    pytest.importorskip("matplotlib")
    _, results = quick_run
    assert ElementTree.parse(results / "benchmarks.svg").getroot().tag.endswith("svg")


# What a request costs must not depend on how much is configured: counted, not timed.


class Applications:
    """Builds each application once, from projects with four and with a hundred blueprints."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._projects: dict[int, Path] = {}
        self._built: dict[Subject, Any] = {}

    def __getitem__(self, subject: Subject) -> Any:
        count = subject.blueprints
        if count not in self._projects:
            names = ",".join(blueprint_names(count))
            into = self._folder / str(count)
            self._projects[count] = bake_into(into, project_slug=SLUG, blueprints=names).path
        if subject not in self._built:
            self._built[subject] = flask_app(self._projects[count], subject)
        return self._built[subject]


@pytest.fixture(scope="module")
def applications(tmp_path_factory: pytest.TempPathFactory) -> Applications:
    """The applications that are compared."""
    return Applications(tmp_path_factory.mktemp("applications"))


def work_of(app: Any, case: Case) -> int:
    """Count the lines and the calls that one request takes, comparisons with its origin as well."""
    target = WSGITarget(app)
    request, expected = requests_of(*case)[0]
    for _ in range(3):  # the first ones log, and fill what is filled once
        check(case, target.answer(target.prepare(request)), expected)
    environ = target.prepare(request)
    if "HTTP_ORIGIN" in environ:
        environ["HTTP_ORIGIN"] = Watched(environ["HTTP_ORIGIN"])
    return work(lambda environ: consume(app(environ, ignore)), environ)


@pytest.mark.parametrize("kind", [*FIVE, NEAR_MISS, LONG])
@pytest.mark.parametrize("wildcard", [False, True], ids=["exact", "wildcard"])
def test_ten_thousand_origins_are_no_more_work_than_three(
    applications: Applications, kind: str, wildcard: bool
) -> None:
    few = Subject(GENERATED, wildcard=wildcard)
    many = replace(few, origins=SIZES[-1])

    works = [work_of(applications[subject], Case(subject, kind)) for subject in (few, many)]
    assert works[0] == works[1]


@pytest.mark.parametrize("kind", [*FIVE, NEAR_MISS, LONG])
@pytest.mark.parametrize("wildcard", [False, True], ids=["exact", "wildcard"])
def test_a_hundred_blueprints_are_no_more_work_than_four(
    applications: Applications, kind: str, wildcard: bool
) -> None:
    few = Subject(GENERATED, wildcard=wildcard)
    many = replace(few, blueprints=MANY_BLUEPRINTS)

    works = [work_of(applications[subject], Case(subject, kind)) for subject in (few, many)]
    assert works[0] == works[1]
