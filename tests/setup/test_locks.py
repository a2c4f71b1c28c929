"""Any pip installs the locks as they are: whole, hashed, each package with its extras."""

from __future__ import annotations

import importlib.metadata
import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import pytest
from packaging.markers import Environment, default_environment
from packaging.requirements import Requirement

from benchmarks.locks import Pin, differences, normal, pins, without_extras
from benchmarks.pythons import supported

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
# Each lock with the extra of ours that it is made for.
LOCKS = {"base.txt": "setup", "dev.txt": "dev"}
PYTHONS = tuple(supported())
MACHINES = ("x86_64", "aarch64")


class Wanted(NamedTuple):
    """A package that another one requires, in some of the environments that the locks are for."""

    by: str
    name: str
    extras: frozenset[str]


def text_of(lock: str) -> str:
    return (ROOT / "requirements" / lock).read_text()


def environments() -> Iterator[Environment]:
    for python in PYTHONS:
        for machine in MACHINES:
            yield default_environment() | {  # type: ignore[misc]
                "python_version": python,
                "python_full_version": f"{python}.0",
                "platform_machine": machine,
            }


def applies(requirement: Requirement, extras: frozenset[str]) -> bool:
    """Whether it is required in any environment, given the extras that its owner is locked with."""
    if requirement.marker is None:
        return True
    marker, active = requirement.marker, {"", *extras}
    return any(marker.evaluate(here | {"extra": e}) for here in environments() for e in active)


def required_of(name: str) -> list[str]:
    """What an installed package says that it requires."""
    return importlib.metadata.distribution(name).requires or []


def wanted(locked: Mapping[str, Pin], ours: list[str]) -> Iterator[Wanted]:
    """Everything that we and the locked packages require."""
    asked = [("pyproject.toml", Requirement(text), frozenset[str]()) for text in ours]
    for name, pin in locked.items():
        if not missing_here(name):
            asked += [(name, Requirement(text), pin.extras) for text in required_of(name)]
    for by, requirement, extras in asked:
        if applies(requirement, extras):
            yield Wanted(by, normal(requirement.name), frozenset(map(normal, requirement.extras)))


def missing_here(name: str) -> bool:
    return not list(importlib.metadata.distributions(name=name))


def faults(lock: str, ours: list[str]) -> list[str]:
    """What a pip that goes by the lock alone would look for elsewhere."""
    locked, found = pins(lock), []
    for want in sorted(set(wanted(locked, ours)), key=str):
        if want.name not in locked:
            found.append(f"{want.by} requires {want.name}, which is not locked")
        found += [
            f"{want.by} requires {want.name}[{extra}], which is locked without it"
            for extra in sorted(want.extras)
            if want.name in locked and extra not in locked[want.name].extras
        ]
    return found


def ours_for(lock: str) -> list[str]:
    return [*PROJECT["dependencies"], *PROJECT["optional-dependencies"][LOCKS[lock]]]


@pytest.mark.parametrize("lock", LOCKS)
def test_what_is_required_with_an_extra_is_locked_with_it(lock: str) -> None:
    assert not [name for name in pins(text_of(lock)) if missing_here(name)], "run: make setup"
    assert faults(text_of(lock), ours_for(lock)) == []


@pytest.mark.parametrize("lock", LOCKS)
def test_the_locks_as_they_broke_are_refused(lock: str) -> None:
    """Without its extras, as it was locked when a newer coverage made `make test` fail."""
    bare = without_extras(text_of(lock))
    expected = {
        "flask-smorest requires apispec[marshmallow], which is locked without it",
        "pyproject.toml requires psycopg[binary], which is locked without it",
    }
    if lock == "dev.txt":
        expected.add("pytest-cov requires coverage[toml], which is locked without it")
    assert set(faults(bare, ours_for(lock))) == expected


def test_a_lost_extra_is_found_even_where_its_package_is_locked() -> None:
    """psycopg-binary in the lock does not help pip: it resolves psycopg[binary] by itself."""
    for name, pin in pins(text_of("dev.txt")).items():
        for extra in pin.extras:
            entry = f"{name}[{','.join(sorted(pin.extras))}]=="
            found = faults(text_of("dev.txt").replace(entry, f"{name}=="), ours_for("dev.txt"))
            assert f"{name}[{extra}], which is locked without it" in "".join(found)


def test_a_package_that_nothing_locks_is_found() -> None:
    lock = re.sub(r"^psycopg-binary==", "other==", text_of("base.txt"), flags=re.MULTILINE)
    said = faults(lock, ours_for("base.txt"))
    assert "psycopg requires psycopg-binary, which is not locked" in said


@pytest.mark.parametrize("lock", LOCKS)
def test_each_line_is_a_pin_with_hashes_and_no_address(lock: str) -> None:
    text = text_of(lock)
    entries = [e for e in re.split(r"\n(?=\S)", text.strip()) if not e.startswith("#")]
    assert len(entries) == len(pins(text)) > 50
    for entry in entries:
        assert re.search(r"--hash=sha256:[0-9a-f]{64}\b", entry), entry[:80]
        assert not re.search(r"://|^-|--(extra-)?index-url|--find-links", entry), entry[:80]


def test_what_is_locked_twice_is_locked_once() -> None:
    """The checks' lock is installed over the service's: what is tested is what runs."""
    base, dev = pins(text_of("base.txt")), pins(text_of("dev.txt"))
    assert base.items() <= dev.items()


def test_an_environment_that_is_not_its_lock_is_told() -> None:
    locked = {"a": Pin("1.0", frozenset()), "b": Pin("2.0", frozenset())}
    assert differences(locked, {"a": "1.0", "b": "2.0", "pip": "22.3", "holdfast": "0"}) == []
    assert differences(locked, {"a": "1.1", "c": "3"}) == [
        "a: locked 1.0, installed 1.1",
        "b: locked 2.0, installed not at all",
        "c: locked not at all, installed 3",
    ]
