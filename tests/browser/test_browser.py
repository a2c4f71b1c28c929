"""A real browser over real HTTP: the flow without script; every page at two widths, in light and
dark, with axe at zero.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from benchmarks.chaos import Demo, free_port
from tests.browser import desk, flow

AXE = (Path(__file__).parent / "vendor" / "axe.min.js").read_text()
SCREENS = 40
"""How far the reference is scrolled, in steps of half a window."""
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}


@pytest.fixture(scope="module")
def browser(request: pytest.FixtureRequest) -> Iterator[Browser]:
    if not Path("/usr/bin/chromium").exists():
        if request.config.getoption("--browser-required"):
            pytest.fail("chromium is not installed: apt-get install chromium")
        pytest.skip(
            "NO BROWSER: /usr/bin/chromium is missing, so no page was looked at; apt-get install "
            "chromium"
        )
    with sync_playwright() as playwright:
        browser = flow.launch(playwright)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def demo() -> Iterator[Demo]:
    folder = Path(tempfile.mkdtemp(prefix="holdfast-browser-", dir="/var/tmp"))
    folder.chmod(0o755)
    running = Demo(free_port(), folder / "world")
    yield running
    running.stop()


def test_the_flow_without_script(browser: Browser, demo: Demo) -> None:
    context = browser.new_context(java_script_enabled=False, viewport={"width": 320, "height": 720})
    seen: list[str] = []
    flow.run(
        f"http://127.0.0.1:{demo.port}",
        demo.info,
        context.new_page(),
        "noscript@babbage.example",
        lambda name, _: seen.append(name),
    )
    assert len(seen) >= 18
    context.close()


@pytest.mark.parametrize(("width", "scheme"), [(320, "light"), (1280, "light"), (320, "dark")])
def test_every_page_is_accessible_and_fits(
    browser: Browser, demo: Demo, width: int, scheme: str
) -> None:
    context = browser.new_context(
        bypass_csp=True, viewport={"width": width, "height": 800}, color_scheme=scheme
    )  # type: ignore[arg-type]
    problems: list[str] = []

    def look(name: str, page: Page) -> None:
        if not flow.no_sideways_scroll(page) and name != "docs":
            problems.append(f"{name}: scrolls sideways")
        if name == "docs":
            return  # the vendored reference; its own accessibility is its own
        page.evaluate(AXE)
        for violation in page.evaluate("rules => axe.run(document, rules)", RULES)["violations"]:
            problems.append(f"{name}: {violation['id']}: {violation['nodes'][0]['html'][:120]}")  # noqa: PERF401

    page = context.new_page()
    email = f"axe{width}{scheme}@babbage.example"
    contract_id = flow.run(f"http://127.0.0.1:{demo.port}", demo.info, page, email, look)
    flow.disagree(f"http://127.0.0.1:{demo.port}", demo.info, page, contract_id, look)
    flow.other_pages(f"http://127.0.0.1:{demo.port}", page, look, contract_id)
    desk.story(f"http://127.0.0.1:{demo.port}", demo.info, page, f"{width}{scheme}", look)
    context.close()
    assert not problems, "\n".join(problems)


def test_the_reference_works_under_its_policy(browser: Browser, demo: Demo) -> None:
    """Swagger UI, vendored, under a policy without inline script or style; nothing is fetched from
    elsewhere.

    It draws only what is in sight of a long list: every path is seen by somebody who scrolls from
    the top to the end.
    """
    page = browser.new_page(viewport={"width": 1280, "height": 2_000})
    complaints: list[str] = []
    page.on(
        "console",
        lambda message: complaints.append(message.text) if message.type == "error" else None,
    )
    page.on(
        "request",
        lambda r: (
            complaints.append(r.url)
            if not r.url.startswith((f"http://127.0.0.1:{demo.port}", "data:", "blob:"))
            else None
        ),
    )
    page.goto(f"http://127.0.0.1:{demo.port}/docs")
    page.locator("[data-path]").first.wait_for(timeout=90_000)
    wanted = set(page.request.get(f"http://127.0.0.1:{demo.port}/openapi.json").json()["paths"])
    seen: set[str] = set()
    for _ in range(SCREENS):
        seen |= set(
            page.evaluate(
                "Array.from(document.querySelectorAll('[data-path]'), one => one.dataset.path)"
            )
        )
        page.mouse.wheel(0, 1_000)
        page.wait_for_timeout(100)
    assert seen == wanted, (
        f"not seen: {sorted(wanted - seen)[:5]}; the page: {page.inner_text('body')[:500]}"
    )
    assert complaints == []


def test_keyboard_alone(browser: Browser, demo: Demo) -> None:
    page = browser.new_page()
    page.goto(f"http://127.0.0.1:{demo.port}/")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    page.wait_for_url("**/#main", timeout=5_000)
