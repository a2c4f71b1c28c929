"""`make screenshots`: every page of the flow at 320 and 1280 px, and some in the dark, into
docs/screenshots.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from benchmarks.chaos import Demo, free_port
from tests.browser import desk, flow

TARGET = Path("docs/screenshots")


def main() -> None:
    """Run the flow three times in a real browser and keep what it saw."""
    TARGET.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="holdfast-screens-", dir="/var/tmp"))
    folder.chmod(0o755)
    demo = Demo(free_port(), folder / "world")
    base = f"http://127.0.0.1:{demo.port}"
    with sync_playwright() as playwright:
        browser = flow.launch(playwright)
        for width, scheme in ((320, "light"), (1280, "light"), (320, "dark")):
            context = browser.new_context(
                viewport={"width": width, "height": 800}, color_scheme=scheme
            )  # type: ignore[arg-type]
            suffix = f"{width}" + ("-dark" if scheme == "dark" else "")

            def keep(name: str, page: Page, suffix: str = suffix) -> None:
                if "dark" not in suffix or name in (
                    "contract-sent",
                    "pay",
                    "review",
                    "staff-queue",
                    "staff-hold",
                    "notice",
                ):
                    page.screenshot(path=TARGET / f"{name}-{suffix}.png", full_page=True)

            page = context.new_page()
            contract_id = flow.run(base, demo.info, page, f"charles{suffix}@babbage.example", keep)
            flow.disagree(base, demo.info, page, contract_id, keep)
            flow.other_pages(base, page, keep, contract_id)
            desk.story(base, demo.info, page, f"{width}{scheme}", keep)
            context.close()
        browser.close()
    demo.stop()


if __name__ == "__main__":
    main()
