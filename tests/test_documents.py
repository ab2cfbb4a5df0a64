"""The documents: short, each for somebody, a thing said once; links and tables are right."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml

import local_extensions

from .conftest import ROOT, Bake, Project

DOCS = sorted((ROOT / "docs").rglob("*.md"))
VARIABLES = (ROOT / "docs/variables.md").read_text(encoding="utf-8")
README = (ROOT / "README.md").read_text(encoding="utf-8")
CODE = re.compile(r"^```.*?^```$|^<!--.*?-->$", re.MULTILINE | re.DOTALL)
WORDS_IN_A_ROW = 12


def rows(heading: str, document: str = VARIABLES) -> list[list[str]]:
    """Return the cells of the first table below a heading, without its head."""
    below = document.partition(f" {heading}\n")[2]
    table = re.findall(r"(?:^\|.*\|\n)+", below, re.MULTILINE)[0]
    return [[cell.strip() for cell in line[1:-2].split(" |")] for line in table.splitlines()[2:]]


def quoted(cell: str) -> list[str]:
    """Return what stands in backticks."""
    return re.findall(r"`([^`]+)`", cell)


def test_the_generated_readme_is_short(default_project: Project) -> None:
    lines = default_project.read("README.md").splitlines()

    assert len(lines) <= 120
    assert max(map(len, lines)) <= 160


def test_nothing_in_it_goes_stale_when_a_blueprint_is_renamed(
    default_project: Project, baked: Bake
) -> None:
    assert baked(blueprints="orders, catalog").read("README.md") == default_project.read(
        "README.md"
    )


def test_its_table_names_every_variable(default_project: Project, package: ModuleType) -> None:
    named = [quoted(row[0])[0] for row in rows("Variables", default_project.read("README.md"))]

    assert named == [*(f"CORS_{option}" for option in options(package)), "FLASK_..."]


def test_what_it_says_of_a_blocked_page_is_so(default_project: Project) -> None:
    listed, unlisted = "http://localhost:3000", "http://127.0.0.1:3000"
    told = " ".join((ROOT / "docs/blocked.md").read_text(encoding="utf-8").replace(">", "").split())
    causes = rows("Blocked by CORS policy", default_project.read("README.md"))
    asked = [
        (unlisted, "GET", [], "CORS_ORIGINS"),
        (listed, "GET", quoted(causes[1][2])[0].split(), "CORS_ALLOW_HEADERS"),
        (listed, quoted(causes[1][2])[1], [], "CORS_METHODS"),
        (listed, "GET", quoted(causes[2][2]), "CORS_SUPPORTS_CREDENTIALS"),
    ]

    assert [message for message, _, _ in causes if message.strip("`") not in told] == []
    for origin, method, more, variable in asked:
        check = ("flask", "cors", "check", origin, method, "/api/public/", *more)
        done = default_project.run(*check, env={"CORS_METHODS": "GET"})
        assert done.returncode == 1
        assert f"{variable}=" in done.stdout


@pytest.mark.parametrize(
    ("fetched", "address"),
    [
        ("https://github.com/org/T.git", "https://github.com/org/T"),
        ("https://git.example.com:8443/a/b/T/", "https://git.example.com/a/b/T"),
        ("git@github.com:org/T.git", "https://github.com/org/T"),
        ("ssh://git@github.com/org/T.git", "https://github.com/org/T"),
        ("ssh://git@github.com:22/org/T", "https://github.com/org/T"),
        ("/home/ada/T", local_extensions.ADDRESS),
        ("file:///home/ada/T.git", local_extensions.ADDRESS),
        (r"C:\Users\ada\T", local_extensions.ADDRESS),
        (None, local_extensions.ADDRESS),
    ],
)
def test_documents_are_read_where_the_template_was_fetched(
    monkeypatch: pytest.MonkeyPatch, fetched: str | None, address: str
) -> None:
    monkeypatch.setattr(local_extensions, "_source", lambda *_: fetched)
    monkeypatch.setattr(local_extensions, "template_version", lambda _: "1.2.0")

    for commit, version in [("c0ffee", "c0ffee"), (None, "v1.2.0")]:
        answers = {"_template": "T", "_commit": commit}
        assert local_extensions.documents(answers) == f"{address}/blob/{version}/docs"


def test_the_readme_begins_with_what_its_reader_does() -> None:
    first = re.findall(r"^```(\w*)\n(.*?)^```", README, re.MULTILINE | re.DOTALL)[0]
    lines = README.splitlines()
    (asked,) = [n for n, line in enumerate(lines) if "Do you need CORS at all?" in line]

    assert first[0] == "sh"
    assert [line.split()[0] for line in first[1].splitlines()] == ["uvx", "cd", "uv"]
    assert asked < 20
    assert "" in lines[asked : asked + 6]
    assert README.count("```mermaid\n") == 1


def test_the_readme_says_where_the_template_is() -> None:
    short = re.findall(r"cookiecutter gh:(\S+)", README)

    assert [f"https://github.com/{name}" for name in short] == [local_extensions.ADDRESS]


def test_every_link_of_the_generated_readme_leads_to_a_page(default_project: Project) -> None:
    text = default_project.read("README.md")
    links = dict(re.findall(r"^\[(.+)\]: https://.+/blob/[^/]+/(docs/.+)$", text, re.MULTILINE))

    used = re.findall(r"\[([^]\n]+)\]\[([\w-]*)\]", text)
    assert links.keys() == {name or shown for shown, name in used}
    assert [path for path in links.values() if not (ROOT / path).exists()] == []


@pytest.mark.parametrize("page", [ROOT / "README.md", *DOCS], ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    text = CODE.sub("", page.read_text(encoding="utf-8"))
    for link in re.findall(r"\]\((?!https?://)([^)]+)\)", text):
        path, _, anchor = link.partition("#")
        target = (page.parent / path) if path else page
        assert target.exists(), link
        if anchor:
            headings = re.findall(r"^#+ (.+)$", target.read_text(encoding="utf-8"), re.MULTILINE)
            anchors = [re.sub(r"[^\w -]", "", h.lower()).replace(" ", "-") for h in headings]
            assert anchor in anchors, link


@pytest.mark.parametrize("page", DOCS, ids=lambda page: page.stem)
def test_a_page_begins_with_whom_it_is_for(page: Path) -> None:
    title, _, first, *_ = page.read_text(encoding="utf-8").splitlines()

    assert title.startswith("# ")
    assert first.startswith("For ")


def test_no_document_says_a_thing_twice(default_project: Project) -> None:
    texts = {str(page.relative_to(ROOT)): page.read_text(encoding="utf-8") for page in DOCS}
    texts |= {"README.md": README, "generated": default_project.read("README.md")}
    said: dict[tuple[str, ...], str] = {}
    twice = []
    for name, text in texts.items():
        for sentence in re.split(r"\n\n|\n(?=[|-])|(?<=[.:]) ", CODE.sub("", text)):
            words = re.findall(r"[\w'./:*@<>=-]+", sentence)
            for start in range(len(words) - WORDS_IN_A_ROW + 1):
                part = tuple(words[start : start + WORDS_IN_A_ROW])
                if said.setdefault(part, name) != name:
                    twice.append((said[part], name, " ".join(part)))

    assert twice == []


def test_the_figures_of_the_readme_are_those_of_the_results() -> None:
    results = (ROOT / "benchmarks/results/benchmarks.md").read_text(encoding="utf-8")

    def milliseconds(origins: str) -> float:
        name = re.escape(f"flask-cors CORS(bp), {origins} exact origins")
        (cell,) = re.findall(rf"^\| {name} +\|[^|]+\| ([\d,.]+) µs", results, re.MULTILINE)[:1]
        return float(cell.replace(",", "")) / 1000

    grows = re.findall(r"([\d.]+) ms a request at 10,000 origins, ([\d.]+) ms at 3 ", README)
    (version,) = re.findall(r"flask-cors (\d\S+),", results)

    assert grows == [(f"{milliseconds('10,000'):.2g}", f"{milliseconds('3'):.2f}")]
    assert f"(measured on {version};" in README


def test_figures_stand_where_a_test_holds_them(default_project: Project) -> None:
    """Those of `What it costs` are held to the results by another test."""
    readme = re.sub(r"^## What it costs.*?(?=^## )", "", README, flags=re.MULTILINE | re.DOTALL)
    readme = readme.replace(" ms a request at 10,000 origins", "").replace(" ms at 3", "")
    texts = [readme, default_project.read("README.md"), *(page.read_text() for page in DOCS)]
    figure = r"[\d.]+ ?(?:ms|µs|times|%|/s)(?!\w)|\b(?:two|three|four|ten) times\b"

    assert [re.findall(figure, CODE.sub("", text)) for text in texts] == [[]] * len(texts)


# docs/variables.md


def options(package: ModuleType) -> dict[str, str]:
    """Return the options of the package, each with its default as people write it."""
    defaults: Any = package.cors.policy.Policy("x", {}, package.cors.origins.Allowlist())
    values = {name: getattr(defaults, name.lower()) for name in package.cors.settings.READERS}
    return {
        name: str(value).lower() if isinstance(value, bool | int) else ",".join(value)
        for name, value in values.items()
    }


def test_every_option_has_its_default(package: ModuleType) -> None:
    told = {quoted(option)[0]: "".join(quoted(default)) for option, _, default in rows("Options")}

    assert told == options(package)


Read = Callable[..., Any]


@pytest.fixture
def read(package: ModuleType) -> Read:
    """Read variables for two blueprints."""

    def read_it(**variables: str) -> Any:
        return package.cors.settings.read_settings(["public", "admin"], variables)

    return read_it


@pytest.mark.parametrize(("entry", "allows", "not_these"), rows("Origins"))
def test_what_an_asterisk_stands_for(read: Read, entry: str, allows: str, not_these: str) -> None:
    (written,) = quoted(entry)
    allowlist = read(CORS_ORIGINS=written).policies["public"].allowlist

    assert quoted(allows)
    assert [origin for origin in quoted(allows) if not allowlist.allows(origin)] == []
    assert [origin for origin in quoted(not_these) if allowlist.allows(origin)] == []


@pytest.mark.parametrize(("written", "wrong", "write"), rows("What is refused"))
def test_what_is_refused(
    package: ModuleType, read: Read, written: str, wrong: str, write: str
) -> None:
    with pytest.raises(package.cors.ConfigurationError) as refused:
        read(CORS_ORIGINS=quoted(written)[0])
    (problem,) = refused.value.problems

    assert wrong in problem.wrong
    assert (problem.write or "") == "".join(quoted(write))
    if problem.write:
        assert read(CORS_ORIGINS=problem.write)


def test_names_that_strangers_can_get(package: ModuleType, read: Read) -> None:
    (text,) = re.findall(r"^### Names that.*?^###", VARIABLES, re.MULTILINE | re.DOTALL)
    above, sold, given = [name for name in quoted(text) if "*." in name or "-*" in name][1:]
    suffix = "vercel.app"

    for entry in (f"https://*.{suffix}", above, sold):
        with pytest.raises(package.cors.ConfigurationError):
            read(CORS_ORIGINS=entry)
    assert [warning.code for warning in read(CORS_ORIGINS=given).warnings] == ["wildcard-shared"]
    with pytest.raises(package.cors.ConfigurationError):
        read(CORS_ORIGINS=given, CORS_SUPPORTS_CREDENTIALS="true")
    assert f"CORS_OWN_SUFFIXES={suffix}" not in VARIABLES
    own = read(CORS_ORIGINS=f"https://*.{suffix}", CORS_OWN_SUFFIXES=suffix)
    assert own.policies["public"].allowlist.allows(f"https://a.{suffix}")


def test_credentials_refuse_what_is_said(package: ModuleType, read: Read) -> None:
    for entry in ("*", "moz-extension://*", "http://app.example.com"):
        with pytest.raises(package.cors.ConfigurationError):
            read(CORS_ORIGINS=entry, CORS_SUPPORTS_CREDENTIALS="true")
    (text,) = re.findall(r"^## Credentials\n.*?^##", VARIABLES, re.MULTILINE | re.DOTALL)
    private = [entry for entry in quoted(text) if entry.startswith("http://")]
    for entry in private:
        found = read(CORS_ORIGINS=entry, CORS_SUPPORTS_CREDENTIALS="true")
        assert [warning.code for warning in found.warnings] == ["http-with-credentials"]
    assert len(private) == 2


def test_names_that_are_not_known(package: ModuleType, read: Read) -> None:
    (ignored,) = re.findall(r"`CORS_IGNORE=(\w+),", VARIABLES)

    with pytest.raises(package.cors.ConfigurationError):
        read(**{ignored: "x"})
    read(**{ignored: "x"}, CORS_IGNORE=ignored)


# docs/production.md


def test_kubernetes_gives_the_settings(read: Read, tmp_path: Path) -> None:
    text = (ROOT / "docs/production.md").read_text(encoding="utf-8")
    (kubernetes,) = re.findall(r"^## Kubernetes\n.*?^```yaml\n(.*?)^```", text, re.M | re.S)
    config, deployment = yaml.safe_load_all(kubernetes)
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    (mount,) = container["volumeMounts"]
    (name,) = [name for name in config["data"] if name.endswith(".origins")]
    (tmp_path / name).write_text(config["data"][name], encoding="utf-8")
    given = {
        variable["name"]: config["data"][variable["valueFrom"]["configMapKeyRef"]["key"]]
        for variable in container["env"]
    }

    assert "subPath" not in mount
    assert given["CORS_ORIGINS_ADMIN"] == f"@{mount['mountPath']}/{name}"
    policies = read(
        **given | {"CORS_ORIGINS_ADMIN": f"@{tmp_path / name}"}, CORS_PROXY_SERVICE_HOST="10.0.0.1"
    ).policies
    assert policies["admin"].allowlist.allows("https://admin.example.com")
    assert policies["public"].allowlist.allows("https://app.example.com")
