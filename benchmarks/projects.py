"""Bake the template of this repository with the real command, into a temporary folder."""

from __future__ import annotations

import re
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from scripts.running import clean_environment, must_run

ROOT = Path(__file__).parent.parent
TEMPLATE_PARTS = ("cookiecutter.json", "local_extensions.py", "hooks")
TEMPLATE_FOLDER = "{{cookiecutter.project_slug}}"
SLUG = "bench-api"
PACKAGE = "bench_api"


def environment(**more: str) -> dict[str, str]:
    """Return an environment for what is timed: no settings of the developer's, bytecode written."""
    kept = clean_environment().items()
    unwanted = ("PYTHON", "VIRTUAL_ENV")
    return {name: text for name, text in kept if not name.startswith(unwanted)} | more


@dataclass(frozen=True)
class Workshop:
    """A temporary folder with a copy of the template and a one-file template, ready to be baked."""

    folder: Path

    @classmethod
    def in_folder(cls, folder: Path) -> Workshop:
        """Copy the template, so that neither bytecode nor replays are left anywhere else."""
        template = folder / "template"
        unwanted = shutil.ignore_patterns("__pycache__", ".*_cache")
        shutil.copytree(ROOT / TEMPLATE_FOLDER, template / TEMPLATE_FOLDER, ignore=unwanted)
        for name in TEMPLATE_PARTS:
            source = ROOT / name
            if source.is_dir():
                shutil.copytree(source, template / name, ignore=unwanted)
            else:
                shutil.copy(source, template)
        one_file = folder / "one-file"
        (one_file / "{{cookiecutter.name}}").mkdir(parents=True)
        (one_file / "cookiecutter.json").write_text('{"name": "one"}')
        (one_file / "{{cookiecutter.name}}/README.md").write_text("{{cookiecutter.name}}\n")
        (folder / "config.yaml").write_text(
            f"cookiecutters_dir: {folder / 'cookiecutters'}\nreplay_dir: {folder / 'replay'}\n"
        )
        return cls(folder)

    @property
    def template(self) -> Path:
        """The template of this repository."""
        return self.folder / "template"

    @property
    def one_file(self) -> Path:
        """The least that cookiecutter can be asked for."""
        return self.folder / "one-file"

    def cookiecutter(self, template: Path, into: Path, *answers: str) -> None:
        """Run the `cookiecutter` command in a folder."""
        into.mkdir(parents=True, exist_ok=True)
        env = environment(COOKIECUTTER_CONFIG=str(self.folder / "config.yaml"))
        command = (sys.executable, "-m", "cookiecutter", "--no-input", template)
        must_run(*command, *answers, env=env, cwd=into)

    def bake(self, name: str, blueprints: Sequence[str]) -> Path:
        """Bake a project with these blueprints and return its folder."""
        into = self.folder / "baked" / name
        answers = [f"project_slug={SLUG}", f"blueprints={','.join(blueprints)}"]
        self.cookiecutter(self.template, into, *answers)
        return into / SLUG

    def without_cors(self, project: Path, name: str) -> Path:
        """Return a copy of a project whose factory knows its blueprints and errors, not CORS."""
        copy = self.folder / "baked" / name / SLUG
        shutil.copytree(project, copy)
        factory = copy / "src" / PACKAGE / "__init__.py"
        lines = factory.read_text(encoding="utf-8").splitlines(keepends=True)
        unwanted = ("cors.init_app", "incoming.init_app", "import BLUEPRINTS")
        kept = "".join(line for line in lines if not any(word in line for word in unwanted))
        text = re.sub(r"from \. import .*", "from . import blueprints, errors", kept)
        factory.write_text(text, encoding="utf-8")
        server = copy / "wsgi.py"
        text = server.read_text(encoding="utf-8").replace("cors, create_app", "create_app")
        text = f"from dotenv import load_dotenv\n{text.replace('cors.load_env(', 'load_dotenv(')}"
        server.write_text(text, encoding="utf-8")
        return copy

    def with_origins(self, project: Path, name: str, origins: Sequence[str]) -> Path:
        """Return a copy of a project whose .env lists these origins."""
        copy = self.folder / "baked" / name / SLUG
        shutil.copytree(project, copy)
        (copy / ".env").write_text(f"CORS_ORIGINS={','.join(origins)}\n", encoding="utf-8")
        return copy
