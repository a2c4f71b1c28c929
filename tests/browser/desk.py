"""Trust & safety in a real browser: from the suspension to the money given back, as staff and as
the freelancer; `visit(name, page)` on each page.
"""

from __future__ import annotations

import re

from playwright.sync_api import Page, expect

from tests.browser.flow import Visit, letter
from tests.journey import LiveHttp, Person, Program, Sandbox, contract_body, path_of

SAFETY, APPROVER, SECOND, REVIEWER = (
    "Florence Nightingale",
    "Mary Wollstonecraft",
    "Olympe de Gouges",
    "Hypatia",
)


def story(base: str, info: dict[str, str], page: Page, mark: str, visit: Visit) -> None:
    """Suspend, freeze, lift one, confirm, case of four lines, notice, answer, two approvals,
    execution, appeal, overturn, restore.
    """
    mary, sandbox = Program(LiveHttp(base), info["second_freelancer_key"]), Sandbox(LiveHttp(base))
    held, paid = _money(base, mary, sandbox, mark)
    before = _available(mary)
    _enter(page, base, SAFETY, visit if mark == "320light" else lambda *_: None)
    visit("staff-queue", page)
    _find(page, "mary@somerville.example", visit)
    _act(
        page,
        "Suspend",
        {
            "Level": "blocked",
            "Clause": "Terms 7.2",
            "Facts": "Two invoices name a mill that does not exist.",
        },
        "Suspend now",
        visit,
        "suspend",
    )
    visit("staff-hold", page)
    hold = page.url
    page.goto(f"{base}/staff/contracts/{held}")
    visit("staff-contract", page)
    _act(page, "Freeze the contract", {"Clause": "Terms 7.2", "Facts": "As above."}, "Freeze now")
    _act(page, "Lift", {"Why": "One hold is enough."}, "Lift it")
    _as(page, base, APPROVER, hold)
    _act(page, "Confirm", {}, "Confirm")
    _as(page, base, SAFETY, hold)
    lines = {
        "Clause": "Terms 9.1",
        "Facts": "The invoices were forged.",
        "Evidence, one piece a line": "Letter of the client, 3 May",
    }
    page.get_by_role("link", name="Open a case").click()
    _four_lines(page, lines, mark)
    visit("staff-open-case", page)
    page.get_by_role("button", name="See what it will do").click()
    visit("staff-check", page)
    page.get_by_role("button", name="Draft the case").click()
    case = page.url
    visit("staff-case", page)
    last = max(m["id"] for m in sandbox.mail("mary@somerville.example"))
    _act(page, "Send the notice", {}, "Send it")
    notice = _answers(base, sandbox, page, visit, last)
    _as(page, base, APPROVER, case)
    _act(page, "Agree", {}, "Agree")
    _as(page, base, SECOND, case)
    _act(page, "Agree", {}, "Agree")
    sandbox.advance("14d")
    _as(page, base, SAFETY, case)
    _act(page, "Carry it out", {}, "Carry it out", visit, "execute")
    expect(page.get_by_text("Carried out").first).to_be_visible()
    _come_in(base, sandbox, page, last)
    page.get_by_label("What should we know?").fill("Here are the originals.")
    page.get_by_role("button", name="Send the appeal").click()
    visit("notice-appealed", page)
    _as(page, base, REVIEWER, f"{base}/staff?show=appeals")
    page.get_by_role("link", name="Take this appeal in hand").first.click()
    visit("staff-appeal", page)
    _act(
        page,
        "Decide",
        {"Decision": "reversed", "Reasons": "They are genuine.", "The platform pays": "yes"},
        "Decide",
        visit,
        "decide",
    )
    page.goto(notice)
    expect(page.get_by_text("Given back.")).to_be_visible()
    visit("notice-restored", page)
    assert _available(mary) == before, "exactly what was there before"
    page.goto(f"{base}/staff/rules?report=first_payment_size")
    visit("staff-rules", page)
    _finance(page, base, visit)
    _papers(page, base, mary, visit)
    page.goto(f"{base}/transparency")
    visit("transparency", page)
    assert paid != held


def _finance(page: Page, base: str, visit: Visit) -> None:
    """The two usual questions, an export with its files, a month."""
    _as(page, base, "Luca Pacioli", f"{base}/finance")
    visit("finance", page)
    page.get_by_label("Period").fill("2026")
    page.get_by_role("button", name="Make the export").click()
    expect(page.get_by_text("2026-01-01 to 2026-12-31").first).to_be_visible()
    page.goto(f"{base}/finance/answers?who=Somerville&period=2026")
    expect(page.get_by_text("Mary Somerville")).to_be_visible()
    visit("finance-answers", page)
    page.goto(f"{base}/finance/months/2026-10")
    visit("finance-month", page)


def _papers(page: Page, base: str, mary: Program, visit: Visit) -> None:
    """Duties and reports, a certificate that a stranger checks, an accountant's page."""
    page.goto(f"{base}/finance/tax")
    expect(page.get_by_role("heading", name="Our duties")).to_be_visible()
    visit("finance-tax", page)
    page.goto(mary.post("/v1/certificates", {"period": "2026-01-01..2026-01-31"})["verify_url"])
    expect(page.get_by_text("Valid", exact=True)).to_be_visible()
    visit("verify", page)
    page.goto(f"{base}/verify/AAAA-BBBB-CCCC")
    visit("verify-unknown", page)
    page.goto(mary.post("/v1/accountant-links", {"name": "Luca Pacioli"})["url"])
    visit("accountant-link", page)
    page.get_by_role("button", name="Continue").click()
    page.get_by_label("Period").fill("2026")
    page.get_by_role("button", name="Show").click()
    expect(page.get_by_role("heading", name="To take away")).to_be_visible()
    visit("accountant", page)


def _money(base: str, mary: Program, sandbox: Sandbox, mark: str) -> tuple[str, str]:
    """(a contract with 100.00 in protection, another of which 950.00 are available)."""
    made = []
    for title, amount in (("Paid", 100_000), ("Held", 10_000)):
        email = f"{title}{mark}@hopper.example".lower()
        contract = mary.post(
            "/v1/contracts",
            contract_body(
                client=email, milestones=[(f"{title} {mark}", amount)], title=f"{title} work {mark}"
            ),
        )
        mary.post(f"/v1/contracts/{contract['id']}/send")
        client = Person(LiveHttp(base), sandbox, email)
        client.open()
        assert client.accept("Grace Hopper").status == 303
        client.pay()
        if title == "Paid":
            mary.post(
                f"/v1/milestones/{contract['milestones'][0]['id']}/submissions", {"note": "Done."}
            )
            assert client.approve(contract["milestones"][0]["id"]).status == 303
            sandbox.advance("6d")
        made.append(contract["id"])
    return made[1], made[0]


def _available(mary: Program) -> int:
    return int(
        next(b["available"] for b in mary.get("/v1/balance")["data"] if b["currency"] == "USD")
    )


def _enter(page: Page, base: str, who: str, visit: Visit) -> None:
    page.goto(f"{base}/staff")
    visit("staff-enter", page)
    page.get_by_role("button", name=f"Come in as {who}").click()


def _as(page: Page, base: str, who: str, address: str) -> None:
    """Somebody else sits down at the desk."""
    page.goto(f"{base}/staff/enter")
    page.get_by_role("button", name=f"Come in as {who}").click()
    page.goto(address)


def _find(page: Page, what: str, visit: Visit) -> None:
    page.get_by_label("Search").fill(what)
    page.get_by_role("button", name="Find").click()
    visit("staff-search", page)
    page.get_by_role("link", name="Mary Somerville, freelancer").click()
    visit("staff-person", page)


def _act(
    page: Page,
    name: str,
    answers: dict[str, str],
    confirm: str,
    visit: Visit = lambda *_: None,
    shot: str = "",
) -> None:
    """The link, the form when there is one, the preview, the second click."""
    page.get_by_role("link", name=name, exact=True).click()
    if answers:
        if shot:
            visit(f"staff-form-{shot}", page)
        for label, value in answers.items():
            _fill(page, label, value)
        page.get_by_role("button", name="See what it will do").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("this will")
    if shot:
        visit(f"staff-check-{shot}", page)
    page.get_by_role("button", name=confirm, exact=True).click()
    expect(page.get_by_role("heading", level=1)).not_to_contain_text("this will")


def _fill(page: Page, label: str, value: str) -> None:
    # A pattern sees the page's own white space; a text would also find it in the middle.
    words = r"\s+".join(map(re.escape, label.split()))
    field = page.get_by_label(re.compile(rf"^\s*{words}")).first
    kind = field.evaluate("e => e.tagName + (e.type || '')").lower()
    if kind.startswith("select"):
        field.select_option(value)
    elif kind.endswith("checkbox"):
        field.check()
    else:
        field.fill(value)


def _four_lines(page: Page, words: dict[str, str], mark: str) -> None:
    for label in ("Clause", "Facts", "Evidence, one piece a line"):
        _fill(page, label, words[label])
    held = f"“Held {mark}” in “Held work {mark}”, paid by Charles Babbage"
    paid = f"“Paid {mark}” in “Paid work {mark}”, paid by Charles Babbage"
    rows = [
        (f"in protection for {held}: USD 100.00", f"back to Charles Babbage, for {held}", "100.00"),
        ("available", f"as a refund to Charles Babbage, for {paid}", "300.00"),
        ("available", "to the platform, for a proven loss", "50.00"),
        ("available", "stays the person's", "600.00"),
    ]
    for number, (source, target, amount) in enumerate(rows, 1):
        page.locator(f"#source_{number}").select_option(label=source)
        page.locator(f"#target_{number}").select_option(label=target)
        page.locator(f"#amount_{number}").fill(amount)


def _come_in(base: str, sandbox: Sandbox, page: Page, after: int) -> None:
    """By the letter: the page closes two hours after it was opened."""
    found = letter(sandbox, "mary@somerville.example", "please answer by", after)
    page.goto(base + path_of(found["links"][0]))
    page.get_by_role("button", name="Continue").click()


def _answers(base: str, sandbox: Sandbox, page: Page, visit: Visit, after: int) -> str:
    """The freelancer presses the letter's button, gives what is asked for with a file, and answers
    the case.
    """
    _come_in(base, sandbox, page, after)
    visit("notice", page)
    address = page.url
    page.get_by_label("Your words").first.fill("My passport, and the register of mills.")
    page.locator("input[type=file]").first.set_input_files(
        {"name": "passport.pdf", "mimeType": "application/pdf", "buffer": b"%PDF-1.4 pages"}
    )
    page.get_by_role("button", name="Give it").first.click()
    page.get_by_label("Your account of it").fill("They are genuine.")
    page.get_by_role("button", name="Send the answer").click()
    expect(page.get_by_text("You answered")).to_be_visible()
    return address
