"""Finish a generated project: its names, its blueprints, its .env, no files of declined options.

Nothing but `os` is imported: other modules would take longer to load than this takes to run.
"""

import os

# The answers; their values are put in at the end.
RENDERED: list[str] = []  # what cookiecutter has written; nothing else that lies here is touched
UNWANTED: list[str] = []  # and has written in vain: declined options, caches of a checkout
PACKAGE = ""
BLUEPRINTS: list[str] = []
IN_ORDER_OF_IMPORT: list[str] = []
OPEN_TO_EVERYONE = False
ORIGIN = ""
UV = False
BY_CRUFT = False
CRUFT_STATE = ""


def main() -> None:
    """Run in the folder of the new project."""
    tidy()
    if PACKAGE != "my_api":
        for path in RENDERED:
            if path.startswith("tests/") or path == "wsgi.py":
                write(path, read(path).replace("my_api", PACKAGE))
    list_blueprints(f"src/{PACKAGE}/blueprints/__init__.py", "skeleton")
    multiply(f"src/{PACKAGE}/blueprints", "skeleton.py", "skeleton")
    multiply("tests", "test_skeleton.py", "skeleton")
    if OPEN_TO_EVERYONE:
        list_as_open("tests/test_cors.py")
    write(".env", read(".env.example"))
    if CRUFT_STATE:
        write(".cruft.json", CRUFT_STATE)
    if not BY_CRUFT:  # which runs this in temporary folders, too
        print("\n".join(next_steps()))


def tidy() -> None:
    """Make everything writable, as a read-only checkout is not, and remove what is unwanted."""
    for path in RENDERED + UNWANTED:
        os.chmod(path, os.stat(path).st_mode | 0o200)
    for path in UNWANTED:
        remove(path)


def list_blueprints(path: str, word: str) -> None:
    """Replace each line that holds the word by one for each blueprint."""
    written = []
    for line in read(path).splitlines(keepends=True):
        names = IN_ORDER_OF_IMPORT if line.startswith("from") else BLUEPRINTS
        written += [line.replace(word, name) for name in names] if word in line else [line]
    write(path, "".join(written))


def multiply(folder: str, skeleton: str, word: str) -> None:
    """Replace a file by one for each blueprint, its name in place of the word."""
    text = read(f"{folder}/{skeleton}")
    os.remove(f"{folder}/{skeleton}")
    for name in BLUEPRINTS:
        replaced = text.replace(word, name).replace(word.upper(), name.upper())
        write(f"{folder}/{skeleton.replace(word, name)}", replaced)


def list_as_open(path: str) -> None:
    """Name the blueprints where the tests hold the lists of .env.example to what is meant."""
    empty = "OPEN_TO_EVERYONE: set[str] = set()"
    names = "".join(f'    "{name}",\n' for name in BLUEPRINTS)
    write(path, read(path).replace(empty, empty.replace("set()", "{\n" + names + "}")))


def next_steps() -> list[str]:
    """Return lines to paste into a terminal, at most six."""
    folder = os.path.relpath(os.getcwd(), os.environ.get("PWD", os.path.dirname(os.getcwd())))
    if folder != os.path.basename(folder):
        from shlex import quote

        folder = quote(folder)
    curl = f'curl -i -H "Origin: {ORIGIN}" http://127.0.0.1:8000/api/{BLUEPRINTS[0]}/'
    if UV:
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


def remove(path: str) -> None:
    """Remove a file, and the folders that it leaves empty."""
    os.remove(path)
    folder = os.path.dirname(path)
    if folder and not os.listdir(folder):
        os.removedirs(folder)


def read(path: str) -> str:
    """Return the text of a file."""
    with open(path, encoding="utf-8") as file:
        return file.read()


def write(path: str, text: str) -> None:
    """Write a file, with the line ends of the template on every system."""
    with open(path, "w", encoding="utf-8", newline="\n") as file:
        file.write(text)


# Each value is a literal that Python wrote: none of them is code. {{ cookiecutter | hook_values }}

if __name__ == "__main__":
    main()
