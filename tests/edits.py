"""Edits of a baked project, and what its shipped tests say of them."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

from .conftest import Project

ENV = ".env.example"
WSGI = "wsgi.py"
APP = "src/my_api/__init__.py"
REGISTRY = "src/my_api/blueprints/__init__.py"
PUBLIC = "src/my_api/blueprints/public.py"
ADMIN = "src/my_api/blueprints/admin.py"

# Where the edits are made.
LIST = "CORS_ORIGINS=http://localhost:3000,http://localhost:5173\n"
IMPORT = "from .blueprints import BLUEPRINTS\n"
FLASK = "    app = Flask(__name__)\n"
UPDATE = "    app.config.update(config or {})\n"
REGISTER = "    blueprints.init_app(app)\n"
CORS = "    cors.init_app(app, BLUEPRINTS)\n"
END = "    return app\n"
HEALTH = '        return {"status": "ok"}'
SERVED = "    app = create_app()"
WSGI_END = "    app = error.until_saved()  # ends the server, except under `flask run --debug`\n"
BP = 'bp = Blueprint("admin", __name__, url_prefix="/api/admin")\n'

# The file, a text in it, and what stands there instead. The empty text is the end of a file, which
# need not be there yet; where it is the new one as well, the file is removed.
Edits = list[tuple[str, str, str]]


def edited(project: Project, folder: Path, edits: Edits) -> Project:
    """Return a copy of a project, in this folder, with edits."""
    copy = Project(shutil.copytree(project.path, folder / "my-api"))
    for name, old, new in edits:
        path = copy.path / name
        if not old and not new:
            path.unlink()
            continue
        text = copy.read(name) if path.exists() else ""
        assert not old or text.count(old) == 1, f"{name} has changed"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text.replace(old, new) if old else text + new, encoding="utf-8")
    return copy


def failed(done: subprocess.CompletedProcess[str]) -> set[str]:
    """Return the names of the tests that failed in a run."""
    return set(re.findall(r"^(?:FAILED|ERROR) tests/\w+\.py::(\w+)", done.stdout, re.M))
