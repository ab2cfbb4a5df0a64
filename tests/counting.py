"""Count the work of a function, so that no test has to time it."""

import gc
import sys
from collections.abc import Callable
from types import FrameType
from typing import Any, TypeVar

T = TypeVar("T")


class Watched(str):
    """A text whose comparisons are calls of Python, so that they are counted."""

    __hash__ = str.__hash__

    def __eq__(self, other: object) -> bool:
        return str.__eq__(self, other)


def work(function: Callable[[T], object], argument: T) -> int:
    """Count the lines that run, each turn of a loop anew, and the calls, those into C as well."""
    counted = 0

    def count(frame: FrameType, event: str, _: object) -> Any:
        nonlocal counted
        counted += event in ("line", "call", "c_call")
        return count

    before = sys.gettrace()
    gc.disable()  # hypothesis listens to the collector, with lines of its own
    sys.setprofile(count)
    sys.settrace(count)
    try:
        function(argument)
    finally:
        sys.settrace(before)
        sys.setprofile(None)
        gc.enable()
    return counted
