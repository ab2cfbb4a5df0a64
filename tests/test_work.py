"""What a request costs does not depend on how much is configured: counted, not timed."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from benchmarks.apps import flask_app
from benchmarks.commands import SLUG
from benchmarks.inprocess import ignore, prepare, send
from benchmarks.subjects import GENERATED, KINDS, LISTS, Subject, blueprint_names, requests_of

from .conftest import bake_into
from .counting import Watched, work

Count = Callable[[Subject, str], int]


@pytest.fixture(scope="module")
def work_of(tmp_path_factory: pytest.TempPathFactory) -> Count:
    """Counts the lines and calls that a request takes, comparisons with its origin as well."""
    folder = tmp_path_factory.mktemp("applications")
    projects: dict[int, Path] = {}
    apps: dict[Subject, Any] = {}

    def counted(subject: Subject, kind: str) -> int:
        count = subject.blueprints
        if count not in projects:
            answers = {"project_slug": SLUG, "blueprints": ",".join(blueprint_names(count))}
            projects[count] = bake_into(folder / str(count), **answers).path
        if subject not in apps:
            apps[subject] = flask_app(projects[count], subject)
        app = apps[subject]
        environ = prepare(requests_of(subject, kind)[0])
        for _ in range(3):  # the first ones log, and fill what is filled once
            send(app, environ.copy(), ignore)
        if "HTTP_ORIGIN" in environ:
            environ["HTTP_ORIGIN"] = Watched(environ["HTTP_ORIGIN"])
        # Now and then one looks at the clock: the others count.
        return min(work(lambda e: send(app, e, ignore), environ.copy()) for _ in range(3))

    return counted


@pytest.mark.parametrize("kind", [kind for kind in KINDS if "rotating" not in kind])
@pytest.mark.parametrize("few", [Subject(GENERATED, kind=kind) for kind in LISTS], ids=str)
def test_more_origins_and_more_blueprints_are_no_more_work(
    work_of: Count, few: Subject, kind: str
) -> None:
    expected = work_of(few, kind)

    assert work_of(replace(few, origins=10_000), kind) == expected
    assert work_of(replace(few, blueprints=100), kind) == expected
