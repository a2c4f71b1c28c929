"""The client's whole flow in a real browser, page by page; `visit(name, page)` is called on
each.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import Any

from playwright.sync_api import Browser, Page, expect

from tests.journey import LiveHttp, Program, Sandbox, contract_body, path_of

Visit = Callable[[str, Page], None]


def letter(sandbox: Sandbox, email: str, part: str, after: int = 0) -> dict[str, Any]:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        found = [
            m
            for m in sandbox.mail(email)
            if part.lower() in m["subject"].lower() and m["id"] > after
        ]
        if found:
            return found[0]
        time.sleep(0.2)
    raise AssertionError(f"no letter {part!r}")


def run(base: str, info: dict[str, str], page: Page, email: str, visit: Visit) -> str:
    """From the e-mail to the receipt and the release; returns the contract's id."""
    ada, sandbox = Program(LiveHttp(base), info["freelancer_key"]), Sandbox(LiveHttp(base))
    contract = ada.post("/v1/contracts", contract_body(client=email))
    ada.post(f"/v1/contracts/{contract['id']}/send")
    page.goto(base + path_of(letter(sandbox, email, "sent you a contract")["links"][0]))
    visit("link", page)
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Notes on the Analytical Engine")
    visit("contract-sent", page)
    page.get_by_role("link", name="Review and accept").click()
    visit("code-ask", page)
    _code(page, sandbox, email, visit)
    visit("accept", page)
    page.get_by_label("Your full name").fill("Charles Babbage")
    page.get_by_label("Purchase order number").fill("PO 1837")
    page.get_by_label("I have read").check()
    page.get_by_role("button", name="Check before you agree").click()
    visit("accept-check", page)
    page.get_by_role("button", name="Agree to this contract").click()
    visit("contract-accepted", page)
    page.get_by_role("link", name=re.compile("Pay USD")).click()
    visit("pay", page)
    for box in page.get_by_role("checkbox").all():
        box.check()
    page.get_by_label("Card or wallet").check()
    page.get_by_role("button", name="Go to payment").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Pay USD 4,333.83")
    visit("stripe", page)
    page.get_by_label("Card number").fill("4000 0000 0000 0002")
    page.get_by_role("button", name=re.compile("Pay USD")).click()
    visit("stripe-declined", page)
    page.get_by_label("Card number").fill("4242 4242 4242 4242")
    page.get_by_role("button", name=re.compile("Pay USD")).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Payment received")
    visit("payment-received", page)
    page.get_by_role("link", name="See the receipt").click()
    visit("receipt", page)
    page.get_by_role("link", name="Back to the contract").click()
    visit("contract-funded", page)
    milestone = contract["milestones"][0]["id"]
    ada.post(
        f"/v1/milestones/{milestone}/submissions",
        {"note": "All drawings are in the folder.\nPlease look at sheet three first."},
    )
    page.reload()
    visit("contract-submitted", page)
    page.get_by_role("link", name="Review the work").first.click()
    visit("review", page)
    page.get_by_label("Approve and release").check()
    page.get_by_role("button", name="Continue").click()
    visit("review-check", page)
    page.get_by_role("button", name=re.compile("Release USD")).click()
    expect(page.get_by_text("Released").first).to_be_visible()
    visit("contract-released", page)
    page.goto(f"{base}/c/{contract['id']}/receipts")
    visit("receipts", page)
    assert ada.get(f"/v1/contracts/{contract['id']}")["milestones"][0]["released"] == 120_000
    return str(contract["id"])


def disagree(base: str, info: dict[str, str], page: Page, contract_id: str, visit: Visit) -> None:
    """When things do not go well: money asked back, a dispute, a proposal to change, who may open
    it, the end. Signed in already.
    """
    ada, at = Program(LiveHttp(base), info["freelancer_key"]), f"{base}/c/{contract_id}"
    _, second, third = (m["id"] for m in ada.get(f"/v1/contracts/{contract_id}")["milestones"])
    page.goto(f"{at}/milestones/{second}/refund")
    visit("refund", page)
    page.get_by_label("How much").fill("100.00")
    page.get_by_label("Why").fill("The mill is smaller than we thought.")
    page.get_by_role("button", name="Continue").click()
    visit("refund-check", page)
    page.get_by_role("button", name=re.compile("Request .* back")).click()
    page.goto(f"{at}/milestones/{second}/refund")
    visit("refund-asked", page)
    page.goto(f"{at}/milestones/{third}/dispute")
    visit("dispute-open", page)
    page.get_by_label("How much do you dispute").fill("500.00")
    page.get_by_label("What went wrong").fill("The first run stopped after three numbers.")
    page.get_by_role("button", name="Continue").click()
    visit("dispute-check", page)
    page.get_by_role("button", name="Open the dispute").click()
    visit("contract-disputed", page)
    newest = ada.get(f"/v1/contracts/{contract_id}/disputes")["data"][0]
    address = f"/v1/disputes/{newest['id']}"
    ada.post(f"{address}/answer", {"words": "It ran for an hour in my workshop.", "refund": 10_000})
    ada.post(f"{address}/proposals", {"refund": 20_000, "reasons": "I would come and look at it."})
    ada.post(f"{address}/evidence", {"words": "A witness wrote this down."})
    page.goto(f"{base}/c/{contract_id}/disputes/{address.rpartition('/')[2]}")
    visit("dispute", page)
    kept = [
        {"id": m["id"], "title": m["title"], "amount": m["amount"]}
        for m in ada.get(f"/v1/contracts/{contract_id}")["milestones"]
    ]
    proposal = ada.post(
        f"/v1/contracts/{contract_id}/amendments",
        {"milestones": [*kept, {"title": "A second run", "amount": 90_000}], "note": "One more."},
    )
    page.goto(f"{at}/amendments/{proposal['id']}")
    visit("amendment", page)
    for name in ("people", "versions", "end", "unknown"):
        page.goto(f"{at}/{name}")
        visit(name, page)
    page.goto(at)
    visit("contract-amendment", page)
    ada.post(f"/v1/contracts/{contract_id}/amendments/{proposal['id']}/withdraw")
    _on_hold(base, info, page, contract_id, visit)


def _on_hold(base: str, info: dict[str, str], page: Page, contract_id: str, visit: Visit) -> None:
    """The contract is frozen, then the client themself: a neutral page, then every reason and the
    way to appeal.
    """
    safety, at = Program(LiveHttp(base), info["safety_key"]), f"{base}/c/{contract_id}"
    why = {
        "reason_code": "terms",
        "clause": "Terms 7.2",
        "facts": "Two contracts name a mill that does not exist.",
    }
    hold = safety.post(
        "/v1/staff/holds", why | {"subject": contract_id, "scopes": ["release", "amend"]}
    )
    page.goto(at)
    visit("contract-on-hold", page)
    page.goto(f"{at}/hold")
    visit("hold", page)
    safety.post(f"/v1/staff/holds/{hold['id']}/lift", {"reason": "It was found."})
    client = safety.get(f"/v1/contracts/{contract_id}")["client"]["id"]
    suspended = safety.post(
        "/v1/staff/suspensions", why | {"person": client, "level": "restricted"}
    )
    page.goto(f"{at}/hold")
    visit("hold-own", page)
    safety.call("DELETE", f"/v1/staff/suspensions/{suspended['id']}?reason=It+was+found.")


def _code(page: Page, sandbox: Sandbox, email: str, visit: Visit) -> None:
    last = max([m["id"] for m in sandbox.mail(email)], default=0)
    page.get_by_role("button", name=re.compile("Send a code")).click()
    visit("code", page)
    page.get_by_label("Code").fill(letter(sandbox, email, "your code", last)["code"])
    page.get_by_role("button", name="Go on").click()


def other_pages(base: str, page: Page, visit: Visit, contract_id: str) -> None:
    """Pages beside the flow."""
    for name, path in {
        "home": "/",
        "problems": "/problems/",
        "problem": "/problems/not_enough",
        "not-found": "/nothing",
        "bad-link": "/l/nothing",
        "mailbox": "/_sandbox/mailbox",
        "sandbox": "/_sandbox/",
        "decline": f"/c/{contract_id}/decline",
    }.items():
        page.goto(base + path)
        visit(name, page)


def no_sideways_scroll(page: Page) -> bool:
    page.wait_for_load_state("load")
    return bool(page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"))


def launch(playwright: Any) -> Browser:
    """Debian's chromium."""
    options = [
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--no-first-run",
    ]
    browser: Browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=options)
    return browser
