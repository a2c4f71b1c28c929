"""The flows that `docs/architecture.md` lists are the ones that run, and every name in it exists."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType

from benchmarks.house import FLOWS, PAGE, flow
from tests.world import World

ROOT = Path(__file__).resolve().parents[2]
SERVICE = ROOT / "service"
MOST_FILES = 14


def functions_run(act: Callable[[], object]) -> set[str]:
    """`folder/module.function` of the service, for everything that runs in this thread."""
    seen: set[str] = set()

    def look(frame: FrameType, event: str, _: object) -> None:
        path = Path(frame.f_code.co_filename)
        if event == "call" and path.is_relative_to(SERVICE):
            module = path.relative_to(SERVICE).with_suffix("")
            seen.add(f"{module}.{frame.f_code.co_name}")

    sys.setprofile(look)
    try:
        act()
    finally:
        sys.setprofile(None)
    return seen


def missing(steps: list[str], ran: set[str]) -> list[str]:
    """Steps in Python whose function, or for a class any method of its module, did not run."""
    modules = {name.rpartition(".")[0] for name in ran}
    return [
        step
        for step in steps
        if not step.endswith(".sql")
        and step not in ran
        and not (step.rpartition(".")[2][0].isupper() and step.rpartition(".")[0] in modules)
    ]


def test_each_flow_is_short() -> None:
    for title in FLOWS:
        files = {step if step.endswith(".sql") else step.rpartition(".")[0] for step in flow(title)}
        assert 5 <= len(files) <= MOST_FILES, (title, sorted(files))


def test_a_payment_goes_the_way_that_is_listed(world: World) -> None:
    _, client = world.accepted_contract(milestones=[("Work", 10_000)])

    def paid() -> None:
        client.pay()
        world.work()

    # The tests' mail server is a function; the real one is of the same interface.
    steps = [step for step in flow(FLOWS[0]) if step != "gateways/mail.MailGateway"]
    assert missing(steps, functions_run(paid)) == []


def test_a_freeze_goes_the_way_that_is_listed(world: World) -> None:
    world.released_contract(milestones=[("Work", 10_000)])
    world.advance("6d")
    world.onboarded()

    def frozen() -> None:
        world.program("safety").post(
            "/v1/staff/holds",
            {
                "subject": world.ada_id,
                "reason_code": "circumvention",
                "clause": "4.2",
                "facts": "We were told of payments around this service.",
            },
        )
        waits = world.program().call("POST", "/v1/payouts", {"amount": 5_000, "currency": "USD"})
        assert waits.json()["state"] == "held", waits.json()

    assert missing(flow(FLOWS[1]), functions_run(frozen)) == []


def test_every_name_in_the_page_exists() -> None:
    for name in re.findall(r"`([a-z_0-9]+(?:/[a-z_0-9]+)+(?:\.\w+)?)`", PAGE.read_text()):
        path, _, thing = name.partition(".")
        if thing in ("sql", "yaml", "md"):
            assert (ROOT / name).is_file() or (SERVICE / name).is_file(), name
            continue
        file = next(
            (f for f in (SERVICE / f"{path}.py", SERVICE / path / "__init__.py") if f.is_file()),
            SERVICE / path,
        )
        assert file.exists(), name
        if thing:
            assert re.search(rf"^(?:def|class) {thing}\b", file.read_text(), re.MULTILINE), name
