"""What the generated README shows is what its commands print."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from .conftest import Bake, Project, clean_environment


def blocks(project: Project) -> list[tuple[str, str]]:
    """Return the commands of the console blocks, each with the output that is shown."""
    shown = re.findall(
        r"^```console\n\$ (.*)\n([^`]*)```$", project.read("README.md"), re.MULTILINE
    )
    return list(shown)


@pytest.mark.parametrize(
    "answers", [{}, {"blueprints": "orders", "cors_origins": "none"}], ids=["default", "orders"]
)
def test_five_causes_of_a_blocked_page_are_shown_as_they_are(
    bake: Bake, answers: dict[str, Any]
) -> None:
    project = bake(**answers)
    commands = blocks(project)
    tools = str(Path(sys.executable).parent)
    env = clean_environment(PYTHONPATH=str(project.path / "src"), PATH=f"{tools}:/usr/bin:/bin")

    assert len(commands) == 5
    for command, shown in commands:
        done = subprocess.run(
            ["bash", "-c", command], cwd=project.path, env=env, capture_output=True, text=True
        )
        assert (done.stdout, done.stderr, done.returncode) == (shown, "", 1)
