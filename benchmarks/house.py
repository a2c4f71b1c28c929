"""`make house`: the shape of the code in figures.

Run it in two checkouts to see what a change did.
"""

from __future__ import annotations

import ast
import re
import statistics
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import grimp

ROOT = Path(__file__).resolve().parents[1]
SERVICE = ROOT / "service"
WIDTH = 100
_SKIP = re.compile(r"#\s*fmt:\s*(?:skip|off)")


def _sources(*folders: str) -> list[Path]:
    return sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))


def functions() -> Iterator[tuple[str, int]]:
    """(name, lines) of every function of the service, decorators left out."""
    for path in _sources("service"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                yield (
                    f"{path.relative_to(ROOT)}:{node.name}",
                    (node.end_lineno or node.lineno) - node.lineno + 1,
                )


def uses_of_any() -> int:
    """How often an annotation says `Any`; its imports are not counted."""
    trees = (ast.parse(path.read_text()) for path in _sources("service"))
    return sum(
        isinstance(node, ast.Name) and node.id == "Any" for tree in trees for node in ast.walk(tree)
    )


def files_by_folder() -> Counter[str]:
    """Modules in each folder, `__init__` left out."""
    return Counter(
        str(path.parent.relative_to(ROOT))
        for path in _sources("service")
        if path.name not in ("__init__.py", "__main__.py")
    )


def wide_lines(*folders: str) -> int:
    """Lines over `WIDTH` columns."""
    return sum(
        len(line) > WIDTH for path in _sources(*folders) for line in path.read_text().splitlines()
    )


def wide_template_lines() -> int:
    """The same for pages' templates."""
    return sum(
        len(line) > WIDTH
        for path in sorted(SERVICE.rglob("*.html"))
        for line in path.read_text().splitlines()
    )


def skips() -> int:
    """Places that the formatter is told to leave alone."""
    return sum(
        len(_SKIP.findall(path.read_text())) for path in _sources("service", "tests", "benchmarks")
    )


PAGE = ROOT / "docs" / "architecture.md"
NEW = ("endpoint", "state or move", "e-mail", "export")
FLOWS = ("From a payment to the email", "From a freeze to a payout that is stopped")


def flow(title: str) -> list[str]:
    """The steps of a flow, `folder/module.function`, as the page of the architecture lists them;
    a test sees that they run.
    """
    section = PAGE.read_text().partition(f"## {title}\n")[2].partition("\n## ")[0]
    return re.findall(r"^\d+\. `([^`]+)`", section, re.MULTILINE)


def files_of(title: str) -> int:
    """How many files somebody opens who follows a flow."""
    return len({step.removesuffix(".sql").partition(".")[0] for step in flow(title)})


def touched_by(new: str) -> int:
    """How many files something new touches that a person writes: CONTRIBUTING's own list."""
    page = (ROOT / "CONTRIBUTING.md").read_text()
    row = re.search(rf"^\| {new} \| (.*?) \|", page, re.MULTILINE)
    return len(re.findall(r"`[^`]*[/.][^`]*`(?! is generated)", row[1])) if row else 0


def cycles() -> int:
    """Packages of the service that import each other, directly or by others, at the top of the
    tree.
    """
    graph = grimp.build_graph("service")
    rooms = sorted(graph.find_children("service"))
    pairs = ((a, b) for i, a in enumerate(rooms) for b in rooms[i + 1 :])
    chained = (
        graph.chain_exists(a, b, as_packages=True) and graph.chain_exists(b, a, as_packages=True)
        for a, b in pairs
    )
    return sum(chained)


def figures() -> list[tuple[str, str]]:
    """What is printed: (what, figure)."""
    found = list(functions())
    longest = max(found, key=lambda one: one[1])
    folders = files_by_folder()
    fullest = folders.most_common(1)[0]
    alone = sorted(
        name
        for name, count in folders.items()
        if count == 1 and not any(other.startswith(f"{name}/") for other in folders)
    )
    return [
        ("modules at the top of service/", str(folders["service"])),
        ("folders", str(len(folders))),
        ("most modules in one folder", f"{fullest[1]} ({fullest[0]})"),
        ("folders of over fifteen modules", str(sum(count > 15 for count in folders.values()))),
        ("folders of one module", f"{len(alone)} {' '.join(alone)}".strip()),
        (f"lines over {WIDTH} columns: service", str(wide_lines("service"))),
        (f"lines over {WIDTH} columns: tests, benchmarks", str(wide_lines("tests", "benchmarks"))),
        (f"lines over {WIDTH} columns: templates", str(wide_template_lines())),
        ("fmt: skip", str(skips())),
        ("functions", str(len(found))),
        ("median function, lines", f"{statistics.median(length for _, length in found):g}"),
        ("longest function, lines", f"{longest[1]} ({longest[0]})"),
        ("Any in annotations", str(uses_of_any())),
        ("rooms that import each other", str(cycles())),
        *((f"files: {title[0].lower()}{title[1:]}", str(files_of(title))) for title in FLOWS),
        *((f"files of a new {new}", str(touched_by(new))) for new in NEW),
    ]


if __name__ == "__main__":
    for what, figure in figures():
        print(f"{what:<46} {figure}")
