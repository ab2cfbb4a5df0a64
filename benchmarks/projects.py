"""Bake the template of this repository with the real command, into a temporary folder."""

import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from scripts.running import clean_environment, must_run

ROOT = Path(__file__).parent.parent
NO_PART = (".git", ".venv*", ".*_cache", "__pycache__", "build")
SLUG, PACKAGE = "bench-api", "bench_api"

# What stands in the place of the CORS package where there is none.
NO_CORS = """
from dotenv import load_dotenv as load_env
class ConfigurationError(Exception): ...
def init_app(app, blueprints): {}
"""


def environment(**more: str) -> dict[str, str]:
    """Return an environment for what is timed: no settings of the developer's, bytecode written."""
    kept = clean_environment().items()
    unwanted = ("PYTHON", "VIRTUAL_ENV")
    return {name: text for name, text in kept if not name.startswith(unwanted)} | more


class Workshop:
    """A folder with a clone of the template and one of a single file; nothing is left elsewhere."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        template, one_file = folder / "template", folder / "one-file/{{cookiecutter.name}}"
        shutil.copytree(ROOT, template, ignore=shutil.ignore_patterns(*NO_PART))
        one_file.mkdir(parents=True)
        (one_file.parent / "cookiecutter.json").write_text('{"name": "one"}')
        (one_file / "README.md").write_text("{{cookiecutter.name}}\n")
        git = ("git", "-c", "user.name=Ada", "-c", "user.email=ada@example.com")
        for command in ("init -q", "add -A", "commit -qm Import"):
            must_run(*git, *command.split(), cwd=template)
        self._config = folder / "config.yaml"
        self._config.write_text(f"cookiecutters_dir: {folder}/c\nreplay_dir: {folder}/replay\n")

    def cookiecutter(self, template: str, into: Path, *answers: str) -> None:
        """Run the `cookiecutter` command in a folder."""
        into.mkdir(parents=True, exist_ok=True)
        command = (sys.executable, "-m", "cookiecutter", "--no-input", self.folder / template)
        env = environment(COOKIECUTTER_CONFIG=str(self._config))
        must_run(*command, *answers, env=env, cwd=into)

    def bake(self, name: str, *answers: str) -> Path:
        """Bake a project and return its folder."""
        into = self.folder / "baked" / name
        self.cookiecutter("template", into, f"project_slug={SLUG}", *answers)
        return into / SLUG

    def with_origins(self, project: Path, name: str, origins: Sequence[str]) -> Path:
        """Return a copy of a project whose .env lists these origins."""
        copy = shutil.copytree(project, self.folder / "baked" / name / SLUG)
        (copy / ".env").write_text(f"CORS_ORIGINS={','.join(origins)}\n", encoding="utf-8")
        return copy

    def without_cors(self, project: Path, name: str, instead: str = "...") -> Path:
        """Return a copy of a project in which a statement takes the place of the CORS package."""
        copy = shutil.copytree(project, self.folder / "baked" / name / SLUG)
        package = copy / "src" / PACKAGE
        shutil.rmtree(package / "cors")
        (package / "cors.py").write_text(NO_CORS.format(instead))
        (package / "incoming.py").write_text("def init_app(app): ...\n")
        return copy
