"""A file of origins changes under load: each answer is right under the old or the new list."""

from __future__ import annotations

import asyncio
import itertools
import random
import time
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from threading import Thread

import pytest

from .conftest import Bake
from .servers import serve
from .test_load import (
    BLUEPRINTS,
    HURRY,
    SITE,
    STRANGERS,
    TENANTS,
    VARIABLES,
    Exchange,
    Page,
    Rules,
    Tally,
    drive,
    exchanges,
)

SECONDS_UNTIL_ALL_SERVE = 2
SECONDS_UNTIL_ALL_HAVE_SEEN_IT = 3.5

# `public` and `partners` name the file, `admin` and `catalog` have lists of their own.
LISTS = (TENANTS, [*TENANTS[25:], *(f"https://new-{n}.example.com:8443" for n in range(30))])
SITES = [{**SITE, "public": Rules(listed), "partners": Rules(listed)} for listed in LISTS]
# What half of a file, or a broken one, would let in.
NEVER = ["https://new-29.example.co", "https://tenant-49.example.c", "https://broken.example"]
NOBODY = [*STRANGERS, *map(Page, NEVER), Page("https://app.partner.example:8443")]


class Replacer:
    """Replaces the list in every way that people and programs do."""

    def __init__(self, folder: Path) -> None:
        self._choose = random.Random(0)
        self._folders = itertools.count()
        self._current = folder / "current"
        self.path = self._current / "list"
        self.turn_link(self.text(LISTS[0]))

    @staticmethod
    def text(listed: Sequence[str]) -> str:
        return "# ours\n" + "".join(f"{origin}\n" for origin in listed)

    def turn_link(self, text: str) -> None:
        """Do what Kubernetes does for a ConfigMap."""
        folder = self._current.with_name(f"{next(self._folders)}")
        folder.mkdir()
        (folder / "list").write_text(text)
        link = self._current.with_name("new")
        link.symlink_to(folder.name)
        link.replace(self._current)

    def rename(self, text: str) -> None:
        """Do what editors do."""
        new = self.path.with_name("new")
        new.write_text(text)
        new.replace(self.path)

    def write_in_halves(self, text: str) -> None:
        """Do what a slow program does that writes the file where it lies."""
        with self.path.open("w") as file:
            file.write(text[:-2])
            file.flush()
            time.sleep(self._choose.choice([0.1, 2.5]))
            file.write(text[-2:])

    def break_it(self, text: str) -> None:
        """Do what goes wrong."""
        broken = f"{text}https://broken.example\nhttps://broken.example/\n"
        cut = f"{text}https://broken.example"
        self._choose.choice([self.rename, self.turn_link])(self._choose.choice([broken, cut, ""]))

    def replace(self, times: int) -> None:
        """Leave the second list in the end."""
        ways = [self.turn_link, self.rename, self.write_in_halves, self.break_it]
        for number in range(times - 1):
            self._choose.choice(ways)(self.text(LISTS[number % 2]))
            time.sleep(self._choose.uniform(0, 0.4))
        self._choose.choice(ways[:3])(self.text(LISTS[1]))


def until_done(todo: Iterator[Exchange], thread: Thread, least: int) -> Iterator[Exchange]:
    """Yield exchanges for as long as a thread runs, and no fewer than some."""
    for number, exchange in enumerate(todo):
        if number >= least and not thread.is_alive():
            return
        yield exchange


@pytest.mark.parametrize(
    ("server", "times", "least"),
    [
        ("gunicorn-gthread", 6, 2_000),
        pytest.param("gunicorn-gthread", 50, 50_000, marks=pytest.mark.slow),
        pytest.param("granian", 50, 50_000, marks=pytest.mark.slow),
    ],
)
def test_every_answer_is_right_under_the_old_list_or_the_new_one(
    bake: Bake,
    tmp_path: Path,
    server: str,
    times: int,
    least: int,
    capsys: pytest.CaptureFixture[str],
) -> None:
    project = bake(blueprints=BLUEPRINTS)
    (project.path / "src/sitecustomize.py").write_text(HURRY, encoding="utf-8")
    replacer = Replacer(tmp_path)
    file = f"@{replacer.path}"
    variables = {**VARIABLES, "CORS_ORIGINS": file, "CORS_ORIGINS_PARTNERS": file}
    during, after = Tally(), Tally()
    with serve(project, server, "--workers=2", env=variables) as running:
        time.sleep(SECONDS_UNTIL_ALL_SERVE)  # a worker does not start with a broken one
        thread = Thread(target=replacer.replace, args=(times,))
        thread.start()
        todo = exchanges(running.port, SITES, strangers=NOBODY)
        asyncio.run(drive(running.port, until_done(todo, thread, least), during))
        thread.join()
        time.sleep(SECONDS_UNTIL_ALL_HAVE_SEEN_IT)
        todo = exchanges(running.port, SITES[1:], strangers=[*NOBODY, *map(Page, LISTS[0][:25])])
        asyncio.run(drive(running.port, islice(todo, 2_000), after))
        errors = running.stderr

    with capsys.disabled():
        print(f"\n{server}, two workers: {during.right:,} requests, {times} replacements")
    assert during.wrong[:5] == [], errors[-2000:]
    assert during.right >= least, errors[-2000:]
    assert after.wrong[:5] == []
    assert (after.right, during.dropped, after.dropped) == (2_000, 0, 0)
    assert f"{replacer.path} has changed: " in errors
    assert "Traceback" not in errors
