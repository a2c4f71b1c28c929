"""pyproject.toml, the Makefile and the checks agree about which Pythons are supported."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

from benchmarks import locks, pythons

ROOT = Path(__file__).resolve().parents[2]


def test_the_makefile_takes_exactly_the_supported_pythons() -> None:
    oldest, *_, newest = supported = pythons.supported()
    minors = [int(version.split(".")[1]) for version in supported]
    assert minors == list(range(minors[0], minors[-1] + 1))
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["requires-python"] == f">={oldest}"
    makefile = (ROOT / "Makefile").read_text()
    assert f"(3, {minors[0]}) <= sys.version_info < (3, {minors[-1] + 1})" in makefile
    assert f"Python {oldest} to {newest} is needed" in makefile
    assert f"--python-version {oldest}" in makefile


def test_the_oldest_pip_is_run_by_the_oldest_python() -> None:
    source = Path(locks.__file__).read_text()
    assert set(re.findall(r"python(3\.\d+)", source)) == {pythons.supported()[0]}
