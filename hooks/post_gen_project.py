"""Finish a generated project: its blueprints, its .env, without the options that were declined."""

import json
import os
import shlex
import shutil
from pathlib import Path

# Answers arrive as JSON, so that this file is plain Python before it is rendered too.
BLUEPRINTS: list[str] = json.loads("""{{ cookiecutter.blueprints | names | tojson }}""")
PACKAGE = "{{ cookiecutter.__package }}"
ORIGIN = "{{ cookiecutter.cors_origins | origins | example_origin }}"
DECLINED = [
    path
    for option, path in [
        ("{{ cookiecutter.docker }}", "Dockerfile"),
        ("{{ cookiecutter.docker }}", ".dockerignore"),
        ("{{ cookiecutter.github_actions }}", ".github"),
    ]
    if option == "False"
]


def main() -> None:
    """Run in the folder of the new project."""
    multiply(
        "skeleton", [Path("src", PACKAGE, "blueprints/skeleton.py"), Path("tests/test_skeleton.py")]
    )
    remove(DECLINED)
    shutil.copyfile(".env.example", ".env")
    print("\n".join(next_steps()))


def multiply(word: str, skeletons: list[Path]) -> None:
    """Replace each skeleton by one file for each blueprint, its name in place of the word."""
    for skeleton in skeletons:
        text = skeleton.read_text(encoding="utf-8")
        skeleton.unlink()
        for name in BLUEPRINTS:
            path = skeleton.with_name(skeleton.name.replace(word, name))
            replaced = text.replace(word, name).replace(word.upper(), name.upper())
            path.write_text(replaced, encoding="utf-8", newline="\n")


def remove(paths: list[str]) -> None:
    """Remove files and folders of options that were declined."""
    for path in map(Path, paths):
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()


def next_steps() -> list[str]:
    """Return lines to paste into a terminal, at most six."""
    started_in = os.environ.get("PWD", Path.cwd().parent)
    folder = shlex.quote(os.path.relpath(Path.cwd(), started_in))
    curl = f'curl -i -H "Origin: {ORIGIN}" http://127.0.0.1:8000/api/{BLUEPRINTS[0]}/'
    if shutil.which("uv"):
        run = ["uv run pytest", "uv run flask run"]
    else:
        scripts = ".venv\\Scripts\\" if os.name == "nt" else ".venv/bin/"
        run = [
            f"python3 -m venv .venv && {scripts}python -m pip install -q -U pip",
            f"{scripts}python -m pip install -q --group dev -e .",
            f"{scripts}python -m pytest",
            f"{scripts}flask run",
        ]
    return [f"cd {folder}", *run, f"{curl}  # in a second terminal"]


if __name__ == "__main__":
    main()
