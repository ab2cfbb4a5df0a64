"""Jinja filters that turn answers into what the files need, and refuse those that cannot work.

A filter that raises SystemExit with a sentence makes cookiecutter print it right after the answer,
without a traceback, and leave no folder. All answers are checked once more, and the folder with
them, right before the first byte is written: those of a replay file have met no filter until then.
Standard library only, but for the version of cookiecutter and Jinja's own base class.
"""

import importlib
import json
import keyword
import os
import re
import shlex
import shutil
import subprocess
import sys
import unicodedata
from collections.abc import Callable, Iterator
from fnmatch import fnmatchcase
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any, NoReturn

import cookiecutter
from jinja2 import Environment
from jinja2.ext import Extension

OLDEST_COOKIECUTTER = "2.3"
LONGEST_SLUG = 40
LONGEST_BLUEPRINT = 20

TEMPLATE = Path(os.path.abspath(__file__)).parent
# Where its documents are read, unless it was fetched from elsewhere; its README says the same.
ADDRESS = "https://github.com/org/flask-cors-api"
REMOTE = r"(?:https?://|ssh://\w+@|\w+@)([\w.-]+)(?::\d+)?[/:]([\w./~-]+?)(?:\.git)?/*"
PROJECT = "{{cookiecutter.project_slug}}"
CORS_PACKAGE = TEMPLATE / PROJECT / "src/{{cookiecutter.__package}}/cors"
# What decides what a project gets; the rest of the repository may be changed.
RENDERED_FROM = ("cookiecutter.json", "local_extensions.py", "hooks", PROJECT)

# What a new repository may hold before there is a project in it.
FIRST_FILES = (".git", "README*", "LICENSE*", ".gitignore", ".gitattributes")
# What is removed again where the answer is no: files, and folders with a slash.
OPTIONS = {"docker": ("Dockerfile", ".dockerignore"), "github_actions": (".github/",)}
YES = frozenset("1 true t yes y on".split())
NO = frozenset("0 false f no n off".split())

# What the generated project and its tools need, and what would take the package's place.
OTHER_PACKAGES = frozenset(
    "ast_serialize blinker click colorama dotenv flask flask_cors granian gunicorn iniconfig "
    "itsdangerous jinja2 librt markupsafe mypy mypy_extensions packaging pathspec pip pluggy "
    "publicsuffixlist pygments pytest python_dotenv ruff setuptools src test tests "
    "typing_extensions uv uv_build waitress werkzeug wsgi".split()
)
# In place of the public suffix list, where that is not installed: the best known suffixes of
# registries and of hosts. The first start of the project has the last word.
BEST_KNOWN_SUFFIXES = """
    ai app biz ch cloud co com de dev edu eu fr gov info io it me net nl online org site tech uk us
    xyz co.il co.in co.jp co.kr co.nz co.uk co.za com.au com.br com.cn com.mx com.tr gov.uk org.uk
    ===END_ICANN_DOMAINS===
    a.run.app amplifyapp.com azurestaticapps.net azurewebsites.net blogspot.com cloudfront.net
    deno.dev firebaseapp.com fly.dev github.io gitlab.io herokuapp.com hf.space lovable.app
    netlify.app ngrok-free.app ngrok.io now.sh onrender.com pages.dev r.appspot.com replit.app
    s3.amazonaws.com surge.sh trycloudflare.com up.railway.app vercel.app web.app
    web.core.windows.net workers.dev
"""
# Windows opens a device, and no file, under these names, whatever their suffix is.
WINDOWS_DEVICES = frozenset(
    ["con", "prn", "aux", "nul", *(f"{port}{n}" for port in ("com", "lpt") for n in range(10))]
)
# Modules of the generated project that a blueprint's module or test would overwrite.
OTHER_MODULES = frozenset(["cors", "errors", "factory", "incoming"])


class AnswersExtension(Extension):
    """Adds the filters of this module to cookiecutter's Jinja environment."""

    def __init__(self, environment: Environment) -> None:
        super().__init__(environment)
        # `cruft update` renders two versions of the template in one process: each needs its own.
        sys.modules.pop(__name__, None)
        if _release(cookiecutter.__version__) < _release(OLDEST_COOKIECUTTER):
            raise SystemExit(
                f"cookiecutter {cookiecutter.__version__} is too old for this template; use "
                f"{OLDEST_COOKIECUTTER} or later, such as uvx cookiecutter@latest"
            )
        environment.filters.update(FILTERS)
        # The files call them as functions: where a replay file names no extension, an unknown one
        # makes cookiecutter remove what it began, which an unknown filter does not. And questions
        # that are new since it was written are rendered without this extension: they look first.
        environment.globals.update(FILTERS, check=check)

    def preprocess(self, source: str, name: str | None, filename: str | None = None) -> str:
        """Let the name of the project's folder, which is rendered first, pass through a filter."""
        return "{{ cookiecutter | project_folder }}" if source == PROJECT else source


def project_name(answer: object) -> str:
    """Return a name for people, as it was given."""
    text = _one_line("project_name", answer)
    if not text.strip():
        _refuse("project_name", text, "is empty; write a name such as My API")
    return text


def description(answer: object) -> str:
    """Return a description, as it was given."""
    return _one_line("description", answer)


def package_name(answer: object) -> str:
    """Return the import package of a slug: ``my_api`` of ``my-api``."""
    slug = _text("project_slug", answer)
    if not re.fullmatch(r"[a-z][a-z0-9]*([-_][a-z0-9]+)*", slug) or len(slug) > LONGEST_SLUG:
        _refuse(
            "project_slug",
            slug,
            "is no folder name for a project; write a-z, 0-9 and single hyphens between them, "
            f"beginning with a letter, at most {LONGEST_SLUG}, such as my-api",
        )
    package = slug.replace("-", "_")
    if (
        keyword.iskeyword(package)
        or package in sys.stdlib_module_names | OTHER_PACKAGES | WINDOWS_DEVICES
    ):
        _refuse(
            "project_slug",
            slug,
            f"would make a package named {package}, which is taken; write another, such as "
            f"{slug}-api",
        )
    return package


def names(answer: object) -> list[str]:
    """Return the names of the blueprints, in the order given."""
    given = [name.strip() for name in _text("blueprints", answer).split(",")]
    for name in given:
        if not re.fullmatch(rf"[a-z][a-z0-9_]{{0,{LONGEST_BLUEPRINT - 1}}}", name):
            _refuse(
                "blueprints",
                name,
                "is not a valid blueprint name; write a-z, 0-9 and _, beginning with a letter, at "
                f"most {LONGEST_BLUEPRINT}, with commas between the names, such as public, admin",
            )
        if keyword.iskeyword(name):
            _refuse("blueprints", name, f"is a word of Python; write another, such as {name}_api")
        if name in WINDOWS_DEVICES:
            _refuse(
                "blueprints", name, f"is a device of Windows; write another, such as {name}_api"
            )
        if name in OTHER_MODULES:
            _refuse("blueprints", name, f"is taken by a test; write another, such as {name}_api")
        if given.count(name) > 1:
            _refuse("blueprints", name, "is listed twice; delete one")
    return given


def origins(answer: object) -> list[str]:
    """Return the entries of an allowlist; refused is what the generated project would refuse."""
    text = _text("cors_origins", answer)
    if text.strip().lower() in ("", "none"):
        return []
    written = [entry.strip() for entry in text.split(",")]
    if all(map(_generated_module("origins").parse, written)):
        return written
    diagnosis, problem = _generated_module("diagnosis"), _generated_module("problems").Problem
    written = diagnosis.split(text)
    faults = [diagnosis.fault_of_origin(entry, len(written)) for entry in written]
    problems = [
        problem("cors_origins", *fault, entry, position)
        for position, (entry, fault) in enumerate(zip(written, faults, strict=True), start=1)
        if fault
    ]
    if fault := diagnosis.fault_of_list(text, diagnosis.fault_of_origin):
        problems = [problem("cors_origins", *fault, text)]
    if problems:
        raise SystemExit("\n".join(map(str, problems)) + _answers_again())
    return list(written)


def example_origin(answer: str) -> str:
    """Return one origin that an allowlist allows; of an empty one, an origin it does not allow."""
    first = answer.split(",")[0].strip()
    if first.lower() in ("", "none", "*"):
        return "http://localhost:3000"
    return first.replace("://*.", "://app.").replace(":*", ":3000").replace("*", "a")


def sort_naturally(given: list[str]) -> list[str]:
    """Return names in the order of ruff's import sorting: ``v2`` before ``v10``."""

    def key(name: str) -> list[tuple[int, int, str]]:
        parts = re.findall(r"\d+|\D", name)
        return [(0, int(part), "") if part.isdigit() else (1, 0, part) for part in parts]

    return sorted(given, key=key)


def yes(answer: object, question: str) -> bool:
    """Return what an answer to a question of yes or no means."""
    word = str(answer).strip().lower()
    if word not in YES | NO:
        _refuse(question, answer, "is neither yes nor no; write one of them")
    return word in YES


def installed(command: str) -> bool:
    """Tell whether a command is on the PATH."""
    return shutil.which(command) is not None


def toml(text: str) -> str:
    """Return a TOML basic string; other than JSON's, it holds emoji as they are and no U+007F."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def check(answers: dict[str, Any], question: str) -> str:
    """Return nothing for an answer that is right, or is not there: replay files may be partial."""
    if question in answers:
        QUESTIONS[question](answers[question])
    return ""


def project_folder(answers: dict[str, Any]) -> str:
    """Return the name of the project's folder once all answers are right and nothing gets lost.

    What is derived from the answers, or the template's own, is set again: in a replay file it may
    be anything, and in one of an earlier version it is another version's.
    """
    for question, refuse_wrong in QUESTIONS.items():
        refuse_wrong(answers.get(question))
    own = json.loads((TEMPLATE / "cookiecutter.json").read_text(encoding="utf-8"))
    if answers.get("_jinja2_env_vars") != own["_jinja2_env_vars"]:
        raise SystemExit("The answers are of another template; give them again without --replay")
    answers |= {key: own[key] for key in ("_copy_without_render", "_new_lines")}
    answers |= {option: yes(answers[option], option) for option in OPTIONS}
    answers["__package"] = package_name(answers["project_slug"])
    answers["_kept"] = _files_to_keep(answers["project_slug"])
    if not _by_cruft(answers):
        _name_the_source(answers)
    return str(answers["project_slug"])


def template_version(answers: dict[str, Any]) -> str:
    """Return the version of this template, that of the CORS package, and the commit if known."""
    text = (CORS_PACKAGE / "__init__.py").read_text(encoding="utf-8")
    version: str = re.findall(r'^__version__ = "(.+)"$', text, re.MULTILINE)[0]
    commit = f", commit {answers['_commit'][:12]}" if answers["_commit"] else ""
    return version + commit + (" and changes" if answers.get("_changed") else "")


def address(answers: dict[str, Any]) -> str:
    """Return where this template is read: the page of the repository that it was fetched from."""
    fetched = _source(answers["_template"], TEMPLATE) or ""
    page = re.fullmatch(REMOTE, fetched)
    return f"https://{page[1]}/{page[2]}" if page else ADDRESS


def documents(answers: dict[str, Any]) -> str:
    """Return where the documents of this version are read; one without a commit has a tag."""
    version = template_version({"_commit": None})
    tag = "main" if ".dev" in version else f"v{version}"
    return f"{address(answers)}/blob/{answers['_commit'] or tag}/docs"


def hook_values(answers: dict[str, Any]) -> str:
    """Return assignments of what the hook needs, in Python; no text gets out of its quotes.

    Rendering the hook is the last that is done with the answers.
    """
    declined = [path for option in OPTIONS if not answers[option] for path in OPTIONS[option]]
    rendered = sorted(set(_rendered(answers["__package"])) - set(answers.pop("_kept")))
    unwanted = [
        path for path in rendered if path.startswith(tuple(declined)) or path[-4:] == ".pyc"
    ]
    blueprints = names(answers["blueprints"])
    values = {
        "RENDERED": [path for path in rendered if path not in unwanted],
        "UNWANTED": unwanted,
        "PACKAGE": answers["__package"],
        "BLUEPRINTS": blueprints,
        "IN_ORDER_OF_IMPORT": sort_naturally(blueprints),
        "OPEN_TO_EVERYONE": origins(answers["cors_origins"]) == ["*"],
        "ORIGIN": example_origin(answers["cors_origins"]),
        "UV": installed("uv"),
        "BY_CRUFT": _by_cruft(answers),
        "CRUFT_STATE": answers.pop("_cruft_state", ""),
    }
    if _by_cruft(answers):  # which keeps the answers, and renders them at the next update
        answers |= _escaped(answers)
    return "".join(f"\n{name} = {value!a}" for name, value in values.items())


# The questions, and what refuses a wrong answer.
QUESTIONS: dict[str, Callable[[object], object]] = {
    "project_name": project_name,
    "project_slug": package_name,
    "description": description,
    "blueprints": names,
    "cors_origins": origins,
    "docker": lambda answer: yes(answer, "docker"),
    "github_actions": lambda answer: yes(answer, "github_actions"),
}

FILTERS: dict[str, Callable[..., Any]] = {
    function.__name__: function
    for function in (
        names,
        origins,
        example_origin,
        toml,
        project_folder,
        template_version,
        address,
        documents,
        hook_values,
    )
}


def _release(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in version.split(".")[:2])


def _text(key: str, answer: object) -> str:
    if not isinstance(answer, str):
        _refuse(key, answer, "is no text; write it in quotes")
    if any(unicodedata.category(letter) == "Cs" for letter in answer):
        _refuse(key, answer, "is not in UTF-8; use a terminal that is, say with LC_ALL=C.UTF-8")
    return answer


def _one_line(key: str, answer: object) -> str:
    text = _text(key, answer)
    if any(unicodedata.category(letter) in ("Cc", "Zl", "Zp") for letter in text):
        _refuse(key, text, "holds a line break or a control character; write one line of text")
    return text


def _refuse(key: str, answer: object, why: str) -> NoReturn:
    shown = repr(answer[:100]) if isinstance(answer, str) else repr(answer)[:100]
    raise SystemExit(f"{key}: {shown} {why}{_answers_again()}")


def _answers_again() -> str:
    """Return how to give the answers again that were typed before a refused one.

    Those that are given on the command line are in the shell's history; a replay file is written
    when all were accepted.
    """
    asking = _variables_of("cookiecutter.prompt", "prompt_for_config")
    if not asking or asking["no_input"] or not _variables_of("cookiecutter.cli", "main"):
        return ""
    *accepted, _ = (key for key in asking["cookiecutter_dict"] if key in QUESTIONS)
    given = _escaped({key: asking["cookiecutter_dict"][key] for key in accepted})
    pairs = [f"{key}={answer}" for key, answer in given.items()]
    if not pairs:
        return ""
    return f". With the answers before it: {shlex.join(['cookiecutter', *sys.argv[1:], *pairs])}"


def _variables_of(module: str, function: str) -> dict[str, Any]:
    """Return the variables of a function of cookiecutter's that is running, or none.

    Cookiecutter tells filters neither which folder it writes to, nor whether it was given -f and
    -s, nor what has been answered so far.
    """
    frame = sys._getframe()
    while frame := frame.f_back:  # type: ignore[assignment]
        if (frame.f_globals.get("__name__"), frame.f_code.co_name) == (module, function):
            return frame.f_locals
    return {}


def _files_to_keep(slug: str) -> list[str]:
    """Return what is there already and stays; refuse a folder in which something would be lost."""
    call = _variables_of("cookiecutter.generate", "generate_files")
    folder = Path(call["output_dir"], slug)
    if folder.is_symlink():
        raise SystemExit(
            f"{folder} is a link, and nothing is written through links; remove it, or answer "
            "another project_slug"
        )
    if not folder.exists():
        return []
    try:
        there = sorted(os.listdir(folder), key=lambda name: (name.startswith("."), name))
    except OSError as error:
        raise SystemExit(
            f"{folder} already exists and is no folder to write to: {error.strerror}"
        ) from None
    more = [name for name in there if not any(fnmatchcase(name, one) for one in FIRST_FILES)]
    if more:
        raise SystemExit(
            f"{folder} already exists and holds more than a repository's first files "
            f"({', '.join(map(repr, more[:3]))}), so nothing is written into it; a newer version "
            "of the template or one more blueprint comes by `uvx cruft update`, run in that "
            "folder, and another project by another project_slug"
        )
    if not call["overwrite_if_exists"]:
        raise SystemExit(
            f"{folder} already exists; to write into it and keep what is there, give -f -s "
            "(and --replay for the same answers)"
        )
    twice = sorted(filter(there.__contains__, os.listdir(TEMPLATE / PROJECT)))
    for name in twice:
        if not (folder / name).exists():
            raise SystemExit(f"{folder / name} is a link that leads nowhere; remove it")
    if twice and not call["skip_if_file_exists"]:
        raise SystemExit(
            f"{folder}: {' and '.join(twice)} would be overwritten; to keep what is there, give "
            "-f -s (and --replay for the same answers)"
        )
    return twice


def _rendered(package: str) -> Iterator[str]:
    """Yield the paths of the files that cookiecutter writes, with slashes."""
    for folder, _, files in os.walk(TEMPLATE / PROJECT):
        inside = Path(folder).relative_to(TEMPLATE / PROJECT)
        for name in files:
            yield (inside / name).as_posix().replace("{{cookiecutter.__package}}", package)


def _by_cruft(answers: dict[str, Any]) -> bool:
    """Tell whether cruft calls: cookiecutter itself tells which folder it has the template in."""
    return "_repo_dir" not in answers


def _name_the_source(answers: dict[str, Any]) -> None:
    """Add the commit of the template to the answers, and what `cruft update` needs to know.

    A checkout with changes is no commit, and what did not come out of a repository has none.
    """
    answers |= {"_commit": None, "_changed": False, "_cruft_state": ""}
    root = next((folder for folder in _template_and_above() if (folder / ".git").exists()), None)
    if not root:
        return
    status = ("status", "--porcelain=v2", "--branch", "--no-ahead-behind", "--untracked-files=all")
    told = (_git(*status, "--", *RENDERED_FROM) or "# branch.oid (initial)").splitlines()
    commit = told[0].removeprefix("# branch.oid ")
    changes = any(not line.startswith("#") for line in told)
    tracked = root == TEMPLATE or _git("ls-files", "--error-unmatch", "cookiecutter.json")
    if commit == "(initial)" or not tracked:
        return
    answers |= {"_commit": commit, "_changed": changes}
    source = _source(answers["_template"], root)
    if source and not changes:
        state = {
            "template": source,
            "commit": commit,
            "checkout": answers["_checkout"],
            "context": {"cookiecutter": {**_escaped(answers), "_template": source}},
            "directory": TEMPLATE.relative_to(root).as_posix() if root != TEMPLATE else None,
        }
        answers["_cruft_state"] = json.dumps(state, indent=2) + "\n"


def _source(template: str, root: Path) -> str | None:
    """Return the repository that cookiecutter was given: its folder, or its address written out.

    An address has been cloned by cookiecutter, with what `gh:` and its like stand for.
    """
    if Path(os.path.abspath(template)) in _template_and_above():
        return str(root)
    if template.lower().endswith(".zip"):
        return None
    address = (_git("config", "--get", "remote.origin.url") or "").strip()
    address = re.sub(r"^(https?://)[^/?#]*@", r"\1", address)
    # The user of ssh is part of the address, a password is not.
    return re.sub(r"^([a-z+]+://[^/:@]+):[^/@]*@", r"\1@", address)


def _template_and_above() -> tuple[Path, ...]:
    return (TEMPLATE, *TEMPLATE.parents)


def _git(*arguments: str) -> str | None:
    """Return what git prints about the template, or None where it cannot tell."""
    mine = {key: text for key, text in os.environ.items() if not key.startswith("GIT_")}
    try:
        done = subprocess.run(
            ["git", "--no-optional-locks", "--literal-pathspecs", *arguments],
            cwd=TEMPLATE,
            env=mine,
            capture_output=True,
            encoding="utf-8",
            errors="surrogateescape",
        )
    except OSError:
        return None
    return None if done.returncode else done.stdout


def _escaped(answers: dict[str, Any]) -> dict[str, Any]:
    """Return the answers in such a way that they are the same once Jinja has rendered them."""
    return {
        question: f"{{{{ {answers[question]!a} }}}}"
        if re.search(r"\{[{%#]", str(answers[question]))
        else answers[question]
        for question in QUESTIONS
        if question in answers
    }


def _generated_module(name: str) -> ModuleType:
    """Import a module of the generated CORS package, one that needs no Flask.

    `cruft update` renders two versions of the template in one process, so each version has a name
    of its own. No bytecode is written: a cache in the template's tree would end up in projects.
    """
    changed = max(path.stat().st_mtime_ns for path in CORS_PACKAGE.glob("*.py"))
    package = ModuleType(f"generated_cors_{hash((CORS_PACKAGE, changed))}")
    package.__path__ = [str(CORS_PACKAGE)]
    sys.modules.setdefault(package.__name__, package)
    write_no_bytecode, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    try:
        grammar: Any = importlib.import_module(f"{package.__name__}.origins")
        is_installed = find_spec("publicsuffixlist") is not None
        best_known = "\n".join(BEST_KNOWN_SUFFIXES.split()).replace("_", " ")
        read_list = grammar.public_suffix_list if is_installed else lambda: best_known
        grammar.public_suffix_list = read_list
        return importlib.import_module(f"{package.__name__}.{name}")
    finally:
        sys.dont_write_bytecode = write_no_bytecode
