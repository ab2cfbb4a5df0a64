"""What is wrong with a setting, as data. Standard library only."""

from dataclasses import dataclass, field

QUOTED_LENGTH = 100


@dataclass(frozen=True)
class Problem:
    """What is wrong with a setting, as data; `str()` makes the line that a person reads.

    `variable` is the name of the setting, `code` a stable word for the rule that was broken,
    `wrong` the sentence. `position` counts the entries of a list from 1, `entry` is the text as
    written, `write` the value to write instead, where one is certain.
    """

    variable: str
    code: str
    wrong: str
    write: str | None = None
    entry: str | None = None
    position: int | None = None

    def __str__(self) -> str:
        where = self.variable if self.variable.isprintable() else quoted(self.variable)
        if self.position is not None:
            where += f", entry {self.position}"
        if self.entry is not None:
            where += f" {quoted(self.entry)}"
        what_to_write = f"; write {self.write}" if self.write is not None else ""
        return f"{where}: {self.wrong}{what_to_write}"


def quoted(text: str) -> str:
    """Return a text in quotes on one line, shortened to `QUOTED_LENGTH` characters."""
    if len(text) > QUOTED_LENGTH:
        text = text[: QUOTED_LENGTH - 3] + "..."
    return ascii(text) if not text.isprintable() else repr(text)


@dataclass
class Findings:
    """What was found in the settings: problems that refuse the start, and warnings."""

    problems: list[Problem] = field(default_factory=list)
    warnings: list[Problem] = field(default_factory=list)
