"""What the API and the pages take as text, in every file that they give: one story, told with names
that are hard, asked for in every form there is.
"""

from __future__ import annotations

import ast
import csv
import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import openpyxl
import pikepdf
from hypothesis import HealthCheck, example, given, note, settings
from hypothesis import strategies as st
from marshmallow import ValidationError

import service
from service.api.schemas.fields import no_controls
from service.documents import signing
from service.domain.identity.names import NameKind, objection
from service.domain.text.incoming import fault
from service.exports import availability, registry
from tests.databases import clone
from tests.finance.test_exports import ready
from tests.finance.test_papers import MANDATE, issued
from tests.journey import Person
from tests.papers.test_any_text import as_read, missing_in, words_of
from tests.safety.test_cases import CASE, heard, line
from tests.safety.test_holds import freeze
from tests.states.test_chargebacks import contest, shown
from tests.world import World

MAKERS = {
    "certificate",
    "receipt",
    "invoices",
    "summary",
    "case_statement",
    "chargebacks",
}


def api_takes(text: str) -> bool:
    try:
        no_controls(text)
    except ValidationError:
        return False
    may_be_called_so = all(objection("", text, kind, "Holdfast") is None for kind in NameKind)
    return bool(text.strip()) and len(text) <= 60 and not fault(text) and may_be_called_so


HARD_LINES = [
    "Ada 🚀 王小明",
    'སྐལ \\ "a" ;|',
    "=محمد دوד\U0001f8ff",
    "\ue000 <b>&amp;]]> 'x",
    "أ" * 60,
]
HARD_FORMS = ["Zoë exe", "🏳️‍🌈 Ltd", "12 שדרות", "PO-\\77;"]
lines = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=30).filter(api_takes)
typed = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=30
).filter(lambda text: bool(text.split()) and not fault(text))


def test_every_maker_of_papers_is_walked_here() -> None:
    """Whoever makes a paper: a new one is added to the story below, or this fails."""
    found = set()
    for path in Path(service.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            called = node.func if isinstance(node, ast.Call) else None
            if isinstance(called, ast.Name) and called.id in ("compile_pdf", "Document"):
                found.add(path.stem)
    assert found - {"__init__"} == MAKERS
    templates = {path.stem for path in (Path(service.__file__).parent / "documents").glob("*.typ")}
    assert templates == {"paper", "evidence", "case", "fonts"}


class Story:
    """A contract that is accepted, paid, worked on, released in part, refunded, contested and
    decided; its words are the given ones.
    """

    def __init__(self, world: World, said: list[str], filled: list[str]) -> None:
        self.world, self.said, self.filled = world, said, filled
        self.person, self.title, self.work, self.words, self.name = said
        self.contract, self.client = self._accepted()
        self.paid = self.client.pay([m["id"] for m in self.contract["milestones"]])
        world.work()
        for milestone in self.contract["milestones"]:
            world.program().post(
                f"/v1/milestones/{milestone['id']}/submissions", {"note": self.words}
            )
        world.work()
        first = self.contract["milestones"][0]["id"]
        assert self.client.approve(first).status == 303
        world.program().post(f"/v1/milestones/{first}/refunds", {"amount": 20_000})
        world.work()

    def _accepted(self) -> tuple[dict[str, Any], Person]:
        world = self.world
        world.sql(
            "UPDATE freelancer SET display_name = :name WHERE email = 'ada@lovelace.example' "
            "RETURNING id",
            name=self.person,
        )
        # The number of a tax office is no text of one's own.
        world.program().post(
            "/v1/tax-identity",
            MANDATE
            | {
                "last_name": self.person[:60],
                "address": MANDATE["address"] | {"city": self.name[:40]},
            },
        )
        client = {"email": "charles@babbage.example", "name": self.name, "country": "GB"}
        milestones = [
            {"title": self.work, "amount": 120_000},
            {"title": self.work, "amount": 50_000},
        ]
        body = {
            "client": client,
            "title": self.title,
            "description": self.words,
            "currency": "USD",
            "milestones": milestones,
        }
        contract = world.program().post("/v1/contracts", body)
        world.program().post(f"/v1/contracts/{contract['id']}/send")
        world.work()
        person = world.client()
        person.open()
        path = f"/c/{person.contract_id}/accept"
        name, company, address, order = self.filled
        values = {
            "full_name": name,
            "company": company,
            "address": address,
            "purchase_order": order,
        }
        check = person.press(path, person.through_code(path).forms[0], agree="yes", **values)
        assert check.status == 200, check.page.text
        assert person.press(path, check.page.forms[0]).status == 303
        world.work()
        return world.read(contract), person

    def get(self, address: str, who: str = "ada") -> bytes:
        reply = self.world.program(who).call("GET", address)
        assert reply.status == 200, (address, reply.text)
        return reply.raw

    def certificate(self) -> dict[bytes, list[str]]:
        return {
            self.get(issued(self.world, language)["file"]): [self.person, self.title, self.name]
            for language in ("en", "de")
        }

    def receipt(self) -> dict[bytes, list[str]]:
        page = self.client.get(f"/c/{self.contract['id']}/receipts")
        one = self.client.get(next(link for link in page.links if "/receipts/pay_" in link))
        found = [self.client.http.request("GET", link) for link in one.links if ".pdf" in link]
        assert len(found) == 3
        name, company, address, order = self.filled
        return {
            reply.raw: [self.person, self.title, self.work, company or name, address, order]
            for reply in found
        }

    def invoices(self) -> dict[bytes, list[str]]:
        out = {}
        rows = self.world.program().get("/v1/invoices")["data"]
        assert {row["kind"] for row in rows} == {"fee", "fee_credit", "work", "work_credit"}
        for row in rows:
            pdf = self.get(row["files"]["pdf"])
            out[pdf] = [row["seller"]["name"], row["buyer"]["name"], self.title]
            with pikepdf.open(io.BytesIO(pdf)) as document:
                ET.fromstring(document.attachments["factur-x.xml"].get_file().read_bytes())
            for form in ("ubl", "cii"):
                found = {
                    element.text for element in ET.fromstring(self.get(row["files"][form])).iter()
                }
                assert {as_read(row[side]["name"]) for side in ("seller", "buyer")} <= found
        return out

    def summary(self) -> dict[bytes, list[str]]:
        """Every export in every form; the summaries as papers."""
        out: dict[bytes, list[str]] = {}
        for export in registry.EXPORTS.values():
            for form in availability.formats_of(export):
                made = ready(
                    self.world,
                    "finance",
                    {"name": export.name, "period": self.world.sandbox.now()[:4], "format": form},
                )
                assert made["state"] == "ready", (export.name, form, made["problem"])
                content = self.get(
                    next(f for f in made["files"] if not f.endswith((".json", ".sig"))), "finance"
                )
                if form == "pdf":
                    out[content] = {
                        "earnings": [self.person],
                        "client_statement": [self.client.email],
                    }.get(export.name, [])
                else:
                    self.opened(export.name, form, content)
        return out

    def opened(self, code: str, form: str, content: bytes) -> None:
        """Another program reads it, and finds the title where the export has one."""
        has_title = any(
            column.name == "contract_title" for column in registry.EXPORTS[code].columns
        )
        if form == "csv":
            rows = list(csv.DictReader(io.StringIO(content.decode(), newline="")))
            titles = {row.get("contract_title", "").removeprefix("'") for row in rows}
        elif form == "jsonl":
            titles = {
                json.loads(row).get("contract_title") for row in content.decode().split("\n")[:-1]
            }
        elif form == "xlsx":
            sheet = list(
                openpyxl.load_workbook(io.BytesIO(content))["Data"].iter_rows(values_only=True)
            )
            titles = (
                {row[sheet[0].index("contract_title")] for row in sheet[1:]} if has_title else set()
            )
        else:
            content.decode(errors="strict" if form != "parquet" else "replace")
            return
        assert not has_title or self.title.removeprefix("'") in titles, (code, form, titles)

    def chargebacks(self) -> dict[bytes, list[str]]:
        contest(self.world, amount=1_000)
        found = shown(self.world, self.contract)
        pdf = self.get(f"/v1/contracts/{self.contract['id']}/files/{found['evidence_file']}")
        return {pdf: [self.person, self.name, self.work, self.words, self.filled[0]]}

    def case_statement(self) -> dict[bytes, list[str]]:
        world, rest = self.world, self.contract["milestones"][1]
        hold = freeze(world, world.ada_id, scopes=["release", "refund", "outflow"])
        world.program("approver").post(f"/v1/staff/holds/{hold['id']}/confirm")
        wanted = [line("escrow", 10_000, "client") | {"milestone": rest["id"]}]
        body = CASE | {
            "hold": hold["id"],
            "lines": wanted,
            "clause": self.title,
            "facts": self.words,
            "evidence": [self.name],
        }
        case = world.program("safety").post("/v1/staff/confiscations", body)
        for who, verb in (("safety", "notice"), ("approver2", "approve"), ("reviewer", "approve")):
            if verb == "approve" and who == "approver2":
                world.program().post(f"/v1/cases/{case['id']}/answer", {"words": self.work})
            world.program(who).post(f"/v1/staff/confiscations/{case['id']}/{verb}", {})
        heard(world, case)
        world.program("safety").post(f"/v1/staff/confiscations/{case['id']}/execute", {})
        content = self.get(f"/v1/cases/{case['id']}/statement")
        pdf = zipfile.ZipFile(io.BytesIO(content)).read("statement.pdf")
        return {pdf: [self.person, self.title, self.words, self.name, self.work]}

    def emails(self) -> None:
        """Each that was due went out, with the names in it."""
        self.world.work()
        assert not self.world.sql(
            "SELECT template, state FROM message WHERE state NOT IN ('sent', 'delivered')"
        )
        sent = self.world.sandbox.mail("charles@babbage.example")
        assert len(sent) >= 4
        offered = next(one for one in sent if "sent you a contract" in one["subject"])
        # Square brackets are the letter's own: what spells a character stands between round ones.
        text = offered["text"].replace("(U+", "[U+").replace(")", "]")
        assert (
            missing_in(
                offered["subject"] + text,
                "".join(ch for ch in self.person if ch not in OF_SENTENCES),
            )
            == []
        )
        assert missing_in(text, "".join(ch for ch in self.title if ch not in OF_SENTENCES)) == []


OF_SENTENCES = frozenset('"“”„‟«»[]()@.')
"""What a sentence of ours has for itself: quotation marks, brackets, and the signs of an address.
"""

# The case comes last: it freezes everything.
ORDER = (
    "receipt",
    "invoices",
    "certificate",
    "chargebacks",
    "summary",
    "case_statement",
)


@settings(max_examples=2, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(lines, min_size=5, max_size=5), st.lists(typed, min_size=4, max_size=4))
@example(HARD_LINES, HARD_FORMS)
@example(["0", "\U000f08d1", "0", "0", "0"], ["f", "dD", "¸?", "£±D"])
def test_one_story_in_every_file(said: list[str], filled: list[str]) -> None:
    note(f"said {said!r}, filled in {filled!r}")
    assert set(ORDER) == MAKERS
    key, certificate = signing.self_signed("Holdfast tests")
    with clone(paper_key=key, paper_certificate=certificate) as world:
        story = Story(world, said, filled)
        for maker in ORDER:
            make: Callable[[], dict[bytes, list[str]]] = getattr(story, maker)
            for pdf, expected in make().items():
                found = words_of(pdf)
                for text in expected:
                    assert missing_in(found, " ".join(text.split())) == [], (
                        f"{maker}: {text!r} is not in {found!r}"
                    )
        story.emails()
        assert not world.sql(
            "SELECT kind, subject, last_error FROM job WHERE state = 'dead' OR last_error NOT "
            "LIKE '%: %'"
        )
        world.check_books()
