"""The benchmarks judge rightly, and run from end to end."""

import re
import sys
from dataclasses import replace
from itertools import product
from pathlib import Path
from xml.etree import ElementTree

import pytest

from benchmarks import __main__ as command
from benchmarks import commands, subjects
from benchmarks.figures import AGAIN, GOOD, Budget, Figures, Word, judge
from benchmarks.inprocess import check
from benchmarks.report import Report, grid, number, picture
from benchmarks.servers import GRANIAN, read_rate
from benchmarks.subjects import BARE, GENERATED, LISTED, Asked, Subject

from .conftest import ROOT, Project, clean_environment, must_run


def figures_of(column: str, **rows: list[float]) -> Figures:
    return Figures({row.replace("_again", AGAIN): {column: values} for row, values in rows.items()})


def test_ratios_are_of_what_was_measured_together() -> None:
    # Three processes, the second ten times slower for both: the ratio of the medians would be 1.
    figures = figures_of("GET", ours=[2.0, 30.0, 4.0], bare=[1.0, 10.0, 4.0])

    assert figures.ratios("ours", "GET", "bare") == [2.0, 3.0, 1.0]
    assert judge(Budget("", 2.0, "ours", "GET", "bare", 3), figures).median == 2.0
    with pytest.raises(ValueError, match="zip"):
        figures_of("GET", ours=[1.0], bare=[1.0, 2.0]).ratios("ours", "GET", "bare")


@pytest.mark.parametrize(
    ("values", "control", "word"),
    [
        pytest.param([1.04] * 9, 1.0, Word.KEPT, id="below"),
        pytest.param([1.05] * 9, 1.2, Word.KEPT, id="at the limit, whatever the noise"),
        pytest.param([1.0] * 5 + [9.0] * 4, 1.0, Word.KEPT, id="a few slow processes"),
        pytest.param([1.0] * 4 + [1.2] * 5, 1.02, Word.BROKEN, id="most processes"),
        pytest.param([1.06] * 9, 1.02, Word.WITHIN_NOISE, id="what the control shows"),
        pytest.param([1.06] * 9, 0.98, Word.WITHIN_NOISE, id="in the other direction"),
        pytest.param([1.06] * 9, 1.005, Word.BROKEN, id="what it does not show"),
        pytest.param([1.1] * 9, 1.049, Word.TOO_NOISY, id="twice the overhead, much noise"),
        pytest.param([1.1] * 9, 1.02, Word.BROKEN, id="twice the overhead"),
        pytest.param([1.0] * 8, 1.0, Word.TOO_FEW, id="too few processes"),
        pytest.param([], 1.0, Word.NOT_MEASURED, id="nothing"),
    ],
)
def test_a_budget_is_judged_by_its_median_and_the_noise_of_the_run(
    values: list[float], control: float, word: Word
) -> None:
    count = len(values)
    rows = {"ours": values, "bare": [1.0] * count, "bare_again": [control] * count}
    verdict = judge(Budget("", 1.05, "ours", "GET", "bare", 9), figures_of("GET", **rows))

    assert verdict.word is word
    assert (verdict.word in GOOD) is (word in (Word.KEPT, Word.WITHIN_NOISE))


def test_noise_is_the_widest_control_of_the_column_alone() -> None:
    rows = {"a": [1.0], "a_again": [0.97], "b": [1.0], "b_again": [1.01]}

    assert figures_of("GET", **rows).noise("GET") == pytest.approx(0.03)
    assert figures_of("GET", **rows).noise("PUT") == float("inf")


def test_every_kind_of_request_to_every_list_has_its_budgets_and_so_have_processes() -> None:
    found = {(b.row, b.column, b.base): b.limit for b in subjects.budgets_of_requests(10_000, 100)}
    for kind, column in product(subjects.LISTS, subjects.KINDS):
        few = Subject(GENERATED, kind=kind)
        limit = 1.1 if column in subjects.LOGGED else 1.05
        limit = 0.05 if column in subjects.PREFLIGHTS else limit
        for subject in (few, replace(few, origins=10_000), replace(few, blueprints=100)):
            assert found.pop((str(subject), column, str(subject.bare))) == limit
            assert subject == few or found.pop((str(subject), column, str(few))) == 1.05
    assert found == {}
    subjects_again = {s for s, _ in subjects.cases_of((3, 10_000), 100) if s.again}
    assert subjects_again >= {Subject(BARE, again=True), Subject(GENERATED, again=True)}

    limits = {budget.row: budget.limit for budget in commands.budgets(10_000)}
    green = {"the first of its tests": 2.0, "all its tests": 3.0}
    start = {"generated, default answers": 5.0, "generated, 10,000 origins": 10.0}
    start["generated, 100,000 origins in a file"] = 10.0

    assert limits == {"this template": 1.35, **green, **start}


@pytest.mark.parametrize("more", ["Non-2xx or 3xx responses: 5", "Socket errors: read 5"])
def test_a_report_of_wrk_counts_where_all_was_answered(more: str) -> None:
    report = "  5900 requests in 1.00s, 1.20MB read\n{}Requests/sec:   5867.45\n"

    assert read_rate(report.format("")) == 5867.45
    with pytest.raises(RuntimeError, match=more):
        read_rate(report.format(f"  {more}\n"))


@pytest.mark.parametrize(
    ("status", "origin", "methods", "headers"),
    [
        (500, "https://a.example", "GET, PUT", "Content-Type"),
        (200, "https://b.example", "GET, PUT", "Content-Type"),
        (200, "https://a.example", "GET", "Content-Type"),
        (200, "https://a.example", "GET, PUT", "Authorization"),
    ],
)
def test_a_wrong_answer_is_not_timed(status: int, origin: str, methods: str, headers: str) -> None:
    asked = Asked("OPTIONS", "/", {}, 200, "https://a.example")
    allowed = {"Origin": origin, "Methods": methods, "Headers": headers}

    with pytest.raises(RuntimeError, match="a preflight: expected"):
        check(
            "a preflight",
            asked,
            status,
            [(f"Access-Control-Allow-{n}", v) for n, v in allowed.items()],
        )


def test_requests_come_from_where_their_names_say() -> None:
    def origins(kind: str) -> list[str]:
        subject = Subject(GENERATED, 10_000, subjects.WILDCARD)
        return [asked.headers["Origin"] for asked in subjects.requests_of(subject, kind)]

    assert origins(LISTED) == ["https://app.t09999.example.com"]
    assert origins(subjects.NEAR_MISS) == ["http://app.t09999.example.com"]
    assert [len(origin) for origin in origins(subjects.LONG)] == [8192]
    assert len(set(origins(subjects.UNLISTED_ROTATING))) == subjects.ROTATED > 100  # the log's
    assert len(origins(subjects.ROTATING)) == subjects.ROTATED


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Report:
    """A run that measures everything, but next to nothing of it."""
    pytest.importorskip("starlette")
    pytest.importorskip("corsheaders")
    folder = tmp_path_factory.mktemp("benchmarks")
    few = {"turns": 1, "processes": 1, "rounds": 1, "runs": 1, "tests": 0, "behind": [GRANIAN]}
    return command.measure(folder, sizes=(3, 10_000), blueprints=5, **few)  # type: ignore[arg-type]


def test_a_run_goes_from_end_to_end(report: Report) -> None:
    page = report.markdown()

    assert {verdict.word for verdict in report.verdicts} == {Word.TOO_FEW, Word.NOT_MEASURED}
    _, bad = page.split("## Broken, not judged, not measured")
    assert bad.count("\n- ") == len(report.verdicts)
    assert "(all its tests): not measured" in bad
    assert "- A GET from an origin listed by name takes " in page
    for row, cells in report.figures.values.items():
        assert f"\n| {row} " in page
        assert all(f" {column} " in page for column in cells)
    assert str(Path.home()) not in page
    assert str(ROOT) not in page


def test_the_picture_is_small_readable_in_the_dark_and_as_stable_as_its_figures(
    report: Report,
) -> None:
    drawn = picture(report.figures)
    for cells in report.figures.values.values():
        cells.update({kind: [value * 1.0001 for value in cells[kind]] for kind in cells})

    assert picture(report.figures) == drawn
    texts = {element.text for element in ElementTree.fromstring(drawn).iter()}
    assert {GENERATED, subjects.CORS_APP, "A GET from a listed origin"} <= texts
    assert len(drawn.encode()) <= 40_000
    assert "@media (prefers-color-scheme: dark)" in drawn


@pytest.mark.parametrize(("ratio", "code"), [(1.0, 0), (2.0, 1)])
def test_the_command_ends_with_1_unless_every_budget_was_kept(
    ratio: float, code: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    figures = figures_of(LISTED, a=[ratio] * 9, b=[1.0] * 9, b_again=[1.0] * 9)
    verdict = judge(Budget("a rule", 1.05, "a", LISTED, "b"), figures)
    about = dict.fromkeys(("Date", "Machine", "Python", "Versions", "Command"), "")
    monkeypatch.setattr(command, "measure", lambda _: Report(about, figures, [verdict]))

    assert command.main(tmp_path / "new") == code
    page = (tmp_path / "new/benchmarks.md").read_text(encoding="utf-8")
    assert ("1 BROKEN |" in page, "- a rule (a): BROKEN; 2.00 of" in page) == (code == 1,) * 2


def test_the_readme_repeats_the_newest_results() -> None:
    results = (ROOT / "benchmarks/results/benchmarks.md").read_text(encoding="utf-8")
    (summed_up,) = re.findall(r"^## In short\n(.*?)^## ", results, re.MULTILINE | re.DOTALL)
    readme = (ROOT / "README.md").read_text(encoding="utf-8").split()

    assert summed_up.count("\n- ") >= 3
    assert " ".join(summed_up.split()) in " ".join(readme)


def test_numbers_have_the_digits_that_mean_something_in_aligned_columns() -> None:
    numbers = [number(value) for value in (22663.4, 100, 10, 0.1, 49.24, 1.0634, 0.0294)]
    assert numbers == ["22,663", "100", "10.0", "0.10", "49.2", "1.06", "0.029"]
    assert grid(("", "long"), [("a second", "2")]).splitlines()[-1] == "| a second | 2    |"


def test_the_start_imports_no_module_that_only_tests_need(default_project: Project) -> None:
    env = clean_environment(PYTHONPATH=str(default_project.path / "src"))
    code = (
        "import sys, my_api; my_api.create_app(); print({'pdb', 'flask.testing'} & {*sys.modules})"
    )
    assert must_run(sys.executable, "-c", code, cwd=ROOT, env=env).strip() == "set()"
