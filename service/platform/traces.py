"""How an exception is written down: what it is and where it happened, never a value in it.

A database repeats in its message the value that it refuses, and so do Python's own messages
about values. A message is kept only where it speaks of code.
"""

from __future__ import annotations

import sys
import traceback

_ABOUT_CODE = (
    AssertionError,
    AttributeError,
    ImportError,
    NameError,
    NotImplementedError,
    RecursionError,
)
_DEEPEST = 10
"""Causes behind an exception that are followed."""


def trace(error: BaseException) -> str:
    """An exception and its causes, innermost first: the lines of code, and none of their values."""
    written = []
    for one in reversed(_chain(error)):
        frames = "".join(traceback.format_list(traceback.extract_tb(one.__traceback__)))
        written.append(f"{frames}{describe(one)}")
    return "\n".join(written)


def describe(error: BaseException) -> str:
    """'DataError sqlstate=22P05': the class, and the names that a database gives."""
    said = [str(error)] if isinstance(error, _ABOUT_CODE) else []
    return " ".join([type(error).__qualname__, *_names(error), *said])


def _names(error: BaseException) -> list[str]:
    driver = getattr(error, "orig", None) or error
    diagnosis = getattr(driver, "diag", None)
    found = {
        "sqlstate": getattr(driver, "sqlstate", None),
        "table": getattr(diagnosis, "table_name", None),
        "column": getattr(diagnosis, "column_name", None),
        "constraint": getattr(diagnosis, "constraint_name", None),
    }
    return [f"{name}={value}" for name, value in found.items() if value]


def _chain(error: BaseException) -> list[BaseException]:
    found: list[BaseException] = []
    following: BaseException | None = error
    while following is not None and len(found) < _DEEPEST and following not in found:
        found.append(following)
        before = None if following.__suppress_context__ else following.__context__
        following = following.__cause__ or before
    return found


def of_exc_info(given: object) -> BaseException | None:
    """The exception that a log call means by `exc_info`."""
    if isinstance(given, BaseException):
        return given
    if isinstance(given, tuple):
        return given[1] if isinstance(given[1], BaseException) else None
    return sys.exc_info()[1] if given else None
