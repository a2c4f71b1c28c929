"""Policy files as people write them: YAML in which a mistake is named with its line, and nothing
unknown passes.
"""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from typing import Any

import yaml


class PolicyError(Exception):
    """A policy file is not usable; the message names file, line and, where a promise would break,
    the counter-example.
    """


class Row(dict[str, Any]):
    """A table of the file that knows where it stands."""

    where: str = ""

    def refuse(self, why: str) -> PolicyError:
        return PolicyError(f"{self.where}: {why}")

    def known(self, required: Iterable[str], optional: Iterable[str] = ()) -> Row:
        """Itself. Raises PolicyError for a key that is missing or not known."""
        missing, unknown = (
            sorted(set(required) - set(self)),
            sorted(set(self) - {*required, *optional}),
        )
        if missing or unknown:
            raise self.refuse(
                "; ".join(
                    [f"missing key {name}" for name in missing]
                    + [f"unknown key {name}" for name in unknown]
                )
            )
        return self

    def rate(self, name: str, *, below_one: bool = True) -> Fraction:
        """A decimal text such as "0.05", exactly. Raises PolicyError outside 0 to 1."""
        return self.as_rate(self[name], name, below_one=below_one)

    def as_rate(self, value: object, name: str, *, below_one: bool = True) -> Fraction:
        try:
            made = Fraction(value) if isinstance(value, str) else None
        except (ValueError, ZeroDivisionError):
            made = None
        if made is None:
            raise self.refuse(f'{name} is a decimal number in quotes, such as "0.05"')
        if made < 0 or (below_one and made >= 1):
            raise self.refuse(f"{name} lies from 0 up to 1, not {value}")
        return made

    def table(self, name: str) -> Row:
        """The table of tables under a name. Raises PolicyError where there is another thing."""
        found = self[name]
        if not isinstance(found, Row):
            raise self.refuse(f"{name} is a table of tables")
        return found

    def minor(self, name: str) -> int | None:
        """Whole minor units, or None when the key is left out."""
        value = self.get(name)
        if value is not None and (
            not isinstance(value, int) or isinstance(value, bool) or value < 0
        ):
            raise self.refuse(f"{name} is a whole number of minor units, not {value!r}")
        return value


def read(text: str, name: str) -> Row:
    """The one table that a file is. Raises PolicyError."""
    try:
        found = _Loader(text, name).get_single_data()
    except yaml.YAMLError as quick:
        error = _in_python(text) or quick
        mark = getattr(error, "problem_mark", None)
        raise PolicyError(
            f"{name} line {mark.line + 1 if mark else '?'}: "
            f"{getattr(error, 'problem', None) or 'not YAML'}"
        ) from None
    if not isinstance(found, Row):
        raise PolicyError(f"{name}: not a table")
    return found


def _in_python(text: str) -> yaml.YAMLError | None:
    """The same mistake in the words of the parser that names its line; libyaml names the line after
    it.
    """
    try:
        yaml.compose(text, yaml.SafeLoader)
    except yaml.YAMLError as error:
        return error
    return None


# libyaml's loader is ten times as fast; a build without it has none.
_FASTEST = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _Loader(_FASTEST):  # type: ignore[misc,valid-type]
    def __init__(self, text: str, name: str) -> None:
        super().__init__(text)
        self.file = name


def _row(loader: _Loader, node: yaml.MappingNode) -> Row:
    row = Row()
    row.where = f"{loader.file} line {node.start_mark.line + 1}"
    for key_node, value_node in node.value:
        key = str(loader.construct_object(key_node, deep=True))
        if key in row:
            raise PolicyError(
                f"{loader.file} line {key_node.start_mark.line + 1}: {key} stands twice"
            )
        row[key] = loader.construct_object(value_node, deep=True)
    return row


_Loader.add_constructor("tag:yaml.org,2002:map", _row)
