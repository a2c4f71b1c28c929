"""A party's signed statement of a case that was carried out: the same sums as the books, as a PDF
with the manifest and signature of every export.

The same case in the same state gives the same bytes. The freelancer reads every line; a client
those of their own contract.
"""

from __future__ import annotations

import io
import tempfile
import zipfile
from datetime import datetime
from pathlib import Path
from typing import TypedDict

from sqlalchemy.orm import Session

from service.core import repository
from service.documents import Values, compile_pdf
from service.domain.errors import StateConflict
from service.domain.money.money import plain
from service.domain.states.names import CaseState
from service.exports import manifest
from service.exports.manifest import ManifestFile
from service.models import CaseLine, Confiscation, Contract, Milestone

_BECAME = {
    "client": "back to the client, by the way it was paid",
    "same_contract_refund": "refund to the client, by the way it was paid",
    "same_contract_chargeback": "to the bank that took the payment back",
    "authority": "to an authority, by its order",
    "proven_loss": "for a proven loss of the platform",
    "remainder_to_person": "stays the freelancer's",
    "forfeit": "forfeited",
}
_EPOCH = (1980, 1, 1, 0, 0, 0)
PDF = "statement.pdf"


class CaseManifestLine(TypedDict):
    """A line of the case that the reader may see."""

    number: int
    amount_minor: int
    currency: str
    target: str
    restored_minor: int


class CaseManifest(TypedDict):
    """What the manifest of a statement says; `totals` of its file in major units."""

    export: str
    case: str
    state: str
    party: str
    contract: str | None
    at: str
    files: list[ManifestFile]
    lines: list[CaseManifestLine]


def statement(
    session: Session,
    case: Confiscation,
    contract: Contract | None,
    platform: str,
    signing_key_hex: str,
) -> bytes:
    """A ZIP of `statement.pdf`, `manifest.json` and `manifest.sig`; `contract`: only the lines of
    this contract, for its client.

    Raises StateConflict before the case was carried out, or when none of its lines is of the
    contract.
    """
    lines = [
        line
        for line in case.lines
        if contract is None or _contract_of(session, line) == contract.id
    ]
    if case.executed_at is None or not lines:
        raise StateConflict(
            "There is no statement of this case.",
            {"current_state": case.state, "allowed_actions": []},
        )
    at = max(
        moment
        for moment in (case.executed_at, case.final_at, case.changed_at, case.ended_at)
        if moment is not None
    )
    with tempfile.TemporaryDirectory(prefix="holdfast-case-") as name:
        folder = Path(name)
        (folder / PDF).write_bytes(
            compile_pdf("case", _values(session, case, lines, contract, platform), at)
        )
        manifest.write(folder, _content(case, lines, contract, folder / PDF, at), signing_key_hex)
        return _zipped(folder)


def _contract_of(session: Session, line: CaseLine) -> str | None:
    return session.get_one(Milestone, line.milestone_id).contract_id if line.milestone_id else None


def _values(
    session: Session,
    case: Confiscation,
    lines: list[CaseLine],
    contract: Contract | None,
    platform: str,
) -> Values:
    total = plain(sum(line.amount_minor for line in lines), case.currency)
    return {
        "platform": platform,
        "number": case.id,
        "title": f"Statement about {total}",
        "summary": "This is what was taken by a decision, and what became of every part of it."
        if contract is None
        else "This is what became of your money in the contract.",
        "facts": _facts(session, case, contract),
        "lines": [
            [_BECAME[one.target], plain(one.amount_minor, case.currency), _restored(one, case)]
            for one in lines
        ],
        "check": "manifest.json names this file's SHA-256 and totals and is signed (Ed25519): "
        "holdfast verify FOLDER, or any program that knows both.",
    }


def _facts(session: Session, case: Confiscation, contract: Contract | None) -> list[list[str]]:
    mine = contract is None
    person = repository.freelancer(session, case.freelancer_id).display_name
    facts = [
        ["Number", case.id],
        ["About", person if mine else contract.title if contract else ""],
        ["Carried out", _when(case.executed_at)],
    ]
    facts += [["Final", _when(case.final_at)]] if case.final_at else []
    facts += [["Changed", _when(case.changed_at)]] if case.changed_at else []
    facts += [["Reversed", _when(case.ended_at)]] if case.state == CaseState.REVERSED else []
    # What it was about is the freelancer's to read; a client reads what became of their money.
    return facts + (
        [
            ["Clause", case.clause],
            ["Facts", case.facts],
            ["Evidence", "; ".join(case.evidence) or "none"],
            ["Your answer", case.answer or "none"],
        ]
        if mine
        else []
    )


def _restored(line: CaseLine, case: Confiscation) -> str:
    return (
        f"{plain(line.restored_minor, case.currency)}: {line.restore_note}"
        if line.restore_note
        else "nothing"
    )


def _content(
    case: Confiscation, lines: list[CaseLine], contract: Contract | None, pdf: Path, at: datetime
) -> CaseManifest:
    totals = {
        "taken": plain(sum(line.amount_minor for line in lines), case.currency),
        "given_back": plain(sum(line.restored_minor for line in lines), case.currency),
    }
    return {
        "export": "statement",
        "case": case.id,
        "state": case.state,
        "party": "freelancer" if contract is None else "client",
        "contract": contract.id if contract else None,
        "at": at.isoformat(),
        "files": [
            {
                "name": PDF,
                "bytes": pdf.stat().st_size,
                "sha256": manifest.digest(pdf),
                "totals": totals,
            }
        ],
        "lines": [
            {
                "number": line.number,
                "amount_minor": line.amount_minor,
                "currency": case.currency,
                "target": line.target,
                "restored_minor": line.restored_minor,
            }
            for line in lines
        ],
    }


def _zipped(folder: Path) -> bytes:
    """Sorted names, one date, one mode: the same files give the same bytes."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for path in sorted(folder.iterdir()):
            entry = zipfile.ZipInfo(path.name, _EPOCH)
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, path.read_bytes())
    return out.getvalue()


def _when(moment: datetime | None) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC" if moment else ""
