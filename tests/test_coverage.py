"""Every branch is reached: of the generated package by its tests here, of the generator by baking.

Processes measure themselves, since cookiecutter runs the hook in one of its own: a script that
Jinja made of the hook, line by line, so what is measured of the script counts for the hook.
"""

import json
import shutil
import sys
from collections.abc import Callable
from functools import partial
from io import StringIO
from pathlib import Path

import pytest
from coverage import Coverage, CoverageData

from .conftest import COOKIECUTTER, ROOT, TEMPLATE, Project, clean_environment, must_run
from .test_answers import ACCEPTED_ORIGINS, REFUSED
from .test_bake import ANSWERS

MEASURE = """
[run]
branch = true
parallel = true
data_file = {folder}/data
include = {sources}
"""
BAKE_EACH = """
import json, sys
from cookiecutter.main import cookiecutter
for number, answers in enumerate(json.loads(sys.argv[1])):
    options = {"no_input": True, "default_config": True, "output_dir": f"baked/{number}"}
    try:
        cookiecutter("checkout", extra_context=answers, **options)
    except SystemExit:
        pass
"""


def measuring(folder: Path, sources: str) -> dict[str, str]:
    """Return the environment in which Python processes measure what they run of some files."""
    settings = folder / "coverage.ini"
    settings.write_text(MEASURE.format(folder=folder, sources=sources), encoding="utf-8")
    return {"COVERAGE_PROCESS_START": str(settings)}


def check_that_all_was_reached(
    folder: Path, files: set[Path], source_of: Callable[[str], str] = str
) -> None:
    """Fail with a table of what is missing if a branch of the files was not reached."""
    total = CoverageData(str(folder / "total"))
    for path in folder.glob("data.*"):
        data = CoverageData(str(path))
        data.read()
        total.update(data, map_path=source_of)
    assert {Path(path) for path in total.measured_files()} == files

    coverage = Coverage(data_file=total.data_filename(), config_file=False)
    coverage.load()
    coverage.exclude('if __name__ == "__main__":')  # a hook is never imported
    table = StringIO()
    assert coverage.report(file=table, show_missing=True) == 100, table.getvalue()


@pytest.mark.parametrize(
    ("suite", "modules"),
    [("engine", ["cors/*.py"]), ("application", ["*.py", "blueprints/*.py"])],
)
def test_its_own_tests_reach_every_branch_of_the_package(
    default_project: Project, tmp_path: Path, suite: str, modules: list[str]
) -> None:
    package = default_project.package
    files = {path for pattern in modules for path in package.glob(pattern)}
    env = clean_environment(
        **measuring(tmp_path, ", ".join(map(str, files))), ENGINE_PROJECT=str(default_project.path)
    )
    command = (sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"tests/{suite}")
    must_run(*command, cwd=ROOT, env=env)
    check_that_all_was_reached(tmp_path, files)


# Tests of folders, replay files, prompts and sources, which no answer leads to.
SITUATIONS = {
    "test_answers.py": "pasting or history or accented",
    "test_answers_are_data.py": "another_template or leaves_out or replayed or (refused and slug)",
    "test_cookiecutter_versions.py": "test_an_older_one",
    "test_cruft_state.py": "holds or around or without or zip or no_git or secret",
    "test_existing_folder.py": "not byte_for_byte and not cruft",
}


@pytest.fixture
def checkout(repository: Path, tmp_path: Path) -> Path:
    """A checkout of the template in which a cache was left behind."""
    checkout = tmp_path / "checkout"
    shutil.copytree(repository, checkout)
    cache = checkout / TEMPLATE.name / "tests/__pycache__"
    cache.mkdir()
    (cache / "stale.pyc").touch()
    return checkout


def test_the_answers_of_the_other_tests_reach_every_branch_of_the_generator(
    checkout: Path, tmp_path: Path
) -> None:
    hook, extension = checkout / "hooks/post_gen_project.py", checkout / "local_extensions.py"
    scripts = tmp_path / "scripts"
    scripts.mkdir()
    env = clean_environment(
        **measuring(tmp_path, f"*/{extension.name}, {scripts}/*"), TMPDIR=str(scripts)
    )
    python = partial(must_run, sys.executable, cwd=tmp_path, env=env)

    refused = [{key: answer} for key, answer, _ in REFUSED]
    accepted = [{"cors_origins": answer} for answer, _ in ACCEPTED_ORIGINS]
    without_uv, with_uv = tmp_path / "without-uv", tmp_path / "with-uv"
    without_uv.mkdir()
    with_uv.mkdir()
    (with_uv / "uv").touch(0o755)
    bakes = json.dumps([*refused, *accepted, *ANSWERS.values()])
    must_run(
        sys.executable, "-c", BAKE_EACH, bakes, cwd=tmp_path, env={**env, "PATH": str(without_uv)}
    )
    python("-m", "cruft", "create", checkout, "--no-input", "--output-dir", "by-cruft")
    for suite, names in SITUATIONS.items():
        options = ("-q", f"--basetemp={tmp_path / 'base'}", "-p", "no:cacheprovider", "-k", names)
        python("-m", "pytest", *options, f"{checkout}/tests/{suite}")
    # As from a zip file, into the folder of the shell
    shutil.rmtree(checkout / ".git")
    must_run(*COOKIECUTTER, "checkout", cwd=tmp_path, env={**env, "PATH": str(with_uv)})

    check_that_all_was_reached(
        tmp_path,
        {hook, extension},
        lambda path: str(hook if Path(path).parent == scripts else extension),
    )
